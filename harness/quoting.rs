//! Identifiers and literals of SQL, quoted
//! (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>), and texts of others.
//!
//! PostgreSQL's own `quote_ident` depends on the keywords of its version; a text that
//! is kept for years must not.

/// Every word that some PostgreSQL from 12 to 18 does not take for a plain name
/// (`pg_get_keywords()`, all but category U).
const KEYWORDS: &str = "all analyse analyze and any array as asc asymmetric authorization between \
    bigint binary bit boolean both case cast char character check coalesce collate collation column \
    concurrently constraint create cross current_catalog current_date current_role current_schema \
    current_time current_timestamp current_user dec decimal default deferrable desc distinct do else \
    end except exists extract false fetch float for foreign freeze from full grant greatest group \
    grouping having ilike in initially inner inout int integer intersect interval into is isnull join \
    json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar \
    json_serialize json_table json_value lateral leading least left like limit localtime \
    localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric \
    offset on only or order out outer overlaps overlay placing position precision primary real \
    references returning right row select session_user setof similar smallint some substring symmetric \
    system_user table tablesample then time timestamp to trailing treat trim true union unique user \
    using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement \
    xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable";

/// An identifier in double quotes.
#[must_use]
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An identifier, in double quotes unless it is plain.
#[must_use]
pub fn identifier(name: &str) -> String {
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let starts_well = name.starts_with(|letter: char| letter.is_ascii_lowercase() || letter == '_');
    if starts_well && name.chars().all(plain) && !KEYWORDS.split(' ').any(|word| word == name) {
        name.to_owned()
    } else {
        quoted(name)
    }
}

/// A name with its schema, where it has one.
#[must_use]
pub fn qualified(schema: Option<&str>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", identifier(schema), identifier(name)),
        None => identifier(name),
    }
}

/// A text in single quotes, with backslashes as they are (`standard_conforming_strings`).
#[must_use]
pub fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A text in double quotes with backslashes before what would end it, as Python, TOML and the
/// elements of PostgreSQL's arrays have it.
#[must_use]
pub fn escaped(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{identifier, literal, qualified, quoted};

    #[rstest]
    #[case::plain("essays_2", "essays_2")]
    #[case::keyword("order", "\"order\"")]
    #[case::keyword_of_one_version("json", "\"json\"")]
    #[case::type_name("name", "name")]
    #[case::upper("Essays", "\"Essays\"")]
    #[case::digit_first("2024", "\"2024\"")]
    #[case::index("ix_a", "ix_a")]
    #[case::quote("a\"b", "\"a\"\"b\"")]
    #[case::umlaut("prüfung", "\"prüfung\"")]
    #[case::empty("", "\"\"")]
    fn quotes_what_is_not_plain(#[case] name: &str, #[case] text: &str) {
        assert_eq!(identifier(name), text);
    }

    #[rstest]
    fn quotes_each_part() {
        assert_eq!(qualified(Some("public"), "user"), "public.\"user\"");
        assert_eq!(qualified(None, "a b"), "\"a b\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(quoted("a"), "\"a\"");
    }
}
