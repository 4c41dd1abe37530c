//! The migrations build the schema that was accepted as the deployed one.

mod source;

use std::collections::BTreeSet;

use super::attribution::attribution;
use super::{ChangedLine, ChangedObject, Criterion, Finding, Verdict};
use crate::alembic::transcript::Place;
use crate::evidence::notes::Content;
use crate::evidence::{Evidence, Part, SchemaFile};
use crate::manifest::Service;
use crate::schema::{self, DataRisk, Difference, Mark, PartChange, SectionKind, Unreadable};

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "deployed_schema",
    asserts: "the database at head is the one that `schemas/<service>.sql` of the manifest holds, object by object",
    why: "merging heads or rewriting a revision must not change what is deployed, and a change that is meant \
          should be seen as such in the review, above all where it loses data",
    remedy: "mend the revision that is named, or accept the present state with UPDATE_SCHEMAS=1",
    needs: &[Part::Migrated],
    judge,
};

/// The number of places of the file, and of the revisions, that are shown.
const MARKED: usize = 2;

/// The schema at head as text.
///
/// # Errors
/// The verdict that says why there is none worth keeping.
pub fn present(service: &Service, evidence: &Evidence) -> Result<String, Verdict> {
    let Some(migrated) = &evidence.migrated else {
        return Err(Verdict::without("the migrated database"));
    };
    let blocked = attribution(service, evidence).blocks(&CRITERION);
    match (blocked, migrated.schema()) {
        (Some(blocked), _) => Err(blocked),
        (None, None) => Err(Verdict::without("the catalog of the migrated database")),
        (None, Some(catalog)) => Ok(schema::text(&service.name, &catalog)),
    }
}

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let present = match present(service, evidence) {
        Ok(present) => present,
        Err(verdict) => return verdict,
    };
    let Some(file) = &evidence.schema else {
        return Verdict::without("the file of the accepted schema");
    };
    let accepted = match &file.content {
        Content::Text(text) => text,
        Content::Missing => return Verdict::Fail(vec![missing(service, file)]),
        Content::Unreadable(why) => {
            let finding = Finding::new(format!(
                "the accepted schema {} cannot be read: {why}",
                file.path.display()
            ));
            return Verdict::Fail(vec![finding.help("make it a readable file")]);
        }
    };
    let Ok(present) = schema::read(&present) else {
        return Verdict::without(
            "a text of the catalog that can be read again (a fault of the harness)",
        );
    };
    let accepted = match schema::read(accepted) {
        Ok(accepted) => accepted,
        Err(problem) => return Verdict::Fail(vec![unreadable(file, &problem)]),
    };
    let differences = schema::differences(&accepted, &present);
    if differences.is_empty() {
        let moved = schema::out_of_place(&accepted, &present);
        let moved = moved.map(|block| Unreadable {
            line: block.line,
            problem: format!("{} does not stand where it belongs", block.title()),
            is_conflict: false,
        });
        return Verdict::from_findings(
            moved
                .iter()
                .map(|problem| unreadable(file, problem))
                .collect(),
        );
    }
    Verdict::Fail(vec![differing(evidence, file, &differences)])
}

/// There is no file yet.
fn missing(service: &Service, file: &SchemaFile) -> Finding {
    let finding = Finding::new(format!(
        "no schema was accepted for {} yet: {} does not exist",
        service.name,
        file.path.display()
    ));
    let moved = |name: &str| {
        format!(
            "then move it: git mv {} {}",
            file.path.with_file_name(name).display(),
            file.path.display()
        )
    };
    let finding = match file.of_no_service.as_slice() {
        [] => finding,
        [one] => finding.note(format!(
            "{one} belongs to no service: was this one renamed? {}",
            moved(one)
        )),
        [first, ..] => finding.note(format!(
            "{} belong to no service: was one of them renamed? {}",
            file.of_no_service.join(", "),
            moved(first)
        )),
    };
    finding
        .accept("accept what the migrations build now, read the file, and commit it")
        .help(format!("a service that promises none says so in {}: [not_applicable] deployed_schema = \"<reason>\"", service.file.display()))
}

/// The file is not one that was written here.
fn unreadable(file: &SchemaFile, problem: &Unreadable) -> Finding {
    let finding = Finding::new(format!(
        "{}:{} is not as it was written: {}",
        file.path.display(),
        problem.line,
        problem.problem
    ))
    .mark(Some(&Place::line(&file.path, problem.line)), "here");
    let finding = match problem.is_conflict {
        true => finding.note("two branches changed the accepted schema; what the merged migrations build is right, or neither is"),
        false => finding.note("the file is not edited by hand: what it holds was built by the migrations"),
    };
    finding.accept("write it anew, and look at what git diff shows")
}

/// The objects that differ, as one finding: what was done to the history has done it.
fn differing(evidence: &Evidence, file: &SchemaFile, differences: &[Difference]) -> Finding {
    let destructive = differences
        .iter()
        .filter(|difference| difference.is_destructive())
        .count();
    let mut finding = Finding::new(match (differences, destructive) {
        ([one], 0) => format!("{} {}", one.title(), happened(one.mark)),
        ([one], _) => format!(
            "{} {}: this is destructive",
            one.title(),
            happened(one.mark)
        ),
        (many, 0) => format!("{} objects are not as accepted", many.len()),
        (many, some) => format!(
            "{} objects are not as accepted: {some} of these changes {} destructive",
            many.len(),
            if some == 1 { "is" } else { "are" }
        ),
    });
    for (line, label) in accepted_places(differences).into_iter().take(MARKED) {
        finding = finding.mark(Some(&Place::line(&file.path, line)), label);
    }
    if let Some(migrated) = &evidence.migrated {
        for (place, label) in source::places(migrated.reached(), differences)
            .into_iter()
            .take(MARKED)
        {
            finding = finding.mark(Some(&place), label);
        }
    }
    finding.changed = by_risk(differences).into_iter().map(changed).collect();
    if destructive > 0 {
        finding = finding.help("keep the data: add a revision that moves it first, or leave the deployed object as it is");
    }
    finding
        .accept("meant? accept the present state")
        .help("not meant? put the revision back as it was deployed: merging heads or rewriting history must not change the schema")
}

/// The differences by data risk: first what loses data, then what may fail, then the rest.
fn by_risk(differences: &[Difference]) -> Vec<&Difference> {
    let mut sorted: Vec<&Difference> = differences.iter().collect();
    sorted.sort_by_key(|difference| !difference.is_destructive());
    sorted
}

fn happened(mark: Mark) -> &'static str {
    match mark {
        Mark::Added => "is not in the accepted schema",
        Mark::Changed => "is not as accepted",
        Mark::Removed => "was accepted, and is not built any more",
    }
}

/// The lines of the file that no longer hold, what loses data first.
fn accepted_places(differences: &[Difference]) -> Vec<(u32, String)> {
    let mut places = Vec::new();
    for difference in by_risk(differences) {
        if let DataRisk::Destructive(why) = &difference.risk {
            places.extend(
                difference
                    .line
                    .map(|line| (line + 1, format!("accepted; destructive: {why}"))),
            );
        }
        for part in &difference.parts {
            if let (Some(before), DataRisk::Destructive(why)) = (&part.before, &part.risk) {
                places.push((before.line, format!("accepted; destructive: {why}")));
            }
        }
    }
    if places.is_empty() {
        places.extend(differences.iter().find_map(|difference| {
            let part = difference
                .parts
                .iter()
                .find_map(|part| part.before.as_ref());
            let within = part.map(|part| (part.line, "accepted".to_owned()));
            within.or(difference
                .line
                .map(|line| (line, "accepted as it is here".to_owned())))
        }));
    }
    places
}

/// One object for the report.
fn changed(difference: &Difference) -> ChangedObject {
    let mark = match difference.mark {
        Mark::Added => "added",
        Mark::Changed => "changed",
        Mark::Removed => "removed",
    };
    let why = remark(&difference.risk)
        .map(|remark| format!(" ({remark})"))
        .unwrap_or_default();
    let reordered = difference
        .reordered
        .iter()
        .map(|(before, after)| ChangedLine {
            before: Some(before.clone()),
            after: Some(after.clone()),
            remark: Some("only the order".to_owned()),
        });
    let with = counted(&difference.with);
    ChangedObject {
        title: format!("{mark}: {}{why}{with}", difference.title()),
        lines: difference.parts.iter().map(line).chain(reordered).collect(),
    }
}

/// `, with 2 indexes and 1 foreign key`
fn counted(kinds: &[SectionKind]) -> String {
    let each: BTreeSet<SectionKind> = kinds.iter().copied().collect();
    let counts: Vec<String> = each
        .into_iter()
        .map(
            |kind| match (kinds.iter().filter(|other| **other == kind).count(), kind) {
                (count, SectionKind::Comment) => {
                    format!("{count} comment{}", if count == 1 { "" } else { "s" })
                }
                (1, kind) => format!("1 {}", kind.name()),
                (count, SectionKind::Index) => format!("{count} indexes"),
                (count, SectionKind::Policy) => format!("{count} policies"),
                (count, kind) => format!("{count} {}s", kind.name()),
            },
        )
        .collect();
    if counts.is_empty() {
        String::new()
    } else {
        format!(", with {}", counts.join(" and "))
    }
}

fn line(part: &PartChange) -> ChangedLine {
    let text = |part: &Option<schema::Part>| part.as_ref().map(|part| part.text.clone());
    ChangedLine {
        before: text(&part.before),
        after: text(&part.after),
        remark: remark(&part.risk),
    }
}

fn remark(risk: &DataRisk) -> Option<String> {
    match risk {
        DataRisk::None => None,
        DataRisk::Risky(why) => Some(format!("risky: {why}")),
        DataRisk::Destructive(why) => Some(format!("destructive: {why}")),
    }
}

#[cfg(test)]
mod tests;
