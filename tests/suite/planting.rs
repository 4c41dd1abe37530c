//! Rows are planted in tables of every type and constraint, and what is said to be planted
//! is there.

mod drawn;
mod majors;

use std::collections::BTreeSet;

use migration_harness::planting::{
    Class, Keys, Planted, PlantedRow, PlantedTable, Planter, Reason, Tables, Wishes,
};
use migration_harness::postgres::{self, Server};
use pretty_assertions::assert_eq;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::postgres::{block_on, local};

const TYPES: &str = include_str!("planting/types.sql");
const CONSTRAINTS: &str = include_str!("planting/constraints.sql");
/// The tables of those that can have no rows.
const EMPTY: [&str; 5] = [
    "without_partitions",
    "closed",
    "of_closed",
    "seeded",
    "swallowed",
];

async fn server() -> Server {
    postgres::start(&local(), "planting").await.unwrap()
}

async fn database(server: &Server, schema: &str) -> PgConnection {
    let database = server.create_database().await.unwrap();
    let mut connection = database.connect().await.unwrap();
    run(&mut connection, schema).await;
    connection
}

async fn run(connection: &mut PgConnection, sql: &str) {
    let done = connection
        .execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned())))
        .await;
    done.unwrap_or_else(|cause| panic!("{cause}\n{sql}"));
}

async fn count(connection: &mut PgConnection, sql: String) -> i64 {
    let shown = sql.clone();
    let found = sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await;
    found.unwrap_or_else(|cause| panic!("{cause}\n{shown}"))
}

async fn plant(connection: &mut PgConnection, wishes: Wishes) -> (Planter, Planted) {
    let tables = Tables::read(connection).await.unwrap();
    let mut planter = Planter::new(tables, wishes);
    let planted = planter.plant(connection).await.unwrap();
    (planter, planted)
}

fn table<'a>(planted: &'a Planted, name: &str) -> &'a PlantedTable {
    let found = planted.tables.iter().find(|table| table.name == name);
    found.unwrap_or_else(|| panic!("{name} has no rows: {:?}", planted.empty))
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Looks for each planted row, with all of its values.
async fn assert_there(connection: &mut PgConnection, tables: &Tables, planted: &Planted) {
    run(
        connection,
        "SET TimeZone = 'UTC'; SET IntervalStyle = 'postgres'; SET DateStyle = 'ISO, MDY'",
    )
    .await;
    for one in &planted.tables {
        let known = tables.with_oid(one.oid).unwrap();
        let columns: Vec<String> = known
            .columns
            .iter()
            .map(|column| format!("{}::text", column.text))
            .collect();
        let rows = one.rows.iter().map(|row| {
            let values = known.columns.iter().map(|column| {
                let value = row.values[&column.number].as_deref();
                value.map_or("NULL".to_owned(), quoted)
            });
            let values: Vec<String> = values.collect();
            format!("(ARRAY[{}]::text[])", values.join(", "))
        });
        let rows: Vec<String> = rows.collect();
        let sql = format!(
            "SELECT count(*) FROM (SELECT unnest FROM (VALUES {}) AS v (unnest) EXCEPT ALL SELECT ARRAY[{}]::text[] FROM {}) AS missing",
            rows.join(", "),
            columns.join(", "),
            one.text
        );
        assert_eq!(
            count(connection, sql).await,
            0,
            "rows of {} are missing",
            one.text
        );
    }
}

/// The planted statements in order; those for rows of several tables once.
fn statements(planted: &Planted) -> Vec<String> {
    let rows = || planted.tables.iter().flat_map(|table| &table.rows);
    let inserts = rows().map(|row| &row.insert);
    let updates = rows().filter_map(|row| row.update.as_ref());
    let mut seen = BTreeSet::new();
    let all = inserts.chain(updates);
    all.filter(|one| !one.starts_with("WITH") || seen.insert((*one).clone()))
        .cloned()
        .collect()
}

#[test]
fn every_type_gets_rows() {
    block_on(async {
        let server = server().await;
        let mut connection = database(&server, TYPES).await;
        let (planter, planted) = plant(&mut connection, Wishes::default()).await;
        assert_eq!(planted.empty, []);
        for one in &planted.tables {
            assert_eq!(one.rows.len(), 20, "{}", one.text);
        }
        assert_there(&mut connection, planter.tables(), &planted).await;
        // A token per text and number.
        let texts = table(&planted, "texts");
        assert_eq!(texts.rows[0].tokens[&2], "texts.a.0001");
        assert!(
            texts.rows.iter().all(|row| !row.tokens.contains_key(&5)),
            "of char(1)"
        );
        // Labels take turns, arrays are empty and not.
        let odd = table(&planted, "Made \"up\"");
        let values = |number: i16| -> BTreeSet<String> {
            odd.rows
                .iter()
                .filter_map(|row| row.values[&number].clone())
                .collect()
        };
        assert_eq!(
            values(2).into_iter().collect::<Vec<_>>(),
            ["it's", "ok", "sad"]
        );
        assert!(values(3).contains("{}") && values(3).len() > 1);
        server.stop().await.unwrap();
    });
}

#[test]
fn every_constraint_gets_rows() {
    block_on(async {
        let server = server().await;
        let mut connection = database(&server, CONSTRAINTS).await;
        let (planter, planted) = plant(&mut connection, Wishes::default()).await;
        let empty: Vec<(&str, String)> = planted
            .empty
            .iter()
            .map(|one| (one.name.as_str(), one.reason.to_string()))
            .collect();
        let names: Vec<&str> = empty.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, EMPTY, "{empty:#?}");
        assert_eq!(empty[0].1, "it has no partition");
        assert!(
            empty[1]
                .1
                .starts_with("P0001: nothing may be added on INSERT INTO public.closed "),
            "{}",
            empty[1].1
        );
        assert_eq!(
            empty[2].1,
            "its rows refer to public.closed, which has none"
        );
        assert!(empty[3].1.starts_with("23505: "), "{}", empty[3].1);
        assert!(planted.empty[3].has_rows);
        assert!(
            empty[4]
                .1
                .starts_with("nothing is left of its rows after INSERT"),
            "{}",
            empty[4].1
        );
        assert_there(&mut connection, planter.tables(), &planted).await;
        for (name, rows) in [
            ("enumerated", 3),
            ("single", 1),
            ("pairs", 20),
            ("tasks", 20),
            ("formats", 20),
            ("owned", 20),
        ] {
            assert_eq!(table(&planted, name).rows.len(), rows, "{name}");
        }
        // Each partition holds rows, each row says which.
        for name in ["events", "hashed", "regions"] {
            assert_eq!(table(&planted, name).empty_partitions, Vec::<String>::new());
        }
        // Circles are closed, and triggers have done their work.
        let is_set = |row: &PlantedRow| row.values[&2].is_some();
        for name in ["teams", "folders", "replies"] {
            let rows = &table(&planted, name).rows;
            assert_eq!(rows.iter().filter(|row| is_set(row)).count(), 10, "{name}");
        }
        assert_eq!(
            table(&planted, "touched").rows[0].values[&2].as_deref(),
            Some("TOUCHED.NAME.0001")
        );
        let rounds = planted.round_trips;
        assert!(rounds <= 60, "{rounds} round trips");
        server.stop().await.unwrap();
    });
}

/// Tables that refer to one another by keys that may not be NULL, one of which has two columns
/// of a domain: its refusals name none of them.
const CIRCLE: &str = "
CREATE DOMAIN mail AS text CHECK (VALUE ~ '^[a-z0-9]+@[a-z]+[.]org$');
CREATE TABLE authors (id integer PRIMARY KEY, age integer CHECK (age BETWEEN 40 AND 60),
    work mail NOT NULL, home mail NOT NULL, book_id bigint NOT NULL);
CREATE TABLE books (id integer PRIMARY KEY, code varchar(12) CHECK (code = lower(code)),
    author_id bigint NOT NULL REFERENCES authors);
ALTER TABLE authors ADD FOREIGN KEY (book_id) REFERENCES books;
";

#[test]
fn a_circle_with_two_columns_of_a_domain_gets_rows() {
    block_on(async {
        let server = server().await;
        let mut connection = database(&server, CIRCLE).await;
        let (planter, planted) = plant(&mut connection, Wishes::default()).await;
        assert_eq!(planted.empty, []);
        assert_there(&mut connection, planter.tables(), &planted).await;
        server.stop().await.unwrap();
    });
}

/// Two keys that each take rows of one kind from a table that has all kinds, as polymorphic
/// models have them, and two that share a column.
const KINDS: &str = "
CREATE TABLE graders (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE,
    kind text NOT NULL CHECK (kind IN ('LLM', 'CODE', 'BUILTIN')), UNIQUE (kind, id));
CREATE TABLE languages (name text PRIMARY KEY);
INSERT INTO languages VALUES ('PYTHON'), ('TYPESCRIPT');
CREATE TABLE sandboxes (id bigserial PRIMARY KEY, language text NOT NULL REFERENCES languages,
    UNIQUE (language, id));
CREATE TABLE llm_graders (id bigserial PRIMARY KEY,
    kind text NOT NULL DEFAULT 'LLM' CHECK (kind = 'LLM'),
    FOREIGN KEY (kind, id) REFERENCES graders (kind, id) ON DELETE CASCADE);
CREATE TABLE code_graders (id bigserial PRIMARY KEY,
    kind text NOT NULL DEFAULT 'CODE' CHECK (kind = 'CODE'),
    language text NOT NULL REFERENCES languages,
    sandbox_id bigint REFERENCES sandboxes ON DELETE SET NULL,
    FOREIGN KEY (kind, id) REFERENCES graders (kind, id) ON DELETE CASCADE,
    FOREIGN KEY (sandbox_id, language) REFERENCES sandboxes (id, language));
CREATE TABLE code_versions (id bigserial PRIMARY KEY,
    code_grader_id bigint NOT NULL REFERENCES code_graders ON DELETE CASCADE);";

#[test]
fn keys_that_want_rows_of_one_kind_get_them() {
    block_on(async {
        let server = server().await;
        let mut connection = database(&server, KINDS).await;
        let (planter, planted) = plant(&mut connection, Wishes::default()).await;
        assert!(planted.empty.is_empty(), "{:#?}", planted.empty);
        assert_there(&mut connection, planter.tables(), &planted).await;
        let of_kinds = ["llm_graders", "code_graders"].map(|name| table(&planted, name).rows.len());
        assert!(of_kinds.iter().all(|rows| *rows >= 6), "{of_kinds:?}");
        server.stop().await.unwrap();
    });
}

#[test]
fn statements_can_be_typed_and_are_the_same_each_time() {
    block_on(async {
        let server = server().await;
        for schema in [TYPES, CONSTRAINTS] {
            let mut connection = database(&server, schema).await;
            let (_, planted) = plant(&mut connection, Wishes::default()).await;
            let mut other = database(&server, schema).await;
            for statement in statements(&planted) {
                run(&mut other, &statement).await;
            }
            for one in &planted.tables {
                let sql = format!("SELECT count(*) FROM {}", one.text);
                let typed = count(&mut other, sql.clone()).await;
                assert_eq!(typed, count(&mut connection, sql).await, "{}", one.text);
            }
            let mut third = database(&server, schema).await;
            let (_, again) = plant(&mut third, Wishes::default()).await;
            let (again, planted) = (statements(&again), statements(&planted));
            for (one, other) in again.iter().zip(&planted) {
                assert_eq!(one, other);
            }
            assert_eq!(again.len(), planted.len());
        }
        server.stop().await.unwrap();
    });
}

#[test]
fn wishes_are_followed() {
    block_on(async {
        let server = server().await;
        let schema = "CREATE TABLE orders (id serial PRIMARY KEY, status text NOT NULL, note text DEFAULT 'none'); CREATE TABLE other (id int); \
            CREATE TABLE lines (order_id integer REFERENCES orders, n integer GENERATED ALWAYS AS IDENTITY)";
        let mut connection = database(&server, schema).await;
        let wishes = Wishes {
            rows: 30,
            rows_of: [
                (("public".to_owned(), "orders".to_owned()), 999),
                (("public".to_owned(), "other".to_owned()), 0),
            ]
            .into(),
            keys: Keys::FromSequences,
            statements: vec![
                "UPDATE orders SET note = 'x' WHERE status = 'new'".to_owned(),
                "INSERT INTO orders (status) VALUES ('seed')".to_owned(),
            ],
        };
        let (_, planted) = plant(&mut connection, wishes).await;
        let orders = table(&planted, "orders");
        assert_eq!(orders.rows.len(), 999);
        assert_eq!(orders.rows[0].values[&1].as_deref(), Some("1"));
        assert!(
            !orders.rows[0].insert.contains("(id"),
            "{}",
            orders.rows[0].insert
        );
        let statuses: BTreeSet<&str> = orders
            .rows
            .iter()
            .filter_map(|row| row.values[&2].as_deref())
            .collect();
        for status in ["new", "NEW", "New"] {
            assert!(statuses.contains(status), "{status}");
        }
        assert!(!statuses.contains("seed"));
        let notes = orders
            .rows
            .iter()
            .filter(|row| row.values[&3].as_deref() == Some("none"));
        assert_eq!(notes.count(), 500, "every other default");
        assert_eq!(table(&planted, "lines").rows.len(), 30);
        let empty = &planted.empty[0];
        assert_eq!(
            (empty.name.as_str(), &empty.reason),
            ("other", &Reason::NotAsked)
        );
        assert!(planted.round_trips < 10, "{}", planted.round_trips);
        server.stop().await.unwrap();
    });
}

#[test]
fn rows_are_planted_without_plpgsql() {
    block_on(async {
        let server = server().await;
        let schema = format!("{TYPES}; DROP EXTENSION plpgsql");
        let mut connection = database(&server, &schema).await;
        let (planter, planted) = plant(&mut connection, Wishes::default()).await;
        assert_eq!(planted.empty, []);
        assert_there(&mut connection, planter.tables(), &planted).await;
        server.stop().await.unwrap();
    });
}

#[test]
fn special_rows_are_those_that_the_schema_allows() {
    block_on(async {
        let server = server().await;
        let schema = "CREATE TABLE parents (id serial PRIMARY KEY); CREATE TABLE orders (id serial PRIMARY KEY, email varchar(30), total numeric(4, 1) CHECK (total > -1), \
            parent_id integer NOT NULL REFERENCES parents, code text UNIQUE, other_id bigint)";
        let mut connection = database(&server, schema).await;
        let (planter, planted) = plant(&mut connection, Wishes::default()).await;
        let orders = planter
            .tables()
            .tables
            .iter()
            .find(|table| table.name == "orders")
            .unwrap();
        let wanted: Vec<(i64, i16, Class)> = orders
            .columns
            .iter()
            .flat_map(|column| Class::ALL.map(|class| (orders.oid, column.number, class)))
            .collect();
        let special = planter
            .special(&mut connection, &planted, &wanted)
            .await
            .unwrap();
        let classes = |number: i16| -> Vec<Class> {
            special
                .iter()
                .filter(|one| one.column == number)
                .map(|one| one.class)
                .collect()
        };
        assert_eq!(
            classes(1),
            [
                Class::Orphan,
                Class::Zero,
                Class::MinusOne,
                Class::Lowest,
                Class::Highest
            ]
        );
        assert_eq!(
            classes(2),
            [
                Class::Null,
                Class::Duplicate,
                Class::Orphan,
                Class::OtherCase,
                Class::Longest,
                Class::EmptyText
            ]
        );
        assert_eq!(
            classes(3),
            [
                Class::Null,
                Class::Duplicate,
                Class::Orphan,
                Class::Zero,
                Class::Highest
            ]
        );
        assert_eq!(classes(4), [Class::Duplicate]);
        assert_eq!(
            classes(5),
            [
                Class::Null,
                Class::Orphan,
                Class::OtherCase,
                Class::Longest,
                Class::EmptyText
            ]
        );
        assert_eq!(
            count(&mut connection, "SELECT count(*) FROM orders".to_owned()).await,
            20
        );
        // A row stands by itself, with those that it refers to.
        for one in &special {
            let mut other = connection.begin().await.unwrap();
            run(&mut other, "DELETE FROM orders; DELETE FROM parents").await;
            for statement in planted.ancestors(&one.parents) {
                run(&mut other, statement).await;
            }
            run(&mut other, &one.insert).await;
            other.rollback().await.unwrap();
        }
        let longest = special
            .iter()
            .find(|one| one.class == Class::Longest)
            .unwrap();
        assert_eq!(longest.value.as_ref().unwrap().len(), 30);
        server.stop().await.unwrap();
    });
}
