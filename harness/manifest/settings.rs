//! `[postgres.settings]`: what the server is started with.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::error;
use crate::error::Result;

/// The value of a server's setting.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a string, a number, true or false")]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Switch(bool),
}

impl Value {
    /// The value as PostgreSQL is told it.
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Switch(true) => "on".to_owned(),
            Self::Switch(false) => "off".to_owned(),
        }
    }
}

/// The variables by which the harness finds its server: nobody else may move it.
const OURS: &[&str] = &[
    "config_file",
    "data_directory",
    "dynamic_shared_memory_type",
    "external_pid_file",
    "hba_file",
    "ident_file",
    "lc_messages",
    "listen_addresses",
    "log_destination",
    "logging_collector",
    "port",
    "ssl",
    "unix_socket_directories",
];

/// The settings of one file of the manifest.
pub(super) fn settings(
    file: &Path,
    keys: &BTreeMap<String, Value>,
) -> Result<BTreeMap<String, String>> {
    let mut settings = BTreeMap::new();
    for (name, value) in keys {
        let is_name = |name: &str| {
            let good = |letter: char| letter.is_ascii_alphanumeric() || "_.".contains(letter);
            name.starts_with(|letter: char| letter.is_ascii_alphabetic()) && name.chars().all(good)
        };
        let text = value.text();
        if !is_name(name) || text.contains('\0') {
            let problem = format!("`postgres.settings` cannot set {name:?}");
            return Err(error(file, problem)
                .help("for instance [postgres.settings] max_locks_per_transaction = 1024"));
        }
        if OURS.contains(&name.to_ascii_lowercase().as_str()) {
            let problem = format!("`postgres.settings.{name}` is for the harness to set");
            return Err(
                error(file, problem).help("it is how the harness finds its server, and its log")
            );
        }
        settings.insert(name.to_ascii_lowercase(), text);
    }
    Ok(settings)
}
