//! `[alembic]`: what the `alembic` command is given beside its configuration.

use std::collections::BTreeMap;
use std::path::Path;

use migration_revisions::script_location::is_flask_migrate;

use super::keys::OneOrMany;
use super::values::with_places;
use super::{Service, error};
use crate::error::Result;

/// The configuration that the `alembic` command reads where none is named, and the section
/// (<https://alembic.sqlalchemy.org/en/latest/api/commands.html>).
const INI: &str = "alembic.ini";
const PYPROJECT: &str = "pyproject.toml";
const SECTION: &str = "alembic";

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

impl Service {
    /// The beginning of a command of Alembic's for this service, in its directory.
    #[must_use]
    pub fn alembic_command(&self) -> String {
        let ini = Path::new(&self.alembic_ini);
        if is_flask_migrate(&self.directory, &self.alembic_ini, &self.alembic_section) {
            let app = self.flask_app.iter().map(|app| format!(" --app \"{app}\""));
            return format!("flask{} db", app.collect::<String>());
        }
        let named = ini != Path::new(INI) && ini != Path::new(PYPROJECT);
        let ini = named.then(|| format!(" -c {}", self.alembic_ini));
        let section =
            (self.alembic_section != SECTION).then(|| format!(" -n {}", self.alembic_section));
        format!(
            "alembic{}{}",
            ini.unwrap_or_default(),
            section.unwrap_or_default()
        )
    }

    /// The advice to give arguments that `env.py` looks for.
    #[must_use]
    pub fn x_advice(&self, names: &[String]) -> String {
        let file = self.file.display();
        let given = names
            .iter()
            .map(|name| format!("{name} = \"{}\"", value(name)));
        let given = given.collect::<Vec<_>>().join(", ");
        match self.x.is_empty() {
            true => format!("write into {file}, below [alembic]: x = {{ {given} }}"),
            false => format!("write into {file}, into x below [alembic]: {given}"),
        }
    }
}

/// The value of an argument, as its name has it.
fn value(name: &str) -> &'static str {
    let name = name.to_lowercase();
    match ["url", "uri", "dsn"]
        .iter()
        .any(|ending| name.ends_with(ending))
    {
        true => "{database_url}",
        false => "<value>",
    }
}
