//! The rest of the table of facts.

use super::{AE, Fact, REWRITTEN, T, fact, under};

/// Further statements of deployments, as the first table has them.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "ALTER TABLE t ADD x int GENERATED ALWAYS AS IDENTITY",
        "",
        REWRITTEN,
        true,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD x d DEFAULT 1",
        "CREATE DOMAIN d AS int CHECK (VALUE > 0)",
        REWRITTEN,
        true,
        &["t"],
    ),
    under(
        "SET LOCAL TimeZone = 'UTC'",
        fact("ALTER TABLE t ALTER ts TYPE timestamptz", "", T, false, &[]),
    ),
    under(
        "SET LOCAL TimeZone = 'UTC'",
        fact(
            "ALTER TABLE t ALTER ts TYPE timestamptz",
            "CREATE INDEX ON t (ts)",
            REWRITTEN,
            false,
            &["t"],
        ),
    ),
    under(
        "SET LOCAL TimeZone = 'Europe/Berlin'",
        fact(
            "ALTER TABLE t ALTER ts TYPE timestamptz",
            "",
            REWRITTEN,
            true,
            &["t"],
        ),
    ),
    fact(
        "ALTER TABLE t ALTER c TYPE varchar(50) COLLATE \"C\"",
        "CREATE INDEX ON t (c)",
        REWRITTEN,
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ALTER c TYPE varchar(50) COLLATE \"C\"",
        "",
        T,
        false,
        &[],
    ),
    // The table that is referred to is read by its key.
    fact(
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES p",
        "",
        &[("p", "ShareRowExclusive"), ("t", "ShareRowExclusive")],
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t VALIDATE CONSTRAINT k",
        "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES p NOT VALID",
        &[("t", "ShareUpdateExclusive")],
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD PRIMARY KEY (id)",
        "ALTER TABLE t DROP CONSTRAINT t_pkey",
        REWRITTEN,
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t ADD PRIMARY KEY USING INDEX i",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; CREATE UNIQUE INDEX i ON t (id)",
        T,
        false,
        &[],
    ),
    fact(
        "CREATE TRIGGER g BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        "",
        &[("t", "ShareRowExclusive")],
        false,
        &[],
    ),
    fact(
        "ALTER TABLE m ATTACH PARTITION t FOR VALUES FROM (-2147483648) TO (MAXVALUE)",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; CREATE TABLE m (LIKE t) PARTITION BY RANGE (id)",
        &[("m", "ShareUpdateExclusive"), ("t", AE)],
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE m ATTACH PARTITION t FOR VALUES FROM (-2147483648) TO (MAXVALUE)",
        "ALTER TABLE t DROP CONSTRAINT t_pkey; ALTER TABLE t ADD CHECK (id >= -2147483648); \
         CREATE TABLE m (LIKE t) PARTITION BY RANGE (id)",
        &[("m", "ShareUpdateExclusive"), ("t", AE)],
        false,
        &[],
    ),
    fact(
        "REFRESH MATERIALIZED VIEW v",
        "CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
        &[("v", "AccessExclusive Exclusive Share")],
        true,
        &["t"],
    ),
    fact(
        "INSERT INTO x SELECT a FROM t",
        "CREATE TABLE x (a int)",
        &[("x", "RowExclusive")],
        false,
        &["t"],
    ),
    fact(
        "ALTER TABLE t DROP CONSTRAINT t_p_fkey",
        "",
        &[("p", AE), ("t", AE)],
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t DROP CONSTRAINT k",
        "ALTER TABLE t ADD CONSTRAINT k CHECK (a >= a)",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t SET SCHEMA s",
        "CREATE SCHEMA s",
        T,
        false,
        &[],
    ),
    fact(
        "ALTER TABLE t SET (fillfactor = 90)",
        "",
        &[("t", "ShareUpdateExclusive")],
        false,
        &[],
    ),
    fact("ALTER TABLE t OWNER TO CURRENT_USER", "", T, false, &[]),
    fact(
        "ALTER TYPE e RENAME VALUE 'a' TO 'b'",
        "CREATE TYPE e AS ENUM ('a')",
        &[],
        false,
        &[],
    ),
];
