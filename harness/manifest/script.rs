//! `postgres.prepare` and `baseline`: what is in a database before the first revision.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::error;
use crate::error::Result;
use crate::postgres::script::Script;

/// Tables that were there before the first revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Baseline {
    /// The tables that SQL builds, for instance `pg_dump --schema-only` of a database as it was.
    Sql(Script),
    /// The tables that the models of a commit build with `create_all`.
    Models(String),
}

/// `{ sql = "<file>" }`, the file relative to the root.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub(super) struct FileKey {
    sql: String,
}

/// `{ models = "<commit>" }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub(super) struct ModelsKey {
    models: String,
}

/// The value of a table's only key. A struct would be read from a list too.
fn only(mut table: BTreeMap<String, String>, key: &'static str) -> Result<String, &'static str> {
    let value = table.remove(key).ok_or(key)?;
    if table.is_empty() {
        Ok(value)
    } else {
        Err(key)
    }
}

impl TryFrom<BTreeMap<String, String>> for FileKey {
    type Error = &'static str;

    fn try_from(table: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        only(table, "sql").map(|sql| Self { sql })
    }
}

impl TryFrom<BTreeMap<String, String>> for ModelsKey {
    type Error = &'static str;

    fn try_from(table: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        only(table, "models").map(|models| Self { models })
    }
}

/// One piece of SQL, inline or in a file.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum ScriptKey {
    Text(String),
    File(FileKey),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "SQL in a string, { sql = \"<file>\" }, or a list of these"
)]
pub(super) enum ScriptKeys {
    One(ScriptKey),
    Many(Vec<ScriptKey>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "{ sql = \"<file>\" } or { models = \"<commit>\" }"
)]
pub(super) enum BaselineKey {
    Sql(FileKey),
    Models(ModelsKey),
}

const BASELINE: Key = Key {
    name: "baseline",
    example: "CREATE EXTENSION citext; CREATE ROLE app",
};

/// The scripts of `postgres.prepare` in one file of the manifest.
pub(super) fn prepare(file: &Path, keys: Option<&ScriptKeys>, root: &Path) -> Result<Vec<Script>> {
    let key = Key {
        name: "postgres.prepare",
        example: "CREATE EXTENSION citext; CREATE ROLE app",
    };
    scripts(file, key, keys, root)
}

/// A key whose value is SQL.
#[derive(Clone, Copy)]
pub(super) struct Key {
    pub name: &'static str,
    /// A value that makes sense.
    pub example: &'static str,
}

/// The scripts of a key that takes several.
pub(super) fn scripts(
    file: &Path,
    key: Key,
    keys: Option<&ScriptKeys>,
    root: &Path,
) -> Result<Vec<Script>> {
    let keys = match keys {
        None => &[],
        Some(ScriptKeys::One(one)) => std::slice::from_ref(one),
        Some(ScriptKeys::Many(many)) => many.as_slice(),
    };
    let scripts = keys.iter().map(|one| match one {
        ScriptKey::File(named) => read(file, key, named, root),
        ScriptKey::Text(text) => inline(file, key, text),
    });
    scripts.collect()
}

/// A service's `baseline`.
pub(super) fn baseline(
    file: &Path,
    key: Option<&BaselineKey>,
    root: &Path,
) -> Result<Option<Baseline>> {
    Ok(match key {
        None => None,
        Some(BaselineKey::Sql(key)) => Some(Baseline::Sql(read(file, BASELINE, key, root)?)),
        Some(BaselineKey::Models(ModelsKey { models })) if models.trim().is_empty() => {
            return Err(error(file, "`baseline.models` names no commit").help(
                "for instance baseline = { models = \"v1.0\" }: a commit, a tag or a branch",
            ));
        }
        Some(BaselineKey::Models(key)) => Some(Baseline::Models(key.models.clone())),
    })
}

fn inline(file: &Path, key: Key, text: &str) -> Result<Script> {
    let is_name = text.trim_end().ends_with(".sql") && !text.trim().contains(char::is_whitespace);
    if is_name {
        let name = key.name;
        let problem = format!("`{name}` = \"{text}\" is the name of a file, not SQL");
        return Err(
            error(file, problem).help(format!("write {} = {{ sql = \"{text}\" }}", key.last()))
        );
    }
    script(
        file,
        format!("{} of {}", key.name, file.display()),
        key.name,
        text,
        key,
    )
}

impl Key {
    /// Its name within its table.
    fn last(self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or(self.name)
    }
}

fn read(file: &Path, key: Key, named: &FileKey, root: &Path) -> Result<Script> {
    let name = key.name;
    let path = root.join(&named.sql);
    let text = std::fs::read_to_string(&path).map_err(|cause| {
        error(file, format!("`{name}.sql` = \"{}\": {cause}", named.sql)).help(format!(
            "the file is relative to the root, {}",
            root.display()
        ))
    })?;
    script(file, named.sql.clone(), &format!("{name}.sql"), &text, key)
}

fn script(file: &Path, origin: String, name: &str, text: &str, key: Key) -> Result<Script> {
    let script = Script::read(origin.clone(), text).map_err(|unreadable| {
        error(
            file,
            format!(
                "`{name}`: line {} of {origin}: {}",
                unreadable.line, unreadable.problem
            ),
        )
        .help(unreadable.help)
    })?;
    match script.statements.is_empty() {
        false => Ok(script),
        true => Err(error(
            file,
            format!("`{name}`: {} holds no statement", script.origin),
        )
        .help(format!("for instance {} = \"{}\"", key.last(), key.example))),
    }
}
