//! The directories in which Alembic would look for revision files: [`locate`] and
//! [`ScriptLocation`].
//!
//! Does what `alembic.config.Config` and `ScriptDirectory.from_config` do with
//! an ini file and, since Alembic 1.16, the `[tool.alembic]` table of
//! `pyproject.toml`, without Python. What only Python can tell (a location
//! inside an installed package, one that `env.py` sets) is said, not guessed.
//! Sources: <https://alembic.sqlalchemy.org/en/latest/tutorial.html#editing-the-ini-file>
//! and the modules `alembic.config`, `alembic.script.base`, `alembic.util.pyfiles`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

mod ini;

use ini::Ini;

/// A fact as far as it is known without Python, or why only Python can tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Static<T> {
    /// Known without running anything.
    Known(T),
    /// Only the service's interpreter can tell; the fragment says why.
    NeedsPython(String),
}

/// The directories that hold a service's revision files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScriptLocation {
    /// `script_location`, where `env.py` is.
    pub directory: PathBuf,
    /// The version locations in Alembic's order, also those that do not exist:
    /// Alembic skips them without a word.
    pub versions: Vec<PathBuf>,
    /// Tells whether directories below the version locations are read too.
    pub recursive: bool,
    /// The file that sets `script_location`: the ini or `pyproject.toml`.
    pub config_file: PathBuf,
}

/// Finds the revision directories of the service in `service_dir`, whose ini
/// is `alembic_ini` (relative to that directory) with the main section
/// `section`. As in Alembic, relative locations are relative to the working
/// directory, which is `service_dir`, and not to the ini.
///
/// # Errors
///
/// No configuration or no `script_location` in it, one that does not exist, or
/// a file or value that Alembic itself could not read.
pub fn locate(
    service_dir: &Path,
    alembic_ini: &str,
    section: &str,
) -> Result<Static<ScriptLocation>, Error> {
    let settings = Settings::read(service_dir, alembic_ini, section)?;
    let named = settings.text("script_location")?;
    let Some((script_location, config_file)) = named.or_else(|| settings.of_flask_migrate()) else {
        return Err(settings.no_script_location());
    };
    if let Err(problem) = &settings.toml {
        let file = settings.toml_file.display();
        return Ok(Static::NeedsPython(format!(
            "`{file}` cannot be read, which matters since Alembic 1.16: {problem}"
        )));
    }
    if settings.flag("sourceless")? {
        let why = "`sourceless = true` lets revisions be compiled files";
        return Ok(Static::NeedsPython(why.to_owned()));
    }
    let recursive = settings.flag("recursive_version_locations")?;
    let locations = settings.version_locations()?;
    let mut values = std::iter::once(&script_location).chain(&locations);
    if let Some(resource) = values.find(|value| is_package_resource(value)) {
        return Ok(Static::NeedsPython(format!(
            "`{resource}` is a directory inside a Python package"
        )));
    }

    let directory = tidy(&settings.service_dir.join(&script_location));
    if !directory.exists() {
        let problem = format!(
            "`script_location = {script_location}` in {} does not exist",
            config_file.display()
        );
        return Err(Error::new(problem)
            .detail(format!("looked for {}", directory.display()))
            .help("a relative script_location starts at the service's directory"));
    }
    if env_sets_locations(&directory) {
        let why = format!(
            "`{}` handles `version_locations`",
            directory.join("env.py").display()
        );
        return Ok(Static::NeedsPython(why));
    }
    let versions = match &*locations {
        [] => vec![directory.join("versions")],
        some => some
            .iter()
            .map(|value| tidy(&settings.service_dir.join(value)))
            .collect(),
    };
    let config_file = config_file.to_owned();
    Ok(Static::Known(ScriptLocation {
        directory,
        versions,
        recursive,
        config_file,
    }))
}

/// The sections of an ini file with a `script_location`, their own or one of `[DEFAULT]`
/// beside something that only an Alembic environment has.
///
/// # Errors
///
/// A file that Python's `configparser` refuses.
pub fn sections(ini_file: &Path) -> Result<Vec<String>> {
    const OWN: [&str; 3] = ["version_locations", "sqlalchemy.url", "version_table"];
    let ini = read_ini(ini_file)?;
    let is_environment = |ini: &Ini, section: &str| {
        let has = |key: &str| ini.sets(section, key);
        has("script_location")
            || (ini.defaults_to("script_location")
                && (section == "alembic" || OWN.iter().any(|key| has(key))))
    };
    let mut found: Vec<String> = ini.iter().flat_map(Ini::sections).collect();
    found.retain(|section| ini.as_ref().is_some_and(|ini| is_environment(ini, section)));
    found.sort();
    Ok(found)
}

/// Tells whether Flask-Migrate says where `env.py` is: the configuration does not.
pub fn is_flask_migrate(service_dir: &Path, alembic_ini: &str, section: &str) -> bool {
    let Ok(settings) = Settings::read(service_dir, alembic_ini, section) else {
        return false;
    };
    matches!(settings.text("script_location"), Ok(None)) && settings.of_flask_migrate().is_some()
}

/// One value of a service's configuration: of the ini or, failing that, of
/// `[tool.alembic]`. `None` also where it cannot be read.
pub fn option(service_dir: &Path, alembic_ini: &str, section: &str, key: &str) -> Option<String> {
    let settings = Settings::read(service_dir, alembic_ini, section).ok()?;
    Some(settings.text(key).ok()??.0)
}

/// One value as the ini has it, with its `%(...)s`, which `env.py` may fill in.
pub fn raw_option(
    service_dir: &Path,
    alembic_ini: &str,
    section: &str,
    key: &str,
) -> Option<String> {
    let settings = Settings::read(service_dir, alembic_ini, section).ok()?;
    settings.ini?.raw(section, key).map(str::to_owned)
}

/// The directories that Alembic puts on Python's path (`prepend_sys_path`), as written.
pub fn python_path(service_dir: &Path, alembic_ini: &str, section: &str) -> Vec<PathBuf> {
    let paths = Settings::read(service_dir, alembic_ini, section)
        .and_then(|settings| settings.paths("prepend_sys_path"));
    let split = |text: String| {
        let parts = text.split([':', ';']).map(str::trim).map(str::to_owned);
        parts.collect::<Vec<_>>()
    };
    let paths = paths.unwrap_or_default().into_iter().flat_map(split);
    let paths = paths.filter(|path| !path.is_empty());
    paths.map(|path| tidy(&service_dir.join(path))).collect()
}

/// "Names that are non absolute paths and contain a colon are interpreted as
/// resources" (`alembic.util.pyfiles.coerce_resource_to_filename`).
pub fn is_package_resource(value: &str) -> bool {
    !Path::new(value).is_absolute() && value.contains(':')
}

/// Tells whether `env.py` says anything about `version_locations` outside comments:
/// `context.script.version_locations = [...]` works, and leaves no other trace.
fn env_sets_locations(directory: &Path) -> bool {
    let env = fs::read(directory.join("env.py")).unwrap_or_default();
    let env = String::from_utf8_lossy(&env);
    env.lines()
        .filter_map(|line| line.split('#').next())
        .any(|code| code.contains("version_locations"))
}

/// `path` without `.` and `..`, unless that would name another directory
/// because a symbolic link lies on the way.
pub fn tidy(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(short.pop()),
            other => short.push(other),
        }
    }
    let same = match (fs::canonicalize(path), fs::canonicalize(&short)) {
        (Ok(one), Ok(other)) => one == other,
        (Err(_), Err(_)) => true,
        _ => false,
    };
    if same { short } else { path.to_owned() }
}

/// The ini and the `[tool.alembic]` table, which Alembic reads as one: what the
/// ini sets wins (`Config.get_alembic_option`).
struct Settings {
    service_dir: PathBuf,
    ini_file: PathBuf,
    section: String,
    ini: Option<Ini>,
    toml_file: PathBuf,
    toml: Result<toml::Table, String>,
}

impl Settings {
    fn read(service_dir: &Path, alembic_ini: &str, section: &str) -> Result<Self> {
        let service_dir = std::path::absolute(service_dir).map_err(|e| {
            let problem = format!("no such service directory {}: {e}", service_dir.display());
            Error::new(problem)
        })?;
        // As on Alembic's command line, the configuration may be named as the TOML file.
        let is_toml = Path::new(alembic_ini)
            .file_name()
            .is_some_and(|n| n == "pyproject.toml");
        let (ini_file, toml_file) = match is_toml {
            true => ("alembic.ini", alembic_ini),
            false => (alembic_ini, "pyproject.toml"),
        };
        let toml_file = service_dir.join(toml_file);
        let ini_file = service_dir.join(ini_file);
        Ok(Self {
            ini: read_ini(&ini_file)?,
            toml: read_toml(&toml_file),
            section: section.to_owned(),
            service_dir,
            ini_file,
            toml_file,
        })
    }

    /// The `script_location` that Flask-Migrate sets: the directory of the ini, where
    /// `env.py` is (`flask_migrate.Migrate.get_config`). Either of them speaks of Flask.
    fn of_flask_migrate(&self) -> Option<(String, &Path)> {
        let directory = self.ini_file.parent()?;
        let env = fs::read(directory.join("env.py")).ok()?;
        let ini = fs::read(&self.ini_file).ok()?;
        let speaks = |text: &[u8]| String::from_utf8_lossy(text).contains("flask");
        let found = speaks(&env) || speaks(&ini);
        found.then(|| (directory.to_string_lossy().into_owned(), &*self.ini_file))
    }

    /// The value of `key` and the file it comes from.
    fn text(&self, key: &str) -> Result<Option<(String, &Path)>> {
        if let Some(value) = self.ini_value(key)? {
            return Ok(Some((value, &self.ini_file)));
        }
        match self.toml.as_ref().ok().and_then(|table| table.get(key)) {
            None => Ok(None),
            Some(toml::Value::String(text)) => {
                Ok(Some((self.filled_in(key, text)?, &self.toml_file)))
            }
            Some(other) => Err(self.bad_toml(key, other, "a string")),
        }
    }

    /// A yes or no: `true` and nothing else in the ini, a boolean in TOML.
    fn flag(&self, key: &str) -> Result<bool> {
        if let Some(value) = self.ini_value(key)? {
            return Ok(value == "true");
        }
        match self.toml.as_ref().ok().and_then(|table| table.get(key)) {
            None => Ok(false),
            Some(toml::Value::Boolean(value)) => Ok(*value),
            Some(other) => Err(self.bad_toml(key, other, "true or false")),
        }
    }

    fn version_locations(&self) -> Result<Vec<String>> {
        self.paths("version_locations")
    }

    /// As `Config.get_version_locations_list`; empty where none is configured.
    fn paths(&self, key: &str) -> Result<Vec<String>> {
        if let Some(value) = self.ini_value(key)?.filter(|value| !value.is_empty()) {
            return Ok(match self.separator()? {
                Some(separator) => value
                    .split(separator)
                    .filter(|piece| !piece.is_empty())
                    .map(|piece| piece.trim().to_owned())
                    .collect(),
                None => split_as_before_separators(&value),
            });
        }
        match self.toml.as_ref().ok().and_then(|table| table.get(key)) {
            None => Ok(Vec::new()),
            Some(toml::Value::Array(items)) => {
                let text = |item: &toml::Value| match item {
                    toml::Value::String(text) => self.filled_in(key, text),
                    other => Err(self.bad_toml(key, other, "strings only")),
                };
                items.iter().map(text).collect()
            }
            Some(other) => Err(self.bad_toml(key, other, "an array of strings")),
        }
    }

    /// `path_separator`, or its name before Alembic 1.16.
    fn separator(&self) -> Result<Option<char>> {
        for key in ["path_separator", "version_path_separator"] {
            let Some(value) = self.ini_value(key)? else {
                continue;
            };
            return match &*value {
                "space" => Ok(Some(' ')),
                "newline" => Ok(Some('\n')),
                "os" => Ok(Some(if cfg!(windows) { ';' } else { ':' })),
                ":" => Ok(Some(':')),
                ";" => Ok(Some(';')),
                _ => Err(self.bad_ini(format!(
                    "`{key} = {value}` is none of space, newline, os, `:`, `;`"
                ))),
            };
        }
        Ok(None)
    }

    fn ini_value(&self, key: &str) -> Result<Option<String>> {
        let Some(ini) = &self.ini else {
            return Ok(None);
        };
        ini.get(&self.section, key)
            .map_err(|problem| self.bad_ini(format!("`{key}`: {problem}")))
    }

    /// TOML values go through Python's `%` operator with `here` as only name.
    fn filled_in(&self, key: &str, text: &str) -> Result<String> {
        let here = parent_of(&self.toml_file);
        let fill = |piece: &str| {
            let around: Vec<&str> = piece.split("%(here)s").collect();
            around
                .iter()
                .all(|text| !text.contains('%'))
                .then(|| around.join(&here))
        };
        let filled: Option<Vec<String>> = text.split("%%").map(fill).collect();
        filled.map(|pieces| pieces.join("%")).ok_or_else(|| {
            let problem =
                format!("`{key} = \"{text}\"`: only `%(here)s` and `%%` may follow a `%`");
            Error::new(format!("{}: {problem}", self.toml_file.display()))
        })
    }

    fn bad_ini(&self, problem: String) -> Error {
        let place = format!("{}, [{}]", self.ini_file.display(), self.section);
        Error::new(format!("{place}: {problem}"))
    }

    fn bad_toml(&self, key: &str, value: &toml::Value, expected: &str) -> Error {
        let file = self.toml_file.display();
        let problem = format!("{file}, [tool.alembic]: `{key} = {value}` must be {expected}");
        Error::new(problem)
    }

    fn no_script_location(&self) -> Error {
        let (ini, toml) = (self.ini_file.display(), self.toml_file.display());
        let section = &self.section;
        let in_ini = match &self.ini {
            None => format!("{ini} does not exist"),
            Some(found) if !found.has_section(section) => format!("{ini} has no [{section}]"),
            Some(_) => format!("{ini} has [{section}] without script_location"),
        };
        let in_toml = match &self.toml {
            Err(problem) => format!("{toml}: {problem}"),
            Ok(_) if !self.toml_file.exists() => format!("{toml} does not exist"),
            Ok(table) if table.is_empty() => format!("{toml} has no [tool.alembic]"),
            Ok(_) => format!("{toml} has [tool.alembic] without script_location"),
        };
        Error::new("no `script_location` found for this service")
            .detail(in_ini)
            .detail(in_toml)
            .help("name the file and its section with `alembic_ini` and `alembic_section`")
    }
}

/// "legacy splitting on spaces/commas": Python's `re.split(r", *|(?: +)")`,
/// which leaves empty pieces, and an empty piece is the working directory.
fn split_as_before_separators(value: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = value;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        if matches!(character, ',' | ' ') {
            rest = rest.trim_start_matches(' ');
            pieces.push(String::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(character);
        }
    }
    pieces
}

/// The value of `%(here)s`.
fn parent_of(file: &Path) -> String {
    file.parent().unwrap_or(file).to_string_lossy().into_owned()
}

/// The ini, or `None` where there is no such file, which Alembic takes for empty.
fn read_ini(file: &Path) -> Result<Option<Ini>> {
    let failed = |problem: String| Error::new(format!("{}: {problem}", file.display()));
    match fs::read(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(format!("cannot be read: {e}"))),
        Ok(bytes) => {
            let text = String::from_utf8(bytes).map_err(|e| failed(format!("not UTF-8: {e}")))?;
            Ini::parse(&text, &parent_of(file))
                .map(Some)
                .map_err(|(line, problem)| failed(format!("line {line}: {problem}")))
        }
    }
}

/// The `[tool.alembic]` table; empty where there is none.
fn read_toml(file: &Path) -> Result<toml::Table, String> {
    let text = match fs::read_to_string(file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(toml::Table::new()),
        other => other.map_err(|e| e.to_string())?,
    };
    let table: toml::Table = toml::from_str(&text).map_err(|e| e.message().to_owned())?;
    match table.get("tool").and_then(|tool| tool.get("alembic")) {
        None => Ok(toml::Table::new()),
        Some(toml::Value::Table(table)) => Ok(table.clone()),
        Some(_) => Err("`tool.alembic` is no table".to_owned()),
    }
}

#[cfg(test)]
mod tests;
