//! The keys of `defaults.toml` and of a service's file, as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::script::{BaselineKey, ScriptKeys};
use super::settings::Value;
use crate::postgres;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutKeys {
    pub upgrade: Option<f64>,
    pub rows: Option<f64>,
    pub verify: Option<f64>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PostgresKeys {
    pub provider: Option<postgres::Choice>,
    pub version: Option<String>,
    pub image: Option<String>,
    pub registry: Option<String>,
    pub prepare: Option<ScriptKeys>,
    pub migrate_as: Option<postgres::MigrateAs>,
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlembicKeys {
    #[serde(default)]
    pub x: BTreeMap<String, OneOrMany>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a string or a list of strings")]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(super) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one],
            Self::Many(many) => many,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    pub root: String,
    pub python: Option<OneOrMany>,
    pub driver: Option<String>,
    pub alembic_ini: Option<String>,
    pub alembic_section: Option<String>,
    pub flask_app: Option<String>,
    pub schema: Option<String>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub alembic: AlembicKeys,
    #[serde(default)]
    pub postgres: PostgresKeys,
    #[serde(default)]
    pub timeouts: TimeoutKeys,
    #[serde(default)]
    pub not_applicable: BTreeMap<String, String>,
    #[serde(default)]
    pub model_drift: InheritedKeys,
    #[serde(default)]
    pub rows: InheritedKeys,
    #[serde(default)]
    pub locks: InheritedLockKeys,
    #[serde(default)]
    pub require_base_ref: bool,
}

/// One line of a service's `[not_applicable]` or of an `accepted` table.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a reason in a string, or false")]
pub(super) enum Waiver {
    /// The reason that the criterion does not apply, or the difference is accepted.
    Reason(String),
    /// `false`: the line of the defaults does not hold here.
    Applies(bool),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceFile {
    pub path: String,
    pub python: Option<OneOrMany>,
    pub driver: Option<String>,
    pub alembic_ini: Option<String>,
    pub alembic_section: Option<String>,
    pub flask_app: Option<String>,
    pub schema: Option<String>,
    pub database_url_env: Option<OneOrMany>,
    #[serde(default)]
    pub database_url_ini: bool,
    pub baseline: Option<BaselineKey>,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub alembic: AlembicKeys,
    #[serde(default)]
    pub postgres: PostgresKeys,
    #[serde(default)]
    pub timeouts: TimeoutKeys,
    #[serde(default)]
    pub not_applicable: BTreeMap<String, Waiver>,
    #[serde(default)]
    pub downgrade: DowngradeKeys,
    #[serde(default)]
    pub model_drift: ModelDriftKeys,
    pub deployed: Option<OneOrMany>,
    #[serde(default)]
    pub rows: RowsKeys,
    #[serde(default)]
    pub published_revisions: OwnKeys,
    #[serde(default)]
    pub enum_types: OwnKeys,
    #[serde(default)]
    pub outbox_indexes: OwnKeys,
    #[serde(default)]
    pub migration_notes: OwnKeys,
    #[serde(default)]
    pub locks: LockKeys,
    #[serde(default)]
    pub running_release: RunningKeys,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InheritedKeys {
    #[serde(default)]
    pub accepted: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RunningKeys {
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    pub statements: Option<ScriptKeys>,
    #[serde(default)]
    pub mixed: bool,
    #[serde(default)]
    pub accepted: BTreeMap<String, Waiver>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnKeys {
    #[serde(default)]
    pub accepted: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelDriftKeys {
    #[serde(default)]
    pub accepted: BTreeMap<String, Waiver>,
    #[serde(default)]
    pub owned_elsewhere: Vec<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RowsKeys {
    #[serde(default)]
    pub accepted: BTreeMap<String, Waiver>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InheritedLockKeys {
    #[serde(default)]
    pub accepted: BTreeMap<String, String>,
    pub lock_timeout: Option<String>,
    pub batches: Option<String>,
    pub linear: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockKeys {
    #[serde(default)]
    pub accepted: BTreeMap<String, Waiver>,
    #[serde(default)]
    pub small: Vec<String>,
    #[serde(default)]
    pub large: Vec<String>,
    pub lock_timeout: Option<String>,
    pub batches: Option<String>,
    pub linear: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DowngradeKeys {
    #[serde(default)]
    pub one_way: BTreeMap<String, String>,
}
