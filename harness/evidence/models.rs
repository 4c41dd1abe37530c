//! The models beside the migrated database: [`Models`].
//!
//! Both are real databases, read by the same query, so both sides of a difference are
//! PostgreSQL's own words. Only what models can describe is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, Object, ObjectKind};
use crate::alembic::transcript::{Exception, Transcript};

mod compare;
mod expressions;
mod integer;
mod questions;
mod side;
mod unstated;

pub use compare::{Comparison, compare};
pub use expressions::{Expression, PlannedExpressions, expression};
pub use integer::Integer;
pub use questions::questions;

/// The database that the models build, and its differences from the migrated one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Models {
    /// `create_all`.
    pub built: Transcript,
    /// Tells whether `env.py` names any metadata.
    pub metadata: bool,
    /// The flaws of the models beside any difference.
    #[serde(default)]
    pub flaws: Vec<Flaw>,
    /// The tables that the models describe, as SQLAlchemy names them.
    pub tables: Vec<String>,
    /// The class behind each table, as far as it was found.
    pub sources: BTreeMap<String, Source>,
    /// The differences that `env.py` lets autogenerate see.
    pub drifts: Vec<Drift>,
    /// The properties that the migrations build and models cannot state; they are not compared.
    pub unstated: Vec<UnstatedProperty>,
}

/// Something that the migrations build and models have no word for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnstatedProperty {
    /// The object, named as in the output.
    pub object: String,
    /// The property, in words: `row level security`.
    pub property: String,
}

/// A fault of the models that is no difference from the migrations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flaw {
    /// `env.py` hands over something else in the place of metadata, and nothing is compared.
    NoMetadata(MistakenMetadata),
    /// A statement of the models' own, not of `create_all`, that PostgreSQL refuses.
    Refused(Box<RefusedPart>),
}

/// Something that `env.py` hands over as metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MistakenMetadata {
    /// The value in words: `the class Base`.
    pub what: String,
    /// The metadata that it holds, as Python: `Base.metadata`.
    pub instead: Option<String>,
}

/// The place where a class is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The file, absolute.
    pub file: PathBuf,
    /// 1-based.
    pub line: u32,
    /// The lines of its attributes, by name.
    #[serde(default)]
    pub columns: BTreeMap<String, u32>,
}

/// An object on which the two sides do not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// The table it belongs to; of an enum type, the first that the models use it in.
    pub table: Option<String>,
    /// Its schema, unless that is the one that the service's connection is in.
    pub schema: Option<String>,
    /// The columns that the models give this type, where it is one: `essays.status`.
    pub used_by: Vec<String>,
    /// The object that the migrations build.
    pub migrated: Option<Object>,
    /// The object that the models describe.
    pub model: Option<Object>,
    /// Tells whether both mean the same, by other names.
    #[serde(default)]
    pub renamed: bool,
}

/// The worker's description of the models.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct ModelsDescription {
    /// Tells whether there is any metadata.
    pub metadata: bool,
    /// The values that are handed over in its place.
    pub mistaken: Vec<MistakenMetadata>,
    /// `table.name` of constraints and indexes that the models name.
    pub named: BTreeSet<String>,
    /// The class behind each table.
    pub sources: BTreeMap<String, Source>,
    /// The tables.
    pub tables: Vec<String>,
    /// The parts of them that PostgreSQL refuses.
    pub refused: Vec<RefusedPart>,
    /// The schema that the service's connection is in.
    pub default_schema: Option<String>,
    /// Keys over the same columns of one table, which `CREATE TABLE` makes one.
    pub merged: Vec<MergedKeys>,
}

/// Columns that the models give more than one key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MergedKeys {
    /// The table's schema, where the model names one.
    pub schema: Option<String>,
    /// The table.
    pub table: String,
    /// The columns, in the order of the keys.
    pub columns: Vec<String>,
}

impl ModelsDescription {
    /// The schema that the service's connection is in.
    #[must_use]
    pub fn default_schema(&self) -> &str {
        self.default_schema.as_deref().unwrap_or("public")
    }

    /// A name as SQLAlchemy has it: qualified unless it is in the default schema.
    fn qualified(&self, (schema, name): &side::Name) -> String {
        match schema
            .as_deref()
            .filter(|schema| *schema != self.default_schema())
        {
            Some(schema) => format!("{schema}.{name}"),
            None => name.clone(),
        }
    }

    /// Tells whether the models name a constraint or index.
    fn is_named(&self, item: &side::Item) -> bool {
        let own = item.object.name.rsplit('.').next().unwrap_or_default();
        let table = item.table.as_ref().map_or("", |(_, table)| table.as_str());
        self.named.contains(&format!("{table}.{own}"))
    }
}

/// A part of the models that PostgreSQL refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedPart {
    /// Its kind.
    pub kind: RefusedKind,
    /// Its schema.
    pub schema: String,
    /// Its name, as a catalog has it.
    pub name: String,
    /// The statement that SQLAlchemy makes of it; empty where it can make none.
    pub statement: String,
    /// PostgreSQL's error, or SQLAlchemy's where it makes no SQL of it.
    pub error: Exception,
    /// Tells whether it is refused because something else was.
    pub follows: bool,
}

/// The kind of what PostgreSQL refuses of the models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
pub enum RefusedKind {
    /// An object.
    Object(ObjectKind),
    /// A statement that an event of the models issues.
    Statement,
}

impl TryFrom<String> for RefusedKind {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        match name.as_str() {
            "statement" => Ok(Self::Statement),
            kind => kind.parse().map(Self::Object),
        }
    }
}

impl From<RefusedKind> for &'static str {
    fn from(kind: RefusedKind) -> Self {
        match kind {
            RefusedKind::Object(kind) => kind.name(),
            RefusedKind::Statement => "statement",
        }
    }
}

impl RefusedPart {
    /// The object as the models' database would have it; `None` for a statement.
    fn object(&self) -> Option<Object> {
        let RefusedKind::Object(kind) = self.kind else {
            return None;
        };
        Some(Object {
            schema: Some(self.schema.clone()),
            kind,
            name: self.name.clone(),
            definition: match self.statement.as_str() {
                "" => format!(
                    "-- of which SQLAlchemy can make no SQL: {}",
                    self.error.line()
                ),
                statement => format!(
                    "{statement} -- which PostgreSQL refuses: {}",
                    self.error.line()
                ),
            },
        })
    }
}

impl ModelsDescription {
    /// The models' catalog as if nothing of them were refused.
    fn with_refused(&self, built: &Catalog) -> Catalog {
        let mut models = built.clone();
        let refused = self.refused.iter().filter(|one| !one.follows);
        for object in refused.filter_map(RefusedPart::object) {
            let is_it = |built: &Object| {
                (&built.schema, &built.kind, &built.name)
                    == (&object.schema, &object.kind, &object.name)
            };
            // A column is there without its default; of anything else that is there, the
            // models have two of that name.
            if object.kind == ObjectKind::Column {
                models.objects.retain(|built| !is_it(built));
            }
            if !models.objects.iter().any(is_it) {
                models.objects.push(object);
            }
        }
        models
    }

    /// Tells whether a difference is there because something else of the models is refused.
    fn is_consequence(&self, drift: &Drift) -> bool {
        let Some(object) = drift.object() else {
            return false;
        };
        let is_it = |one: &&RefusedPart| {
            (Some(&one.schema), one.kind, &one.name)
                == (
                    object.schema.as_ref(),
                    RefusedKind::Object(object.kind),
                    &object.name,
                )
        };
        drift.model.is_none()
            && self
                .refused
                .iter()
                .filter(|one| one.follows)
                .any(|one| is_it(&one))
    }

    /// The values that are no metadata, and the refused parts that are not compared as objects.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        let compared = |one: &&RefusedPart| match one.kind {
            RefusedKind::Object(kind) => rank(kind).is_some(),
            RefusedKind::Statement => false,
        };
        let mistaken = self.mistaken.iter().cloned().map(Flaw::NoMetadata);
        let refused = self.refused.iter().filter(|one| !compared(one));
        mistaken
            .chain(refused.cloned().map(Box::new).map(Flaw::Refused))
            .collect()
    }
}

/// The place of a kind among those that models can describe, in which the kinds that others
/// depend on come first; `None` for a kind that is not compared.
#[must_use]
pub fn rank(kind: ObjectKind) -> Option<usize> {
    match kind {
        ObjectKind::Table => Some(0),
        ObjectKind::EnumType => Some(1),
        ObjectKind::Domain => Some(2),
        ObjectKind::Column => Some(3),
        ObjectKind::Constraint => Some(4),
        ObjectKind::Index => Some(5),
        ObjectKind::Sequence => Some(6),
        ObjectKind::CommentOnTable => Some(7),
        ObjectKind::CommentOnColumn => Some(8),
        ObjectKind::CommentOnConstraint => Some(9),
        ObjectKind::Aggregate
        | ObjectKind::Cast
        | ObjectKind::Collation
        | ObjectKind::ColumnOrder
        | ObjectKind::Comment
        | ObjectKind::CompositeType
        | ObjectKind::EventTrigger
        | ObjectKind::Extension
        | ObjectKind::ForeignTable
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Function
        | ObjectKind::MaterializedView
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::Policy
        | ObjectKind::Procedure
        | ObjectKind::Publication
        | ObjectKind::RangeType
        | ObjectKind::Role
        | ObjectKind::Rule
        | ObjectKind::Schema
        | ObjectKind::Server
        | ObjectKind::Statistics
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary
        | ObjectKind::Trigger
        | ObjectKind::View => None,
    }
}

impl Drift {
    /// Its name in the manifest and in the output: `essay_states.title`,
    /// `index ix_a`, `enum type status`. The schema is named unless it is the default one.
    #[must_use]
    pub fn subject(&self) -> String {
        let Some(object) = self.object() else {
            return String::new();
        };
        let schema = self
            .schema
            .as_ref()
            .map_or(String::new(), |schema| format!("{schema}."));
        match object.kind {
            ObjectKind::Column => format!("{schema}{}", object.name),
            kind => format!("{kind} {schema}{}", object.name),
        }
    }

    /// The object, as the model has it or else as the database has it.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        self.model.as_ref().or(self.migrated.as_ref())
    }

    /// The default that the migrations give a column and the model does not, where they
    /// differ in nothing else.
    #[must_use]
    pub fn default_left(&self) -> Option<&str> {
        let (migrated, model) = (self.migrated.as_ref()?, self.model.as_ref()?);
        let (column, default) = migrated.definition.split_once(" DEFAULT ")?;
        let only = migrated.kind == ObjectKind::Column && column == model.definition;
        only.then_some(default)
            .filter(|default| !default.contains("nextval("))
    }

    /// The types that the migrations and the model give a column, where a length that only
    /// one of them has is all that they differ in: `character varying(36)` and `character
    /// varying`.
    #[must_use]
    pub fn length_on_one_side(&self) -> Option<(&str, &str)> {
        let (migrated, model) = (self.migrated.as_ref()?, self.model.as_ref()?);
        let (one, length, rest) = varying(&migrated.definition)?;
        let (other, other_length, other_rest) = varying(&model.definition)?;
        let only = migrated.kind == ObjectKind::Column && length != other_length;
        let same = rest == other_rest && (length.is_none() || other_length.is_none());
        (only && same).then_some((one, other))
    }

    /// The integers that the migrations and the model make of a column, where their size is all
    /// that they differ in.
    #[must_use]
    pub fn integers(&self) -> Option<(Integer, Integer)> {
        let (migrated, model) = (self.migrated.as_ref()?, self.model.as_ref()?);
        let (one, rest) = Integer::split(&migrated.definition)?;
        let (other, other_rest) = Integer::split(&model.definition)?;
        let only = migrated.kind == ObjectKind::Column && one != other && rest == other_rest;
        only.then_some((one, other))
    }

    /// Both defaults, where these are all that a column differs in and neither is a number
    /// out of a sequence.
    #[must_use]
    pub fn defaults(&self) -> Option<(&str, &str)> {
        let (migrated, model) = (self.migrated.as_ref()?, self.model.as_ref()?);
        let (type_of_one, one) = migrated.definition.split_once(" DEFAULT ")?;
        let (type_of_other, other) = model.definition.split_once(" DEFAULT ")?;
        let counts = one.contains("nextval(") || other.contains("nextval(");
        let comparable =
            migrated.kind == ObjectKind::Column && type_of_one == type_of_other && !counts;
        comparable.then_some((one, other))
    }
}

/// A type that may have a length, its length, and what follows it.
fn varying(definition: &str) -> Option<(&str, Option<&str>, &str)> {
    let after = definition.strip_prefix("character varying")?;
    let length = after
        .strip_prefix('(')
        .and_then(|text| text.split_once(')'));
    let rest = length.map_or(after, |(_, rest)| rest);
    let of = &definition[..definition.len() - rest.len()];
    Some((of, length.map(|(digits, _)| digits), rest))
}

#[cfg(test)]
mod tests;
