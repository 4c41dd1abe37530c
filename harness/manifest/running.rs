//! `[running_release]`: what a team says of the release that is running, as [`RunningRules`].

use std::collections::BTreeMap;
use std::path::Path;

use super::error;
use super::keys::RunningKeys;
use super::script::{Key, scripts};
use super::values::overlaid;
use super::{Justification, Script};
use crate::error::Result;

/// The rules for the release that is running in a manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunningRules {
    /// The release, where that is not what `BASE_REF` has.
    pub reference: Option<String>,
    /// Findings that are accepted, each with the reason.
    pub accepted: BTreeMap<String, Justification>,
    /// Statements of its code that no model makes.
    pub statements: Vec<Script>,
    /// Tells whether it has to read the rows of the next release.
    pub is_mixed: bool,
}

const STATEMENTS: Key = Key {
    name: "running_release.statements",
    example: "SELECT id FROM orders WHERE status = 'new' FOR UPDATE SKIP LOCKED",
};

impl RunningRules {
    /// The rules of a service.
    ///
    /// # Errors
    /// A value is not one of those that are allowed, no reason is given, or SQL cannot be read.
    pub(super) fn read(file: &Path, own: &RunningKeys, root: &Path) -> Result<Self> {
        let reference = own.reference.as_deref().map(str::trim);
        if reference == Some("") {
            return Err(error(file, "`running_release.ref` names no commit")
                .help("name a branch, a tag or a commit, such as the one that was released last"));
        }
        let table = "running_release.accepted";
        Ok(Self {
            reference: reference.map(str::to_owned),
            accepted: overlaid(file, table, &BTreeMap::new(), &own.accepted)?,
            statements: scripts(file, STATEMENTS, own.statements.as_ref(), root)?,
            is_mixed: own.mixed,
        })
    }
}
