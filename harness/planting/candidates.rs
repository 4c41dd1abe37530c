//! The candidates for a column, in the order in which they are tried: [`Candidate`]. Each gives
//! a value for every row.

use super::catalog::{Column, Table, Tables, Type};
use super::dictionary::{Entry, Literal, entries};
use super::regex;
use super::spelling::{Value, array};
use super::values::{Place, PlainValue, plain_value};

/// A way to make a value for a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// The plain value of the type, as `values.rs` makes it.
    Plain,
    /// The column's default.
    Default,
    /// The same for each row.
    Fixed(String),
    /// The row's number.
    Small,
    /// A text of so many characters.
    Sized(usize),
    /// So many bytes.
    Bytes(usize),
    /// An array of so many elements.
    Elements(usize),
    /// A text that a pattern of LIKE matches.
    Like(String),
    /// A text that a regular expression matches.
    Regex(String),
    /// A short text that the expression matches.
    ShortRegex(String),
    /// The plain value of a column number shifted by this: an earlier or later date, a lower or
    /// higher number.
    Shifted(i32),
    /// NULL.
    Null,
}

/// The candidates for a column.
#[must_use]
pub fn candidates(
    tables: &Tables,
    table: &Table,
    column: &Column,
    dictionary: &[Entry],
) -> Vec<Candidate> {
    let mut all = Vec::new();
    if plain(tables, table, column, 0, 1).is_some() {
        all.push(Candidate::Plain);
    }
    if column.default.is_some() || column.identity.is_some() {
        all.push(Candidate::Default);
    }
    let Some((base, modifier)) = tables.bare(column.type_oid, column.modifier) else {
        return all;
    };
    let limit = usize::try_from(modifier - 4)
        .ok()
        .filter(|_| ["varchar", "bpchar"].contains(&base.name.as_str()));
    let limit = limit.unwrap_or(usize::MAX);
    let mut beside = Vec::new();
    let mut elsewhere = Vec::new();
    for entry in dictionary {
        let is_beside = entry.column.as_deref() == Some(column.name.as_str());
        let list = if is_beside {
            &mut beside
        } else {
            &mut elsewhere
        };
        list.extend(from_literal(&entry.literal, &base.name, &base.category));
    }
    all.extend(beside);
    all.extend(domain_elements(tables, base));
    all.extend(alternatives(&base.name, &base.category, &base.labels));
    all.extend(elsewhere);
    if tables.is_nullable(column) {
        all.push(Candidate::Null);
    }
    let mut found: Vec<Candidate> = Vec::new();
    for candidate in all {
        let fits = match &candidate {
            Candidate::Fixed(text) => {
                text.chars().count() <= limit && (base.kind != "e" || base.labels.contains(text))
            }
            Candidate::Sized(length) => *length <= limit,
            _ => true,
        };
        if fits && !found.contains(&candidate) {
            found.push(candidate);
        }
    }
    found
}

fn from_literal(literal: &Literal, name: &str, category: &str) -> Vec<Candidate> {
    let fixed = |text: String| Candidate::Fixed(text);
    let is_text = category == "S" || name == "citext";
    match literal {
        Literal::Number(number) | Literal::Text(number) if category == "N" => {
            let mut candidates = vec![fixed(number.clone())];
            if let Ok(whole) = number.parse::<i64>() {
                candidates.extend([whole + 1, whole - 1].map(|one| fixed(one.to_string())));
            }
            candidates
        }
        Literal::Number(number) => match number.parse::<usize>() {
            Ok(length) if length <= 5_000 => {
                let lengths = [Some(length), length.checked_sub(1), length.checked_add(1)];
                let sized = lengths.into_iter().flatten();
                match (is_text, category, name) {
                    (true, ..) => {
                        let written = lengths
                            .into_iter()
                            .flatten()
                            .map(|one| Candidate::Fixed(one.to_string()));
                        sized.map(Candidate::Sized).chain(written).collect()
                    }
                    (_, "A", _) if length < 100 => sized.map(Candidate::Elements).collect(),
                    (_, _, "bytea") => sized.map(Candidate::Bytes).collect(),
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        },
        Literal::Text(text) if is_text => {
            let mut capital: String = text.to_lowercase();
            if let Some(first) = text.chars().next() {
                capital = first.to_uppercase().chain(text.chars().skip(1)).collect();
            }
            [
                text.clone(),
                text.to_uppercase(),
                text.to_lowercase(),
                capital,
            ]
            .map(fixed)
            .to_vec()
        }
        Literal::Text(text) if category == "A" => vec![fixed(array(&[text], ','))],
        Literal::Text(text) if name == "json" || name == "jsonb" => {
            let member = serde_json::json!({ text.as_str(): text }).to_string();
            vec![
                fixed(member),
                fixed(serde_json::json!([text]).to_string()),
                fixed(text.clone()),
            ]
        }
        Literal::Text(text) => vec![fixed(text.clone())],
        Literal::Like(pattern) => vec![Candidate::Like(pattern.clone())],
        Literal::Regex(expression) => vec![
            Candidate::Regex(expression.clone()),
            Candidate::ShortRegex(expression.clone()),
        ],
    }
}

/// Arrays of what the CHECKs of a domain speak of.
fn domain_elements(tables: &Tables, found: &Type) -> Vec<Candidate> {
    let element = found
        .element
        .filter(|_| found.category == "A")
        .and_then(|oid| tables.types.get(&oid));
    let Some(domain) = element.filter(|element| element.kind == "d") else {
        return Vec::new();
    };
    let Some((base, _)) = tables.bare(domain.oid, -1) else {
        return Vec::new();
    };
    let literals = domain.checks.iter().flat_map(|check| entries(check, &[]));
    let texts = literals
        .flat_map(|entry| from_literal(&entry.literal, &base.name, &base.category))
        .filter_map(|candidate| match candidate {
            Candidate::Fixed(text) => Some(text),
            Candidate::Regex(expression) => regex::sample(&expression, 1, 3),
            _ => None,
        });
    texts
        .map(|text| Candidate::Fixed(array(&[&text], ',')))
        .collect()
}

/// Texts of the forms that applications ask for.
const FORMS: [&str; 8] = [
    "[a-z]{8}",
    "[A-Z]{3}",
    "[0-9]{10}",
    "[0-9a-f]{64}",
    r"[a-z]{8}@example\.com",
    r"https://example\.com/[a-z]{8}",
    "[0-9a-f]{8}-0000-4000-8000-[0-9a-f]{12}",
    "[A-Z]{2}",
];
/// Texts that some type of an extension may read.
const UNKNOWN: [&str; 14] = [
    "1",
    "0",
    "a",
    "(1,2)",
    "{}",
    "[1,2,3]",
    "a=>1",
    "2001-01-01",
    "1.1",
    "::1",
    "{1}",
    "a.b",
    "1..2",
    "978-0-393-04002-9",
];

fn alternatives(name: &str, category: &str, labels: &[String]) -> Vec<Candidate> {
    let fixed = |texts: &[&str]| -> Vec<Candidate> {
        texts
            .iter()
            .map(|one| Candidate::Fixed((*one).to_owned()))
            .collect()
    };
    let shifted = [Candidate::Shifted(-4_000), Candidate::Shifted(4_000)];
    let mut candidates = match (category, name) {
        ("E", _) => labels
            .iter()
            .map(|one| Candidate::Fixed(one.clone()))
            .collect(),
        ("B", _) => fixed(&["true", "false"]),
        ("N", "regclass" | "regtype" | "regproc" | "regrole") => fixed(&["0", "1247"]),
        ("N", _) => [
            vec![Candidate::Small],
            fixed(&["1", "0", "2", "-1", "10", "50", "100", "0.5"]),
        ]
        .concat(),
        ("S", _) | (_, "citext") => {
            let forms = FORMS.iter().map(|one| Candidate::Regex((*one).to_owned()));
            forms.chain(fixed(&["a", "A", "1", "0", ""])).collect()
        }
        ("D", _) => fixed(&[
            "2001-01-01",
            "2999-01-01",
            "1970-01-01",
            "2024-06-01",
            "12:00",
        ]),
        ("A", _) => [
            vec![
                Candidate::Elements(1),
                Candidate::Elements(2),
                Candidate::Elements(3),
            ],
            fixed(&["{}"]),
        ]
        .concat(),
        ("R", _) => fixed(&["empty", "(,)"]),
        ("I", _) => fixed(&["127.0.0.1", "10.0.0.0/8", "::1"]),
        ("V", _) => fixed(&["0", "1"]),
        ("T", _) => fixed(&["1 day", "0", "1 hour", "-1 day"]),
        (_, "json" | "jsonb") => fixed(&["{}", "[]", "[\"a\"]", "\"a\"", "1", "null"]),
        (_, "bytea") => vec![
            Candidate::Bytes(1),
            Candidate::Bytes(16),
            Candidate::Bytes(32),
            Candidate::Bytes(0),
        ],
        (_, "uuid" | "xml" | "tsvector") => Vec::new(),
        _ => fixed(&UNKNOWN),
    };
    if ["N", "D", "T"].contains(&category) {
        candidates.extend(shifted);
    }
    candidates
}

/// The type's own value for a column, of the column with this number in the database.
#[must_use]
pub fn plain(
    tables: &Tables,
    table: &Table,
    column: &Column,
    ordinal: u32,
    row: u32,
) -> Option<PlainValue> {
    let place = place(table, column, ordinal, row);
    plain_value(
        tables,
        column.type_oid,
        column.modifier,
        &column.type_text,
        place,
    )
}

fn place<'a>(table: &'a Table, column: &'a Column, ordinal: u32, row: u32) -> Place<'a> {
    Place {
        table: &table.name,
        column: &column.name,
        ordinal,
        row,
        is_key: table.is_unique(column.number) || column.has_sequence(),
    }
}

impl Candidate {
    /// The value for a row, and its token; `None` where the candidate has none for this type.
    #[must_use]
    pub fn value(
        &self,
        tables: &Tables,
        table: &Table,
        column: &Column,
        ordinal: u32,
        row: u32,
    ) -> Option<(Value, Option<String>)> {
        let text = |text: String| Some((Value::Text(text), None));
        let seed = row.wrapping_add(ordinal.wrapping_mul(31));
        match self {
            Self::Plain => {
                let made = plain(tables, table, column, ordinal, row)?;
                Some((Value::Text(made.text), made.token))
            }
            Self::Default => Some((Value::Default, None)),
            Self::Null => Some((Value::Null, None)),
            Self::Fixed(fixed) => text(fixed.clone()),
            Self::Small => text(row.to_string()),
            Self::Sized(length) => text(sized(
                &place(table, column, ordinal, row).text(*length),
                *length,
            )),
            Self::Bytes(length) => {
                let token = sized(&format!("{row:04}{}", column.name), *length);
                text(
                    token
                        .bytes()
                        .take(*length)
                        .fold("\\x".to_owned(), |hex, byte| format!("{hex}{byte:02x}")),
                )
            }
            Self::Elements(count) => {
                let rows = (0..u32::try_from(*count).ok()?).map(|nth| row + nth * 20);
                let places = rows.map(|row| place(table, column, ordinal, row));
                text(elements(tables, column, places)?)
            }
            Self::Like(pattern) => {
                text(like(pattern, &place(table, column, ordinal, row).text(12)))
            }
            Self::Regex(expression) => text(regex::sample(expression, seed, 6)?),
            Self::ShortRegex(expression) => text(regex::sample(expression, seed, 2)?),
            Self::Shifted(by) => {
                let made = plain(
                    tables,
                    table,
                    column,
                    ordinal.saturating_add_signed(*by),
                    row,
                )?;
                Some((Value::Text(made.text), None))
            }
        }
    }
}

/// An array with an element for each place.
fn elements<'a>(
    tables: &Tables,
    column: &Column,
    places: impl Iterator<Item = Place<'a>>,
) -> Option<String> {
    let (base, _) = tables.bare(column.type_oid, -1)?;
    let element = tables.types.get(&base.element?)?;
    let values = places.map(|place| plain_value(tables, element.oid, column.modifier, "", place));
    let values: Option<Vec<PlainValue>> = values.collect();
    let values = values?;
    let texts: Vec<&str> = values.iter().map(|one| one.text.as_str()).collect();
    let delimiter = if element.name == "box" { ';' } else { ',' };
    Some(array(&texts, delimiter))
}

/// A text of exactly so many characters, filled up with `x`.
pub fn sized(text: &str, length: usize) -> String {
    let letters = text.chars().chain(std::iter::repeat('x'));
    letters.take(length).collect()
}

fn like(pattern: &str, token: &str) -> String {
    let mut written = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => written.push_str(token),
            '_' => written.push('x'),
            '\\' => written.extend(letters.next()),
            plain => written.push(plain),
        }
    }
    written
}
