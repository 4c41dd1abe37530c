//! `[alembic]`: what the `alembic` command is given beside its configuration.

use std::collections::BTreeMap;
use std::path::Path;

use super::error;
use super::keys::OneOrMany;
use super::values::with_places;
use crate::error::Result;

/// The arguments of `-x`, each key with its values
/// (<https://alembic.sqlalchemy.org/en/latest/api/runtime.html>, `get_x_argument`).
pub(super) type X = BTreeMap<String, Vec<String>>;

/// Reads one file's `x`, with `{root}` and `{service}` filled in. A date in TOML arrives as
/// a table with a name of the parser's own.
pub(super) fn x(
    file: &Path,
    keys: &BTreeMap<String, OneOrMany>,
    root: &Path,
    service: &Path,
) -> Result<X> {
    let mut read = X::new();
    for (key, values) in keys {
        let values = values.clone().into_vec();
        let has_nul = values.iter().any(|value| value.contains('\0'));
        if key.is_empty() || key.starts_with('$') || key.contains(['=', '\0']) || has_nul {
            let problem = format!("`alembic.x` cannot give an argument {key:?}");
            return Err(error(file, problem)
                .help("for instance [alembic] x = { tenant = \"acme\" }, which is `alembic -x tenant=acme`"));
        }
        let filled = values.iter().map(|value| with_places(value, root, service));
        read.insert(key.clone(), filled.collect());
    }
    Ok(read)
}

/// The defaults' arguments with a service's own over them, key by key.
pub(super) fn over(mut defaults: X, own: X) -> X {
    defaults.extend(own);
    defaults
}
