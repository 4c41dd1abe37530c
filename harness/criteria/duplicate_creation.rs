//! Enum types that are created twice, as a transcript shows it: [`DuplicateCreation`].

use crate::alembic::sql;
use crate::alembic::transcript::{EnumCreation, Place, Statement, StatementOutcome, Transcript};

/// PostgreSQL's duplicate_object
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
pub(super) const DUPLICATE_OBJECT: &str = "42710";

/// A second creation of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateCreation<'a> {
    /// The type's name.
    pub(super) name: &'a str,
    /// The attempt that came too late, if it was seen coming.
    pub(super) again: Option<&'a EnumCreation>,
    /// The place where it was tried.
    pub(super) place: Option<&'a Place>,
    /// The statement that tried it, if one ran.
    pub(super) statement: Option<&'a Statement>,
    /// The origin of the type.
    pub(super) first: Option<(&'a Place, &'static str)>,
    /// PostgreSQL's refusal; `None` where a guard kept it from being asked.
    pub(super) refused: Option<&'a str>,
}

/// The second creation that ended a transcript.
#[must_use]
pub fn stopped(transcript: &Transcript) -> Option<DuplicateCreation<'_>> {
    duplicate_creations(transcript)
        .into_iter()
        .find(|second| second.refused.is_some())
}

/// Every second creation that a transcript shows.
pub(super) fn duplicate_creations(transcript: &Transcript) -> Vec<DuplicateCreation<'_>> {
    let mut found: Vec<DuplicateCreation<'_>> = Vec::new();
    for (position, creation) in transcript.enums.iter().enumerate() {
        let earlier = &transcript.enums[..position];
        let second = second(transcript, creation, earlier);
        found.extend(second.filter(|second| !found.iter().any(|other| other.is_same(second))));
    }
    if found.is_empty() {
        found.extend(unseen(transcript));
    }
    found
}

fn second<'a>(
    transcript: &'a Transcript,
    creation: &'a EnumCreation,
    earlier: &'a [EnumCreation],
) -> Option<DuplicateCreation<'a>> {
    let before = creation.before.as_ref()?;
    let statement = transcript
        .statements
        .iter()
        .find(|statement| Some(statement.number) == creation.number);
    let refused = statement.and_then(refusal);
    let guarded_and_other = refused.is_none()
        && creation.labels != *before
        && creation
            .after
            .as_ref()
            .is_some_and(|after| *after != creation.labels);
    (refused.is_some() || guarded_and_other).then(|| DuplicateCreation {
        name: &creation.name,
        again: Some(creation),
        place: creation.place.as_ref(),
        statement,
        first: earlier
            .iter()
            .rev()
            .find(|first| first.created(creation))
            .and_then(|first| Some((first.place.as_ref()?, CREATED)))
            .or_else(|| origin(transcript, &creation.name, statement)),
        refused,
    })
}

/// A refusal that came from a statement nobody could look into: a function that creates
/// the type, several statements in one, or ALTER TYPE ... RENAME TO a name that is taken.
fn unseen(transcript: &Transcript) -> Option<DuplicateCreation<'_>> {
    transcript.outcome.error()?;
    let statement = transcript.failed_statement()?;
    let refused = refusal(statement)?;
    let name = refused.split('"').nth(1)?;
    Some(DuplicateCreation {
        name,
        again: None,
        place: statement.place.as_ref(),
        statement: Some(statement),
        first: origin(transcript, name, Some(statement)),
        refused: Some(refused),
    })
}

/// The label of the statement that created a type.
const CREATED: &str = "first created here";

/// The last statement before `later` that gave a type its name, and how.
fn origin<'a>(
    transcript: &'a Transcript,
    name: &str,
    later: Option<&Statement>,
) -> Option<(&'a Place, &'static str)> {
    let before = transcript
        .statements
        .iter()
        .rev()
        .filter(|statement| later.is_none_or(|later| statement.number < later.number));
    before.into_iter().find_map(|statement| {
        let text = &statement.sql;
        let creates = ["type", "domain"]
            .iter()
            .any(|kind| sql::creates(text, kind, name).is_some());
        let how = match (creates, sql::renames_to(text, name)) {
            (true, _) if sql::mentions(text, "function") || sql::mentions(text, "procedure") => {
                "this function creates it"
            }
            (true, _) => CREATED,
            (false, true) => "a type gets this name here",
            (false, false) => return None,
        };
        Some((statement.place.as_ref()?, how))
    })
}

/// PostgreSQL's message, if it refused a statement because a type exists. A table that
/// is named like a type is refused alike, and no second type.
pub(super) fn refusal(statement: &Statement) -> Option<&str> {
    let StatementOutcome::Failed {
        sqlstate: Some(state),
        message,
    } = &statement.outcome
    else {
        return None;
    };
    let name = message.split_once("type \"")?.1.split('"').next()?;
    let relation = ["table", "view"]
        .iter()
        .any(|kind| sql::creates(&statement.sql, kind, name).is_some())
        || sql::words(&statement.sql).starts_with(&["alter".to_owned(), "table".to_owned()]);
    (state == DUPLICATE_OBJECT && !relation).then_some(message)
}

impl EnumCreation {
    /// Tells whether this attempt created the type that `later` asks for again.
    fn created(&self, later: &Self) -> bool {
        let same_schema =
            self.schema.is_none() || later.schema.is_none() || self.schema == later.schema;
        self.name == later.name && same_schema && self.before.is_none() && self.after.is_some()
    }
}

impl DuplicateCreation<'_> {
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.place == other.place
    }

    /// Tells whether a type was to be renamed to a name that is taken.
    pub(super) fn is_rename(&self) -> bool {
        self.statement
            .is_some_and(|statement| sql::renames_to(&statement.sql, self.name))
    }

    /// Tells whether the labels that are asked for are not those of the type.
    pub(super) fn asks_for_others(&self) -> bool {
        let differ = |again: &EnumCreation| {
            let before = again.before.as_ref();
            before.is_some_and(|before| *before != again.labels)
        };
        self.again.is_some_and(differ)
    }
}
