//! The models and the migrations build the same database.

mod columns;
pub(super) mod fix;
mod integers;
mod lengths;
mod message;
mod server_defaults;

use std::collections::BTreeMap;

use super::attribution::attribution;
use super::{AcceptedIn, Blocker, Criterion, Finding, Verdict};
use crate::alembic::transcript::Place;
use crate::evidence::catalog::{Object, ObjectKind};
use crate::evidence::models::{self, Drift, Flaw, MistakenMetadata, Models, RefusedPart};
use crate::evidence::{Evidence, Part};
use crate::manifest::Service;
use message::message;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "model_drift",
    asserts: "what `metadata.create_all` builds from the models is what the migrations build: columns, types, \
              defaults, keys, CHECK texts, indexes with predicate and method, enum labels and their order",
    why: "the service runs with its models on a database that its migrations built; `alembic check` does not \
          compare labels, predicates, CHECK texts or primary keys",
    remedy: "add a revision that brings the database to the models, or correct the model",
    needs: &[Part::Migrated, Part::Models],
    judge,
};

/// The number of differences that are listed.
const SHOWN: usize = 16;
/// The number of names in a line that stands for several.
const NAMED: usize = 6;

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    if evidence.migrated.is_none() {
        return Verdict::without("the migrated database");
    }
    if let Some(blocked) = attribution(service, evidence).blocks(&CRITERION) {
        return blocked;
    }
    let Some(models) = &evidence.models else {
        return Verdict::without("the database that the models build");
    };
    if let Some(finding) = not_built(models) {
        return Verdict::Fail(vec![finding]);
    }
    let mut findings: Vec<Finding> = models.flaws.iter().map(flawed).collect();
    let is_without = |flaw: &Flaw| matches!(flaw, Flaw::NoMetadata(_));
    if models.flaws.iter().any(is_without) {
        return Verdict::Fail(findings);
    }
    if !models.metadata {
        return Verdict::Blocked {
            by: Blocker::Evidence,
            because: format!(
                "env.py passes target_metadata = None to context.configure, so there are no models to compare: \
                 pass their MetaData, or write into {}, below [not_applicable]: model_drift = \"<reason>\"",
                service.file.display()
            ),
        };
    }
    if models.tables.is_empty() {
        return Verdict::Fail(vec![without_tables(service)]);
    }
    findings.extend(stale(service, models));
    findings.extend(drifted(service, models));
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    let mut notes = accepted(service, models);
    notes.extend(unstated(models));
    Verdict::Pass { notes }
}

/// No model was imported by the time `env.py` passed the metadata.
fn without_tables(service: &Service) -> Finding {
    Finding::new("the metadata that env.py passes describes no table")
        .note("autogenerate would drop all that the migrations build")
        .help("import the modules of the models in env.py, before target_metadata is used")
        .help(format!(
            "where the service has no models, say so in {}: [not_applicable] model_drift = \"<reason>\"",
            service.file.display()
        ))
}

/// The flaws of the models beside any difference.
fn flawed(flaw: &Flaw) -> Finding {
    match flaw {
        Flaw::NoMetadata(mistaken) => no_metadata(mistaken),
        Flaw::Refused(refused) => self::refused(refused),
    }
}

/// The value that `env.py` hands to `context.configure` describes no tables.
fn no_metadata(mistaken: &MistakenMetadata) -> Finding {
    let finding = Finding::new(format!(
        "target_metadata is {}, which is no MetaData",
        mistaken.what
    ));
    match &mistaken.instead {
        Some(metadata) => finding.help(format!(
            "pass what holds the tables: target_metadata = {metadata}"
        )),
        None => {
            finding.help("pass the MetaData that the models' tables are in, such as Base.metadata")
        }
    }
}

/// `create_all` itself does not work.
fn not_built(models: &Models) -> Option<Finding> {
    let Some(error) = models.built.outcome.error() else {
        return (!models.built.finished())
            .then(|| Finding::new("the models cannot be built: `create_all` did not end"));
    };
    let place = error
        .frames
        .last()
        .map(|frame| Place::line(&frame.file, frame.line));
    let mut finding = Finding::new(format!(
        "the models cannot be built in an empty database: {}",
        error.line()
    ))
    .mark(place.as_ref(), "from here");
    if let Some(statement) = models.built.failed_statement() {
        finding = finding.note(format!(
            "the statement: {}",
            statement
                .sql
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        ));
    }
    finding.notes.extend(error.notes.clone());
    Some(finding.help(format!(
        "everything Python printed: {}",
        models.built.output.display()
    )))
}

/// The statements of the models beside `create_all` that PostgreSQL refuses.
fn refused(refused: &RefusedPart) -> Finding {
    Finding::new(format!(
        "a statement that the models issue when they are created is refused: {}",
        refused.error.line()
    ))
    .note(format!("the statement: {}", refused.statement))
    .help("it is issued by an event of a table or of the metadata (event.listen, DDL): correct it there")
}

/// The differences that nobody accepted: the server defaults that no model has as one
/// finding, the lengths and the sizes of integers as one each, all others as another.
fn drifted(service: &Service, models: &Models) -> Vec<Finding> {
    let open = open(service, models);
    let of = |class| -> Vec<&Drift> {
        let of_class = open.iter().filter(|drift| class_of(drift) == class);
        let accepted = class.is_some_and(|class| service.accepted_drift.contains_key(class));
        of_class.filter(|_| !accepted).copied().collect()
    };
    let mut findings: Vec<Finding> = differing(service, models, of(None)).into_iter().collect();
    let defaults = of(Some(server_defaults::KEY));
    findings.extend(server_defaults::finding(service, models, &defaults));
    findings.extend(lengths::finding(service, models, &of(Some(lengths::KEY))));
    findings.extend(integers::finding(service, models, &of(Some(integers::KEY))));
    findings
}

/// The class of a difference, by the key that accepts all of it; `None` where each has a key
/// of its own.
fn class_of(drift: &Drift) -> Option<&'static str> {
    let default = drift.default_left().map(|_| server_defaults::KEY);
    let length = || drift.length_on_one_side().map(|_| lengths::KEY);
    let integer = || drift.integers().map(|_| integers::KEY);
    default.or_else(length).or_else(integer)
}

/// The differences of the service's own tables that nobody accepted one by one.
fn open<'a>(service: &Service, models: &'a Models) -> Vec<&'a Drift> {
    let elsewhere = |drift: &Drift| {
        drift.model.is_none()
            && drift
                .table
                .as_ref()
                .is_some_and(|table| service.owned_elsewhere.contains(table))
    };
    models
        .drifts
        .iter()
        .filter(|drift| !elsewhere(drift) && !service.accepted_drift.contains_key(&drift.subject()))
        .collect()
}

/// Differences as one finding.
fn differing(service: &Service, models: &Models, mut open: Vec<&Drift>) -> Option<Finding> {
    // Whatever many there are of another kind, a missing table is seen.
    open.sort_by_key(|drift| rank(drift));
    let first = open.first()?;
    let mut finding = Finding::new(match open.len() {
        1 => message(first),
        many => format!(
            "the models and the migrations differ in {many} places{}",
            kinds(&open)
        ),
    });
    let groups = alike(&open);
    for group in groups.iter().take(SHOWN) {
        let drift = group[0];
        let source = source(models, drift);
        let place = source.as_ref().map_or(String::new(), |place| {
            format!(" ({}:{})", service.shown(&place.file), place.line)
        });
        if finding.marks.is_empty() {
            finding = finding.mark(source.as_ref(), format!("the model of {}", drift.subject()));
        }
        if open.len() > 1 {
            finding = finding.note(format!("{}{place}{}", message(drift), others(&group[1..])));
        }
    }
    let hidden: usize = groups.iter().skip(SHOWN).map(Vec::len).sum();
    if hidden > 0 {
        finding = finding.note(format!("and {hidden} more"));
    }
    if let (
        [only],
        Some(Drift {
            migrated: Some(migrated),
            model: Some(model),
            ..
        }),
    ) = (open.as_slice(), open.first())
    {
        finding = lines(only, migrated, model).map_or(finding.clone(), |(model, migrated)| {
            finding.compare(model, migrated)
        });
    }
    let finding = advised(service, finding, &open, first);
    let keys = open.iter().map(|drift| drift.subject());
    Some(keys.fold(finding, |finding, key| {
        finding.acceptable(AcceptedIn::ModelDrift, key)
    }))
}

/// The differences, those of columns that are alike together where there are more than can
/// be shown: a type that was widened everywhere is one line.
fn alike<'a>(open: &[&'a Drift]) -> Vec<Vec<&'a Drift>> {
    let mut groups: Vec<Vec<&Drift>> = Vec::new();
    for drift in open {
        let change = change(drift).filter(|_| open.len() > SHOWN);
        let same = |group: &&mut Vec<&Drift>| change.is_some() && self::change(group[0]) == change;
        match groups.iter_mut().find(same) {
            Some(group) => group.push(drift),
            None => groups.push(vec![drift]),
        }
    }
    groups
}

/// A column before and after; without the sequence that numbers it, where one does on both sides.
fn change(drift: &Drift) -> Option<(&str, &str)> {
    let migrated = &drift.migrated.as_ref()?.definition;
    let model = &drift.model.as_ref()?.definition;
    let unnumbered = |definition: &'_ String| definition.find(" DEFAULT nextval(");
    if is_table_without_model(drift) {
        return Some(("table", ""));
    }
    let is_column = drift
        .object()
        .is_some_and(|object| object.kind == ObjectKind::Column);
    is_column.then(|| match (unnumbered(migrated), unnumbered(model)) {
        (Some(one), Some(other)) => (&migrated[..one], &model[..other]),
        _ => (migrated.as_str(), model.as_str()),
    })
}

fn is_table_without_model(drift: &Drift) -> bool {
    let migrated = drift.migrated.as_ref();
    drift.model.is_none() && migrated.is_some_and(|object| object.kind == ObjectKind::Table)
}

/// The first of the names that a line stands for beside its own.
fn others(group: &[&Drift]) -> String {
    let names: Vec<String> = group.iter().take(NAMED).map(|one| one.subject()).collect();
    match group.len() {
        0 => String::new(),
        many if many <= NAMED => format!("; likewise {}", names.join(", ")),
        many => format!("; likewise {} and {} more", names.join(", "), many - NAMED),
    }
}

/// The place of a difference in the order of kinds.
fn rank(drift: &Drift) -> usize {
    let kind = drift.object().map(|object| object.kind);
    kind.and_then(models::rank).unwrap_or(usize::MAX)
}

/// Counts the differences of each kind, where there are more than can be shown.
fn kinds(open: &[&Drift]) -> String {
    if open.len() <= SHOWN {
        return String::new();
    }
    let groups = open.chunk_by(|one, other| rank(one) == rank(other));
    let counted = groups.map(|group| {
        let kind = group[0].object().map_or("", |object| object.kind.name());
        match (group.len(), kind) {
            (1, kind) => format!("1 {kind}"),
            (many, "index") => format!("{many} indexes"),
            (many, kind) => format!("{many} {kind}s"),
        }
    });
    format!(": {}", counted.collect::<Vec<_>>().join(", "))
}

/// Advice about the differences.
fn advised(service: &Service, mut finding: Finding, open: &[&Drift], first: &Drift) -> Finding {
    if let Some(table) = open
        .iter()
        .find(|drift| is_table_without_model(drift))
        .and_then(|drift| drift.table.as_ref())
    {
        finding = finding
            .help(format!("where a model of {table} exists, import its module in env.py before target_metadata is used"))
            .help(format!(
                "where another library owns it, say so in {}: [model_drift] owned_elsewhere = [\"{table}\"]",
                service.file.display()
            ));
    }
    finding
        .help("add a revision that brings the database to the model, or correct the model")
        .help(format!(
            "a difference that stays is accepted in {}: {}",
            service.file.display(),
            AcceptedIn::ModelDrift.line(&first.subject())
        ))
}

/// Both definitions, a label or a clause a line, where there are several of them.
fn lines(drift: &Drift, migrated: &Object, model: &Object) -> Option<(String, String)> {
    let split: fn(&Object) -> String = match drift.object()?.kind {
        ObjectKind::EnumType => |object| object.definition.replace(", ", "\n"),
        ObjectKind::Index => |object| {
            let clauses = [" ON ", " USING ", " INCLUDE ", " WHERE "];
            clauses
                .into_iter()
                .fold(object.definition.clone(), |text, clause| {
                    text.replacen(clause, &format!("\n{}", clause.trim_start()), 1)
                })
        },
        _ => return None,
    };
    Some((split(model), split(migrated)))
}

/// The place where the models describe what differs: the attribute, else the class of the table.
fn source(models: &Models, drift: &Drift) -> Option<Place> {
    let object = drift.object()?;
    let schema = object.schema.as_deref().unwrap_or("public");
    let table = drift.table.as_ref()?;
    let source = models
        .sources
        .get(table)
        .or_else(|| models.sources.get(&format!("{schema}.{table}")))?;
    let column = drift.used_by.first().unwrap_or(&object.name);
    let attribute = column
        .rsplit('.')
        .next()
        .and_then(|name| source.columns.get(name));
    Some(Place::line(
        &source.file,
        attribute.copied().unwrap_or(source.line),
    ))
}

/// The differences that a key of `[model_drift.accepted]` is about.
fn count_of_key(models: &Models, key: &str) -> usize {
    let is_of = |drift: &&Drift| class_of(drift) == Some(key) || drift.subject() == key;
    models.drifts.iter().filter(is_of).count()
}

/// Lines of the service's own that accept what no longer differs. One of the defaults is
/// for whichever service it concerns.
fn stale(service: &Service, models: &Models) -> Vec<Finding> {
    let gone = service
        .accepted_drift
        .iter()
        .filter(|(key, line)| !line.inherited && count_of_key(models, key) == 0);
    gone.map(|(subject, _)| {
        Finding::new(format!(
            "{subject} is accepted as a difference, but no longer differs"
        ))
        .help(format!(
            "remove the line \"{subject}\" below [model_drift.accepted] in {}",
            service.file.display()
        ))
    })
    .collect()
}

/// The accepted differences, each with its reason.
fn accepted(service: &Service, models: &Models) -> Vec<String> {
    let lines = service.accepted_drift.iter();
    let lines = lines.map(|(key, line)| (key, &line.reason, count_of_key(models, key)));
    lines
        .filter(|(_, _, count)| *count > 0)
        .map(|(key, reason, count)| match (key.as_str(), count) {
            (server_defaults::KEY, 1) => {
                format!("1 server default that only the migrations have: {reason}")
            }
            (server_defaults::KEY, many) => {
                format!("{many} server defaults that only the migrations have: {reason}")
            }
            (lengths::KEY, 1) => format!("1 length that only one side has: {reason}"),
            (lengths::KEY, many) => format!("{many} lengths that only one side has: {reason}"),
            (integers::KEY, 1) => format!("1 integer of another size: {reason}"),
            (integers::KEY, many) => format!("{many} integers of another size: {reason}"),
            (subject, _) => format!("{subject} differs from the model: {reason}"),
        })
        .collect()
}

/// The properties that were not compared because models cannot state them, a line each.
fn unstated(models: &Models) -> Vec<String> {
    let mut by_property: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in &models.unstated {
        by_property
            .entry(&one.property)
            .or_default()
            .push(&one.object);
    }
    let line = |(property, objects): (&str, Vec<&str>)| {
        let shown = objects[..objects.len().min(NAMED)].join(", ");
        let more = match objects.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        format!("models cannot state {property}, so that is not compared: {shown}{more}")
    };
    by_property.into_iter().map(line).collect()
}

#[cfg(test)]
mod tests;
