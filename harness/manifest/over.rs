//! Values of a service's file over those of `defaults.toml`: files and values come in this
//! order, the defaults first.

use std::collections::BTreeMap;
use std::path::Path;

use super::keys::{TimeoutKeys, Waiver};
use super::script::{self, ScriptKeys};
use super::settings::{self, Value};
use super::values::{check_reasons, check_variables, overlaid, seconds, takes_part_of_url};
use super::{Justification, Timeouts};
use crate::error::Result;
use crate::postgres::Script;

/// The two files.
pub(super) type Files<'a> = [&'a Path; 2];

/// Lines of a table of accepted keys with their reasons.
pub(super) fn lines(
    [defaults, own]: Files<'_>,
    table: &str,
    declared: &BTreeMap<String, String>,
    waived: &BTreeMap<String, Waiver>,
) -> Result<BTreeMap<String, Justification>> {
    check_reasons(defaults, table, declared)?;
    overlaid(own, table, declared, waived)
}

/// The times that the harness waits.
pub(super) fn timeouts(
    [_, file]: Files<'_>,
    [defaults, own]: [&TimeoutKeys; 2],
) -> Result<Timeouts> {
    Ok(Timeouts {
        upgrade: seconds(
            file,
            "timeouts.upgrade",
            &[own.upgrade, defaults.upgrade],
            240.0,
        )?,
        rows: seconds(file, "timeouts.rows", &[own.rows, defaults.rows], 120.0)?,
        verify: seconds(
            file,
            "timeouts.verify",
            &[own.verify, defaults.verify],
            120.0,
        )?,
    })
}

/// Variables that take parts of the URL, and the others.
pub(super) type Variables = [BTreeMap<String, String>; 2];

/// The variables of `[env]`.
pub(super) fn variables(
    [defaults_file, own_file]: Files<'_>,
    [defaults, own]: [BTreeMap<String, String>; 2],
) -> Result<Variables> {
    check_variables(defaults_file, &defaults)?;
    check_variables(own_file, &own)?;
    let all: BTreeMap<String, String> = defaults.into_iter().chain(own).collect();
    let parted = all
        .into_iter()
        .partition(|(_, value)| takes_part_of_url(value));
    Ok(<[_; 2]>::from(parted))
}

/// The scripts of `[postgres] prepare`: those of all services come first.
pub(super) fn prepare(
    files: Files<'_>,
    keys: [Option<&ScriptKeys>; 2],
    root: &Path,
) -> Result<Vec<Script>> {
    let mut scripts = Vec::new();
    for (file, keys) in files.into_iter().zip(keys) {
        scripts.extend(script::prepare(file, keys, root)?);
    }
    Ok(scripts)
}

/// The server's settings.
pub(super) fn settings(
    files: Files<'_>,
    keys: [&BTreeMap<String, Value>; 2],
) -> Result<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for (file, keys) in files.into_iter().zip(keys) {
        all.extend(settings::settings(file, keys)?);
    }
    Ok(all)
}
