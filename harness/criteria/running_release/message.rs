//! The text about statements that fail: [`finding`].

use super::Finding;
use crate::alembic::sql;
use crate::alembic::transcript::Place;
use crate::evidence::running::{Running, StatementKind, TriedStatement};
use crate::git::short;
use crate::text::one_line;

/// Letters of a statement.
const LETTERS: usize = 160;

/// PostgreSQL's codes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const UNDEFINED_COLUMN: &str = "42703";
const UNDEFINED_TABLE: &str = "42P01";
const NOT_NULL: &str = "23502";
const NO_CONFLICT_TARGET: &str = "42P10";
const GENERATED: &str = "428C9";
const TOO_LONG: &str = "22001";
const OTHER_RESULT: &str = "0A000";

/// Statements on one table that fail for one reason.
pub(super) struct FailureGroup<'a> {
    first: &'a TriedStatement,
    /// All of them.
    pub statements: Vec<&'a TriedStatement>,
    column: Option<String>,
    /// Tells whether the running models have that column.
    is_known: bool,
    /// The state at which they fail first.
    pub since: usize,
    /// The state at which they work again.
    pub until: Option<usize>,
}

impl<'a> FailureGroup<'a> {
    pub(super) fn new(one: &'a TriedStatement, running: &Running, since: usize) -> Self {
        let column = column(one);
        let known = running.tables.get(&one.table).unwrap_or(&one.columns);
        Self {
            first: one,
            statements: vec![one],
            is_known: column.as_ref().is_some_and(|column| known.contains(column)),
            column,
            since,
            until: running.until(one, since),
        }
    }

    /// Tells whether it is one defect, as far as the answers tell.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.is_alike(other) && (self.since, self.until) == (other.since, other.until)
    }

    fn is_alike(&self, other: &Self) -> bool {
        self.table() == other.table()
            && self.state() == other.state()
            && self.column == other.column
    }

    /// Tells whether it has the statement already, which goes on to fail for that reason.
    pub(super) fn has(&self, other: &Self) -> bool {
        let is_over = self.until.is_some_and(|until| until <= other.since);
        let mut own = self.statements.iter();
        self.is_alike(other) && !is_over && own.any(|one| one.is_same(other.first))
    }

    /// The names by which the statement is found after which it fails: the table, and the
    /// column where there is one.
    pub(super) fn names(&self) -> Vec<String> {
        let table = match self.first.kind {
            StatementKind::Given => self.relation(),
            _ => sql::words(self.table()).pop(),
        };
        table.into_iter().chain(self.column.clone()).collect()
    }

    /// The table that PostgreSQL's answer to a given statement names.
    fn relation(&self) -> Option<String> {
        let is_named = self.state() == Some(UNDEFINED_TABLE);
        let quoted = is_named.then(|| self.message().split('"').nth(1)).flatten();
        sql::words(quoted?).pop()
    }

    /// The statement that is shown: one that writes NULL, where that is refused.
    fn shown(&self) -> &'a TriedStatement {
        let mut with_null = self.statements.iter().filter(|one| one.detail == "null");
        let is_refused = self.state() == Some(NOT_NULL) && self.is_known;
        let chosen = is_refused.then(|| with_null.next()).flatten();
        chosen.unwrap_or(&self.first)
    }

    pub(super) fn table(&self) -> &'a str {
        &self.first.table
    }

    pub(super) fn column(&self) -> Option<&str> {
        self.column.as_deref()
    }

    /// The rest of its key, after the revision.
    pub(super) fn key(&self) -> String {
        let table = self.table();
        let what = match self.state() {
            Some(UNDEFINED_TABLE | UNDEFINED_COLUMN) => "gone",
            Some(NOT_NULL) => "required",
            Some(OTHER_RESULT) => "warm",
            Some(TOO_LONG) => "narrower",
            Some(NO_CONFLICT_TARGET) => "conflict target",
            _ => "refused",
        };
        match self.column() {
            Some(column) if self.first.kind == StatementKind::Given => {
                format!("{table} {column} {what}")
            }
            Some(column) => format!("{table}.{column} {what}"),
            None => format!("{table} {what}"),
        }
    }

    /// Words of which a statement that does this has one; none where any may.
    pub(super) fn causes(&self) -> &'static [&'static str] {
        match self.state() {
            Some(UNDEFINED_TABLE | UNDEFINED_COLUMN) => &["drop", "rename"],
            Some(NOT_NULL) => &["null", "default"],
            _ => &[],
        }
    }

    fn state(&self) -> Option<&str> {
        self.first.error.as_ref()?.state.as_deref()
    }

    fn message(&self) -> &str {
        let error = self.first.error.as_ref();
        error.map_or("", |error| error.message.as_str())
    }

    /// `insert into and update orders`.
    fn deeds(&self) -> String {
        let mut deeds: Vec<&str> = Vec::new();
        for one in &self.statements {
            let deed = match one.kind {
                StatementKind::Select => "read",
                StatementKind::Insert | StatementKind::Upsert => "insert into",
                StatementKind::Update => "update",
                StatementKind::Delete => "delete from",
                StatementKind::Given => "execute",
            };
            if !deeds.contains(&deed) {
                deeds.push(deed);
            }
        }
        let last = deeds.pop().unwrap_or("use");
        match deeds.is_empty() {
            true => last.to_owned(),
            false => format!("{} and {last}", deeds.join(", ")),
        }
    }
}

/// The column that the answer is about: one that the statement names, or else the first that is
/// quoted, or the only one there is.
fn column(one: &TriedStatement) -> Option<String> {
    let error = one.error.as_ref()?;
    match error.state.as_deref() {
        Some(UNDEFINED_TABLE) => return None,
        Some(NO_CONFLICT_TARGET) if one.kind == StatementKind::Given => return None,
        Some(NO_CONFLICT_TARGET) => return Some(one.target.join(", ")),
        Some(UNDEFINED_COLUMN) if one.kind == StatementKind::Given => {
            return unknown_column(&error.message);
        }
        _ => {}
    }
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
    let mut words = error.message.split(|letter: char| !is_letter(letter));
    let of_table = |word: &&str| one.table.split('.').any(|part| part == *word);
    let is_column = |word: &&str| one.columns.iter().any(|column| column == word);
    let named = words.find(|word| is_column(word) && !of_table(word));
    let quoted = || error.message.split('"').nth(1);
    let is_of_columns = |state| [NOT_NULL, UNDEFINED_COLUMN].contains(&state);
    let quoted = error
        .state
        .as_deref()
        .filter(|state| is_of_columns(*state))
        .and_then(|_| quoted());
    let only = match one.columns.as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    };
    named.or(quoted).or(only).map(str::to_owned)
}

/// The column in `column o.email does not exist`, and in the same with quotes.
fn unknown_column(message: &str) -> Option<String> {
    let named = message.split_once("column ")?.1.split_once(" does")?.0;
    sql::words(named).pop()
}

/// The finding about them.
pub(super) fn finding(
    broken: &FailureGroup<'_>,
    running: &Running,
    place: Option<&Place>,
) -> Finding {
    let table = broken.table();
    let state = broken.state().unwrap_or("raised by Python");
    let who = &running.release;
    let since = match broken.until {
        None => "any more",
        Some(_) => "while the deployment is under way",
    };
    let title = match (broken.first.is_warm, &broken.first.given) {
        (true, _) => format!(
            "the running release ({who}) cannot read {table} by the statements that it has prepared"
        ),
        (false, Some(given)) => format!(
            "the running release ({who}) cannot execute {}:{} {since}",
            given.file.display(),
            given.line
        ),
        (false, None) => format!(
            "the running release ({who}) cannot {} {table} {since}",
            broken.deeds()
        ),
    };
    let mut finding = Finding::new(title)
        .mark(place, format!("after this: {state} {}", broken.message()))
        .note(statement(broken, running));
    if broken.statements.len() > 1 {
        finding = finding.note(format!(
            "{} of its statements fail for that reason",
            broken.statements.len()
        ));
    }
    finding.help(advice(broken))
}

/// The same where it works again before the deployment is over.
pub(super) fn for_a_while(mut finding: Finding, until: Option<&Place>) -> Finding {
    let revision = until.and_then(|place| place.revision.as_deref());
    finding.help.clear();
    finding
        .mark(until, "until this is committed")
        .note(match revision {
            Some(revision) => format!(
                "that lasts until revision {revision}, which a transaction of its own commits"
            ),
            None => {
                "that lasts until a later transaction of the deployment is committed".to_owned()
            }
        })
        .help("let one transaction do both: in one revision, outside of autocommit_block")
}

/// The finding about rows of the next release.
pub(super) fn mixed(one: &TriedStatement, running: &Running, place: Option<&Place>) -> Finding {
    let column = one.columns.first().map_or("", String::as_str);
    let message = one
        .error
        .as_ref()
        .map_or("", |error| error.message.as_str());
    let table = &one.table;
    let mut finding = Finding::new(format!(
        "the running release ({}) cannot read rows of {table} whose {column} is {}",
        &running.release,
        one.detail.strip_prefix("label ").unwrap_or(&one.detail)
    ))
    .mark(place, "such rows are possible after this")
    .note(message);
    if let Some(class) = class(table, running) {
        finding = finding.note(format!("{}{class}", one.sql));
    }
    finding.help("release code that knows the label first, and let the release after that write it")
}

/// The place of the class behind a table.
fn class(table: &str, running: &Running) -> Option<String> {
    running.classes.get(table).map(|class| {
        let commit = short(&running.release.commit);
        format!(" ({}:{} at {commit})", class.file.display(), class.line)
    })
}

/// The statement, the class that makes it, and what is particular about it.
fn statement(broken: &FailureGroup<'_>, running: &Running) -> String {
    let one = broken.shown();
    let sql = one_line(&one.sql);
    let text = sql.split(" VALUES ").next().unwrap_or(&sql);
    let conflict = sql.find(" ON CONFLICT ").map_or("", |at| &sql[at..]);
    let text = format!("{text}{conflict}");
    let text = text.split(" LIMIT ").next().unwrap_or(&text);
    let text = match text.char_indices().nth(LETTERS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    };
    if one.kind == StatementKind::Given {
        return text;
    }
    let class = class(&one.table, running);
    let particular = match (broken.column(), one.detail.as_str()) {
        (Some(column), _) if !broken.is_known && one.target.is_empty() => {
            format!(", which does not know {column}")
        }
        (Some(column), "null") => format!(", with NULL for {column}"),
        (_, "" | "needed" | "null") => String::new(),
        (_, detail) => format!(", with {detail}"),
    };
    format!("{text}{}{particular}", class.unwrap_or_default())
}

fn advice(broken: &FailureGroup<'_>) -> String {
    let relation = broken.relation();
    let is_given = broken.first.kind == StatementKind::Given;
    let table = match is_given {
        true => relation.as_deref().unwrap_or("the table"),
        false => broken.table(),
    };
    let column = broken.column().unwrap_or("the column");
    match broken.state() {
        Some(UNDEFINED_COLUMN) if is_given => format!(
            "keep {column} in this deployment, release code that does not use it, and drop it in the next one"
        ),
        Some(UNDEFINED_COLUMN) => format!(
            "keep {table}.{column} in this deployment, release code that does not use it, and drop it in the next one"
        ),
        Some(UNDEFINED_TABLE) => format!(
            "keep {table} in this deployment; where it was renamed, a view under its old name is enough: CREATE VIEW {table} AS SELECT * FROM <new name>"
        ),
        Some(NOT_NULL) if !broken.is_known => {
            format!("give {column} a default in this deployment, and drop that in the next one")
        }
        Some(NOT_NULL) if broken.shown().detail == "null" => format!(
            "let {column} be NULL in this deployment, and make it NOT NULL in the next one, when no running code writes NULL"
        ),
        Some(NOT_NULL) => {
            format!("keep the default of {column} in this deployment, and drop it in the next one")
        }
        Some(NO_CONFLICT_TARGET) => "keep the unique constraint or index in this deployment, and drop it in the next one".to_owned(),
        Some(GENERATED) => format!(
            "add the generated column beside {column}, and drop {column} in the next deployment; an identity column takes what is given where it is GENERATED BY DEFAULT"
        ),
        Some(TOO_LONG) => format!(
            "keep {column} as wide as the running models say, and make it narrower in the next deployment"
        ),
        Some(OTHER_RESULT) => "add a column of the new type beside the old one; processes that are connected fail until they connect anew".to_owned(),
        _ => "keep what the running release needs in this deployment, and take it away in the next one".to_owned(),
    }
}
