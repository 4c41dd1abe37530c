//! `migration-harness deployed`: what the manifest calls deployed becomes the heads of today.

use std::fs;
use std::io;
use std::path::Path;

use toml_edit::{Array, DocumentMut, Item, Value, value};

use super::schemas;
use crate::alembic::read_graph;
use crate::alembic::script_location::Static;
use crate::criteria;
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::{Manifest, Service};

/// The key of a service's file.
const KEY: &str = "deployed";

/// Moves `deployed` of services, of all where none is named, to the heads of their histories
/// as the work tree has them; returns a line on each.
///
/// # Errors
/// Naming a service that is not there, or whose heads cannot be read from the files, before
/// anything is written; or a file that cannot be written.
pub fn move_to_heads(names: &[String]) -> Result<Vec<String>> {
    let manifest = Manifest::locate()?;
    let known = manifest.service_names()?;
    if let Some(unknown) = names.iter().find(|name| !known.contains(*name)) {
        let all: Vec<&str> = known.iter().map(String::as_str).collect();
        return Err(error(format!("there is no service {unknown}"))
            .help(format!("services: {}", all.join(", "))));
    }
    let named = known
        .iter()
        .filter(|name| names.is_empty() || names.contains(name));
    let services = named.map(|name| {
        let file = manifest.services_directory().join(format!("{name}.toml"));
        let service = manifest.service(&file, &criteria::ids())?;
        let heads = heads(&service)?;
        Ok((service, heads))
    });
    let services: Vec<(Service, Vec<String>)> = services.collect::<Result<_>>()?;
    let moved = services.iter().map(|(service, heads)| {
        let file = service.shown(&service.file);
        let moved = write(&service.file, heads)
            .map_err(|cause| error(format!("{file} cannot be written: {cause}")))?;
        Ok(format!("{file}: {moved}"))
    });
    moved.collect()
}

/// The heads, as `alembic heads` would name them.
fn heads(service: &Service) -> Result<Vec<String>> {
    let unknown = |why: String| {
        error(format!(
            "{}: the heads cannot be read from the files: {why}",
            service.name
        ))
        .help(format!("write `{KEY}` by hand, or name the other services"))
    };
    let graph = match read_graph(service)? {
        Static::Known(graph) => graph,
        Static::NeedsPython(why) => return Err(unknown(why)),
    };
    if let Some((file, line, what)) = graph.needs_python().first() {
        return Err(unknown(format!("{}:{line}: {what}", service.shown(file))));
    }
    if !graph.problems().is_empty() {
        return Err(unknown(
            "the history is not sound, as `single_head` says".to_owned(),
        ));
    }
    let heads = graph.version_rows().into_iter();
    let heads: Vec<String> = heads.map(|head| head.id.clone()).collect();
    match heads.is_empty() {
        true => Err(unknown("there is no revision".to_owned())),
        false => Ok(heads),
    }
}

/// Sets the key in a file that keeps its comments and its order; says what was done.
fn write(file: &Path, heads: &[String]) -> io::Result<String> {
    let text = fs::read_to_string(file)?;
    let mut document: DocumentMut = text.parse().map_err(io::Error::other)?;
    let new = match heads {
        [one] => value(one),
        several => value(several.iter().collect::<Array>()),
    };
    let shown = shown(&new);
    match document.get_mut(KEY).and_then(Item::as_value_mut) {
        Some(old) if old.as_str() == Some("base") => {
            return Ok("stays \"base\": every revision is a deployment of its own".to_owned());
        }
        Some(old) if bare(old.clone()) == shown => return Ok(format!("is {shown} already")),
        Some(old) => {
            let decor = old.decor().clone();
            *old = new.into_value().map_err(|_| io::Error::other("no value"))?;
            *old.decor_mut() = decor;
        }
        None => {
            document.insert(KEY, new);
        }
    }
    schemas::write(file, &document.to_string())?;
    Ok(format!("{KEY} = {shown}"))
}

fn shown(item: &Item) -> String {
    item.as_value().cloned().map(bare).unwrap_or_default()
}

/// A value without the white space and the comment beside it.
fn bare(value: Value) -> String {
    value.decorated("", "").to_string()
}

fn error(message: impl Into<String>) -> HarnessError {
    HarnessError::new(Stage::Manifest, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use pretty_assertions::assert_eq;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::moved(
        "path = \"a\"\n# when\ndeployed = \"r1\" # here\n\n[env]\nA = \"1\"\n",
        &["r2"],
        "path = \"a\"\n# when\ndeployed = \"r2\" # here\n\n[env]\nA = \"1\"\n",
        "deployed = \"r2\""
    )]
    #[case::several(
        "deployed = \"r1\"\n",
        &["r2", "r3"],
        "deployed = [\"r2\", \"r3\"]\n",
        "deployed = [\"r2\", \"r3\"]"
    )]
    #[case::new(
        "path = \"a\"\n\n[env]\nA = \"1\"\n",
        &["r2"],
        "path = \"a\"\ndeployed = \"r2\"\n\n[env]\nA = \"1\"\n",
        "deployed = \"r2\""
    )]
    #[case::there_already("deployed = \"r2\"\n", &["r2"], "deployed = \"r2\"\n", "is \"r2\" already")]
    #[case::one_by_one(
        "deployed = \"base\"\n",
        &["r2"],
        "deployed = \"base\"\n",
        "stays \"base\": every revision is a deployment of its own"
    )]
    fn the_key_moves_and_the_rest_stays(
        #[case] before: &str,
        #[case] heads: &[&str],
        #[case] after: &str,
        #[case] said: &str,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.toml");
        fs::write(&file, before).unwrap();
        let heads: Vec<String> = heads.iter().map(|id| (*id).to_owned()).collect();
        assert_eq!(write(&file, &heads).unwrap(), said);
        assert_eq!(fs::read_to_string(&file).unwrap(), after);
    }
}
