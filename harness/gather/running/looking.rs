//! Looks at the running release whenever a transaction was committed: [`Looking`].

use sqlx::PgConnection;

use super::beside::{Answer, Beside};
use super::warm::{Warm, prepare};
use crate::alembic::worker::ReleaseStage;
use crate::error::Result;
use crate::evidence::running::{MOST_STATES, State, StatementKind, TriedStatement};
use crate::gather::answer::failed;
use crate::postgres::{Database, Server};

/// The lock is held by the deployment, which waits for this look
/// (lock_not_available, <https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const LOCKED: &str = "55P03";

/// The running release beside a deployment.
pub(in crate::gather) struct Looking<'a> {
    old: &'a mut Beside,
    /// The result of each of its statements before.
    before: Vec<TriedStatement>,
    connection: PgConnection,
    prepared: Vec<Warm>,
    /// The schema as it was when it was looked at last.
    schema: String,
    states: Vec<State>,
}

impl<'a> Looking<'a> {
    pub(super) async fn new(
        old: &'a mut Beside,
        before: Vec<TriedStatement>,
        database: &Database,
    ) -> Result<Self> {
        let mut connection = database.connect().await?;
        let prepared = prepare(&mut connection, &old.service.driver, &before).await?;
        let schema = schema(&mut connection).await?;
        Ok(Self {
            old,
            before,
            connection,
            prepared,
            schema,
            states: Vec::new(),
        })
    }

    /// Forgets what an attempt showed that is made once more.
    pub(in crate::gather) fn forget(&mut self) {
        self.states.clear();
    }

    /// Looks at what was committed up to a statement, where that changed the schema.
    pub(in crate::gather) async fn look(
        &mut self,
        after: u64,
        server: &Server,
        database: &Database,
    ) -> Result<()> {
        let schema = schema(&mut self.connection).await?;
        if schema == self.schema || self.states.len() >= MOST_STATES {
            return Ok(());
        }
        self.schema = schema;
        let mut state = State {
            after: Some(after),
            ..State::default()
        };
        match self.old.tries_meanwhile(server, database).await? {
            Ok(answer) => state.failed = self.failed(answer).await?,
            Err(why) => state.untried = Some(why),
        }
        self.states.push(state);
        Ok(())
    }

    /// Looks at the end; returns all that was seen, and the rows that cannot be read.
    pub(super) async fn end(
        mut self,
        server: &Server,
        database: &Database,
    ) -> Result<(Vec<State>, Vec<TriedStatement>)> {
        let mut answer = self
            .old
            .tries(server, database, ReleaseStage::After)
            .await?;
        let mixed = std::mem::take(&mut answer.mixed);
        let failed = self.failed(answer).await?;
        self.states.push(State {
            failed,
            ..State::default()
        });
        Ok((self.states, mixed))
    }

    /// The statements that fail now and did not before, prepared ones too.
    async fn failed(&mut self, now: Answer) -> Result<Vec<TriedStatement>> {
        let is_locked = |one: &TriedStatement| {
            let error = one.error.as_ref();
            error.and_then(|error| error.state.as_deref()) == Some(LOCKED)
        };
        let pairs = self.before.iter().zip(now.results);
        let broken = pairs.filter(|(before, now)| {
            before.works() && !now.works() && now.error != before.error && !is_locked(now)
        });
        let mut failed: Vec<TriedStatement> = broken.map(|(_, now)| now).collect();
        for warm in &self.prepared {
            let is_cold = |one: &TriedStatement| {
                one.table == warm.tried.table && one.kind == StatementKind::Select
            };
            if failed.iter().any(is_cold) {
                continue;
            }
            failed.extend(warm.execute(&mut self.connection).await?);
        }
        Ok(failed)
    }
}

/// All rows of the catalog that statements of a service depend on, as one text.
async fn schema(connection: &mut PgConnection) -> Result<String> {
    const TABLES: &[&str] = &[
        "pg_attrdef",
        "pg_attribute",
        "pg_class",
        "pg_constraint",
        "pg_enum",
        "pg_index",
        "pg_inherits",
        "pg_namespace",
        "pg_policy",
        "pg_proc",
        "pg_rewrite",
        "pg_sequence",
        "pg_trigger",
        "pg_type",
    ];
    let each = TABLES.iter().map(|table| {
        format!(
            "SELECT count(*) || ' ' || coalesce(sum(('x' || left(md5(xmin::text || ctid::text), 8))::bit(32)::int8), 0)
             AS one FROM pg_catalog.{table}"
        )
    });
    let all: Vec<String> = each.collect();
    let question = format!(
        "SELECT string_agg(one, ',') FROM ({}) AS all_of_them",
        all.join(" UNION ALL ")
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(question))
        .fetch_one(connection)
        .await
        .map_err(|cause| failed(&cause))
}
