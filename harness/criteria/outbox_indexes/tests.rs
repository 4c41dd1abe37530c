//! Tests of the findings about an outbox table that is not as the convention wants it.

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{CRITERION, columns, parts};
use crate::alembic::transcript::Statement;
use crate::evidence::outbox::{ExpectedIndex, Index, Outbox};
use crate::manifest::OutboxConvention;
use crate::testing::{done, evidence, migrated, place, service, text};

const TABLE: &str = "CREATE TABLE event_outbox (id int)";

/// The end of every finding about an index.
const MAY_STAY: &str = "\n? where it may stay for a while: in services/a.toml, [outbox_indexes.accepted] \"ix\" = \"<reason>\"";

fn index(name: &str, definition: &str) -> Index {
    Index {
        name: name.to_owned(),
        schema: "public".to_owned(),
        table: "event_outbox".to_owned(),
        definition: definition.to_owned(),
        valid: true,
        constraint: false,
        partitioned: false,
    }
}

fn expected(name: &str, columns: &str) -> ExpectedIndex {
    let statement =
        |name: &str| format!("CREATE INDEX {name}ON public.event_outbox USING btree ({columns})");
    ExpectedIndex {
        name: name.to_owned(),
        statement: statement(&format!("{name} ")),
        definition: Ok(statement("")),
    }
}

/// `CREATE INDEX` on the outbox table, as PostgreSQL writes it without the name.
fn on(columns: &str) -> String {
    format!("CREATE INDEX ON public.event_outbox USING btree ({columns})")
}

/// A service that should have the index `ix` on `published_at`, and ran some statements.
fn of(actual: Vec<Index>, statements: &[(u32, &str)]) -> String {
    with(statements, |outbox| outbox.actual = actual)
}

fn with(statements: &[(u32, &str)], change: impl FnOnce(&mut Outbox)) -> String {
    let (mut evidence, mut service) = (evidence(), service());
    service.outbox = Some(OutboxConvention {
        table: "event_outbox".to_owned(),
        indexes: Vec::new(),
    });
    let mut outbox = Outbox {
        table: "event_outbox".to_owned(),
        schemas: vec!["public".to_owned()],
        tables: vec!["public.event_outbox".to_owned()],
        expected: vec![expected("ix", "published_at")],
        actual: Vec::new(),
    };
    change(&mut outbox);
    let migrated = migrated(&mut evidence);
    migrated.outbox = Some(outbox);
    let ran = statements.iter().enumerate();
    let ran = ran.map(|(at, (line, sql))| done(at as u64, Some(place("r2", *line)), sql));
    migrated
        .upgrade
        .statements
        .extend(ran.collect::<Vec<Statement>>());
    text(&CRITERION.verdict(&service, &evidence))
}

#[test]
fn all_is_as_the_convention_says() {
    let told = of(vec![index("ix", &on("published_at"))], &[]);
    assert_eq!(
        told,
        "pass\nOK: Outbox indexes aligned with shared conventions."
    );
}

#[rstest]
#[case::other_columns(index("ix", &on("created_at")), r#"index "ix" on event_outbox is not what the convention says
-> r2.py:11 of r2: created here
- CREATE INDEX
- ON public.event_outbox
- USING btree (published_at)
+ CREATE INDEX
+ ON public.event_outbox
+ USING btree (created_at)
? in a new revision: DROP INDEX public.ix; then CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::of_a_constraint(Index { constraint: true, ..index("ix", &on("id")) }, r#"index "ix" on event_outbox is not what the convention says
-> r2.py:11 of r2: created here
- CREATE INDEX
- ON public.event_outbox
- USING btree (published_at)
+ CREATE INDEX
+ ON public.event_outbox
+ USING btree (id)
? in a new revision: ALTER TABLE public.event_outbox DROP CONSTRAINT ix; then CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::invalid(Index { valid: false, ..index("ix", &on("published_at")) }, r#"index "ix" is invalid, so no query uses it
-> r2.py:11 of r2: created here
= pg_index.indisvalid is false, as after a CREATE INDEX CONCURRENTLY that did not end
? in a new revision: DROP INDEX public.ix; then CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::invalid_in_parts(Index { valid: false, partitioned: true, ..index("ix", &on("published_at")) }, r#"index "ix" is invalid, so no query uses it
-> r2.py:11 of r2: created here
= pg_index.indisvalid is false: a partition has no part of it, as after CREATE INDEX ... ON ONLY
? in a new revision: DROP INDEX public.ix; then CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::on_another_table(Index { table: "essays".to_owned(), ..index("ix", &on("published_at")) }, r#"index "ix" on public.event_outbox is missing
-> r2.py:11 of r2: created here, on public.essays
= an index of that name is on public.essays instead
? in a new revision: give public.ix another name; then CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::in_another_schema(Index { schema: "own".to_owned(), ..index("ix", &on("published_at")) }, r#"index "ix" on public.event_outbox is missing
-> r2.py:11 of r2: created here, on own.event_outbox
= an index of that name is on own.event_outbox instead
? in a new revision: CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
fn an_index_of_that_name_is_another(#[case] index: Index, #[case] expected: &str) {
    let statements = [
        (10, TABLE),
        (11, "CREATE INDEX ix ON event_outbox (published_at)"),
    ];
    assert_eq!(
        of(vec![index], &statements),
        format!("{expected}{MAY_STAY}")
    );
}

#[rstest]
#[case::nothing_near(vec![], &[(10, TABLE)], r#"index "ix" on public.event_outbox is missing
-> r2.py:10 of r2: the table is created here
= the table has no other index that comes near
? in a new revision: CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::dropped(vec![], &[(10, TABLE), (11, "CREATE INDEX ix ON event_outbox (published_at)"), (12, "DROP INDEX ix")], r#"index "ix" on public.event_outbox is missing
-> r2.py:12 of r2: dropped here
= the table has no other index that comes near
? in a new revision: CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
#[case::by_another_name(vec![index("other", &on("published_at"))], &[(10, TABLE), (11, "CREATE INDEX other ON event_outbox (published_at)")], r#"index "ix" on public.event_outbox is missing
-> r2.py:10 of r2: the table is created here
-> r2.py:11 of r2: the same index, by another name
= "other" is the same index by another name
? in a new revision: ALTER INDEX public.other RENAME TO ix"#)]
#[case::near(vec![index("other", &on("published_at, created_at"))], &[(10, TABLE)], r#"index "ix" on public.event_outbox is missing
-> r2.py:10 of r2: the table is created here
- CREATE INDEX
- ON public.event_outbox
- USING btree (published_at)
+ CREATE INDEX
+ ON public.event_outbox
+ USING btree (published_at, created_at)
= the nearest index is "other"
? in a new revision: CREATE INDEX ix ON public.event_outbox USING btree (published_at)"#)]
fn an_index_is_missing(
    #[case] actual: Vec<Index>,
    #[case] statements: &[(u32, &str)],
    #[case] expected: &str,
) {
    assert_eq!(of(actual, statements), format!("{expected}{MAY_STAY}"));
}

#[rstest]
#[case::the_likest(&[("far", "a, b, c, published_at"), ("near", "published_at, a")], Some("near"))]
#[case::the_likest_comes_first(&[("near", "published_at, a"), ("far", "a, b, c, published_at")], Some("near"))]
#[case::a_column_in_common(&[("other", "created_at")], None)]
fn the_nearest_index(#[case] actual: &[(&str, &str)], #[case] nearest: Option<&str>) {
    let actual = actual
        .iter()
        .map(|(name, columns)| index(name, &on(columns)));
    let told = of(actual.collect(), &[]);
    let expected = match nearest {
        Some(name) => format!("\n= the nearest index is \"{name}\"\n"),
        None => "\n= the table has no other index that comes near\n".to_owned(),
    };
    assert!(told.contains(&expected), "{told}");
}

#[rstest]
#[case::of_another_table(Index { table: "essays".to_owned(), ..index("other", &on("published_at")) })]
#[case::of_another_schema(Index { schema: "own".to_owned(), ..index("other", &on("published_at")) })]
#[case::of_the_convention(index("conventional", &on("published_at")))]
#[case::with_it_in_include(index("other", &format!("{} INCLUDE (published_at)", on("a_b"))))]
#[case::with_it_in_where(index("other", &format!("{} WHERE (published_at IS NULL)", on("a_b"))))]
fn an_index_that_is_not_near(#[case] index: Index) {
    let told = with(&[], |outbox| {
        outbox.actual = vec![index];
        outbox
            .expected
            .push(expected("conventional", "published_at"));
    });
    let (first, _) = told.split_once("\n\n").unwrap_or((&told, ""));
    assert!(
        first.contains("= the table has no other index that comes near"),
        "{told}"
    );
}

#[rstest]
#[case::a_column_is_dropped(
    "ALTER TABLE event_outbox DROP COLUMN published_at",
    "r2.py:11 of r2: column \"published_at\" goes here"
)]
#[case::a_column_is_renamed(
    "ALTER TABLE event_outbox RENAME published_at TO sent_at",
    "r2.py:11 of r2: column \"published_at\" goes here"
)]
#[case::of_another_table(
    "ALTER TABLE essays DROP COLUMN published_at",
    "r2.py:10 of r2: the table is created here"
)]
#[case::of_another_name(
    "ALTER TABLE essays RENAME published_at TO sent_at",
    "r2.py:10 of r2: the table is created here"
)]
#[case::another_column(
    "ALTER TABLE event_outbox DROP COLUMN created_at",
    "r2.py:10 of r2: the table is created here"
)]
#[case::another_columns_name(
    "ALTER TABLE event_outbox RENAME created_at TO sent_at",
    "r2.py:10 of r2: the table is created here"
)]
fn an_index_that_cannot_exist(#[case] sql: &str, #[case] mark: &str) {
    let refused = "column \"published_at\" does not exist".to_owned();
    let found = with(&[(10, TABLE), (11, sql)], |outbox| {
        outbox.expected[0].definition = Err(refused)
    });
    let told = format!(
        r#"index "ix" cannot exist on public.event_outbox as it is
-> {mark}
= the convention: CREATE INDEX ix ON public.event_outbox USING btree (published_at)
= postgresql: column "published_at" does not exist
? bring the table's columns in line with the shared outbox mixin, in a new revision"#
    );
    assert_eq!(found, format!("{told}{MAY_STAY}"));
}

#[rstest]
#[case::created(&[(5, "CREATE INDEX ix ON a (b)")], Some(5), None)]
#[case::guarded(&[(5, "CREATE INDEX IF NOT EXISTS ix ON a (b)")], Some(5), None)]
#[case::guarded_later(&[(5, "CREATE INDEX ix ON a (b)"), (6, "CREATE INDEX IF NOT EXISTS ix ON a (c)")], Some(5), Some(6))]
#[case::renamed(&[(5, "CREATE INDEX other ON a (b)"), (6, "ALTER INDEX other RENAME TO ix")], Some(6), None)]
#[case::a_constraint(&[(5, "ALTER TABLE a ADD CONSTRAINT ix UNIQUE (b)")], Some(5), None)]
#[case::created_again(&[(5, "CREATE INDEX ix ON a (b)"), (6, "CREATE INDEX IF NOT EXISTS ix ON a (c)"), (7, "DROP INDEX ix"), (8, "CREATE INDEX ix ON a (b)")], Some(8), None)]
#[case::dropped(&[(5, "CREATE INDEX ix ON a (b)"), (6, "DROP INDEX ix")], None, None)]
#[case::the_table_is_dropped(&[(5, "CREATE INDEX ix ON a (b)"), (6, "DROP TABLE event_outbox")], None, None)]
#[case::another_is_dropped(&[(5, "CREATE INDEX ix ON a (b)"), (6, "DROP TABLE essays")], Some(5), None)]
fn where_an_index_comes_from(
    #[case] statements: &[(u32, &str)],
    #[case] made: Option<u32>,
    #[case] skipped: Option<u32>,
) {
    let told = of(vec![index("ix", &on("created_at"))], statements);
    let marks: Vec<&str> = told.lines().filter(|line| line.starts_with("->")).collect();
    let skips = "does nothing: the name is taken, and IF NOT EXISTS asks for no more";
    let made = made.map(|line| format!("-> r2.py:{line} of r2: created here"));
    let skipped = skipped.map(|line| format!("-> r2.py:{line} of r2: {skips}"));
    assert_eq!(marks, made.into_iter().chain(skipped).collect::<Vec<_>>());
}

#[rstest]
#[case::near(&["public.event_outboxes", "public.essays"], r#"there is no table "event_outbox" after `upgrade head`
= the nearest table is event_outboxes
? create the table with the shared outbox mixin, and its indexes, in a new revision
? a service that publishes no events says so in services/a.toml: [not_applicable] outbox_indexes = "publishes no events""#)]
#[case::not_near(&["public.essays", "public.schools"], r#"there is no table "event_outbox" after `upgrade head`
= tables there are: public.essays, public.schools
? create the table with the shared outbox mixin, and its indexes, in a new revision
? a service that publishes no events says so in services/a.toml: [not_applicable] outbox_indexes = "publishes no events""#)]
#[case::in_another_schema(&["public.event_outboxes", "own.event_outbox"], r#"there is no table "event_outbox" after `upgrade head`
= the nearest table is own.event_outbox
? create the table with the shared outbox mixin, and its indexes, in a new revision
? a service that publishes no events says so in services/a.toml: [not_applicable] outbox_indexes = "publishes no events""#)]
fn there_is_no_such_table(#[case] tables: &[&str], #[case] expected: &str) {
    let told = with(&[], |outbox| {
        outbox.schemas.clear();
        outbox.tables = tables.iter().map(|table| (*table).to_owned()).collect();
    });
    assert_eq!(told, expected);
}

#[test]
fn there_are_two_such_tables() {
    let told = with(&[], |outbox| {
        outbox.schemas = vec!["own".to_owned(), "public".to_owned()]
    });
    assert_eq!(
        told,
        r#"table "event_outbox" exists in several schemas: own, public
? say which one is meant: schema = "own" in services/a.toml"#
    );
}

#[test]
fn a_convention_without_indexes() {
    assert_eq!(
        with(&[], |outbox| outbox.expected.clear()),
        "blocked by evidence: any index of the convention for public.event_outbox is missing, so nothing was judged"
    );
}

#[test]
fn a_definition_breaks_before_its_clauses() {
    let text =
        "CREATE INDEX ON public.event_outbox USING btree (a, b) INCLUDE (c) WHERE (a IS NULL)";
    assert_eq!(
        parts(text),
        "CREATE INDEX\nON public.event_outbox\nUSING btree (a, b)\nINCLUDE (c)\nWHERE (a IS NULL)"
    );
}

#[test]
fn an_order_is_no_column() {
    let definition = "CREATE INDEX ix ON t USING btree (n, created_at DESC NULLS LAST) \
                      INCLUDE (topic) WHERE (published_at IS NULL)";
    assert_eq!(columns(definition), ["n", "created_at"]);
}
