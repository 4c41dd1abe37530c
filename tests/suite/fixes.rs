//! `fix`: what it writes is green when the real test binary judges it again, and what it
//! refuses it gives a reason for.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pretty_assertions::assert_eq;
use rstest::rstest;

use crate::base_ref::monorepo::git;
use crate::judge::{Judged, judge, judge_by, program, repository};

/// Copies of faults, with a manifest of their own.
pub struct Faults {
    directory: tempfile::TempDir,
}

impl Faults {
    pub fn new(faults: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let broken = repository().join("tests/broken");
        let all = Self { directory };
        copy(&broken.join("libs"), &all.path("libs"));
        let manifest = broken.join("services-manifest");
        copy(
            &manifest.join("conventions"),
            &all.path("services-manifest/conventions"),
        );
        let text = fs::read_to_string(manifest.join("defaults.toml")).unwrap();
        let interpreters = format!("python = \"{}/", repository().join("tests").display());
        let text = text.replace("python = \"../", &interpreters);
        fs::write(all.path("services-manifest/defaults.toml"), text).unwrap();
        fs::create_dir_all(all.path("services-manifest/services")).unwrap();
        for fault in faults {
            copy(&broken.join(fault), &all.path(fault));
            let file = format!("services/{fault}.toml");
            fs::copy(manifest.join(&file), all.manifest().join(&file)).unwrap();
        }
        all
    }

    pub fn path(&self, below: &str) -> PathBuf {
        self.directory.path().join(below)
    }

    pub fn manifest(&self) -> PathBuf {
        self.path("services-manifest")
    }

    pub fn fix(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Judged {
        judge_by(program("fix"), &self.manifest(), arguments, variables)
    }

    /// Everything that is judged, without what is not about migrations.
    pub fn judge(&self, variables: &[(&str, &str)]) -> Judged {
        judge(&self.manifest(), &[], variables)
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git(self.directory.path(), arguments)
    }

    /// A repository with all of it as its first commit.
    pub fn commit(&self) {
        self.git(&["init", "--quiet", "--initial-branch=main", "."]);
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "base"]);
    }

    /// Every file but what Python compiled, with its content.
    pub fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let walk = walkdir::WalkDir::new(self.directory.path()).sort_by_file_name();
        let entries = walk.into_iter().map(Result::unwrap);
        let files = entries.filter(|entry| entry.file_type().is_file());
        files
            .map(|file| (file.path().to_owned(), fs::read(file.path()).unwrap()))
            .filter(|(path, _)| {
                !path
                    .iter()
                    .any(|part| part == "__pycache__" || part == ".git")
            })
            .collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let copied = Command::new("cp")
        .arg("-R")
        .arg(from)
        .arg(to)
        .status()
        .unwrap();
    assert!(copied.success());
}

#[rstest]
#[case::several_heads("two_heads_in_class_management")]
#[case::three_heads("three_heads")]
#[case::an_enum_type("enum_created_twice_in_essay_lifecycle")]
#[case::an_enum_type_in_two_tables("enum_in_two_tables_fails_stepped")]
#[case::an_enum_type_by_a_call("enum_create_without_checkfirst")]
#[case::an_enum_type_in_sql("enum_created_by_raw_cursor")]
#[case::a_type_that_is_left("downgrade_leaves_enum_type")]
#[case::objects_that_are_left("downgrade_leaves_four_objects")]
#[case::a_type_dropped_first("downgrade_drops_type_before_table")]
#[case::an_older_column("downgrade_drops_older_column")]
#[case::notes("notes_missing")]
#[case::a_note("notes_without_enum_topic")]
#[case::an_empty_heading("notes_under_an_empty_heading")]
#[case::an_id_twice("one_id_in_two_files")]
fn what_is_safe_is_written_and_green(#[case] fault: &str) {
    let faults = Faults::new(&[fault]);
    let before = faults.files();
    let shown = faults.fix(&[], &[]);
    assert_eq!(shown.code, Some(0), "{}", shown.all());
    assert!(shown.stdout.contains("write: "), "{}", shown.all());
    assert_eq!(faults.files(), before, "something was written");
    let written = faults.fix(&["--write"], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    let green = faults.judge(&[]);
    assert_eq!(green.code, Some(0), "{}\n{}", written.stdout, green.all());
    let again = faults.fix(&[], &[]);
    assert!(again.stdout.contains("nothing to fix"), "{}", again.all());
}

#[rstest]
#[case::an_index_of_the_outbox("outbox_index_missing")]
#[case::another_index("outbox_index_column_order")]
#[case::an_index_by_another_name("outbox_index_renamed")]
#[case::a_label_used_at_once("added_label_used_at_once")]
#[case::models_ahead("drift_table_not_migrated")]
fn what_is_unsafe_is_written_where_that_is_asked_for(#[case] fault: &str) {
    let faults = Faults::new(&[fault]);
    let before = faults.files();
    let refused = faults.fix(&["--write"], &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stdout.contains("not written, since unsafe"),
        "{}",
        refused.all()
    );
    assert_eq!(faults.files(), before, "something was written");
    let written = faults.fix(&["--write", "--unsafe"], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    let green = faults.judge(&[]);
    assert_eq!(green.code, Some(0), "{}\n{}", written.stdout, green.all());
}

#[rstest]
#[case::other_labels("enum_checkfirst_other_labels", "have other labels")]
#[case::a_function("enum_created_by_function_twice", "does not spell out type")]
#[case::nothing_known("downgrade_not_implemented", "has no fix here")]
#[case::markers("conflict_markers_left", "has conflict markers of a merge")]
fn what_has_no_fix_is_refused_with_the_reason(#[case] fault: &str, #[case] why: &str) {
    let faults = Faults::new(&[fault]);
    let before = faults.files();
    let refused = faults.fix(&["--write", "--unsafe"], &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(refused.stdout.contains(why), "{}", refused.all());
    assert!(refused.stdout.contains("left red["), "{}", refused.all());
    assert_eq!(faults.files(), before, "something was written");
}

#[test]
fn what_can_be_fixed_is_fixed_and_the_rest_is_left_red() {
    let faults = Faults::new(&["labels_without_downgrade"]);
    let written = faults.fix(&["--write"], &[]);
    assert_eq!(written.code, Some(1), "{}", written.all());
    for said in [
        "+    op.execute(\"DROP SEQUENCE title_numbers\")",
        "proved on a copy: downgrade gets further, 4 others stay green",
        "no fix[downgrade]: revision 20250708_0001: PostgreSQL cannot take a label back",
        "left red[downgrade]: the downgrade of revision 20250708_0001 does not restore",
        "written: labels_without_downgrade/alembic/versions/20250709_0001_titles.py",
    ] {
        assert!(written.stdout.contains(said), "{said}\n{}", written.all());
    }
}

const REVIEWS: &str = "\
revision = '20260101_0001'
down_revision = '20250711_0001'

import sqlalchemy as sa
from alembic import op

PRIORITY = sa.Enum('low', 'high', name='priority')


def upgrade():
    op.create_table(
        'reviews',
        sa.Column('priority', PRIORITY),
        sa.Column('state', sa.Enum('open', 'done', name='state')),
    )


def downgrade():
    op.drop_table('reviews')
";
const ITEMS: &str = "\
revision = '20260102_0001'
down_revision = '20260101_0001'

import sqlalchemy as sa
from alembic import op


def upgrade():
    op.create_table(
        'items',
        sa.Column('priority', sa.Enum('low', 'high', name='priority')),
        sa.Column('state', sa.Enum('open', 'done', name='state')),
    )


def downgrade():
    op.drop_table('items')
    sa.Enum(name='priority').drop(op.get_bind())
    sa.Enum(name='state').drop(op.get_bind())
";

#[test]
fn what_shows_only_after_a_fix_is_fixed_in_the_same_run() {
    let fault = "enum_created_twice_in_essay_lifecycle";
    let faults = Faults::new(&[fault]);
    let file = |name: &str| faults.path(&format!("{fault}/alembic/versions/{name}"));
    fs::write(file("reviews.py"), REVIEWS).unwrap();
    fs::write(file("items.py"), ITEMS).unwrap();
    let written = faults.fix(&["--write"], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    let items = fs::read_to_string(file("items.py")).unwrap();
    let expected = ITEMS
        .replace("sa.Enum('", "postgresql.ENUM('")
        .replace("name='priority'))", "name='priority', create_type=False))")
        .replace("name='state'))", "name='state', create_type=False))")
        .replace("    sa.Enum(name='priority').drop(op.get_bind())\n", "")
        .replace("    sa.Enum(name='state').drop(op.get_bind())\n", "")
        .replace(
            "op\n\n",
            "op\nfrom sqlalchemy.dialects import postgresql\n\n",
        );
    assert_eq!(items, expected, "{}", written.all());
    let reviews = fs::read_to_string(file("reviews.py")).unwrap();
    let dropped = "    op.execute(\"DROP TYPE priority\")\n    op.execute(\"DROP TYPE state\")\n";
    assert_eq!(reviews, format!("{REVIEWS}{dropped}"), "{}", written.all());
    let green = faults.judge(&[]);
    assert_eq!(green.code, Some(0), "{}", green.all());
}

#[test]
fn a_revision_that_does_nothing_is_no_fix() {
    let faults = Faults::new(&["drift_column_not_in_model"]);
    let before = faults.files();
    let refused = faults.fix(&["--write", "--unsafe"], &[]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        !refused.stdout.contains("fix[model_drift] (unsafe)"),
        "{}",
        refused.all()
    );
    assert!(
        refused.stdout.contains("model_drift stays red with it"),
        "{}",
        refused.all()
    );
    assert_eq!(faults.files(), before, "something was written");
}

#[test]
fn nothing_is_written_in_ci() {
    let faults = Faults::new(&["notes_missing"]);
    let before = faults.files();
    let refused = faults.fix(&["--write"], &[("CI", "true")]);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stderr.contains("in CI nothing is written"),
        "{}",
        refused.all()
    );
    assert_eq!(faults.files(), before);
}

#[test]
fn what_is_not_committed_is_kept_beside_it() {
    let faults = Faults::new(&["notes_missing"]);
    faults.commit();
    let readme = faults.path("notes_missing/README.md");
    let kept = faults.path("notes_missing/README.md.orig");
    let text = fs::read_to_string(&readme).unwrap() + "\nMine.\n";
    fs::write(&readme, &text).unwrap();
    let written = faults.fix(&["--write"], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    assert_eq!(fs::read_to_string(&kept).unwrap(), text);
    assert!(fs::read_to_string(&readme).unwrap().starts_with(&text));
    faults.git(&["checkout", "--quiet", "."]);
    fs::remove_file(&kept).unwrap();
    let written = faults.fix(&["--write"], &[]);
    assert_eq!(written.code, Some(0), "{}", written.all());
    assert!(!kept.exists());
}

const HEAD: &str =
    "two_heads_in_class_management/alembic/versions/20250805_0001_archived_classes.py";

/// `main` has one of two heads; the branch that is checked out has the other.
fn branches(merged: bool) -> Faults {
    let faults = Faults::new(&["two_heads_in_class_management"]);
    let (head, aside) = (faults.path(HEAD), faults.path("aside.py"));
    fs::rename(&head, &aside).unwrap();
    let theirs = faults.path(
        "two_heads_in_class_management/alembic/versions/20250804_0001_association_validation.py",
    );
    let text = fs::read_to_string(&theirs).unwrap();
    fs::remove_file(&theirs).unwrap();
    faults.git(&["init", "--quiet", "--initial-branch=main", "."]);
    fs::write(faults.path(".gitignore"), "aside.py\n__pycache__\n").unwrap();
    faults.commit();
    faults.git(&["checkout", "--quiet", "-b", "topic"]);
    fs::rename(&aside, &head).unwrap();
    faults.git(&["add", "--all"]);
    faults.git(&["commit", "--quiet", "--message", "ours"]);
    faults.git(&["checkout", "--quiet", "main"]);
    fs::write(&theirs, text).unwrap();
    faults.git(&["add", "--all"]);
    faults.git(&["commit", "--quiet", "--message", "theirs"]);
    faults.git(&["checkout", "--quiet", "topic"]);
    if merged {
        faults.git(&["merge", "--quiet", "--no-edit", "main"]);
    }
    faults
}

#[rstest]
#[case::before_the_merge(false)]
#[case::after_it(true)]
fn our_branch_is_set_on_top_of_what_is_published(#[case] merged: bool) {
    let faults = branches(merged);
    let base_ref = [("BASE_REF", "main")];
    let written = faults.fix(&["--write"], &base_ref);
    assert_eq!(written.code, Some(0), "{}", written.all());
    for said in [
        "fix[single_head] (safe): 20250805_0001 follows 20250804_0001, which is published",
        "both orders give the same catalog",
        "-Revises: 20250801_0001\n+Revises: 20250804_0001\n",
        "-down_revision = \"20250801_0001\"\n+down_revision = \"20250804_0001\"\n",
    ] {
        assert!(written.stdout.contains(said), "{said}\n{}", written.all());
    }
    assert_eq!(
        written.stdout.contains("then: git merge main"),
        !merged,
        "{}",
        written.all()
    );
    assert_eq!(faults.git(&["status", "--porcelain"]), format!("M {HEAD}"));
    faults.git(&["commit", "--quiet", "--all", "--message", "fixed"]);
    if !merged {
        faults.git(&["merge", "--quiet", "--no-edit", "main"]);
    }
    let green = faults.judge(&base_ref);
    assert_eq!(green.code, Some(0), "{}", green.all());
}

#[test]
fn a_published_file_is_changed_where_that_is_asked_for() {
    let faults = Faults::new(&["enum_created_twice_in_essay_lifecycle"]);
    faults.commit();
    let base_ref = [("BASE_REF", "main")];
    let refused = faults.fix(&["--write"], &base_ref);
    assert_eq!(refused.code, Some(1), "{}", refused.all());
    assert!(
        refused.stdout.contains("fix[enum_types] (unsafe)"),
        "{}",
        refused.all()
    );
    assert_eq!(faults.git(&["status", "--porcelain"]), "");
    let written = faults.fix(&["--write", "--unsafe"], &base_ref);
    assert_eq!(written.code, Some(0), "{}", written.all());
    let said = "accepted with it: [published_revisions.accepted] \"20250706_0001 changed\" in ";
    assert!(written.stdout.contains(said), "{}", written.all());
    let green = faults.judge(&base_ref);
    assert_eq!(green.code, Some(0), "{}", green.all());
}

#[test]
fn a_run_names_the_command_and_proves_nothing() {
    let faults = Faults::new(&["two_heads_in_class_management", "cycle"]);
    let red = faults.judge(&[]);
    let named = |service: &str| {
        let text = red.text(&format!("single_head::{service}.toml"));
        text.contains("fix: SERVICES_MANIFEST=")
            && text.contains(&format!("make fix ONLY={service}"))
    };
    assert!(named("two_heads_in_class_management"), "{}", red.all());
    assert!(!named("cycle"), "{}", red.all());
}
