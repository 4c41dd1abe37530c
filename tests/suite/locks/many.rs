//! Many tables in one transaction: each statement is asked about what it changed, and what was
//! locked long before is still known.

use super::{gathered, measured, run};
use crate::monorepo::{ENV, Monorepo, upgrade};
use migration_harness::alembic::transcript::Measure;

const TABLES: &str = r#"
for number in range(300):
    op.execute(f"CREATE TABLE t{number} (id serial PRIMARY KEY, note text)")
"#;

const ALTERED: &str = r#"
for number in range(300):
    op.execute(f"ALTER TABLE t{number} ADD more int")
op.execute("SELECT count(*) FROM t7")
"#;

const RELEASED: &str = r#"
bind = op.get_bind()
try:
    with bind.begin_nested():
        op.execute("ALTER TABLE t7 ADD more int")
        op.execute("ALTER TABLE nowhere ADD more int")
except sa.exc.DBAPIError:
    pass
op.execute("ALTER TABLE t8 ADD more int")
op.execute("SELECT count(*) FROM t7")
"#;

fn judged(second: &str) -> (Vec<usize>, String) {
    let monorepo = Monorepo::new();
    let manifest = "path = \"{name}\"\ndatabase_url_env = \"DATABASE_URL\"\ndeployed = \"r1\"\n\
        [postgres.settings]\nmax_locks_per_transaction = 512\n";
    let revisions = [TABLES, second].map(upgrade);
    let revisions = revisions.each_ref().map(String::as_str);
    monorepo.service("many", manifest, ENV, &revisions);
    let (evidence, judged) = gathered(&monorepo, &run("many"), "many", &[]);
    let measured = measured(&evidence).first();
    let measures = measured.map_or(&[][..], |one| one.upgrade.measures.as_slice());
    let told = measures.iter().filter_map(|measure| match measure {
        Measure::Probe(probe) => Some(probe.relations.len()),
        _ => None,
    });
    (told.collect(), judged.all())
}

#[test]
fn what_was_locked_long_before_is_known_and_told_once() {
    let (told, text) = judged(ALTERED);
    assert!(told.len() > 300, "{told:?}\n{text}");
    assert!(told.iter().all(|count| *count < 5), "{told:?}\n{text}");
    let title = "t7 can be neither read nor written while all of it is scanned";
    assert!(text.contains(title), "{text}");
    assert!(
        text.contains("ACCESS EXCLUSIVE on t7 from here on"),
        "{text}"
    );
}

/// A savepoint that is rolled back lets go of what was locked since.
#[test]
fn what_a_savepoint_released_is_locked_no_more() {
    let (_, text) = judged(RELEASED);
    let title = "t8 can be neither read nor written while all of t7 is scanned";
    assert!(text.contains(title), "{text}");
    assert!(!text.contains("t7 can be neither"), "{text}");
}
