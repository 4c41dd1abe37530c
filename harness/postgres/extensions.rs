//! The sources of PostgreSQL's extensions: [`how_to_get`].

/// An extension that is not part of PostgreSQL's own source.
struct Extension {
    /// Its names.
    names: &'static [&'static str],
    /// An image that has it, `{}` for the major version.
    image: &'static str,
    /// The package of apt.postgresql.org or of its makers, `{}` for the major version.
    package: &'static str,
    /// The library that has to be loaded when the server starts.
    preload: Option<&'static str>,
}

/// As their makers' documentation has it.
const PACKAGED: &[Extension] = &[
    Extension {
        names: &["vector"],
        image: "pgvector/pgvector:pg{}",
        package: "postgresql-{}-pgvector",
        preload: None,
    },
    Extension {
        names: &[
            "postgis",
            "postgis_raster",
            "postgis_topology",
            "postgis_tiger_geocoder",
        ],
        image: "postgis/postgis:{}-3.5",
        package: "postgresql-{}-postgis-3",
        preload: None,
    },
    Extension {
        names: &["timescaledb"],
        image: "timescale/timescaledb:latest-pg{}",
        package: "timescaledb-2-postgresql-{}",
        preload: Some("timescaledb"),
    },
    Extension {
        names: &["age"],
        image: "apache/age:latest",
        package: "postgresql-{}-age",
        preload: None,
    },
];

/// The extensions that are part of PostgreSQL's source, and of the official image
/// (<https://www.postgresql.org/docs/current/contrib.html>).
const CONTRIB: &[&str] = &[
    "amcheck",
    "autoinc",
    "bloom",
    "btree_gin",
    "btree_gist",
    "citext",
    "cube",
    "dblink",
    "dict_int",
    "dict_xsyn",
    "earthdistance",
    "file_fdw",
    "fuzzystrmatch",
    "hstore",
    "insert_username",
    "intagg",
    "intarray",
    "isn",
    "lo",
    "ltree",
    "moddatetime",
    "pageinspect",
    "pg_buffercache",
    "pg_freespacemap",
    "pg_prewarm",
    "pg_stat_statements",
    "pg_surgery",
    "pg_trgm",
    "pg_visibility",
    "pg_walinspect",
    "pgcrypto",
    "pgrowlocks",
    "pgstattuple",
    "plperl",
    "plpython3u",
    "postgres_fdw",
    "refint",
    "seg",
    "sslinfo",
    "tablefunc",
    "tcn",
    "tsm_system_rows",
    "tsm_system_time",
    "unaccent",
    "uuid-ossp",
    "xml2",
];

/// The advice where a server lacks an extension, which `provider` started in `version`.
#[must_use]
pub fn how_to_get(extension: &str, version: &str, provider: &str) -> String {
    let major = version.split('.').next().unwrap_or(version);
    let packaged = PACKAGED.iter().find(|one| one.names.contains(&extension));
    let install = match packaged {
        Some(one) => format!("install {}", one.package.replace("{}", major)),
        None if CONTRIB.contains(&extension) => {
            format!(
                "install PostgreSQL's contrib modules (postgresql-contrib, for version {major})"
            )
        }
        None => format!("install the package of {extension} for PostgreSQL {major}"),
    };
    if provider == super::existing::PROVIDER.name {
        return format!("{install} on that server, or use one that has it");
    }
    let image = match packaged {
        Some(one) => format!(" and image = \"{}\"", one.image.replace("{}", major)),
        None if CONTRIB.contains(&extension) => String::new(),
        None => format!(" and image = \"<one that has {extension}>\""),
    };
    let preload = match packaged.and_then(|one| one.preload) {
        Some(library) => {
            format!(
                "; either way with shared_preload_libraries = \"{library}\" under [postgres.settings]"
            )
        }
        None => String::new(),
    };
    let container = format!("provider = \"container\"{image} under [postgres]");
    match provider == super::container::PROVIDER.name {
        true => format!("write {container} in the manifest{preload}"),
        false => {
            format!("write {container} in the manifest, or {install} on this machine{preload}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::how_to_get;

    #[test]
    fn an_extension_has_an_image_or_a_package() {
        let vector = how_to_get("vector", "15.18", "local");
        assert_eq!(
            vector,
            "write provider = \"container\" and image = \"pgvector/pgvector:pg15\" under [postgres] in the manifest, \
             or install postgresql-15-pgvector on this machine"
        );
        let timescale = how_to_get("timescaledb", "16", "container");
        assert!(
            timescale.contains("latest-pg16") && timescale.contains("shared_preload_libraries")
        );
        assert!(!timescale.contains("this machine"), "{timescale}");
        let contrib = how_to_get("hstore", "15.18", "local");
        assert!(
            contrib.contains("provider = \"container\" under")
                && contrib.contains("contrib modules")
        );
        assert!(how_to_get("pgmq", "15", "existing").starts_with("install the package of pgmq"));
    }
}
