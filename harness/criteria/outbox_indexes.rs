//! The outbox table has the indexes of the shared convention.

pub(super) mod fix;

use super::attribution::attribution;
use super::keyed::KeyedFinding;
use super::own::Own;
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::sql;
use crate::alembic::transcript::{Place, Transcript};
use crate::evidence::outbox::{ExpectedIndex, Index, Outbox};
use crate::evidence::{Evidence, Part};
use crate::manifest::{self, Service};
use crate::quoting::identifier;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "outbox_indexes",
    asserts: "the outbox table exists and has every index of conventions/outbox.toml, column for column",
    why: "the relay that publishes events is shared: a service without these indexes slows it down for all",
    remedy: "add a revision that drops the index and creates it as the convention says",
    needs: &[Part::Migrated],
    judge,
};

/// The line that is printed for a service that passes.
const OK: &str = "OK: Outbox indexes aligned with shared conventions.";

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else {
        return Verdict::without("the migrated database");
    };
    if let Some(blocked) = attribution(service, evidence).blocks(&CRITERION) {
        return blocked;
    }
    if service.outbox.is_none() {
        return Verdict::without(
            "conventions/outbox.toml, which says what every outbox table looks like,",
        );
    }
    let Some(outbox) = &migrated.outbox else {
        return Verdict::without("the look at the outbox table");
    };
    let own = Own {
        service,
        criterion: CRITERION.id,
        table: AcceptedIn::OutboxIndexes,
    };
    let unnamed = |finding| KeyedFinding::red(String::new(), finding);
    let found: Vec<KeyedFinding> = match outbox.schemas.as_slice() {
        [] => vec![unnamed(no_table(service, outbox))],
        [schema] if outbox.expected.is_empty() => {
            return Verdict::without(&format!(
                "any index of the convention for {schema}.{}",
                outbox.table
            ));
        }
        [schema] => {
            let judged = outbox.expected.iter();
            judged
                .filter_map(|expected| {
                    let finding = index(outbox, schema, expected, migrated.reached())?;
                    Some(own.keyed(&expected.name, finding))
                })
                .collect()
        }
        several => vec![unnamed(
            Finding::new(format!(
                "table \"{}\" exists in several schemas: {}",
                outbox.table,
                several.join(", ")
            ))
            .help(format!(
                "say which one is meant: schema = \"{}\" in {}",
                several[0],
                service.file.display()
            )),
        )],
    };
    // Of an outbox with an accepted difference nobody says that it is as it should be.
    let notes = match found.is_empty() {
        true => vec![OK.to_owned()],
        false => Vec::new(),
    };
    own.verdict(found, notes)
}

fn no_table(service: &Service, outbox: &Outbox) -> Finding {
    let mut finding = Finding::new(format!(
        "there is no table \"{}\" after `upgrade head`",
        outbox.table
    ));
    let names = outbox
        .tables
        .iter()
        .filter_map(|table| table.split_once('.'))
        .map(|(_, name)| name);
    if let Some(schema) = &service.schema {
        finding = finding.note(format!(
            "looked for in schema \"{schema}\", which {} names",
            service.file.display()
        ));
    }
    let elsewhere = outbox
        .tables
        .iter()
        .find(|table| table.ends_with(&format!(".{}", outbox.table)));
    let nearest = elsewhere
        .map(String::as_str)
        .or_else(|| manifest::nearest(&outbox.table, names));
    finding = match nearest {
        Some(nearest) => finding.note(format!("the nearest table is {nearest}")),
        None => finding.note(format!("tables there are: {}", outbox.tables.join(", "))),
    };
    finding
        .help("create the table with the shared outbox mixin, and its indexes, in a new revision")
        .help(format!(
            "a service that publishes no events says so in {}: [not_applicable] outbox_indexes = \"publishes no events\"",
            service.file.display()
        ))
}

/// The problem with one index of the convention, if there is one.
fn index(
    outbox: &Outbox,
    schema: &str,
    expected: &ExpectedIndex,
    transcript: &Transcript,
) -> Option<Finding> {
    let definition = match &expected.definition {
        Ok(definition) => definition,
        Err(refused) => return Some(unbuildable(outbox, schema, expected, refused, transcript)),
    };
    let named: Vec<&Index> = outbox
        .actual
        .iter()
        .filter(|index| index.name == expected.name)
        .collect();
    let here = named
        .iter()
        .find(|index| index.schema == schema && index.table == outbox.table);
    let origin = Origin::find(transcript, &expected.name, &outbox.table);
    match (here, named.first()) {
        (Some(index), _) if index.definition != *definition => {
            Some(differs(outbox, expected, definition, index, &origin))
        }
        (Some(index), _) if !index.valid => Some(invalid(expected, index, &origin)),
        (Some(_), _) => None,
        (None, Some(elsewhere)) => {
            let finding = Finding::new(missing_title(outbox, schema, expected));
            let on = format!("{}.{}", elsewhere.schema, elsewhere.table);
            // Within a schema an index's name is taken by whichever table has it.
            let first = match elsewhere.schema == schema {
                true => format!("give {} another name; then ", qualified(elsewhere)),
                false => String::new(),
            };
            Some(
                origin
                    .marked(finding, &format!("created here, on {on}"))
                    .note(format!("an index of that name is on {on} instead"))
                    .help(format!("in a new revision: {first}{}", expected.statement)),
            )
        }
        (None, None) => Some(missing(outbox, schema, expected, definition, transcript)),
    }
}

fn unbuildable(
    outbox: &Outbox,
    schema: &str,
    expected: &ExpectedIndex,
    refused: &str,
    transcript: &Transcript,
) -> Finding {
    let finding = Finding::new(format!(
        "index \"{}\" cannot exist on {schema}.{} as it is",
        expected.name, outbox.table
    ));
    let column = refused.split('"').nth(1).unwrap_or_default();
    let taken = |sql: &str| sql::mentions(sql, &outbox.table) && sql::drops(sql, column);
    let renamed = |sql: &str| sql::mentions(sql, &outbox.table) && sql::renames(sql, column);
    let finding = match last(transcript, |sql| taken(sql) || renamed(sql)) {
        Some(place) => finding.mark(Some(&place), format!("column \"{column}\" goes here")),
        None => finding.mark(
            table_place(outbox, transcript).as_ref(),
            "the table is created here",
        ),
    };
    finding
        .note(format!("the convention: {}", expected.statement))
        .note(format!("postgresql: {refused}"))
        .help("bring the table's columns in line with the shared outbox mixin, in a new revision")
}

fn differs(
    outbox: &Outbox,
    expected: &ExpectedIndex,
    definition: &str,
    index: &Index,
    origin: &Origin,
) -> Finding {
    let title = format!(
        "index \"{}\" on {} is not what the convention says",
        index.name, outbox.table
    );
    origin
        .marked(Finding::new(title), "created here")
        .compare(parts(definition), parts(&index.definition))
        .help(format!(
            "in a new revision: {}; then {}",
            drop(index),
            expected.statement
        ))
}

fn invalid(expected: &ExpectedIndex, index: &Index, origin: &Origin) -> Finding {
    let why = match index.partitioned {
        true => {
            "pg_index.indisvalid is false: a partition has no part of it, as after CREATE INDEX ... ON ONLY"
        }
        false => {
            "pg_index.indisvalid is false, as after a CREATE INDEX CONCURRENTLY that did not end"
        }
    };
    origin
        .marked(
            Finding::new(format!(
                "index \"{}\" is invalid, so no query uses it",
                index.name
            )),
            "created here",
        )
        .note(why)
        .help(format!(
            "in a new revision: {}; then {}",
            drop(index),
            expected.statement
        ))
}

fn missing_title(outbox: &Outbox, schema: &str, expected: &ExpectedIndex) -> String {
    format!(
        "index \"{}\" on {schema}.{} is missing",
        expected.name, outbox.table
    )
}

fn missing(
    outbox: &Outbox,
    schema: &str,
    expected: &ExpectedIndex,
    definition: &str,
    transcript: &Transcript,
) -> Finding {
    let finding = Finding::new(missing_title(outbox, schema, expected));
    let finding = match last(transcript, |sql| sql::drops(sql, &expected.name)) {
        Some(place) => finding.mark(Some(&place), "dropped here"),
        None => finding.mark(
            table_place(outbox, transcript).as_ref(),
            "the table is created here",
        ),
    };
    let create = format!("in a new revision: {}", expected.statement);
    match nearest(outbox, schema, definition) {
        Some(same) if same.definition == definition => finding
            .mark(
                Origin::find(transcript, &same.name, &outbox.table)
                    .made
                    .as_ref(),
                "the same index, by another name",
            )
            .note(format!(
                "\"{}\" is the same index by another name",
                same.name
            ))
            .help(format!(
                "in a new revision: ALTER INDEX {} RENAME TO {}",
                qualified(same),
                identifier(&expected.name)
            )),
        Some(near) => finding
            .compare(parts(definition), parts(&near.definition))
            .note(format!("the nearest index is \"{}\"", near.name))
            .help(create),
        None => finding
            .note("the table has no other index that comes near")
            .help(create),
    }
}

/// The index of the table that is most like a definition, if it has a column of it.
fn nearest<'a>(outbox: &'a Outbox, schema: &str, definition: &str) -> Option<&'a Index> {
    let conventional = |index: &Index| {
        outbox
            .expected
            .iter()
            .any(|expected| expected.name == index.name)
    };
    let here = |index: &Index| index.schema == schema && index.table == outbox.table;
    let wanted = columns(definition);
    let shares = |index: &Index| {
        columns(&index.definition)
            .iter()
            .any(|column| wanted.contains(column))
    };
    let likeness = |index: &Index| strsim::normalized_levenshtein(definition, &index.definition);
    let near = outbox
        .actual
        .iter()
        .filter(|index| here(index) && !conventional(index) && shares(index));
    near.max_by(|left, right| likeness(left).total_cmp(&likeness(right)))
}

/// The clauses that follow a column in a definition, in words.
const ORDER: [&str; 5] = ["asc", "desc", "nulls", "first", "last"];

/// The columns between a definition's first parentheses, and other names among them.
fn columns(definition: &str) -> Vec<String> {
    let inside = definition.split_once('(').map_or("", |(_, rest)| rest);
    let inside = inside.split(" INCLUDE ").next().unwrap_or(inside);
    let inside = inside.split(" WHERE ").next().unwrap_or(inside);
    sql::words(inside)
        .into_iter()
        .filter(|word| !ORDER.contains(&word.as_str()) && !".,();".contains(word.as_str()))
        .collect()
}

fn qualified(index: &Index) -> String {
    format!("{}.{}", identifier(&index.schema), identifier(&index.name))
}

/// The statement that takes an index away; PostgreSQL keeps the one of a constraint.
fn drop(index: &Index) -> String {
    if index.constraint {
        let table = format!("{}.{}", identifier(&index.schema), identifier(&index.table));
        format!(
            "ALTER TABLE {table} DROP CONSTRAINT {}",
            identifier(&index.name)
        )
    } else {
        format!("DROP INDEX {}", qualified(index))
    }
}

/// A definition in lines, so that two can be read side by side.
fn parts(definition: &str) -> String {
    [" ON ", " USING ", " INCLUDE ", " NULLS NOT ", " WHERE "]
        .iter()
        .fold(definition.to_owned(), |text, part| {
            text.replacen(part, &format!("\n{}", part.trim_start()), 1)
        })
}

/// The place where an index was made.
#[derive(Default)]
struct Origin {
    /// The statement that made it.
    made: Option<Place>,
    /// A later one that `IF NOT EXISTS` kept from doing anything.
    skipped: Option<Place>,
}

impl Origin {
    fn find(transcript: &Transcript, name: &str, table: &str) -> Self {
        let mut origin = Self::default();
        for statement in &transcript.statements {
            let sql = &statement.sql;
            let creation = sql::creates(sql, "index", name);
            if creation.is_some_and(|creation| creation.guarded) && origin.made.is_some() {
                origin.skipped.clone_from(&statement.place);
            } else if creation.is_some()
                || sql::renames_to(sql, name)
                || sql::adds_constraint(sql, name)
            {
                origin = Self {
                    made: statement.place.clone(),
                    skipped: None,
                };
            } else if sql::drops(sql, name) || sql::drops(sql, table) {
                origin = Self::default();
            }
        }
        origin
    }

    fn marked(&self, finding: Finding, made: &str) -> Finding {
        let finding = finding.mark(self.made.as_ref(), made);
        finding.mark(
            self.skipped.as_ref(),
            "does nothing: the name is taken, and IF NOT EXISTS asks for no more",
        )
    }
}

fn table_place(outbox: &Outbox, transcript: &Transcript) -> Option<Place> {
    last(transcript, |sql| {
        sql::creates(sql, "table", &outbox.table).is_some() || sql::renames_to(sql, &outbox.table)
    })
}

/// The last statement of a revision that is meant.
fn last(transcript: &Transcript, is_meant: impl Fn(&str) -> bool) -> Option<Place> {
    let of_revisions = transcript
        .statements
        .iter()
        .rev()
        .filter(|statement| statement.place.is_some());
    of_revisions
        .into_iter()
        .find(|statement| is_meant(&statement.sql))?
        .place
        .clone()
}

#[cfg(test)]
mod tests;
