//! The models beside the migrated database: [`Models`].
//!
//! Both are real databases, read by the same query, so both sides of a difference are
//! PostgreSQL's own words. Only what models can describe is compared.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::catalog::{Catalog, Object};
use crate::alembic::sql::identifier;
use crate::alembic::transcript::{Raised, Transcript};
use crate::alembic::worker::Asked;

/// What the models build, and in what that differs from the migrations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Models {
    /// `create_all`.
    pub built: Transcript,
    /// Whether `env.py` names any metadata.
    pub metadata: bool,
    /// The tables that the models describe, as SQLAlchemy names them.
    pub tables: Vec<String>,
    /// The class behind each table, as far as it was found.
    pub sources: BTreeMap<String, Source>,
    /// The differences that `env.py` lets autogenerate see.
    pub drifts: Vec<Drift>,
    /// Statements of the models' own, not of `create_all`, that PostgreSQL refuses.
    #[serde(default)]
    pub refused: Vec<Refused>,
}

/// Where a class is defined.
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
    /// The columns that the models give this type, where it is one: `essays.status`.
    pub used_by: Vec<String>,
    /// What the migrations build.
    pub migrated: Option<Object>,
    /// What the models describe.
    pub model: Option<Object>,
}

/// What the worker says of the models.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Described {
    /// Whether there is any metadata.
    pub metadata: bool,
    /// `table.name` of constraints and indexes that the models name.
    pub named: BTreeSet<String>,
    /// The class behind each table.
    pub sources: BTreeMap<String, Source>,
    /// The tables.
    pub tables: Vec<String>,
    /// What PostgreSQL refuses of them.
    pub refused: Vec<Refused>,
}

/// A part of the models that PostgreSQL refuses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// `table`, `column`, `constraint`, `index`, `enum type` or `domain`; `statement` for
    /// what an event of the models issues.
    pub kind: String,
    /// Its schema.
    pub schema: String,
    /// Its name, as a catalog has it.
    pub name: String,
    /// What SQLAlchemy makes of it.
    pub statement: String,
    /// What PostgreSQL says to that.
    pub error: Raised,
    /// Whether it is refused because something else was.
    pub follows: bool,
}

impl Refused {
    /// The object as the models' database would have it.
    fn object(&self) -> Object {
        Object {
            schema: Some(self.schema.clone()),
            kind: self.kind.clone(),
            name: self.name.clone(),
            definition: format!(
                "{} -- which PostgreSQL refuses: {}",
                self.statement,
                self.error.line()
            ),
        }
    }
}

impl Described {
    /// The models' catalog as if nothing of them were refused.
    fn with_refused(&self, built: &Catalog) -> Catalog {
        let mut models = built.clone();
        for refused in self.refused.iter().filter(|one| !one.follows) {
            let object = refused.object();
            let is_it = |built: &Object| {
                (&built.schema, &built.kind, &built.name)
                    == (&object.schema, &object.kind, &object.name)
            };
            // A column is there without its default; of anything else that is there, the
            // models have two of that name.
            if refused.kind == "column" {
                models.objects.retain(|built| !is_it(built));
            }
            if !models.objects.iter().any(is_it) {
                models.objects.push(object);
            }
        }
        models
    }

    /// Whether a difference is there because something else of the models is refused.
    fn is_consequence(&self, drift: &Drift) -> bool {
        let Some(object) = drift.object() else {
            return false;
        };
        let is_it = |one: &&Refused| {
            (Some(&one.schema), &one.kind, &one.name)
                == (object.schema.as_ref(), &object.kind, &object.name)
        };
        drift.model.is_none()
            && self
                .refused
                .iter()
                .filter(|one| one.follows)
                .any(|one| is_it(&one))
    }

    /// What is refused and is no object that is compared.
    #[must_use]
    pub fn other_refusals(&self) -> Vec<Refused> {
        let compared = |one: &&Refused| COMPARED.contains(&one.kind.as_str());
        self.refused
            .iter()
            .filter(|one| !compared(one))
            .cloned()
            .collect()
    }
}

/// The kinds that models can describe, what others depend on first.
pub const COMPARED: &[&str] = &[
    "table",
    "enum type",
    "domain",
    "column",
    "constraint",
    "index",
];

impl Drift {
    /// How it is called in the manifest and in the output: `essay_states.title`,
    /// `index ix_a`, `enum type status`. The schema is named unless it is `public`.
    #[must_use]
    pub fn subject(&self) -> String {
        let Some(object) = self.object() else {
            return String::new();
        };
        let schema = match object.schema.as_deref() {
            Some("public") | None => String::new(),
            Some(schema) => format!("{schema}."),
        };
        match object.kind.as_str() {
            "column" => format!("{schema}{}", object.name),
            kind => format!("{kind} {schema}{}", object.name),
        }
    }

    /// The object, as the model has it or else as the database has it.
    #[must_use]
    pub fn object(&self) -> Option<&Object> {
        self.model.as_ref().or(self.migrated.as_ref())
    }

    /// Both defaults, where these are all that a column differs in and neither is a number
    /// out of a sequence.
    #[must_use]
    pub fn defaults(&self) -> Option<(&str, &str)> {
        let (migrated, model) = (self.migrated.as_ref()?, self.model.as_ref()?);
        let (type_of_one, one) = migrated.definition.split_once(" DEFAULT ")?;
        let (type_of_other, other) = model.definition.split_once(" DEFAULT ")?;
        let counts = one.contains("nextval(") || other.contains("nextval(");
        let comparable = migrated.kind == "column" && type_of_one == type_of_other && !counts;
        comparable.then_some((one, other))
    }

    /// What to ask `env.py` about it; `None` for what autogenerate has no word for.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        let object = self.object()?;
        let table = self.table.clone()?;
        let kind = match object.kind.as_str() {
            "table" => "table",
            "column" => "column",
            "index" => "index",
            "constraint" if object.definition.starts_with("UNIQUE") => "unique_constraint",
            "constraint" if object.definition.starts_with("FOREIGN") => "foreign_key_constraint",
            // Autogenerate knows no other constraint, so only its table can be hidden.
            "constraint" => "table",
            _ => return None,
        };
        let is_table = kind == "table";
        let name = object
            .name
            .rsplit('.')
            .next()
            .unwrap_or(&object.name)
            .to_owned();
        Some(Asked {
            kind,
            schema: object.schema.clone()?,
            name: if is_table { table.clone() } else { name },
            in_models: self.model.is_some() || (is_table && object.kind != "table"),
            in_database: self.migrated.is_some() || (is_table && object.kind != "table"),
            table,
        })
    }
}

/// Every difference between the migrated database and the one that the models built.
#[must_use]
pub fn compare(migrated: &Catalog, models: &Catalog, described: &Described) -> Vec<Drift> {
    let models = described.with_refused(models);
    let (left, right) = (Side::of(migrated), Side::of(&models));
    let mut drifts: Vec<Drift> = Vec::new();
    let keys: BTreeSet<_> = left.objects.keys().chain(right.objects.keys()).collect();
    for key in keys {
        let (migrated, model) = (left.objects.get(key), right.objects.get(key));
        if left.meaning(migrated) == right.meaning(model) || is_left_open(migrated, model) {
            continue;
        }
        let used_by = right.columns_of(model);
        let user = used_by.first().and_then(|column| column.split('.').next());
        drifts.push(Drift {
            table: table_of(migrated.or(model), &left, &right).or(user.map(str::to_owned)),
            used_by,
            migrated: migrated.map(|object| (*object).clone()),
            model: model.map(|object| (*object).clone()),
        });
    }
    drop_implied(&mut drifts);
    drifts.retain(|drift| !described.is_consequence(drift));
    pair_by_definition(&mut drifts, described);
    drifts.retain(|drift| !is_unused_type(drift));
    drifts
}

/// One side's objects, by what makes two of them the same.
struct Side<'a> {
    catalog: &'a Catalog,
    objects: BTreeMap<(Option<&'a str>, &'a str, &'a str), &'a Object>,
    indexed: BTreeMap<(Option<&'a str>, &'a str), String>,
}

impl<'a> Side<'a> {
    fn of(catalog: &'a Catalog) -> Self {
        let constraints: BTreeSet<(Option<&str>, &str)> = catalog
            .objects
            .iter()
            .filter(|object| object.kind == "constraint")
            .filter_map(|object| Some((object.schema.as_deref(), object.name.rsplit('.').next()?)))
            .collect();
        let of_constraint = |object: &Object| {
            object.kind == "index"
                && constraints.contains(&(object.schema.as_deref(), object.name.as_str()))
        };
        let compared = catalog
            .objects
            .iter()
            .filter(|object| COMPARED.contains(&object.kind.as_str()));
        let objects: BTreeMap<_, _> = compared
            .filter(|object| !of_constraint(object))
            .map(|object| {
                (
                    (
                        object.schema.as_deref(),
                        object.kind.as_str(),
                        object.name.as_str(),
                    ),
                    object,
                )
            })
            .collect();
        let indexed = objects
            .values()
            .filter(|object| object.kind == "index")
            .filter_map(|object| {
                Some((
                    (object.schema.as_deref(), object.name.as_str()),
                    indexed_table(object)?,
                ))
            })
            .collect();
        Self {
            catalog,
            objects,
            indexed,
        }
    }

    /// An object's definition, without what differs in form only: the name of the sequence
    /// that belongs to a column, which a renamed table's keeps.
    fn meaning(&self, object: Option<&&Object>) -> Option<String> {
        let object = object?;
        let mut definition = object.definition.clone();
        if object.kind == "column" && definition.contains("nextval(") {
            let schema = object.schema.as_deref().unwrap_or_default();
            let owner = format!("OWNED BY {schema}.{}", object.name);
            let owned = self.catalog.objects.iter().filter(|other| {
                other.kind == "sequence"
                    && other
                        .definition
                        .replace('"', "")
                        .ends_with(&owner.replace('"', ""))
            });
            for sequence in owned {
                definition = definition.replace(&sequence.name, "(its own sequence)");
            }
        }
        Some(definition)
    }

    /// The columns of an enum type, also as arrays of it.
    fn columns_of(&self, kind: Option<&&Object>) -> Vec<String> {
        let Some(kind) = kind.filter(|object| object.kind == "enum type") else {
            return Vec::new();
        };
        let schema = identifier(kind.schema.as_deref().unwrap_or_default());
        let name = format!("{schema}.{}", identifier(&kind.name));
        let is_of = |column: &&&Object| {
            let rest = column.definition.strip_prefix(&name);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '[']))
        };
        let columns = self
            .objects
            .values()
            .filter(|object| object.kind == "column");
        columns
            .filter(is_of)
            .map(|column| column.name.clone())
            .collect()
    }
}

/// An enum that the models mention without its labels, as `ENUM(name="st",
/// create_type=False)` may: they leave it to the migrations.
fn is_left_open(migrated: Option<&&Object>, model: Option<&&Object>) -> bool {
    let unlabelled = |object: &&Object| object.kind == "enum type" && object.definition.is_empty();
    migrated.is_some() && model.is_some_and(unlabelled)
}

/// The table of `CREATE INDEX ix ON public.t USING ...`; SQLAlchemy leaves USING out.
fn indexed_table(index: &Object) -> Option<String> {
    let rest = index.definition.split_once(" ON ")?.1;
    let rest = rest.strip_prefix("ONLY ").unwrap_or(rest);
    let qualified = rest.split_once(" USING ").or(rest.split_once(" ("))?.0;
    Some(qualified.rsplit('.').next()?.trim_matches('"').to_owned())
}

fn table_of(object: Option<&&Object>, left: &Side<'_>, right: &Side<'_>) -> Option<String> {
    let object = object?;
    match object.kind.as_str() {
        "table" => Some(object.name.clone()),
        "column" | "constraint" => object.name.split('.').next().map(str::to_owned),
        "index" => {
            let key = (object.schema.as_deref(), object.name.as_str());
            left.indexed.get(&key).or(right.indexed.get(&key)).cloned()
        }
        _ => None,
    }
}

/// What a missing table has goes without saying.
fn drop_implied(drifts: &mut Vec<Drift>) {
    let whole: BTreeSet<(Option<String>, Option<String>)> = drifts
        .iter()
        .filter(|drift| drift.object().is_some_and(|object| object.kind == "table"))
        .filter(|drift| drift.migrated.is_none() || drift.model.is_none())
        .map(|drift| {
            (
                drift.object().and_then(|object| object.schema.clone()),
                drift.table.clone(),
            )
        })
        .collect();
    drifts.retain(|drift| {
        let object = drift.object();
        let key = (
            object.and_then(|object| object.schema.clone()),
            drift.table.clone(),
        );
        object.is_some_and(|object| object.kind == "table") || !whole.contains(&key)
    });
}

/// A constraint or index that the model does not name is the same as one with another
/// name and the same definition; where the model names it, both are one difference.
fn pair_by_definition(drifts: &mut Vec<Drift>, described: &Described) {
    let mut gone = BTreeSet::new();
    for at in 0..drifts.len() {
        let drift = &drifts[at];
        let (Some(model), None) = (&drift.model, &drift.migrated) else {
            continue;
        };
        if !["constraint", "index"].contains(&model.kind.as_str()) {
            continue;
        }
        let is_twin = |candidate: &Drift| {
            let same = |found: &Object| {
                found.kind == model.kind
                    && found.schema == model.schema
                    && nameless(found) == nameless(model)
            };
            candidate.model.is_none()
                && candidate.table == drift.table
                && candidate.migrated.as_ref().is_some_and(same)
        };
        let twin =
            (0..drifts.len()).find(|other| !gone.contains(other) && is_twin(&drifts[*other]));
        let Some(twin) = twin else { continue };
        let short = model.name.rsplit('.').next().unwrap_or(&model.name);
        let table = drift.table.as_deref().unwrap_or_default();
        gone.insert(twin);
        if described.named.contains(&format!("{table}.{short}")) {
            drifts[at].migrated = drifts[twin].migrated.clone();
        } else {
            gone.insert(at);
        }
    }
    let mut at = 0..;
    drifts.retain(|_| at.next().is_none_or(|at| !gone.contains(&at)));
}

/// A definition without the object's name, which an index's holds.
fn nameless(object: &Object) -> String {
    let name = format!("INDEX {} ON", identifier(&object.name));
    match object.kind.as_str() {
        "index" => object.definition.replacen(&name, "INDEX ON", 1),
        _ => object.definition.clone(),
    }
}

/// A type that only the database has is no drift: models describe types by their
/// columns alone, and a column of another type says it.
fn is_unused_type(drift: &Drift) -> bool {
    drift.model.is_none() && drift.table.is_none()
}

#[cfg(test)]
mod tests;
