//! A service does not notice that it is measured: the statements and their outcomes are those
//! of a run without.

use migration_harness::alembic::transcript::{Measure, StatementOutcome, Transcript};
use migration_harness::evidence::Evidence;
use pretty_assertions::assert_eq;
use rstest::rstest;

use super::{left, measured, run};
use crate::drivers::extra;
use crate::judge::Judged;
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

/// Revisions that a further question on their connection could disturb. Whatever
/// one finds out, it writes where a statement or the catalog shows it.
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
bind = op.get_bind()
op.execute("SET LOCAL statement_timeout = '50ms'")
op.execute("SET LOCAL search_path = apart, public")
op.execute("ALTER TABLE orders ADD a int")
path, timeout = bind.execute(
    sa.text("SELECT current_setting('search_path'), current_setting('statement_timeout')")
).one()
assert (path, timeout) == ("apart, public", "50ms"), (path, timeout)
op.execute("SET LOCAL ROLE pg_read_all_data")
assert bind.execute(sa.text("SELECT count(*) FROM orders")).scalar() is not None
assert bind.execute(sa.text("SELECT current_user")).scalar() == "pg_read_all_data"
op.execute("RESET ROLE")
try:
    with bind.begin_nested():
        op.execute("SELECT pg_sleep(5)")
except sa.exc.DBAPIError:
    op.execute("ALTER TABLE orders ADD ended int")
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
    (
        "a_failed_transaction_beside",
        r#"
with op.get_bind().engine.connect() as other:
    for statement in ("CREATE TABLE never (a int)", "SELECT 1 / 0", "SELECT 2", "CREATE TABLE never (a int)"):
        try:
            other.execute(sa.text(statement))
        except sa.exc.DBAPIError:
            op.execute("ALTER TABLE orders ADD failed_%s int" % len(statement))
    other.rollback()
    other.execute(sa.text("CREATE TABLE beside (a int)"))
    other.commit()
"#,
    ),
    (
        "several_connections",
        r#"
engine = op.get_bind().engine
with engine.connect() as one, engine.connect() as two:
    one.execute(sa.text("CREATE TABLE parted (what text)"))
    one.commit()
    one.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    two.execute(sa.text("SET TRANSACTION READ ONLY"))
    one.execute(sa.text("INSERT INTO parted VALUES ('one')"))
    assert two.execute(sa.text("SELECT count(*) FROM parted WHERE what = 'one'")).scalar() == 0
    one.commit()
    two.rollback()
    levels = [each.execute(sa.text("SHOW transaction_isolation")).scalar() for each in (one, two)]
    assert two.execute(sa.text("SELECT count(*) FROM parted WHERE what = 'one'")).scalar() == 1
assert levels == ["read committed", "read committed"], levels
op.execute("ALTER TABLE orders ADD a int")
"#,
    ),
    (
        "several_statements_in_one_string",
        r#"
bind = op.get_bind()
with bind.begin_nested():
    bind.exec_driver_sql("ALTER TABLE orders ADD one int; UPDATE orders SET note = 'a; b'; ALTER TABLE orders ADD two int")
try:
    with bind.begin_nested():
        bind.exec_driver_sql("ALTER TABLE orders ADD three int; SELECT 1 / 0")
except sa.exc.DBAPIError:
    pass
last = bind.exec_driver_sql("SELECT 1; SELECT count(*) FROM seen").scalar()
op.execute("ALTER TABLE seen ADD a int")
"#,
    ),
    (
        "blocks_and_functions",
        r#"
bind = op.get_bind()
op.execute("""CREATE FUNCTION tidied() RETURNS int LANGUAGE plpgsql AS $$
  DECLARE changed int;
  BEGIN
    UPDATE orders SET note = 'x';
    GET DIAGNOSTICS changed = ROW_COUNT;
    ALTER TABLE orders ADD more int;
    RETURN changed;
  END $$""")
count = bind.execute(sa.text("SELECT count(*) FROM orders")).scalar()
assert bind.execute(sa.text("SELECT tidied()")).scalar() == count
op.execute("""DO $$
  BEGIN
    UPDATE orders SET more = 1;
    BEGIN
      ALTER TABLE orders ADD less int;
      ALTER TABLE orders ADD more int;
    EXCEPTION WHEN duplicate_column THEN
      CREATE TABLE twice (a int);
    END;
    ALTER TABLE orders ADD again int;
  END $$""")
try:
    with bind.begin_nested():
        op.execute("DO $$ BEGIN ALTER TABLE orders ADD never int; PERFORM 1 / 0; END $$")
except sa.exc.DBAPIError:
    pass
op.execute("ALTER TABLE seen ADD a int")
"#,
    ),
    (
        "a_copy",
        r#"
import io
raw = op.get_bind().connection.dbapi_connection
driver = op.get_bind().dialect.driver
if hasattr(raw, "run_async") and driver == "psycopg":
    async def copied(given):
        async with given.cursor() as cursor, cursor.copy("COPY seen FROM STDIN") as copy:
            await copy.write("one\n")
    raw.run_async(copied)
elif driver == "psycopg":
    with raw.cursor() as cursor, cursor.copy("COPY seen FROM STDIN") as copy:
        copy.write("one\n")
elif driver == "psycopg2":
    raw.cursor().copy_expert("COPY seen FROM STDIN", io.StringIO("one\n"))
elif driver == "pg8000":
    raw.cursor().execute("COPY seen FROM STDIN", stream=io.BytesIO(b"one\n"))
else:
    raw.run_async(lambda given: given.copy_to_table("seen", source=io.BytesIO(b"one\n")))
assert op.get_bind().execute(sa.text("SELECT count(*) FROM seen WHERE what = 'one'")).scalar() >= 1
op.execute("ALTER TABLE seen ADD a int")
"#,
    ),
];

/// Says the catalog and the settings of its session in a statement.
const SAID: &str = r#"
bind = op.get_bind()
lines = bind.execute(sa.text("""
WITH mine AS (SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'),
relations AS (SELECT c.oid, nspname || '.' || relname AS name, relkind FROM pg_class c JOIN mine ON mine.oid = relnamespace)
SELECT string_agg(line, ', ' ORDER BY line) FROM (
  SELECT 'schema ' || nspname AS line FROM mine
  UNION ALL SELECT CAST(relkind AS text) || ' ' || name FROM relations
  UNION ALL SELECT name || '.' || attname || ' ' || format_type(atttypid, atttypmod) || ' ' || attnotnull
    FROM pg_attribute JOIN relations ON relations.oid = attrelid WHERE attnum > 0 AND relkind = 'r'
  UNION ALL SELECT name || ' ' || pg_get_constraintdef(k.oid) || ' ' || convalidated
    FROM pg_constraint k JOIN relations ON relations.oid = conrelid
  UNION ALL SELECT pg_get_indexdef(indexrelid) || ' ' || indisvalid
    FROM pg_index JOIN relations ON relations.oid = indexrelid
  UNION ALL SELECT 'function ' || proname FROM pg_proc JOIN mine ON mine.oid = pronamespace
  UNION ALL SELECT 'type ' || typname FROM pg_type JOIN mine ON mine.oid = typnamespace
  UNION ALL SELECT name || ' = ' || setting FROM pg_settings WHERE source = 'session'
) AS each"""
)).scalar()
bind.exec_driver_sql("SELECT '" + lines.replace("'", "''").replace("%", "%%") + "'")
"#;

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
#[case::pg8000("pg8000", ENV)]
#[case::asyncpg("asyncpg", ASYNC_ENV)]
#[case::psycopg_async("psycopg_async", ASYNC_ENV)]
#[case::serializable("psycopg2", SERIALIZABLE_ENV)]
fn a_service_does_not_notice_that_it_is_measured(#[case] driver: &str, #[case] env: &str) {
    let monorepo = Monorepo::new();
    let path = match driver {
        "pg8000" => format!("[env]\nPYTHONPATH = {:?}\n", extra()),
        _ => String::new(),
    };
    let manifest = format!(
        "path = \"{{name}}\"\ndatabase_url_env = \"DATABASE_URL\"\ndriver = \"{driver}\"\n\
         deployed = \"r1\"\n[not_applicable]\ndowngrade = \"r2 has none\"\n{path}"
    );
    // Alembic refuses them in a transaction that is not its own, and they fail through pg8000.
    let has_blocks = env != SERIALIZABLE_ENV && driver != "pg8000";
    let takes_several = driver.starts_with("psycopg");
    let scenes: Vec<&(&str, &str)> = SCENES
        .iter()
        .filter(|(name, _)| has_blocks || *name != "an_autocommit_block")
        .filter(|(name, _)| takes_several || *name != "several_statements_in_one_string")
        .collect();
    for (name, scene) in &scenes {
        let revisions = [TABLES, scene, SAID].map(upgrade);
        let revisions = revisions.each_ref().map(String::as_str);
        monorepo.service(name, &manifest, env, &revisions);
    }
    let run = run("unseen");
    let judged = monorepo.judge(&["locks::"], &[("NEXTEST_RUN_ID", &run)]);
    for (name, _) in &scenes {
        is_unseen(&left(&run, name, &judged), driver, name, &judged);
    }
}

fn is_unseen(evidence: &Evidence, driver: &str, name: &str, judged: &Judged) {
    let [measured] = measured(evidence) else {
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
    let last = measured.upgrade.statements.iter().rev();
    let mut last = last.filter(|one| one.sql.contains("schema apart"));
    assert!(last.next().is_some(), "{driver} {name} says no catalog");
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
