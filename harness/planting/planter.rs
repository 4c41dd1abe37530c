//! Plants rows table by table: [`Planter`].

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::catalog::{Table, Tables};
use super::dictionary::{self, Entry};
use super::draft::{Choice, Draft, DraftRow};
use super::order::{Layer, layers};
use super::pool::Pools;
use super::rows::{Closing, closing, existing, reread};
use super::server::{Refusal, Server};
use super::{EmptyTable, Keys, Planted, Reason, Wishes};
use crate::error::{HarnessError, Result, Stage};

/// So many times the next candidates are tried.
pub(super) const ROUNDS: usize = 14;
/// So many times, once some row of a table is planted.
pub(super) const ROUNDS_FOR_THE_REST: usize = 5;
/// So many rows try different candidates in one round.
pub(super) const PROBES: usize = 24;

/// Plants rows, and makes further ones that are like them.
#[derive(Debug)]
pub struct Planter {
    pub(super) tables: Tables,
    pub(super) wishes: Wishes,
    /// The choices that were planted, by the table's oid.
    pub(super) good: BTreeMap<i64, Vec<Choice>>,
    pub(super) pools: Pools,
}

/// A row that was refused: its table's draft, its place in the choices, what it was, and
/// the refusal.
pub(super) type RefusedRow = (usize, usize, DraftRow, Refusal);

/// A planting in progress.
pub(super) struct Planting<'d, 'c> {
    pub(super) tables: &'d Tables,
    pub(super) server: Server<'c>,
    pub(super) drafts: Vec<Draft<'d>>,
    pub(super) pools: Pools,
    pub(super) good: BTreeMap<i64, Vec<Choice>>,
    pub(super) planted: Planted,
    pub(super) keys: Keys,
}

impl Planter {
    /// A planter for the tables of a database.
    #[must_use]
    pub fn new(tables: Tables, wishes: Wishes) -> Self {
        Self {
            tables,
            wishes,
            good: BTreeMap::new(),
            pools: Pools::default(),
        }
    }

    /// The tables that it knows.
    #[must_use]
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Plants rows in all tables, in one transaction that it commits.
    ///
    /// # Errors
    /// The connection is lost, or PostgreSQL refuses to commit.
    pub async fn plant(&mut self, connection: &mut PgConnection) -> Result<Planted> {
        let failed = |cause: sqlx::Error| {
            HarnessError::new(Stage::Evidence, format!("no rows can be planted: {cause}"))
        };
        let server = Server::begin(connection).await.map_err(failed)?;
        let mut planted = Planted::default();
        let drafts = drafts(&self.tables, &self.wishes, &mut planted.empty);
        let mut work = Planting {
            tables: &self.tables,
            server,
            drafts,
            pools: Pools::default(),
            good: BTreeMap::new(),
            planted,
            keys: self.wishes.keys,
        };
        work.plant().await.map_err(failed)?;
        let Planting {
            server,
            pools,
            good,
            mut planted,
            ..
        } = work;
        planted.round_trips = server.end("COMMIT").await.map_err(failed)?;
        self.pools = pools;
        self.good = good;
        Ok(planted)
    }
}

/// The drafts of the tables that are to get rows; the others are named.
fn drafts<'d>(tables: &'d Tables, wishes: &Wishes, empty: &mut Vec<EmptyTable>) -> Vec<Draft<'d>> {
    let mut drafts = Vec::new();
    let mut ordinal = 0;
    for table in &tables.tables {
        let first = ordinal;
        ordinal += u32::try_from(table.columns.len()).unwrap_or_default();
        if table.extension.is_some() || table.is_partition {
            continue;
        }
        let asked = wishes
            .rows_of
            .get(&(table.schema.clone(), table.name.clone()))
            .copied();
        let rows = asked.unwrap_or(wishes.rows).min(super::values::STRIDE - 1);
        let reason = match table.kind.as_str() {
            "f" => Some(Reason::Foreign),
            _ if rows == 0 => Some(Reason::NotAsked),
            "p" if table.leaves.is_empty() => Some(Reason::NoPartition),
            _ => None,
        };
        match reason {
            Some(reason) => empty.push(unplanted(table, reason)),
            None => drafts.push(Draft::new(
                tables,
                table,
                first,
                &statement_entries(table, wishes),
                wishes.keys,
                rows,
            )),
        }
    }
    drafts
}

/// The draft of one table, as [`drafts`] makes it.
pub(super) fn draft_of<'d>(tables: &'d Tables, wishes: &Wishes, oid: i64) -> Option<Draft<'d>> {
    let mut empty = Vec::new();
    drafts(tables, wishes, &mut empty)
        .into_iter()
        .find(|draft| draft.table.oid == oid)
}

/// The literals beside columns of a table in the statements that name it. Those of an
/// INSERT are rows of its own.
fn statement_entries(table: &Table, wishes: &Wishes) -> Vec<Entry> {
    let names: Vec<&str> = table
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    let statements = wishes.statements.iter().filter(|sql| {
        let is_insert = sql
            .trim_start()
            .get(..6)
            .is_some_and(|start| start.eq_ignore_ascii_case("insert"));
        !is_insert && dictionary::names(sql, &table.name)
    });
    statements
        .flat_map(|sql| dictionary::entries(sql, &names))
        .collect()
}

fn unplanted(table: &Table, reason: Reason) -> EmptyTable {
    EmptyTable {
        oid: table.oid,
        schema: table.schema.clone(),
        name: table.name.clone(),
        reason,
        has_rows: false,
    }
}

impl Planting<'_, '_> {
    pub(super) async fn plant(&mut self) -> Result<(), sqlx::Error> {
        let seeds = existing(&mut self.server, self.tables).await?;
        let oids: Vec<i64> = self.drafts.iter().map(|draft| draft.table.oid).collect();
        for (table, rows) in &seeds {
            if !oids.contains(table) {
                rows.iter()
                    .for_each(|row| self.pools.add(*table, row.clone(), None));
            }
        }
        for layer in layers(&mut self.drafts) {
            let (Layer::Apart(tables) | Layer::Circle(tables)) = &layer;
            match &layer {
                Layer::Apart(tables) => self.plant_apart(tables).await?,
                Layer::Circle(tables) => self.plant_circle(tables).await?,
            }
            for at in tables {
                let oid = self.drafts[*at].table.oid;
                if self.pools.rows(oid).is_empty() {
                    let rows = seeds.get(&oid).into_iter().flatten();
                    rows.for_each(|row| self.pools.add(oid, row.clone(), None));
                }
            }
        }
        self.name_the_empty();
        let has_closed = self.close().await?;
        if has_closed
            || self
                .tables
                .tables
                .iter()
                .any(|table| !table.triggers.is_empty())
        {
            reread(&mut self.server, self.tables, &mut self.planted).await?;
        }
        Ok(())
    }

    fn name_the_empty(&mut self) {
        for draft in &self.drafts {
            if let Some(planted) = self
                .planted
                .tables
                .iter_mut()
                .find(|one| one.oid == draft.table.oid)
            {
                let leaves = draft.table.leaves.iter().map(|leaf| leaf.name.clone());
                let has_rows = |leaf: &String| {
                    planted
                        .rows
                        .iter()
                        .any(|row| row.partition.as_ref() == Some(leaf))
                };
                planted.empty_partitions = leaves.filter(|leaf| !has_rows(leaf)).collect();
                continue;
            }
            let reason = match draft.refused.clone() {
                Some((refusal, insert)) if refusal.state.is_empty() => Reason::Taken { insert },
                Some((refusal, insert)) => Reason::Refused { refusal, insert },
                None => {
                    let parents = draft
                        .links
                        .iter()
                        .filter(|link| self.pools.rows(link.parent).is_empty());
                    let names = parents.filter_map(|link| self.tables.with_oid(link.parent));
                    let table = names
                        .map(|table| table.text.clone())
                        .next()
                        .unwrap_or_default();
                    Reason::NoParent { table }
                }
            };
            let mut unplanted = unplanted(draft.table, reason);
            unplanted.has_rows = !self.pools.rows(draft.table.oid).is_empty();
            self.planted.empty.push(unplanted);
        }
    }

    async fn close(&mut self) -> Result<bool, sqlx::Error> {
        let updates: Vec<Closing> = self
            .drafts
            .iter()
            .flat_map(|draft| closing(self.tables, draft, &self.pools, &self.planted))
            .collect();
        let statements: Vec<String> = updates
            .iter()
            .map(|(_, update, _)| update.clone())
            .collect();
        let statements: Vec<String> = statements.iter().map(|one| format!("WITH planted AS ({one} RETURNING 1) SELECT pg_catalog.to_json(pg_catalog.count(*)) FROM planted")).collect();
        let answers = self.server.try_all(&statements).await?;
        for ((id, update, values), answer) in updates.into_iter().zip(answers) {
            let table = self
                .planted
                .tables
                .iter_mut()
                .find(|one| one.oid == id.table);
            if let Some(row) = table
                .and_then(|table| table.rows.get_mut(id.at))
                .filter(|_| answer.is_ok())
            {
                row.update = Some(update);
                row.values.extend(
                    values
                        .into_iter()
                        .map(|(number, value)| (number, Some(value))),
                );
            }
        }
        Ok(!statements.is_empty())
    }
}
