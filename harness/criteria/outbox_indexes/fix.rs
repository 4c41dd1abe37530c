//! A revision with the indexes of the convention.

use super::{CRITERION, drop, nearest, qualified};
use crate::alembic::sql::concurrently;
use crate::criteria::proposal::{Act, Class, Fix, Proposal, PublishedIds, execute};
use crate::evidence::Evidence;
use crate::evidence::outbox::{ExpectedIndex, Index, Outbox};
use crate::gather::Writing;
use crate::manifest::Service;
use crate::quoting::identifier;

/// The statements that make one index, and those that take it back.
struct Lines {
    up: Vec<String>,
    down: Vec<String>,
}

/// Proposes one revision for all indexes, built beside writers where that is possible.
pub fn propose(_: &Service, evidence: &Evidence, _: &PublishedIds) -> Vec<Proposal> {
    let outbox = evidence
        .migrated
        .as_ref()
        .and_then(|migrated| migrated.outbox.as_ref());
    let Some((outbox, [schema])) = outbox.map(|outbox| (outbox, outbox.schemas.as_slice())) else {
        return Vec::new();
    };
    let mut wrong: Vec<(&str, Lines)> = Vec::new();
    for expected in &outbox.expected {
        match lines(outbox, schema, expected) {
            Ok(Some(lines)) => wrong.push((&expected.name, lines)),
            Ok(None) => {}
            Err(why) => {
                let why = format!("index \"{}\": {why}", expected.name);
                return vec![Proposal::refused(&CRITERION, why)];
            }
        }
    }
    if wrong.is_empty() {
        return Vec::new();
    }
    let names: Vec<&str> = wrong.iter().map(|(name, _)| *name).collect();
    let what = format!(
        "a revision with {} as the convention has it",
        names.join(" and ")
    );
    let ups: Vec<String> = wrong
        .iter()
        .flat_map(|(_, lines)| lines.up.clone())
        .collect();
    let downs = wrong
        .iter()
        .rev()
        .flat_map(|(_, lines)| lines.down.clone())
        .collect::<Vec<_>>();
    let fix = |what: String, upgrade, downgrade| Fix {
        class: Class::Unsafe,
        changes_schema: true,
        ..Fix::new(
            &CRITERION,
            what,
            Act::Write(Writing::Revision {
                message: format!("indexes of {}", outbox.table),
                upgrade,
                downgrade,
            }),
        )
    };
    let plain = |lines: &[String]| lines.iter().map(|sql| execute(sql)).collect();
    vec![Proposal::Either(vec![
        fix(what.clone(), beside_writers(&ups), beside_writers(&downs)),
        fix(
            format!("{what}, which blocks writes meanwhile"),
            plain(&ups),
            plain(&downs),
        ),
    ])]
}

/// The statements for one index; none where it is right.
fn lines(outbox: &Outbox, schema: &str, expected: &ExpectedIndex) -> Result<Option<Lines>, String> {
    let definition = expected.definition.as_ref().map_err(Clone::clone)?;
    let named = outbox
        .actual
        .iter()
        .find(|index| index.name == expected.name);
    let name = format!("{}.{}", identifier(schema), identifier(&expected.name));
    let created = || {
        (
            vec![expected.statement.clone()],
            vec![format!("DROP INDEX {name}")],
        )
    };
    match named {
        Some(index) if index.schema != schema || index.table != outbox.table => Err(format!(
            "{}.{} has one of that name",
            index.schema, index.table
        )),
        Some(index) if index.definition == *definition && index.valid => Ok(None),
        Some(index) if index.constraint || index.partitioned => {
            Err("it belongs to a constraint or to a partitioned table".to_owned())
        }
        Some(index) => {
            let (mut up, mut down) = created();
            up.insert(0, drop(index));
            down.push(again(index));
            Ok(Some(Lines { up, down }))
        }
        None => match nearest(outbox, schema, definition) {
            Some(same) if same.definition == *definition => {
                let renamed = |from: &str, to: &str| {
                    format!("ALTER INDEX {from} RENAME TO {}", identifier(to))
                };
                Ok(Some(Lines {
                    up: vec![renamed(&qualified(same), &expected.name)],
                    down: vec![renamed(&name, &same.name)],
                }))
            }
            _ => {
                let (up, down) = created();
                Ok(Some(Lines { up, down }))
            }
        },
    }
}

/// The statement that makes an index as it was.
fn again(index: &Index) -> String {
    let name = format!("INDEX {} ON", identifier(&index.name));
    index.definition.replacen("INDEX ON", &name, 1)
}

/// Python that executes statements outside of a transaction, indexes built concurrently.
fn beside_writers(statements: &[String]) -> Vec<String> {
    let block = "with op.get_context().autocommit_block():".to_owned();
    let lines = statements.iter().map(|sql| {
        let beside = concurrently(sql);
        format!("    {}", execute(beside.as_deref().unwrap_or(sql)))
    });
    std::iter::once(block).chain(lines).collect()
}
