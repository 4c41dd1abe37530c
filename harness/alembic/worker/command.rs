//! The commands of a worker: [`Command`].

use std::fmt;
use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

/// The server's part in measuring.
#[derive(Debug, Clone, Copy)]
pub struct Probing {
    /// Tells whether it can flush its counters when told to, which is from PostgreSQL 15.
    pub flushes: bool,
    /// Tells whether event triggers ask before and after each command of a block or function.
    pub within: bool,
}

/// A command to a worker about the database.
#[derive(Debug, Clone, Copy)]
pub enum Command<'a> {
    /// `alembic upgrade <revision>`.
    Upgrade(&'a str),
    /// The same, measuring what each statement locks and reads.
    Measure(&'a str, Probing),
    /// The same, waiting where a transaction has been committed ([`super::Worker::watch`]).
    Watch(&'a str),
    /// Takes back this one revision, whatever its place in the graph.
    Downgrade(&'a str),
    /// `alembic downgrade <revision>`: takes back all that came after it.
    Descend(&'a str),
    /// `env.py` without any revision.
    Touch,
    /// The same, for the history as `env.py` finds it.
    Loaded,
    /// `create_all` of the models that `env.py` names, on top of what they lean on, as far
    /// as they need it: an array of objects and the statements that make them; in this
    /// schema where it is known.
    Models(&'a Value, Option<&'a str>),
    /// `alembic merge` of these revisions, by the service's own template.
    Merge(&'a [String]),
    /// A revision with this message that is made of lines of Python: those of `upgrade()` and
    /// those of `downgrade()`.
    Revision(&'a str, &'a [String], &'a [String]),
    /// `alembic revision --autogenerate` with this message, without what loses data.
    Autogenerate(&'a str),
    /// Tries what the models that `env.py` names do with their tables.
    Running(&'a Release<'a>),
    /// Asks which of these objects `env.py` lets autogenerate see.
    Visible(&'a [FilterQuestion]),
}

/// The release whose models are tried.
#[derive(Debug, Clone, Copy)]
pub struct Release<'a> {
    /// The directory of today's service.
    pub now: &'a Path,
    /// The directory that it is imported from instead.
    pub then: &'a Path,
    /// The statements that are tried beside those of the models, as the worker takes them.
    pub given: &'a Value,
    /// The progress of the deployment.
    pub stage: Stage,
}

/// The progress of a deployment, as the running release meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Nothing of it ran.
    Before,
    /// It waits between two of its transactions.
    Meanwhile,
    /// It is over.
    After,
}

/// The kind of an object as `include_name` and `include_object` call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReflectedKind {
    /// A table.
    Table,
    /// A column.
    Column,
    /// An index.
    Index,
    /// A unique constraint.
    UniqueConstraint,
    /// A foreign key.
    ForeignKeyConstraint,
}

/// An object as `include_name` and `include_object` are asked about it
/// (<https://alembic.sqlalchemy.org/en/latest/autogenerate.html>).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilterQuestion {
    /// Its kind.
    pub kind: ReflectedKind,
    /// The table's schema.
    pub schema: String,
    /// The table.
    pub table: String,
    /// The object's own name.
    pub name: String,
    /// Tells whether the models have it.
    pub in_models: bool,
    /// Tells whether the migrations build it.
    pub in_database: bool,
    /// The definition that the migrations build, where they do.
    pub definition: String,
    /// The columns of the migrated table, each with its definition.
    pub columns: Vec<(String, String)>,
}

impl Command<'_> {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Upgrade(_) => "upgrade",
            Self::Measure(..) => "measure",
            Self::Watch(_) => "watch",
            Self::Downgrade(_) => "downgrade",
            Self::Descend(_) => "descend",
            Self::Touch => "touch",
            Self::Loaded => "loaded",
            Self::Models(..) => "models",
            Self::Merge(_) => "merge",
            Self::Revision(..) => "revision",
            Self::Autogenerate(_) => "autogenerate",
            Self::Running(..) => "running",
            Self::Visible(_) => "visible",
        }
    }

    /// Tells whether `env.py` runs for it. For [`Command::Loaded`] it has, unless nothing else
    /// got so far.
    #[must_use]
    pub fn runs_env(self) -> bool {
        let is_meanwhile =
            matches!(self, Self::Running(release) if release.stage == Stage::Meanwhile);
        !is_meanwhile
            && !matches!(
                self,
                Self::Loaded | Self::Merge(_) | Self::Revision(..) | Self::Visible(_)
            )
    }

    pub(super) fn arguments(self) -> Value {
        match self {
            Self::Upgrade(revision)
            | Self::Watch(revision)
            | Self::Downgrade(revision)
            | Self::Descend(revision) => {
                json!({ "revision": revision })
            }
            Self::Measure(revision, probing) => json!({
                "revision": revision, "flushes": probing.flushes, "within": probing.within,
            }),
            Self::Touch | Self::Loaded => json!({}),
            Self::Models(foundation, schema) => {
                json!({ "foundation": foundation, "schema": schema })
            }
            Self::Revision(message, upgrade, downgrade) => {
                json!({ "message": message, "upgrade": upgrade, "downgrade": downgrade })
            }
            Self::Autogenerate(message) => json!({ "message": message }),
            Self::Merge(revisions) => json!({ "revisions": revisions }),
            Self::Running(release) => json!({
                "now": release.now, "then": release.then, "given": release.given,
                "stage": release.stage,
            }),
            Self::Visible(objects) => json!({ "objects": objects }),
        }
    }
}

/// As one would type it, or as near to it as words come.
impl fmt::Display for Command<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upgrade(revision) | Self::Measure(revision, _) | Self::Watch(revision) => {
                write!(f, "upgrade {revision}")
            }
            Self::Downgrade(revision) => write!(f, "downgrade of {revision}"),
            Self::Descend(revision) => write!(f, "downgrade {revision}"),
            Self::Touch | Self::Loaded => f.write_str("upgrade without any revision"),
            Self::Models(..) => f.write_str("create_all of the models"),
            Self::Merge(revisions) => {
                write!(f, "merge -m \"merge heads\" {}", revisions.join(" "))
            }
            Self::Revision(message, ..) => write!(f, "revision -m \"{message}\""),
            Self::Autogenerate(message) => {
                write!(f, "revision --autogenerate -m \"{message}\"")
            }
            Self::Running(_) => f.write_str("the statements of the running release"),
            Self::Visible(_) => f.write_str("include_object"),
        }
    }
}
