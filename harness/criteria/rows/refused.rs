//! Upgrades that fail with rows.

use super::{Context, KeyedFinding, failure, short, sql};
use crate::alembic::transcript::{Statement, Transcript};
use crate::criteria::Finding;
use crate::evidence::catalog::ObjectKind;
use crate::evidence::deployment::RefusedRow;
use crate::planting::Class;
use crate::postgres::MigrateAs;

/// The length at which a line of an INSERT is broken.
const WIDTH: usize = 160;

impl Context<'_> {
    /// The upgrade fails with plain rows.
    pub(super) fn plain_rows_refused(&self) -> KeyedFinding {
        let upgrade = &self.rollout.upgrade;
        let revision = failing(upgrade);
        let table = self
            .rollout
            .smallest
            .last()
            .and_then(|insert| table_of(insert));
        let Some(table) = table else {
            let title = format!("revision {revision} fails where tables hold rows");
            let finding = failure_titled(upgrade, title).help(ROOM);
            return self.accept(
                finding,
                format!("{revision} rows"),
                "where that cannot be in production",
            );
        };
        let state = upgrade
            .outcome
            .error()
            .and_then(|error| error.sqlstate.as_deref());
        if let (Some("23503"), Some(foreign)) = (state, Foreign::read(upgrade)) {
            return self.orphan_refused(revision, table, &foreign);
        }
        let (title, condition) = match self.rollout.is_any_row {
            true => (
                format!("revision {revision} fails where {table} holds a row"),
                format!("where {table} is empty in production, and stays so"),
            ),
            false => (
                format!(
                    "revision {revision} fails with a row of {table} that the deployed schema allows"
                ),
                "where there is no such row, and there will be none".to_owned(),
            ),
        };
        let mut finding = with_rows(failure_titled(upgrade, title), &self.rollout.smallest);
        finding.notes.extend(self.set_before(table));
        let finding = if self.hides_rows_from_owner(table) {
            finding
                .note(format!(
                    "row level security is forced on {table}: the statements of its owner, who migrates here, see only the rows that a policy lets through"
                ))
                .help(format!(
                    "put it out of force meanwhile: ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY before the backfill, and FORCE after it"
                ))
        } else {
            finding.help(match state {
                Some("23502") => {
                    "add the column as nullable or with a default, set it, and then make it NOT NULL"
                }
                Some("42804" | "22P02") => {
                    "convert what is there, with postgresql_using or an UPDATE before"
                }
                _ => ROOM,
            })
        };
        self.accept(finding, format!("{revision} {table} rows"), &condition)
    }

    /// Tells whether row level security holds for the role that migrates.
    fn hides_rows_from_owner(&self, table: &str) -> bool {
        let objects = self
            .at_head
            .into_iter()
            .flat_map(|catalog| &catalog.objects);
        let mut forced = objects.filter(|object| {
            object.kind == ObjectKind::Table
                && object
                    .definition
                    .lines()
                    .any(|line| line == "FORCE ROW LEVEL SECURITY")
        });
        self.service.postgres.migrate_as == MigrateAs::Owner
            && forced.any(|object| table.rsplit('.').next() == Some(&object.name))
    }

    /// A new foreign key that no planted value keeps: none of them has to have a parent yet.
    fn orphan_refused(&self, revision: &str, table: &str, foreign: &Foreign) -> KeyedFinding {
        let Foreign {
            column,
            parent,
            key,
        } = foreign;
        let subject = format!("{table}.{column}");
        let title = format!(
            "revision {revision} fails where {subject} has a value that {parent}.{key} has not"
        );
        let query = format!(
            "SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {parent})"
        );
        let finding = with_rows(failure_titled(&self.rollout.upgrade, title), &self.rollout.smallest)
            .help(format!("remove such values first, or ask production: {query}"))
            .help("without a scan under a lock: add the constraint NOT VALID, and validate it in the next deployment")
            .command(query);
        let key = format!("{revision} {subject} orphan");
        self.accept(finding, key, "where there are none, and there will be none")
    }

    /// Special rows that fail at one statement because of one column, as one finding: the
    /// first in full.
    pub(super) fn rows_refused(&self) -> Vec<KeyedFinding> {
        let mut told: Vec<(&RefusedRow, KeyedFinding)> = Vec::new();
        for row in &self.rollout.refused {
            let keyed = self.row_refused(row);
            let is_like = |(other, _): &&mut (&RefusedRow, KeyedFinding)| {
                (&other.table, &other.column, failing(&other.upgrade))
                    == (&row.table, &row.column, failing(&row.upgrade))
            };
            let is_open = !self.service.accepted_rows.contains_key(&keyed.key);
            match told.iter_mut().find(is_like).filter(|_| is_open) {
                Some((_, first)) => {
                    first.finding.notes.push(format!(
                        "and where it {}: \"{}\"",
                        words(row.class),
                        keyed.key
                    ));
                    first.finding.acceptances.extend(keyed.finding.acceptances);
                }
                None => told.push((row, keyed)),
            }
        }
        told.into_iter().map(|(_, keyed)| keyed).collect()
    }

    /// The upgrade fails with a row that the deployed schema allows.
    fn row_refused(&self, row: &RefusedRow) -> KeyedFinding {
        let revision = failing(&row.upgrade);
        let table = short(&row.table);
        let subject = match row.class {
            Class::Twin => table.to_owned(),
            _ => format!("{table}.{}", row.column),
        };
        let mut finding = failure_titled(
            &row.upgrade,
            format!(
                "revision {revision} fails where {subject} {}",
                words(row.class)
            ),
        );
        finding = with_rows(finding, &row.inserts);
        let planted = self
            .rollout
            .planted
            .iter()
            .find(|(table, _)| *table == row.table);
        let some_set = self.set_by(&row.table, |word| word == row.column);
        let some_set = some_set.map(|set| format!("; {set}")).unwrap_or_default();
        if let Some((_, rows)) = planted {
            finding = finding.note(format!("{rows} plain rows went through{some_set}"));
        }
        let query = self.query(row);
        let finding = finding
            .help(format!(
                "deal with such rows first, or ask production: {query}"
            ))
            .command(query);
        self.accept(
            finding,
            format!("{revision} {subject} {}", key_word(row.class)),
            "where there are none, and there will be none",
        )
    }

    /// The condition of an UPDATE of a table, which leaves rows out; of one that names a column
    /// of which `is_meant`.
    fn set_by(&self, table: &str, is_meant: impl Fn(&str) -> bool) -> Option<String> {
        let table = table.rsplit('.').next()?;
        let is_update = |statement: &&Statement| {
            let words = sql::words(&statement.sql);
            let has = |name: &str| words.iter().any(|word| word == name);
            has("update") && has(table) && words.iter().any(|word| is_meant(word))
        };
        let statement = self.own().find(is_update)?;
        let line = statement.place.as_ref()?.line;
        let lower = statement.sql.to_ascii_lowercase();
        let condition = lower.rfind("where").map(|at| statement.sql[at..].trim());
        condition.map(|condition| format!("the UPDATE in line {line} sets only rows {condition}"))
    }

    /// The same of a column that the failed statement makes NOT NULL.
    fn set_before(&self, table: &str) -> Option<String> {
        let failed = sql::words(&self.rollout.upgrade.failed_statement()?.sql);
        let at = failed
            .windows(3)
            .position(|words| words == ["set", "not", "null"])?;
        let column = failed.get(at.checked_sub(1)?)?;
        self.set_by(table, |word| word == column)
    }

    /// The query to ask production with.
    fn query(&self, row: &RefusedRow) -> String {
        let (table, column) = (short(&row.table), &row.column);
        match row.class {
            Class::Null => format!("SELECT count(*) FROM {table} WHERE {column} IS NULL"),
            Class::Duplicate | Class::Twin => {
                let key = violated(&row.upgrade).unwrap_or_else(|| column.clone());
                format!("SELECT {key}, count(*) FROM {table} GROUP BY {key} HAVING count(*) > 1")
            }
            Class::OtherCase => format!(
                "SELECT lower({column}), count(*) FROM {table} GROUP BY 1 HAVING count(*) > 1"
            ),
            Class::Orphan => match Foreign::read(&row.upgrade) {
                Some(Foreign { parent, key, .. }) => format!(
                    "SELECT count(*) FROM {table} WHERE {column} IS NOT NULL AND {column} NOT IN (SELECT {key} FROM {parent})"
                ),
                None => format!("SELECT DISTINCT {column} FROM {table}"),
            },
            Class::Longest => format!("SELECT max(length({column})) FROM {table}"),
            Class::EmptyText => format!("SELECT count(*) FROM {table} WHERE {column} = ''"),
            Class::Zero => format!("SELECT count(*) FROM {table} WHERE {column} = 0"),
            Class::MinusOne => format!("SELECT count(*) FROM {table} WHERE {column} < 0"),
            Class::Lowest | Class::Highest => {
                format!("SELECT min({column}), max({column}) FROM {table}")
            }
        }
    }
}

/// Advice where nothing better is known.
const ROOM: &str = "let the revision deal with the rows that are there before it needs that";

/// The failure as `upgrade_head` would tell it, under another title and without its advice:
/// the revision works, and the rows do not.
pub(super) fn failure_titled(upgrade: &Transcript, title: String) -> Finding {
    let mut finding = failure(upgrade).unwrap_or_default();
    finding.title = title;
    finding.help.clear();
    finding.notes.retain(|note| !note.starts_with("seen in "));
    if let (Some(mark), Some(error)) = (finding.marks.first_mut(), upgrade.outcome.error()) {
        mark.label = match &error.sqlstate {
            Some(state) => format!("{state}: {}", error.first_line()),
            None => error.line(),
        };
        finding
            .notes
            .retain(|note| !note.starts_with("postgresql: "));
    }
    finding
}

fn with_rows(finding: Finding, inserts: &[String]) -> Finding {
    match inserts {
        [] => finding,
        [only] => finding.note(format!(
            "with this row, which the deployed schema allows: {}",
            wrapped(only)
        )),
        several => several.iter().fold(
            finding.note("with these rows, which the deployed schema allows:"),
            |finding, insert| finding.note(format!("  {};", wrapped(insert))),
        ),
    }
}

/// An INSERT in lines that are short enough to be shown whole, broken between values only,
/// so that it can be typed as it is shown.
fn wrapped(insert: &str) -> String {
    let (mut text, mut in_line, mut quoted) = (String::new(), 0, false);
    for letter in insert.chars() {
        quoted ^= letter == '\'';
        in_line += 1;
        if letter == ' ' && !quoted && in_line > WIDTH && text.ends_with(',') {
            text.push('\n');
            in_line = 0;
        } else {
            text.push(letter);
        }
    }
    text
}

/// The revision that fails.
pub(super) fn failing(upgrade: &Transcript) -> &str {
    let step = upgrade.failed_step().or(upgrade.steps.last());
    step.map_or("", |step| step.revision.as_str())
}

/// The table of an INSERT as the planter writes it.
fn table_of(insert: &str) -> Option<&str> {
    let rest = insert.strip_prefix("INSERT INTO ")?;
    let end = rest.find(" (").or_else(|| rest.find(" DEFAULT"))?;
    Some(short(&rest[..end]))
}

/// The columns of a unique key that rows violate, as PostgreSQL names them:
/// `Key (a, lower(b))=(1, x) is duplicated.`
fn violated(upgrade: &Transcript) -> Option<String> {
    let (_, rest) = upgrade.outcome.error()?.message.split_once("Key (")?;
    let (key, _) = rest.split_once(")=(")?;
    Some(key.to_owned())
}

/// A foreign key of one column that a statement adds.
struct Foreign {
    column: String,
    parent: String,
    key: String,
}

impl Foreign {
    /// The one of the statement that failed, or that it validates.
    fn read(upgrade: &Transcript) -> Option<Self> {
        let failed = &upgrade.failed_statement()?.sql;
        let words = sql::words(failed);
        let mut pairs = words.windows(2);
        let validates = pairs.position(|pair| pair == ["validate", "constraint"]);
        let validated = validates.and_then(|at| words.get(at + 2));
        let mut before = upgrade.statements.iter().rev();
        let added = validated
            .and_then(|name| {
                let adds = |text: &str| {
                    sql::adds_constraint(text, name) && !sql::mentions(text, "validate")
                };
                before.find(|one| adds(&one.sql))
            })
            .map(|one| sql::words(&one.sql));
        let words = added.unwrap_or(words);
        let at = words.iter().position(|word| word == "references")?;
        let (before, after) = (&words[..at], &words[at + 1..]);
        let open = after.iter().position(|word| word == "(")?;
        let [.., bracket, column, _] = before else {
            return None;
        };
        (bracket == "(").then(|| Self {
            column: column.clone(),
            parent: after[..open].concat(),
            key: after.get(open + 1).cloned().unwrap_or_default(),
        })
    }
}

fn words(class: Class) -> &'static str {
    match class {
        Class::Null => "is NULL",
        Class::Duplicate => "has a value twice",
        Class::Orphan => "has a value that nothing else has",
        Class::OtherCase => "has a value twice, in another case",
        Class::Longest => "is as long as it may be",
        Class::EmptyText => "is an empty text",
        Class::Zero => "is 0",
        Class::MinusOne => "is -1",
        Class::Lowest => "has the lowest value of its type",
        Class::Highest => "has the highest value of its type",
        Class::Twin => "has two rows that are alike",
    }
}

fn key_word(class: Class) -> &'static str {
    match class {
        Class::Null => "NULL",
        Class::Duplicate => "duplicate",
        Class::Orphan => "orphan",
        Class::OtherCase => "case",
        Class::Longest => "longest",
        Class::EmptyText => "empty",
        Class::Zero => "0",
        Class::MinusOne => "-1",
        Class::Lowest => "lowest",
        Class::Highest => "highest",
        Class::Twin => "twins",
    }
}

#[cfg(test)]
mod tests {
    use super::wrapped;

    #[test]
    fn an_insert_is_broken_between_values_only() {
        let long = "x".repeat(200);
        let insert = format!("INSERT INTO t (a, b, c) VALUES ('{long}, it''s', '{long}, y', 3)");
        let shown = wrapped(&insert);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines.len(), 3, "{shown}");
        assert!(lines[0].ends_with(", it''s',"), "{shown}");
        assert!(lines[1].ends_with(", y',"), "{shown}");
        assert_eq!(lines.join(" "), insert);
        assert_eq!(
            wrapped("INSERT INTO t DEFAULT VALUES"),
            "INSERT INTO t DEFAULT VALUES"
        );
    }
}
