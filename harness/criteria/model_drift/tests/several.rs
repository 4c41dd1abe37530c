//! Several differences, listed, counted and taken together.

use pretty_assertions::assert_eq;

use super::*;

#[test]
fn several_differences() {
    let drifts = vec![
        drift("column", "essays.points", Some("integer"), None),
        drift("column", "essays.title", Some("text"), Some("integer")),
        drift("table", "essays_2", None, Some("")),
    ];
    assert_eq!(
        drifting(drifts),
        r#"the models and the migrations differ in 3 places
-> models.py:10: the model of table essays_2
= table essays_2: the model has it, the migrations do not build it (a/models.py:10)
= essays.points: the migrations build it, the model does not have it: `integer` (a/models.py:10)
= essays.title: the model says `integer`, the migrations build `text` (a/models.py:12)
? add a revision that brings the database to the model, or correct the model
? a difference that stays is accepted in services/a.toml: [model_drift.accepted] "table essays_2" = "<reason>""#
    );
}

#[test]
fn only_the_first_differences_are_listed() {
    let of = |count: usize| {
        let names = (1..=count).map(|n| format!("essays.c{n}"));
        drifting(
            names
                .map(|name| drift("column", &name, None, Some("text")))
                .collect(),
        )
    };
    assert_eq!(of(16).matches("= essays.").count(), 16);
    assert!(!of(16).contains("more"), "{}", of(16));
    assert_eq!(of(18).matches("= essays.").count(), 16);
    assert!(of(18).contains("\n= and 2 more\n"), "{}", of(18));
}

#[test]
fn many_differences_are_counted_by_kind_and_no_kind_hides_a_table() {
    let one = |kind: &str, name: &str| drift(kind, name, None, Some("text"));
    let mut drifts: Vec<Drift> = (1..=15)
        .map(|n| one("column", &format!("essays.c{n}")))
        .collect();
    drifts.extend(["ix_a", "ix_b"].map(|name| one("index", name)));
    drifts.push(one("table", "essays_2"));
    let told = drifting(drifts);
    let title =
        "the models and the migrations differ in 18 places: 1 table, 15 columns, 2 indexes\n";
    assert!(told.starts_with(title), "{told}");
    assert!(told.contains("\n= table essays_2: "), "{told}");
}

#[test]
fn columns_that_differ_alike_are_one_line_where_there_are_many() {
    let id =
        |kind: &str, n: usize| format!("{kind} NOT NULL DEFAULT nextval('t{n}_id_seq'::regclass)");
    let wider = |n: usize| {
        let (migrated, model) = (id("numeric", n), id("integer", n));
        drift("column", &format!("t{n}.id"), Some(&migrated), Some(&model))
    };
    let mut drifts: Vec<Drift> = (1..=15).map(wider).collect();
    let other = |name, model| drift("column", name, Some("text"), model);
    drifts.push(other("u.a", Some("integer")));
    drifts.push(other("u.b", None));
    drifts.push(other("u.c", Some("integer")));
    let unnumbered = drift(
        "column",
        "u.d",
        Some(&id("numeric", 9)),
        Some("integer NOT NULL"),
    );
    drifts.push(unnumbered);
    let told = drifting(drifts.clone());
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("= ")).collect();
    assert_eq!(lines.len(), 4, "{told}");
    let likewise = "; likewise t2.id, t3.id, t4.id, t5.id, t6.id, t7.id and 8 more";
    assert!(lines[0].starts_with("= t1.id: the model says `integer NOT NULL DEFAULT nextval('t1_"));
    assert!(lines[0].ends_with(likewise), "{told}");
    assert!(
        lines[1].starts_with("= u.a: ") && lines[1].ends_with("; likewise u.c"),
        "{told}"
    );
    assert!(
        lines[2].starts_with("= u.b: ") && lines[3].starts_with("= u.d: "),
        "{told}"
    );

    // As many as can be shown are shown one by one.
    drifts.truncate(16);
    assert!(!drifting(drifts).contains("likewise"));
}

#[test]
fn lengths_that_only_one_side_has_are_one_finding() {
    let column = |name: &str, migrated: &str, model: &str| {
        drift("column", name, Some(migrated), Some(model))
    };
    let of_type = |n: usize| match n % 2 {
        0 => "character varying(36) NOT NULL",
        _ => "character varying(255) NOT NULL",
    };
    let plain = "character varying NOT NULL";
    let drifts: Vec<Drift> = (1..=109)
        .map(|n| column(&format!("t{n}.id"), of_type(n), plain))
        .collect();
    let told = drifting(drifts.clone());
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("= ")).collect();
    assert!(
        told.starts_with(
            "109 columns have a length in the model or in the database, not in both\n"
        ),
        "{told}"
    );
    assert_eq!(
        lines[..2],
        [
            "= the model says `character varying`, the migrations build `character varying(255)`: t1.id, t3.id, t5.id, t7.id, t9.id, t11.id and 49 more",
            "= the model says `character varying`, the migrations build `character varying(36)`: t2.id, t4.id, t6.id, t8.id, t10.id, t12.id and 48 more",
        ],
        "{told}"
    );

    // Anything that differs in more than that is a difference of its own.
    for (migrated, model) in [
        ("character varying(36)", "character varying NOT NULL"),
        ("character varying(36)", "character varying(40)"),
        ("character varying(36)", "text"),
        ("numeric(10,2)", "numeric"),
    ] {
        let told = drifting(vec![column("t.a", migrated, model)]);
        assert!(told.starts_with("t.a: the model says"), "{told}");
    }

    let told = of(|models, service| {
        let lengths = "lengths".to_owned();
        service.accepted_drift.insert(lengths, own("as before"));
        models.drifts = drifts;
    });
    assert_eq!(told, "pass\n109 lengths that only one side has: as before");
}

#[test]
fn integers_of_another_size_are_one_finding() {
    let column = |name: &str, migrated: &str, model: &str| {
        drift("column", name, Some(migrated), Some(model))
    };
    let key =
        |n: usize, kind: &str| format!("{kind} NOT NULL DEFAULT nextval('t{n}_id_seq'::regclass)");
    let mut drifts: Vec<Drift> = (1..=88)
        .map(|n| column(&format!("t{n}.id"), &key(n, "integer"), &key(n, "bigint")))
        .collect();
    drifts.push(column("t1.n", "bigint", "smallint"));
    let told = drifting(drifts.clone());
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(
        lines[0], "89 columns are integers of another size than in the model",
        "{told}"
    );
    for line in [
        "= the model says `bigint`, the migrations build `integer`: t1.id, t2.id, t3.id, t4.id, t5.id, t6.id and 82 more",
        "= the model says `smallint`, the migrations build `bigint`: t1.n",
        "= a number beyond 2147483647 passes the model and not the database",
        "? in a revision: op.alter_column(\"essays\", \"t1.id\", type_=sa.BigInteger()), which rewrites the table while nobody can use it; or write sa.Integer() into the model",
    ] {
        assert!(lines.contains(&line), "{line}: {told}");
    }

    // What differs in more than that is a difference of its own.
    for (migrated, model) in [
        ("integer", "bigint NOT NULL"),
        ("integer", "numeric"),
        ("integer[]", "bigint[]"),
    ] {
        let told = drifting(vec![column("t.a", migrated, model)]);
        assert!(!told.contains("integer types"), "{told}");
    }

    let told = of(|models, service| {
        let integers = "integer types".to_owned();
        service
            .accepted_drift
            .insert(integers, own("keys are small"));
        models.drifts = drifts;
    });
    assert_eq!(told, "pass\n89 integers of another size: keys are small");
}
