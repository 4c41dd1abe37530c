//! The ways out of a lock under which much work is done.

use super::trace::{Moment, Subject, Work};
use crate::alembic::sql;
use crate::criteria::keyed::short;
use crate::quoting::{escaped, identifier, qualified};

/// The advice that fits a statement, by what it does.
pub(super) fn advice(moment: &Moment<'_>, subject: &Subject, work: &Work) -> Vec<String> {
    let table = qualified(Some(&subject.schema), &subject.name);
    let table = short(&table);
    let words = sql::words(&moment.statement.sql);
    let has = |text: &str| {
        let wanted: Vec<&str> = text.split(' ').collect();
        words
            .windows(wanted.len())
            .any(|found| found.iter().zip(&wanted).all(|(one, other)| one == other))
    };
    let text = match work {
        _ if has("validate constraint") && !has("alter domain") => validate(moment),
        _ if has("refresh materialized view") => {
            let view = moment.blocking.first().map_or(table, |one| short(&one.relation.text));
            format!("REFRESH MATERIALIZED VIEW CONCURRENTLY {view}, which needs a unique index on it")
        }
        _ if has("attach partition") => attached(table, has(&format!("attach partition {}", subject.name))),
        Work::Built(index) if has("create index") || has("create unique") => {
            match words.contains(&subject.name) {
                true => concurrently(index, subject, words.iter().any(|word| word == "unique")),
                false => of_partitions(index, table),
            }
        }
        Work::Built(index) if has("exclude") => format!(
            "an exclusion constraint can only be built under the lock: add {index} while nobody needs {table}"
        ),
        Work::Built(index) if has("unique") || has("primary key") => using_index(index, subject, table, has("primary key")),
        Work::Built(_) if has("reindex") => format!(
            "with op.get_context().autocommit_block(): op.execute(\"REINDEX {} CONCURRENTLY ...\")",
            reindexed(&words)
        ),
        Work::Rewritten if has("stored") => {
            "add a plain column that may be NULL, have a trigger set it, and fill the rows in batches by key afterwards: PostgreSQL computes a stored one for all rows at once".to_owned()
        }
        Work::Rewritten if has("add") && !has("type") => {
            "add the column without that default and without NOT NULL, SET DEFAULT in a statement of its own, and fill the rows in batches by key afterwards".to_owned()
        }
        Work::Rewritten | Work::Built(_) if has("type") => format!(
            "add a column of the new type to {table}, fill it in batches by key, and let the releases move over to it; drop the old one in a later deployment"
        ),
        _ if has("set not null") => not_null(table),
        Work::Scanned(_) if has("alter domain") => in_domain(table),
        Work::Scanned(_) if has("check") || has("foreign key") || has("references") => {
            "add the constraint NOT VALID, and VALIDATE CONSTRAINT in the next deployment: that blocks nobody".to_owned()
        }
        Work::Written(..) | Work::WrittenInParts(_) => format!(
            "change the rows of {} in batches by key, each in a transaction of its own, in a deployment without such a lock",
            subject.name
        ),
        _ if has("primary key") => not_null(table),
        Work::Rewritten | Work::Built(_) => {
            format!("do that in a deployment of its own, while nobody needs {table}")
        }
        Work::Scanned(_) => "do that in a deployment of its own, or before the first statement that locks".to_owned(),
    };
    vec![text]
}

/// A CHECK that keeps a partition from being scanned: the one that is attached, or the default one.
/// (<https://www.postgresql.org/docs/current/sql-altertable.html>, `ATTACH PARTITION`).
fn attached(table: &str, is_named: bool) -> String {
    let check = match is_named {
        true => "<the bounds of the partition>",
        false => "NOT (<the bounds of the new partition>)",
    };
    format!(
        "in a deployment before: ALTER TABLE {table} ADD CONSTRAINT <name> CHECK ({check}) NOT VALID, and in one of its own VALIDATE CONSTRAINT <name>; ATTACH PARTITION reads no row of it then"
    )
}

fn validate(moment: &Moment<'_>) -> String {
    let revision = |statement: &crate::alembic::transcript::Statement| {
        statement
            .place
            .as_ref()
            .and_then(|place| place.revision.clone())
    };
    let taker = moment.blocking.first().and_then(|one| revision(one.since));
    match taker == revision(moment.statement) {
        true => "move VALIDATE CONSTRAINT into a revision of the next deployment: by itself it blocks nobody".to_owned(),
        false => "deploy them one after the other, or transaction_per_migration=True in context.configure()".to_owned(),
    }
}

/// Alembic takes a table's schema by itself: `"sales.orders"` is a table with a dot in its name.
fn concurrently(index: &str, subject: &Subject, is_unique: bool) -> String {
    let unique = if is_unique { "unique=True, " } else { "" };
    let schema = match subject.schema.as_str() {
        "public" => String::new(),
        schema => format!("schema={}, ", escaped(schema)),
    };
    format!(
        "with op.get_context().autocommit_block(): op.create_index({}, {}, [...], {schema}{unique}postgresql_concurrently=True)",
        escaped(index),
        escaped(&subject.name)
    )
}

/// A CHECK of the table in the place of one of a domain, which keeps writers out when it is
/// validated too (<https://www.postgresql.org/docs/current/sql-alterdomain.html>).
fn in_domain(table: &str) -> String {
    format!(
        "ALTER DOMAIN ... ADD CONSTRAINT ... NOT VALID reads no row, and new values obey it; VALIDATE CONSTRAINT of a domain keeps others from writing {table}, so have a CHECK of the table, which does not, prove the old ones"
    )
}

/// The kind of object that REINDEX names
/// (<https://www.postgresql.org/docs/current/sql-reindex.html>).
fn reindexed(words: &[String]) -> String {
    let mut kinds = ["table", "schema", "database"].into_iter();
    let kind = kinds.find(|kind| words.iter().any(|word| word == kind));
    kind.unwrap_or("index").to_uppercase()
}

/// An index of a partitioned table, which cannot be built concurrently
/// (<https://www.postgresql.org/docs/current/ddl-partitioning.html>).
fn of_partitions(index: &str, table: &str) -> String {
    let index = identifier(index);
    format!(
        "CREATE INDEX <name> ON ONLY the partitioned table, which is invalid at first; of each partition, in an autocommit_block: CREATE INDEX CONCURRENTLY {index} ON {table} (...), and then ALTER INDEX <name> ATTACH PARTITION {index}"
    )
}

fn using_index(index: &str, subject: &Subject, table: &str, is_primary: bool) -> String {
    let kind = if is_primary { "PRIMARY KEY" } else { "UNIQUE" };
    format!(
        "{}; then ALTER TABLE {table} ADD CONSTRAINT {index} {kind} USING INDEX {index}",
        concurrently(index, subject, true),
        index = identifier(index)
    )
}

fn not_null(table: &str) -> String {
    format!(
        "in three steps: ALTER TABLE {table} ADD CONSTRAINT <name> CHECK (<column> IS NOT NULL) NOT VALID; in the next deployment VALIDATE CONSTRAINT <name>; then SET NOT NULL, which reads no row, and DROP CONSTRAINT <name>"
    )
}
