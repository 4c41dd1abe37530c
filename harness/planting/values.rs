//! The values of plain rows: [`plain_value`] gives each type its own, which tell by themselves
//! what table, column and row they stand in.
//!
//! Texts name all three. Numbers of keys are far away from the first ones, which seeds use;
//! others are small enough to be multiplied by a hundred. The same row's later column gets
//! the later moment, the later day and the higher number, as pairs of columns usually ask.

use super::calendar::{day, moment_at};
use super::catalog::{Tables, Type};
use super::geometry::geometry;
use super::spelling::{array, composite};
use crate::quoting::escaped;

/// The rows of a table have numbers below this one.
pub const STRIDE: u32 = 1_000;
/// A token is long enough not to be met by chance.
const TOKEN: usize = 6;

/// The place of a value.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The column's name.
    pub column: &'a str,
    /// The column's number among all of the database, from 0.
    pub ordinal: u32,
    /// The row's number, from 1.
    pub row: u32,
    /// Tells whether it is part of a key, or refers to one.
    pub is_key: bool,
}

/// A value as PostgreSQL reads it, without quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainValue {
    /// Its text.
    pub text: String,
    /// The part of it that occurs nowhere else.
    pub token: Option<String>,
}

impl PlainValue {
    fn token(text: String) -> Self {
        let token = Some(text.clone()).filter(|text| text.len() >= TOKEN);
        Self { text, token }
    }

    fn holding(token: String, text: String) -> Self {
        let token = Some(token);
        Self { text, token }
    }

    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            token: None,
        }
    }
}

impl Place<'_> {
    /// The number that stands for the place, without anything added to it.
    fn unique(&self) -> u64 {
        u64::from(self.ordinal) * u64::from(STRIDE) + u64::from(self.row)
    }

    /// A number far away from those of seeds.
    #[must_use]
    pub fn number(&self) -> u64 {
        let base = if self.is_key { 900_000_000 } else { 1_000_000 };
        base + self.unique()
    }

    /// A text that names table, column and row, of `limit` characters at most.
    #[must_use]
    pub fn text(&self, limit: usize) -> String {
        let plain = |name: &str| -> String {
            let letters = name
                .chars()
                .filter(|one| one.is_ascii_alphanumeric() || *one == '_');
            letters.collect::<String>().to_lowercase()
        };
        let whole = format!(
            "{}.{}.{:04}",
            plain(self.table),
            plain(self.column),
            self.row
        );
        if whole.len() <= limit {
            return whole;
        }
        let short = format!("t{}r{:04}", digits(u64::from(self.ordinal)), self.row);
        if short.len() <= limit {
            return short;
        }
        let row = digits(u64::from(self.row) + u64::from(self.ordinal) * 7);
        let padded = format!("{row:0>limit$}");
        padded[padded.len() - limit..].to_owned()
    }

    fn at(self, row: u32) -> Self {
        Self { row, ..self }
    }
}

/// A number in base 36.
fn digits(mut number: u64) -> String {
    let mut found = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).unwrap_or_default();
        found.extend(char::from_digit(digit, 36));
        number /= 36;
        if number == 0 {
            return found.iter().rev().collect();
        }
    }
}

/// The plain value of a type in a place; `None` where nothing is known of the type.
#[must_use]
pub fn plain_value(
    tables: &Tables,
    type_oid: i64,
    modifier: i32,
    spelled: &str,
    place: Place,
) -> Option<PlainValue> {
    let (found, modifier) = tables.bare(type_oid, modifier)?;
    match found.kind.as_str() {
        "e" => {
            let labels = &found.labels;
            let label = labels.get(turn(place, labels.len())?)?;
            return Some(PlainValue::plain(label));
        }
        "c" => {
            let fields = found.fields.iter();
            let made =
                fields.map(|field| plain_value(tables, field.type_oid, field.modifier, "", place));
            let made: Option<Vec<PlainValue>> = made.collect();
            let made = made?;
            let texts: Vec<&str> = made.iter().map(|one| one.text.as_str()).collect();
            let token = made.iter().find_map(|one| one.token.clone());
            return Some(PlainValue {
                text: composite(&texts),
                token,
            });
        }
        "r" => return range(tables, found, place),
        "m" => {
            let one = range(tables, found, place)?;
            return Some(PlainValue {
                text: format!("{{{}}}", one.text),
                ..one
            });
        }
        _ => {}
    }
    if let Some(element) = found.element.filter(|_| found.category == "A") {
        if place.row % 4 == 3 {
            return Some(PlainValue::plain("{}"));
        }
        let spelled = spelled.trim_end_matches("[]");
        let first = plain_value(tables, element, modifier, spelled, place)?;
        let second = plain_value(
            tables,
            element,
            modifier,
            spelled,
            place.at(place.row + STRIDE / 2),
        )?;
        let delimiter = if tables.types.get(&element)?.name == "box" {
            ';'
        } else {
            ','
        };
        let text = array(&[&first.text, &second.text], delimiter);
        return Some(PlainValue {
            text,
            token: first.token,
        });
    }
    base(found, modifier, spelled, place)
}

/// The position in a list of `length` that a row turns to; columns of one table turn at
/// different times, so that pairs differ.
fn turn(place: Place, length: usize) -> Option<usize> {
    let row = usize::try_from(place.row).ok()?.checked_sub(1)?;
    let ordinal = usize::try_from(place.ordinal).ok()?;
    let rounds = row.checked_div(length)?;
    Some((row + rounds * (ordinal % length)) % length)
}

/// A length that a modifier says, if it says one.
pub fn length(modifier: i32) -> Option<usize> {
    usize::try_from(modifier).ok().filter(|length| *length > 0)
}

fn base(found: &Type, modifier: i32, spelled: &str, place: Place) -> Option<PlainValue> {
    let row = place.row;
    let limit = length(modifier - 4);
    let text = |limit: Option<usize>| place.text(limit.unwrap_or(usize::MAX));
    Some(match found.name.as_str() {
        "bool" => PlainValue::plain(if turn(place, 2)? == 0 {
            "true"
        } else {
            "false"
        }),
        "int2" => PlainValue::plain((100 + row).to_string()),
        "int4" | "int8" | "oid" | "xid8" => PlainValue::token(place.number().to_string()),
        "xid" | "cid" => PlainValue::plain(row.to_string()),
        "numeric" => numeric(modifier, place),
        "float8" => PlainValue::token(format!("{}.5", place.number())),
        "float4" => PlainValue::plain(format!("{}.5", 10_000 + row)),
        "money" => PlainValue::token(format!("{}.{:02}", place.number(), 10 + row % 90)),
        "varchar" | "text" | "citext" => named_text(place, limit),
        "bpchar" => PlainValue::token(text(limit)),
        "name" => PlainValue::token(text(Some(63))),
        "char" => PlainValue::plain(text(Some(1))),
        "bytea" => {
            let bytes = place.text(usize::MAX);
            let hex: String = bytes.bytes().map(|byte| format!("{byte:02x}")).collect();
            let text = format!("\\x{hex}00ff");
            PlainValue::holding(hex, text)
        }
        "date" => PlainValue::token(day(i64::from(place.ordinal) * 7 + i64::from(row))),
        "timestamp" => PlainValue::token(moment(place)),
        "timestamptz" => {
            let moment = moment(place);
            let text = format!("{moment}+00");
            PlainValue::holding(moment, text)
        }
        "time" | "timetz" => {
            let zone = if found.name == "timetz" { "+02" } else { "" };
            let (hour, minute) = (row % 24, place.ordinal % 60);
            PlainValue::plain(format!(
                "{hour:02}:{minute:02}:07.{:06}{zone}",
                place.unique() % 1_000_000
            ))
        }
        "interval" => PlainValue::plain(format!(
            "{row} days 02:03:04.{:06}",
            100_000 + place.unique() % 900_000
        )),
        "uuid" => PlainValue::token(format!(
            "{:08x}-0000-4000-8000-{row:012x}",
            0x1000_0000 + place.ordinal
        )),
        "inet" => PlainValue::token(address(place)),
        "cidr" => PlainValue::token(format!("{}/32", address(place))),
        "macaddr" => PlainValue::token(mac(place, "")),
        "macaddr8" => PlainValue::token(mac(place, ":00:01")),
        "json" | "jsonb" => {
            let token = place.text(usize::MAX);
            let text = format!(
                "{{\"token\": \"{token}\", \"number\": {}, \"list\": [1, 2.50], \"none\": null}}",
                place.number()
            );
            PlainValue::holding(token, text)
        }
        "xml" => {
            let token = place.text(usize::MAX);
            let text = format!("<row>{token}</row>");
            PlainValue::holding(token, text)
        }
        "tsvector" | "tsquery" => {
            let token = place.text(usize::MAX);
            let text = format!("'{token}'");
            PlainValue::holding(token, text)
        }
        "bit" => PlainValue::plain(bits(row, length(modifier).unwrap_or(1))),
        "varbit" => PlainValue::plain(format!("{row:b}")).within(usize::try_from(modifier).ok()),
        "hstore" => {
            let token = place.text(usize::MAX);
            let text = format!("\"token\"=>\"{token}\", \"none\"=>NULL");
            PlainValue::holding(token, text)
        }
        "ltree" => PlainValue::token(place.text(usize::MAX)),
        "point" => PlainValue::plain(format!("({row},2)")),
        "line" => PlainValue::plain(format!("{{1,2,{row}}}")),
        "lseg" | "box" | "path" => PlainValue::plain(format!("(({},{}),({row},2))", row + 1, 3)),
        "polygon" => PlainValue::plain(format!("((0,0),({row},0),({row},{row}))")),
        "circle" => PlainValue::plain(format!("<({row},2),3>")),
        "pg_lsn" => PlainValue::plain(format!("0/{row:X}")),
        "jsonpath" => PlainValue::plain(format!("$.\"{}\"", place.text(usize::MAX))),
        "regclass" => PlainValue::plain("pg_catalog.pg_class"),
        "regtype" => PlainValue::plain("integer"),
        "regproc" => PlainValue::plain("pg_catalog.now"),
        "cube" => PlainValue::plain(format!("({row}, 2)")),
        "vector" | "halfvec" => {
            let mut parts = vec!["1".to_owned(); length(modifier).unwrap_or(3)];
            parts[0] = row.to_string();
            PlainValue::plain(format!("[{}]", parts.join(",")))
        }
        "sparsevec" => PlainValue::plain(format!("{{1:{row}}}/{}", length(modifier).unwrap_or(3))),
        "geometry" | "geography" => PlainValue::plain(geometry(spelled, row)),
        _ => return None,
    })
}

impl PlainValue {
    /// Cut to a limit.
    fn within(mut self, limit: Option<usize>) -> Self {
        let limit = limit.filter(|n| *n > 0).unwrap_or(usize::MAX);
        if self.text.len() > limit {
            self.text = self.text.split_off(self.text.len() - limit);
        }
        self
    }
}

/// A text whose form follows from the column's name.
fn named_text(place: Place, limit: Option<usize>) -> PlainValue {
    let limit = limit.unwrap_or(usize::MAX);
    let name = place.column.to_lowercase();
    let token = place.text(limit);
    let formed = if name.contains("email") || name.contains("e_mail") {
        format!("{token}@example.com")
    } else if ["url", "uri", "link", "website"]
        .iter()
        .any(|end| name.ends_with(end))
    {
        format!("https://example.com/{token}")
    } else {
        token.clone()
    };
    if formed.len() > limit {
        return PlainValue::token(token);
    }
    PlainValue {
        text: formed,
        token: PlainValue::token(token).token,
    }
}

/// A number with all digits of its scale.
fn numeric(modifier: i32, place: Place) -> PlainValue {
    let (precision, scale) = if modifier < 4 {
        (15, 6)
    } else {
        let (precision, scale) = ((modifier - 4) >> 16, (modifier - 4) & 0x7ff);
        (precision, if scale > 1_023 { scale - 2_048 } else { scale })
    };
    let whole = u32::try_from(precision - scale).unwrap_or_default();
    let number = if whole >= 9 || (whole >= 7 && !place.is_key) {
        place.number()
    } else {
        place.number() % 10_u64.pow(whole)
    };
    let row = usize::try_from(place.row).unwrap_or_default();
    let fraction: String = (0..usize::try_from(scale).unwrap_or_default())
        .filter_map(|nth| char::from_digit(u32::try_from((row + nth) % 9 + 1).ok()?, 10))
        .collect();
    match (whole, fraction.is_empty()) {
        (_, true) => PlainValue::token(number.to_string()),
        (0, false) => PlainValue::plain(format!("0.{fraction}")),
        _ => PlainValue::token(format!("{number}.{fraction}")),
    }
}

/// A moment with microseconds: rows stand on both sides of a change of the clocks, which
/// is in spring for every other row and in autumn for the rest.
fn moment(place: Place) -> String {
    let change = if place.row.is_multiple_of(2) {
        1_711_846_800
    } else {
        1_729_990_800
    };
    let seconds = change + (i64::from(place.row % 20) - 10) * 360;
    moment_at(seconds, place.unique())
}

fn address(place: Place) -> String {
    let [_, high, middle, low] = u32::try_from(place.unique()).unwrap_or(1).to_be_bytes();
    format!("10.{high}.{middle}.{low}")
}

fn mac(place: Place, end: &str) -> String {
    let [a, b, c, d] = u32::try_from(place.unique()).unwrap_or(1).to_be_bytes();
    format!("02:00:{a:02x}:{b:02x}:{c:02x}:{d:02x}{end}")
}

fn bits(row: u32, length: usize) -> String {
    let bits = format!("{row:0>length$b}");
    bits[bits.len() - length..].to_owned()
}

/// A range that does not overlap those of other rows.
fn range(tables: &Tables, found: &Type, place: Place) -> Option<PlainValue> {
    let subtype = tables.types.get(&found.subtype?)?;
    let row = i64::from(place.row);
    let start = i64::from(place.ordinal) * 20_000 + row * 10;
    let hour = 1_711_756_800 + row * 7_200;
    Some(match subtype.name.as_str() {
        "int4" | "int8" => PlainValue::plain(format!("[{start},{})", start + 5)),
        "numeric" | "float8" => PlainValue::plain(format!("[{start}.25,{}.75)", start + 5)),
        "date" => PlainValue::plain(format!("[{},{})", day(row * 10), day(row * 10 + 5))),
        "timestamp" | "timestamptz" => {
            let micros = u64::from(place.ordinal) + 1;
            let (from, to) = (moment_at(hour, micros), moment_at(hour + 3_600, micros));
            let zone = if subtype.name == "timestamptz" {
                "+00"
            } else {
                ""
            };
            PlainValue::plain(format!("[\"{from}{zone}\",\"{to}{zone}\")"))
        }
        _ => {
            let one = plain_value(tables, subtype.oid, -1, "", place)?;
            let text = escaped(&one.text);
            PlainValue {
                text: format!("[{text},{text}]"),
                token: one.token,
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(row: u32) -> Place<'static> {
        Place {
            table: "orders",
            column: "email",
            ordinal: 5,
            row,
            is_key: false,
        }
    }

    #[test]
    fn texts_name_their_place_as_far_as_there_is_room() {
        assert_eq!(at(7).text(100), "orders.email.0007");
        assert_eq!(at(7).text(10), "t5r0007");
        assert_eq!(at(7).text(2).len(), 2);
        assert_ne!(at(7).text(2), at(8).text(2));
    }

    #[test]
    fn numbers_have_all_digits_of_their_scale() {
        let of = |precision: i32, scale: i32| numeric(((precision << 16) | scale) + 4, at(7)).text;
        assert_eq!(of(5, 2), "7.89");
        assert_eq!(of(12, 0), "1005007");
        assert_eq!(of(2, 2), "0.89");
    }

    #[test]
    fn moments_stand_on_both_sides_of_a_change_of_the_clocks() {
        assert_eq!(moment(at(8)), "2024-03-31 00:48:00.005008");
        assert_eq!(moment(at(10)), "2024-03-31 01:00:00.005010");
    }
}
