//! A small git repository with one service, and what its branches do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::Edit::{File, New, Remove, Text};

pub const INI: &str = "[alembic]\nscript_location = alembic\npath_separator = os\n";
pub const VERSIONS: &str = "services/örders and more/alembic/versions";

/// A change of the revision files by a branch.
pub enum Edit {
    /// A revision by its id, on top of another one.
    New(&'static str, Option<&'static str>),
    /// The same in a file whose name is not the id.
    File(&'static str, &'static str, Option<&'static str>),
    /// Without that file.
    Remove(&'static str),
    /// Anything.
    Text(&'static str, &'static str),
}

/// A repository with one service, `orders`, and the branches `main` and `topic`.
pub struct Monorepo {
    _keep: tempfile::TempDir,
    pub directory: PathBuf,
}

impl Monorepo {
    /// `main` with the revisions r1 and r2; `topic` starts there.
    pub fn new() -> Self {
        let keep = tempfile::tempdir().unwrap();
        let monorepo = Self {
            directory: keep.path().join("mono répo"),
            _keep: keep,
        };
        fs::create_dir(&monorepo.directory).unwrap();
        monorepo.git(&["init", "--quiet", "--initial-branch=main", "."]);
        monorepo.write(&format!("{VERSIONS}/../env.py"), "");
        monorepo.write(&format!("{VERSIONS}/../../alembic.ini"), INI);
        monorepo.write(
            "services-manifest/defaults.toml",
            "root = \"..\"\npython = \"python3\"\n",
        );
        let service = "path = \"services/örders and more\"\ndatabase_url_env = \"DATABASE_URL\"\n";
        monorepo.write("services-manifest/services/orders.toml", service);
        monorepo
            .revision("r1", None)
            .revision("r2", Some("r1"))
            .commit("base");
        monorepo.git(&["branch", "topic"]);
        monorepo
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(&self.directory, arguments)
    }

    pub fn write(&self, path: &str, text: &str) -> &Self {
        let path = self.directory.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    pub fn revision(&self, id: &str, down: Option<&str>) -> &Self {
        self.file(id, id, down)
    }

    pub fn file(&self, name: &str, id: &str, down: Option<&str>) -> &Self {
        let down = down.map_or("None".to_owned(), |down| format!("{down:?}"));
        let text =
            format!("\"\"\"About {id}.\"\"\"\n\nrevision = \"{id}\"\ndown_revision = {down}\n");
        self.write(&format!("{VERSIONS}/{name}.py"), &text)
    }

    pub fn remove(&self, name: &str) -> &Self {
        fs::remove_file(self.directory.join(format!("{VERSIONS}/{name}.py"))).unwrap();
        self
    }

    pub fn edit(&self, edits: &[Edit]) -> &Self {
        for edit in edits {
            match edit {
                New(id, down) => self.revision(id, *down),
                File(name, id, down) => self.file(name, id, *down),
                Remove(name) => self.remove(name),
                Text(name, text) => self.write(&format!("{VERSIONS}/{name}"), text),
            };
        }
        self
    }

    pub fn commit(&self, message: &str) -> &Self {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self
    }

    pub fn on(&self, branch: &str) -> &Self {
        self.git(&["checkout", "--quiet", branch]);
        self
    }

    /// Another directory whose `origin` is this one.
    pub fn cloned(&self, arguments: &[&str]) -> PathBuf {
        let clone = self.directory.with_file_name("clone");
        let from = format!("file://{}", self.directory.display());
        let all = [
            &["clone", "--quiet"],
            arguments,
            &[&from, clone.to_str().unwrap()],
        ]
        .concat();
        self.git(&all);
        clone
    }
}

pub fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args([
            "-c",
            "user.name=A",
            "-c",
            "user.email=a@b.example",
            "-c",
            "protocol.file.allow=always",
        ])
        .args(arguments)
        .current_dir(directory)
        .env_remove("GIT_DIR")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "git {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}
