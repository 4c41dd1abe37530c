#![allow(clippy::unwrap_used)]

use rstest::rstest;

use super::*;
use crate::evidence::Catalog;

fn object(kind: &str, name: &str, definition: &str) -> Object {
    Object {
        schema: Some("public".to_owned()),
        kind: kind.parse().unwrap(),
        name: name.to_owned(),
        definition: definition.to_owned(),
    }
}

fn compared(migrated: &Catalog, models: &Catalog, described: &ModelsDescription) -> Vec<Drift> {
    compare(migrated, models, described, &PlannedExpressions::default()).drifts
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
        schema: None,
        used_by: Vec::new(),
        migrated: Some(object(kind, "t.c", migrated)),
        model: Some(object(kind, "t.c", model)),
        renamed: false,
    };
    assert_eq!(drift("column").defaults(), asked);
    assert_eq!(drift("domain").defaults(), None);
}

const INDEX: &str = "CREATE INDEX ix ON public.t USING gin (c public.gin_trgm_ops)";

fn refused() -> ModelsDescription {
    let message = "(sqlalchemy.exc.X) <class 'asyncpg.exceptions.NoClassError'>: no class";
    let refused = serde_json::json!({
        "kind": "index", "follows": false, "schema": "public", "name": "ix", "statement": "CREATE INDEX ix ON t (c)",
        "error": {"type": "ProgrammingError", "message": message, "frames": []},
    });
    ModelsDescription {
        refused: vec![serde_json::from_value(refused).unwrap()],
        ..ModelsDescription::default()
    }
}

#[test]
fn an_index_that_is_refused_is_another_than_the_migrations_have() {
    let migrated = Catalog {
        objects: vec![object("index", "ix", INDEX)],
    };
    let drifts = compared(&migrated, &Catalog::default(), &refused());
    assert_eq!(drifts.len(), 1, "{drifts:?}");
    assert_eq!(drifts[0].table.as_deref(), Some("t"));
    let model = drifts[0].model.as_ref().unwrap();
    assert_eq!(
        model.definition,
        "CREATE INDEX ix ON t (c) -- which PostgreSQL refuses: NoClassError: no class"
    );

    // Where the migrations have none, its table is known all the same.
    let drifts = compared(&Catalog::default(), &Catalog::default(), &refused());
    assert_eq!(drifts[0].table.as_deref(), Some("t"));
    let asked = questions(&drifts[0], &Catalog::default(), &Catalog::default());
    assert_eq!(asked.len(), 1);
}

#[test]
fn an_index_that_the_models_name_twice_is_there() {
    let built = Catalog {
        objects: vec![object("index", "ix", INDEX)],
    };
    assert_eq!(compared(&built, &built, &refused()), []);
    let again = compared(&Catalog::default(), &built, &refused());
    assert_eq!(again[0].model, Some(object("index", "ix", INDEX)));
}

fn catalog(objects: &[(&str, &str, &str)]) -> Catalog {
    let objects = objects
        .iter()
        .map(|(kind, name, text)| object(kind, name, text));
    Catalog {
        objects: objects.collect(),
    }
}

/// The keys of what differs.
fn differing(migrated: &Catalog, models: &Catalog, described: &ModelsDescription) -> Vec<String> {
    let drifts = compared(migrated, models, described);
    drifts.iter().map(Drift::subject).collect()
}

const NONE: [String; 0] = [];

#[test]
fn keys_that_create_table_merges_are_one() {
    let described = ModelsDescription {
        merged: vec![MergedKeys {
            schema: None,
            table: "t".to_owned(),
            columns: vec!["id".to_owned()],
        }],
        ..ModelsDescription::default()
    };
    let primary = ("constraint", "t.t_pkey", "PRIMARY KEY (id)");
    let unique = ("constraint", "t.uq", "UNIQUE (id)");
    let taken = catalog(&[("constraint", "t.uq", "PRIMARY KEY (id)")]);
    let both = catalog(&[primary, unique]);
    assert_eq!(differing(&both, &taken, &described), NONE);
    assert_eq!(differing(&catalog(&[primary]), &taken, &described), NONE);
    // Where the models state one key only, the other one is a difference.
    let one = catalog(&[primary]);
    assert_eq!(
        differing(&both, &one, &ModelsDescription::default()),
        ["constraint t.uq"]
    );
    // A key that is missing altogether is one as well.
    let without = differing(&Catalog::default(), &taken, &described);
    assert_eq!(without, ["constraint t.uq"]);
}

#[test]
fn what_has_no_name_in_the_models_is_found_by_its_meaning() {
    let check = |name, text| ("constraint", name, text);
    let (first, second) = ("CHECK ((a > 0))", "CHECK ((b > 0))");
    let migrated = catalog(&[check("t.t_check", first), check("t.t_check1", second)]);
    let models = catalog(&[check("t.t_check", second), check("t.t_check1", first)]);
    assert_eq!(
        differing(&migrated, &models, &ModelsDescription::default()),
        NONE
    );
    let named = ModelsDescription {
        named: ["t.t_check", "t.t_check1"].map(str::to_owned).into(),
        ..ModelsDescription::default()
    };
    assert_eq!(differing(&migrated, &models, &named).len(), 2);
}

#[test]
fn expressions_are_the_same_where_their_plans_are() {
    let (one, other) = ("((a)::text = 'x'::text)", "(a = 'x'::text)");
    let side = |text: &str| catalog(&[("constraint", "t.ck", &format!("CHECK ({text})"))]);
    let plan = |text: &str| {
        let key = (
            Some("public".to_owned()),
            "t".to_owned(),
            format!("({text})"),
        );
        (key, "(a = 'x')".to_owned())
    };
    let (migrated, models) = (side(one), side(other));
    let planned = PlannedExpressions([plan(one), plan(other)].into());
    let found = compare(&migrated, &models, &ModelsDescription::default(), &planned);
    assert_eq!(found.drifts, []);
    assert_eq!(
        differing(&migrated, &models, &ModelsDescription::default()),
        ["constraint t.ck"]
    );
}

#[test]
fn what_models_cannot_state_is_noted_unless_they_do() {
    let table = |text| ("table", "t", text);
    let migrated = catalog(&[
        table("ROW LEVEL SECURITY\nWITH (fillfactor=70)"),
        ("constraint", "t.ck", "CHECK ((a > 0)) NOT VALID"),
        ("view", "v", ""),
        ("table", "p", "FOR VALUES IN (1)\nINHERITS public.t"),
        ("column", "p.id", "integer"),
        ("materialized view", "m", ""),
        (
            "index",
            "ix_m",
            "CREATE INDEX ix_m ON public.m USING btree (a)",
        ),
    ]);
    let check = ("constraint", "t.ck", "CHECK ((a > 0))");
    let models = catalog(&[
        table(""),
        check,
        ("table", "v", ""),
        ("column", "v.id", "integer"),
    ]);
    let described = ModelsDescription {
        tables: vec!["t".to_owned(), "v".to_owned()],
        ..ModelsDescription::default()
    };
    let found = compare(
        &migrated,
        &models,
        &described,
        &PlannedExpressions::default(),
    );
    assert_eq!(found.drifts, []);
    let noted: Vec<(&str, &str)> = found
        .unstated
        .iter()
        .map(|one| (one.object.as_str(), one.property.as_str()))
        .collect();
    assert_eq!(
        noted,
        [
            ("t.ck", "a constraint that is not validated"),
            ("t", "row level security"),
            ("t", "storage parameters"),
            ("v", "a view"),
        ]
    );
    let stating = catalog(&[
        table("FORCE ROW LEVEL SECURITY\nWITH (fillfactor=50)"),
        check,
    ]);
    assert_eq!(differing(&migrated, &stating, &described), ["table t"]);
}

#[test]
fn sequences_of_the_models_are_there() {
    let sequence = |text| catalog(&[("sequence", "s", text)]);
    let own = sequence("AS bigint START 1 INCREMENT 1");
    let serial = sequence("AS integer START 1 INCREMENT 1 OWNED BY public.t.id");
    let other = sequence("AS bigint START 1 INCREMENT 50");
    let nothing = Catalog::default();
    let differing = |migrated, models| differing(migrated, models, &ModelsDescription::default());
    assert_eq!(differing(&nothing, &own), ["sequence s"]);
    assert_eq!(differing(&other, &own), ["sequence s"]);
    assert_eq!(differing(&serial, &own), NONE);
    assert_eq!(differing(&own, &nothing), NONE);
    assert_eq!(differing(&nothing, &serial), NONE);
}

#[test]
fn an_identity_has_options() {
    let identity = "integer NOT NULL GENERATED BY DEFAULT AS IDENTITY";
    let side = |kind: &str, options: &str| {
        let sequence = format!("AS {kind} {options} OWNED BY public.t.id");
        catalog(&[
            ("column", "t.id", identity),
            ("sequence", "t_id_seq", &sequence),
        ])
    };
    let (one, ten) = (
        side("integer", "START 1 INCREMENT 1"),
        side("integer", "START 1 INCREMENT 10"),
    );
    let drifts = compared(&one, &ten, &ModelsDescription::default());
    let model = drifts[0].model.as_ref().unwrap();
    assert_eq!(model.definition, format!("{identity} (INCREMENT 10)"));
    // The type is the column's.
    let long = side("bigint", "START 1 INCREMENT 1");
    assert_eq!(differing(&one, &long, &ModelsDescription::default()), NONE);
}

#[test]
fn comments_go_with_what_they_are_on() {
    let comment = |name, text| ("comment", name, text);
    let table = ("table", "a.b", "");
    let on = [
        comment("table public.\"a.b\"", "x"),
        comment("table column public.\"a.b\".c", "x"),
        comment("table constraint k on public.\"a.b\"", "x"),
        comment("type public.st", "x"),
    ];
    let mut all = vec![table];
    all.extend(on);
    let with = catalog(&all);
    let keys = [
        "comment on column a.b.c",
        "comment on constraint a.b.k",
        "comment on table a.b",
    ];
    assert_eq!(
        differing(&catalog(&[table]), &with, &ModelsDescription::default()),
        keys
    );
    assert_eq!(
        differing(&with, &catalog(&[table]), &ModelsDescription::default()),
        keys
    );
    // A missing table says it all, and a missing column what is on it.
    assert_eq!(
        differing(&Catalog::default(), &with, &ModelsDescription::default()),
        ["table a.b"]
    );
    let column = catalog(&[table, ("column", "a.b.c", "text"), on[1]]);
    assert_eq!(
        differing(&catalog(&[table]), &column, &ModelsDescription::default()),
        ["a.b.c"]
    );
    // What the model does not name has the comment under the migrations' name.
    let key = |name| ("constraint", name, "UNIQUE (c)");
    let migrated = catalog(&[
        table,
        key("a.b.other"),
        comment("table constraint other on public.\"a.b\"", "x"),
    ]);
    let models = catalog(&[table, key("a.b.k"), on[2]]);
    assert_eq!(
        differing(&migrated, &models, &ModelsDescription::default()),
        NONE
    );
}

#[test]
fn names_are_qualified_outside_of_the_default_schema() {
    let described = |schema: &str| ModelsDescription {
        default_schema: Some(schema.to_owned()),
        ..ModelsDescription::default()
    };
    let table = catalog(&[("table", "t", "")]);
    let nothing = Catalog::default();
    assert_eq!(
        differing(&table, &nothing, &described("public")),
        ["table t"]
    );
    assert_eq!(
        differing(&table, &nothing, &described("app")),
        ["table public.t"]
    );
}
