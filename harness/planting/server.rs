//! Statements tried on the server, each in a subtransaction of its own: [`Server`].

use serde::Deserialize;
use serde_json::Value as Json;
use sqlx::postgres::PgDatabaseError;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row};

use super::spelling::quoted;

/// A statement's refusal, as PostgreSQL words it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Refusal {
    /// The SQLSTATE.
    pub state: String,
    /// The message.
    pub message: String,
    /// The constraint that was violated.
    #[serde(default)]
    pub constraint: String,
    /// The column that the refusal is about.
    #[serde(default)]
    pub column: String,
    /// The data type that the refusal is about.
    #[serde(default)]
    pub datatype: String,
    /// The table that the refusal is about, without a schema.
    #[serde(default)]
    pub table: String,
}

impl Refusal {
    /// Tells whether no other value is taken either: the server was built without something
    /// (feature_not_supported), or the role may not do it (insufficient_privilege).
    #[must_use]
    pub fn is_hopeless(&self) -> bool {
        ["0A000", "42501"].contains(&self.state.as_str())
    }
}

/// The answer to a statement: the JSON value that it returned.
pub type Answer = Result<Json, Refusal>;

/// A connection in a transaction, and how often it was asked.
pub struct Server<'a> {
    connection: &'a mut PgConnection,
    /// The number of questions that were sent.
    pub round_trips: usize,
    speaks_plpgsql: bool,
}

/// The effect of a statement that was not refused.
#[derive(Debug, Clone, Copy)]
enum Outcome {
    Kept,
    Undone,
}

/// Settings of the transaction in which rows are planted: texts read and written in one
/// way, and deferred constraints judged at once.
const SETTINGS: &str = "BEGIN; SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO, MDY'; \
    SET LOCAL IntervalStyle = 'postgres'; SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; \
    SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL jit = off; \
    SET LOCAL idle_in_transaction_session_timeout = 0; SET CONSTRAINTS ALL IMMEDIATE; \
    SELECT EXISTS (SELECT FROM pg_catalog.pg_language WHERE lanname = 'plpgsql')";

/// Runs each statement in a block of its own, so that a refusal costs no round trip.
const BLOCK: &str = r"
DECLARE
    statement text;
    answer json;
    answers json[] := '{}';
    state text; message text; violated text; about text; datatype text; relation text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[{statements}]::text[] LOOP
        BEGIN
            EXECUTE statement INTO answer;
            answers := answers || pg_catalog.json_build_object('returned', answer);
            {afterwards}
        EXCEPTION WHEN SQLSTATE 'ZH001' THEN
            NULL;
        WHEN OTHERS OR assert_failure THEN
            GET STACKED DIAGNOSTICS
                state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, violated = CONSTRAINT_NAME,
                about = COLUMN_NAME, datatype = PG_DATATYPE_NAME, relation = TABLE_NAME;
            answers := answers || pg_catalog.json_build_object('refused', pg_catalog.json_build_object(
                'state', state, 'message', message, 'constraint', violated,
                'column', about, 'datatype', datatype, 'table', relation));
        END;
    END LOOP;
    PERFORM pg_catalog.set_config('migration_harness.answers', pg_catalog.to_json(answers)::text, true);
END ";

#[derive(Deserialize)]
struct RawAnswer {
    #[serde(default)]
    returned: Json,
    refused: Option<Refusal>,
}

impl<'a> Server<'a> {
    /// Begins a transaction on a connection.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn begin(connection: &'a mut PgConnection) -> Result<Self, sqlx::Error> {
        let row = connection.fetch_one(sqlx::raw_sql(SETTINGS)).await?;
        let speaks_plpgsql = row.try_get(0)?;
        Ok(Self {
            connection,
            round_trips: 1,
            speaks_plpgsql,
        })
    }

    /// Ends the transaction with `COMMIT` or `ROLLBACK`.
    ///
    /// # Errors
    /// The connection is lost, or PostgreSQL refuses the whole.
    pub async fn end(mut self, how: &'static str) -> Result<usize, sqlx::Error> {
        self.run(how.to_owned()).await?;
        Ok(self.round_trips)
    }

    /// Runs statements whose answers are of no interest.
    ///
    /// # Errors
    /// The connection is lost or PostgreSQL refuses.
    pub async fn run(&mut self, sql: String) -> Result<(), sqlx::Error> {
        self.round_trips += 1;
        self.connection
            .execute(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await
            .map(drop)
    }

    /// Tries statements that return one JSON value each. A refused one leaves nothing.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn try_all(&mut self, statements: &[String]) -> Result<Vec<Answer>, sqlx::Error> {
        self.answers(statements, Outcome::Kept).await
    }

    /// The same, but nothing is left of any statement, and none sees another.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn rehearse(&mut self, statements: &[String]) -> Result<Vec<Answer>, sqlx::Error> {
        self.answers(statements, Outcome::Undone).await
    }

    async fn answers(
        &mut self,
        statements: &[String],
        outcome: Outcome,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        if statements.is_empty() {
            return Ok(Vec::new());
        }
        if self.speaks_plpgsql {
            self.try_in_block(statements, outcome).await
        } else {
            self.try_one_by_one(statements, outcome).await
        }
    }

    async fn try_in_block(
        &mut self,
        statements: &[String],
        outcome: Outcome,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let constants: Vec<String> = statements.iter().map(|one| quoted(one)).collect();
        // Variables keep their values when a block is rolled back.
        let afterwards = match outcome {
            Outcome::Kept => "",
            Outcome::Undone => "RAISE SQLSTATE 'ZH001';",
        };
        let body = BLOCK.replace("{afterwards}", afterwards);
        let body = body.replace("{statements}", &constants.join(",\n"));
        let mut tag = "$planting$".to_owned();
        while body.contains(&tag) {
            tag.insert(1, 'x');
        }
        let sql = format!(
            "DO {tag}{body}{tag}; SELECT pg_catalog.current_setting('migration_harness.answers')"
        );
        self.round_trips += 1;
        let row = self
            .connection
            .fetch_one(sqlx::raw_sql(AssertSqlSafe(sql)))
            .await?;
        let said: Vec<RawAnswer> = serde_json::from_str(row.try_get(0)?)
            .map_err(|cause| sqlx::Error::Decode(Box::new(cause)))?;
        #[allow(clippy::result_large_err)]
        let answers = said.into_iter().map(|one| match one.refused {
            Some(refusal) => Err(refusal),
            None => Ok(one.returned),
        });
        Ok(answers.collect())
    }

    async fn try_one_by_one(
        &mut self,
        statements: &[String],
        outcome: Outcome,
    ) -> Result<Vec<Answer>, sqlx::Error> {
        let mut answers = Vec::new();
        for statement in statements {
            self.round_trips += 1;
            let back = match outcome {
                Outcome::Kept => "",
                Outcome::Undone => "ROLLBACK TO SAVEPOINT planting; ",
            };
            let sql = format!("SAVEPOINT planting; {statement}; {back}RELEASE SAVEPOINT planting");
            let answer = self
                .connection
                .fetch_optional(sqlx::raw_sql(AssertSqlSafe(sql)))
                .await;
            answers.push(match answer {
                Ok(row) => {
                    let text: Option<String> = row
                        .map(|row| row.try_get_unchecked(0))
                        .transpose()?
                        .flatten();
                    let json = text.as_deref().map(serde_json::from_str).transpose();
                    Ok(json
                        .map_err(|cause| sqlx::Error::Decode(Box::new(cause)))?
                        .unwrap_or_default())
                }
                Err(sqlx::Error::Database(cause)) => {
                    self.run(
                        "ROLLBACK TO SAVEPOINT planting; RELEASE SAVEPOINT planting".to_owned(),
                    )
                    .await?;
                    Err(refusal(&*cause))
                }
                Err(cause) => return Err(cause),
            });
        }
        Ok(answers)
    }
}

fn refusal(cause: &dyn sqlx::error::DatabaseError) -> Refusal {
    let known = cause.try_downcast_ref::<PgDatabaseError>();
    let text = |part: Option<&str>| part.unwrap_or_default().to_owned();
    Refusal {
        state: cause.code().unwrap_or_default().into_owned(),
        message: cause.message().to_owned(),
        constraint: text(cause.constraint()),
        column: text(known.and_then(PgDatabaseError::column)),
        datatype: text(known.and_then(PgDatabaseError::data_type)),
        table: text(cause.table()),
    }
}
