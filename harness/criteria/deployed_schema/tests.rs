//! Tests of the findings about a schema that is not the accepted one.
#![allow(clippy::unwrap_used)]

use pretty_assertions::assert_eq;
use rstest::rstest;

use super::CRITERION;
use crate::evidence::SchemaFile;
use crate::evidence::catalog::{Catalog, Object, ObjectKind};
use crate::evidence::notes::Content;
use crate::schema;
use crate::testing::{done, evidence, found, migrated, object, place};

/// Objects of `public`, each as `kind name: definition`; columns make the order of
/// their table.
fn catalog(objects: &str) -> Catalog {
    let mut found = vec![Object {
        schema: None,
        ..object("schema", "public", "")
    }];
    let lines = objects
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty());
    for line in lines {
        let (title, definition) = line.split_once(": ").unwrap_or((line, ""));
        let (kind, name) = title.rsplit_once(' ').unwrap();
        found.push(object(kind, name, definition));
        if let Some((table, column)) = name.split_once('.').filter(|_| kind == "column") {
            let is_order =
                |one: &&mut Object| one.kind == ObjectKind::ColumnOrder && one.name == table;
            match found.iter_mut().find(is_order) {
                Some(order) => order.definition.push_str(&format!(", {column}")),
                None => found.push(object("column order", table, column)),
            }
        }
    }
    Catalog { objects: found }
}

fn accepted(content: Content) -> SchemaFile {
    SchemaFile {
        path: "schemas/a.sql".into(),
        content,
        of_no_service: Vec::new(),
    }
}

/// The findings where `before` was accepted and the statements build `after`.
fn of(before: &str, after: &str, statements: &[(u32, &str)]) -> String {
    let mut evidence = evidence();
    let text = schema::text("a", &catalog(before));
    evidence.schema = Some(accepted(Content::Text(text)));
    let migrated = migrated(&mut evidence);
    migrated.catalog = Some(catalog(after));
    for (line, sql) in statements {
        migrated
            .upgrade
            .statements
            .push(done(9, Some(place("r2", *line)), sql));
    }
    found(&CRITERION, &evidence)
}

const ESSAYS: &str = "table essays\ncolumn essays.a: text\ncolumn essays.b: bigint";
const CREATE: &str = "CREATE TABLE public.essays (a text, b bigint)";

#[rstest]
#[case::dropped(
    "table essays\ncolumn essays.a: text",
    &[(10, CREATE), (11, "ALTER TABLE essays DROP COLUMN b"), (12, "ALTER TABLE essays DROP CONSTRAINT c"), (13, "COMMENT ON TABLE essays IS 'had b'")],
    "table public.essays is not as accepted: this is destructive
-> a.sql:7: accepted; destructive: dropped with its values
-> r2.py:11 of r2: dropped here (revision r2)
~ changed: table public.essays
  - b bigint <- destructive: dropped with its values
? keep the data: add a revision that moves it first, or leave the deployed object as it is
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema"
)]
#[case::narrowed(
    "table essays\ncolumn essays.a: text\ncolumn essays.b: integer",
    &[(10, CREATE), (11, "ALTER TABLE essays ALTER b TYPE integer"), (12, "UPDATE essays SET b = 1")],
    "table public.essays is not as accepted: this is destructive
-> a.sql:7: accepted; destructive: narrowed: larger or finer numbers are refused or rounded
-> r2.py:11 of r2: changed here (revision r2)
~ changed: table public.essays
  - b bigint <- destructive: narrowed: larger or finer numbers are refused or rounded
  + b integer <- destructive: narrowed: larger or finer numbers are refused or rounded
? keep the data: add a revision that moves it first, or leave the deployed object as it is
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema"
)]
#[case::added(
    "table essays\ncolumn essays.a: text\ncolumn essays.b: bigint\ncolumn essays.c: text",
    &[(10, CREATE), (11, "ALTER TABLE essays ADD COLUMN c text")],
    "table public.essays is not as accepted
-> a.sql:4: accepted as it is here
-> r2.py:11 of r2: added here (revision r2)
~ changed: table public.essays
  + c text
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema"
)]
#[case::in_another_order(
    "table essays\ncolumn essays.b: bigint\ncolumn essays.a: text",
    &[(10, CREATE)],
    "table public.essays is not as accepted
-> a.sql:4: accepted as it is here
-> r2.py:10 of r2: last changed here (revision r2)
~ changed: table public.essays
  - a, b <- only the order
  + b, a <- only the order
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema"
)]
#[case::as_the_table_is_created(
    "table essays\ncolumn essays.a: text",
    &[(10, "CREATE TABLE public.essays (a text)"), (11, "CREATE INDEX ix ON essays (a)")],
    "table public.essays is not as accepted: this is destructive
-> a.sql:7: accepted; destructive: dropped with its values
-> r2.py:10 of r2: made here, not as accepted (revision r2)
~ changed: table public.essays
  - b bigint <- destructive: dropped with its values
? keep the data: add a revision that moves it first, or leave the deployed object as it is
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema"
)]
fn a_column_is_not_as_accepted(
    #[case] after: &str,
    #[case] statements: &[(u32, &str)],
    #[case] expected: &str,
) {
    assert_eq!(of(ESSAYS, after, statements), expected);
}

#[rstest]
#[case::is_gone(ESSAYS, "", &[(10, CREATE), (11, "DROP TABLE essays"), (12, "SELECT 'no essays'")], "table public.essays was accepted, and is not built any more: this is destructive
-> a.sql:5: accepted; destructive: dropped with its rows
-> r2.py:11 of r2: dropped here (revision r2)
~ removed: table public.essays (destructive: dropped with its rows)
  - CREATE TABLE public.essays (
  -     a text,
  -     b bigint
  - );
? keep the data: add a revision that moves it first, or leave the deployed object as it is
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema")]
#[case::is_new("", ESSAYS, &[(10, CREATE)], "table public.essays is not in the accepted schema
-> r2.py:10 of r2: made here (revision r2)
~ added: table public.essays
  + CREATE TABLE public.essays (
  +     a text,
  +     b bigint
  + );
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema")]
fn a_table(
    #[case] before: &str,
    #[case] after: &str,
    #[case] statements: &[(u32, &str)],
    #[case] expected: &str,
) {
    assert_eq!(of(before, after, statements), expected);
}

#[rstest]
#[case::is_gone("a, b", "a", &[(10, "CREATE TYPE status AS ENUM ('a')"), (11, "DROP TYPE status_2")], "enum type public.status is not as accepted: this is destructive
-> a.sql:7: accepted; destructive: rows that hold this label cannot keep it
-> r2.py:10 of r2: built here without it (revision r2)
~ changed: enum type public.status
  - 'b' <- destructive: rows that hold this label cannot keep it
? keep the data: add a revision that moves it first, or leave the deployed object as it is
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema")]
#[case::is_new("a", "a, b", &[(10, "CREATE TYPE status AS ENUM ('a')"), (11, "ALTER TYPE status ADD VALUE 'b'"), (12, "COMMENT ON TYPE status IS 'c'")], "enum type public.status is not as accepted
-> a.sql:4: accepted as it is here
-> r2.py:11 of r2: added here (revision r2)
~ changed: enum type public.status
  + 'b'
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema")]
#[case::is_elsewhere("a, b", "b, a", &[(10, "CREATE TYPE status AS ENUM ('b', 'a')")], "enum type public.status is not as accepted
-> a.sql:4: accepted as it is here
-> r2.py:10 of r2: last changed here (revision r2)
~ changed: enum type public.status
  - 'a', 'b' <- only the order
  + 'b', 'a' <- only the order
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema")]
fn a_label(
    #[case] before: &str,
    #[case] after: &str,
    #[case] statements: &[(u32, &str)],
    #[case] expected: &str,
) {
    let of_labels = |labels: &str| {
        let quoted: Vec<String> = labels
            .split(", ")
            .map(|label| format!("'{label}'"))
            .collect();
        format!("enum type status: {}", quoted.join(", "))
    };
    assert_eq!(
        of(&of_labels(before), &of_labels(after), statements),
        expected
    );
}

#[test]
fn what_loses_data_comes_first() {
    let before = format!("{ESSAYS}\ntable zebras\ncolumn zebras.a: text\ncolumn zebras.b: text");
    let after =
        "table essays\ncolumn essays.a: text\ncolumn essays.b: bigint\ncolumn essays.c: text
        table zebras\ncolumn zebras.a: text\nsequence ids";
    let statements = [
        (10, "ALTER TABLE essays ADD COLUMN c text"),
        (11, "ALTER TABLE zebras DROP COLUMN b"),
        (12, "CREATE SEQUENCE ids"),
    ];
    assert_eq!(of(&before, after, &statements), "3 objects are not as accepted: 1 of these changes is destructive
-> a.sql:13: accepted; destructive: dropped with its values
-> r2.py:11 of r2: dropped here (revision r2)
-> r2.py:12 of r2: made here (revision r2)
~ changed: table public.zebras
  - b text <- destructive: dropped with its values
~ added: sequence public.ids
  + CREATE SEQUENCE public.ids;
~ changed: table public.essays
  + c text
? keep the data: add a revision that moves it first, or leave the deployed object as it is
? meant? accept the present state: {accept}
? not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema");
}

#[test]
fn a_statement_is_shown_once() {
    let after = "table essays\ncolumn essays.a: text NOT NULL\ncolumn essays.b: integer";
    let statements = [(
        10,
        "ALTER TABLE essays ALTER a SET NOT NULL, ALTER b TYPE integer",
    )];
    let told = of(ESSAYS, after, &statements);
    assert_eq!(told.matches("-> r2.py").count(), 1, "{told}");
}

#[test]
fn what_comes_with_a_table_is_counted() {
    let after = format!(
        "{ESSAYS}
        index i1: CREATE INDEX i1 ON public.essays USING btree (a)
        index i2: CREATE INDEX i2 ON public.essays USING btree (b)
        policy essays.p1: FOR ALL
        policy essays.p2: FOR ALL
        trigger essays.t1: CREATE TRIGGER t1 AFTER INSERT ON public.essays EXECUTE FUNCTION f()
        trigger essays.t2: CREATE TRIGGER t2 AFTER INSERT ON public.essays EXECUTE FUNCTION f()
        rule essays.r1: CREATE RULE r1 AS ON INSERT TO public.essays DO NOTHING"
    );
    let told = of("", &after, &[]);
    let title = told.lines().find(|line| line.starts_with("~ ")).unwrap();
    assert_eq!(
        title,
        "~ added: table public.essays, with 2 indexes and 2 triggers and 1 rule and 2 policies"
    );
}

fn of_file(content: Content, of_no_service: &[&str]) -> String {
    let mut evidence = evidence();
    let of_no_service = of_no_service
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    evidence.schema = Some(SchemaFile {
        of_no_service,
        ..accepted(content)
    });
    found(&CRITERION, &evidence)
}

#[rstest]
#[case::never_accepted(Content::Missing, &[], r#"no schema was accepted for a yet: schemas/a.sql does not exist
? accept what the migrations build now, read the file, and commit it: {accept}
? a service that promises none says so in services/a.toml: [not_applicable] deployed_schema = "<reason>""#)]
#[case::under_another_name(Content::Missing, &["b.sql"], r#"no schema was accepted for a yet: schemas/a.sql does not exist
= b.sql belongs to no service: was this one renamed? then move it: git mv schemas/b.sql schemas/a.sql
? accept what the migrations build now, read the file, and commit it: {accept}
? a service that promises none says so in services/a.toml: [not_applicable] deployed_schema = "<reason>""#)]
#[case::under_one_of_two_names(Content::Missing, &["b.sql", "c.sql"], r#"no schema was accepted for a yet: schemas/a.sql does not exist
= b.sql, c.sql belong to no service: was one of them renamed? then move it: git mv schemas/b.sql schemas/a.sql
? accept what the migrations build now, read the file, and commit it: {accept}
? a service that promises none says so in services/a.toml: [not_applicable] deployed_schema = "<reason>""#)]
#[case::unreadable(Content::Unreadable("it is a directory".to_owned()), &[], "the accepted schema schemas/a.sql cannot be read: it is a directory
? make it a readable file")]
#[case::edited(Content::Text("CREATE TABLE essays;\n".to_owned()), &[], "schemas/a.sql:1 is not as it was written: `CREATE TABLE essays;` belongs to no object
-> a.sql:1: here
= the file is not edited by hand: what it holds was built by the migrations
? write it anew, and look at what git diff shows: {accept}")]
fn a_file_that_holds_no_schema(
    #[case] content: Content,
    #[case] of_no_service: &[&str],
    #[case] expected: &str,
) {
    assert_eq!(of_file(content, of_no_service), expected);
}

#[test]
fn a_file_with_a_conflict() {
    let text = schema::text("a", &catalog(ESSAYS));
    let text = format!("{text}<<<<<<< HEAD\n=======\n>>>>>>> main\n");
    assert_eq!(
        of_file(Content::Text(text), &[]),
        "schemas/a.sql:9 is not as it was written: an unresolved merge conflict: `<<<<<<< HEAD`
-> a.sql:9: here
= two branches changed the accepted schema; what the merged migrations build is right, or neither is
? write it anew, and look at what git diff shows: {accept}"
    );
}

#[rstest]
#[case::the_word("DROP TABLE essays", "essays", true)]
#[case::qualified("DROP TABLE public.\"essays\"", "essays", true)]
#[case::alone("essays", "essays", true)]
#[case::more_letters("DROP TABLE essays2", "essays", false)]
#[case::more_words("DROP TABLE essays_old", "essays", false)]
#[case::letters_before("DROP TABLE myessays", "essays", false)]
#[case::words_before("DROP TABLE my_essays", "essays", false)]
#[case::later("DROP TABLE my_essays, essays", "essays", true)]
#[case::nothing("DROP TABLE essays", "", false)]
fn a_word_is_named_as_a_whole(#[case] text: &str, #[case] word: &str, #[case] named: bool) {
    assert_eq!(super::source::has_word(text, word), named);
}
