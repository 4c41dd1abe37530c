//! No enum type is created twice.

use super::{Criterion, Finding, Verdict, cause};
use crate::alembic::transcript::{EnumCreation, EnumSource, Outcome, Place, Statement, StatementOutcome, Transcript};
use crate::evidence::{Evidence, Part};
use crate::manifest::Service;

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
pub struct Second<'a> {
    /// The type's name.
    name: &'a str,
    /// The attempt that came too late, if it was seen coming.
    again: Option<&'a EnumCreation>,
    /// Where it was tried.
    place: Option<&'a Place>,
    /// The attempt that created it, if one was seen.
    first: Option<&'a EnumCreation>,
    /// PostgreSQL's refusal; `None` where a guard kept it from being asked.
    refused: Option<&'a str>,
}

fn judge(_: &Service, evidence: &Evidence) -> Verdict {
    let Some(migrated) = &evidence.migrated else { return Verdict::without("the transcript of `upgrade head`") };
    let reached = migrated.reached();
    let at_once = seconds(reached);
    let stepped = evidence.stepped.as_ref().map(|stepped| seconds(&stepped.upgrade)).unwrap_or_default();
    let only_stepped = stepped.iter().filter(|second| !at_once.iter().any(|other| other.is_same(second)));
    let mut findings: Vec<Finding> = at_once.iter().map(Second::finding).collect();
    findings.extend(only_stepped.map(|second| second.finding().note(
        "`upgrade head` on an empty database hides it, because one Alembic context remembers the types it \
         created; a database that was deployed before this revision fails",
    )));
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    if let Some(blocked) = cause::unusable(evidence, migrated) {
        return blocked;
    }
    let Some(stepped) = &evidence.stepped else {
        return Verdict::without("the history stepped one revision per context");
    };
    [reached, &stepped.upgrade]
        .into_iter()
        .find_map(|way| {
            cause::blocked(evidence, way)
                .or_else(|| cause::incomplete(evidence, way))
                .or_else(|| cause::unseen(way))
        })
        .unwrap_or_else(Verdict::pass)
}

/// The second creation that ended a transcript.
#[must_use]
pub fn stopped(transcript: &Transcript) -> Option<Second<'_>> {
    seconds(transcript).into_iter().find(|second| second.refused.is_some())
}

/// Every second creation that a transcript shows.
fn seconds(transcript: &Transcript) -> Vec<Second<'_>> {
    let mut found: Vec<Second<'_>> = Vec::new();
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

fn second<'a>(transcript: &'a Transcript, creation: &'a EnumCreation, earlier: &'a [EnumCreation]) -> Option<Second<'a>> {
    let before = creation.before.as_ref()?;
    let statement = transcript.statements.iter().find(|statement| Some(statement.number) == creation.number);
    let refused = statement.and_then(refusal);
    let guarded_and_other = refused.is_none()
        && creation.labels != *before
        && creation.after.as_ref().is_some_and(|after| *after != creation.labels);
    (refused.is_some() || guarded_and_other).then(|| Second {
        name: &creation.name,
        again: Some(creation),
        place: creation.place.as_ref(),
        first: earlier.iter().rev().find(|first| first.created(creation)),
        refused,
    })
}

/// A refusal that came from a statement nobody could look into, such as a function
/// that creates the type.
fn unseen(transcript: &Transcript) -> Option<Second<'_>> {
    let Outcome::Raised(_) = transcript.outcome else { return None };
    let statement = transcript.failed_statement()?;
    let refused = refusal(statement)?;
    let name = refused.split('"').nth(1)?;
    let first = transcript.enums.iter().find(|creation| creation.name == name && creation.after.is_some())?;
    Some(Second { name, again: None, place: statement.place.as_ref(), first: Some(first), refused: Some(refused) })
}

/// PostgreSQL's message, if it refused a statement because a type exists.
fn refusal(statement: &Statement) -> Option<&str> {
    match &statement.outcome {
        StatementOutcome::Failed { sqlstate: Some(state), message }
            if state == DUPLICATE_OBJECT && message.contains("type \"") =>
        {
            Some(message)
        }
        _ => None,
    }
}

impl EnumCreation {
    /// Whether this attempt created the type that `later` asks for again.
    fn created(&self, later: &Self) -> bool {
        let same_schema = self.schema.is_none() || later.schema.is_none() || self.schema == later.schema;
        self.name == later.name && same_schema && self.before.is_none() && self.after.is_some()
    }
}

impl Second<'_> {
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.place == other.place
    }

    fn finding(&self) -> Finding {
        let title = match self.refused {
            Some(_) => format!("type \"{}\" is created twice", self.name),
            None => format!("type \"{}\" is created again with other labels, and a guard hides it", self.name),
        };
        let by = match self.again.map(|again| again.how) {
            Some(EnumSource::Create) => ", by SQLAlchemy",
            Some(EnumSource::Checkfirst) => ", with checkfirst=True",
            Some(EnumSource::Sql) | None => "",
        };
        let mut finding = Finding::new(title)
            .mark(self.place, format!("created again here{by}{}", in_revision(self.place)))
            .mark(
                self.first.and_then(|first| first.place.as_ref()),
                format!("first created here{}", in_revision(self.first.and_then(|first| first.place.as_ref()))),
            );
        if let Some(refused) = self.refused {
            finding = finding.note(format!("postgresql: {DUPLICATE_OBJECT} {}", last_part(refused)));
        }
        if self.first.is_none() {
            finding = finding.note("no statement of this run was seen creating it first");
        }
        self.labels(finding).help(self.advice())
    }

    /// Both label lists, where they tell something.
    fn labels(&self, finding: Finding) -> Finding {
        let Some(again) = self.again else { return finding };
        match &again.before {
            Some(before) if *before != again.labels => {
                finding.compare(lines(&again.labels), lines(before)).note(format!(
                    "this revision asks for {}; the type has {}",
                    list(&again.labels),
                    list(before)
                ))
            }
            _ => finding,
        }
    }

    fn advice(&self) -> String {
        match (self.refused, self.again.map(|again| again.how)) {
            (None, _) => format!(
                "drop the guarded creation; where a label is new, add it in a revision of its own: ALTER TYPE {} ADD VALUE '...'",
                self.name
            ),
            (Some(_), Some(EnumSource::Create)) => format!(
                "the type exists already: use postgresql.ENUM(..., name=\"{}\", create_type=False) in this revision",
                self.name
            ),
            (Some(_), _) => format!("remove the second CREATE TYPE {}; the first one is enough", self.name),
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
