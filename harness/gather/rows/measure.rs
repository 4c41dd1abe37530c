//! A deployment on tables with many rows, of which each statement is measured.

mod within;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use sqlx::{AssertSqlSafe, PgConnection};

use super::Start;
use crate::alembic::sql;
use crate::alembic::worker::{Command, Probing};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::locks::{InvalidIndex, Measured, Relation};
use crate::gather::Driver;
use crate::gather::answer::failed;
use crate::planting::catalog::Table;
use crate::planting::{Keys, Planter, Tables, Wishes};
use crate::postgres::Phase;

/// The rows of a table that the deployment names.
const MANY: u32 = 1000;
/// The rows of such a table where it is asked how the work grows.
const FEWER: u32 = MANY / 4;
/// Has each table that is scanned be one that would be scanned however many rows it had.
const UNSCANNED: &[&str] = &["enable_seqscan"];
/// The same, and no plan that reads many rows at once because there are so few.
const NESTED: &[&str] = &[
    "enable_seqscan",
    "enable_bitmapscan",
    "enable_hashjoin",
    "enable_mergejoin",
    "enable_sort",
];
/// The rows of any other one, which functions and triggers may reach.
const FEW: u32 = 20;
/// So many rows are planted in all tables that are named, as far as each has a few.
const BUDGET: u32 = 50_000;
/// Among more tables the others get rows only where a statement may reach more than it names.
const AFFORDABLE: usize = 200;

/// The words of statements that may reach tables which they do not name.
const REACH_FURTHER: &[&str] = &[
    "do", "execute", "call", "perform", "cascade", "domain", "reindex", "vacuum", "cluster",
];

/// The conditions under which a deployment is measured.
#[derive(Clone, Copy)]
struct Conditions<'a> {
    /// The statements whose tables have many rows.
    statements: &'a [&'a str],
    /// The number of these rows.
    many: u32,
    /// The ways of the planner that are not taken.
    without: &'a [&'a str],
    /// Tells whether event triggers ask around each command of a block or function.
    within: bool,
}

impl Driver<'_> {
    /// The upgrade of a further copy, with what its statements lock and read; `None` where
    /// PostgreSQL refuses the team's own rows.
    ///
    /// It is a run of its own, so that what the rows of a deployment are judged by is never
    /// one that was looked at from inside.
    pub(super) async fn measure(&mut self, start: &Start<'_>) -> Result<Option<Measured>> {
        let plain = Conditions {
            statements: &start.statements,
            many: MANY,
            without: UNSCANNED,
            within: false,
        };
        let Some(mut measured) = self.measure_under(start, plain).await? else {
            return Ok(None);
        };
        let heard = heard_with_rows(&measured, plain.statements);
        let heard = heard.iter().map(String::as_str);
        let statements: Vec<&str> = plain.statements.iter().copied().chain(heard).collect();
        let mut conditions = Conditions {
            statements: &statements,
            ..plain
        };
        if statements.len() > plain.statements.len() {
            let again = self.measure_under(start, conditions).await?;
            measured = again.unwrap_or(measured);
        }
        if measured.hides_an_order() {
            conditions.within = true;
            let again = self.measure_under(start, conditions).await?;
            let again = again.filter(|again| again.upgrade.finished());
            conditions.within = again.is_some();
            measured = again.unwrap_or(measured);
        }
        let work = measured.work();
        let fewer = match work.may_grow() {
            true => self.measure_fewer(start, conditions).await?,
            false => None,
        };
        let growing = fewer.as_deref().map(|fewer| work.growing_from(fewer));
        conditions.without = NESTED;
        let mut nested = None;
        if growing.is_some_and(|lines| !lines.is_empty())
            && let Some(mut looked_up) = self.measure_under(start, conditions).await?
        {
            looked_up.fewer = self.measure_fewer(start, conditions).await?;
            nested = Some(Box::new(looked_up));
        }
        Ok(Some(Measured {
            fewer,
            nested,
            ..measured
        }))
    }

    /// The same on a quarter of the rows.
    async fn measure_fewer(
        &mut self,
        start: &Start<'_>,
        conditions: Conditions<'_>,
    ) -> Result<Option<Box<Measured>>> {
        self.in_time(start.deadline)?;
        let fewer = Conditions {
            many: FEWER,
            ..conditions
        };
        Ok(self.measure_under(start, fewer).await?.map(Box::new))
    }

    /// The same under conditions.
    async fn measure_under(
        &mut self,
        start: &Start<'_>,
        conditions: Conditions<'_>,
    ) -> Result<Option<Measured>> {
        let Conditions {
            statements,
            many,
            without,
            ..
        } = conditions;
        self.revive().await?;
        self.start_on(Some(start.template.clone()), Phase::Deployed)
            .await?;
        if self.plant_own(&start.own).await?.is_some() {
            return Ok(None);
        }
        let versions = self.versions_in();
        let connection = self.connection().await?;
        let tables = Tables::read(connection).await?;
        let wishes = wishes(&tables, statements, versions.clone(), many);
        let mut planter = Planter::new(tables, wishes);
        planter.plant(connection).await?;
        fitting(connection, planter.tables(), statements).await?;
        let relations = relations(connection, &versions).await?;
        let invalid = invalid(connection).await?;
        let probing = Probing {
            flushes: flushes(connection).await?,
            within: conditions.within && within::lay(connection).await?,
        };
        for way in without {
            let alter = format!("ALTER DATABASE \"{}\" SET {way} = off", self.database.name);
            run(self.connection().await?, &alter).await?;
        }
        self.connection = None;
        let upgrade = self
            .command(Command::Measure(start.target, probing))
            .await?;
        let left = match upgrade.finished() {
            true => self::invalid(self.connection().await?).await?,
            false => Vec::new(),
        };
        self.connection = None;
        let is_new = |index: &InvalidIndex| !invalid.contains(index);
        Ok(Some(Measured {
            revisions: start.revisions.to_vec(),
            upgrade,
            flushes: probing.flushes,
            relations,
            invalid: left.into_iter().filter(is_new).collect(),
            fewer: None,
            nested: None,
        }))
    }
}

/// The statements that only rows bring about, as in a loop over them, where those name tables
/// that no other statement does.
fn heard_with_rows(measured: &Measured, statements: &[&str]) -> Vec<String> {
    let executed = measured.upgrade.statements_of(&measured.revisions);
    let known: BTreeSet<&str> = statements.iter().copied().collect();
    let heard = executed.map(|one| one.sql.as_str());
    let heard: BTreeSet<&str> = heard.filter(|text| !known.contains(text)).collect();
    let words = |texts: &BTreeSet<&str>| -> BTreeSet<String> {
        texts.iter().flat_map(|text| sql::words(text)).collect()
    };
    let (named, now) = (words(&known), words(&heard));
    let is_new = |relation: &&Relation| {
        let is_heard = now.contains(&relation.name) && !named.contains(&relation.name);
        relation.rows <= i64::from(FEW) && is_heard
    };
    match measured.relations.iter().find(is_new) {
        Some(_) => heard.into_iter().map(str::to_owned).collect(),
        None => Vec::new(),
    }
}

/// Many rows in the tables that statements name and in those they refer to; few in others,
/// and none where it is plain that no statement reaches them.
fn wishes(tables: &Tables, statements: &[&str], versions: (String, String), many: u32) -> Wishes {
    let words: BTreeSet<String> = statements
        .iter()
        .flat_map(|text| sql::words(text))
        .collect();
    let is_named = |name: &str| words.contains(name);
    let leaves = |name: &str| {
        let mut parts = name.rsplit('.');
        parts
            .next()
            .is_some_and(|last| is_named(last.trim_matches('"')))
    };
    let named = tables.tables.iter().filter(|table| {
        is_named(&table.name) || table.leaves.iter().any(|leaf| leaves(&leaf.name))
    });
    let mut ahead: Vec<i64> = named.map(|table| table.oid).collect();
    let mut found = BTreeSet::new();
    while let Some(oid) = ahead.pop() {
        if let (true, Some(table)) = (found.insert(oid), tables.with_oid(oid)) {
            ahead.extend(table.conditions.iter().filter_map(|one| one.refers_to));
        }
    }
    let wanted = tables
        .tables
        .iter()
        .filter(|table| found.contains(&table.oid));
    let named = u32::try_from(found.len()).unwrap_or(u32::MAX);
    let many = many.min(FEW.max(BUDGET / named.max(1)));
    let mut rows_of: BTreeMap<(String, String), u32> = wanted
        .map(|table| ((table.schema.clone(), table.name.clone()), many))
        .collect();
    rows_of.insert(versions, 0);
    let is_affordable = tables.tables.len() <= AFFORDABLE;
    let reaches_further = REACH_FURTHER.iter().any(|word| is_named(word));
    Wishes {
        rows: if is_affordable || reaches_further {
            FEW
        } else {
            0
        },
        rows_of,
        keys: Keys::FarAway,
        statements: statements.iter().map(|&sql| sql.to_owned()).collect(),
    }
}

/// Has planted values refer to rows where the deployment adds a foreign key: plain rows know
/// none, and what fails measures nothing. What PostgreSQL refuses of it is left as it is.
async fn fitting(
    connection: &mut PgConnection,
    tables: &Tables,
    statements: &[&str],
) -> Result<()> {
    for foreign in statements.iter().filter_map(|text| sql::foreign_key(text)) {
        let named = |name: &str| tables.tables.iter().find(|table| table.name == name);
        let (Some(child), Some(parent)) = (named(&foreign.table), named(&foreign.parent)) else {
            continue;
        };
        let column = |table: &Table, name: &str| {
            let mut columns = table.columns.iter();
            columns
                .find(|one| one.name == name)
                .map(|one| one.text.clone())
        };
        let referred = match &foreign.key {
            Some(key) => column(parent, key),
            None => parent.key().first().map(|one| one.text.clone()),
        };
        let (Some(own), Some(referred)) = (column(child, &foreign.column), referred) else {
            continue;
        };
        let update = format!(
            "UPDATE {child} SET {own} = refers.key FROM
               (SELECT ctid AS at, row_number() OVER () AS n FROM {child}) AS own,
               (SELECT {referred} AS key, row_number() OVER () AS n FROM {parent}) AS refers
             WHERE {child}.ctid = own.at AND refers.n = own.n
               AND {child}.{own} IS NOT NULL",
            child = child.text,
            parent = parent.text,
        );
        let rest = format!(
            "DELETE FROM {child} WHERE {own} IS NOT NULL AND {own} NOT IN (SELECT {referred} FROM {parent})",
            child = child.text,
            parent = parent.text,
        );
        for statement in [update, rest] {
            match sqlx::query(AssertSqlSafe(statement))
                .execute(&mut *connection)
                .await
            {
                Ok(_) | Err(sqlx::Error::Database(_)) => {}
                Err(cause) => return Err(failed(&cause)),
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Known {
    oid: i64,
    schema: String,
    name: String,
    text: String,
    kind: String,
    filenode: i64,
    indexes: Vec<(i64, i64)>,
}

const RELATIONS: &str = r"
SELECT coalesce(json_agg(json_build_object(
  'oid', c.oid::int8, 'schema', n.nspname, 'name', c.relname,
  'text', format('%I.%I', n.nspname, c.relname), 'kind', c.relkind,
  'filenode', c.relfilenode::int8,
  'indexes', (SELECT coalesce(json_agg(json_build_array(x.oid::int8, x.relfilenode::int8)), '[]')
     FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid = c.oid))
  ORDER BY c.oid), '[]')::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND c.oid::int8 >= 16384
  AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\_toast%'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass
    AND d.objid = c.oid AND d.deptype = 'e')";

/// The relations of a database, with the number of their rows.
async fn relations(
    connection: &mut PgConnection,
    versions: &(String, String),
) -> Result<Vec<Relation>> {
    let text: String = sqlx::query_scalar(RELATIONS)
        .fetch_one(&mut *connection)
        .await
        .map_err(|cause| failed(&cause))?;
    let known: Vec<Known> = serde_json::from_str(&text).map_err(|cause| {
        HarnessError::new(
            Stage::Evidence,
            format!("the relations cannot be read: {cause}"),
        )
    })?;
    let mut relations = Vec::new();
    for one in known {
        if (&one.schema, &one.name) == (&versions.0, &versions.1) {
            continue;
        }
        let counted = format!("SELECT count(*) FROM {}", one.text);
        // A materialised view that was never filled cannot be read.
        let rows = match sqlx::query_scalar(AssertSqlSafe(counted))
            .fetch_one(&mut *connection)
            .await
        {
            Ok(rows) => rows,
            Err(sqlx::Error::Database(_)) => 0,
            Err(cause) => return Err(failed(&cause)),
        };
        relations.push(Relation {
            oid: one.oid,
            schema: one.schema,
            name: one.name,
            text: one.text,
            kind: one.kind,
            filenode: one.filenode,
            indexes: one.indexes,
            rows,
        });
    }
    Ok(relations)
}

/// The indexes that no query uses.
async fn invalid(connection: &mut PgConnection) -> Result<Vec<InvalidIndex>> {
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "SELECT x.relname::text, format('%I.%I', n.nspname, c.relname), x.relkind = 'I'
         FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
         JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE NOT i.indisvalid AND c.oid::int8 >= 16384 AND n.nspname NOT LIKE 'pg\\_%'
         ORDER BY 2, 1",
    )
    .fetch_all(connection)
    .await
    .map_err(|cause| failed(&cause))?;
    let indexes = rows
        .into_iter()
        .map(|(name, table, is_partitioned)| InvalidIndex {
            name,
            table,
            is_partitioned,
        });
    Ok(indexes.collect())
}

/// Tells whether the server has `pg_stat_force_next_flush`
/// (<https://www.postgresql.org/docs/release/15.0/>).
async fn flushes(connection: &mut PgConnection) -> Result<bool> {
    sqlx::query_scalar("SELECT to_regproc('pg_catalog.pg_stat_force_next_flush') IS NOT NULL")
        .fetch_one(connection)
        .await
        .map_err(|cause| failed(&cause))
}

async fn run(connection: &mut PgConnection, statement: &str) -> Result<()> {
    let ran = sqlx::query(AssertSqlSafe(statement.to_owned()));
    ran.execute(connection)
        .await
        .map(drop)
        .map_err(|cause| failed(&cause))
}
