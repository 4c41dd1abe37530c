//! The values of keys, validated.

use std::collections::BTreeMap;
use std::env;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::keys::{PostgresKeys, ServiceFile, Waiver};
use super::{Justification, error};
use crate::error::{HarnessError, Result, Stage};
use crate::installed;
use crate::postgres;

pub(super) fn stem(file: &Path) -> Result<String> {
    match file.file_stem().and_then(|stem| stem.to_str()) {
        Some(stem) => Ok(stem.to_owned()),
        None => Err(error(file, "the file's name is not valid UTF-8")),
    }
}

pub(super) fn root(defaults_file: &Path, value: &str) -> Result<PathBuf> {
    let base = defaults_file.parent().unwrap_or(Path::new("."));
    let root = base.join(value).canonicalize().map_err(|cause| {
        error(defaults_file, format!("`root` = \"{value}\": {cause}"))
            .help("`root` is the monorepo's directory, relative to defaults.toml")
    })?;
    if root.is_dir() {
        Ok(root)
    } else {
        Err(error(
            defaults_file,
            format!("`root` = \"{value}\" is not a directory"),
        ))
    }
}

/// The directory `value` below `root`; anything that leaves `root` is an error.
pub(super) fn below(root: &Path, file: &Path, key: &str, value: &str) -> Result<PathBuf> {
    let relative = Path::new(value);
    let leaves = relative.is_absolute()
        || relative
            .components()
            .any(|part| part == Component::ParentDir);
    if leaves {
        return Err(
            error(file, format!("`{key}` = \"{value}\" leaves the root"))
                .help(format!("`{key}` is a directory below {}", root.display())),
        );
    }
    let directory = root.join(relative);
    if !directory.is_dir() {
        return Err(
            error(file, format!("`{key}` = \"{value}\" is not a directory")).help(format!(
                "`{key}` is relative to the root, {}",
                root.display()
            )),
        );
    }
    let real = directory.canonicalize();
    if !real.as_ref().is_ok_and(|real| real.starts_with(root)) {
        let to = real.map_or_else(|cause| cause.to_string(), |real| real.display().to_string());
        return Err(error(
            file,
            format!("`{key}` = \"{value}\" leaves the root through a symbolic link, to {to}"),
        )
        .help(format!("`{key}` is a directory below {}", root.display())));
    }
    Ok(directory)
}

pub(super) fn check_criteria<'a>(
    file: &Path,
    named: impl Iterator<Item = &'a String>,
    criteria: &[&str],
) -> Result<()> {
    for criterion in named {
        if !criteria.contains(&criterion.as_str()) {
            return Err(error(
                file,
                format!("`not_applicable.{criterion}` names no criterion"),
            )
            .help(format!("known criteria: {}", criteria.join(", "))));
        }
    }
    Ok(())
}

/// The declarations of the defaults, with the service's own lines over them.
pub(super) fn not_applicable(
    file: &Path,
    declared: &BTreeMap<String, String>,
    own: &BTreeMap<String, Waiver>,
) -> Result<BTreeMap<String, String>> {
    let lines = overlaid(file, "not_applicable", declared, own)?.into_iter();
    Ok(lines
        .map(|(criterion, line)| (criterion, line.reason))
        .collect())
}

/// The lines of `table` in the defaults, with the service's own over them.
pub(super) fn overlaid(
    file: &Path,
    table: &str,
    defaults: &BTreeMap<String, String>,
    own: &BTreeMap<String, Waiver>,
) -> Result<BTreeMap<String, Justification>> {
    let line = |reason: &str, inherited| Justification {
        reason: reason.to_owned(),
        inherited,
    };
    let defaults = defaults
        .iter()
        .map(|(key, reason)| (key.clone(), line(reason, true)));
    let mut lines: BTreeMap<String, Justification> = defaults.collect();
    for (key, waiver) in own {
        match waiver {
            Waiver::Reason(reason) => drop(lines.insert(key.clone(), line(reason, false))),
            Waiver::Applies(false) => drop(lines.remove(key)),
            // As text it has no reason, and the check below says so.
            Waiver::Applies(true) => drop(lines.insert(key.clone(), line("", false))),
        }
    }
    let reasons = lines
        .iter()
        .map(|(key, line)| (key.clone(), line.reason.clone()));
    check_reasons(file, table, &reasons.collect())?;
    Ok(lines)
}

/// Checks that all that is waived has a reason that someone can read.
pub(super) fn check_reasons(
    file: &Path,
    table: &str,
    waived: &BTreeMap<String, String>,
) -> Result<()> {
    match waived.iter().find(|(_, reason)| reason.trim().is_empty()) {
        None => Ok(()),
        Some((key, _)) => Err(
            error(file, format!("`{table}.{key}` gives no reason")).help(
                "write why, for instance \"publishes no events\"; it is printed with the result",
            ),
        ),
    }
}

/// The findings that a service's file accepts, of criteria that look at it as it is.
pub(super) fn accepted(
    file: &Path,
    own: &ServiceFile,
) -> Result<BTreeMap<&'static str, BTreeMap<String, String>>> {
    let tables = [
        ("enum_types", &own.enum_types),
        ("outbox_indexes", &own.outbox_indexes),
        ("migration_notes", &own.migration_notes),
    ];
    let mut accepted = BTreeMap::new();
    for (criterion, keys) in tables {
        check_reasons(file, &format!("{criterion}.accepted"), &keys.accepted)?;
        accepted.insert(criterion, keys.accepted.clone());
    }
    Ok(accepted)
}

/// A variable's name and value must be some that a process can be given. A date in
/// TOML arrives as a table with a name of the parser's own.
pub(super) fn check_variables(file: &Path, variables: &BTreeMap<String, String>) -> Result<()> {
    let good = |name: &str, value: &str| {
        !name.is_empty()
            && !name.starts_with('$')
            && !name.contains(['=', '\0'])
            && !value.contains('\0')
    };
    match variables.iter().find(|(name, value)| !good(name, value)) {
        None => Ok(()),
        Some((name, _)) => Err(error(file, format!("`env` cannot set a variable {name:?}"))
            .help("for instance env = { LOG_LEVEL = \"debug\" }")),
    }
}

/// The URL must reach the service: in a variable, in the ini file, in parts, or, where
/// `by_argument`, as an argument of Alembic's.
pub(super) fn check_url(
    file: &Path,
    own: &ServiceFile,
    defaults: &BTreeMap<String, String>,
    by_argument: bool,
) -> Result<()> {
    let mut variables = own.env.values().chain(defaults.values());
    let parts = variables.any(|value| takes_part_of_url(value));
    if own.database_url_env.is_some() || own.database_url_ini || parts || by_argument {
        return Ok(());
    }
    Err(error(file, "says nowhere how the service is given its database URL").help(
        "add database_url_env = \"<VARIABLE>\", or database_url_ini = true where env.py reads sqlalchemy.url, or its parts: [env] <VARIABLE> = \"{database_host}\", or -x: [alembic] x = { <KEY> = \"{database_url}\" }",
    ))
}

/// Tells whether a variable's value has a part of the URL in it.
pub(super) fn takes_part_of_url(value: &str) -> bool {
    value.contains("{database_")
}

/// The interpreter's command, and the problem if it is not there.
pub(super) fn interpreter(
    root: &Path,
    file: &Path,
    words: Option<Vec<String>>,
) -> Result<(Vec<String>, Option<HarnessError>)> {
    let mut words = words.unwrap_or_else(|| vec!["python3".to_owned()]);
    let Some(program) = words.first_mut() else {
        return Err(error(file, "`python` is an empty list")
            .help("for instance python = [\"uv\", \"run\", \"python\"]"));
    };
    let mut problem = None;
    if program.contains('/') {
        let path = without_detours(&root.join(program.as_str()));
        if !path.exists() {
            problem = Some(error(file, format!("`python` = \"{program}\": {} does not exist", path.display()))
                .help("create the virtual environment (`make setup` does it for tests/monorepo), or set `python`"));
        }
        *program = path.to_string_lossy().into_owned();
    } else if !on_path(program) {
        let missing = format!("`python` = \"{program}\": no such program on PATH");
        problem = Some(error(file, missing).help(
            "`python` is a path relative to the root, a program on PATH, or a command as a list",
        ));
    }
    Ok((words, problem))
}

/// A program's path without `..`, as far as it is there; its own link stays, by which a
/// virtual environment is known.
fn without_detours(path: &Path) -> PathBuf {
    let above = path.ancestors().skip(1);
    let there = above.filter_map(|above| Some((above, above.canonicalize().ok()?)));
    let detour = |part: &Component<'_>| *part == Component::ParentDir;
    match there.into_iter().next() {
        Some((above, real)) if path.components().any(|part| detour(&part)) => {
            let rest = path.strip_prefix(above).unwrap_or(path);
            match rest.components().any(|part| detour(&part)) {
                true => path.to_owned(),
                false => real.join(rest),
            }
        }
        _ => path.to_owned(),
    }
}

/// An application that a service shares with others has a name all the same.
pub(super) fn flask_app(file: &Path, named: Option<String>) -> Result<Option<String>> {
    match named {
        Some(name) if name.trim().is_empty() => Err(error(file, "`flask_app` is empty")
            .help("what `flask --app` takes, for instance flask_app = \"app:create_app()\"")),
        named => Ok(named),
    }
}

pub(super) fn on_path(program: &str) -> bool {
    let path = installed::search_path().unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

/// No limit is longer than a day, which leaves room for sums of them.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

pub(super) fn seconds(
    file: &Path,
    key: &str,
    given: &[Option<f64>],
    default: f64,
) -> Result<Duration> {
    let value = given.iter().flatten().next().copied().unwrap_or(default);
    Duration::try_from_secs_f64(value)
        .ok()
        .filter(|duration| !duration.is_zero() && *duration <= LONGEST)
        .ok_or_else(|| {
            let most = LONGEST.as_secs();
            error(
                file,
                format!("`{key}` = {value} is not a number of seconds above zero, at most {most}"),
            )
        })
}

pub(super) fn filled_in(
    variables: BTreeMap<String, String>,
    root: &Path,
    service: &Path,
) -> BTreeMap<String, String> {
    let fill = |(key, value): (String, String)| (key, with_places(&value, root, service));
    variables.into_iter().map(fill).collect()
}

/// A value with `{root}` and `{service}` filled in.
pub(super) fn with_places(value: &str, root: &Path, service: &Path) -> String {
    value
        .replace("{root}", &root.to_string_lossy())
        .replace("{service}", &service.to_string_lossy())
}

/// The service's keys, before the defaults' keys, before what one run's environment says.
pub(super) fn postgres_settings(
    file: &Path,
    own: PostgresKeys,
    defaults: PostgresKeys,
    python: &[String],
) -> Result<postgres::Settings> {
    let variable = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let provider = match variable("POSTGRES_PROVIDER") {
        Some(value) => Some(provider_named(&value)?),
        None => own.provider.or(defaults.provider),
    };
    let version = own.version.or(defaults.version).unwrap_or("15".into());
    if !version.split('.').all(|part| part.parse::<u32>().is_ok()) {
        return Err(error(
            file,
            format!("`postgres.version` = \"{version}\" is not a version"),
        )
        .help("for instance version = \"15\""));
    }
    Ok(postgres::Settings {
        provider: provider.unwrap_or(postgres::Choice::Auto),
        version,
        image: variable("POSTGRES_IMAGE")
            .or(own.image)
            .or(defaults.image)
            .unwrap_or("postgres".into()),
        registry: own
            .registry
            .or(defaults.registry)
            .filter(|registry| !registry.is_empty()),
        binaries: variable("POSTGRES_BIN").map(PathBuf::from),
        existing_url: variable("HARNESS_DATABASE_URL"),
        interpreter: python.to_vec(),
        migrate_as: own.migrate_as.or(defaults.migrate_as).unwrap_or_default(),
        ..postgres::Settings::default()
    })
}

pub(super) fn provider_named(value: &str) -> Result<postgres::Choice> {
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    let deserializer: StrDeserializer<'_, Error> = value.into_deserializer();
    postgres::Choice::deserialize(deserializer).map_err(|cause| {
        HarnessError::new(
            Stage::Manifest,
            format!("POSTGRES_PROVIDER = \"{value}\": {cause}"),
        )
    })
}
