//! No enum type is created twice.

pub(super) mod fix;

use super::attribution::{ENUM_TYPES, attribution};
use super::duplicate_creation::{DUPLICATE_OBJECT, DuplicateCreation, duplicate_creations};
use super::keyed::KeyedFinding;
use super::own::Own;
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::transcript::{EnumSource, Place, Transcript};
use crate::evidence::{Evidence, Part};
use crate::manifest::Service;
use crate::quoting::identifier;
use crate::text::beginning;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: ENUM_TYPES,
    asserts: "no enum type is created twice, neither in one run nor revision by revision",
    why: "PostgreSQL refuses the second CREATE TYPE, and a guard around it hides that the labels differ",
    remedy: "create the type in one revision; elsewhere pass create_type=False; add labels with ALTER TYPE ... ADD VALUE",
    needs: &[Part::Migrated, Part::Stepped],
    judge,
};

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
        Some(_) => KeyedFinding::red(String::new(), finding),
    };
    let mut found: Vec<KeyedFinding> = at_once
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
    if let Some(blocked) = attribution(service, evidence).blocks(&CRITERION) {
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

impl DuplicateCreation<'_> {
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
