//! Tests of the findings about models that describe another database.
#![allow(clippy::unwrap_used)]

mod several;

use std::collections::BTreeMap;

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::CRITERION;
use crate::alembic::transcript::Outcome;
use crate::evidence::catalog::Object;
use crate::evidence::models::{Drift, Models, Source, UnstatedProperty};
use crate::manifest::{Justification, Service};
use crate::testing::{done, evidence, frame, object, raised, service, text};

/// The findings in a service of which something is otherwise.
fn of(change: impl FnOnce(&mut Models, &mut Service)) -> String {
    let (mut evidence, mut service) = (evidence(), service());
    let models = evidence.models.as_mut().unwrap();
    let source = Source {
        file: "/root/a/models.py".into(),
        line: 10,
        columns: BTreeMap::from([("title".to_owned(), 12)]),
    };
    models.sources.insert("essays".to_owned(), source.clone());
    models.sources.insert("own.grades".to_owned(), source);
    change(models, &mut service);
    text(&CRITERION.verdict(&service, &evidence))
}

fn own(reason: &str) -> Justification {
    Justification {
        reason: reason.to_owned(),
        inherited: false,
    }
}

fn drifting(drifts: Vec<Drift>) -> String {
    of(|models, _| models.drifts = drifts)
}

/// An object of `essays` that the migrations and the model know so.
fn drift(kind: &str, name: &str, migrated: Option<&str>, model: Option<&str>) -> Drift {
    let side = |definition: Option<&str>| definition.map(|text| object(kind, name, text));
    Drift {
        table: Some("essays".to_owned()),
        schema: None,
        used_by: Vec::new(),
        migrated: side(migrated),
        model: side(model),
        renamed: false,
    }
}

fn used_by(columns: &[&str], drift: Drift) -> Drift {
    Drift {
        used_by: columns.iter().map(|column| (*column).to_owned()).collect(),
        ..drift
    }
}

#[rstest]
#[case::column(drift("column", "essays.title", Some(" text "), Some("character varying(20)")), r#"essays.title: the model says `character varying(20)`, the migrations build `text`
-> models.py:12: the model of essays.title
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "essays.title" = "<reason>""#)]
#[case::not_migrated(drift("column", "essays.title", None, Some("text")), r#"essays.title: the model has it, the migrations do not build it: `text`
-> models.py:12: the model of essays.title
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "essays.title" = "<reason>""#)]
#[case::not_in_the_model(drift("column", "essays.points", Some("integer"), None), r#"essays.points: the migrations build it, the model does not have it: `integer`
-> models.py:10: the model of essays.points
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "essays.points" = "<reason>""#)]
#[case::table_not_migrated(drift("table", "essays", None, Some("UNLOGGED")), r#"table essays: the model has it, the migrations do not build it
-> models.py:10: the model of table essays
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "table essays" = "<reason>""#)]
#[case::table_not_in_the_model(drift("table", "essays", Some("UNLOGGED"), None), r#"table essays: the migrations build it, the model does not have it
-> models.py:10: the model of table essays
? where a model of essays exists, import its module in env.py before target_metadata is used
? where another library owns it, say so in services/a.toml: [model_drift] owned_elsewhere = ["essays"]
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "table essays" = "<reason>""#)]
#[case::without_a_definition(drift("sequence", "ids", None, Some("")), r#"sequence ids: the model has it, the migrations do not build it
-> models.py:10: the model of sequence ids
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "sequence ids" = "<reason>""#)]
#[case::index(drift("index", "ix", Some("CREATE INDEX ix ON public.essays USING btree (a)"), Some("CREATE INDEX ix ON public.essays USING btree (a) INCLUDE (b) WHERE (c IS NULL)")), r#"index ix: the model says `CREATE INDEX ix ON public.essays USING btree (a) INCLUDE (b) WHERE (c IS NULL)`, the migrations build `CREATE INDEX ix ON public.essays USING btree (a)`
-> models.py:10: the model of index ix
- CREATE INDEX ix
- ON public.essays
- USING btree (a)
- INCLUDE (b)
- WHERE (c IS NULL)
+ CREATE INDEX ix
+ ON public.essays
+ USING btree (a)
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "index ix" = "<reason>""#)]
#[case::constraint(drift("constraint", "essays.c", Some("CHECK (a > 0)"), Some("CHECK (a > 1)")), r#"constraint essays.c: the model says `CHECK (a > 1)`, the migrations build `CHECK (a > 0)`
-> models.py:10: the model of constraint essays.c
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "constraint essays.c" = "<reason>""#)]
#[case::labels_lacking(used_by(&["essays.title"], drift("enum type", "status", Some("a"), Some("a, b"))), r#"essays.title: enum type status: the database lacks b that the model has
-> models.py:12: the model of enum type status
- a
- b
+ a
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "enum type status" = "<reason>""#)]
#[case::labels_too_many(used_by(&["essays.title", "grades.status"], drift("enum type", "status", Some("a, b"), Some("a"))), r#"essays.title, and grades.status: enum type status: the database has b that the model lacks
-> models.py:12: the model of enum type status
- a
+ a
+ b
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "enum type status" = "<reason>""#)]
#[case::labels_of_both(drift("enum type", "status", Some("a, b, c"), Some("a, d, e")), r#"enum type status: the database lacks d, e that the model has, and has b, c that the model lacks
-> models.py:10: the model of enum type status
- a
- d
- e
+ a
+ b
+ c
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "enum type status" = "<reason>""#)]
#[case::labels_in_another_order(drift("enum type", "status", Some("a, b"), Some("b, a")), r#"enum type status: the labels are in another order: the model says b, a, the database a, b
-> models.py:10: the model of enum type status
- b
- a
+ a
+ b
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "enum type status" = "<reason>""#)]
fn one_difference(#[case] drift: Drift, #[case] expected: &str) {
    assert_eq!(drifting(vec![drift]), expected);
}

#[test]
fn the_same_by_another_name() {
    let mut renamed = drift("constraint", "essays.key", None, Some("UNIQUE (title)"));
    renamed.migrated = Some(object(
        "constraint",
        "essays.essays_title_key",
        "UNIQUE (title)",
    ));
    renamed.renamed = true;
    assert_eq!(
        drifting(vec![renamed]),
        r#"constraint essays.key: the migrations build the same by another name, constraint essays.essays_title_key
-> models.py:10: the model of constraint essays.key
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "constraint essays.key" = "<reason>""#
    );
}

#[test]
fn a_table_of_another_schema() {
    let mut other = drift("column", "grades.title", Some("text"), Some("integer"));
    other.table = Some("grades".to_owned());
    other.schema = Some("own".to_owned());
    for side in [&mut other.migrated, &mut other.model] {
        *side = side.take().map(|object| Object {
            schema: Some("own".to_owned()),
            ..object
        });
    }
    assert_eq!(
        drifting(vec![other]),
        r#"own.grades.title: the model says `integer`, the migrations build `text`
-> models.py:12: the model of own.grades.title
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "own.grades.title" = "<reason>""#
    );
}

#[test]
fn what_another_library_owns_is_no_difference() {
    let told = of(|models, service| {
        service.owned_elsewhere.push("essays".to_owned());
        models.drifts = vec![
            drift("table", "essays", Some(""), None),
            drift("column", "essays.id", Some("integer"), None),
        ];
    });
    assert_eq!(told, "pass");
    let told = of(|models, service| {
        service.owned_elsewhere.push("essays".to_owned());
        models.drifts = vec![drift("table", "essays", None, Some(""))];
    });
    assert!(told.starts_with("table essays: the model has it"), "{told}");
}

#[test]
fn what_was_accepted_is_noted_as_long_as_it_differs() {
    let accept = |service: &mut Service| {
        let reason = "kept for a report".to_owned();
        service
            .accepted_drift
            .insert("essays.points".to_owned(), own(&reason));
    };
    let told = of(|models, service| {
        accept(service);
        models.drifts = vec![drift("column", "essays.points", Some("integer"), None)];
    });
    assert_eq!(
        told,
        "pass
essays.points differs from the model: kept for a report"
    );
    assert_eq!(
        of(|_, service| accept(service)),
        r#"essays.points is accepted as a difference, but no longer differs
? remove the line "essays.points" below [model_drift.accepted] in services/a.toml"#
    );
}

#[test]
fn models_that_cannot_be_built() {
    let told = of(|models, _| {
        let mut error = raised(
            "ProgrammingError",
            Some("42704"),
            "type \"status\" does not exist",
        );
        error.frames = vec![
            frame("/root/a/env.py", 3, None),
            frame("/root/a/models.py", 7, None),
        ];
        models.built.outcome = Outcome::Raised(error);
        models.built.statements.push(done(1, None, "SELECT 1"));
        let mut statement = done(2, None, "CREATE TABLE essays (\n  status status)");
        statement.outcome = crate::alembic::transcript::StatementOutcome::Unfinished;
        models.built.statements.push(statement);
    });
    assert_eq!(
        told,
        r#"the models cannot be built in an empty database: ProgrammingError: type "status" does not exist
-> models.py:7: from here
= the statement: CREATE TABLE essays ( status status)
? everything Python printed: output.txt"#
    );
}

#[test]
fn models_that_are_not_imported() {
    assert_eq!(
        of(|models, _| models.tables.clear()),
        r#"the metadata that env.py passes describes no table
= autogenerate would drop all that the migrations build
? import the modules of the models in env.py, before target_metadata is used
? where the service has no models, say so in services/a.toml: [not_applicable] model_drift = "<reason>""#
    );
}

#[test]
fn models_that_are_never_built() {
    let told = of(|models, _| {
        models.built.outcome = Outcome::Ended {
            how: "exited".to_owned(),
            output: Vec::new(),
        };
    });
    assert_eq!(told, "the models cannot be built: `create_all` did not end");
}

fn default_left(name: &str, default: &str) -> Drift {
    let migrated = format!("integer NOT NULL DEFAULT {default}");
    drift("column", name, Some(&migrated), Some("integer NOT NULL"))
}

#[test]
fn server_defaults_of_migrations_are_a_finding_of_their_own() {
    assert_eq!(
        drifting(vec![default_left("essays.title", "0")]),
        r#"essays.title: the migrations leave the default `0`, the model has none
-> models.py:12: the model of essays.title
? write it into the model, server_default=..., or drop it in a revision: op.alter_column("essays", "title", server_default=None)
? all such defaults are accepted by one line in services/a.toml, or for every service in defaults.toml: [model_drift.accepted] "server defaults" = "<reason>""#
    );
    let told = drifting(vec![
        drift("column", "essays.points", Some("integer"), None),
        default_left("essays.title", "0"),
        default_left("essays.seen", "1"),
    ]);
    assert!(
        told.starts_with("essays.points: the migrations build it"),
        "{told}"
    );
    let title = "\n2 columns have a server default that only the migrations give them\n";
    assert!(told.contains(title), "{told}");
    assert!(
        told.contains("\n= essays.title: `0` (a/models.py:12)\n"),
        "{told}"
    );
    let many =
        (1..=20).map(|n| default_left(&format!("essays.c{n}"), if n > 8 { "0" } else { "1" }));
    let told = drifting(many.collect());
    let zero = "\n= `0`: essays.c9, essays.c10, essays.c11, essays.c12, essays.c13, essays.c14 and 6 more\n= `1`: ";
    assert!(told.contains(zero), "{told}");
}

#[test]
fn one_line_accepts_all_server_defaults() {
    let with = |inherited: bool, drifts: Vec<Drift>| {
        of(|models, service| {
            let line = Justification {
                inherited,
                ..own("rows were there")
            };
            service
                .accepted_drift
                .insert("server defaults".to_owned(), line);
            models.drifts = drifts;
        })
    };
    let left = || vec![default_left("essays.a", "0"), default_left("essays.b", "0")];
    for inherited in [false, true] {
        assert_eq!(
            with(inherited, left()),
            "pass\n2 server defaults that only the migrations have: rows were there"
        );
    }
    assert_eq!(with(true, Vec::new()), "pass");
    assert!(with(false, Vec::new()).starts_with("server defaults is accepted as a difference"));
    // Another difference of the column is none of them.
    let other = drift(
        "column",
        "essays.a",
        Some("integer DEFAULT 0"),
        Some("text"),
    );
    assert!(with(true, vec![other]).starts_with("essays.a: the model says `text`"));
}

#[test]
fn what_models_cannot_state_is_noted_by_property() {
    let told = of(|models, _| {
        let one = |object: &str, property: &str| UnstatedProperty {
            object: object.to_owned(),
            property: property.to_owned(),
        };
        models.unstated = vec![
            one("a", "storage parameters"),
            one("a", "row level security"),
            one("b", "row level security"),
        ];
    });
    assert_eq!(
        told,
        "pass
models cannot state row level security, so that is not compared: a, b
models cannot state storage parameters, so that is not compared: a"
    );
}
