//! Schemas drawn at random: what is said to be planted is there, and a table is empty only
//! where nothing can be in it.

use migration_harness::planting::{Reason, Wishes};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::{assert_there, count, database, plant, server};

/// Types, with CHECKs that some value fulfils.
const COLUMNS: [(&str, &[&str]); 16] = [
    (
        "integer",
        &[
            "{} > 0",
            "{} < 10",
            "{} IN (3, 5, 8)",
            "{} % 2 = 0",
            "{} BETWEEN 40 AND 60",
        ],
    ),
    ("bigint", &["{} <> 0", "{} >= 100"]),
    ("smallint", &["{} BETWEEN 1 AND 200"]),
    ("numeric(8, 3)", &["{} > 0.5", "{} <= 100"]),
    (
        "text",
        &[
            "{} ~ '^[a-z]+$'",
            "length({}) = 7",
            "{} IN ('a', 'it''s')",
            "{} LIKE 'x%'",
            "{} <> ''",
            "{} = upper({})",
        ],
    ),
    (
        "varchar(12)",
        &[
            "char_length({}) > 2",
            "{} ~ '^\\d{{3}}-[A-F]{{2}}$'",
            "{} = lower({})",
        ],
    ),
    ("char(3)", &["{} IN ('EUR', 'USD')"]),
    ("boolean", &["{}"]),
    ("date", &["{} > '2000-01-01'", "{} < CURRENT_DATE"]),
    ("timestamptz", &["{} < now()", "{} >= '2024-01-01'"]),
    ("uuid", &[]),
    ("jsonb", &["jsonb_typeof({}) = 'object'", "{} ? 'kind'"]),
    (
        "text[]",
        &["cardinality({}) > 0", "array_length({}, 1) = 2"],
    ),
    ("int4range", &["NOT isempty({})"]),
    ("mood", &["{} <> 'sad'"]),
    ("mail", &["length({}) < 30"]),
];
const TYPES: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'glad'); CREATE DOMAIN mail AS text CHECK (VALUE ~ '^[a-z0-9]+@[a-z]+\\.org$');\n";

#[derive(Debug, Clone)]
struct DrawnColumn {
    which: usize,
    not_null: bool,
    check: Option<prop::sample::Index>,
    is_unique: bool,
}

#[derive(Debug, Clone)]
struct DrawnTable {
    columns: Vec<DrawnColumn>,
    /// Tables that it refers to, and whether it has to.
    keys: Vec<(prop::sample::Index, bool)>,
    /// Tells whether no row fulfils its CHECK.
    is_impossible: bool,
    key: u8,
}

fn tables() -> impl Strategy<Value = Vec<DrawnTable>> {
    let column = (
        0..COLUMNS.len(),
        any::<bool>(),
        proptest::option::of(any::<prop::sample::Index>()),
        prop::bool::weighted(0.2),
    );
    let column = column.prop_map(|(which, not_null, check, is_unique)| DrawnColumn {
        which,
        not_null,
        check,
        is_unique,
    });
    let columns = proptest::collection::vec(column, 0..6);
    let keys = proptest::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..3);
    let table = (columns, keys, prop::bool::weighted(0.1), 0..3_u8);
    let table = table.prop_map(|(columns, keys, is_impossible, key)| DrawnTable {
        columns,
        keys,
        is_impossible,
        key,
    });
    proptest::collection::vec(table, 1..6)
}

fn schema(tables: &[DrawnTable]) -> String {
    let mut sql = TYPES.to_owned();
    for (nth, table) in tables.iter().enumerate() {
        let key = [
            "id serial",
            "id bigint GENERATED ALWAYS AS IDENTITY",
            "id integer",
        ][usize::from(table.key)];
        let mut lines = vec![format!("{key} PRIMARY KEY")];
        for (at, column) in table.columns.iter().enumerate() {
            let (name, checks) = COLUMNS[column.which];
            let not_null = if column.not_null { " NOT NULL" } else { "" };
            let check = column
                .check
                .filter(|_| !checks.is_empty())
                .map(|index| checks[index.index(checks.len())]);
            let check = check.map(|check| {
                format!(
                    " CHECK ({})",
                    check
                        .replace("{{", "\u{1}")
                        .replace("}}", "\u{2}")
                        .replace("{}", &format!("c{at}"))
                        .replace('\u{1}', "{")
                        .replace('\u{2}', "}")
                )
            });
            let unique = if column.is_unique { " UNIQUE" } else { "" };
            lines.push(format!(
                "c{at} {name}{not_null}{unique}{}",
                check.unwrap_or_default()
            ));
        }
        for (at, (_, has_to)) in table.keys.iter().enumerate() {
            lines.push(format!(
                "r{at} bigint{}",
                if *has_to { " NOT NULL" } else { "" }
            ));
        }
        if table.is_impossible {
            lines.push("CHECK (id < 0 AND id > 0)".to_owned());
        }
        sql.push_str(&format!("CREATE TABLE t{nth} ({});\n", lines.join(", ")));
    }
    for (nth, table) in tables.iter().enumerate() {
        for (at, (parent, _)) in table.keys.iter().enumerate() {
            let parent = parent.index(tables.len());
            sql.push_str(&format!(
                "ALTER TABLE t{nth} ADD FOREIGN KEY (r{at}) REFERENCES t{parent};\n"
            ));
        }
    }
    sql
}

/// The tables that can hold rows: not those under an impossible CHECK, nor those that have
/// to refer to one of them.
fn possible(tables: &[DrawnTable]) -> Vec<bool> {
    let each = tables.iter().enumerate();
    let able = each.map(|(nth, table)| !table.is_impossible && !is_in_a_circle(tables, nth));
    let mut possible: Vec<bool> = able.collect();
    for _ in tables {
        for (nth, table) in tables.iter().enumerate() {
            let mut keys = table.keys.iter().filter(|(_, has_to)| *has_to);
            possible[nth] &= keys.all(|(parent, _)| possible[parent.index(tables.len())]);
        }
    }
    possible
}

/// Tells whether a table has to refer, in the end, to itself: its row can only be made with a
/// key that is known before.
fn is_in_a_circle(tables: &[DrawnTable], from: usize) -> bool {
    let mut ahead = vec![from];
    let mut seen = Vec::new();
    while let Some(at) = ahead.pop() {
        for parent in tables[at]
            .keys
            .iter()
            .filter(|(_, has_to)| *has_to)
            .map(|(parent, _)| parent.index(tables.len()))
        {
            if tables[parent].key == 1 && (parent == from || seen.contains(&parent)) {
                return true;
            }
            if !seen.contains(&parent) {
                seen.push(parent);
                ahead.push(parent);
            }
        }
    }
    false
}

#[test]
fn drawn_schemas_get_rows() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(server());
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    let mut runner = TestRunner::new(Config {
        cases: cases.unwrap_or(8),
        failure_persistence: None,
        max_shrink_iters: 60,
        ..Config::default()
    });
    let done = runner.run(&tables(), |tables| {
        let sql = schema(&tables);
        runtime.block_on(async {
            let mut connection = database(&server, &sql).await;
            let (planter, planted) = plant(&mut connection, Wishes::default()).await;
            assert_there(&mut connection, planter.tables(), &planted).await;
            let possible = possible(&tables);
            for one in &planted.empty {
                let nth: usize = one.name[1..].parse().unwrap();
                let rows = count(
                    &mut connection,
                    format!("SELECT count(*) FROM {}", one.name),
                )
                .await;
                prop_assert_eq!(rows, 0);
                prop_assert!(
                    !possible[nth],
                    "{} is empty: {}\n{}",
                    one.name,
                    one.reason,
                    sql
                );
                if let Reason::NoParent { table } = &one.reason {
                    prop_assert!(planted.tables.iter().all(|one| one.text != *table));
                }
            }
            Ok(())
        })
    });
    done.unwrap_or_else(|cause| panic!("{cause}"));
    runtime.block_on(server.stop()).unwrap();
}
