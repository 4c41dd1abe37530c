//! `conventions/outbox.toml`: the table and the indexes that every service shares,
//! [`OutboxConvention`].

use std::path::Path;

use serde::Deserialize;

use super::{error, read};
use crate::error::Result;

/// `conventions/outbox.toml`: the table and the indexes every service shares.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboxConvention {
    /// The table's name.
    pub table: String,
    /// Its indexes; more may exist.
    #[serde(rename = "index")]
    pub indexes: Vec<IndexConvention>,
}

/// One index of the convention.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IndexConvention {
    /// The index's name.
    pub name: String,
    /// Key columns in order, as in `CREATE INDEX`: `created_at`, `created_at DESC`.
    pub columns: Vec<String>,
    /// The condition of a partial index.
    #[serde(default)]
    pub predicate: Option<String>,
    /// Tells whether it is unique.
    #[serde(default)]
    pub unique: bool,
    /// The access method.
    #[serde(default = "btree")]
    pub method: String,
    /// Columns that are stored but not keyed.
    #[serde(default)]
    pub include: Vec<String>,
}

fn btree() -> String {
    "btree".to_owned()
}

impl OutboxConvention {
    /// Reads `file`; `None` where there is none.
    pub(super) fn read(file: &Path) -> Result<Option<Self>> {
        if !file.exists() {
            return Ok(None);
        }
        let convention: Self = read(file)?;
        match convention
            .indexes
            .iter()
            .find(|index| index.columns.is_empty())
        {
            None => Ok(Some(convention)),
            Some(index) => Err(error(
                file,
                format!("index \"{}\": `columns` is empty", index.name),
            )
            .help("name at least one column, for instance columns = [\"published_at\"]")),
        }
    }
}
