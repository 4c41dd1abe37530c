//! `[locks]`: what a team says of the tables that a deployment locks, as [`LockRules`].

use std::collections::BTreeMap;
use std::path::Path;

use super::keys::{InheritedLockKeys, LockKeys};
use super::values::{check_reasons, overlaid};
use super::{Justification, error};
use crate::error::Result;

/// The rules for locks in a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LockRules {
    /// Findings that are accepted, each with the reason.
    pub accepted: BTreeMap<String, Justification>,
    /// Tables on which work takes no time.
    pub small: Vec<String>,
    /// The tables that alone are red, where there are any.
    pub large: Vec<String>,
    /// Tells whether a lock that blocks others asks for a `lock_timeout`.
    pub is_timeout_required: bool,
    /// Tells whether rows have to be changed in batches.
    pub are_batches_required: bool,
    /// Tells whether work may grow no faster than the rows.
    pub is_linear_required: bool,
}

/// The only value of what may be required.
const REQUIRED: &str = "required";

impl LockRules {
    /// The rules of a service.
    ///
    /// # Errors
    /// A value is not one of those that are allowed, or no reason is given.
    pub(super) fn read(
        defaults_file: &Path,
        defaults: &InheritedLockKeys,
        file: &Path,
        own: LockKeys,
    ) -> Result<Self> {
        check_reasons(defaults_file, "locks.accepted", &defaults.accepted)?;
        let accepted = overlaid(file, "locks.accepted", &defaults.accepted, &own.accepted)?;
        let required = |key: &str, by_default: Option<&str>, own: Option<&str>| -> Result<bool> {
            let by_default = is_required(defaults_file, key, by_default)?;
            Ok(is_required(file, key, own)? || by_default)
        };
        let is_timeout_required = required(
            "lock_timeout",
            defaults.lock_timeout.as_deref(),
            own.lock_timeout.as_deref(),
        )?;
        let (batches, linear) = (own.batches.as_deref(), own.linear.as_deref());
        let are_batches_required = required("batches", defaults.batches.as_deref(), batches)?;
        let is_linear_required = required("linear", defaults.linear.as_deref(), linear)?;
        for (key, tables) in [("small", &own.small), ("large", &own.large)] {
            if tables.iter().any(|table| table.trim().is_empty()) {
                let problem = format!("`locks.{key}` names no table");
                return Err(error(file, problem).help(format!("{key} = [\"orders\"]")));
            }
        }
        if let Some(both) = own.small.iter().find(|table| own.large.contains(table)) {
            let problem = format!("`locks.small` and `locks.large` both name {both}");
            return Err(error(file, problem).help("leave it out of one of them"));
        }
        Ok(Self {
            accepted,
            small: own.small,
            large: own.large,
            is_timeout_required,
            are_batches_required,
            is_linear_required,
        })
    }

    /// Tells whether the manifest calls a table small.
    #[must_use]
    pub fn is_small(&self, schema: &str, table: &str) -> bool {
        Self::names(&self.small, schema, table)
    }

    /// Tells whether work on a table may be red: it is large, or none is named so.
    #[must_use]
    pub fn may_be_large(&self, schema: &str, table: &str) -> bool {
        self.large.is_empty() || Self::names(&self.large, schema, table)
    }

    /// Tells whether one of these names is that of a table, with its schema or without.
    #[must_use]
    pub fn names(names: &[String], schema: &str, table: &str) -> bool {
        let is_it = |name: &String| {
            name == table
                || name
                    .strip_suffix(table)
                    .and_then(|rest| rest.strip_suffix('.'))
                    .is_some_and(|rest| rest == schema)
        };
        names.iter().any(is_it)
    }
}

fn is_required(file: &Path, key: &str, value: Option<&str>) -> Result<bool> {
    match value {
        None => Ok(false),
        Some(REQUIRED) => Ok(true),
        Some(other) => {
            let problem = format!("`locks.{key}` is {other:?}");
            Err(error(file, problem).help("\"required\", or leave it out"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::LockRules;

    #[test]
    fn a_table_is_named_with_its_schema_or_without() {
        let names = ["orders".to_owned(), "sales.items".to_owned()];
        let is_named = |schema: &str, table: &str| LockRules::names(&names, schema, table);
        assert!(is_named("public", "orders") && is_named("sales", "items"));
        assert!(!is_named("public", "items") && !is_named("public", "rders"));
    }
}
