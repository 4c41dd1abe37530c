//! A text that was edited is told from one that was written, with the line.

use rstest::rstest;

use super::{DataRisk, Key, Mark, SectionKind, differences, read, text};
use crate::evidence::Catalog;
use crate::evidence::catalog::{Object, ObjectKind};

const ACCEPTED: &str = "-- The accepted schema.

-- enum type public.status
CREATE TYPE public.status AS ENUM (
    'a',
    'it''s, b'
);

-- table public.essays
CREATE TABLE public.essays (
    id serial NOT NULL,
    \"a \"\"b, c\" text DEFAULT 'x
y'::text,
    CONSTRAINT essays_pkey PRIMARY KEY (id)
);

-- index public.ix_essays
CREATE INDEX ix_essays ON public.essays USING btree (id);
";

fn object(schema: Option<&str>, kind: &str, name: &str, definition: &str) -> Object {
    Object {
        schema: schema.map(str::to_owned),
        kind: kind.parse().unwrap_or(ObjectKind::Role),
        name: name.to_owned(),
        definition: definition.to_owned(),
    }
}

#[test]
fn an_object_is_taken_apart_by_what_its_lines_are_about() {
    let blocks = read(ACCEPTED).unwrap_or_default();
    let titles: Vec<(String, u32)> = blocks
        .iter()
        .map(|block| (block.title(), block.line))
        .collect();
    let expected = [
        ("enum type public.status", 3),
        ("table public.essays", 9),
        ("index public.ix_essays", 17),
    ];
    assert_eq!(
        titles,
        expected.map(|(title, line)| (title.to_owned(), line))
    );
    let keys: Vec<(&Key, u32)> = blocks[1]
        .parts
        .iter()
        .map(|part| (&part.key, part.line))
        .collect();
    let column = |name: &str| Key::Column(name.to_owned());
    let expected = [
        (&Key::Line, 10),
        (&column("id"), 11),
        (&column("\"a \"\"b, c\""), 12),
        (&Key::Constraint("essays_pkey".to_owned()), 14),
        (&Key::Line, 15),
    ];
    assert_eq!(keys, expected);
    assert_eq!(blocks[0].parts[2].text, "'it''s, b'");
}

#[rstest]
#[case::conflict(
    "    'a',\n",
    "<<<<<<< HEAD\n    'a',\n",
    5,
    "unresolved merge conflict"
)]
#[case::remark("\n-- index", "\n-- a remark\n\n-- index", 17, "announces no object")]
#[case::twice(
    "-- index public.ix_essays",
    "-- table public.essays\nx;\n\n-- index public.ix_essays",
    17,
    "twice, first in line 9"
)]
#[case::nothing_below(
    "CREATE INDEX ix_essays ON public.essays USING btree (id);\n",
    "",
    17,
    "nothing below"
)]
#[case::no_header("-- enum type public.status\n", "", 3, "belongs to no object")]
#[case::open_quote("'a',", "'a,", 5, "never closed")]
#[case::open_quote_late("btree (id)", "btree ('id)", 18, "never closed")]
fn what_was_not_written_here_is_found(
    #[case] from: &str,
    #[case] to: &str,
    #[case] line: u32,
    #[case] says: &str,
) {
    let edited = ACCEPTED.replacen(from, to, 1);
    assert_ne!(edited, ACCEPTED);
    match read(&edited) {
        Err(problem) => {
            assert!(problem.problem.contains(says), "{problem:?}");
            // A quote that is closed by the next one is missed until the last.
            assert!(
                problem.line == line || says == "never closed",
                "{problem:?}"
            );
        }
        Ok(blocks) => assert_eq!(format!("{blocks:?}"), "an error"),
    }
}

#[test]
fn line_ends_of_another_system_are_the_same_text() {
    let blocks = (read(ACCEPTED), read(&ACCEPTED.replace('\n', "\r\n")));
    assert_eq!(blocks.0, blocks.1);
}

#[rstest]
#[case::label_removed("    'a',\n", "", Mark::Changed, true)]
#[case::label_added("    'a',\n", "    'a',\n    'c',\n", Mark::Changed, false)]
#[case::column_removed("    id serial NOT NULL,\n", "", Mark::Changed, true)]
#[case::constraint_removed(
    ",\n    CONSTRAINT essays_pkey PRIMARY KEY (id)",
    "",
    Mark::Changed,
    false
)]
#[case::index_changed("btree (id)", "hash (id)", Mark::Changed, false)]
#[case::index_removed(
    "\n-- index public.ix_essays\nCREATE INDEX ix_essays ON public.essays USING btree (id);\n",
    "",
    Mark::Removed,
    false
)]
fn a_difference_is_marked(
    #[case] from: &str,
    #[case] to: &str,
    #[case] mark: Mark,
    #[case] destructive: bool,
) {
    let present = ACCEPTED.replacen(from, to, 1);
    let all = differences(
        &read(ACCEPTED).unwrap_or_default(),
        &read(&present).unwrap_or_default(),
    );
    let found: Vec<(Mark, bool)> = all
        .iter()
        .map(|one| (one.mark, one.is_destructive()))
        .collect();
    assert_eq!(found, [(mark, destructive)], "{all:?}");
}

#[test]
fn what_goes_with_a_table_is_named_with_it() {
    let (before, table) = ACCEPTED.split_once("-- table").unwrap_or_default();
    let all = differences(
        &read(ACCEPTED).unwrap_or_default(),
        &read(before).unwrap_or_default(),
    );
    assert!(!table.is_empty());
    assert_eq!(all.len(), 1, "{all:?}");
    assert_eq!(
        (all[0].kind, all[0].with.clone()),
        (SectionKind::Table, vec![SectionKind::Index])
    );
    assert!(matches!(all[0].risk, DataRisk::Destructive(_)), "{all:?}");
}

/// Objects that no shipped service has, and a test server may lack.
#[test]
fn extensions_and_what_has_no_definition_are_named() {
    let objects = vec![
        object(None, "extension", "uuid-ossp", "SCHEMA public"),
        object(None, "role", "reader", "LOGIN"),
        object(Some("public"), "schema", "public", ""),
        object(
            Some("public"),
            "operator",
            "public.===(integer,integer)",
            "",
        ),
        object(Some("public"), "aggregate", "Total(integer)", "bigint"),
    ];
    let text = text("a", &Catalog { objects });
    let expected = "\n-- extension \"uuid-ossp\"\nCREATE EXTENSION \"uuid-ossp\" WITH SCHEMA public;\n\n\
        -- aggregate public.\"Total\"(integer)\n-- returns bigint; only its name is recorded\n\n\
        -- other operator public.===(integer,integer)\n-- only its name is recorded\n";
    assert!(text.ends_with(expected), "{text}");
    assert!(!text.contains("reader"), "{text}");
}

#[test]
fn a_public_schema_that_is_dropped_is_said() {
    assert!(text("a", &Catalog::default()).contains("\n-- schema public\nDROP SCHEMA public;\n"));
}
