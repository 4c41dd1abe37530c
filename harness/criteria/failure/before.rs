//! The things that should be there before the first revision: [`advice`].

use crate::alembic::transcript::Exception;

/// Types, operator classes and functions that an extension brings, by how they begin.
const OF_EXTENSIONS: &[(&str, &str)] = &[
    ("citext", "citext"),
    ("create_hypertable", "timescaledb"),
    ("crypt", "pgcrypto"),
    ("digest", "pgcrypto"),
    ("gen_random_bytes", "pgcrypto"),
    ("gen_salt", "pgcrypto"),
    ("geography", "postgis"),
    ("geometry", "postgis"),
    ("gin_trgm_ops", "pg_trgm"),
    ("gist_trgm_ops", "pg_trgm"),
    ("halfvec", "vector"),
    ("hstore", "hstore"),
    ("ltree", "ltree"),
    ("similarity", "pg_trgm"),
    ("st_", "postgis"),
    ("unaccent", "unaccent"),
    ("uuid_generate_v", "uuid-ossp"),
    ("vector", "vector"),
];

/// The advice where a revision leans on what an administrator creates, or on tables that
/// were there before it; `None` where nothing says so.
pub(super) fn advice(error: &Exception) -> Option<String> {
    let name = missing(error.first_line());
    match (error.sqlstate.as_deref()?, name) {
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        ("3F000", Some(name)) => Some(by_administrator("schema", &name, "SCHEMA")),
        ("42704", Some(name)) if error.first_line().starts_with("role ") => {
            Some(by_administrator("role", &name, "ROLE"))
        }
        ("42704" | "42883", Some(name)) => extension_of(&name),
        _ => None,
    }
}

fn by_administrator(kind: &str, name: &str, keyword: &str) -> String {
    format!(
        "create the {kind} in a revision; where an administrator does, write prepare = '''CREATE {keyword} \"{name}\"''' under [postgres] in the manifest"
    )
}

fn extension_of(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let of = |(begin, _): &&(&str, &str)| lower.starts_with(begin);
    let (_, extension) = OF_EXTENSIONS.iter().find(of)?;
    Some(format!(
        "it comes with the extension {extension}: create that in a revision; where an administrator does, write prepare = '''CREATE EXTENSION \"{extension}\"''' under [postgres] in the manifest"
    ))
}

/// The name in `role "app" does not exist`, `function uuid_generate_v4() does not exist`.
fn missing(message: &str) -> Option<String> {
    if let Some(quoted) = message.split('"').nth(1) {
        return Some(quoted.to_owned());
    }
    let rest = message.strip_prefix("function ")?;
    let name = rest.split('(').next()?;
    Some(name.rsplit('.').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::{extension_of, missing};

    #[test]
    fn what_is_missing_is_named() {
        for (message, name) in [
            ("role \"app\" does not exist", Some("app")),
            ("type \"vector\" does not exist", Some("vector")),
            (
                "function uuid_generate_v4() does not exist",
                Some("uuid_generate_v4"),
            ),
            (
                "function tools.digest(text, unknown) does not exist",
                Some("digest"),
            ),
            (
                "operator class \"gin_trgm_ops\" does not exist for access method \"gin\"",
                Some("gin_trgm_ops"),
            ),
            ("something else", None),
        ] {
            assert_eq!(missing(message).as_deref(), name, "{message}");
        }
    }

    #[test]
    fn an_extension_is_known_by_what_it_brings() {
        let says = |name: &str| extension_of(name).unwrap_or_default();
        assert!(says("uuid_generate_v4").contains("'''CREATE EXTENSION \"uuid-ossp\"'''"));
        assert!(says("ST_MakePoint").contains("postgis"));
        assert_eq!(extension_of("mood"), None);
    }
}
