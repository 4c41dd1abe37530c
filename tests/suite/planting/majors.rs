//! Rows are planted on every major of PostgreSQL that can be had, with what it alone offers.

use std::path::PathBuf;

use migration_harness::planting::Wishes;
use migration_harness::postgres::{self, Server, Settings};
use pretty_assertions::assert_eq;
use sqlx::Executor;

use super::{CONSTRAINTS, EMPTY, KINDS, TYPES, assert_there, database, plant};
use crate::majors::majors;
use crate::postgres::{block_on, local};

/// The types of pgvector.
const VECTORS: &str = "CREATE EXTENSION vector;
CREATE TABLE embeddings (id bigserial PRIMARY KEY, a vector(3) NOT NULL, b vector NOT NULL,
    c vector(2)[] NOT NULL);
CREATE INDEX ON embeddings USING hnsw (a vector_l2_ops);";

/// New in 18 (<https://www.postgresql.org/docs/18/release-18.html>): virtual columns, keys
/// without overlaps, constraints that are not enforced, uuidv7().
/// The pgvector that comes with it has one more type.
const SINCE_18: &str = "CREATE EXTENSION btree_gist;
CREATE EXTENSION vector;
CREATE TABLE halves (id bigserial PRIMARY KEY, a halfvec(2) NOT NULL);
CREATE TABLE priced (id uuid PRIMARY KEY DEFAULT uuidv7(), price integer NOT NULL,
    doubled integer GENERATED ALWAYS AS (price * 2) VIRTUAL, CHECK (price > 100),
    CHECK (price < 0) NOT ENFORCED);
CREATE TABLE stays (room integer, during daterange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
CREATE TABLE parts_of_stays (id bigserial PRIMARY KEY, room integer NOT NULL,
    during daterange NOT NULL,
    FOREIGN KEY (room, PERIOD during) REFERENCES stays (room, PERIOD during));
CREATE TABLE loose (id bigserial PRIMARY KEY, priced_id uuid NOT NULL REFERENCES priced NOT ENFORCED);";

/// The types of extensions, and those that stand in their place where these are not offered.
const EXTENSIONS: [&str; 5] = ["hstore", "citext", "ltree", "lquery", "cube"];

/// The schema without what needs extensions.
fn without_extensions(schema: &str) -> String {
    let needs = |one: &&str| one.contains("CREATE EXTENSION") || one.contains("EXCLUDE");
    let statements = schema.split(";\n").filter(|one| !needs(one));
    let text = statements.collect::<Vec<_>>().join(";\n");
    EXTENSIONS.iter().fold(text, |text, name| {
        text.replace(&format!(" {name} "), " text ")
    })
}

async fn offers(server: &Server, extension: &str) -> bool {
    server.offers(extension).await.unwrap()
}

/// Tells whether the server was built with XML.
async fn knows_xml(server: &Server) -> bool {
    let mut connection = database(server, "").await;
    let parsed = connection.execute("SELECT xmlparse(CONTENT '<a/>')").await;
    parsed.is_ok()
}

/// The tables of a schema that got no rows; what is planted is there.
async fn empty_tables(server: &Server, schema: &str) -> Vec<String> {
    let mut connection = database(server, schema).await;
    let (planter, planted) = plant(&mut connection, Wishes::default()).await;
    assert_there(&mut connection, planter.tables(), &planted).await;
    let empty = planted.empty.iter();
    empty
        .map(|one| format!("{}: {}", one.name, one.reason))
        .collect()
}

#[test]
fn rows_are_planted_on_each_major() {
    let majors = majors();
    assert!(!majors.is_empty(), "no PostgreSQL is installed");
    for (major, bin) in majors {
        block_on(are_planted_on(major, PathBuf::from(bin)));
    }
}

async fn are_planted_on(major: &str, bin: PathBuf) {
    let settings = Settings {
        binaries: Some(bin),
        ..local()
    };
    let server = postgres::start(&settings, "planting").await.unwrap();
    assert!(server.version.starts_with(major), "{}", server.version);
    let has_all = offers(&server, "hstore").await;
    let schema = |text: &str| match has_all {
        true => text.to_owned(),
        false => without_extensions(text),
    };
    let mut schemas = vec![schema(TYPES), KINDS.to_owned()];
    if offers(&server, "vector").await {
        schemas.push(VECTORS.to_owned());
    }
    if major == "18" {
        schemas.push(SINCE_18.to_owned());
    }
    let has_xml = knows_xml(&server).await;
    for schema in &schemas {
        let empty = empty_tables(&server, schema).await;
        match has_xml || !schema.contains(" xml ") {
            true => assert_eq!(empty, [""; 0], "{major}: {schema}"),
            // The reason is that, and not what other values were refused for.
            false => assert!(
                empty[0].starts_with("others: 0A000: unsupported XML feature"),
                "{empty:#?}"
            ),
        }
    }
    let empty = empty_tables(&server, &schema(CONSTRAINTS)).await;
    let names = empty.iter().filter_map(|one| Some(one.split_once(':')?.0));
    assert_eq!(names.collect::<Vec<_>>(), EMPTY, "{major}: {empty:#?}");
    server.stop().await.unwrap();
}
