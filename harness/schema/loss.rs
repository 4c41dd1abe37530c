//! The risk of a change to rows that exist: [`DataRisk`].
//!
//! Migrations are judged on empty tables; deployed ones are not.

use super::kinds::SectionKind;
use super::read::{Key, Part, split_name};

/// The risk of a change to rows that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataRisk {
    /// Nothing.
    None,
    /// It fails where rows are not as they would have to be, and why.
    Risky(String),
    /// It loses data, and why.
    Destructive(String),
}

/// The risk of removing an object as a whole.
#[must_use]
pub fn of_removed(kind: SectionKind) -> DataRisk {
    match kind {
        SectionKind::Table | SectionKind::ForeignTable => destructive("dropped with its rows"),
        SectionKind::Sequence => risky("its position is lost"),
        SectionKind::Schema => destructive("dropped with what is in it"),
        SectionKind::Extension
        | SectionKind::EnumType
        | SectionKind::Domain
        | SectionKind::CompositeType
        | SectionKind::RangeType
        | SectionKind::Function
        | SectionKind::Procedure
        | SectionKind::Aggregate
        | SectionKind::View
        | SectionKind::MaterializedView
        | SectionKind::Index
        | SectionKind::SequenceOwner
        | SectionKind::Constraint
        | SectionKind::ForeignKey
        | SectionKind::ReplicaIdentity
        | SectionKind::Statistics
        | SectionKind::Trigger
        | SectionKind::Rule
        | SectionKind::Policy
        | SectionKind::Partition
        | SectionKind::Other
        | SectionKind::Comment => DataRisk::None,
    }
}

/// The risk of adding an object as a whole.
#[must_use]
pub fn of_added(kind: SectionKind, text: &str) -> DataRisk {
    match kind {
        SectionKind::Index if text.starts_with("CREATE UNIQUE ") => {
            risky("fails where rows are not unique")
        }
        SectionKind::ForeignKey if !text.contains(" NOT VALID") => {
            risky("fails where a row references none")
        }
        SectionKind::Index
        | SectionKind::ForeignKey
        | SectionKind::Schema
        | SectionKind::Extension
        | SectionKind::EnumType
        | SectionKind::Domain
        | SectionKind::CompositeType
        | SectionKind::RangeType
        | SectionKind::Sequence
        | SectionKind::Function
        | SectionKind::Procedure
        | SectionKind::Aggregate
        | SectionKind::Table
        | SectionKind::ForeignTable
        | SectionKind::View
        | SectionKind::MaterializedView
        | SectionKind::SequenceOwner
        | SectionKind::Constraint
        | SectionKind::ReplicaIdentity
        | SectionKind::Statistics
        | SectionKind::Trigger
        | SectionKind::Rule
        | SectionKind::Policy
        | SectionKind::Partition
        | SectionKind::Other
        | SectionKind::Comment => DataRisk::None,
    }
}

/// The risk of changing one line of an object.
#[must_use]
pub fn of_part(kind: SectionKind, before: Option<&Part>, after: Option<&Part>) -> DataRisk {
    match kind {
        SectionKind::Index | SectionKind::ForeignKey => match after {
            Some(after) => of_added(kind, &after.text),
            None => DataRisk::None,
        },
        SectionKind::Domain => match (before, after) {
            (Some(before), Some(after)) => of_base_type(&before.text, &after.text),
            _ => of_line(before, after),
        },
        SectionKind::Schema
        | SectionKind::Extension
        | SectionKind::EnumType
        | SectionKind::CompositeType
        | SectionKind::RangeType
        | SectionKind::Sequence
        | SectionKind::Function
        | SectionKind::Procedure
        | SectionKind::Aggregate
        | SectionKind::Table
        | SectionKind::ForeignTable
        | SectionKind::View
        | SectionKind::MaterializedView
        | SectionKind::SequenceOwner
        | SectionKind::Constraint
        | SectionKind::ReplicaIdentity
        | SectionKind::Statistics
        | SectionKind::Trigger
        | SectionKind::Rule
        | SectionKind::Policy
        | SectionKind::Partition
        | SectionKind::Other
        | SectionKind::Comment => of_line(before, after),
    }
}

fn of_base_type(before: &str, after: &str) -> DataRisk {
    match (base_type(before), base_type(after)) {
        (Some(before), Some(after)) => converted(before, after),
        _ => DataRisk::None,
    }
}

fn of_line(before: Option<&Part>, after: Option<&Part>) -> DataRisk {
    match (before, after) {
        (Some(before), None) => match before.key {
            Key::Column(_) => destructive("dropped with its values"),
            Key::Label(_) => destructive("rows that hold this label cannot keep it"),
            Key::Constraint(_) | Key::Line => DataRisk::None,
        },
        (None, Some(after)) => added(after),
        (Some(before), Some(after)) => match before.key {
            Key::Column(_) => column(&before.text, &after.text),
            Key::Constraint(_) => added(after),
            Key::Label(_) | Key::Line => DataRisk::None,
        },
        (None, None) => DataRisk::None,
    }
}

fn added(after: &Part) -> DataRisk {
    match after.key {
        Key::Column(_) => {
            let column = Column::parse(&after.text);
            let filled = ["DEFAULT ", "GENERATED "]
                .iter()
                .any(|word| column.rest.starts_with(word))
                || column.kind.ends_with("serial");
            if column.not_null && !filled {
                risky("NOT NULL without a default fails where there are rows")
            } else {
                DataRisk::None
            }
        }
        Key::Constraint(_) => risky("fails where a row breaks it"),
        _ => DataRisk::None,
    }
}

fn column(before: &str, after: &str) -> DataRisk {
    let (before, after) = (Column::parse(before), Column::parse(after));
    match converted(before.kind, after.kind) {
        DataRisk::None if after.not_null && !before.not_null => {
            risky("NOT NULL fails where a value is null")
        }
        DataRisk::None if before.generated() != after.generated() => match after.generated() {
            true => destructive("generated: the values that are there are lost"),
            false => DataRisk::None,
        },
        risk => risk,
    }
}

/// A column's line, taken apart: `title text COLLATE "C" NOT NULL DEFAULT ''`.
struct Column<'a> {
    kind: &'a str,
    not_null: bool,
    rest: &'a str,
}

impl<'a> Column<'a> {
    fn parse(text: &'a str) -> Self {
        let definition = split_name(text).1;
        let end = [" COLLATE ", " NOT NULL", " DEFAULT ", " GENERATED "]
            .iter()
            .filter_map(|word| definition.find(word))
            .min();
        let (kind, rest) = definition.split_at(end.unwrap_or(definition.len()));
        let rest = rest.trim_start();
        let rest = rest.strip_prefix("COLLATE ").map_or(rest, |rest| {
            rest.split_once(' ').map_or("", |(_, rest)| rest)
        });
        let not_null = rest.strip_prefix("NOT NULL");
        Self {
            kind,
            not_null: not_null.is_some(),
            rest: not_null.unwrap_or(rest).trim_start(),
        }
    }

    fn generated(&self) -> bool {
        self.rest.starts_with("GENERATED ALWAYS AS (")
    }
}

/// The type of `CREATE DOMAIN public.a AS text NOT NULL;`.
fn base_type(text: &str) -> Option<&str> {
    let (_, definition) = text.split_once(" AS ")?;
    let end = [" COLLATE ", " NOT NULL", " DEFAULT ", " CONSTRAINT ", ";"]
        .iter()
        .filter_map(|word| definition.find(word))
        .min();
    definition.get(..end.unwrap_or(definition.len()))
}

/// The risk of converting the values of a type to another one.
fn converted(before: &str, after: &str) -> DataRisk {
    let (old, new) = (Type::parse(before), Type::parse(after));
    if old == new {
        return DataRisk::None;
    }
    if let (Some(before), Some(after)) = (before.strip_suffix("[]"), after.strip_suffix("[]")) {
        return converted(before, after);
    }
    let narrowed = |what: &str| destructive(&format!("narrowed: {what}"));
    match (old.text_length(), new.text_length()) {
        (Some(old), Some(new)) if new < old => {
            return narrowed(&format!("at most {new} characters remain"));
        }
        (Some(_), Some(_)) => return DataRisk::None,
        _ => {}
    }
    if let (Some(old), Some(new)) = (old.number(), new.number()) {
        return if new.holds(&old) {
            DataRisk::None
        } else {
            narrowed("larger or finer numbers are refused or rounded")
        };
    }
    if old.name == new.name && old.is_time() {
        let (old, new) = (old.first.unwrap_or(6), new.first.unwrap_or(6));
        return if new < old {
            narrowed("fractions of seconds are cut")
        } else {
            DataRisk::None
        };
    }
    match (old.name.as_str(), new.name.as_str()) {
        ("timestamp with time zone" | "timestamp without time zone", "date") => {
            narrowed("the time of day is cut")
        }
        ("timestamp with time zone", "timestamp without time zone") => {
            narrowed("the instant becomes a local time")
        }
        ("jsonb", "json") => DataRisk::None,
        (_, "text" | "character varying") if new.first.is_none() => DataRisk::None,
        _ => risky("another type: fails where a value cannot be converted"),
    }
}

/// A type such as `numeric(10,2)`.
#[derive(Debug, PartialEq, Eq)]
struct Type {
    name: String,
    first: Option<u32>,
    second: Option<i32>,
}

/// The range of a numeric type.
struct Number {
    /// Decimal digits before the point.
    whole: f64,
    /// Decimal digits after the point.
    fraction: f64,
}

impl Number {
    fn holds(&self, other: &Self) -> bool {
        self.whole >= other.whole && self.fraction >= other.fraction
    }
}

impl Type {
    fn parse(text: &str) -> Self {
        let plain = match text {
            "smallserial" => "smallint",
            "serial" => "integer",
            "bigserial" => "bigint",
            other => other,
        };
        let bare = || Self {
            name: plain.to_owned(),
            first: None,
            second: None,
        };
        let Some((name, rest)) = plain.split_once('(') else {
            return bare();
        };
        // A precision stands within a name: `timestamp(0) without time zone`.
        let Some((numbers, after)) = rest.split_once(')') else {
            return bare();
        };
        let mut numbers = numbers.split(',');
        let first = numbers.next().and_then(|number| number.trim().parse().ok());
        let second = numbers.next().and_then(|number| number.trim().parse().ok());
        Self {
            name: format!("{}{after}", name.trim_end()),
            first,
            second,
        }
    }

    /// The number of characters that it holds.
    fn text_length(&self) -> Option<u32> {
        match self.name.as_str() {
            "text" => Some(u32::MAX),
            "character varying" => Some(self.first.unwrap_or(u32::MAX)),
            "character" => Some(self.first.unwrap_or(1)),
            _ => None,
        }
    }

    /// <https://www.postgresql.org/docs/current/datatype-numeric.html>
    fn number(&self) -> Option<Number> {
        let (whole, fraction) = match (self.name.as_str(), self.first) {
            ("smallint", _) => (4.5, 0.0),
            ("integer", _) => (9.3, 0.0),
            ("bigint", _) => (18.9, 0.0),
            ("real", _) => (6.0, 6.0),
            ("double precision", _) => (15.0, 15.0),
            ("numeric", None) => (f64::INFINITY, f64::INFINITY),
            ("numeric", Some(precision)) => {
                let scale = f64::from(self.second.unwrap_or_default());
                (f64::from(precision) - scale, scale)
            }
            _ => return None,
        };
        Some(Number { whole, fraction })
    }

    fn is_time(&self) -> bool {
        self.name.starts_with("time") || self.name == "interval"
    }
}

fn risky(why: &str) -> DataRisk {
    DataRisk::Risky(why.to_owned())
}

fn destructive(why: &str) -> DataRisk {
    DataRisk::Destructive(why.to_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{DataRisk, column};

    fn risk(before: &str, after: &str) -> &'static str {
        match column(&format!("a {before}"), &format!("a {after}")) {
            DataRisk::None => "none",
            DataRisk::Risky(_) => "risky",
            DataRisk::Destructive(_) => "destructive",
        }
    }

    #[rstest]
    #[case::shorter("character varying(64)", "character varying(32)", "destructive")]
    #[case::longer("character varying(32)", "character varying(64)", "none")]
    #[case::text_cut("text", "character varying(255)", "destructive")]
    #[case::text_without_end("text", "character varying", "none")]
    #[case::to_text("character varying(64) NOT NULL", "text NOT NULL", "none")]
    #[case::padded("character varying(3)", "character(3)", "none")]
    #[case::one_character("character varying(3)", "character", "destructive")]
    #[case::smaller_integer("bigint NOT NULL", "integer NOT NULL", "destructive")]
    #[case::smaller_serial("bigserial NOT NULL", "serial NOT NULL", "destructive")]
    #[case::larger_integer("integer", "bigint", "none")]
    #[case::serial("integer NOT NULL", "serial NOT NULL", "none")]
    #[case::less_precise("numeric(10,2)", "numeric(8,2)", "destructive")]
    #[case::less_scale("numeric(10,2)", "numeric(10,0)", "destructive")]
    #[case::more_scale_fewer_digits("numeric(10,2)", "numeric(10,4)", "destructive")]
    #[case::more_precise("numeric(10,2)", "numeric(12,2)", "none")]
    #[case::any_numeric("numeric(10,2)", "numeric", "none")]
    #[case::limited("numeric", "numeric(10,2)", "destructive")]
    #[case::no_fraction("numeric(10,2)", "bigint", "destructive")]
    #[case::integer_to_numeric("integer", "numeric(12,2)", "none")]
    #[case::float("double precision", "real", "destructive")]
    #[case::whole_seconds(
        "timestamp with time zone",
        "timestamp(0) with time zone",
        "destructive"
    )]
    #[case::zone(
        "timestamp with time zone",
        "timestamp without time zone",
        "destructive"
    )]
    #[case::day("timestamp without time zone", "date", "destructive")]
    #[case::elements("character varying(64)[]", "character varying(32)[]", "destructive")]
    #[case::enum_to_text("public.essay_status", "character varying", "none")]
    #[case::text_to_enum("text", "public.essay_status", "risky")]
    #[case::text_to_number("text", "integer", "risky")]
    #[case::not_null("text", "text NOT NULL", "risky")]
    #[case::null("text NOT NULL", "text", "none")]
    #[case::default("text DEFAULT 'a'::text", "text DEFAULT 'b'::text", "none")]
    #[case::default_text_is_no_type("text DEFAULT 'x NOT NULL'::text", "text", "none")]
    #[case::collation("text COLLATE \"C\"", "text COLLATE \"de_DE\" NOT NULL", "risky")]
    #[case::generated("integer", "integer GENERATED ALWAYS AS (1) STORED", "destructive")]
    fn weighs(#[case] before: &str, #[case] after: &str, #[case] expected: &str) {
        assert_eq!(risk(before, after), expected);
    }
}
