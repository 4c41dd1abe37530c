//! The work of each line of a deployment, and how it grows with the rows: [`Work`], [`Growth`].

use std::collections::BTreeMap;

use super::{Counted, Measured};
use crate::alembic::transcript::{Measure, Statement};

/// So many times the rows of a table are read by what may do so again for each row.
const OFTEN: i64 = 4;
/// The rows that a table is thought to have where the deployment itself makes it.
const MANY: i64 = 1000;

/// The tuples of a relation that a line of the deployment reads and writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost<'a> {
    /// The first statement of the line.
    pub statement: &'a Statement,
    /// The schema of the relation.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The number of its rows before; `None` where the deployment made it.
    pub rows: Option<i64>,
    /// So many tuples are read and written by all statements of the line.
    pub tuples: i64,
}

/// Work that grows faster than the rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Growth<'a> {
    /// The work on all rows.
    pub cost: Cost<'a>,
    /// The tuples that it takes on fewer rows.
    pub fewer: i64,
    /// So many times the rows there are.
    pub times: i64,
}

impl Cost<'_> {
    /// Tells whether both are of one line and relation.
    fn is_like(&self, other: &Self) -> bool {
        let line = |one: &Self| {
            let place = one.statement.place.as_ref();
            place.map(|place| (place.revision.clone(), place.line))
        };
        line(self) == line(other) && (&self.schema, &self.name) == (&other.schema, &other.name)
    }
}

impl Growth<'_> {
    /// So many times the work there is.
    #[must_use]
    pub fn more(&self) -> i64 {
        let fewer = self.fewer.max(1);
        (self.cost.tuples + fewer / 2) / fewer
    }
}

/// A line of a revision and a relation.
type Line = (Option<String>, u32, String, String);

/// The work of an upgrade, line by line.
pub struct Work<'a> {
    measured: &'a Measured,
    costs: BTreeMap<Line, Cost<'a>>,
}

impl Measured {
    /// The work of each line of a revision on each relation.
    #[must_use]
    pub fn work(&self) -> Work<'_> {
        let mut counted = Counted::new(self.flushes);
        let mut costs: BTreeMap<Line, Cost<'_>> = BTreeMap::new();
        let (relations, statements) = (self.by_oid(), self.by_number());
        for measure in &self.upgrade.measures {
            let Measure::Probe(probe) = measure else {
                continue;
            };
            let statement = statements.get(&probe.number);
            let placed = statement.and_then(|one| Some((*one, one.place.as_ref()?)));
            for held in &probe.relations {
                let (counters, _) = counted.since(probe, held);
                let written = counters.inserted + counters.updated + counters.deleted;
                // Entries of an index may lead to versions of rows that are dead.
                let tuples = counters.read + counters.fetched + written;
                let (Some(schema), Some(name), Some((statement, place))) =
                    (held.schema.clone(), held.name.clone(), placed)
                else {
                    continue;
                };
                let line = (place.revision.clone(), place.line, schema, name);
                let (schema, name) = (line.2.clone(), line.3.clone());
                let cost = costs.entry(line).or_insert_with(|| Cost {
                    statement,
                    schema,
                    name,
                    rows: relations.get(&held.oid).map(|relation| relation.rows),
                    tuples: 0,
                });
                cost.tuples += tuples;
            }
        }
        Work {
            measured: self,
            costs,
        }
    }

    /// The lines whose work grows faster than the rows, whichever way joins are made.
    #[must_use]
    pub fn growing(&self) -> Vec<Growth<'_>> {
        let nested: Vec<Growth<'_>> = self
            .nested
            .as_deref()
            .map(Self::suspected)
            .unwrap_or_default();
        let both = self.suspected().into_iter().filter(|one| {
            let mut others = nested.iter();
            others.any(|other| other.cost.is_like(&one.cost))
        });
        both.collect()
    }

    /// The lines whose work grows faster than the rows, as joins are made here.
    fn suspected(&self) -> Vec<Growth<'_>> {
        match &self.fewer {
            Some(fewer) => self.work().growing_from(fewer),
            None => Vec::new(),
        }
    }

    /// So many times the rows there are than in another run, in the table that has most of them.
    fn times(&self, fewer: &Self) -> i64 {
        let each = self.relations.iter().filter_map(|relation| {
            let is_it = |one: &&super::Relation| one.text == relation.text && one.rows > 0;
            let other = fewer.relations.iter().find(is_it)?;
            Some((relation.rows + other.rows / 2) / other.rows)
        });
        each.max().unwrap_or(1)
    }
}

impl<'a> Work<'a> {
    /// Tells whether a line reads a table so often that fewer rows would tell more.
    #[must_use]
    pub fn may_grow(&self) -> bool {
        self.costs.values().any(is_often)
    }

    /// The lines whose work grows faster than the rows, by more than half, from a run on fewer.
    #[must_use]
    pub fn growing_from(&self, fewer: &Measured) -> Vec<Growth<'a>> {
        if !fewer.upgrade.finished() {
            return Vec::new();
        }
        let times = self.measured.times(fewer);
        let before = fewer.work().costs;
        let often = self.costs.iter().filter(|(_, cost)| is_often(cost));
        let compared = often.filter_map(|(line, cost)| {
            Some(Growth {
                cost: cost.clone(),
                fewer: before.get(line)?.tuples,
                times,
            })
        });
        let grows = |one: &Growth<'_>| 2 * one.cost.tuples > 3 * times * one.fewer.max(1);
        compared.filter(grows).collect()
    }
}

fn is_often(cost: &Cost<'_>) -> bool {
    cost.tuples >= OFTEN * cost.rows.unwrap_or(MANY).max(MANY)
}
