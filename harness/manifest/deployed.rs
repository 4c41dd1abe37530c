//! The revisions that are deployed: [`Deployed`].
//!
//! The revisions above them are the next deployment, which the criteria that need one judge.

use std::env;
use std::path::Path;

use super::error;
use super::keys::OneOrMany;
use crate::error::{HarnessError, Result};

/// The branch that this one is merged into, for instance `origin/main`.
pub const BASE_REF: &str = "BASE_REF";
/// The value of `deployed` by which every revision is a deployment of its own.
const BASE: &str = "base";

/// A statement of which revisions are deployed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Deployed {
    /// There is none.
    #[default]
    Unknown,
    /// Those that this ref has.
    BaseRef(String),
    /// These, and all below them.
    At(Vec<String>),
    /// None: every revision is deployed by itself, one after the other.
    Nothing,
}

impl Deployed {
    /// Tells whether what is above it is one deployment.
    #[must_use]
    pub fn is_one(&self) -> bool {
        matches!(self, Self::BaseRef(_) | Self::At(_))
    }
}

/// The ref that `BASE_REF` names, if it names one.
#[must_use]
pub fn base_ref() -> Option<String> {
    let named = env::var(BASE_REF).unwrap_or_default();
    Some(named.trim().to_owned()).filter(|name| !name.is_empty())
}

/// `BASE_REF` before the manifest's `deployed`.
///
/// # Errors
/// `deployed` names nothing, or `require_base_ref` is set and `BASE_REF` is not.
pub(super) fn deployed(
    file: &Path,
    key: Option<OneOrMany>,
    base_ref: Option<String>,
    is_base_ref_required: bool,
) -> Result<Deployed> {
    let named = key.map(|key| named(file, key)).transpose()?;
    match base_ref {
        Some(base_ref) => Ok(Deployed::BaseRef(base_ref)),
        None if is_base_ref_required => Err(no_base_ref(file)),
        None => Ok(named.unwrap_or_default()),
    }
}

fn named(file: &Path, key: OneOrMany) -> Result<Deployed> {
    let revisions = key.into_vec();
    if revisions.is_empty() || revisions.iter().any(|id| id.trim().is_empty()) {
        let help =
            "the revision that is deployed, a list where there are several heads, or \"base\"";
        return Err(error(file, "`deployed` names no revision").help(help));
    }
    match revisions.as_slice() {
        [only] if only == BASE => Ok(Deployed::Nothing),
        _ => Ok(Deployed::At(revisions)),
    }
}

fn no_base_ref(file: &Path) -> HarnessError {
    error(
        file,
        format!("`require_base_ref` is set, and {BASE_REF} is not"),
    )
    .help(format!(
        "{BASE_REF}=origin/main, or what the branch is merged into"
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pretty_assertions::assert_eq;

    use super::*;

    fn read(key: &[&str], base_ref: Option<&str>, required: bool) -> Result<Deployed> {
        let key = (!key.is_empty())
            .then(|| OneOrMany::Many(key.iter().map(|id| (*id).to_owned()).collect()));
        deployed(
            Path::new("a.toml"),
            key,
            base_ref.map(str::to_owned),
            required,
        )
    }

    #[test]
    fn the_base_ref_comes_before_the_manifest() {
        let at = |ids: &[&str]| Deployed::At(ids.iter().map(|id| (*id).to_owned()).collect());
        let main = || Deployed::BaseRef("main".to_owned());
        assert_eq!(read(&[], None, false).unwrap(), Deployed::Unknown);
        assert_eq!(read(&["a"], None, false).unwrap(), at(&["a"]));
        assert_eq!(read(&["a", "b"], None, false).unwrap(), at(&["a", "b"]));
        assert_eq!(read(&["base"], None, false).unwrap(), Deployed::Nothing);
        assert_eq!(read(&["a"], Some("main"), false).unwrap(), main());
        assert_eq!(read(&[], Some("main"), true).unwrap(), main());
    }

    #[test]
    fn what_names_nothing_is_refused() {
        assert!(read(&[" "], None, false).is_err());
        assert!(read(&["a", ""], Some("main"), false).is_err());
        let error = read(&["a"], None, true).unwrap_err();
        assert!(
            error.message.contains("`require_base_ref` is set"),
            "{error:?}"
        );
    }
}
