//! The table of facts: what statements lock, rewrite and read.
//!
//! The modes are those that were measured. Compared with what the documentation says of each
//! statement (<https://www.postgresql.org/docs/current/sql-altertable.html> and its siblings,
//! <https://www.postgresql.org/docs/current/explicit-locking.html>), all of these majors take
//! more, which those pages do not name:
//!
//! - SHARE beside ACCESS EXCLUSIVE, where an index of the table is built in the same statement:
//!   as REINDEX would take it;
//! - ACCESS EXCLUSIVE on the table that a foreign key refers to, where the constraint is dropped
//!   or the table that has it;
//! - EXCLUSIVE and SHARE beside ACCESS EXCLUSIVE on a materialised view that is refreshed: the
//!   page of REFRESH names none, that of locks the strongest.

mod more;

use std::collections::{BTreeMap, BTreeSet};

use migration_harness::alembic::transcript::{Measure, Probe};
use migration_harness::evidence::locks::Measured;
use pretty_assertions::assert_eq;

use super::{gathered, measured, run};
use crate::majors::majors;
use crate::monorepo::{ENV, Monorepo, upgrade};

/// A statement on the table `t`, which may refer to `p`.
struct Fact {
    statement: &'static str,
    /// The first statement of its transaction.
    setting: &'static str,
    /// Further objects of the deployed database, and what runs in it before.
    before: &'static str,
    /// The modes by table, but for ACCESS SHARE.
    locks: &'static [(&'static str, &'static str)],
    rewrites: bool,
    /// The tables of which every row is read.
    reads: &'static [&'static str],
}

const AE: &str = "AccessExclusive";
const T: &[(&str, &str)] = &[("t", AE)];
/// The locks of a rewrite: building the indexes of a table anew reads it under SHARE too.
const REWRITTEN: &[(&str, &str)] = &[("t", "AccessExclusive Share")];

const fn fact(
    statement: &'static str,
    before: &'static str,
    locks: &'static [(&'static str, &'static str)],
    rewrites: bool,
    reads: &'static [&'static str],
) -> Fact {
    Fact {
        statement,
        setting: "",
        before,
        locks,
        rewrites,
        reads,
    }
}

const fn under(setting: &'static str, fact: Fact) -> Fact {
    Fact { setting, ..fact }
}

/// `t` has these columns, and `p` is another table with a key.
const TABLES: &str = "CREATE TABLE p (id int PRIMARY KEY); \
    CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, p int REFERENCES p, c varchar(50) NOT NULL, \
    n numeric(10,2), j json, ts timestamp, total int)";

const FACTS: &[Fact] = &[
    fact(
        "ALTER TABLE t ADD x int NOT NULL DEFAULT 5",
        "",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t ADD x timestamptz NOT NULL DEFAULT now()",
        "",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t ADD x timestamptz DEFAULT clock_timestamp()",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD x uuid DEFAULT gen_random_uuid()",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact("ALTER TABLE t ADD x serial", "", REWRITTEN, true, &["t"]),
    fact(
        "ALTER TABLE t ADD x int GENERATED ALWAYS AS (a + 1) STORED",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD x int CHECK (x > 0)",
        "",
        T,
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD x int REFERENCES p",
        "",
        &[
            ("p", "ShareRowExclusive"),
            ("t", "AccessExclusive ShareRowExclusive"),
        ],
        false,
        &[],
    ),
    fact("ALTER TABLE t ALTER c TYPE varchar(100)", "", T, false, &[]),
    fact(
        "ALTER TABLE t ALTER c TYPE text",
        "CREATE INDEX ON t (c)",
        &[("t", "AccessExclusive Share")],
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t ALTER c TYPE varchar(40) USING left(c, 40)",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ALTER a TYPE bigint",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ALTER n TYPE numeric(12,2)",
        "",
        T,
        false,
        &[],
    ),
    fact("ALTER TABLE t ALTER n TYPE numeric", "", T, false, &[]),
    fact(
        "ALTER TABLE t ALTER n TYPE numeric(14,4)",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ALTER j TYPE jsonb",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ALTER a SET NOT NULL",
        "ALTER TABLE t ALTER a DROP NOT NULL",
        T,
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ALTER c SET NOT NULL",
        "ALTER TABLE t ALTER c DROP NOT NULL; ALTER TABLE t ADD CHECK (c IS NOT NULL AND length(c) < 60)",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t ALTER c SET NOT NULL",
        "ALTER TABLE t ALTER c DROP NOT NULL; ALTER TABLE t ADD CHECK (c IS NOT NULL) NOT VALID",
        T,
        false,
        &["t"],
    ),
    fact("ALTER TABLE t ADD CHECK (a >= a)", "", T, false, &["t"]),
    fact(
        "ALTER TABLE t ADD CHECK (a >= a) NOT VALID",
        "",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t VALIDATE CONSTRAINT k",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a >= a) NOT VALID",
        &[("t", "ShareUpdateExclusive")],
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES p NOT VALID",
        "",
        &[("p", "ShareRowExclusive"), ("t", "ShareRowExclusive")],
        false,
        &[],
    ),
    fact(
        "CREATE TABLE x (p int REFERENCES p)",
        "",
        &[("p", "ShareRowExclusive")],
        false,
        &[],
    ),
    fact(
        "CREATE INDEX ON t (a)",
        "",
        &[("t", "Share")],
        false,
        &["t"],
    ),
    fact("DROP INDEX i", "CREATE INDEX i ON t (a)", T, false, &[]),
    fact(
        "ALTER TABLE t ADD UNIQUE (id, a)",
        "",
        &[("t", "AccessExclusive Share")],
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD UNIQUE USING INDEX i",
        "CREATE UNIQUE INDEX i ON t (id, a)",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TYPE e ADD VALUE 'b'",
        "CREATE TYPE e AS ENUM ('a')",
        &[],
        false,
        &[],
    ),
    fact("GRANT SELECT ON t TO PUBLIC", "", &[], false, &[]),
    fact(
        "COMMENT ON TABLE t IS 'x'",
        "",
        &[("t", "ShareUpdateExclusive")],
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t ALTER a SET STATISTICS 10",
        "",
        &[("t", "ShareUpdateExclusive")],
        false,
        &[],
    ),
    fact("ALTER TABLE t RENAME a TO b", "", T, false, &[]),
    fact("ALTER TABLE t ALTER a SET DEFAULT 1", "", T, false, &[]),
    fact("ALTER TABLE t ALTER a DROP NOT NULL", "", T, false, &[]),
    fact("ALTER TABLE t DROP n", "", T, false, &[]),
    fact("ALTER TABLE t ENABLE ROW LEVEL SECURITY", "", T, false, &[]),
    fact(
        "UPDATE t SET n = 1",
        "",
        &[("t", "RowExclusive")],
        false,
        &["t"],
    ),
    fact("CREATE VIEW v AS SELECT * FROM t", "", &[], false, &[]),
    fact(
        "TRUNCATE t",
        "",
        &[("t", "AccessExclusive Share")],
        true,
        &[],
    ),
    fact("DROP TABLE t", "", &[("p", AE), ("t", AE)], false, &[]),
];

fn deployment(fact: &Fact, version: &str) -> Monorepo {
    let monorepo = Monorepo::new();
    let manifest = format!(
        "path = \"{{name}}\"\ndatabase_url_env = \"DATABASE_URL\"\ndeployed = \"r1\"\n\
         [postgres]\nprovider = \"local\"\nversion = \"{version}\"\n\
         [not_applicable]\ndowngrade = \"facts\"\nupgrade_head = \"facts\"\n"
    );
    // It may end with a quote.
    let execute = |sql: &str| format!("op.execute(\"\"\"{sql} \"\"\")");
    let before: Vec<String> = [TABLES, fact.before]
        .join(";")
        .split(';')
        .map(str::trim)
        .filter(|sql| !sql.is_empty())
        .map(execute)
        .collect();
    let first = upgrade(&before.join("\n"));
    let said = [fact.setting, fact.statement].into_iter();
    let said: Vec<String> = said.filter(|sql| !sql.is_empty()).map(execute).collect();
    let second = upgrade(&said.join("\n"));
    monorepo.service("facts", &manifest, ENV, &[&first, &second]);
    monorepo
}

/// Modes by table, whether `t` has another file, and the tables that were read whole.
type Seen = (BTreeMap<String, String>, bool, BTreeSet<String>);

fn seen(measured: &Measured, statement: &str) -> Option<Seen> {
    let upgrade = &measured.upgrade;
    let number = upgrade
        .statements
        .iter()
        .find(|one| one.sql.trim() == statement)?
        .number;
    let mut probes = upgrade.measures.iter().filter_map(|measure| match measure {
        Measure::Probe(probe) if probe.number == number => Some(probe),
        _ => None,
    });
    let probe: &Probe = probes.next()?;
    let mut locks = BTreeMap::new();
    let (mut rewrites, mut reads) = (false, BTreeSet::new());
    let relations = measured.by_oid();
    for held in &probe.relations {
        let Some(relation) = relations.get(&held.oid) else {
            continue;
        };
        let modes = held.modes.iter().filter(|mode| *mode != "AccessShareLock");
        let mut modes: Vec<&str> = modes.map(|mode| mode.trim_end_matches("Lock")).collect();
        modes.sort_unstable();
        // What a foreign key asks of a row is no lock that the table is about.
        modes.retain(|mode| *mode != "RowShare");
        if !modes.is_empty() {
            locks.insert(relation.name.clone(), modes.join(" "));
        }
        rewrites |= held.filenode.is_some_and(|file| file != relation.filenode);
        if held.counters.read >= relation.rows && relation.rows > 0 {
            reads.insert(relation.name.clone());
        }
    }
    Some((locks, rewrites, reads))
}

fn expected(fact: &Fact) -> Seen {
    let text = |(table, modes): &(&str, &str)| ((*table).to_owned(), (*modes).to_owned());
    (
        fact.locks.iter().map(text).collect(),
        fact.rewrites,
        fact.reads.iter().map(|table| (*table).to_owned()).collect(),
    )
}

#[test]
fn each_statement_locks_rewrites_and_reads_what_the_table_of_facts_says() {
    are_facts(FACTS);
}

#[test]
fn the_rest_of_the_table_of_facts_is_measured_too() {
    are_facts(more::FACTS);
}

fn are_facts(facts: &[Fact]) {
    let majors = majors();
    assert!(!majors.is_empty(), "no PostgreSQL is installed");
    let mut wrong = Vec::new();
    for (version, bin) in majors {
        for fact in facts {
            let monorepo = deployment(fact, version);
            let (evidence, judged) =
                gathered(&monorepo, &run("facts"), "facts", &[("POSTGRES_BIN", &bin)]);
            let found = measured(&evidence).first();
            let found = found.and_then(|one| seen(one, fact.statement));
            let statement = fact.statement;
            let Some(found) = found else {
                wrong.push(format!(
                    "PostgreSQL {version}: {statement}\n{}",
                    judged.all()
                ));
                continue;
            };
            if found != expected(fact) {
                wrong.push(format!(
                    "PostgreSQL {version}: {statement}\n  found    {found:?}\n  expected {:?}",
                    expected(fact)
                ));
            }
        }
    }
    assert_eq!(wrong.join("\n"), "");
}
