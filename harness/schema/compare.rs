//! The differences between two texts: [`differences`].

use std::collections::BTreeMap;

use similar::{Algorithm, DiffTag, capture_diff_slices};

use super::kinds::SectionKind;
use super::loss::{DataRisk, of_added, of_part, of_removed};
use super::read::{Block, Key, Part};

/// The change of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Only the second text has it.
    Added,
    /// Both have it, each in its own way.
    Changed,
    /// Only the first text has it.
    Removed,
}

/// An object on which two texts do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The change.
    pub mark: Mark,
    /// The kind.
    pub kind: SectionKind,
    /// Its name, as SQL has it.
    pub name: String,
    /// Its line in the first text, from 1.
    pub line: Option<u32>,
    /// The data risk of the whole object; each part has its own.
    pub risk: DataRisk,
    /// Its lines that differ; all of an object that is added or removed.
    pub parts: Vec<PartChange>,
    /// The kinds of what comes or goes with a table: its indexes and such.
    pub with: Vec<SectionKind>,
    /// The names of its columns or labels in both orders, where only that differs.
    pub reordered: Option<(String, String)>,
}

/// A line on which two texts do not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartChange {
    /// The line of the first text.
    pub before: Option<Part>,
    /// The line of the second text.
    pub after: Option<Part>,
    /// The data risk of the change.
    pub risk: DataRisk,
}

impl Difference {
    /// The object in words: `table public.essays`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}", self.kind.name(), self.name)
    }

    /// Tells whether it is an index, foreign key, trigger or the like of a table.
    fn belongs_to(&self, table: &str) -> bool {
        let sql = || {
            self.parts
                .iter()
                .filter_map(|part| part.before.as_ref().or(part.after.as_ref()))
        };
        match self.kind {
            SectionKind::Index => sql().any(|part| part.text.contains(&format!(" ON {table} "))),
            SectionKind::Comment => {
                let of_part = [format!("column {table}."), format!("table {table}")];
                let on_part = format!(" ON {table}");
                self.name.starts_with(&of_part[0])
                    || self.name == of_part[1]
                    || self.name.ends_with(&on_part)
            }
            SectionKind::ReplicaIdentity | SectionKind::Partition => self.name == table,
            _ => self
                .name
                .strip_prefix(table)
                .is_some_and(|rest| rest.starts_with('.')),
        }
    }

    /// Tells whether it loses data.
    #[must_use]
    pub fn is_destructive(&self) -> bool {
        let mut risks = self.parts.iter().map(|part| &part.risk).chain([&self.risk]);
        risks.any(|risk| matches!(risk, DataRisk::Destructive(_)))
    }
}

/// The objects on which `accepted` and `present` do not agree, in the order of the file.
#[must_use]
pub fn differences(accepted: &[Block], present: &[Block]) -> Vec<Difference> {
    let key = |block: &Block| (block.kind, block.name.clone());
    let before: BTreeMap<_, &Block> = accepted.iter().map(|block| (key(block), block)).collect();
    let after: BTreeMap<_, &Block> = present.iter().map(|block| (key(block), block)).collect();
    let removed = accepted
        .iter()
        .filter(|block| !after.contains_key(&key(block)));
    let others = present
        .iter()
        .filter_map(|block| match before.get(&key(block)) {
            Some(accepted) => changed(accepted, block),
            None => Some(whole(block, Mark::Added)),
        });
    let mut all: Vec<Difference> = removed
        .map(|block| whole(block, Mark::Removed))
        .chain(others)
        .collect();
    all.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    fold(all)
}

/// Leaves out what comes or goes with a whole table, and names it there.
fn fold(all: Vec<Difference>) -> Vec<Difference> {
    let is_whole_table = |one: &Difference| {
        one.mark != Mark::Changed
            && matches!(one.kind, SectionKind::Table | SectionKind::ForeignTable)
    };
    let (mut tables, others): (Vec<Difference>, Vec<Difference>) =
        all.into_iter().partition(is_whole_table);
    let mut rest = Vec::new();
    for one in others {
        let table = tables
            .iter_mut()
            .find(|table| table.mark == one.mark && one.belongs_to(&table.name));
        match table {
            Some(table) => table.with.push(one.kind),
            None => rest.push(one),
        }
    }
    tables.append(&mut rest);
    tables.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    tables
}

/// The first object of `accepted` that does not stand where [`super::text`] puts it; for
/// texts without [`differences`].
#[must_use]
pub fn out_of_place<'a>(accepted: &'a [Block], present: &[Block]) -> Option<&'a Block> {
    let pairs = accepted.iter().zip(present);
    pairs
        .filter(|(accepted, present)| accepted.title() != present.title())
        .map(|(accepted, _)| accepted)
        .next()
}

/// An object that only one text has.
fn whole(block: &Block, mark: Mark) -> Difference {
    let added = mark == Mark::Added;
    let change = |(line, text): (u32, &str)| {
        let part = Some(Part {
            key: Key::Line,
            text: text.to_owned(),
            line,
        });
        let (before, after) = if added { (None, part) } else { (part, None) };
        PartChange {
            before,
            after,
            risk: DataRisk::None,
        }
    };
    Difference {
        mark,
        kind: block.kind,
        name: block.name.clone(),
        line: (!added).then_some(block.line),
        risk: if added {
            of_added(block.kind, &block.sql)
        } else {
            of_removed(block.kind)
        },
        parts: (block.line + 1..)
            .zip(block.sql.lines())
            .map(change)
            .collect(),
        with: Vec::new(),
        reordered: None,
    }
}

/// An object that both texts have; `None` if they agree.
fn changed(accepted: &Block, present: &Block) -> Option<Difference> {
    let keyed = accepted
        .parts
        .iter()
        .chain(&present.parts)
        .any(|part| part.key != Key::Line);
    let mut parts = if keyed {
        by_key(accepted, present)
    } else {
        Vec::new()
    };
    parts.extend(by_line(accepted, present));
    parts.iter_mut().for_each(|change| {
        change.risk = of_part(accepted.kind, change.before.as_ref(), change.after.as_ref());
    });
    let reordered = reordered(accepted, present);
    (!parts.is_empty() || reordered.is_some()).then(|| Difference {
        mark: Mark::Changed,
        kind: accepted.kind,
        name: accepted.name.clone(),
        line: Some(accepted.line),
        risk: DataRisk::None,
        parts,
        with: Vec::new(),
        reordered,
    })
}

/// Columns, constraints and labels, each beside the one of its name.
fn by_key(accepted: &Block, present: &Block) -> Vec<PartChange> {
    let find = |block: &Block, key: &Key| block.parts.iter().find(|part| part.key == *key).cloned();
    let named = |block: &'_ Block| -> Vec<Part> {
        block
            .parts
            .iter()
            .filter(|part| part.key != Key::Line)
            .cloned()
            .collect()
    };
    let mut changes = Vec::new();
    for before in named(accepted) {
        let after = find(present, &before.key);
        if after.as_ref().map(|part| &part.text) != Some(&before.text) {
            changes.push(PartChange {
                before: Some(before),
                after,
                risk: DataRisk::None,
            });
        }
    }
    for after in named(present) {
        if find(accepted, &after.key).is_none() {
            changes.push(PartChange {
                before: None,
                after: Some(after),
                risk: DataRisk::None,
            });
        }
    }
    changes
}

/// Everything else, line by line.
fn by_line(accepted: &Block, present: &Block) -> Vec<PartChange> {
    let plain = |block: &'_ Block| -> Vec<Part> {
        block
            .parts
            .iter()
            .filter(|part| part.key == Key::Line)
            .cloned()
            .collect()
    };
    let (before, after) = (plain(accepted), plain(present));
    let texts = |parts: &[Part]| {
        parts
            .iter()
            .map(|part| part.text.clone())
            .collect::<Vec<_>>()
    };
    let mut changes = Vec::new();
    for change in capture_diff_slices(Algorithm::Myers, &texts(&before), &texts(&after)) {
        let (tag, old, new) = change.as_tag_tuple();
        if tag != DiffTag::Equal {
            changes.append(&mut paired(&before[old], &after[new]));
        }
    }
    changes
}

/// Lines that stand in the place of others, side by side.
fn paired(removed: &[Part], added: &[Part]) -> Vec<PartChange> {
    let pair = |at| PartChange {
        before: removed.get(at).cloned(),
        after: added.get(at).cloned(),
        risk: DataRisk::None,
    };
    (0..removed.len().max(added.len())).map(pair).collect()
}

/// The names that both have, in both orders, if these differ.
fn reordered(accepted: &Block, present: &Block) -> Option<(String, String)> {
    let names = |block: &Block, other: &Block| -> Vec<String> {
        let common = block
            .parts
            .iter()
            .filter(|part| other.parts.iter().any(|twin| twin.key == part.key));
        common
            .filter_map(|part| match &part.key {
                Key::Column(name) | Key::Label(name) => Some(name.clone()),
                Key::Constraint(_) | Key::Line => None,
            })
            .collect()
    };
    let (before, after) = (names(accepted, present), names(present, accepted));
    (before != after).then(|| (before.join(", "), after.join(", ")))
}
