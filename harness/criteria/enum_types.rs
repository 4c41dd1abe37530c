//! No enum type is created twice.

pub(super) mod fix;

use super::attribution::attribution;
use super::keyed::Keyed;
use super::own::Own;
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::sql;
use crate::alembic::transcript::{
    EnumCreation, EnumSource, Place, Statement, StatementOutcome, Transcript,
};
use crate::evidence::{Evidence, Part};
use crate::manifest::Service;
use crate::quoting::identifier;
use crate::text::beginning;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "enum_types",
    asserts: "no enum type is created twice, neither in one run nor revision by revision",
    why: "PostgreSQL refuses the second CREATE TYPE, and a guard around it hides that the labels differ",
    remedy: "create the type in one revision; elsewhere pass create_type=False; add labels with ALTER TYPE ... ADD VALUE",
    needs: &[Part::Migrated, Part::Stepped],
    judge,
};

/// PostgreSQL's duplicate_object
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const DUPLICATE_OBJECT: &str = "42710";

/// A second creation of one type.
#[derive(Debug, Clone, PartialEq)]
pub struct DuplicateCreation<'a> {
    /// The type's name.
    name: &'a str,
    /// The attempt that came too late, if it was seen coming.
    again: Option<&'a EnumCreation>,
    /// The place where it was tried.
    place: Option<&'a Place>,
    /// The statement that tried it, if one ran.
    statement: Option<&'a Statement>,
    /// The origin of the type.
    first: Option<(&'a Place, &'static str)>,
    /// PostgreSQL's refusal; `None` where a guard kept it from being asked.
    refused: Option<&'a str>,
}

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else {
        return Verdict::without("the transcript of `upgrade head`");
    };
    let reached = migrated.reached();
    let at_once = duplicate_creations(reached);
    let stepped = evidence
        .stepped
        .as_ref()
        .map(|stepped| duplicate_creations(&stepped.upgrade))
        .unwrap_or_default();
    let only_stepped = stepped
        .iter()
        .filter(|second| !at_once.iter().any(|other| other.is_same(second)));
    let own = Own {
        service,
        criterion: CRITERION.id,
        table: AcceptedIn::EnumTypes,
    };
    // What PostgreSQL refuses is a failure, and no difference that may stay.
    let keyed = |second: &DuplicateCreation<'_>, finding: Finding| match second.refused {
        None => own.keyed(second.name, finding),
        Some(_) => Keyed::red(String::new(), finding),
    };
    let mut found: Vec<Keyed> = at_once
        .iter()
        .map(|second| keyed(second, second.finding()))
        .collect();
    found.extend(only_stepped.map(|second| keyed(second, second.finding().note(
        "`upgrade head` on an empty database hides it, because one Alembic context remembers the types it \
         created; a database that was deployed before this revision fails",
    ))));
    let stale = own.stale(&found);
    let (findings, notes) = own.open(found);
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    if let Some(blocked) = attribution(evidence).blocks(&CRITERION) {
        return blocked;
    }
    let Some(stepped) = &evidence.stepped else {
        return Verdict::without("the history stepped one revision per context");
    };
    let mut ways = [reached, &stepped.upgrade].into_iter();
    let unrecorded = ways.find_map(unrecorded);
    unrecorded.unwrap_or(match stale.is_empty() {
        true => Verdict::Pass { notes },
        false => Verdict::Fail(stale),
    })
}

/// Red where revisions ran and not one statement was seen, not even Alembic's own:
/// the service undid SQLAlchemy's events.
fn unrecorded(transcript: &Transcript) -> Option<Verdict> {
    let unseen = !transcript.steps.is_empty() && transcript.statements.is_empty();
    unseen.then(|| {
        Verdict::without(&format!(
            "every statement of `alembic {}` (does the service undo SQLAlchemy's events?)",
            transcript.command
        ))
    })
}

/// The second creation that ended a transcript.
#[must_use]
pub fn stopped(transcript: &Transcript) -> Option<DuplicateCreation<'_>> {
    duplicate_creations(transcript)
        .into_iter()
        .find(|second| second.refused.is_some())
}

/// Every second creation that a transcript shows.
fn duplicate_creations(transcript: &Transcript) -> Vec<DuplicateCreation<'_>> {
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
fn refusal(statement: &Statement) -> Option<&str> {
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
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.place == other.place
    }

    /// Tells whether a type was to be renamed to a name that is taken.
    fn is_rename(&self) -> bool {
        self.statement
            .is_some_and(|statement| sql::renames_to(&statement.sql, self.name))
    }

    fn finding(&self) -> Finding {
        let title = match self.refused {
            Some(_) if self.is_rename() => format!(
                "type \"{}\" exists already, so no other can be renamed to it",
                self.name
            ),
            Some(_) => format!("type \"{}\" is created twice", self.name),
            None => format!(
                "type \"{}\" is created again with other labels, and a guard hides it",
                self.name
            ),
        };
        let by = match self.again.map(|again| again.how) {
            _ if self.is_rename() => "renamed here",
            Some(EnumSource::Create) => "created again here, by SQLAlchemy",
            Some(EnumSource::Checkfirst) => "created again here, with checkfirst=True",
            Some(EnumSource::Sql) | None => "created again here",
        };
        let mut finding =
            Finding::new(title).mark(self.place, format!("{by}{}", in_revision(self.place)));
        if let Some((place, how)) = self.first {
            finding = finding.mark(Some(place), format!("{how}{}", in_revision(Some(place))));
        }
        if let Some(refused) = self.refused {
            finding = finding.note(format!(
                "postgresql: {DUPLICATE_OBJECT} {}",
                last_part(refused)
            ));
        }
        let told_apart = self
            .first
            .is_some_and(|(place, _)| Some(place) != self.place);
        finding = match self.statement.filter(|_| !told_apart) {
            Some(statement) => {
                finding.note(format!("the statement: {}", beginning(&statement.sql, 160)))
            }
            None => finding,
        };
        if self.first.is_none() {
            finding = finding.note("no other statement of this run was seen creating it");
        }
        let finding = self.labels(finding).help(self.advice());
        match self.refused {
            Some(_) if self.asks_for_others() => finding.help(self.new_labels()),
            _ => finding,
        }
    }

    /// Tells whether the labels that are asked for are not those of the type.
    fn asks_for_others(&self) -> bool {
        let differ = |again: &EnumCreation| {
            let before = again.before.as_ref();
            before.is_some_and(|before| *before != again.labels)
        };
        self.again.is_some_and(differ)
    }

    fn new_labels(&self) -> String {
        format!(
            "where a label is new, add it in a revision of its own: ALTER TYPE {} ADD VALUE '...'",
            self.name
        )
    }

    /// Both label lists, where they tell something.
    fn labels(&self, finding: Finding) -> Finding {
        let Some(again) = self.again else {
            return finding;
        };
        match &again.before {
            Some(before) if *before != again.labels => finding
                .compare(lines(&again.labels), lines(before))
                .note(format!(
                    "this revision asks for {}; the type has {}",
                    list(&again.labels),
                    list(before)
                )),
            _ => finding,
        }
    }

    fn advice(&self) -> String {
        match (self.refused, self.again.map(|again| again.how)) {
            (None, _) => format!("drop the guarded creation; {}", self.new_labels()),
            (Some(_), _) if self.is_rename() => {
                format!(
                    "drop the old type in the revision that replaced it: DROP TYPE {}",
                    identifier(self.name)
                )
            }
            (Some(_), Some(EnumSource::Create)) => format!(
                "the type exists already: a column says postgresql.ENUM(..., name=\"{}\", create_type=False), \
                 and a create() of its own is not needed",
                self.name
            ),
            (Some(_), _) if self.asks_for_others() => {
                format!("remove the second CREATE TYPE {}", self.name)
            }
            (Some(_), _) => format!(
                "remove the second CREATE TYPE {}; the first one is enough",
                self.name
            ),
        }
    }
}

fn in_revision(place: Option<&Place>) -> String {
    place
        .and_then(|place| place.revision.as_deref())
        .map(|revision| format!(" (revision {revision})"))
        .unwrap_or_default()
}

/// `<class 'asyncpg.exceptions.DuplicateObjectError'>: type "a" already exists`
/// without the class.
fn last_part(message: &str) -> &str {
    message.split_once(">: ").map_or(message, |(_, rest)| rest)
}

fn list(labels: &[String]) -> String {
    let quoted: Vec<String> = labels.iter().map(|label| format!("'{label}'")).collect();
    format!("({})", quoted.join(", "))
}

fn lines(labels: &[String]) -> String {
    labels.join("\n")
}

#[cfg(test)]
mod tests;
