//! The fewest rows with which an upgrade fails, found by upgrading again.

use super::{Rows, Start, raised};
use crate::alembic::sql;
use crate::alembic::transcript::{Statement, StatementOutcome, Transcript};
use crate::alembic::worker::Command;
use crate::error::Result;
use crate::evidence::deployment::RefusedRow;
use crate::gather::Driver;
use crate::planting::{PlantedTable, RowId, Special};

/// So many different special rows are found at most.
const FOUND: usize = 4;
/// So many tables are tried with a row of their own.
const TABLES: usize = 4;

impl Driver<'_> {
    /// The fewest plain rows with which the upgrade fails, one where that is enough; and
    /// whether any row of that table will do.
    pub(super) async fn smallest(
        &mut self,
        start: &Start<'_>,
        rows: &Rows,
        failed: &Transcript,
    ) -> Result<(Vec<String>, bool)> {
        let named = |table: &&PlantedTable| is_named(failed, &table.name);
        let (first, others): (Vec<_>, Vec<_>) = rows.planted.tables.iter().partition(named);
        for table in first.into_iter().chain(others).take(TABLES) {
            let id = |at| RowId {
                table: table.oid,
                at,
            };
            let mut few: Vec<RowId> = (0..table.rows.len()).map(id).collect();
            if self.fails_where(start, rows, &few[..1]).await? {
                let inserts = rows.planted.ancestors(&few[..1]);
                return Ok((inserts.into_iter().map(str::to_owned).collect(), true));
            }
            if !self.fails_where(start, rows, &few).await? {
                continue;
            }
            while few.len() > 1 {
                self.in_time(start.deadline)?;
                let later = few.split_off(few.len().div_ceil(2));
                if self.fails_where(start, rows, &few).await? {
                    continue;
                }
                if !self.fails_where(start, rows, &later).await? {
                    few.extend(later);
                    break;
                }
                few = later;
            }
            let inserts = rows.planted.ancestors(&few);
            return Ok((inserts.into_iter().map(str::to_owned).collect(), false));
        }
        Ok((Vec::new(), false))
    }

    /// Tells whether the upgrade fails with these planted rows and those that they refer to.
    async fn fails_where(&mut self, start: &Start<'_>, rows: &Rows, few: &[RowId]) -> Result<bool> {
        let inserts = rows.planted.ancestors(few);
        Ok(self.fails(start, &inserts).await?.is_some())
    }

    /// The special rows with which the upgrade fails although it does not with plain ones:
    /// halves are tried, and halves of the one that fails, until one row is left.
    pub(super) async fn refused_rows(
        &mut self,
        start: &Start<'_>,
        rows: &Rows,
        failed: Transcript,
    ) -> Result<Vec<RefusedRow>> {
        let mut left: Vec<&Special> = rows.special.iter().collect();
        let mut found = Vec::new();
        let mut upgrade = failed;
        while found.len() < FOUND && !left.is_empty() {
            left.sort_by_key(|special| !self.is_about(rows, &upgrade, special));
            let (few, last) = Box::pin(self.halved(start, rows, left.clone(), upgrade)).await?;
            let Some(special) = few.first().copied() else {
                break;
            };
            found.push(Box::pin(self.refused_row(start, rows, &few, last)).await?);
            let is_like = |one: &Special| {
                (one.table, one.column, one.class) == (special.table, special.column, special.class)
            };
            left.retain(|one| !is_like(one));
            self.in_time(start.deadline)?;
            match self.fails_with(start, rows, &left).await? {
                Some(next) => upgrade = next,
                None => break,
            }
        }
        Ok(found)
    }

    /// The fewest of special rows that fail together with the plain ones.
    async fn halved<'s>(
        &mut self,
        start: &Start<'_>,
        rows: &Rows,
        mut special: Vec<&'s Special>,
        mut upgrade: Transcript,
    ) -> Result<(Vec<&'s Special>, Transcript)> {
        while special.len() > 1 {
            self.in_time(start.deadline)?;
            let others = special.split_off(special.len().div_ceil(2));
            if let Some(failed) = self.fails_with(start, rows, &special).await? {
                upgrade = failed;
            } else if let Some(failed) = self.fails_with(start, rows, &others).await? {
                (special, upgrade) = (others, failed);
            } else {
                special.extend(others);
                break;
            }
        }
        Ok((special, upgrade))
    }

    /// The finding on special rows that fail: the first of them, with the fewest rows
    /// beside it.
    async fn refused_row(
        &mut self,
        start: &Start<'_>,
        rows: &Rows,
        special: &[&Special],
        upgrade: Transcript,
    ) -> Result<RefusedRow> {
        let first = special[0];
        let own = special.iter().map(|one| one.insert.as_str());
        let parents = |with_like: bool| {
            let like = first.like.filter(|_| with_like);
            let needed = special
                .iter()
                .flat_map(|one| one.parents.clone())
                .chain(like);
            rows.planted.ancestors(&needed.collect::<Vec<_>>())
        };
        let mut inserts: Vec<&str> = own.clone().collect();
        let mut last = upgrade;
        for with_like in [false, true] {
            let few: Vec<&str> = parents(with_like).into_iter().chain(own.clone()).collect();
            if let Some(failed) = self.fails(start, &few).await? {
                (inserts, last) = (few, failed);
                break;
            }
        }
        let table = rows.planter.tables().with_oid(first.table);
        let column = table.and_then(|table| table.column(first.column));
        Ok(RefusedRow {
            table: table.map(|table| table.text.clone()).unwrap_or_default(),
            column: column.map(|column| column.name.clone()).unwrap_or_default(),
            class: first.class,
            value: first.value.clone(),
            inserts: inserts.into_iter().map(str::to_owned).collect(),
            upgrade: last,
        })
    }

    /// The upgrade with plain rows and some special ones, where it fails.
    async fn fails_with(
        &mut self,
        start: &Start<'_>,
        rows: &Rows,
        special: &[&Special],
    ) -> Result<Option<Transcript>> {
        let special = special.iter().map(|one| one.insert.as_str());
        let statements: Vec<&str> = rows.planted.statements().chain(special).collect();
        self.fails(start, &statements).await
    }

    /// The upgrade with the rows of some statements, where it fails.
    async fn fails(
        &mut self,
        start: &Start<'_>,
        statements: &[&str],
    ) -> Result<Option<Transcript>> {
        self.plant(start, statements).await?;
        let upgrade = self.command(Command::Upgrade(start.target)).await?;
        Ok(Some(upgrade).filter(raised))
    }

    /// Tells whether the statement that failed names the column of a special row.
    fn is_about(&self, rows: &Rows, failed: &Transcript, special: &Special) -> bool {
        let table = rows.planter.tables().with_oid(special.table);
        table.is_some_and(|table| {
            let column = table.column(special.column);
            is_named(failed, &table.name)
                && column.is_some_and(|column| is_named(failed, &column.name))
        })
    }
}

/// Tells whether the statement that failed names something; where Python failed, the last one.
fn is_named(failed: &Transcript, name: &str) -> bool {
    let is_failed = |one: &&Statement| matches!(one.outcome, StatementOutcome::Failed { .. });
    let own = || failed.statements.iter().rev();
    let last = own().find(is_failed);
    let last = last.or_else(|| own().find(|one| one.place.is_some()));
    last.is_some_and(|statement| sql::mentions(&statement.sql, name))
}
