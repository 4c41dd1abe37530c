//! A table or a column that is not there: who creates it, and why it is not seen.

use crate::alembic::declared::Declaration;
use crate::alembic::sql;
use crate::alembic::transcript::{Exception, Statement, StatementOutcome, Transcript};
use crate::criteria::Finding;
use crate::evidence::Evidence;
use crate::manifest::Service;

/// From where on two names are alike, between 0 and 1.
const ALIKE: f64 = 0.7;

/// The lines that say what lies under a history.
const BASELINE: &str = "baseline = { sql = \"<file>\" } in the manifest, for instance from `pg_dump --schema-only` of such a database, or baseline = { models = \"<commit>\" }, which create_all built";

/// The thing that PostgreSQL did not find, and the statement that named it.
pub struct Lack<'a> {
    is_column: bool,
    /// The table of a column, where the error names it.
    table: Option<&'a str>,
    name: &'a str,
    statement: &'a Statement,
}

impl<'a> Lack<'a> {
    /// Reads the error's text, which has the names; its code says of what.
    pub fn new(error: &'a Exception, statement: &'a Statement) -> Self {
        let message = error.first_line();
        let is_column = error.sqlstate.as_deref() == Some("42703");
        // column t.a does not exist; column "a" of relation "t" does not exist
        let word = || message.split_whitespace().nth(1);
        let whole = quoted(message).or_else(word).unwrap_or_default();
        let (before, name) = whole
            .rsplit_once('.')
            .map_or((None, whole), |(before, name)| {
                (Some(before.rsplit('.').next().unwrap_or(before)), name)
            });
        let second = quoted(message.split_once(whole).map_or("", |(_, rest)| {
            rest.split_once('"').map_or("", |(_, rest)| rest)
        }));
        Self {
            is_column,
            table: before.or(second).filter(|_| is_column),
            name,
            statement,
        }
    }

    /// Tells whether a revision's call creates it.
    fn is_declared_by(&self, one: &Declaration) -> bool {
        let same_table = match (&one.table, self.table) {
            (Some(table), Some(lacking)) => table == lacking,
            (Some(table), None) => sql::mentions(&self.statement.sql, table),
            (None, _) => true,
        };
        one.name == self.name && self.is_column == one.is_column && same_table
    }

    /// Tells whether a statement that ran created it.
    fn is_made_by(&self, statement: &Statement) -> bool {
        let ran = matches!(statement.outcome, StatementOutcome::Done { .. });
        let made = |(table, column): &(String, Option<String>)| match (self.is_column, column) {
            (true, Some(column)) => column == self.name,
            (true, None) => {
                let of_table = self.table.is_none_or(|lacking| lacking == table);
                of_table && sql::mentions(&statement.sql, self.name)
            }
            (false, column) => column.is_none() && table == self.name,
        };
        ran && sql::added(&statement.sql).iter().any(made)
    }
}

/// The text between the first double quotes of an error.
pub fn quoted(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once('"')?;
    rest.split_once('"').map(|(text, _)| text)
}

/// Adds who creates what is lacking, and what to do about it.
pub fn explained(
    service: &Service,
    evidence: &Evidence,
    transcript: &Transcript,
    lack: &Lack<'_>,
    finding: Finding,
) -> Finding {
    let before = transcript.statements.iter();
    let before = before.take_while(|one| one.number != lack.statement.number);
    let before: Vec<&Statement> = before.collect();
    if let Some(at) = before.iter().rposition(|one| lack.is_made_by(one)) {
        return made_before(lack, before[at], &before[at + 1..], finding);
    }
    let declared = evidence.migrated.as_ref();
    let declared = declared.map_or(&[][..], |migrated| migrated.declared.as_slice());
    match declared.iter().find(|one| lack.is_declared_by(one)) {
        Some(one) => declared_by(service, evidence, transcript, one, finding),
        None => declared_by_none(transcript, lack, declared, finding),
    }
}

/// It was created, and yet the statement does not see it.
fn made_before(
    lack: &Lack<'_>,
    made: &Statement,
    since: &[&Statement],
    finding: Finding,
) -> Finding {
    let name = lack.name;
    let finding = finding.mark(made.place.as_ref(), format!("{name} is created here"));
    if made.beside != lack.statement.beside {
        return finding
            .note("the statement ran on a second connection, which sees nothing of a transaction that is not committed")
            .help("run it on the migration's own connection: op.get_bind(), or op.execute");
    }
    if let Some(dropped) = since.iter().find(|one| sql::drops(&one.sql, name)) {
        return finding
            .mark(dropped.place.as_ref(), format!("{name} is dropped here"))
            .help(format!("use {name} before it is dropped, or drop it later"));
    }
    if let Some(path) = since
        .iter()
        .rfind(|one| sql::mentions(&one.sql, "search_path"))
    {
        return finding
            .mark(path.place.as_ref(), "search_path is set here, and stays so")
            .note(format!("{name} is there, but in a schema that search_path no longer names"))
            .help("take that line out (pg_dump writes it into every dump), or set search_path back at the end of the same upgrade()");
    }
    finding.help(format!(
        "see in which schema {name} is created, and in which one it is looked for"
    ))
}

/// A revision's file says that it creates it.
fn declared_by(
    service: &Service,
    evidence: &Evidence,
    transcript: &Transcript,
    one: &Declaration,
    finding: Finding,
) -> Finding {
    let failed = transcript.failed_step().map(|step| step.revision.as_str());
    let ran = transcript
        .steps
        .iter()
        .any(|step| step.revision == one.revision);
    let file = service.shown(&one.place.file);
    let by = &one.revision;
    if failed == Some(by) {
        return finding
            .mark(
                Some(&one.place),
                format!("{} is created only here", one.name),
            )
            .help("move this up: what uses it has to come after it");
    }
    if ran {
        return finding
            .mark(
                Some(&one.place),
                format!("revision {by} would create {}", one.name),
            )
            .help(format!(
                "see why revision {by} did not: what stands around the call in {file}"
            ));
    }
    let finding = finding.mark(
        Some(&one.place),
        format!("created only here, by revision {by}"),
    );
    let graph = &evidence.history.graph;
    match failed.is_some_and(|failed| graph.follows(by, failed)) {
        true => finding
            .note(format!("revision {by} comes later: a revision that works with today's models sees what its own time did not have"))
            .help("name here only what is there by now: sa.table(\"<table>\", sa.column(\"id\"), ...) in place of the model")
            .help(format!("or move what needs it into a revision after {by}")),
        false => finding
            .note(format!("revision {by} is on another branch, which nothing says comes first"))
            .help(format!("say so in this revision: depends_on = \"{by}\"")),
    }
}

/// No revision's file says so.
fn declared_by_none(
    transcript: &Transcript,
    lack: &Lack<'_>,
    declared: &[Declaration],
    finding: Finding,
) -> Finding {
    let ran = |one: &&Declaration| {
        transcript
            .steps
            .iter()
            .any(|step| step.revision == one.revision)
    };
    let alike = |one: &Declaration| strsim::normalized_damerau_levenshtein(&one.name, lack.name);
    let nearest = declared
        .iter()
        .filter(|one| one.is_column == lack.is_column)
        .filter(ran)
        .map(|one| (alike(one), one))
        .filter(|(score, _)| *score >= ALIKE)
        .max_by(|(left, _), (right, _)| left.total_cmp(right));
    if let Some((_, one)) = nearest {
        return finding
            .mark(
                Some(&one.place),
                format!("revision {} creates {}", one.revision, one.name),
            )
            .help(format!("did you mean \"{}\"?", one.name));
    }
    let name = lack.name;
    let finding = finding.note(format!(
        "no revision creates {name}, as far as their calls spell it out"
    ));
    if let Some(table) = lack
        .is_column
        .then(|| own_table(transcript, lack))
        .flatten()
    {
        return finding.help(format!(
            "add it first: op.add_column(\"{table}\", sa.Column(\"{name}\", ...)), or name a column that {table} has"
        ));
    }
    let finding = match lack.is_column && creates_table(transcript) {
        true => finding,
        false => on_what_was_there(transcript, name, finding),
    };
    let first = transcript.steps.first();
    finding.help(format!(
        "where tables were there before the history: let a new first revision create those, and set down_revision of {} to it",
        first.map_or("the first one", |step| &step.revision)
    ))
}

/// The table of a column that is lacking, where a revision has created that table.
fn own_table(transcript: &Transcript, lack: &Lack<'_>) -> Option<String> {
    let created = transcript
        .statements
        .iter()
        .flat_map(|one| sql::added(&one.sql));
    let mut tables = created.filter_map(|(table, column)| column.is_none().then_some(table));
    tables.find(|table| match lack.table {
        Some(lacking) => lacking == table,
        None => sql::mentions(&lack.statement.sql, table),
    })
}

/// Advice for a history that may begin on tables, and schemas, from before it.
pub fn on_what_was_there(transcript: &Transcript, name: &str, finding: Finding) -> Finding {
    finding.help(match creates_table(transcript) {
        true => format!(
            "where {name} was there before the history, as what create_all built, say so: {BASELINE}"
        ),
        false => format!("no revision before this one creates a table: where the history begins on tables that were there before it, say what they are: {BASELINE}"),
    })
}

/// Tells whether a revision had created a table before one failed: a history that begins on
/// tables from before it often begins with an empty revision.
fn creates_table(transcript: &Transcript) -> bool {
    let mut own = transcript
        .statements
        .iter()
        .filter(|one| one.place.is_some());
    own.any(|one| {
        sql::added(&one.sql)
            .iter()
            .any(|(_, column)| column.is_none())
    })
}

#[cfg(test)]
mod tests;
