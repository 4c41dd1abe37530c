//! From what was measured after each statement to what it did while others were blocked.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::alembic::sql;
use crate::alembic::transcript::{Held, Measure, Probe, Settled, Statement};
use crate::evidence::locks::{Counted, Measured, Mode, Relation};

/// A lock that blocks others, on a deployed relation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocking<'a> {
    pub relation: &'a Relation,
    pub mode: Mode,
    /// The statement that took it.
    pub since: &'a Statement,
    /// The command within it that did, where that is known.
    pub command: Option<&'a str>,
}

/// Work in proportion to a relation's rows, the heaviest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Work {
    /// It got a new file.
    Rewritten,
    /// An index on it was built.
    Built(String),
    /// So many of its rows were updated, and deleted.
    Written(i64, i64),
    /// So many of its rows were read.
    Scanned(i64),
    /// So many of its rows were changed by now, by several statements.
    WrittenInParts(i64),
}

/// A relation on which a statement worked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    pub schema: String,
    pub name: String,
    /// The number of rows there were; `None` where the deployment itself made it.
    pub rows: Option<i64>,
}

/// A statement with what it did and held.
#[derive(Debug)]
pub(super) struct Moment<'a> {
    pub statement: &'a Statement,
    /// The transaction that it ran in, as PostgreSQL calls it.
    pub transaction: &'a str,
    /// The strongest first.
    pub blocking: Vec<Blocking<'a>>,
    /// The one that its text names first comes first.
    pub works: Vec<(Subject, Work)>,
    /// Tells whether a wait for a lock would end.
    pub has_timeout: bool,
    /// Tells whether it was run in a transaction of ours first.
    pub is_rehearsed: bool,
}

/// So many rows of a relation that the deployment made are many.
const MANY: i64 = 500;

/// So many locks are shown beside those that a statement changes.
const SHOWN: usize = 32;

/// The number of the statement that took a lock, and the command within it that did.
type Taker<'a> = (u64, Option<&'a str>);

/// The locks that a transaction holds on deployed relations and that block others.
#[derive(Default)]
struct Locks<'a> {
    since: BTreeMap<(i64, Mode), Taker<'a>>,
    /// The strongest first, and then the oldest.
    ordered: BTreeSet<(Reverse<Mode>, Taker<'a>, i64)>,
}

impl<'a> Locks<'a> {
    fn take(&mut self, oid: i64, mode: Mode, since: Taker<'a>) {
        self.since.insert((oid, mode), since);
        self.ordered.insert((Reverse(mode), since, oid));
    }

    /// Takes away those on a relation, and returns them.
    fn release(&mut self, oid: i64) -> Vec<((i64, Mode), Taker<'a>)> {
        let range = (oid, Mode::Share)..=(oid, Mode::AccessExclusive);
        let held = self.since.range(range).map(|(key, since)| (*key, *since));
        let held: Vec<((i64, Mode), Taker<'a>)> = held.collect();
        for ((oid, mode), since) in &held {
            self.since.remove(&(*oid, *mode));
            self.ordered.remove(&(Reverse(*mode), *since, *oid));
        }
        held
    }
}

/// The knowledge of relations and transactions so far.
struct Trace<'a> {
    measured: &'a Measured,
    /// Files of relations and indexes that were seen.
    files: BTreeMap<i64, BTreeSet<i64>>,
    counted: Counted,
    /// Rows that a transaction changed while it blocked others, by relation.
    changed: BTreeMap<(i32, String, i64), i64>,
    /// The locks of each transaction.
    locks: BTreeMap<(i32, String), Locks<'a>>,
    relations: BTreeMap<i64, &'a Relation>,
    statements: BTreeMap<u64, &'a Statement>,
    /// The last measured statement of each session.
    last: BTreeMap<i32, u64>,
    /// The statements in whose transaction nobody could ask.
    unprobed: BTreeSet<u64>,
}

/// All measured statements in order.
pub(super) fn moments(measured: &Measured) -> Vec<Moment<'_>> {
    let mut trace = Trace {
        measured,
        files: BTreeMap::new(),
        counted: Counted::new(measured.flushes),
        changed: BTreeMap::new(),
        locks: BTreeMap::new(),
        relations: measured.by_oid(),
        statements: measured.by_number(),
        last: BTreeMap::new(),
        unprobed: BTreeSet::new(),
    };
    for relation in &measured.relations {
        let files = trace.files.entry(relation.oid).or_default();
        files.insert(relation.filenode);
        files.extend(relation.indexes.iter().map(|(_, file)| *file));
    }
    let mut moments = Vec::new();
    for measure in &measured.upgrade.measures {
        match measure {
            Measure::Probe(probe) => moments.extend(trace.moment(probe)),
            Measure::Settled(settled) => moments.extend(trace.settle(settled)),
            Measure::Unprobed(unprobed) => {
                trace.unprobed.insert(unprobed.number);
            }
        }
    }
    moments
}

impl<'a> Trace<'a> {
    fn moment(&mut self, probe: &'a Probe) -> Option<Moment<'a>> {
        let statement = *self.statements.get(&probe.number)?;
        let blocking = self.blocking(probe, statement);
        let mut works = Vec::new();
        for held in &probe.relations {
            works.extend(self.work(probe, held, statement, !blocking.is_empty()));
        }
        works.retain(|_| !probe.is_told);
        let words = sql::words(&statement.sql);
        let place = |subject: &Subject| {
            let at = words.iter().position(|word| *word == subject.name);
            at.unwrap_or(usize::MAX)
        };
        works.sort_by_key(|(subject, work)| (subject.rows.is_none(), work.clone(), place(subject)));
        self.last.insert(probe.session, probe.number);
        Some(Moment {
            statement,
            transaction: &probe.transaction,
            blocking,
            works,
            has_timeout: probe.lock_timeout != "0",
            is_rehearsed: probe.rehearsed,
        })
    }

    /// The locks on deployed relations that block others, each since it was taken: those that
    /// the statement changes, and the first of the others.
    fn blocking(&mut self, probe: &'a Probe, statement: &'a Statement) -> Vec<Blocking<'a>> {
        let transaction = (probe.session, probe.transaction.clone());
        let mut locks = self.locks.remove(&transaction).unwrap_or_default();
        let mut before = Locks::default();
        if probe.is_whole {
            std::mem::swap(&mut before, &mut locks);
        }
        for oid in &probe.gone {
            locks.release(*oid);
        }
        for held in &probe.relations {
            before.since.extend(locks.release(held.oid));
            let Some(relation) = self.relations.get(&held.oid) else {
                continue;
            };
            // Nobody writes to a materialised view but who refreshes it.
            let counts = |mode: &Mode| relation.kind != "m" || mode.blocks_reads();
            let modes = held.modes.iter().filter_map(|mode| Mode::read(mode));
            for mode in modes.filter(counts) {
                let known = before.since.get(&(held.oid, mode)).copied();
                let since = known.unwrap_or_else(|| {
                    let number = self.taker(probe, relation, statement);
                    (number, probe.command.as_deref())
                });
                locks.take(held.oid, mode, since);
            }
        }
        let changed: BTreeSet<i64> = probe.relations.iter().map(|held| held.oid).collect();
        let ordered = locks.ordered.iter().enumerate();
        let shown = ordered.filter(|(at, (.., oid))| *at < SHOWN || changed.contains(oid));
        let blocking = shown.filter_map(|(_, (mode, since, oid))| {
            Some(Blocking {
                relation: self.relations.get(oid)?,
                mode: mode.0,
                since: self.statements.get(&since.0)?,
                command: since.1,
            })
        });
        let blocking = blocking.collect();
        self.locks.insert(transaction, locks);
        blocking
    }

    /// The statement that took a new lock: after LOCK nobody asks, so that it is seen later.
    fn taker(&self, probe: &Probe, relation: &Relation, statement: &Statement) -> u64 {
        let last = self.last.get(&probe.session).copied().unwrap_or_default();
        let between = self.measured.upgrade.statements.iter().filter(|one| {
            one.number > last && one.number < probe.number && one.session == statement.session
        });
        let mut locking = between.filter(|one| {
            let words = sql::words(&one.sql);
            words.first().is_some_and(|word| word == "lock") && words.contains(&relation.name)
        });
        locking.next().map_or(probe.number, |one| one.number)
    }

    /// The heaviest work of a statement on a relation.
    fn work(
        &mut self,
        probe: &Probe,
        held: &Held,
        statement: &Statement,
        is_blocking: bool,
    ) -> Option<(Subject, Work)> {
        let (counters, read_by_index) = self.counted.since(probe, held);
        let known = self.files.entry(held.oid).or_default();
        let is_new = |file: i64, known: &BTreeSet<i64>| file != 0 && !known.contains(&file);
        let is_rewritten = held.filenode.is_some_and(|file| is_new(file, known));
        let built = held.indexes.iter().find(|one| is_new(one.filenode, known));
        let built = built.map(|index| index.name.clone());
        known.extend(held.filenode);
        known.extend(held.indexes.iter().map(|index| index.filenode));
        let relation = self.relations.get(&held.oid);
        let subject = Subject {
            schema: held.schema.clone()?,
            name: held.name.clone()?,
            rows: relation.map(|relation| relation.rows),
        };
        let written = counters.updated + counters.deleted;
        let Some(rows) = subject.rows else {
            let read = counters.read.max(read_by_index);
            return match (written + counters.inserted >= MANY, read >= MANY) {
                (true, _) => Some(Work::Written(
                    counters.updated + counters.inserted,
                    counters.deleted,
                )),
                (false, true) => Some(Work::Scanned(read)),
                _ => None,
            }
            .map(|work| (subject, work));
        };
        if rows == 0 {
            return None;
        }
        let is_named = sql::mentions(&statement.sql, &subject.name);
        let by_index = if is_named { read_by_index } else { 0 };
        let read = counters.read.max(by_index);
        let together = match is_blocking {
            true => self.changed_by_now(probe, held.oid, written),
            false => 0,
        };
        // A table that is emptied gets new files without any work.
        let is_emptied = sql::mentions(&statement.sql, "truncate") && counters.read < rows;
        let work = match built {
            _ if is_rewritten && !is_emptied => Some(Work::Rewritten),
            Some(index) if !is_rewritten => Some(Work::Built(index)),
            _ if written * 2 >= rows => Some(Work::Written(counters.updated, counters.deleted)),
            _ if read >= rows => Some(Work::Scanned(read.min(rows))),
            _ if written > 0 && together * 2 >= rows => Some(Work::WrittenInParts(together)),
            _ => None,
        };
        work.map(|work| (subject, work))
    }

    /// The rows of a relation that a transaction changed while it blocked others.
    fn changed_by_now(&mut self, probe: &Probe, oid: i64, written: i64) -> i64 {
        let key = (probe.session, probe.transaction.clone(), oid);
        let changed = self.changed.entry(key).or_default();
        *changed += written;
        *changed
    }

    /// The remains of a statement whose transaction nobody could ask in: the tables that it
    /// rewrote, as VACUUM FULL does, for which it has to keep all others out, and the indexes that
    /// it built, as REINDEX SCHEMA does, for which it has to keep others from writing
    /// (<https://www.postgresql.org/docs/current/sql-vacuum.html>,
    /// <https://www.postgresql.org/docs/current/sql-reindex.html>).
    fn settle(&mut self, settled: &Settled) -> Option<Moment<'a>> {
        let statement = self.statements.get(&settled.number).copied();
        let is_alone = |one: &&Statement| {
            self.unprobed.contains(&settled.number) && !sql::mentions(&one.sql, "concurrently")
        };
        let left = match statement.filter(is_alone) {
            Some(_) => self.left(settled),
            None => Vec::new(),
        };
        self.remember(settled);
        let statement = statement.filter(|_| !left.is_empty())?;
        let subject = |relation: &Relation| Subject {
            schema: relation.schema.clone(),
            name: relation.name.clone(),
            rows: Some(relation.rows),
        };
        let blocking = left.iter().map(|(relation, work)| Blocking {
            relation,
            mode: match work {
                Work::Rewritten => Mode::AccessExclusive,
                _ => Mode::Share,
            },
            since: statement,
            command: None,
        });
        Some(Moment {
            statement,
            transaction: "",
            blocking: blocking.collect(),
            works: left
                .into_iter()
                .map(|(relation, work)| (subject(relation), work))
                .collect(),
            has_timeout: true,
            is_rehearsed: false,
        })
    }

    /// The deployed tables with rows that have another file, and those of which an index has one.
    fn left(&self, settled: &Settled) -> Vec<(&'a Relation, Work)> {
        let is_new = |relation: i64, file: i64| {
            let known = self.files.get(&relation);
            file != 0 && known.is_some_and(|known| !known.contains(&file))
        };
        let rewritten = settled
            .files
            .iter()
            .filter(|(oid, file)| is_new(*oid, *file));
        let mut left: BTreeMap<i64, Work> =
            rewritten.map(|(oid, _)| (*oid, Work::Rewritten)).collect();
        for index in &settled.indexes {
            if is_new(index.relation, index.filenode) {
                let built = Work::Built(index.name.clone());
                left.entry(index.relation).or_insert(built);
            }
        }
        let known = left.into_iter().filter_map(|(oid, work)| {
            let relation = *self.relations.get(&oid)?;
            (relation.rows > 0).then_some((relation, work))
        });
        known.collect()
    }

    fn remember(&mut self, settled: &Settled) {
        for (relation, file) in &settled.files {
            self.files.entry(*relation).or_default().insert(*file);
        }
        for index in &settled.indexes {
            let files = self.files.entry(index.relation).or_default();
            files.insert(index.filenode);
        }
    }
}
