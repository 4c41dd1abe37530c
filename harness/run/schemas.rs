//! `UPDATE_SCHEMAS=1`: the schema that was found becomes the accepted one.
//!
//! It is written after the migrations have run to their end, and judged like any other file
//! afterwards. Everything but `discover` writes into a manifest by [`write`].

use std::fs;
use std::path::Path;
use std::sync::Once;

use super::arguments::{ACCEPT, Arguments};
use super::set;
use crate::criteria::{AcceptedIn, Criterion, Verdict, deployed_schema};
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::notes::Content;
use crate::evidence::{Evidence, SchemaFile};
use crate::files::write_as;
use crate::gather::progress::{Progress, Say};
use crate::manifest::Service;
use crate::schema;

/// Set to anything but `0`: the schemas found are accepted.
const UPDATE_SCHEMAS: &str = "UPDATE_SCHEMAS";
/// The variable that every CI sets.
const CI: &str = "CI";

/// Tells whether schemas may be accepted, where that is asked for.
///
/// # Errors
/// It is asked for in CI, where nobody would read or commit what is written.
pub(super) fn permitted(arguments: &Arguments) -> Result<()> {
    let asked = match (set(UPDATE_SCHEMAS), arguments.accepts_anything()) {
        (true, _) => UPDATE_SCHEMAS,
        (false, true) => ACCEPT,
        (false, false) => return Ok(()),
    };
    not_in_ci(asked, "nothing is accepted")
}

/// # Errors
/// It is CI, where nobody would read or commit what is written.
pub(super) fn not_in_ci(asked: &str, what: &str) -> Result<()> {
    if !set(CI) || std::env::var(CI).is_ok_and(|value| value.eq_ignore_ascii_case("false")) {
        return Ok(());
    }
    Err(HarnessError::new(Stage::Manifest, format!("{asked} is set where {CI} is: in CI {what}"))
    .detail("what was found is accepted by a person who reads what changed and commits the file; CI compares with it")
    .help(format!("unset {asked} in CI; set it on your machine, and commit what that writes")))
}

/// Tells whether the manifest is written to in this run.
pub(super) fn writes(arguments: &Arguments) -> bool {
    set(UPDATE_SCHEMAS) || arguments.accepts_anything()
}

/// Writes the schema that was found, where that is asked for and the criterion is about
/// it, and puts it into the evidence.
///
/// # Errors
/// The file cannot be written.
pub(super) fn accept(
    criterion: &Criterion,
    service: &Service,
    evidence: &mut Evidence,
    arguments: &Arguments,
    say: Say<'_>,
) -> Result<()> {
    let wanted = writes(arguments);
    if !wanted || criterion.id != deployed_schema::CRITERION.id {
        return Ok(());
    }
    let path = service.schema_file();
    match deployed_schema::present(service, evidence) {
        Ok(text) => {
            let lost = lost(&evidence.schema, &text);
            let is_grave = !lost.is_empty();
            let accepted = arguments.accepts(AcceptedIn::SCHEMA, is_grave);
            if !set(UPDATE_SCHEMAS) && !accepted {
                return Ok(());
            }
            let happened = match Content::read(&path) {
                Content::Text(known) if known == text => "unchanged",
                Content::Missing => "written, new",
                _ => "written",
            };
            if happened != "unchanged" {
                write(&path, &text).map_err(|cause| {
                    HarnessError::new(
                        Stage::Manifest,
                        format!("{} cannot be written: {cause}", path.display()),
                    )
                })?;
            }
            say(Progress::Note(format!(
                "schema {}: {happened}{lost}",
                path.display()
            )));
            evidence.schema = Some(SchemaFile::read(service));
        }
        Err(Verdict::Blocked { by, .. }) => {
            say(Progress::Note(format!(
                "schema {}: not accepted, because of {by}",
                path.display()
            )));
        }
        Err(_) => {}
    }
    Ok(())
}

/// Names what loses data of what is accepted, so that nobody accepts it unseen.
fn lost(known: &Option<SchemaFile>, text: &str) -> String {
    let Some(Content::Text(known)) = known.as_ref().map(|file| &file.content) else {
        return String::new();
    };
    let (Ok(known), Ok(text)) = (schema::read(known), schema::read(text)) else {
        return String::new();
    };
    let differences = schema::differences(&known, &text);
    let lost: Vec<String> = differences
        .iter()
        .filter(|one| one.is_destructive())
        .map(schema::Difference::title)
        .collect();
    match lost.as_slice() {
        [] => String::new(),
        lost => format!("; destructive where it is deployed: {}", lost.join(", ")),
    }
}

/// Says once per process which accepted schemas belong to no service.
pub fn left_over(criterion: &Criterion, evidence: &Evidence, say: Say<'_>) {
    static SAID: Once = Once::new();
    let Some(file) = evidence
        .schema
        .as_ref()
        .filter(|_| criterion.id == deployed_schema::CRITERION.id)
    else {
        return;
    };
    if let [_, ..] = file.of_no_service.as_slice() {
        let files: Vec<String> = file
            .of_no_service
            .iter()
            .map(|name| file.path.with_file_name(name).display().to_string())
            .collect();
        let note = format!(
            "{}: no service has this name; git mv it to that of the service, or git rm it",
            files.join(", ")
        );
        SAID.call_once(|| say(Progress::Note(note)));
    }
}

/// Whole or not at all.
pub(super) fn write(path: &Path, text: &str) -> std::io::Result<()> {
    write_bytes(path, text.as_bytes())
}

/// The same of any content.
pub(super) fn write_bytes(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    // For everyone who reads the rest.
    let like = fs::metadata(path).or_else(|_| fs::metadata(directory.join("../defaults.toml")))?;
    write_as(path, content, like.permissions())
}
