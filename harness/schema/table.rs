//! Tables with all that a person would write in one `CREATE TABLE`, and what is said of
//! them apart: [`Tables`].

use std::collections::{BTreeMap, BTreeSet};

use super::kinds::SectionKind;
use super::section::{Section, beyond_defaults, statement};
use crate::evidence::Catalog;
use crate::evidence::catalog::{Object, ObjectKind};
use crate::quoting::{identifier, literal, qualified};

/// A table of the catalog and what belongs to it.
struct Table<'a> {
    object: &'a Object,
    /// In order: the raw name, the definition.
    columns: Vec<(&'a str, String)>,
    /// By raw name.
    constraints: Vec<(&'a str, &'a str)>,
}

/// The tables of a catalog.
pub struct Tables<'a> {
    tables: BTreeMap<(Option<&'a str>, &'a str), Table<'a>>,
    /// The triggers and such, which stand for themselves though their names begin with a table's.
    apart: Vec<Section>,
    /// Sequences that `serial` or `IDENTITY` brings along.
    implied: BTreeSet<(Option<&'a str>, &'a str)>,
    /// The indexes that constraints bring along.
    constraints: BTreeSet<(Option<&'a str>, &'a str)>,
    /// Sequences that go with a column, though they are not implied.
    owners: Vec<Section>,
}

impl<'a> Tables<'a> {
    /// Takes the tables out of `catalog`.
    pub fn from_catalog(catalog: &'a Catalog) -> Self {
        let mut tables = BTreeMap::new();
        for object in &catalog.objects {
            if matches!(object.kind, ObjectKind::Table | ObjectKind::ForeignTable) {
                let table = Table {
                    object,
                    columns: Vec::new(),
                    constraints: Vec::new(),
                };
                tables.insert((object.schema.as_deref(), object.name.as_str()), table);
            }
        }
        let mut all = Self {
            tables,
            apart: Vec::new(),
            implied: BTreeSet::new(),
            constraints: BTreeSet::new(),
            owners: Vec::new(),
        };
        all.fill(catalog);
        all.take_sequences(catalog);
        all
    }

    /// Every table as `CREATE TABLE`, and what is said of it apart.
    pub fn written(&self) -> Vec<Section> {
        let mut written: Vec<Section> = self.apart.iter().chain(&self.owners).cloned().collect();
        for table in self.tables.values() {
            written.extend(table.written());
        }
        written
    }

    /// Tells whether an index comes with a constraint, whose name it has.
    pub fn has_constraint(&self, index: &Object) -> bool {
        self.constraints
            .contains(&(index.schema.as_deref(), index.name.as_str()))
    }

    /// Tells whether a sequence comes with a column.
    pub fn is_implied(&self, sequence: &Object) -> bool {
        self.implied
            .contains(&(sequence.schema.as_deref(), sequence.name.as_str()))
    }

    /// The table that a name such as `essays.title` begins with, and the rest. Both may
    /// hold dots, so the longest table that is there is taken.
    fn split(&self, object: &'a Object) -> Option<((Option<&'a str>, &'a str), &'a str)> {
        let dots = object.name.match_indices('.').rev();
        let mut splits = dots.map(|(at, _)| (&object.name[..at], &object.name[at + 1..]));
        splits.find_map(|(table, part)| {
            let key = (object.schema.as_deref(), table);
            let known = self.tables.contains_key(&key);
            known.then_some((key, part))
        })
    }

    fn fill(&mut self, catalog: &'a Catalog) {
        let mut orders = Vec::new();
        for object in &catalog.objects {
            match object.kind {
                ObjectKind::ColumnOrder => {
                    orders.push(object);
                    continue;
                }
                ObjectKind::Column
                | ObjectKind::Constraint
                | ObjectKind::Trigger
                | ObjectKind::Rule
                | ObjectKind::Policy => {}
                _ => continue,
            }
            let Some((key, part)) = self.split(object) else {
                // Triggers and rules of views.
                self.apart.extend(apart(
                    object,
                    object.name.split_once('.').unwrap_or(("", &object.name)),
                ));
                continue;
            };
            match (object.kind, self.tables.get_mut(&key)) {
                (ObjectKind::Column, Some(table)) => {
                    table.columns.push((part, object.definition.clone()))
                }
                (ObjectKind::Constraint, Some(table)) => {
                    table.constraints.push((part, object.definition.as_str()));
                    self.constraints.insert((object.schema.as_deref(), part));
                }
                _ => self.apart.extend(apart(object, (key.1, part))),
            }
        }
        for order in orders {
            if let Some(table) = self
                .tables
                .get_mut(&(order.schema.as_deref(), order.name.as_str()))
            {
                table.sort_columns(&order.definition);
            }
        }
    }

    /// Turns `integer NOT NULL DEFAULT nextval(...)` into `serial NOT NULL` where nothing
    /// is lost by it, and gives `IDENTITY` the options of its sequence.
    fn take_sequences(&mut self, catalog: &'a Catalog) {
        let sequences = catalog
            .objects
            .iter()
            .filter(|object| object.kind == ObjectKind::Sequence);
        for object in sequences {
            let Some((properties, owner)) = object.definition.split_once(" OWNED BY ") else {
                continue;
            };
            let column = self
                .tables
                .values_mut()
                .find_map(|table| table.owner(owner));
            let Some((table, name, definition)) = column else {
                continue;
            };
            let sequence = Sequence {
                object,
                properties,
                is_named_as_usual: object.name == format!("{table}_{name}_seq"),
            };
            match sequence.folded_into(definition) {
                Some(folded) => {
                    *definition = folded;
                    self.implied
                        .insert((object.schema.as_deref(), object.name.as_str()));
                }
                None => self.owners.push(Section {
                    schema: object.schema.clone(),
                    kind: SectionKind::SequenceOwner,
                    name: sequence.name(),
                    statements: statement(&format!(
                        "ALTER SEQUENCE {} OWNED BY {owner}",
                        sequence.name()
                    )),
                }),
            }
        }
    }
}

/// A sequence that goes with a column.
struct Sequence<'a> {
    object: &'a Object,
    /// `AS integer START 1 ...`
    properties: &'a str,
    is_named_as_usual: bool,
}

impl Sequence<'_> {
    fn name(&self) -> String {
        qualified(self.object.schema.as_deref(), &self.object.name)
    }

    /// The column's definition with the sequence in it; `None` where that cannot say it.
    fn folded_into(&self, column: &str) -> Option<String> {
        let (plain, rest) = column.split_once(' ')?;
        let of_type = match plain {
            "smallint" => "smallserial",
            "integer" => "serial",
            "bigint" => "bigserial",
            _ => return None,
        };
        let has_type = self.properties.starts_with(&format!("AS {plain} "));
        let options = beyond_defaults(self.properties);
        let options = options
            .strip_prefix(&format!("AS {plain}"))
            .unwrap_or(&options)
            .trim_start();
        let is_usual = has_type && options.is_empty() && self.is_named_as_usual;
        let default = format!(
            "NOT NULL DEFAULT nextval({}::regclass)",
            literal(&self.name())
        );
        if is_usual && rest == default {
            return Some(format!("{of_type} NOT NULL"));
        }
        if !rest.ends_with(" AS IDENTITY") {
            return None;
        }
        if is_usual {
            return Some(column.to_owned());
        }
        has_type.then(|| {
            format!(
                "{column} ({})",
                format!("SEQUENCE NAME {} {options}", self.name()).trim_end()
            )
        })
    }
}

impl<'a> Table<'a> {
    /// The column that is written `schema.table.column`, with the table's raw name.
    fn owner(&mut self, written: &str) -> Option<(&'a str, &'a str, &mut String)> {
        let name = qualified(self.object.schema.as_deref(), &self.object.name);
        let column = written.strip_prefix(&name)?.strip_prefix('.')?;
        let table = self.object.name.as_str();
        self.columns
            .iter_mut()
            .find(|(name, _)| identifier(name) == column)
            .map(|(name, definition)| (table, *name, definition))
    }

    /// `order` is the names with commas between them; a name may hold one too.
    fn sort_columns(&mut self, order: &str) {
        let mut sorted = Vec::with_capacity(self.columns.len());
        let mut rest = order;
        while !rest.is_empty() {
            let next = |(name, _): &(&str, String)| {
                let after = rest.strip_prefix(name)?;
                after
                    .is_empty()
                    .then_some("")
                    .or_else(|| after.strip_prefix(", "))
            };
            let longest = (0..self.columns.len())
                .filter_map(|at| Some((at, next(&self.columns[at])?)))
                .min_by_key(|(_, rest)| rest.len());
            let Some((at, after)) = longest else { break };
            sorted.push(self.columns.remove(at));
            rest = after;
        }
        sorted.append(&mut self.columns);
        self.columns = sorted;
    }

    fn written(&self) -> Vec<Section> {
        let name = qualified(self.object.schema.as_deref(), &self.object.name);
        let kind = match self.object.kind {
            ObjectKind::ForeignTable => SectionKind::ForeignTable,
            _ => SectionKind::Table,
        };
        let one = |kind, name: &str, sql: &str| Section {
            schema: self.object.schema.clone(),
            kind,
            name: name.to_owned(),
            statements: statement(sql),
        };
        let properties = Properties::parse(&self.object.definition);
        let mut created = self.created(&name, kind, &properties);
        for security in &properties.row_security {
            created.push_str(&format!("\nALTER TABLE {name} {security};"));
        }
        let mut all = vec![one(kind, &name, &created)];
        for (constraint, definition) in self
            .constraints
            .iter()
            .filter(|(_, definition)| is_apart(definition))
        {
            let kind = if definition.starts_with("FOREIGN KEY") {
                SectionKind::ForeignKey
            } else {
                SectionKind::Constraint
            };
            let sql = format!(
                "ALTER TABLE {name}\n    ADD CONSTRAINT {} {definition}",
                identifier(constraint)
            );
            all.push(one(
                kind,
                &format!("{name}.{}", identifier(constraint)),
                &sql,
            ));
        }
        if let Some(identity) = properties.replica_identity {
            all.push(one(
                SectionKind::ReplicaIdentity,
                &name,
                &format!("ALTER TABLE {name} REPLICA IDENTITY {identity}"),
            ));
        }
        if let (Some(bound), Some(parent)) = (properties.bound, properties.parents) {
            let sql = format!("ALTER TABLE ONLY {parent}\n    ATTACH PARTITION {name} {bound}");
            all.push(one(SectionKind::Partition, &name, &sql));
        }
        all
    }

    fn created(&self, name: &str, kind: SectionKind, properties: &Properties<'_>) -> String {
        let column =
            |(name, definition): &(&str, String)| format!("    {} {definition}", identifier(name));
        let constraints = self
            .constraints
            .iter()
            .filter(|(_, definition)| !is_apart(definition));
        let constraint = |(name, definition): &(&str, &str)| {
            format!("    CONSTRAINT {} {definition}", identifier(name))
        };
        let parts: Vec<String> = self
            .columns
            .iter()
            .map(column)
            .chain(constraints.map(constraint))
            .collect();
        let unlogged = if properties.unlogged { "UNLOGGED " } else { "" };
        let body = if parts.is_empty() {
            "()".to_owned()
        } else {
            format!("(\n{}\n)", parts.join(",\n"))
        };
        let mut created = format!(
            "CREATE {unlogged}{} {name} {body}",
            kind.name().to_uppercase()
        );
        if let (None, Some(parents)) = (properties.bound, properties.parents) {
            created.push_str(&format!("\nINHERITS ({parents})"));
        }
        for property in properties.partitioned.iter().chain(&properties.options) {
            created.push_str(&format!("\n{property}"));
        }
        let mut created = statement(&created);
        if kind == SectionKind::ForeignTable {
            created.push_str(" -- its server is not recorded");
        }
        created
    }
}

/// The properties of a table beyond its columns, a line each in a catalog.
#[derive(Default)]
struct Properties<'a> {
    unlogged: bool,
    /// `PARTITION BY RANGE (a)`
    partitioned: Option<&'a str>,
    /// `FOR VALUES ...` or `DEFAULT`: a partition of its parent.
    bound: Option<&'a str>,
    parents: Option<&'a str>,
    row_security: Vec<&'static str>,
    replica_identity: Option<&'a str>,
    /// `WITH (...)`
    options: Option<&'a str>,
}

impl<'a> Properties<'a> {
    fn parse(definition: &'a str) -> Self {
        let mut all = Self::default();
        for line in definition.lines() {
            match line {
                "UNLOGGED" => all.unlogged = true,
                "ROW LEVEL SECURITY" => all.row_security.push("ENABLE ROW LEVEL SECURITY"),
                "FORCE ROW LEVEL SECURITY" => all.row_security.push("FORCE ROW LEVEL SECURITY"),
                _ if line.starts_with("PARTITION BY ") => all.partitioned = Some(line),
                _ if line.starts_with("WITH (") => all.options = Some(line),
                _ => match line.split_once(' ') {
                    Some(("INHERITS", parents)) => all.parents = Some(parents),
                    Some(("REPLICA", _)) => {
                        all.replica_identity = line.strip_prefix("REPLICA IDENTITY ")
                    }
                    _ => all.bound = Some(line),
                },
            }
        }
        all
    }
}

/// Foreign keys, and what `CREATE TABLE` would take as valid.
fn is_apart(constraint: &str) -> bool {
    constraint.starts_with("FOREIGN KEY") || constraint.ends_with(" NOT VALID")
}

/// A trigger, rule or policy of a relation.
fn apart(object: &Object, (relation, part): (&str, &str)) -> Option<Section> {
    let relation = qualified(object.schema.as_deref(), relation);
    let part = identifier(part);
    let definition = &object.definition;
    let (kind, statements) = match object.kind {
        ObjectKind::Trigger => (SectionKind::Trigger, trigger(&relation, &part, definition)),
        ObjectKind::Rule => (SectionKind::Rule, statement(definition)),
        ObjectKind::Policy => {
            let sql = policy(&relation, &part, definition);
            (SectionKind::Policy, statement(&sql))
        }
        _ => return None,
    };
    Some(Section {
        schema: object.schema.clone(),
        kind,
        name: format!("{relation}.{part}"),
        statements,
    })
}

/// A trigger; the catalog marks one that does not fire as usual at the end.
fn trigger(relation: &str, name: &str, definition: &str) -> String {
    let states = [
        ("D", "DISABLE"),
        ("R", "ENABLE REPLICA"),
        ("A", "ENABLE ALWAYS"),
    ];
    let state = states.iter().find_map(|(letter, state)| {
        Some((
            definition.strip_suffix(&format!(" ENABLED {letter}"))?,
            state,
        ))
    });
    match state {
        Some((created, state)) => format!(
            "{}\nALTER TABLE {relation} {state} TRIGGER {name};",
            statement(created)
        ),
        None => statement(definition),
    }
}

/// `PERMISSIVE FOR r TO PUBLIC USING (...)` with the command spelt out.
fn policy(relation: &str, name: &str, definition: &str) -> String {
    let commands = [
        ("r", "SELECT"),
        ("a", "INSERT"),
        ("w", "UPDATE"),
        ("d", "DELETE"),
        ("*", "ALL"),
    ];
    let spelt = commands.iter().find_map(|(letter, command)| {
        let (mode, rest) = definition.split_once(&format!(" FOR {letter} TO "))?;
        Some(format!("{mode} FOR {command} TO {rest}"))
    });
    format!(
        "CREATE POLICY {name} ON {relation} AS {}",
        spelt.as_deref().unwrap_or(definition)
    )
}
