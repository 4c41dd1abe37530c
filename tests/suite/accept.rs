//! `--accept` writes what a monorepo that is red needs to become green, and no more.

use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::judge::{Judged, judge, repository};

/// Faults in a manifest of their own, which may be written.
struct Faults {
    directory: tempfile::TempDir,
}

impl Faults {
    fn new(services: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let broken = repository().join("tests/broken");
        let manifest = broken.join("services-manifest");
        let text = fs::read_to_string(manifest.join("defaults.toml")).unwrap();
        let root = format!("root = \"{}\"", broken.display());
        assert!(text.contains("root = \"..\""));
        let text = text.split("[model_drift.accepted]").next().unwrap();
        let text = text.replace("root = \"..\"", &root).replace(
            "python = \"../",
            &format!("python = \"{}/", repository().join("tests").display()),
        );
        fs::write(directory.path().join("defaults.toml"), text).unwrap();
        let own = directory.path().join("services");
        fs::create_dir(&own).unwrap();
        for service in services {
            let name = format!("{service}.toml");
            fs::copy(manifest.join("services").join(&name), own.join(name)).unwrap();
        }
        Self { directory }
    }

    fn judge(&self, arguments: &[&str]) -> Judged {
        judge(self.path(), arguments, &[])
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn file(&self, service: &str) -> String {
        fs::read_to_string(self.path().join(format!("services/{service}.toml"))).unwrap()
    }
}

#[test]
fn what_is_accepted_is_green_in_the_next_run() {
    let services = [
        "drift_default",
        "drift_server_defaults",
        "downgrade_leaves_enum_type",
    ];
    let faults = Faults::new(&services);
    let taken_back = "\"server defaults\" = false\n";
    let defaults = faults.path().join("services/drift_server_defaults.toml");
    let filters = [
        "model_drift::drift_default",
        "model_drift::drift_server_defaults",
        "downgrade::downgrade_leaves_enum_type",
    ];
    let red = faults.judge(&filters);
    assert_eq!(red.code, Some(101), "{}", red.all());
    let refused = faults.judge(&["model_drift::drift_server_defaults", "--accept"]);
    let said = "drift_server_defaults: not accepted, since";
    assert!(refused.stderr.contains(said), "{}", refused.all());
    let text = faults.file("drift_server_defaults");
    fs::write(defaults, text.replace(taken_back, "")).unwrap();
    let before = services.map(|service| faults.file(service));

    let accepting = faults.judge(&[&filters[..], &["--accept"]].concat());
    assert_eq!(accepting.code, Some(101), "{}", accepting.all());
    for (service, before) in services.iter().zip(&before) {
        let after = faults.file(service);
        assert!(after.starts_with(before.trim_end()), "{after}");
        assert!(after.contains("= \"accepted 20"), "{after}");
        let said = format!("{service}: accepted: [");
        assert!(accepting.stderr.contains(&said), "{}", accepting.all());
    }

    let green = faults.judge(&filters);
    assert_eq!(green.code, Some(0), "{}", green.all());
}

#[test]
fn differences_of_a_service_as_it_is_are_accepted_until_nothing_shows_them() {
    let filters = [
        "outbox_indexes::outbox_index_missing",
        "migration_notes::notes_without_enum_topic",
        "enum_types::enum_checkfirst_other_labels",
    ];
    let services = filters.map(|filter| filter.split("::").nth(1).unwrap());
    let faults = Faults::new(&services);
    let convention = "conventions";
    let from = repository()
        .join("tests/broken/services-manifest")
        .join(convention);
    fs::create_dir(faults.path().join(convention)).unwrap();
    for file in ["outbox.toml", "notes.toml"] {
        let to = faults.path().join(convention).join(file);
        fs::copy(from.join(file), to).unwrap();
    }
    let accepting = faults.judge(&[&filters[..], &["--accept"]].concat());
    for (filter, service) in filters.iter().zip(services) {
        let criterion = filter.split("::").next().unwrap();
        let table = format!("[{criterion}.accepted]");
        assert!(faults.file(service).contains(&table), "{}", accepting.all());
    }
    let green = faults.judge(&filters);
    assert_eq!(green.code, Some(0), "{}", green.all());
    let file = faults.path().join("services/outbox_index_missing.toml");
    let text = faults.file("outbox_index_missing") + "ix_of_nothing = \"gone\"\n";
    fs::write(file, text).unwrap();
    let stale = faults.judge(&filters[..1]);
    let said = "\"ix_of_nothing\" is accepted, and nothing shows it any more";
    assert!(
        stale
            .text("outbox_indexes::outbox_index_missing.toml")
            .contains(said),
        "{}",
        stale.all()
    );
}

/// A revision that leaves a type behind, as one before it does.
const NEW: &str = "\
revision = '20260101_0001'
down_revision = 'HEAD'

from alembic import op


def upgrade():
    op.execute(\"CREATE TYPE mood AS ENUM ('good', 'bad')\")


def downgrade():
    pass
";

#[test]
fn with_a_base_ref_only_what_that_has_too_is_accepted() {
    let fault = "downgrade_leaves_enum_type";
    let faults = crate::fixes::Faults::new(&[fault]);
    faults.commit();
    let versions = faults.path(&format!("{fault}/alembic/versions"));
    let mut heads: Vec<_> = versions
        .read_dir()
        .unwrap()
        .map(|one| one.unwrap().path())
        .collect();
    heads.retain(|file| file.extension().is_some_and(|one| one == "py"));
    heads.sort();
    let head = fs::read_to_string(heads.last().unwrap()).unwrap();
    let id = head
        .split("\nrevision = ")
        .nth(1)
        .unwrap()
        .lines()
        .next()
        .unwrap();
    fs::write(versions.join("new.py"), NEW.replace("'HEAD'", id)).unwrap();
    let file = faults.manifest().join(format!("services/{fault}.toml"));
    let base_ref = [("BASE_REF", "main")];
    let filter = format!("downgrade::{fault}.toml");
    let accepting = judge(&faults.manifest(), &[&filter, "--accept"], &base_ref);
    let text = fs::read_to_string(&file).unwrap();
    assert!(
        accepting.stderr.contains("accepted: [downgrade.one_way] "),
        "{}",
        accepting.all()
    );
    let said = "not accepted, since main does not have it; \"--accept=20260101_0001\" would: ";
    assert!(accepting.stderr.contains(said), "{}", accepting.all());
    assert!(!text.contains("20260101_0001"), "{text}");
    judge(
        &faults.manifest(),
        &[&filter, "--accept=20260101_0001"],
        &base_ref,
    );
    let green = judge(&faults.manifest(), &[&filter], &base_ref);
    assert_eq!(green.code, Some(0), "{}", green.all());
}

#[test]
fn what_a_deployment_loses_is_accepted_by_its_key() {
    let faults = Faults::new(&["rows_column_dropped"]);
    let before = faults.file("rows_column_dropped");
    let accepting = faults.judge(&["rows::", "--accept"]);
    assert_eq!(faults.file("rows_column_dropped"), before);
    let (_, rest) = accepting
        .stderr
        .split_once("\"--accept=")
        .unwrap_or_else(|| panic!("{}", accepting.all()));
    let (key, _) = rest.split_once("\" would: ").unwrap();
    let accepting = faults.judge(&["rows::", &format!("--accept={key}")]);
    let line = format!("\"{key}\" = \"accepted 20");
    assert!(
        faults.file("rows_column_dropped").contains(&line),
        "{}",
        accepting.all()
    );
}

#[test]
fn what_cannot_be_accepted_is_said_and_nothing_is_in_ci() {
    let faults = Faults::new(&["cycle"]);
    let before = faults.file("cycle");
    let accepting = faults.judge(&["single_head", "--accept"]);
    assert!(
        accepting.stderr.contains("cycle: cannot be accepted: "),
        "{}",
        accepting.all()
    );
    let in_ci = judge(
        faults.path(),
        &["single_head"],
        &[("CI", "true"), ("ACCEPT", "1")],
    );
    assert_eq!(in_ci.code, Some(101));
    assert!(
        in_ci.stderr.contains("ACCEPT is set where CI is"),
        "{}",
        in_ci.all()
    );
    assert_eq!(faults.file("cycle"), before);
}
