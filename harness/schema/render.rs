//! From a catalog to statements: [`written`].

use super::kinds::SectionKind;
use super::section::{Section, beyond_defaults, statement};
use super::spelling::one_spelling;
use super::table::Tables;
use crate::evidence::Catalog;
use crate::evidence::catalog::{Object, ObjectKind};
use crate::quoting::{identifier, literal, qualified};

/// Every object of `catalog`, sorted by schema, kind and name. Roles are left out: they
/// belong to the server.
pub fn written(catalog: &Catalog) -> Vec<Section> {
    let tables = Tables::from_catalog(catalog);
    let mut written: Vec<Section> = tables.written();
    written.extend(
        catalog
            .objects
            .iter()
            .filter_map(|object| single(object, &tables)),
    );
    let public = |object: &Object| object.kind == ObjectKind::Schema && object.name == "public";
    if !catalog.objects.iter().any(public) {
        written.push(Section {
            schema: None,
            kind: SectionKind::Schema,
            name: "public".to_owned(),
            statements: statement("DROP SCHEMA public"),
        });
    }
    for one in written.iter_mut().filter(|one| !one.kind.has_body()) {
        one.statements = one_spelling(&one.statements);
    }
    written.sort_by(|a, b| (&a.schema, a.kind, &a.name).cmp(&(&b.schema, b.kind, &b.name)));
    written
}

/// An object that stands for itself; `None` for what is part of a table, and for roles.
fn single(object: &Object, tables: &Tables<'_>) -> Option<Section> {
    let definition = object.definition.trim_end();
    let schema = object.schema.as_deref();
    let name = qualified(schema, &object.name);
    let (kind, name, sql) = match object.kind {
        ObjectKind::Schema if object.name == "public" => return None,
        ObjectKind::Schema => {
            let name = identifier(&object.name);
            let sql = format!("CREATE SCHEMA {name}");
            return Some(Section {
                schema: None,
                ..as_statement(object, SectionKind::Schema, name, &sql)
            });
        }
        ObjectKind::Extension => {
            let name = identifier(&object.name);
            let sql = format!("CREATE EXTENSION {name} WITH {definition}");
            (SectionKind::Extension, name, sql)
        }
        ObjectKind::EnumType => {
            let sql = format!("CREATE TYPE {name} AS ENUM (\n{}\n)", labels(definition));
            (SectionKind::EnumType, name, sql)
        }
        ObjectKind::Domain => {
            let sql = format!("CREATE DOMAIN {name} AS {definition}");
            (SectionKind::Domain, name, sql)
        }
        ObjectKind::CompositeType => {
            let sql = format!("CREATE TYPE {name} AS ({definition})");
            (SectionKind::CompositeType, name, sql)
        }
        ObjectKind::RangeType => {
            let sql = format!("CREATE TYPE {name} AS RANGE (SUBTYPE = {definition})");
            (SectionKind::RangeType, name, sql)
        }
        ObjectKind::Sequence if tables.is_implied(object) => return None,
        ObjectKind::Sequence => {
            let properties = definition.split(" OWNED BY ").next().unwrap_or(definition);
            let sql = format!("CREATE SEQUENCE {name} {}", beyond_defaults(properties));
            (SectionKind::Sequence, name, sql)
        }
        ObjectKind::Function => (
            SectionKind::Function,
            routine(object),
            definition.to_owned(),
        ),
        ObjectKind::Procedure => (
            SectionKind::Procedure,
            routine(object),
            definition.to_owned(),
        ),
        ObjectKind::View => {
            let sql = view(SectionKind::View, &name, definition);
            (SectionKind::View, name, sql)
        }
        ObjectKind::MaterializedView => {
            let sql = view(SectionKind::MaterializedView, &name, definition);
            (SectionKind::MaterializedView, name, sql)
        }
        ObjectKind::Index if tables.has_constraint(object) => return None,
        ObjectKind::Index => return Some(index(object, name)),
        ObjectKind::Statistics => (SectionKind::Statistics, name, definition.to_owned()),
        ObjectKind::Comment => return comment(object),
        ObjectKind::Aggregate => {
            let result = format!("-- returns {definition}; only its name is recorded");
            return Some(noted(
                object,
                SectionKind::Aggregate,
                routine(object),
                result,
            ));
        }
        ObjectKind::Cast
        | ObjectKind::Collation
        | ObjectKind::EventTrigger
        | ObjectKind::ForeignDataWrapper
        | ObjectKind::Operator
        | ObjectKind::OperatorClass
        | ObjectKind::OperatorFamily
        | ObjectKind::Publication
        | ObjectKind::Server
        | ObjectKind::TextSearchConfiguration
        | ObjectKind::TextSearchDictionary => {
            let name = format!("{} {}", object.kind, object.name);
            let note = "-- only its name is recorded".to_owned();
            return Some(noted(object, SectionKind::Other, name, note));
        }
        // Written with or after their table, see `Tables`.
        ObjectKind::Table
        | ObjectKind::ForeignTable
        | ObjectKind::Column
        | ObjectKind::ColumnOrder
        | ObjectKind::Constraint
        | ObjectKind::Trigger
        | ObjectKind::Rule
        | ObjectKind::Policy => return None,
        // The server's, not the database's.
        ObjectKind::Role => return None,
        // The comparison with models has these, a catalog has `Comment`.
        ObjectKind::CommentOnColumn
        | ObjectKind::CommentOnConstraint
        | ObjectKind::CommentOnTable => return None,
    };
    Some(as_statement(object, kind, name, &sql))
}

fn as_statement(object: &Object, kind: SectionKind, name: String, sql: &str) -> Section {
    Section {
        schema: object.schema.clone(),
        kind,
        name,
        statements: statement(sql),
    }
}

/// An object that nothing creates.
fn noted(object: &Object, kind: SectionKind, name: String, note: String) -> Section {
    Section {
        schema: object.schema.clone(),
        kind,
        name,
        statements: note,
    }
}

/// The labels of an enum type, a line each; in a catalog they stand in one, in quotes.
fn labels(definition: &str) -> String {
    let mut labels = String::new();
    let mut inside = false;
    let mut rest = definition.chars().peekable();
    while let Some(letter) = rest.next() {
        inside ^= letter == '\'';
        labels.push(letter);
        if letter == ',' && !inside {
            labels.push('\n');
            rest.next_if_eq(&' ');
        }
    }
    labels
        .split('\n')
        .map(|label| format!("    {label}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// A function's name with its arguments, which the catalog gives in SQL already.
fn routine(object: &Object) -> String {
    let (name, arguments) = object.name.split_once('(').unwrap_or((&object.name, ")"));
    format!("{}({arguments}", qualified(object.schema.as_deref(), name))
}

/// A view; the catalog has its options after the query.
fn view(kind: SectionKind, name: &str, definition: &str) -> String {
    let (query, options) = match definition.rsplit_once("; WITH (") {
        Some((query, options)) => (query, format!(" WITH ({options}")),
        None => (definition, String::new()),
    };
    format!(
        "CREATE {} {name}{options} AS\n{}",
        kind.name().to_uppercase(),
        super::view::one_spelling(query.trim_start_matches('\n'))
    )
}

/// An index. `ONLY` would keep that of a partitioned table from being valid.
fn index(object: &Object, name: String) -> Section {
    let (definition, invalid) = match object.definition.strip_suffix(" INVALID") {
        Some(definition) => (definition, true),
        None => (object.definition.as_str(), false),
    };
    let mut statements = statement(&definition.replacen(" ON ONLY ", " ON ", 1));
    if invalid {
        statements.push_str(" -- not valid: its CREATE INDEX CONCURRENTLY failed");
    }
    Section {
        schema: object.schema.clone(),
        kind: SectionKind::Index,
        name,
        statements,
    }
}

/// A comment; `pg_identify_object` says on what, in its own words.
fn comment(object: &Object) -> Option<Section> {
    const IN_TWO_WORDS: &[(&str, &str)] = &[
        ("table column", "column"),
        ("view column", "column"),
        ("materialized view column", "column"),
        ("foreign table column", "column"),
        ("composite type column", "column"),
        ("table constraint", "constraint"),
        ("domain constraint", "constraint"),
        ("statistics object", "statistics"),
        ("materialized view", "materialized view"),
        ("foreign table", "foreign table"),
    ];
    let strip = |prefix: &str| object.name.strip_prefix(prefix)?.strip_prefix(' ');
    let known = IN_TWO_WORDS
        .iter()
        .find_map(|(found, kind)| Some((*kind, *found, strip(found)?)));
    let (kind, found, identity) = match known {
        Some(known) => known,
        None => object
            .name
            .split_once(' ')
            .map(|(kind, identity)| (kind, kind, identity))?,
    };
    let identity = match found {
        "domain constraint" => identity.replacen(" on ", " ON DOMAIN ", 1),
        "table constraint" | "trigger" | "rule" | "policy" => identity.replacen(" on ", " ON ", 1),
        _ => identity.to_owned(),
    };
    let text = literal(&object.definition);
    // Triggers, rules and policies have no schema of their own.
    let of_table = || {
        identity
            .split_once(" ON ")
            .map(|(_, table)| first_part(table))
    };
    Some(Section {
        schema: object.schema.clone().or_else(of_table),
        kind: SectionKind::Comment,
        name: format!("{kind} {identity}"),
        statements: statement(&format!(
            "COMMENT ON {} {identity} IS {text}",
            kind.to_uppercase()
        )),
    })
}

/// The first name of `public.essays`, without quotes.
fn first_part(qualified: &str) -> String {
    match qualified
        .strip_prefix('"')
        .and_then(|rest| rest.split_once("\"."))
    {
        Some((name, _)) => name.replace("\"\"", "\""),
        None => qualified.split('.').next().unwrap_or_default().to_owned(),
    }
}
