//! The manifest as text: [`files`].

use std::fmt::Write;
use std::path::{Component, Path, PathBuf};

use super::compose::{Image, OFFICIAL};
use super::outbox;
use super::service::FoundService;
use super::{Discovery, Guess, Sure};
use crate::manifest::{IndexConvention, OutboxConvention};

/// The files of the manifest, relative to its directory.
#[must_use]
pub fn files(discovery: &Discovery) -> Vec<(PathBuf, String)> {
    let services = &discovery.services;
    let shared = outbox::shared(services.iter().filter_map(|found| found.outbox.as_ref()));
    let convention = shared.as_ref().map(|(convention, _)| convention);
    let root = relative(&discovery.to, &discovery.root);
    let mut files = vec![(
        PathBuf::from("defaults.toml"),
        defaults(&root, discovery, convention.is_some()),
    )];
    if let Some((convention, counts)) = &shared {
        let text = outbox_convention(convention, counts, services);
        files.push((PathBuf::from("conventions/outbox.toml"), text));
    }
    for found in services {
        let file = PathBuf::from(format!("services/{}.toml", found.name));
        files.push((file, service(found, discovery, convention)));
    }
    files
}

fn defaults(root: &str, discovery: &Discovery, has_outbox: bool) -> String {
    let common = &discovery.common;
    let not_shared = match has_outbox {
        true => "",
        false => {
            "# No revision creates an outbox table with indexes. Where services share one,\n\
             # conventions/outbox.toml says what it looks like.\n\
             outbox_indexes = \"no outbox table was found: to be checked\"\n\n"
        }
    };
    let guess = Image {
        version: 15,
        own: None,
    };
    let (image, from) = match &discovery.postgres {
        Some(image) => (image, "taken from a Compose file"),
        None => (&guess, "not found, so this is a guess"),
    };
    format!(
        "# What every service inherits. A file in services/ may override any of it.\n\n\
         # The monorepo, relative to this file.\n\
         root = {}\n\n\
         # The interpreter that has the services' packages: a path relative to `root`, a\n\
         # program on PATH, or a command such as [\"uv\", \"run\", \"python\"].\n\
         {}python = {}\n\n\
         # The SQLAlchemy driver in the URL a service is given: postgresql+<driver>://...\n\
         {}driver = {}\n\n\
         [postgres]\n\
         # The major version that production runs; {from}: to be checked.\n\
         {}\n\
         # What an administrator runs first; a file is named as {{ sql = \"infra/init.sql\" }}.\n\
         # prepare = \"CREATE EXTENSION citext; CREATE ROLE app\"\n\
         # Migrations run as the database's owner, as in production, and not as a superuser.\n\
         # migrate_as = \"owner\"\n\n\
         [not_applicable]\n\
         {not_shared}\
         # conventions/notes.toml would say which notes every service's README carries.\n\
         migration_notes = \"no conventions/notes.toml\"\n\
         # Without this line, UPDATE_SCHEMAS=1 writes each service's schema as it is now.\n\
         deployed_schema = \"no schema was accepted yet\"\n",
        quoted(root),
        doubt(&common.python),
        words(&common.python.value),
        doubt(&common.driver),
        quoted(&common.driver.value),
        postgres(image, false),
    )
}

/// The keys of `[postgres]`, a line each. The official image is named only where the
/// defaults name `another`.
fn postgres(image: &Image, another: bool) -> String {
    let own = image.own.as_deref().or(another.then_some(OFFICIAL));
    let own = own.map(|own| format!("image = {}\n", quoted(own)));
    format!(
        "version = \"{}\"\n{}",
        image.version,
        own.unwrap_or_default()
    )
}

/// The reason that a default is to be checked.
fn doubt<T>(guess: &Guess<T>) -> String {
    let mut text = String::new();
    if guess.sure != Sure::Certain {
        comment(
            &mut text,
            &format!("Discovered; {}: {}.", guess.sure, guess.why),
        );
    }
    text
}

fn service(
    found: &FoundService,
    discovery: &Discovery,
    convention: Option<&OutboxConvention>,
) -> String {
    let (common, shared) = (&discovery.common, discovery.postgres.as_ref());
    let mut text = String::new();
    let _ = writeln!(text, "# Discovered; {}.", found.sure(common));
    for (_, why) in found.reasons(common) {
        comment(&mut text, &format!("- {why}"));
    }
    let _ = writeln!(text, "\npath = {}", quoted(&found.path));
    let environment = &found.environment;
    if environment.ini != "alembic.ini" {
        let _ = writeln!(text, "alembic_ini = {}", quoted(&environment.ini));
    }
    if environment.section != "alembic" {
        let _ = writeln!(text, "alembic_section = {}", quoted(&environment.section));
    }
    if let Some(flask) = &found.flask
        && let Some(application) = flask.value.as_ref().filter(|found| !found.by_itself)
    {
        comment(&mut text, &sentence(&flask.why));
        let _ = writeln!(text, "flask_app = {}", quoted(&application.name));
    }
    if !environment.others.is_empty() {
        let others = environment.others.join(", ");
        comment(
            &mut text,
            &format!("the same environment is described by {others}"),
        );
    }
    url(&mut text, found);
    deployed(&mut text, found);
    if found.driver.value != common.driver.value {
        let _ = writeln!(text);
        comment(&mut text, &sentence(&found.driver.why));
        let _ = writeln!(text, "driver = {}", quoted(&found.driver.value));
    }
    if found.python.value != common.python.value {
        let _ = writeln!(text);
        comment(&mut text, &sentence(&found.python.why));
        let _ = writeln!(text, "python = {}", words(&found.python.value));
    }
    env(&mut text, found, &discovery.root);
    if let Some(image) = found.image.as_ref().filter(|own| Some(*own) != shared) {
        let another = shared.is_some_and(|shared| shared.own.is_some());
        let keys = postgres(image, another);
        let _ = write!(text, "\n# Taken from a Compose file.\n[postgres]\n{keys}");
    }
    not_applicable(&mut text, found, convention);
    text
}

fn deployed(text: &mut String, found: &FoundService) {
    let heads = found
        .history
        .as_ref()
        .map_or(&[][..], |(_, heads)| heads.as_slice());
    let heads = match heads {
        [] => return,
        [one] => quoted(one),
        several => list(several),
    };
    let _ = writeln!(text);
    let said = "What is deployed, as of today: the revisions above it are the next deployment, \
                which `rows` and `locks` try on tables that hold rows. Where BASE_REF is set, that tells instead.";
    comment(text, said);
    let _ = writeln!(text, "deployed = {heads}");
    for said in [
        "Tables that stay small, on which a lock is short: [locks] small = [\"currencies\"]; or those \
         that alone are red: large = [\"orders\"]. Locks that need a timeout: lock_timeout = \"required\"; \
         rows that are changed in batches: batches = \"required\"; no work that grows faster than the \
         rows: linear = \"required\"",
        "What the running release does beside its models, and whether it has to read rows of the next \
         one: [running_release] statements = { sql = \"<file>\" }, mixed = true. Its ref is that of \
         BASE_REF; without one: ref = \"<tag>\"",
        "Findings that are accepted for a while: [rows.accepted], [locks.accepted], \
         [running_release.accepted], [enum_types.accepted], [outbox_indexes.accepted], \
         [migration_notes.accepted] \"<key>\" = \"<reason>\"",
    ] {
        comment(text, said);
    }
}

fn url(text: &mut String, found: &FoundService) {
    let source = &found.url.value;
    if source.variables.is_empty() && !source.ini {
        return;
    }
    let _ = writeln!(text);
    comment(text, &sentence(&found.url.why));
    match &*source.variables {
        [] => {}
        [one] => drop(writeln!(text, "database_url_env = {}", quoted(one))),
        several => drop(writeln!(text, "database_url_env = {}", list(several))),
    }
    if source.ini {
        let _ = writeln!(text, "database_url_ini = true");
    }
    if !source.candidates.is_empty() {
        let others = source.candidates.join(", ");
        comment(text, &format!("Others that look like it: {others}"));
    }
}

fn env(text: &mut String, found: &FoundService, root: &Path) {
    let parts = &found.url.value.parts;
    if parts.is_empty() && found.needed.is_empty() && found.search_path.is_none() {
        return;
    }
    let _ = writeln!(text, "\n[env]");
    if let Some(path) = &found.search_path {
        comment(text, &sentence(&path.why));
        let directory = &found.environment.directory;
        let entries = path
            .value
            .iter()
            .map(|entry| placed(entry, directory, root));
        let entries: Vec<String> = entries.collect();
        let _ = writeln!(text, "PYTHONPATH = {}", quoted(&entries.join(":")));
    }
    if !parts.is_empty() {
        comment(text, &sentence(&found.url.why));
    }
    for (name, value) in parts {
        let _ = writeln!(text, "{} = {}", key(name), quoted(value));
    }
    if !found.needed.is_empty() {
        comment(
            text,
            "NeededVariable to import the service's modules; the values are made up.",
        );
    }
    for needed in &found.needed {
        let value = quoted(&needed.value);
        let _ = writeln!(text, "{} = {value} # {}", key(&needed.variable), needed.by);
    }
}

/// A directory as `[env]` has it, with `{service}` or `{root}`.
fn placed(path: &Path, service: &Path, root: &Path) -> String {
    let below = |above: &Path, name: &str| {
        let rest = path.strip_prefix(above).ok()?.display().to_string();
        Some(match rest.is_empty() {
            true => name.to_owned(),
            false => format!("{name}/{rest}"),
        })
    };
    let own = below(service, "{service}").or_else(|| below(root, "{root}"));
    own.unwrap_or_else(|| path.display().to_string())
}

fn not_applicable(text: &mut String, found: &FoundService, convention: Option<&OutboxConvention>) {
    let mut lines = Vec::new();
    if let Some(convention) = convention {
        match &found.outbox {
            None => lines.push(format!(
                "outbox_indexes = {}",
                quoted("no revision creates an outbox table: to be checked")
            )),
            Some(outbox) if outbox.table != convention.table => lines.push(format!(
                "outbox_indexes = {}",
                quoted(&format!(
                    "its outbox table is {}: to be checked",
                    outbox.table
                ))
            )),
            Some(_) => {}
        }
    }
    if found.models == Some(false) {
        lines.push(format!(
            "model_drift = {}",
            quoted("env.py names no models (target_metadata): to be checked")
        ));
    }
    if !lines.is_empty() {
        let _ = writeln!(text, "\n[not_applicable]\n{}", lines.join("\n"));
    }
}

fn outbox_convention(
    convention: &OutboxConvention,
    counts: &[(usize, usize)],
    services: &[FoundService],
) -> String {
    let mut text = String::from(
        "# The table that services write their events to, and the indexes that every one of\n\
         # them has on it. A service may have further indexes.\n\
         # Discovered in the services' revisions: to be checked.\n",
    );
    let _ = writeln!(text, "table = {}", quoted(&convention.table));
    for (index, (have, of)) in convention.indexes.iter().zip(counts) {
        let without: Vec<&str> = services
            .iter()
            .filter(|found| lacks(found, &convention.table, index))
            .map(|found| found.name.as_str())
            .collect();
        let _ = writeln!(text, "\n# In {have} of {of} services.");
        if !without.is_empty() {
            comment(&mut text, &format!("Not seen in {}", without.join(", ")));
        }
        let _ = writeln!(text, "[[index]]\nname = {}", quoted(&index.name));
        let _ = writeln!(text, "columns = {}", list(&index.columns));
        if let Some(predicate) = &index.predicate {
            let _ = writeln!(text, "predicate = {}", quoted(predicate));
        }
        if index.unique {
            let _ = writeln!(text, "unique = true");
        }
        if index.method != "btree" {
            let _ = writeln!(text, "method = {}", quoted(&index.method));
        }
        if !index.include.is_empty() {
            let _ = writeln!(text, "include = {}", list(&index.include));
        }
    }
    text
}

/// Tells whether a service has the table and not the index.
fn lacks(found: &FoundService, table: &str, index: &IndexConvention) -> bool {
    let outbox = found.outbox.as_ref().filter(|outbox| outbox.table == table);
    outbox.is_some_and(|outbox| !outbox.indexes.contains(index))
}

/// A comment, over as many lines as it takes.
fn comment(text: &mut String, words: &str) {
    let mut line = String::from("#");
    for word in words.split_whitespace() {
        if line.len() + word.len() > 87 {
            let _ = writeln!(text, "{line}");
            line = String::from("#");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

/// A fragment as a sentence. What it begins with stays as it is where it is the name of a
/// file.
fn sentence(fragment: &str) -> String {
    let first = fragment.split(' ').next().unwrap_or_default();
    let mut letters = fragment.chars();
    match (first.contains(['.', '/']), letters.next()) {
        (false, Some(letter)) => format!("{}{}.", letter.to_uppercase(), letters.as_str()),
        _ => format!("{fragment}."),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(texts: &[String]) -> String {
    let quoted: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
    format!("[{}]", quoted.join(", "))
}

fn words(words: &[String]) -> String {
    match words {
        [one] => quoted(one),
        several => list(several),
    }
}

/// A bare key where TOML allows it.
fn key(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => quoted(name),
    }
}

/// The way from one absolute directory to another.
fn relative(from: &Path, to: &Path) -> String {
    let shared = from
        .components()
        .zip(to.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(to.components().skip(shared)).collect();
    match way.as_os_str().is_empty() {
        true => ".".to_owned(),
        false => way.to_string_lossy().into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use super::{comment, key, relative};

    #[rstest]
    #[case::below("/a/m", "/a", "..")]
    #[case::beside("/x/manifest", "/a/m", "../../a/m")]
    #[case::same("/a", "/a", ".")]
    fn finds_the_way(#[case] from: &str, #[case] to: &str, #[case] way: &str) {
        assert_eq!(relative(Path::new(from), Path::new(to)), way);
    }

    #[test]
    fn wraps_comments() {
        let mut text = String::new();
        comment(&mut text, &"word ".repeat(30));
        assert!(text.lines().count() == 2, "{text}");
        assert!(
            text.lines()
                .all(|line| line.starts_with("# ") && line.len() < 90),
            "{text}"
        );
    }

    #[rstest]
    #[case("DATABASE_URL", "DATABASE_URL")]
    #[case("odd name", "\"odd name\"")]
    fn quotes_odd_keys(#[case] name: &str, #[case] written: &str) {
        assert_eq!(key(name), written);
    }
}
