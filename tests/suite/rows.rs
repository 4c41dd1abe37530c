//! Deployments that `rows` judges: what the base ref has, or the manifest says, is deployed.

use pretty_assertions::assert_eq;

use crate::base_ref::monorepo::git;
use crate::judge::Judged;
use crate::monorepo::{ENV, Monorepo, PLAIN, table, upgrade};

const CASE: &str = "rows::orders.toml";

/// A repository whose branch `main` has one revision, and which is on the branch `topic`.
fn monorepo() -> Monorepo {
    let monorepo = Monorepo::new();
    monorepo.service("orders", PLAIN, ENV, &[&table("orders")]);
    let run = |arguments: &[&str]| git(monorepo.path(), arguments);
    run(&["init", "--quiet", "--initial-branch=main", "."]);
    commit(&monorepo, "base");
    run(&["checkout", "--quiet", "-b", "topic"]);
    monorepo
}

fn commit(monorepo: &Monorepo, message: &str) {
    git(monorepo.path(), &["add", "--all"]);
    git(
        monorepo.path(),
        &["commit", "--quiet", "--message", message],
    );
}

fn revision(monorepo: &Monorepo, id: &str, down: &str, text: &str) {
    monorepo.write(
        &format!("orders/alembic/versions/{id}.py"),
        &format!("revision = \"{id}\"\ndown_revision = \"{down}\"\n\n{text}"),
    );
}

fn judged(monorepo: &Monorepo, base_ref: &str) -> Judged {
    monorepo.judge(&["rows"], &[("BASE_REF", base_ref)])
}

fn said(judged: &Judged, part: &str) {
    assert!(judged.all().contains(part), "{part}\n{}", judged.all());
}

const REQUIRED: &str = "op.add_column(\"orders\", sa.Column(\"note\", sa.Text, nullable=False))";
const OPTIONAL: &str = "op.add_column(\"orders\", sa.Column(\"note\", sa.Text))";

#[test]
fn what_the_base_ref_lacks_is_deployed() {
    let monorepo = monorepo();
    let nothing = judged(&monorepo, "main");
    assert_eq!(nothing.code, Some(0), "{}", nothing.all());
    said(&nothing, "nothing is deployed: no revision is pending");
    revision(&monorepo, "r2", "r1", &upgrade(REQUIRED));
    let red = judged(&monorepo, "main");
    assert_eq!(red.code, Some(101), "{}", red.all());
    said(
        &red,
        "deployment of 1 revision above r1, from BASE_REF main",
    );
    let text = red.text(CASE);
    assert!(
        text.contains("revision r2 fails where orders holds a row"),
        "{text}"
    );
    assert!(text.contains("BASE_REF=main cargo test"), "{text}");
    commit(&monorepo, "ours");
    let merged = judged(&monorepo, "topic");
    assert_eq!(merged.code, Some(0), "{}", merged.all());
}

#[test]
fn a_branch_behind_its_base_deploys_its_own_revisions() {
    let monorepo = monorepo();
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    for number in 2..12 {
        let (id, down) = (format!("b{number}"), format!("b{}", number - 1));
        let down = if number == 2 { "r1" } else { &down };
        revision(&monorepo, &id, down, &table(&id));
    }
    commit(&monorepo, "theirs");
    git(monorepo.path(), &["checkout", "--quiet", "topic"]);
    revision(&monorepo, "r2", "r1", &upgrade(OPTIONAL));
    let green = judged(&monorepo, "main");
    assert_eq!(green.code, Some(0), "{}", green.all());
    said(
        &green,
        "deployment of 1 revision above r1, from BASE_REF main",
    );
}

#[test]
fn where_nobody_says_what_is_deployed_one_line_says_so() {
    let monorepo = monorepo();
    monorepo.service("users", PLAIN, ENV, &[&table("users")]);
    let judged = judged(&monorepo, "");
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert_eq!(judged.results().len(), 2, "{}", judged.all());
    let line = "rows applies to no service: nobody says what is deployed";
    assert_eq!(judged.stderr.matches(line).count(), 1, "{}", judged.all());
    assert!(!judged.stderr.contains("PostgreSQL"), "{}", judged.all());
}

#[test]
fn a_base_ref_may_be_required() {
    let monorepo = monorepo();
    let defaults = std::fs::read_to_string(monorepo.manifest().join("defaults.toml")).unwrap();
    monorepo.write(
        "services-manifest/defaults.toml",
        &format!("require_base_ref = true\n{defaults}"),
    );
    let without = judged(&monorepo, "");
    assert_eq!(without.code, Some(101), "{}", without.all());
    let text = without.text(CASE);
    assert!(text.starts_with("harness error["), "{text}");
    assert!(text.contains("BASE_REF=origin/main"), "{text}");
    assert_eq!(judged(&monorepo, "main").code, Some(0));
}

#[test]
fn a_deployed_revision_must_be_one() {
    let monorepo = monorepo();
    let manifest = format!("{PLAIN}deployed = \"r9\"\n");
    monorepo.service("orders", &manifest, ENV, &[&table("orders")]);
    let judged = judged(&monorepo, "");
    let text = judged.text(CASE);
    assert!(
        text.contains("`deployed` names r9, which is no revision of the service"),
        "{}",
        judged.all()
    );
    assert!(text.contains("deployed = \"r1\""), "{text}");
}

/// A data migration that reads what the application writes.
const READS_JSON: &str = r#"
import json
for row in op.get_bind().execute(sa.text("SELECT body FROM events")):
    json.loads(row.body)
"#;

fn with_own_rows(sql: &str) -> Judged {
    let monorepo = Monorepo::new();
    let manifest = format!("{PLAIN}deployed = \"r1\"\n");
    let events = upgrade(
        "op.create_table(\"events\", sa.Column(\"id\", sa.Integer, primary_key=True), sa.Column(\"body\", sa.Text))",
    );
    monorepo.service("orders", &manifest, ENV, &[&events, &upgrade(READS_JSON)]);
    monorepo.write("services-manifest/rows/orders.sql", sql);
    judged(&monorepo, "")
}

#[test]
fn rows_of_the_team_are_planted_first() {
    let judged = with_own_rows("INSERT INTO events (body) VALUES ('{\"a\": 1}'), ('{broken');\n");
    let text = judged.text(CASE);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    assert!(text.contains("JSONDecodeError"), "{text}");
}

#[test]
fn rows_of_the_team_that_do_not_run_are_red_with_their_line() {
    let judged = with_own_rows(
        "INSERT INTO events (body) VALUES ('{}');\n\nINSERT INTO event VALUES (1);\n",
    );
    let text = judged.text(CASE);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    for part in [
        "error[rows]: the team's own rows are refused: relation \"event\" does not exist",
        "rows/orders.sql:3",
        "42P01 here",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}
