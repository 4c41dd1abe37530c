//! A service does not notice that it is measured: the statements and their outcomes are those
//! of a run without.

use migration_harness::alembic::transcript::{Measure, StatementOutcome, Transcript};
use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{gathered, measured, run};
use crate::monorepo::{ASYNC_ENV, ENV, Monorepo, upgrade};

/// Sets what only a transaction without a query may set, before anything else.
const SERIALIZABLE_ENV: &str = r#"
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    connection.exec_driver_sql("SET LOCAL statement_timeout = '5s'")
    connection.exec_driver_sql("SAVEPOINT a")
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
"#;

const TABLES: &str = r#"
op.create_table("orders", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("note", sa.Text()))
op.execute("CREATE SCHEMA apart")
op.execute("CREATE TABLE seen (what text)")
"#;

/// What a revision can do that a further question on its connection could disturb. Whatever
/// it finds out, it writes where the catalog shows it.
const SCENES: &[(&str, &str)] = &[
    (
        "rows_of_a_cursor",
        r#"
count = op.get_bind().execute(sa.text("SELECT count(*) FROM orders")).scalar()
rows = op.get_bind().execute(sa.text("SELECT id FROM orders ORDER BY id"))
first = [row for row in [rows.fetchone()] if row is not None]
op.execute("UPDATE orders SET note = 'x' WHERE id = 1")
assert len(first) + len(rows.fetchall()) == count
"#,
    ),
    (
        "an_autocommit_block",
        r#"
with op.get_context().autocommit_block():
    op.execute("CREATE INDEX CONCURRENTLY ix ON orders (note)")
    op.execute("CREATE INDEX iy ON orders (note)")
    op.execute("UPDATE orders SET note = 'x'")
op.execute("ALTER TABLE orders ADD more int")
"#,
    ),
    (
        "a_savepoint_that_is_rolled_back",
        r#"
bind = op.get_bind()
try:
    with bind.begin_nested():
        op.execute("ALTER TABLE orders ADD gone int")
        op.execute("SELECT 1 / 0")
except sa.exc.DBAPIError:
    pass
with bind.begin_nested():
    op.execute("ALTER TABLE orders ADD kept int")
"#,
    ),
    (
        "a_role_a_path_and_a_timeout",
        r#"
op.execute("SET LOCAL statement_timeout = '50ms'")
op.execute("SET LOCAL search_path = apart, public")
op.execute("ALTER TABLE orders ADD a int")
path, timeout = op.get_bind().execute(
    sa.text("SELECT current_setting('search_path'), current_setting('statement_timeout')")
).one()
assert (path, timeout) == ("apart, public", "50ms"), (path, timeout)
op.execute("SET LOCAL ROLE pg_read_all_data")
assert op.get_bind().execute(sa.text("SELECT count(*) FROM orders")).scalar() is not None
op.execute("RESET ROLE")
"#,
    ),
    (
        "a_stream",
        r#"
query = sa.text("SELECT id FROM orders").execution_options(stream_results=True, max_row_buffer=10)
rows = op.get_bind().execute(query)
first = rows.fetchone()
op.execute("SELECT 1")
for row in rows:
    pass
op.execute("ALTER TABLE seen ADD a int")
"#,
    ),
];

/// The statements with how each ended.
fn said(upgrade: &Transcript) -> Vec<(String, String)> {
    let ended = |outcome: &StatementOutcome| match outcome {
        StatementOutcome::Done { .. } => "done".to_owned(),
        StatementOutcome::Failed { sqlstate, message } => format!("{sqlstate:?} {message}"),
        StatementOutcome::Unfinished => "unfinished".to_owned(),
    };
    let all = upgrade.statements.iter();
    all.map(|one| (one.sql.clone(), ended(&one.outcome)))
        .collect()
}

#[rstest]
#[case::psycopg("psycopg", ENV)]
#[case::psycopg2("psycopg2", ENV)]
#[case::asyncpg("asyncpg", ASYNC_ENV)]
#[case::psycopg_async("psycopg_async", ASYNC_ENV)]
#[case::serializable("psycopg2", SERIALIZABLE_ENV)]
fn a_service_does_not_notice_that_it_is_measured(#[case] driver: &str, #[case] env: &str) {
    for (name, scene) in SCENES {
        if env == SERIALIZABLE_ENV && *name == "an_autocommit_block" {
            continue; // Alembic refuses it in a transaction that is not its own
        }
        let monorepo = Monorepo::new();
        let manifest = format!(
            "path = \"{{name}}\"\ndatabase_url_env = \"DATABASE_URL\"\ndriver = \"{driver}\"\n\
             deployed = \"r1\"\n[not_applicable]\ndowngrade = \"r2 has none\"\n"
        );
        monorepo.service(
            "unseen",
            &manifest,
            env,
            &[&upgrade(TABLES), &upgrade(scene)],
        );
        let (evidence, judged) = gathered(&monorepo, &run("unseen"), "unseen", &[]);
        let [measured] = measured(&evidence) else {
            panic!("{driver} {name}\n{}", judged.all());
        };
        let rollout = &evidence.deployment.as_ref().unwrap().rollouts[0];
        assert!(
            measured.upgrade.finished(),
            "{driver} {name}\n{:#?}",
            measured.upgrade.outcome
        );
        assert_eq!(
            said(&measured.upgrade),
            said(&rollout.upgrade),
            "{driver} {name}"
        );
        let probes = measured.upgrade.measures.iter();
        let probes = probes
            .filter(|one| matches!(one, Measure::Probe(_)))
            .count();
        assert!(
            probes > 0,
            "{driver} {name}\n{:#?}",
            measured.upgrade.measures
        );
    }
}
