//! Work that keeps nobody from a table, and takes long: a note, and red where the manifest
//! requires otherwise.

use super::message::{does, thousands};
use super::trace::{Moment, Subject, Work};
use super::{Context, KeyedFinding};
use crate::criteria::Finding;
use crate::evidence::locks::Growth;

impl Context<'_> {
    /// Half of a table that one statement changes.
    pub(super) fn at_once<'m>(
        &'m self,
        moment: &'m Moment<'m>,
    ) -> impl Iterator<Item = KeyedFinding> {
        let works = moment.works.iter().filter(|(subject, work)| {
            let is_written = matches!(work, Work::Written(..)) && subject.rows.is_some();
            is_written && moment.blocking.is_empty() && !self.is_named_small(subject)
        });
        works.map(|(subject, work)| {
            let table = self.name(subject);
            let revision = self.revision(moment.statement);
            let finding = Finding::new(format!(
                "revision {revision}: one statement {}, and holds each of them until its transaction ends",
                does(work, subject, &table)
            ))
            .mark(moment.statement.place.as_ref(), "this one")
            .help(format!(
                "in batches by key: in an autocommit_block, for each thousand of keys: {} ... WHERE id > <from> AND id <= <to>",
                match work {
                    Work::Written(_, 0) => format!("UPDATE {table} SET"),
                    _ => format!("DELETE FROM {table}"),
                }
            ));
            let keyed = self.accept(finding, format!("{revision} {table} L4"), Some(&table));
            let is_required = self.service.locks.are_batches_required;
            KeyedFinding { is_red: is_required && self.may_be_red(subject), ..keyed }
        })
    }

    /// Work that grows faster than the rows; `None` where the table is small.
    pub(super) fn growing(&self, growth: &Growth<'_>) -> Option<KeyedFinding> {
        let cost = &growth.cost;
        let subject = Subject {
            schema: cost.schema.clone(),
            name: cost.name.clone(),
            rows: cost.rows,
        };
        if self.is_named_small(&subject) {
            return None;
        }
        let table = self.name(&subject);
        let revision = self.revision(cost.statement);
        let times = growth.times;
        let finding = Finding::new(format!(
            "revision {revision} looks through {table} again and again: {times} times the rows are {} times the work",
            growth.more()
        ))
        .mark(
            cost.statement.place.as_ref(),
            format!(
                "reads and writes {} rows of {table} in all; where tables have fewer rows, {}",
                thousands(cost.tuples),
                thousands(growth.fewer)
            ),
        )
        .help(format!(
            "one statement that joins, or an index of {table} on the columns by which its rows are looked up, built before; batches by key and not by what is left"
        ));
        let keyed = self.accept(finding, format!("{revision} {table} L6"), Some(&table));
        let is_required = self.service.locks.is_linear_required;
        Some(KeyedFinding {
            is_red: is_required && self.may_be_red(&subject),
            ..keyed
        })
    }

    fn is_named_small(&self, subject: &Subject) -> bool {
        let rules = &self.service.locks;
        rules.is_small(&subject.schema, &subject.name)
    }

    fn may_be_red(&self, subject: &Subject) -> bool {
        let rules = &self.service.locks;
        rules.may_be_large(&subject.schema, &subject.name)
    }
}
