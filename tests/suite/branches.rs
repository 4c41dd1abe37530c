//! A service whose fault is what a branch made of it. Its directory holds it as it is on the
//! branch, and the files below `published/` are what the base has in their places; revisions
//! there are all that the base has. Both are made commits of a small repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::judge::{Judged, judge, python, repository};

/// The directory of files as they were published.
const PUBLISHED: &str = "published";
/// The revisions of a service.
const VERSIONS: &str = "alembic/versions";
/// The branch that is published.
const BASE: &str = "main";

/// The repository, which is removed when it goes.
pub struct Branch {
    keep: tempfile::TempDir,
    service: String,
}

/// Judges one service of `tests/broken` or `tests/unusual`, on a branch where it has one.
pub fn judge_service(
    tests: &str,
    service: &str,
    arguments: &[&str],
    more: &[(&str, &str)],
) -> Judged {
    match Branch::of(tests, service) {
        Some(branch) => branch.judge(arguments, more),
        None => {
            let manifest = repository()
                .join("tests")
                .join(tests)
                .join("services-manifest");
            judge(&manifest, arguments, &[&[("ONLY", service)], more].concat())
        }
    }
}

impl Branch {
    /// `None` for a service that is the same on every branch.
    pub fn of(tests: &str, service: &str) -> Option<Self> {
        let tests = repository().join("tests").join(tests);
        let from = tests.join(service);
        from.join(PUBLISHED).is_dir().then(|| {
            let branch = Self {
                keep: tempfile::tempdir().unwrap(),
                service: service.to_owned(),
            };
            branch.manifest_of(&tests);
            branch.git(&["init", "--quiet", "--initial-branch", BASE, "."]);
            fs::write(
                branch.path().join(".git/info/exclude"),
                "services-manifest/\n",
            )
            .unwrap();
            branch.published(&from);
            branch.git(&["checkout", "--quiet", "-b", "topic"]);
            branch.ours(&from);
            branch
        })
    }

    pub fn path(&self) -> &Path {
        self.keep.path()
    }

    pub fn directory(&self) -> PathBuf {
        self.path().join(&self.service)
    }

    /// Paths in what is printed are relative to the repository.
    pub fn judge(&self, arguments: &[&str], more: &[(&str, &str)]) -> Judged {
        let variables = [&[("BASE_REF", BASE)], more].concat();
        let mut judged = judge(
            &self.path().join("services-manifest"),
            arguments,
            &variables,
        );
        let above = format!("{}/", self.path().display());
        for text in [&mut judged.stdout, &mut judged.stderr] {
            *text = text.replace(&above, "");
        }
        judged
    }

    fn manifest_of(&self, tests: &Path) {
        let manifest = tests.join("services-manifest");
        let to = self.path().join("services-manifest");
        copy(&manifest.join("conventions"), &to.join("conventions"));
        fs::create_dir_all(to.join("services")).unwrap();
        let python = python();
        let defaults = fs::read_to_string(manifest.join("defaults.toml")).unwrap();
        let defaults = defaults.replace("../monorepo/.venv/bin/python", python.to_str().unwrap());
        fs::write(to.join("defaults.toml"), defaults).unwrap();
        let file = format!("services/{}.toml", self.service);
        fs::copy(manifest.join(&file), to.join(&file)).unwrap();
        copy(&tests.join("libs"), &self.path().join("libs"));
    }

    /// As it is, but for what was published otherwise: of revisions, all of them.
    fn published(&self, from: &Path) {
        copy(from, &self.directory());
        if from.join(PUBLISHED).join(VERSIONS).is_dir() {
            fs::remove_dir_all(self.directory().join(VERSIONS)).unwrap();
        }
        copy(&from.join(PUBLISHED), &self.directory());
        self.commit("Publish the orders");
    }

    fn ours(&self, from: &Path) {
        fs::remove_dir_all(self.directory()).unwrap();
        copy(from, &self.directory());
        self.commit("Tidy up the migrations");
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
    }

    pub fn git(&self, arguments: &[&str]) {
        let day = "2026-11-20T12:00:00Z";
        let output = Command::new("git")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.com"])
            .args(arguments)
            .current_dir(self.path())
            .envs([("GIT_AUTHOR_DATE", day), ("GIT_COMMITTER_DATE", day)])
            .env_remove("GIT_DIR")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "git {arguments:?}: {said}");
    }
}

/// Copies a directory, without what was published and what Python compiled.
fn copy(from: &Path, to: &Path) {
    let Ok(entries) = from.read_dir() else { return };
    fs::create_dir_all(to).unwrap();
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if name == PUBLISHED || name == "__pycache__" {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}
