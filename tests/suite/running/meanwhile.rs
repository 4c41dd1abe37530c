//! Statements of the running release between two transactions of a deployment, also statements
//! that the team gives, and with rows of the next release.

use rstest::rstest;

use super::{ASYNC_ENV, ENV, by, commit, green, judged, monorepo, red, revision};
use crate::base_ref::monorepo::git;
use crate::drivers::extra;
use crate::monorepo::{Monorepo, PLAIN, upgrade};

const EACH: &str = "target_metadata=Base.metadata, transaction_per_migration=True";

/// A transaction for each revision.
fn each(env: &str) -> String {
    let changed = env.replace("target_metadata=Base.metadata", EACH);
    assert_ne!(changed, env);
    changed
}

/// Two revisions, of which the second brings back what the first takes away.
fn there_and_back(monorepo: &Monorepo) {
    revision(
        monorepo,
        "op.alter_column(\"orders\", \"email\", new_column_name=\"mail\")",
    );
    monorepo.write(
        "orders/alembic/versions/r3.py",
        &format!(
            "revision = \"r3\"\ndown_revision = \"r2\"\n\n{}",
            upgrade("op.alter_column(\"orders\", \"mail\", new_column_name=\"email\")")
        ),
    );
}

#[rstest]
#[case::psycopg("psycopg", ENV)]
#[case::psycopg2("psycopg2", ENV)]
#[case::asyncpg("asyncpg", ASYNC_ENV)]
#[case::psycopg_async("psycopg_async", ASYNC_ENV)]
#[case::pg8000("pg8000", ENV)]
fn what_is_committed_on_the_way_counts(#[case] driver: &str, #[case] env: &str) {
    let path = match driver {
        "pg8000" => format!("[env]\nPYTHONPATH = {:?}\n", extra()),
        _ => String::new(),
    };
    let manifest = format!("{}{path}", by(driver));
    let apart = monorepo(&manifest, &each(env));
    there_and_back(&apart);
    red(
        &judged(&apart),
        &[
            "cannot read, insert into and update orders while the deployment is under way",
            "r2.py:8",
            "r3.py:8",
            "that lasts until revision r3",
            "\"r2 orders.email gone\"",
        ],
    );
    let together = monorepo(&manifest, env);
    there_and_back(&together);
    green(&judged(&together), "statements of its models as before");
}

/// Each statement of an autocommit block is committed, and an advisory lock that `env.py` holds
/// all the time keeps nobody from looking.
#[test]
fn what_an_autocommit_block_commits_counts() {
    let locked = ENV.replace(
        "with engine.connect() as connection:\n",
        "with engine.connect() as connection:\n    connection.exec_driver_sql(\"SELECT pg_advisory_lock(7)\")\n    connection.commit()\n",
    );
    assert_ne!(locked, ENV);
    let monorepo = monorepo(PLAIN, &locked);
    revision(
        &monorepo,
        "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TABLE orders RENAME email TO mail\")\n    op.execute(\"ALTER TABLE orders RENAME mail TO email\")",
    );
    red(
        &judged(&monorepo),
        &[
            "while the deployment is under way",
            "r2.py:9",
            "until this is committed",
        ],
    );
}

/// A failure that lasts to the end is red at the statement that brought it.
#[test]
fn what_lasts_is_said_of_the_revision_that_brought_it() {
    let monorepo = monorepo(PLAIN, &each(ENV));
    revision(&monorepo, "op.drop_column(\"orders\", \"email\")");
    monorepo.write(
        "orders/alembic/versions/r3.py",
        &format!(
            "revision = \"r3\"\ndown_revision = \"r2\"\n\n{}",
            upgrade("op.create_index(\"ix\", \"orders\", [\"total\"])")
        ),
    );
    let judged = judged(&monorepo);
    red(&judged, &["any more", "\"r2 orders.email gone\""]);
}

const CLAIM: &str = "-- as worker.py claims one\nSELECT id FROM orders\n WHERE legacy LIKE '5%'\n FOR UPDATE SKIP LOCKED;\n";

#[rstest]
#[case::file(
    "{ sql = \"orders/claim.sql\" }",
    "cannot execute orders/claim.sql:2 any more"
)]
#[case::inline(
    "\"SELECT id FROM orders WHERE legacy LIKE '5%'\"",
    "\"r2 statements legacy gone\""
)]
fn statements_of_the_team_are_executed_too(#[case] given: &str, #[case] says: &str) {
    let manifest = format!("{PLAIN}[running_release]\nstatements = {given}\n");
    let monorepo = monorepo(&manifest, ENV);
    monorepo.write("orders/claim.sql", CLAIM);
    revision(&monorepo, "op.drop_column(\"orders\", \"legacy\")");
    red(
        &judged(&monorepo),
        &[says, "42703", "keep legacy in this deployment"],
    );
    revision(&monorepo, "op.drop_column(\"orders\", \"status\")");
    red(&judged(&monorepo), &["\"r2 orders.status gone\""]);
}

/// A class of Python for the labels, which reads no others.
#[rstest]
#[case::psycopg("psycopg", ENV)]
#[case::asyncpg("asyncpg", ASYNC_ENV)]
fn a_label_that_it_cannot_read_is_a_note_and_red_where_that_is_asked_for(
    #[case] driver: &str,
    #[case] env: &str,
) {
    let label = "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TYPE order_kind ADD VALUE 'post'\")";
    let noted = monorepo(&by(driver), env);
    revision(&noted, label);
    green(
        &judged(&noted),
        "cannot read rows of orders whose kind is post",
    );
    let manifest = format!("{}[running_release]\nmixed = true\n", by(driver));
    let asked = monorepo(&manifest, env);
    revision(&asked, label);
    red(
        &judged(&asked),
        &[
            "cannot read rows of orders whose kind is post",
            "'post' is not among the defined enum values",
            "models.py:19 at ",
            "\"r2 orders.kind label post\"",
        ],
    );
}

/// The models that run know the label already.
#[test]
fn a_label_that_it_knows_is_green() {
    let monorepo = monorepo(&format!("{PLAIN}[running_release]\nmixed = true\n"), ENV);
    let known = super::MODELS.replace("\"web\", \"shop\"", "\"web\", \"shop\", \"post\"");
    monorepo.write("orders/models.py", &known);
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    commit(&monorepo, "know it");
    git(monorepo.path(), &["checkout", "--quiet", "-B", "topic"]);
    revision(
        &monorepo,
        "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TYPE order_kind ADD VALUE 'post'\")",
    );
    green(&judged(&monorepo), "the running release (main ");
}
