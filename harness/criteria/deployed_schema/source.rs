//! The statement of a revision that made a difference.

use crate::alembic::sql;
use crate::alembic::transcript::{Place, Statement, Transcript};
use crate::schema::{DataRisk, Difference, Key, Mark, SectionKind};

/// The places of the statements behind `differences`, each once, with what to say about
/// them; what loses data first.
pub fn places(transcript: &Transcript, differences: &[Difference]) -> Vec<(Place, String)> {
    let mut wanted: Vec<StatementPattern> = differences.iter().flat_map(wanted).collect();
    wanted.sort_by_key(|one| !one.destructive);
    let mut places: Vec<(Place, String)> = Vec::new();
    for one in &wanted {
        let Some((place, what)) = one.found_in(transcript) else {
            continue;
        };
        let same =
            |known: &(Place, String)| (&known.0.file, known.0.line) == (&place.file, place.line);
        if !places.iter().any(same) {
            let revision = place
                .revision
                .as_deref()
                .map(|revision| format!(" (revision {revision})"))
                .unwrap_or_default();
            places.push((place, format!("{what}{revision}")));
        }
    }
    places
}

/// The names that a statement has to hold, and its verb.
struct StatementPattern {
    /// Names and words that are all in it, in lower case.
    words: Vec<String>,
    /// The verb that it should have, where one is told.
    verb: &'static str,
    /// The label for a statement with that verb.
    label: String,
    /// The table or type as a whole, for where no statement says more.
    object: String,
    /// The word after `CREATE`, where a statement of its own makes the object.
    kind: Option<&'static str>,
    destructive: bool,
}

fn wanted(difference: &Difference) -> Vec<StatementPattern> {
    let object = bare(&difference.name);
    let kind = difference.kind.noun();
    let whole = |destructive| StatementPattern {
        words: vec![object.clone()],
        verb: if difference.mark == Mark::Removed {
            "drop"
        } else {
            ""
        },
        label: match difference.mark {
            Mark::Removed => "dropped here".to_owned(),
            Mark::Added => "made here".to_owned(),
            Mark::Changed => "last changed here".to_owned(),
        },
        object: object.clone(),
        kind,
        destructive,
    };
    if difference.mark != Mark::Changed {
        return vec![whole(matches!(difference.risk, DataRisk::Destructive(_)))];
    }
    let parts = difference.parts.iter().filter_map(|part| {
        let (before, after) = (part.before.as_ref(), part.after.as_ref());
        let (name, is_label) = match &after.or(before)?.key {
            Key::Column(name) | Key::Constraint(name) => (name, false),
            Key::Label(name) => (name, true),
            Key::Line => return None,
        };
        let verb = match (before, after) {
            (Some(_), None) if is_label => "create type",
            (Some(_), None) => "drop",
            (Some(_), Some(_)) => "alter",
            _ => "",
        };
        // A label that is gone is in no statement any more, but the type is.
        let words = match is_label && after.is_none() {
            true => vec![object.clone()],
            false => vec![object.clone(), bare(name)],
        };
        Some(StatementPattern {
            words,
            verb,
            label: match (before, after) {
                (Some(_), None) if is_label => "built here without it",
                (Some(_), None) => "dropped here",
                (Some(_), Some(_)) => "changed here",
                _ => "added here",
            }
            .to_owned(),
            object: object.clone(),
            kind,
            destructive: matches!(part.risk, DataRisk::Destructive(_)),
        })
    });
    let parts: Vec<StatementPattern> = parts.collect();
    match parts.is_empty() && !matches!(difference.kind, SectionKind::Other) {
        true => vec![whole(false)],
        false => parts,
    }
}

impl StatementPattern {
    /// The last statement that says it, or else the one that makes the object as it is.
    fn found_in(&self, transcript: &Transcript) -> Option<(Place, &str)> {
        let last = |is_meant: &dyn Fn(&Statement) -> bool| {
            let mut placed = transcript
                .statements
                .iter()
                .rev()
                .filter_map(|statement| Some((statement, statement.place.clone()?)));
            placed
                .find(|(statement, _)| is_meant(statement))
                .map(|(_, place)| place)
        };
        let says = |statement: &Statement, words: &[String], verb: &str| {
            let sql = statement.sql.to_lowercase();
            sql.contains(verb) && words.iter().all(|word| has_word(&sql, word))
        };
        if let Some(place) = last(&|statement| says(statement, &self.words, self.verb)) {
            return Some((place, &self.label));
        }
        let object = std::slice::from_ref(&self.object);
        let makes = |statement: &Statement| {
            let kind = self.kind?;
            sql::creates(&statement.sql, kind, &self.object)
        };
        let place = last(&|statement| makes(statement).is_some())
            .or_else(|| last(&|statement| says(statement, object, "create ")))?;
        Some((place, "made here, not as accepted"))
    }
}

/// The last part of a qualified name or the text of a label, in lower case.
fn bare(name: &str) -> String {
    if name.starts_with('\'') {
        return name.trim_matches('\'').to_lowercase();
    }
    let name = name.split('(').next().unwrap_or(name);
    let last = name.rsplit('.').next().unwrap_or(name);
    last.trim_matches('"').replace("\"\"", "\"").to_lowercase()
}

/// Tells whether a text holds a word as a whole.
pub(super) fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            !text[..at].ends_with(part_of_word)
                && !text[at + word.len()..].starts_with(part_of_word)
        })
}
