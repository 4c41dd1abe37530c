//! The objects of a catalog that models can state, in a form in which two sides compare: [`Side`].

use std::collections::{BTreeMap, BTreeSet};

use super::expressions::PlannedExpressions;
use crate::alembic::sql::identifiers;
use crate::evidence::catalog::{Catalog, Object, ObjectKind};
use crate::quoting::identifier;

/// A schema and a name within it.
pub type Name = (Option<String>, String);
/// Schema, kind and name: what makes two objects the same one.
pub type Key = (Option<String>, ObjectKind, String);

/// A relation that models cannot have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// A partition of a table.
    Partition,
    /// A foreign table or view.
    Relation(ObjectKind),
}

/// An object of one side.
#[derive(Debug, Clone)]
pub struct Item {
    /// The object, as it is shown.
    pub object: Object,
    /// The table it belongs to.
    pub table: Option<Name>,
    /// The definition without its name and without what differs in form only.
    pub meaning: String,
    /// The options of an identity's sequence.
    pub options: Option<String>,
}

/// The objects of a catalog that models can state.
#[derive(Debug, Default)]
pub struct Side {
    /// Tables and what belongs to them, types and sequences.
    pub objects: BTreeMap<Key, Item>,
    /// Comments on tables, columns and constraints.
    pub comments: BTreeMap<Key, Item>,
}

/// The relations on either side that models cannot have: partitions, foreign tables, views.
/// On neither side their columns, indexes and the like are compared.
pub fn beyond_models(sides: [&Catalog; 2]) -> BTreeMap<Name, Beyond> {
    let objects = sides.into_iter().flat_map(|side| &side.objects);
    let beyond = objects.filter_map(|object| {
        let beyond = match object.kind {
            ObjectKind::Table if is_partition(object) => Beyond::Partition,
            ObjectKind::Table => return None,
            kind if kind.is_relation() => Beyond::Relation(kind),
            _ => return None,
        };
        Some(((object.schema.clone(), object.name.clone()), beyond))
    });
    beyond.collect()
}

/// Tells whether a table has the bounds of a partition.
fn is_partition(table: &Object) -> bool {
    let bound = |line: &str| line == "DEFAULT" || line.starts_with("FOR VALUES ");
    table.definition.lines().any(bound)
}

impl Side {
    /// The side of `catalog`, without what belongs to the relations in `hidden`.
    pub fn read(
        catalog: &Catalog,
        hidden: &BTreeMap<Name, Beyond>,
        planned: &PlannedExpressions,
    ) -> Self {
        let reader = Reader::new(catalog, planned);
        let mut side = Self::default();
        for object in &catalog.objects {
            let Some(item) = reader.item(object) else {
                continue;
            };
            if item
                .table
                .as_ref()
                .is_some_and(|table| hidden.contains_key(table))
            {
                continue;
            }
            let key = key(&item.object);
            match item.object.kind.commented() {
                Some(_) => side.comments.insert(key, item),
                None => side.objects.insert(key, item),
            };
        }
        side
    }
}

/// The key of an object.
pub fn key(object: &Object) -> Key {
    (object.schema.clone(), object.kind, object.name.clone())
}

/// An index of a catalog, for reading its objects.
struct Reader<'a> {
    planned: &'a PlannedExpressions,
    /// The relations, by schema and name.
    relations: BTreeSet<(Option<&'a str>, &'a str)>,
    /// The indexes that constraints bring along.
    of_constraints: BTreeSet<(Option<&'a str>, &'a str)>,
    /// The sequences that belong to a column, by that column without quotes.
    owned: BTreeMap<String, &'a Object>,
}

impl<'a> Reader<'a> {
    fn new(catalog: &'a Catalog, planned: &'a PlannedExpressions) -> Self {
        let of_kind = |kind: ObjectKind| {
            catalog
                .objects
                .iter()
                .filter(move |object| object.kind == kind)
        };
        let is_relation = |object: &&Object| object.kind.is_relation();
        let relations = catalog.objects.iter().filter(is_relation);
        let mut reader = Self {
            planned,
            relations: relations
                .map(|object| (object.schema.as_deref(), object.name.as_str()))
                .collect(),
            of_constraints: BTreeSet::new(),
            owned: BTreeMap::new(),
        };
        reader.of_constraints = of_kind(ObjectKind::Constraint)
            .map(|object| (object.schema.as_deref(), reader.split(object).1))
            .collect();
        reader.owned = of_kind(ObjectKind::Sequence)
            .filter_map(|sequence| {
                let (_, owner) = sequence.definition.split_once(" OWNED BY ")?;
                Some((owner.replace('"', ""), sequence))
            })
            .collect();
        reader
    }

    /// The object as an item; `None` for what models do not state.
    fn item(&self, object: &'a Object) -> Option<Item> {
        let plain = |table: Option<&str>, meaning: String| Item {
            object: object.clone(),
            table: table.map(|table| (object.schema.clone(), table.to_owned())),
            meaning,
            options: None,
        };
        Some(match object.kind {
            ObjectKind::Table => plain(Some(&object.name), object.definition.clone()),
            ObjectKind::Column => self.column(object),
            ObjectKind::Constraint => {
                let (table, _) = self.split(object);
                plain(Some(table), self.constraint(object, table))
            }
            ObjectKind::Index if self.is_of_constraint(object) => return None,
            ObjectKind::Index => {
                let table = indexed_table(object);
                let meaning = self.index(object, table.as_deref());
                plain(table.as_deref(), meaning)
            }
            ObjectKind::EnumType | ObjectKind::Domain => plain(None, object.definition.clone()),
            ObjectKind::Sequence => plain(None, unowned(&object.definition).to_owned()),
            ObjectKind::Comment => self.comment(object)?,
            // No model states these.
            ObjectKind::Aggregate
            | ObjectKind::Cast
            | ObjectKind::Collation
            | ObjectKind::ColumnOrder
            | ObjectKind::CompositeType
            | ObjectKind::EventTrigger
            | ObjectKind::Extension
            | ObjectKind::ForeignDataWrapper
            | ObjectKind::ForeignTable
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
            | ObjectKind::View => return None,
            // What `comment` makes of a comment; a catalog has none of them.
            ObjectKind::CommentOnColumn
            | ObjectKind::CommentOnConstraint
            | ObjectKind::CommentOnTable => return None,
        })
    }

    /// The table of `essays.title`, and the rest. Both may hold dots.
    fn split(&self, object: &'a Object) -> (&'a str, &'a str) {
        let name = object.name.as_str();
        let dots = name
            .match_indices('.')
            .map(|(at, _)| (&name[..at], &name[at + 1..]));
        let known =
            |(table, _): &(&str, &str)| self.relations.contains(&(object.schema.as_deref(), table));
        let first = || name.split_once('.').unwrap_or((name, name));
        dots.rev().find(known).unwrap_or_else(first)
    }

    fn is_of_constraint(&self, index: &Object) -> bool {
        let name = (index.schema.as_deref(), index.name.as_str());
        self.of_constraints.contains(&name)
    }

    /// A column. The name of the sequence that belongs to it is left out, which a renamed
    /// table's keeps.
    fn column(&self, object: &'a Object) -> Item {
        let (table, _) = self.split(object);
        let schema = object.schema.as_deref().unwrap_or_default();
        let owner = format!("{schema}.{}", object.name).replace('"', "");
        let sequence = self.owned.get(&owner);
        let mut meaning = self.planned.generated(object, table);
        if let Some(sequence) = sequence.filter(|_| meaning.contains("nextval(")) {
            meaning = meaning.replace(&sequence.name, "(its own sequence)");
        }
        let identity = object.definition.contains(" AS IDENTITY");
        let options = sequence.filter(|_| identity).map(|sequence| {
            let options = unowned(&sequence.definition);
            // The type is the column's.
            options
                .find("START")
                .map_or("", |at| &options[at..])
                .to_owned()
        });
        Item {
            object: object.clone(),
            table: Some((object.schema.clone(), table.to_owned())),
            meaning,
            options,
        }
    }

    /// A constraint, validated or not: `CREATE TABLE`, where models state one, takes each
    /// as valid (<https://www.postgresql.org/docs/current/sql-altertable.html>, NOT VALID).
    fn constraint(&self, object: &Object, table: &str) -> String {
        let planned = self.planned.check(object, table);
        planned
            .strip_suffix(" NOT VALID")
            .map(str::to_owned)
            .unwrap_or(planned)
    }

    fn index(&self, object: &Object, table: Option<&str>) -> String {
        let definition = self.planned.predicate(object, table.unwrap_or_default());
        let name = format!("INDEX {} ON", identifier(&object.name));
        definition.replacen(&name, "INDEX ON", 1)
    }

    /// A comment on a table, a column of one or a constraint of one; what
    /// `pg_identify_object` says of it is in `object.name`.
    fn comment(&self, object: &Object) -> Option<Item> {
        let (kind, words, part) = if let Some(rest) = object.name.strip_prefix("table column ") {
            (ObjectKind::CommentOnColumn, identifiers(rest), None)
        } else if let Some(rest) = object.name.strip_prefix("table constraint ") {
            let (constraint, table) = rest.rsplit_once(" on ")?;
            (
                ObjectKind::CommentOnConstraint,
                identifiers(table),
                identifiers(constraint).pop(),
            )
        } else {
            let rest = object.name.strip_prefix("table ")?;
            (ObjectKind::CommentOnTable, identifiers(rest), None)
        };
        let mut words = words.into_iter();
        let (schema, table) = (words.next()?, words.next()?);
        let name = match part.or_else(|| words.next()) {
            Some(part) => format!("{table}.{part}"),
            None => table.clone(),
        };
        Some(Item {
            meaning: object.definition.clone(),
            table: Some((Some(schema.clone()), table)),
            object: Object {
                schema: Some(schema),
                kind,
                name,
                definition: object.definition.clone(),
            },
            options: None,
        })
    }
}

/// A sequence's definition without the column that it belongs to.
fn unowned(definition: &str) -> &str {
    definition.split(" OWNED BY ").next().unwrap_or(definition)
}

/// The table of `CREATE INDEX ix ON public.t USING ...`; SQLAlchemy leaves USING out.
pub fn indexed_table(index: &Object) -> Option<String> {
    let rest = index.definition.split_once(" ON ")?.1;
    let rest = rest.strip_prefix("ONLY ").unwrap_or(rest);
    let qualified = rest.split_once(" USING ").or(rest.split_once(" ("))?.0;
    identifiers(qualified).pop()
}
