//! The outbox table has the indexes of the shared convention.

use super::{Criterion, Finding, Verdict, cause};
use crate::alembic::transcript::{Place, Transcript};
use crate::evidence::outbox::{Expected, Index, Outbox};
use crate::evidence::{Evidence, Part};
use crate::manifest::{self, Service};

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "outbox_indexes",
    asserts: "the outbox table exists and has every index of conventions/outbox.toml, column for column",
    why: "the relay that publishes events is shared: a service without these indexes slows it down for all",
    remedy: "add a revision that drops the index and creates it as the convention says",
    needs: &[Part::Migrated],
    judge,
};

/// What is printed for a service that passes.
const OK: &str = "OK: Outbox indexes aligned with shared conventions.";

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else { return Verdict::without("the migrated database") };
    if let Some(blocked) = cause::unusable(evidence, migrated) {
        return blocked;
    }
    if service.outbox.is_none() {
        return Verdict::without("conventions/outbox.toml, which says what every outbox table looks like,");
    }
    let Some(outbox) = &migrated.outbox else { return Verdict::without("the look at the outbox table") };
    let findings = match outbox.schemas.as_slice() {
        [] => vec![no_table(service, outbox)],
        [schema] if outbox.expected.is_empty() => {
            return Verdict::without(&format!("any index of the convention for {schema}.{}", outbox.table));
        }
        [schema] => {
            let judged = outbox.expected.iter();
            judged.filter_map(|expected| index(outbox, schema, expected, migrated.reached())).collect()
        }
        several => vec![
            Finding::new(format!("table \"{}\" exists in several schemas: {}", outbox.table, several.join(", ")))
                .help(format!("say which one is meant: schema = \"{}\" in {}", several[0], service.file.display())),
        ],
    };
    if findings.is_empty() { Verdict::Pass { notes: vec![OK.to_owned()] } } else { Verdict::Fail(findings) }
}

fn no_table(service: &Service, outbox: &Outbox) -> Finding {
    let mut finding = Finding::new(format!("there is no table \"{}\" after `upgrade head`", outbox.table));
    let names = outbox.tables.iter().filter_map(|table| table.split_once('.')).map(|(_, name)| name);
    if let Some(schema) = &service.schema {
        finding = finding.note(format!("looked for in schema \"{schema}\", which {} names", service.file.display()));
    }
    let elsewhere = outbox.tables.iter().find(|table| table.ends_with(&format!(".{}", outbox.table)));
    let nearest = elsewhere.map(String::as_str).or_else(|| manifest::nearest(&outbox.table, names));
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

/// What is wrong with one index of the convention, if anything.
fn index(outbox: &Outbox, schema: &str, expected: &Expected, transcript: &Transcript) -> Option<Finding> {
    let definition = match &expected.definition {
        Ok(definition) => definition,
        Err(refused) => return Some(unbuildable(outbox, schema, expected, refused, transcript)),
    };
    let named: Vec<&Index> = outbox.actual.iter().filter(|index| index.name == expected.name).collect();
    let here = named.iter().find(|index| index.schema == schema && index.table == outbox.table);
    match (here, named.first()) {
        (Some(index), _) if index.definition != *definition => Some(differs(outbox, expected, definition, index, transcript)),
        (Some(index), _) if !index.valid => Some(
            Finding::new(format!("index \"{}\" is invalid, so no query uses it", index.name))
                .mark(place_of(transcript, &index.name).as_ref(), "created here")
                .note("pg_index.indisvalid is false, as after a CREATE INDEX CONCURRENTLY that did not end")
                .help(format!("in a new revision: DROP INDEX {}; then {}", index.name, expected.statement)),
        ),
        (Some(_), _) => None,
        (None, Some(elsewhere)) => Some(
            missing(outbox, schema, expected, definition, transcript)
                .note(format!("an index of that name is on {}.{} instead", elsewhere.schema, elsewhere.table)),
        ),
        (None, None) => Some(missing(outbox, schema, expected, definition, transcript)),
    }
}

fn unbuildable(outbox: &Outbox, schema: &str, expected: &Expected, refused: &str, transcript: &Transcript) -> Finding {
    Finding::new(format!("index \"{}\" cannot exist on {schema}.{} as it is", expected.name, outbox.table))
        .mark(place_of(transcript, &outbox.table).as_ref(), "the table is created here")
        .note(format!("the convention: {}", expected.statement))
        .note(format!("postgresql: {refused}"))
        .help("bring the table's columns in line with the shared outbox mixin, in a new revision")
}

fn differs(outbox: &Outbox, expected: &Expected, definition: &str, index: &Index, transcript: &Transcript) -> Finding {
    Finding::new(format!("index \"{}\" on {} is not what the convention says", index.name, outbox.table))
        .mark(place_of(transcript, &index.name).as_ref(), "created here")
        .compare(parts(definition), parts(&index.definition))
        .help(format!("in a new revision: DROP INDEX {}; then {}", index.name, expected.statement))
}

fn missing(outbox: &Outbox, schema: &str, expected: &Expected, definition: &str, transcript: &Transcript) -> Finding {
    let dropped = statement_with(transcript, &["DROP", "INDEX", &expected.name]);
    let mut finding = Finding::new(format!("index \"{}\" on {schema}.{} is missing", expected.name, outbox.table));
    finding = match dropped {
        Some(place) => finding.mark(Some(&place), "dropped here"),
        None => finding.mark(statement_with(transcript, &["CREATE TABLE", &outbox.table]).as_ref(), "the table is created here"),
    };
    let conventional = |index: &Index| outbox.expected.iter().any(|expected| expected.name == index.name);
    let here = |index: &Index| index.schema == schema && index.table == outbox.table;
    let near = outbox.actual.iter().filter(|index| here(index) && !conventional(index));
    let nearest = near.max_by(|left, right| likeness(definition, left).total_cmp(&likeness(definition, right)));
    finding = match nearest {
        Some(same) if same.definition == definition => {
            let create = place_of(transcript, &same.name);
            finding
                .mark(create.as_ref(), "the same index, by another name")
                .note(format!("\"{}\" is the same index by another name", same.name))
                .help(format!("in a new revision: ALTER INDEX {} RENAME TO {}", same.name, expected.name))
        }
        Some(near) => finding
            .compare(parts(definition), parts(&near.definition))
            .note(format!("the nearest index is \"{}\"", near.name)),
        None => finding.note("the table has no other index that comes near"),
    };
    finding.help(format!("in a new revision: {}", expected.statement))
}

fn likeness(definition: &str, index: &Index) -> f64 {
    strsim::normalized_levenshtein(definition, &index.definition)
}

/// A definition in lines, so that two can be read side by side.
fn parts(definition: &str) -> String {
    [" ON ", " USING ", " INCLUDE ", " NULLS NOT ", " WHERE "]
        .iter()
        .fold(definition.to_owned(), |text, part| text.replacen(part, &format!("\n{}", part.trim_start()), 1))
}

/// The last statement that created something of that name.
fn place_of(transcript: &Transcript, name: &str) -> Option<Place> {
    statement_with(transcript, &["CREATE", name])
}

fn statement_with(transcript: &Transcript, words: &[&str]) -> Option<Place> {
    let mentions = |sql: &str| {
        let sql = sql.to_ascii_uppercase();
        words.iter().all(|word| sql.contains(&word.to_ascii_uppercase()))
    };
    transcript.statements.iter().rev().find(|statement| statement.place.is_some() && mentions(&statement.sql))?.place.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_breaks_before_its_clauses() {
        let text = "CREATE INDEX ON public.event_outbox USING btree (a, b) INCLUDE (c) WHERE (a IS NULL)";
        assert_eq!(
            parts(text),
            "CREATE INDEX\nON public.event_outbox\nUSING btree (a, b)\nINCLUDE (c)\nWHERE (a IS NULL)"
        );
    }
}
