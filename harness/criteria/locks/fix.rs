//! The steps by which a deployment does its work where nothing is locked.
//!
//! Alembic runs all pending revisions in one transaction, so that a revision more is no
//! transaction more: each step that has to be by itself is put into an `autocommit_block`, which
//! commits what came before.

use super::trace::{Moment, Work, moments};
use super::{CRITERION, Context};
use crate::alembic::edits::Source;
use crate::alembic::sql::concurrently;
use crate::criteria::proposal::{Act, Class, Fix, Proposal, PublishedIds, execute};
use crate::evidence::Evidence;
use crate::manifest::Service;
use crate::patch::{Edit, Patch};

/// The block in which each statement is a transaction of its own
/// (<https://alembic.sqlalchemy.org/en/latest/api/runtime.html>, `autocommit_block`).
const BLOCK: &str = "with op.get_context().autocommit_block():";
/// The timeout where the manifest requires one and a revision sets none.
const TIMEOUT: &str = "op.execute(\"SET LOCAL lock_timeout = '5s'\")";

/// Proposes the steps for each statement that works while it locks, and a timeout for each
/// revision that waits for a lock without one.
pub fn propose(service: &Service, evidence: &Evidence, _: &PublishedIds) -> Vec<Proposal> {
    let locks = evidence.locks.iter().flat_map(|locks| &locks.measured);
    let contexts: Vec<Context<'_>> = locks
        .map(|measured| Context { service, measured })
        .collect();
    let mut proposals: Vec<Proposal> = Vec::new();
    for context in &contexts {
        let moments = moments(context.measured);
        for proposal in moments.iter().flat_map(|moment| context.proposals(moment)) {
            if !proposals.contains(&proposal) {
                proposals.push(proposal);
            }
        }
    }
    proposals
}

/// The kinds of statements that have steps.
enum StatementKind {
    Index,
    /// A constraint that was added before.
    Validate,
    /// A constraint by the name, on the table.
    NotValid {
        table: String,
        name: String,
    },
    /// The same, with its columns.
    Unique {
        table: String,
        name: String,
        columns: String,
    },
    NotNull {
        table: String,
        column: String,
    },
}

impl Context<'_> {
    fn proposals(&self, moment: &Moment<'_>) -> Vec<Proposal> {
        let is_open = |key: &String| !self.service.locks.accepted.contains_key(key);
        let working = self.working(moment);
        let working = working.filter(|one| one.is_red && is_open(&one.key));
        let mut untimed = self.untimed(moment);
        let untimed = untimed.any(|one| is_open(&one.key));
        let work = moment.works.first().map(|(_, work)| work);
        let steps = working.and(work).map(|work| self.steps(moment, work));
        let timeout = untimed.then(|| self.timeout(moment)).flatten();
        steps.into_iter().chain(timeout).collect()
    }

    /// The steps in the place of a statement, or why there are none.
    fn steps(&self, moment: &Moment<'_>, work: &Work) -> Proposal {
        let revision = self.revision(moment.statement);
        match self.edited(moment, work) {
            Ok((what, patch)) => Proposal::Fix(Fix {
                class: Class::Unsafe,
                ..Fix::new(
                    &CRITERION,
                    format!("revision {revision} {what}"),
                    Act::Edit(patch),
                )
            }),
            Err(why) => Proposal::refused(&CRITERION, format!("revision {revision}: {why}")),
        }
    }

    fn edited(&self, moment: &Moment<'_>, work: &Work) -> Result<(String, Patch), String> {
        let sql = &moment.statement.sql;
        let kind = kind(sql, work)?;
        let place = moment.statement.place.as_ref();
        let place = place.ok_or("no line of a revision executes the statement")?;
        let mut beside = self.measured.upgrade.statements.iter();
        if beside.any(|one| one.place == moment.statement.place && one.sql != *sql) {
            let line = place.line;
            return Err(format!("line {line} executes more than one statement"));
        }
        let source = Source::read(&place.file);
        let source = source.ok_or("its file cannot be parsed")?;
        let edits = kind.edits(&source, place.line);
        let edits = edits.ok_or(format!(
            "line {} is no call of `op` whose statement is written out",
            place.line
        ))?;
        let patch = Patch::default().edit(&place.file, edits);
        Ok((kind.what(), patch))
    }

    fn timeout(&self, moment: &Moment<'_>) -> Option<Proposal> {
        let file = &moment.statement.place.as_ref()?.file;
        let edits = Source::read(file)?.with_first_lines("upgrade", &[TIMEOUT.to_owned()])?;
        let revision = self.revision(moment.statement);
        let what = format!("revision {revision} waits for a lock for 5 s at most");
        let act = Act::Edit(Patch::default().edit(file, edits));
        Some(Proposal::Fix(Fix {
            class: Class::Unsafe,
            ..Fix::new(&CRITERION, what, act)
        }))
    }
}

impl StatementKind {
    fn what(&self) -> String {
        match self {
            Self::Index => {
                "builds its index concurrently, in a block that commits before".to_owned()
            }
            Self::Validate => "validates in a transaction of its own".to_owned(),
            Self::NotValid { name, .. } => {
                format!("adds {name} NOT VALID, and validates it in a transaction of its own")
            }
            Self::Unique { name, .. } => {
                format!("builds index {name} concurrently, and makes it the constraint")
            }
            Self::NotNull { table, column } => format!(
                "proves {table}.{column} NOT NULL by a CHECK that is validated in a transaction of its own"
            ),
        }
    }

    fn edits(&self, source: &Source, line: u32) -> Option<Vec<Edit>> {
        match self {
            Self::Index => index(source, line),
            Self::Validate => source.within(line, BLOCK),
            Self::NotValid { table, name } => {
                let mut edits = match source.with_sql(line, not_valid) {
                    Some(edits) => edits,
                    None => source.with_keyword(line, "postgresql_not_valid", "True")?,
                };
                let lines = by_itself(&format!("ALTER TABLE {table} VALIDATE CONSTRAINT {name}"));
                edits.extend(source.with_lines_after(line, &lines)?);
                Some(edits)
            }
            Self::Unique {
                table,
                name,
                columns,
            } => {
                let index = format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table} {columns}");
                let mut lines = by_itself(&index);
                lines.push(execute(&format!(
                    "ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}"
                )));
                source.with_lines_instead(line, &lines)
            }
            Self::NotNull { table, column } => not_null(source, line, table, column),
        }
    }
}

/// An index beside writers; the statement of a block that commits by itself stays in it.
fn index(source: &Source, line: u32) -> Option<Vec<Edit>> {
    let mut edits = match source.with_sql(line, concurrently) {
        Some(edits) => edits,
        None => source.with_keyword(line, "postgresql_concurrently", "True")?,
    };
    if !source.is_within(line, "autocommit_block") {
        edits.extend(source.within(line, BLOCK)?);
    }
    Some(edits)
}

/// A CHECK that PostgreSQL takes for a proof, for as long as it takes
/// (<https://www.postgresql.org/docs/current/sql-altertable.html>, `SET NOT NULL`).
fn not_null(source: &Source, line: u32, table: &str, column: &str) -> Option<Vec<Edit>> {
    let bare = table.rsplit('.').next()?;
    let is_plain = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    let name = format!("ck_{bare}_{column}_not_null");
    let name: String = name.chars().filter(is_plain).collect();
    let name = name.to_lowercase();
    let mut before = vec![execute(&format!(
        "ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID"
    ))];
    before.extend(by_itself(&format!(
        "ALTER TABLE {table} VALIDATE CONSTRAINT {name}"
    )));
    let after = execute(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}"));
    let mut edits = source.with_lines_before(line, &before)?;
    edits.extend(source.with_lines_after(line, &[after])?);
    Some(edits)
}

/// A statement in a transaction of its own.
fn by_itself(sql: &str) -> Vec<String> {
    vec![BLOCK.to_owned(), format!("    {}", execute(sql))]
}

/// The kind of a statement, or why there are no steps for it.
fn kind(sql: &str, work: &Work) -> Result<StatementKind, String> {
    let text = sql.trim().trim_end_matches(';');
    let words: Vec<&str> = text.split_whitespace().collect();
    let upper: Vec<String> = words.iter().map(|word| word.to_uppercase()).collect();
    let is = |at: usize, word: &str| upper.get(at).is_some_and(|one| one == word);
    if is(0, "CREATE") && (is(1, "INDEX") || is(1, "UNIQUE") && is(2, "INDEX")) {
        return Ok(StatementKind::Index);
    }
    if !(is(0, "ALTER") && is(1, "TABLE")) {
        return Err(without_steps(work));
    }
    let at = if is(2, "ONLY") { 3 } else { 2 };
    let Some(&table) = words.get(at) else {
        return Err(without_steps(work));
    };
    let table = table.to_owned();
    if is(at + 1, "VALIDATE") && is(at + 2, "CONSTRAINT") {
        return Ok(StatementKind::Validate);
    }
    let column = if is(at + 2, "COLUMN") { at + 3 } else { at + 2 };
    if is(at + 1, "ALTER")
        && is(column + 1, "SET")
        && is(column + 2, "NOT")
        && words.len() == column + 4
    {
        let column = words[column].to_owned();
        return Ok(StatementKind::NotNull { table, column });
    }
    let name = words.get(at + 3).map(|name| (*name).to_owned());
    let (true, true, Some(name)) = (is(at + 1, "ADD"), is(at + 2, "CONSTRAINT"), name) else {
        return Err(without_steps(work));
    };
    match upper.get(at + 4).map(String::as_str) {
        Some(word) if word.starts_with("CHECK") || word == "FOREIGN" => {
            Ok(StatementKind::NotValid { table, name })
        }
        Some("UNIQUE") => match words[at + 5..].join(" ") {
            columns if columns.starts_with('(') && columns.ends_with(')') => {
                Ok(StatementKind::Unique {
                    table,
                    name,
                    columns,
                })
            }
            _ => Err(without_steps(work)),
        },
        _ => Err(without_steps(work)),
    }
}

/// The reason why a work under a lock cannot be done in other steps of the same deployment.
fn without_steps(work: &Work) -> String {
    match work {
        Work::Rewritten => "what rewrites a table needs a new column, and deployments of their own",
        Work::Built(_) => "this index can only be built while its table is locked",
        Work::Written(..) | Work::WrittenInParts(_) => {
            "rows are changed in batches in a deployment of their own, which nobody can write for you"
        }
        Work::Scanned(_) => "what is read here can only be read by that statement",
    }
    .to_owned()
}

/// A statement that adds a constraint, without a look at the rows.
fn not_valid(sql: &str) -> Option<String> {
    let text = sql.trim_end();
    let (text, end) = match text.strip_suffix(';') {
        Some(text) => (text, ";"),
        None => (text, ""),
    };
    let rest = &sql[sql.trim_end().len()..];
    Some(format!("{text} NOT VALID{end}{rest}"))
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;

    fn said(sql: &str) -> String {
        kind(sql, &Work::Rewritten).map_or_else(|why| why, |kind| kind.what())
    }

    #[test]
    fn the_kind_of_a_statement_is_read_from_its_words() {
        let not_null =
            "proves a.b NOT NULL by a CHECK that is validated in a transaction of its own";
        assert_eq!(said("ALTER TABLE a ALTER COLUMN b SET NOT NULL"), not_null);
        assert_eq!(said("alter table only a alter b set not null;"), not_null);
        let index = "builds its index concurrently, in a block that commits before";
        assert_eq!(said("CREATE UNIQUE INDEX i ON a (b)"), index);
        let unique = "builds index u concurrently, and makes it the constraint";
        assert_eq!(said("ALTER TABLE a ADD CONSTRAINT u UNIQUE (b, c)"), unique);
        let check = "adds c NOT VALID, and validates it in a transaction of its own";
        assert_eq!(said("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0)"), check);
        for other in [
            "ALTER TABLE a ALTER COLUMN b TYPE bigint",
            "ALTER TABLE a DROP CONSTRAINT b",
            "ALTER TABLE a ADD UNIQUE (b)",
            "ALTER TABLE a ALTER COLUMN b SET NOT NULL, DROP COLUMN c",
            "UPDATE a SET b = 1",
        ] {
            assert!(said(other).contains("needs a new column"), "{other}");
        }
    }

    #[test]
    fn statements_that_are_written_out_are_written_otherwise() {
        let built = concurrently("create unique index i on a (b)");
        let expected = "create unique index CONCURRENTLY i on a (b)";
        assert_eq!(built.as_deref(), Some(expected));
        let added = not_valid("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);\n");
        let expected = "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID;\n";
        assert_eq!(added.as_deref(), Some(expected));
    }
}
