//! Rows that a team brings itself: [`TeamRows`].

use std::collections::BTreeMap;
use std::path::Path;

use super::error;
use crate::error::Result;
use crate::postgres::Script;

/// Rows of a service, as SQL that plants them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TeamRows {
    /// Planted in the deployed database: `rows/<service>.sql` of the manifest.
    pub deployed: Option<Script>,
    /// Planted where the database stands at a revision: `rows/<service>/<revision>.sql`.
    pub at: BTreeMap<String, Script>,
}

impl TeamRows {
    /// Reads what there is of a service in a manifest.
    ///
    /// # Errors
    /// A file cannot be read as SQL.
    pub(super) fn read(manifest: &Path, service: &str) -> Result<Self> {
        let directory = manifest.join("rows");
        let mut rows = Self {
            deployed: script(&directory.join(format!("{service}.sql")))?,
            at: BTreeMap::new(),
        };
        let entries = directory.join(service).read_dir().into_iter().flatten();
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_sql = path.extension().is_some_and(|ending| ending == "sql");
            let stem = path
                .file_stem()
                .map(|stem| stem.to_string_lossy().into_owned());
            if let (true, Some(revision), Some(script)) = (is_sql, stem, script(&path)?) {
                rows.at.insert(revision, script);
            }
        }
        Ok(rows)
    }

    /// The scripts for a database that stands at these heads; `is_deployed` where nothing of
    /// the deployment ran yet.
    pub fn for_heads<'a>(
        &'a self,
        heads: &'a [String],
        is_deployed: bool,
    ) -> impl Iterator<Item = &'a Script> {
        let deployed = self.deployed.iter().filter(move |_| is_deployed);
        deployed.chain(heads.iter().filter_map(|head| self.at.get(head)))
    }
}

fn script(path: &Path) -> Result<Option<Script>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(error(path, format!("cannot be read: {cause}"))),
    };
    let script = Script::read(path.display().to_string(), &text);
    script.map(Some).map_err(|unreadable| {
        let problem = format!("line {}: {}", unreadable.line, unreadable.problem);
        error(path, problem).help(unreadable.help)
    })
}
