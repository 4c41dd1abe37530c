//! Joins the reports of a run that was split over several machines.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::data::{Case, Report, SCHEMA, Service, VERSION};
use super::parts::read;

/// Reads the report of one machine: `report.json`, or the directory that holds it.
///
/// # Errors
/// There is none, or it was written by another version of the harness.
pub fn load(path: &Path) -> io::Result<Report> {
    let file = match path.is_dir() {
        true => path.join("report.json"),
        false => path.to_owned(),
    };
    let value: serde_json::Value = read(&file)?;
    let wrong = |what: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {what}", file.display()),
        )
    };
    let (schema, version) = (value["schema"].as_str(), value["version"].as_u64());
    if schema != Some(SCHEMA) {
        return Err(wrong(format!(
            "no report: \"schema\" should be \"{SCHEMA}\""
        )));
    }
    if version != Some(u64::from(VERSION)) {
        let found = version.map_or("missing".to_owned(), |version| version.to_string());
        return Err(wrong(format!(
            "its \"version\" is {found}, this program reads {VERSION}"
        )));
    }
    serde_json::from_value(value).map_err(|cause| wrong(cause.to_string()))
}

/// One report of several. A case that several parts hold is as red as in any of them,
/// except that one which was judged somewhere is not "not judged".
#[must_use]
pub fn join(parts: Vec<Report>) -> Option<Report> {
    let mut parts = parts.into_iter();
    let mut joined = parts.next()?;
    let mut services: BTreeMap<String, Service> = BTreeMap::new();
    let mut cases: BTreeMap<String, Case> = BTreeMap::new();
    let first = (
        std::mem::take(&mut joined.services),
        std::mem::take(&mut joined.cases),
    );
    let mut take = |(from, judged): (Vec<Service>, Vec<Case>)| {
        for service in from {
            services
                .entry(service.name.clone())
                .or_default()
                .absorb(service);
        }
        for case in judged {
            let name = case.name();
            if cases
                .get(&name)
                .is_none_or(|known| rank(&case) < rank(known))
            {
                cases.insert(name, case);
            }
        }
    };
    take(first);
    for part in parts {
        joined.runs.extend(part.runs);
        for criterion in part.criteria {
            if !joined.criteria.iter().any(|known| known.id == criterion.id) {
                joined.criteria.push(criterion);
            }
        }
        take((part.services, part.cases));
    }
    for (name, service) in &mut services {
        service.name.clone_from(name);
    }
    joined.services = services.into_values().collect();
    joined.cases = cases.into_values().collect();
    joined.runs.sort();
    joined.runs.dedup();
    Some(joined.in_order())
}

/// The case to show comes first.
fn rank(case: &Case) -> (bool, super::data::Outcome) {
    let unjudged = case.outcome == super::data::Outcome::NotJudged;
    (unjudged, case.outcome)
}
