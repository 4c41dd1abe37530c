//! The deployed revisions and the next deployment: [`Plan`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::alembic::worker;
use crate::error::{HarnessError, Result, Stage};
use crate::evidence::{History, Merge};
use crate::manifest::{BASE_REF, Deployed, Service};

/// The revisions that are deployed, and those of the next deployment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The source of that.
    pub origin: Origin,
    /// The heads of what is deployed.
    pub deployed: Vec<String>,
    /// The revisions above them, in the order in which Alembic upgrades.
    pub pending: Vec<String>,
    /// Tells whether each of them is a deployment of its own.
    pub one_by_one: bool,
}

/// The source of what is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The revisions of this ref, at this commit.
    BaseRef {
        /// The ref as it was named.
        name: String,
        /// Its commit.
        commit: String,
    },
    /// `deployed` in the manifest.
    Manifest,
}

/// A manifest's `deployed` with more revisions above it is thought to be old.
const MANY: usize = 20;

impl Plan {
    /// The plan for a history that Alembic loaded; `None` where nobody says what is deployed.
    ///
    /// # Errors
    /// git cannot tell what the base ref has, or a revision is in no history.
    pub fn read(
        service: &Service,
        history: &History,
        loaded: &worker::History,
    ) -> Result<Option<Self>> {
        let all = loaded.revisions.iter().map(|revision| revision.id.clone());
        let (origin, deployed, one_by_one) = match &service.deployed {
            Deployed::Unknown => return Ok(None),
            Deployed::Nothing => (Origin::Manifest, BTreeSet::new(), true),
            Deployed::At(revisions) => {
                known(service, revisions, loaded)?;
                let deployed = loaded.graph().below(revisions.iter().map(String::as_str));
                (Origin::Manifest, deployed, false)
            }
            Deployed::BaseRef(name) => {
                let merge = Merge::read(service, history, name)?;
                let published = all.clone().filter(|id| !merge.ours.contains(id));
                let published: Vec<String> = published.collect();
                let deployed = loaded.graph().below(published.iter().map(String::as_str));
                let commit = merge.commit;
                let name = name.clone();
                (Origin::BaseRef { name, commit }, deployed, false)
            }
        };
        Ok(Some(Self {
            origin,
            pending: all.filter(|id| !deployed.contains(id)).collect(),
            deployed: heads(loaded, &deployed),
            one_by_one,
        }))
    }

    /// The heads of what is deployed once the first pending revisions are, so many.
    #[must_use]
    pub fn heads_after(&self, count: usize, loaded: &worker::History) -> Vec<String> {
        let ids = self.deployed.iter().chain(&self.pending[..count]);
        let deployed = loaded.graph().below(ids.map(String::as_str));
        heads(loaded, &deployed)
    }

    /// Tells whether the manifest's `deployed` was not moved for long.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.origin == Origin::Manifest && !self.one_by_one && self.pending.len() > MANY
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let revisions = match self.pending.len() {
            0 => return f.write_str("nothing is deployed: no revision is pending"),
            1 => "1 revision".to_owned(),
            many => format!("{many} revisions"),
        };
        let above = match self.deployed.as_slice() {
            [] => "base".to_owned(),
            heads => heads.join(", "),
        };
        let one_by_one = if self.one_by_one {
            ", each by itself"
        } else {
            ""
        };
        write!(
            f,
            "deployment of {revisions} above {above}{one_by_one}, from "
        )?;
        match &self.origin {
            Origin::BaseRef { name, .. } => write!(f, "{BASE_REF} {name}"),
            Origin::Manifest => f.write_str("`deployed` in the manifest"),
        }
    }
}

fn known(service: &Service, revisions: &[String], loaded: &worker::History) -> Result<()> {
    let is_unknown = |id: &&String| !loaded.revisions.iter().any(|one| one.id == **id);
    let Some(unknown) = revisions.iter().find(is_unknown) else {
        return Ok(());
    };
    let file = service.file.display();
    let problem =
        format!("{file}: `deployed` names {unknown}, which is no revision of the service");
    let heads = loaded.heads.join("\", \"");
    Err(HarnessError::new(Stage::Manifest, problem).help(format!(
        "name the revision that is deployed; where that is the head, it is deployed = \"{heads}\""
    )))
}

/// Those on which no other one rests.
fn heads(loaded: &worker::History, deployed: &BTreeSet<String>) -> Vec<String> {
    let inside = || {
        loaded
            .revisions
            .iter()
            .filter(|one| deployed.contains(&one.id))
    };
    let rests_on = |id: &String| {
        inside().any(|one| one.down_revisions.contains(id) || one.depends_on.contains(id))
    };
    let ids = inside().map(|revision| revision.id.clone());
    ids.filter(|id| !rests_on(id)).collect()
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;

    use super::*;
    use crate::alembic::worker::LoadedRevision;

    /// One revision per word: `c:a,b` is `c`, whose parents are `a` and `b`.
    fn history(words: &str) -> worker::History {
        let revisions = words.split_whitespace().map(|word| {
            let (id, down) = word.split_once(':').unwrap_or((word, ""));
            let down = down.split(',').filter(|id| !id.is_empty());
            LoadedRevision {
                id: id.to_owned(),
                down_revisions: down.map(str::to_owned).collect(),
                depends_on: Vec::new(),
                branch_labels: Vec::new(),
                message: None,
                file: format!("{id}.py").into(),
            }
        });
        worker::History {
            heads: Vec::new(),
            locations: Vec::new(),
            revisions: revisions.collect(),
        }
    }

    #[test]
    fn what_is_deployed_has_all_that_it_rests_on() {
        let history = history("a b:a c:a d:b,c e:d");
        let deployed = history.graph().below(["d"]);
        assert_eq!(
            deployed.iter().map(String::as_str).collect::<String>(),
            "abcd"
        );
        assert_eq!(heads(&history, &deployed), ["d"]);
        let two = history.graph().below(["b", "c"]);
        assert_eq!(heads(&history, &two), ["b", "c"]);
        assert_eq!(heads(&history, &BTreeSet::new()), [""; 0]);
    }
}
