//! Published revisions stay as they are.

mod squash;

use std::collections::BTreeMap;
use std::path::Path;

use super::attribution::{PUBLISHED_REVISIONS, attribution};
use super::keyed::{KeyedFinding, parted, stale_line};
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::behaviour::Difference;
use crate::alembic::revision::Revision;
use crate::alembic::transcript::Place;
use crate::evidence::published::{Change, How, MovedLink};
use crate::evidence::{Evidence, PublishedRevisions};
use crate::git::short;
use crate::manifest::Service;
use crate::postgres::kept::quoted;

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: PUBLISHED_REVISIONS,
    asserts: "no revision that BASE_REF has is deleted, renamed, moved in the graph or changed in what it \
              does, and none is inserted below it",
    why: "a database that ran a revision does not run it again: it keeps what the revision did, or cannot be \
          upgraded any more, while a new database becomes something else",
    remedy: "restore the revision, and write what has to change as a new one",
    needs: &[],
    judge,
};

/// So many files stand in one command.
const FILES: usize = 3;

/// The evidence and the service that findings are about.
struct Context<'a> {
    service: &'a Service,
    published: &'a PublishedRevisions,
    evidence: &'a Evidence,
    /// The new ids of published revisions.
    renamed: BTreeMap<&'a str, &'a str>,
}

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let history = &evidence.history;
    if let Some(blocked) = attribution(service, evidence).blocks(&CRITERION) {
        return blocked;
    }
    let Some(published) = &evidence.published else {
        return Verdict::without("what BASE_REF has in common with this branch");
    };
    if history.graph.revisions.is_empty() {
        return Verdict::without("the revision graph");
    }
    let context = Context {
        service,
        published,
        evidence,
        renamed: renamed(published),
    };
    let keyed = context.findings();
    let accepted = &service.accepted_published;
    let reason = |key: &str| accepted.get(key).map(String::as_str);
    let (open, notes) = parted(keyed, reason);
    let open = open.into_iter().map(|one| one.finding);
    let findings: Vec<Finding> = open.chain(context.unknown()).collect();
    if !findings.is_empty() {
        return Verdict::Fail(findings);
    }
    Verdict::Pass {
        notes: notes
            .into_iter()
            .chain(context.nothing_published())
            .collect(),
    }
}

fn renamed(published: &PublishedRevisions) -> BTreeMap<&str, &str> {
    let changes = published.changes.iter();
    let renamed = changes.filter_map(|change| match &change.how {
        How::Renamed { to, .. } => Some((change.id.as_str(), to.as_str())),
        _ => None,
    });
    renamed.collect()
}

impl Context<'_> {
    fn findings(&self) -> Vec<KeyedFinding> {
        let squash = squash::found(self);
        let is_told = |change: &&Change| squash.iter().any(|squash| squash.explains(change));
        let rest: Vec<&Change> = self
            .published
            .changes
            .iter()
            .filter(|one| !is_told(one))
            .collect();
        let mut keyed: Vec<KeyedFinding> =
            squash.iter().map(|squash| self.squashed(squash)).collect();
        keyed.extend(rest.iter().filter_map(|change| match &change.how {
            How::Deleted => Some(self.deleted(change)),
            How::Renamed { to, line } => Some(self.renamed(change, to, *line)),
            How::Moved { names, line } => self.moved(change, names, *line),
            How::Changed(difference) => Some(self.changed(change, difference)),
        }));
        keyed
    }

    fn deleted(&self, change: &Change) -> KeyedFinding {
        let id = &change.id;
        let finding = Finding::new(format!("revision {id} is deleted, and it is published"))
            .note(format!(
                "{} has it: {}",
                self.published.base_ref,
                change.was.display()
            ))
            .note(format!(
                "a database that stands at {id} cannot be upgraded any more: Can't locate revision identified by '{id}'"
            ));
        let finding = restore(self.by(finding, change), &self.checkout(&[change]), "");
        self.keyed(finding, format!("{id} deleted"))
    }

    fn renamed(&self, change: &Change, to: &str, line: u32) -> KeyedFinding {
        let id = &change.id;
        let file = change.file.as_deref().unwrap_or(&change.was);
        let finding = Finding::new(format!("revision {id}, which is published, is called {to} now"))
            .mark(Some(&Place::line(file, line)), format!("was {id}"))
            .note(format!(
                "a database that stands at {id} cannot be upgraded any more: Can't locate revision identified by '{id}'"
            ));
        let finding = self.by(finding, change).help(format!(
            "set revision = \"{id}\" in {}:{line} again, and each down_revision that names {to}",
            self.service.shown(file)
        ));
        self.keyed(finding, format!("{id} renamed"))
    }

    fn changed(&self, change: &Change, difference: &Difference) -> KeyedFinding {
        let id = &change.id;
        let (what, happens) = match difference.is_downgrade {
            true => (
                format!("the downgrade of revision {id}"),
                "databases that ran the revision go down in another way than when it was tried",
            ),
            false => (
                format!("revision {id}"),
                "a database that ran it does not run it again: it stays as it is, and new ones become something else",
            ),
        };
        let mut finding = Finding::new(format!("{what} was changed after it was published"));
        if let Some(file) = &change.file {
            let place = Place {
                revision: Some(id.clone()),
                ..Place::line(file, difference.line)
            };
            finding = finding.mark(Some(&place), "from here on");
        }
        let finding = finding
            .compare(&difference.before, &difference.after)
            .note(happens);
        let finding = self.by(finding, change);
        let then = match difference.is_downgrade {
            true => String::new(),
            false => self.new_revision(),
        };
        let finding = restore(finding, &self.checkout(&[change]), &then);
        self.keyed(finding, format!("{id} changed"))
    }

    /// `None` where it follows a published revision that is called otherwise, which is told
    /// there.
    fn moved(&self, change: &Change, names: &[MovedLink], line: u32) -> Option<KeyedFinding> {
        let is_renaming = |moved: &MovedLink| {
            let called = |id: &String| {
                let to = self.renamed.get(id.as_str()).copied();
                to.unwrap_or(id).to_owned()
            };
            moved
                .before
                .iter()
                .map(called)
                .eq(moved.after.iter().cloned())
        };
        let names: Vec<&MovedLink> = names.iter().filter(|moved| !is_renaming(moved)).collect();
        let first = names.first()?;
        let id = &change.id;
        let inserted = self.inserted(first);
        let title = match inserted.as_slice() {
            [] => format!("revision {id} stands elsewhere than when it was published"),
            [one] => format!(
                "revision {} is inserted below {id}, which is published",
                one.id
            ),
            many => {
                let ids: Vec<&str> = many.iter().map(|one| one.id.as_str()).collect();
                format!(
                    "revisions {} are inserted below {id}, which is published",
                    ids.join(", ")
                )
            }
        };
        let mut finding = Finding::new(title);
        if let Some(file) = &change.file {
            let label = format!("{} was {}", first.name, python(&first.before));
            finding = finding.mark(Some(&Place::line(file, line)), label);
        }
        for moved in names.iter().skip(1) {
            finding = finding.note(format!(
                "{} was {}, and is {}",
                moved.name,
                python(&moved.before),
                python(&moved.after)
            ));
        }
        finding = finding.note(match inserted.first() {
            Some(new) => format!(
                "a database that stands at {id} or above never runs {}",
                new.id
            ),
            None => {
                format!("a database that stands at {id} or above went another way than a new one")
            }
        });
        let then = self.at_the_end(&inserted);
        let finding = restore(self.by(finding, change), &self.checkout(&[change]), &then);
        Some(self.keyed(finding, format!("{id} moved")))
    }

    /// The new revisions that lead from where a published one stood to where it stands, the
    /// lowest first.
    fn inserted(&self, moved: &MovedLink) -> Vec<&Revision> {
        let added = |id: &String| self.published.added.iter().find(|one| one.id == *id);
        let mut ahead: Vec<&Revision> = moved.after.iter().filter_map(added).collect();
        let mut found: Vec<&Revision> = Vec::new();
        while let Some(next) = ahead.pop() {
            if !found.iter().any(|one| one.id == next.id) {
                found.push(next);
                ahead.extend(next.down_revisions.iter().filter_map(added));
            }
        }
        found.reverse();
        found
    }

    /// Advice to put what was inserted on top.
    fn at_the_end(&self, inserted: &[&Revision]) -> String {
        let heads = self.evidence.history.graph.heads();
        match (inserted.first(), heads.as_slice()) {
            (Some(lowest), [head]) => format!(
                ", and let {} follow what is there: down_revision = \"{}\" in {}:{}",
                lowest.id,
                head.id,
                self.service.shown(&lowest.file),
                lowest.down_line
            ),
            _ => String::new(),
        }
    }

    fn new_revision(&self) -> String {
        format!(
            ", and write the change as a new revision: {} revision -m \"<what it does>\" in {}",
            self.service.alembic_command(),
            self.service.shown(&self.service.directory)
        )
    }

    /// The commit that did it.
    fn by(&self, finding: Finding, change: &Change) -> Finding {
        finding.note(match &change.by {
            Some(commit) => format!(
                "by commit {} of {}, {}: {}",
                short(&commit.hash),
                commit.author,
                commit.day,
                commit.subject
            ),
            None => "that is not committed yet".to_owned(),
        })
    }

    /// The command that restores files as they were published.
    fn checkout(&self, changes: &[&Change]) -> String {
        let commit = short(&self.published.parted);
        let quoted = |path: &Path| quoted(format!(":/{}", path.display()));
        let paths: Vec<String> = changes.iter().map(|change| quoted(&change.was)).collect();
        if paths.len() <= FILES {
            return format!("git checkout {commit} -- {}", paths.join(" "));
        }
        let mut directories: Vec<String> = changes
            .iter()
            .filter_map(|change| change.was.parent())
            .map(quoted)
            .collect();
        directories.dedup();
        format!("git checkout {commit} -- {}", directories.join(" "))
    }

    fn keyed(&self, finding: Finding, key: String) -> KeyedFinding {
        let file = self.service.file.display();
        let finding = finding
            .acceptable_by_key(AcceptedIn::Published, &key)
            .help(format!(
                "where it has to stay: in {file}, {}",
                AcceptedIn::Published.line(&key)
            ));
        KeyedFinding::red(key, finding)
    }

    /// Accepted lines about a change of what no history has. Lines about what is gone are
    /// silent, as it is gone for good after the merge.
    fn unknown(&self) -> Vec<Finding> {
        let graph = &self.evidence.history.graph;
        let is_known = |id: &str| {
            let now = graph.revisions.iter().any(|one| one.id == id);
            now || self.published.changes.iter().any(|one| one.id == id)
        };
        let keys = self.service.accepted_published.keys();
        let is_unknown = |key: &&String| match key.split_once(' ') {
            Some((id, "changed" | "moved")) => !is_known(id),
            Some((_, "deleted" | "renamed" | "squash")) => false,
            _ => true,
        };
        let finding = |key: &String| {
            let why = format!("\"{key}\" is accepted, and is about no revision of the service");
            stale_line(why, "published_revisions.accepted", self.service)
        };
        keys.filter(is_unknown).map(finding).collect()
    }

    fn nothing_published(&self) -> Option<String> {
        let published = self.published;
        (published.count == 0).then(|| {
            format!(
                "{} has no revision of the service where this branch began ({})",
                published.base_ref,
                short(&published.parted)
            )
        })
    }
}

fn restore(finding: Finding, command: &str, then: &str) -> Finding {
    finding.help(format!("{command}{then}")).command(command)
}

/// Ids as Python writes them.
fn python(ids: &[String]) -> String {
    match ids {
        [] => "None".to_owned(),
        [one] => format!("\"{one}\""),
        many => format!("(\"{}\")", many.join("\", \"")),
    }
}

#[cfg(test)]
mod tests;
