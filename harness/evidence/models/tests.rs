#![allow(clippy::unwrap_used)]

use rstest::rstest;

use super::*;

fn object(kind: &str, name: &str, definition: &str) -> Object {
    Object {
        schema: Some("public".to_owned()),
        kind: kind.to_owned(),
        name: name.to_owned(),
        definition: definition.to_owned(),
    }
}

#[rstest]
#[case::words("text NOT NULL DEFAULT now()", "text NOT NULL DEFAULT CURRENT_TIMESTAMP", Some(("now()", "CURRENT_TIMESTAMP")))]
#[case::other_types("text DEFAULT 'a'::text", "integer DEFAULT 1", None)]
#[case::one_may_be_null("text DEFAULT 'a'::text", "text NOT NULL DEFAULT 'a'::text", None)]
#[case::one_has_none("text DEFAULT 'a'::text", "text", None)]
#[case::a_sequence("integer DEFAULT nextval('a'::regclass)", "integer DEFAULT 1", None)]
fn defaults_are_asked_about_where_columns_differ_in_nothing_else(
    #[case] migrated: &str,
    #[case] model: &str,
    #[case] asked: Option<(&str, &str)>,
) {
    let drift = |kind| Drift {
        table: Some("t".to_owned()),
        used_by: Vec::new(),
        migrated: Some(object(kind, "t.c", migrated)),
        model: Some(object(kind, "t.c", model)),
    };
    assert_eq!(drift("column").defaults(), asked);
    assert_eq!(drift("domain").defaults(), None);
}

const INDEX: &str = "CREATE INDEX ix ON public.t USING gin (c public.gin_trgm_ops)";

fn refused() -> Described {
    let message = "(sqlalchemy.exc.X) <class 'asyncpg.exceptions.NoClassError'>: no class";
    let refused = serde_json::json!({
        "kind": "index", "follows": false, "schema": "public", "name": "ix", "statement": "CREATE INDEX ix ON t (c)",
        "error": {"type": "ProgrammingError", "message": message, "frames": []},
    });
    Described {
        refused: vec![serde_json::from_value(refused).unwrap()],
        ..Described::default()
    }
}

#[test]
fn an_index_that_is_refused_is_another_than_the_migrations_have() {
    let migrated = Catalog {
        objects: vec![object("index", "ix", INDEX)],
    };
    let drifts = compare(&migrated, &Catalog::default(), &refused());
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert_eq!(drifts[0].table.as_deref(), Some("t"));
    let model = drifts[0].model.as_ref().unwrap();
    assert_eq!(
        model.definition,
        "CREATE INDEX ix ON t (c) -- which PostgreSQL refuses: NoClassError: no class"
    );

    // Where the migrations have none, its table is known all the same.
    let drifts = compare(&Catalog::default(), &Catalog::default(), &refused());
    assert_eq!(drifts[0].table.as_deref(), Some("t"));
    assert!(drifts[0].asked().is_some());
}

#[test]
fn an_index_that_the_models_name_twice_is_there() {
    let built = Catalog {
        objects: vec![object("index", "ix", INDEX)],
    };
    assert_eq!(compare(&built, &built, &refused()), []);
    let again = compare(&Catalog::default(), &built, &refused());
    assert_eq!(again[0].model, Some(object("index", "ix", INDEX)));
}
