#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;

use super::*;
use crate::alembic::transcript::{Counters, Held, HeldIndex, Probe, Unprobed};
use crate::evidence::locks::InvalidIndex;
use crate::manifest::Justification;
use crate::testing;

const ACCESS: &str = "AccessExclusiveLock";

fn measured(evidence: &mut Evidence) -> &mut Measured {
    &mut evidence.locks.as_mut().unwrap().measured[0]
}

/// A relation with a file and an index of the numbers after its oid.
fn relation(oid: i64, name: &str) -> Relation {
    Relation {
        oid,
        schema: "public".into(),
        name: name.into(),
        text: format!("public.{name}"),
        kind: "r".into(),
        filenode: oid + 1,
        indexes: vec![(oid + 2, oid + 2)],
        rows: 1000,
    }
}

fn held(oid: i64, name: &str, mode: &str) -> Held {
    Held {
        oid,
        kind: Some("r".into()),
        schema: Some("public".into()),
        name: Some(name.into()),
        modes: vec![mode.into()],
        filenode: Some(oid + 1),
        counters: Counters::default(),
        indexes: vec![HeldIndex {
            oid: oid + 2,
            name: format!("{name}_pkey"),
            filenode: oid + 2,
            valid: true,
            read: 0,
        }],
    }
}

fn read(mut held: Held, read: i64) -> Held {
    held.counters.scans = i64::from(read > 0);
    held.counters.read = read;
    held
}

/// The evidence of these statements, each with its transaction and what it held.
fn evidence(statements: Vec<(&str, &str, Vec<Held>)>) -> Evidence {
    let mut evidence = testing::evidence();
    let measured = measured(&mut evidence);
    measured.relations = vec![relation(20_000, "orders"), relation(30_000, "customers")];
    for (at, (sql, transaction, relations)) in statements.into_iter().enumerate() {
        let number = at as u64 + 1;
        let place = testing::place("r2", 10 + u32::try_from(at).unwrap());
        measured
            .upgrade
            .statements
            .push(testing::done(number, Some(place), sql));
        measured.upgrade.measures.push(Measure::Probe(Probe {
            number,
            rehearsed: false,
            transaction: transaction.into(),
            session: 7,
            lock_timeout: "0".into(),
            relations,
            is_whole: true,
            is_told: false,
            command: None,
            gone: Vec::new(),
        }));
    }
    evidence
}

fn judged(evidence: &Evidence) -> String {
    let verdict = CRITERION.verdict(&testing::service(), evidence);
    testing::text(&verdict)
}

fn is_red(evidence: &Evidence) -> bool {
    CRITERION.verdict(&testing::service(), evidence).is_red()
}

#[test]
fn a_scan_under_a_lock_is_red_and_says_since_when() {
    let add = "ALTER TABLE orders ADD CONSTRAINT c CHECK (true) NOT VALID";
    let validate = "ALTER TABLE orders VALIDATE CONSTRAINT c";
    let first = || held(20_000, "orders", ACCESS);
    let red = evidence(vec![
        (add, "3/1", vec![first()]),
        (validate, "3/1", vec![read(first(), 1000)]),
    ]);
    let text = judged(&red);
    for said in [
        "orders can be neither read nor written while all of it is scanned",
        "reads every row of orders (1,000 of 1,000)",
        "ACCESS EXCLUSIVE on orders from here on",
        "\"r2 orders L1 scan\"",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    // The same in two transactions: the second one blocks neither reads nor writes.
    let share = read(held(20_000, "orders", "ShareUpdateExclusiveLock"), 1000);
    let green = evidence(vec![
        (add, "3/1", vec![first()]),
        (validate, "3/2", vec![share]),
    ]);
    assert!(!is_red(&green));
}

#[test]
fn counters_are_those_of_a_statement_and_not_of_those_before() {
    let scanned = || read(held(20_000, "orders", "AccessShareLock"), 1000);
    let mut later = scanned();
    later.modes = vec![ACCESS.into()];
    let select = ("SELECT * FROM orders", "3/1", vec![scanned()]);
    let rename = (
        "ALTER TABLE orders RENAME a TO b",
        "3/1",
        vec![later.clone()],
    );
    assert!(!is_red(&evidence(vec![select.clone(), rename])));
    // Flushed with the transaction, the same number is another scan.
    let again = (
        "ALTER TABLE orders ALTER a SET NOT NULL",
        "3/2",
        vec![later],
    );
    assert!(is_red(&evidence(vec![select, again])));
}

#[test]
fn a_new_file_is_a_rewrite_unless_the_table_is_emptied_or_had_it_before() {
    let mut rewritten = read(held(20_000, "orders", ACCESS), 1000);
    rewritten.filenode = Some(99);
    let text = judged(&evidence(vec![(
        "ALTER TABLE orders ALTER id TYPE bigint",
        "3/1",
        vec![rewritten.clone()],
    )]));
    assert!(text.contains("all of it is rewritten"), "{text}");
    let mut emptied = rewritten;
    emptied.counters = Counters::default();
    let truncate = ("TRUNCATE orders", "3/1", vec![emptied]);
    let back = (
        "ALTER TABLE orders RENAME a TO b",
        "3/1",
        vec![held(20_000, "orders", ACCESS)],
    );
    assert!(!is_red(&evidence(vec![truncate, back])));
}

#[test]
fn an_index_with_a_file_of_before_was_not_built() {
    let widened = |file: i64| {
        let mut held = held(20_000, "orders", ACCESS);
        held.indexes[0] = HeldIndex {
            oid: 55,
            filenode: file,
            ..held.indexes[0].clone()
        };
        evidence(vec![(
            "ALTER TABLE orders ALTER a TYPE text",
            "3/1",
            vec![held],
        )])
    };
    assert!(!is_red(&widened(20_002)));
    assert!(judged(&widened(55)).contains("index orders_pkey is built"));
}

#[test]
fn a_table_of_the_deployment_blocks_nobody_and_is_work_where_others_are_blocked() {
    let mut new = read(held(40_000, "archive", ACCESS), 1000);
    new.counters.inserted = 1000;
    let fill = ("INSERT INTO archive SELECT 1", "3/1", vec![new.clone()]);
    assert!(!is_red(&evidence(vec![fill])));
    let both = vec![new, held(20_000, "orders", ACCESS)];
    let text = judged(&evidence(vec![(
        "INSERT INTO archive SELECT 1",
        "3/1",
        both,
    )]));
    assert!(text.contains("\"r2 archive L2 rows\""), "{text}");
}

#[test]
fn a_lock_taken_by_hand_is_shown_where_it_was_taken() {
    let mut red = evidence(vec![
        ("LOCK TABLE orders", "3/1", Vec::new()),
        (
            "SELECT * FROM orders",
            "3/1",
            vec![read(held(20_000, "orders", ACCESS), 1000)],
        ),
    ]);
    measured(&mut red).upgrade.measures.remove(0);
    let text = judged(&red);
    assert!(text.contains("from here on"), "{text}");
}

#[test]
fn the_manifest_says_what_is_small_large_or_accepted() {
    let scan = || vec![read(held(20_000, "orders", ACCESS), 1000)];
    let red = evidence(vec![(
        "ALTER TABLE orders ALTER a SET NOT NULL",
        "3/1",
        scan(),
    )]);
    let mut service = testing::service();
    assert!(CRITERION.verdict(&service, &red).is_red());
    service.locks.small = vec!["orders".into()];
    assert!(!CRITERION.verdict(&service, &red).is_red());
    service.locks.small.clear();
    service.locks.large = vec!["customers".into()];
    let Verdict::Pass { notes } = CRITERION.verdict(&service, &red) else {
        unreachable!("red");
    };
    assert!(notes[0].contains("all of it is scanned"), "{notes:?}");
    service.locks.large = vec!["public.orders".into()];
    assert!(CRITERION.verdict(&service, &red).is_red());
    let line = Justification {
        reason: "at night".into(),
        inherited: false,
    };
    let key = "r2 orders L1 scan".to_owned();
    service.locks.accepted.insert(key, line);
    assert!(!CRITERION.verdict(&service, &red).is_red());
    let text = testing::text(&CRITERION.verdict(&service, &evidence(Vec::new())));
    assert!(
        text.contains("is accepted, and is not there any more"),
        "{text}"
    );
}

#[test]
fn names_are_told_as_each_language_has_them() {
    let sql = "CREATE INDEX ix ON sales.\"Big\"\"Orders\" (note)";
    let mut built = held(20_000, "Big\"Orders", "ShareLock");
    built.schema = Some("sales".into());
    let index = &mut built.indexes[0];
    (index.name, index.filenode) = ("ix".into(), 9);
    let mut evidence = evidence(vec![(sql, "3/1", vec![built])]);
    let table = &mut measured(&mut evidence).relations[0];
    table.schema = "sales".into();
    table.name = "Big\"Orders".into();
    table.text = "sales.\"Big\"\"Orders\"".into();
    let text = judged(&evidence);
    for said in [
        r#"op.create_index("ix", "Big\"Orders", [...], schema="sales", postgresql_concurrently=True)"#,
        r#"[locks] small = ["sales.Big\"Orders"]"#,
        r#"[locks.accepted] "r2 sales.Big\"Orders L1 index" ="#,
        "builds ix on sales.Big\"Orders (1,000 rows) under SHARE\n",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
}

#[test]
fn validating_a_constraint_of_a_domain_is_no_advice() {
    let sql = "ALTER DOMAIN code ADD CONSTRAINT c CHECK (VALUE <> '')";
    let scanned = read(held(20_000, "orders", "ShareLock"), 1000);
    let text = judged(&evidence(vec![(sql, "3/1", vec![scanned])]));
    let said = "VALIDATE CONSTRAINT of a domain keeps others from writing orders";
    assert!(text.contains(said), "{text}");
}

#[test]
fn a_lock_without_a_timeout_is_a_note_and_red_where_one_is_required() {
    let locked = evidence(vec![(
        "ALTER TABLE orders DROP a",
        "3/1",
        vec![held(20_000, "orders", ACCESS)],
    )]);
    let mut service = testing::service();
    let Verdict::Pass { notes } = CRITERION.verdict(&service, &locked) else {
        unreachable!("red");
    };
    assert!(
        notes[0].starts_with("locked without a lock_timeout: orders"),
        "{notes:?}"
    );
    service.locks.is_timeout_required = true;
    let text = testing::text(&CRITERION.verdict(&service, &locked));
    assert!(text.contains("\"r2 orders L3\""), "{text}");
}

#[test]
fn an_invalid_index_is_red() {
    let mut red = evidence(Vec::new());
    measured(&mut red).invalid.push(InvalidIndex {
        name: "ux".into(),
        table: "public.orders".into(),
        is_partitioned: false,
    });
    assert!(judged(&red).contains("\"r2 orders L5 ux\""));
    measured(&mut red).invalid[0].is_partitioned = true;
    let Verdict::Pass { notes } = CRITERION.verdict(&testing::service(), &red) else {
        unreachable!("red");
    };
    assert!(
        notes[0].starts_with("index ux of orders becomes valid"),
        "{notes:?}"
    );
}

#[test]
fn what_was_not_measured_is_named_unless_it_runs_concurrently() {
    let mut evidence = evidence(vec![
        (
            "CREATE INDEX CONCURRENTLY i ON orders (a)",
            "3/1",
            Vec::new(),
        ),
        ("CALL fill()", "3/2", Vec::new()),
    ]);
    let unprobed = |number| {
        Measure::Unprobed(Unprobed {
            number,
            sqlstate: Some("25001".into()),
            calls: false,
        })
    };
    measured(&mut evidence).upgrade.measures = vec![unprobed(1), unprobed(2)];
    let verdict = CRITERION.verdict(&testing::service(), &evidence);
    let notes = vec!["not measured: CALL fill() in line 11".to_owned()];
    assert_eq!(verdict, Verdict::Pass { notes });
}

#[test]
fn what_nobody_could_ask_about_is_red() {
    let unasked = |sql, calls| {
        let mut evidence = evidence(vec![(sql, "3/1", Vec::new())]);
        let unprobed = Measure::Unprobed(Unprobed {
            number: 1,
            sqlstate: None,
            calls,
        });
        measured(&mut evidence).upgrade.measures = vec![unprobed];
        evidence
    };
    let text = judged(&unasked("ALTER TABLE orders ADD a int; COMMIT", false));
    assert!(text.contains("\"r2 not measured\""), "{text}");
    assert!(!is_red(&unasked("SELECT 1", false)), "it changes no table");
    assert!(
        is_red(&unasked("SELECT fill()", true)),
        "it may do anything"
    );
}

#[test]
fn a_table_that_the_manifest_names_and_nothing_has_is_red() {
    let mut service = testing::service();
    let green = evidence(Vec::new());
    service.locks.small = vec!["orders".into(), "public.customers".into()];
    assert!(!CRITERION.verdict(&service, &green).is_red());
    service.locks.large = vec!["custommers".into()];
    let text = testing::text(&CRITERION.verdict(&service, &green));
    assert!(text.contains("`[locks] large` names custommers"), "{text}");
    assert!(text.contains("did you mean \"customers\"?"), "{text}");
}

#[test]
fn a_revision_that_was_not_measured_is_red() {
    let mut evidence = testing::evidence();
    measured(&mut evidence).upgrade.steps.clear();
    assert!(judged(&evidence).contains("deployment of revision r2 is missing"));
}

#[test]
fn rows_that_are_changed_one_by_one_under_a_lock_are_as_many() {
    let changed = |by_now: i64| {
        let mut held = held(20_000, "orders", ACCESS);
        held.counters.updated = by_now;
        ("UPDATE orders SET a = 1 WHERE id = 1", "3/1", vec![held])
    };
    assert!(!is_red(&evidence(vec![changed(100), changed(200)])));
    let text = judged(&evidence(vec![changed(300), changed(600)]));
    assert!(
        text.contains("600 of 1,000 rows of orders are changed by now"),
        "{text}"
    );
    let apart = |at: &'static str| {
        let (sql, _, mut relations) = changed(300);
        relations[0].modes = vec!["RowExclusiveLock".into()];
        (sql, at, relations)
    };
    assert!(!is_red(&evidence(vec![
        apart("3/1"),
        apart("3/2"),
        apart("3/3")
    ])));
}

#[test]
fn what_fails_with_many_rows_is_red_until_it_is_accepted() {
    let mut red = testing::evidence();
    let outcome = crate::alembic::transcript::Outcome::Raised(testing::raised("E", None, "no"));
    measured(&mut red).upgrade = testing::stopped("upgrade head", "r2", outcome);
    let text = judged(&red);
    assert!(text.contains("\"r2 unmeasured\""), "{text}");
    let mut service = testing::service();
    let line = Justification {
        reason: "tried by hand".into(),
        inherited: false,
    };
    service.locks.accepted.insert("r2 unmeasured".into(), line);
    assert!(!CRITERION.verdict(&service, &red).is_red());
}

/// A quarter of the rows beside the evidence.
fn beside(evidence: &mut Evidence, reads: i64) {
    let mut fewer = measured(evidence).clone();
    for relation in &mut fewer.relations {
        relation.rows = 250;
    }
    for measure in &mut fewer.upgrade.measures {
        if let Measure::Probe(probe) = measure {
            probe.relations[0].counters.read = reads;
        }
    }
    let all = measured(evidence);
    all.fewer = Some(Box::new(fewer));
    all.nested = Some(Box::new(all.clone()));
}

#[test]
fn work_that_grows_faster_than_the_rows_is_a_note_and_red_where_that_is_asked_for() {
    let update = "UPDATE customers SET a = (SELECT max(b) FROM orders WHERE c = customers.a)";
    let looked = |all: i64, fewer: i64| {
        let orders = read(held(20_000, "orders", "AccessShareLock"), all);
        let mut evidence = evidence(vec![(update, "3/1", vec![orders])]);
        beside(&mut evidence, fewer);
        evidence
    };
    let grows = looked(1_000_000, 62_500);
    let mut service = testing::service();
    let Verdict::Pass { notes } = CRITERION.verdict(&service, &grows) else {
        unreachable!("red");
    };
    let said =
        "revision r2 looks through orders again and again: 4 times the rows are 16 times the work";
    assert_eq!(notes, [said]);
    service.locks.is_linear_required = true;
    let text = testing::text(&CRITERION.verdict(&service, &grows));
    assert!(text.contains("\"r2 orders L6\""), "{text}");
    service.locks.large = vec!["customers".into()];
    assert!(!CRITERION.verdict(&service, &grows).is_red());
    service.locks.large.clear();
    // As many reads for each row as before, and fewer reads than rows.
    for (all, fewer) in [(20_000, 5_000), (20_000, 3_400), (3_000, 100)] {
        let verdict = CRITERION.verdict(&service, &looked(all, fewer));
        assert_eq!(verdict, Verdict::Pass { notes: Vec::new() });
    }
    service.locks.small = vec!["orders".into()];
    assert!(!CRITERION.verdict(&service, &grows).is_red());
    // Joined otherwise, each row is looked up by its key.
    service.locks.small.clear();
    let mut joined = grows;
    let nested = looked(20_000, 5_000);
    measured(&mut joined).nested = nested.locks.unwrap().measured[0].nested.clone();
    assert!(!CRITERION.verdict(&service, &joined).is_red());
}

#[test]
fn statements_of_one_line_are_counted_together() {
    let loop_of = |reads: [i64; 2]| {
        let orders = |read_by_now| read(held(20_000, "orders", "AccessShareLock"), read_by_now);
        let mut evidence = evidence(vec![
            ("SELECT 1", "3/1", vec![orders(reads[0])]),
            ("SELECT 1", "3/1", vec![orders(reads[1])]),
        ]);
        for statement in &mut measured(&mut evidence).upgrade.statements {
            statement.place = Some(testing::place("r2", 10));
        }
        evidence
    };
    assert!(!measured(&mut loop_of([2000, 3000])).work().may_grow());
    assert!(measured(&mut loop_of([2000, 4000])).work().may_grow());
}

#[test]
fn half_of_a_table_at_once_is_a_note_and_red_where_batches_are_required() {
    let mut changed = held(20_000, "orders", "RowExclusiveLock");
    changed.counters.updated = 1000;
    let evidence = evidence(vec![("UPDATE orders SET a = 1", "3/1", vec![changed])]);
    let mut service = testing::service();
    let Verdict::Pass { notes } = CRITERION.verdict(&service, &evidence) else {
        unreachable!("red");
    };
    assert!(
        notes[0].starts_with("revision r2: one statement changes 1,000 of 1,000 rows of orders"),
        "{notes:?}"
    );
    service.locks.are_batches_required = true;
    let text = testing::text(&CRITERION.verdict(&service, &evidence));
    assert!(text.contains("\"r2 orders L4\""), "{text}");
    service.locks.small = vec!["orders".into()];
    assert!(!CRITERION.verdict(&service, &evidence).is_red());
}

#[test]
fn what_did_not_change_since_the_last_question_is_still_held() {
    let probe =
        |evidence: &mut Evidence, at: usize| match &mut measured(evidence).upgrade.measures[at] {
            Measure::Probe(probe) => probe.is_whole = false,
            _ => unreachable!(),
        };
    let reads = |gone: Vec<i64>| {
        let mut evidence = evidence(vec![
            (
                "ALTER TABLE orders ADD a int",
                "3/1",
                vec![held(20_000, "orders", ACCESS)],
            ),
            ("SELECT 1", "3/1", Vec::new()),
            (
                "SELECT * FROM customers",
                "3/1",
                vec![read(held(30_000, "customers", "AccessShareLock"), 1000)],
            ),
        ]);
        probe(&mut evidence, 1);
        probe(&mut evidence, 2);
        if let Measure::Probe(probe) = &mut measured(&mut evidence).upgrade.measures[1] {
            probe.gone = gone;
        }
        evidence
    };
    let text = judged(&reads(Vec::new()));
    assert!(
        text.contains("ACCESS EXCLUSIVE on orders from here on"),
        "{text}"
    );
    assert!(!is_red(&reads(vec![20_000])));
}

#[test]
fn a_note_names_the_first_tables_and_counts_the_rest() {
    let many = (0..2000).map(|at| held(100_000 + 10 * at, &format!("t{at:04}"), ACCESS));
    let mut locked = evidence(vec![("DO $$ locks all $$", "3/1", many.collect())]);
    let relations = (0..2000).map(|at| relation(100_000 + 10 * at, &format!("t{at:04}")));
    measured(&mut locked).relations = relations.collect();
    let Verdict::Pass { notes } = CRITERION.verdict(&testing::service(), &locked) else {
        unreachable!("red");
    };
    assert!(
        notes[0].contains("t0006, t0007, and 1992 more:"),
        "{notes:?}"
    );
}

#[test]
fn the_work_of_statements_in_one_string_is_told_in_parts() {
    let written = |mode: &str| {
        let mut held = held(20_000, "orders", mode);
        held.counters.updated = 1000;
        held
    };
    let both = "UPDATE orders SET a = 1; ALTER TABLE orders ADD b int";
    let mut green = evidence(vec![
        (both, "3/1", vec![written("RowExclusiveLock")]),
        (both, "3/1", vec![written(ACCESS)]),
        (
            both,
            "3/1",
            vec![{
                let mut again = written(ACCESS);
                again.counters.updated = 2000;
                again
            }],
        ),
    ]);
    assert!(is_red(&green));
    if let Measure::Probe(probe) = &mut measured(&mut green).upgrade.measures[2] {
        probe.is_told = true;
    }
    assert!(!is_red(&green));
}
