//! Every key with a value of a wrong type, and values that are made up.

use super::*;

/// Every key there is, with a value that it takes.
const DEFAULT_KEYS: &[&str] = &[
    "root",
    "python",
    "driver",
    "alembic_ini",
    "alembic_section",
    "schema",
];
const SERVICE_KEYS: &[&str] = &[
    "path",
    "python",
    "driver",
    "alembic_ini",
    "alembic_section",
    "schema",
    "database_url_env",
];
const TABLES: &[&str] = &[
    "env",
    "alembic",
    "postgres",
    "timeouts",
    "not_applicable",
    "locks",
];
const SERVICE_TABLES: &[&str] = &[
    "downgrade",
    "model_drift",
    "baseline",
    "rows",
    "published_revisions",
    "running_release",
    "enum_types",
    "outbox_indexes",
    "migration_notes",
];
const WRONG: &[&str] = &[
    "5",
    "1.5",
    "true",
    "[1]",
    "[[\"a\"]]",
    "{ a = 1 }",
    "1979-05-27",
];

/// No key takes a value of another type, and the error names file and key.
#[test]
fn every_wrong_type_is_named() {
    let both = |key: &str, value: &str, keys: &[&str], text: &str| {
        let rest: Vec<&str> = text
            .lines()
            .filter(|line| !line.starts_with(&format!("{key} =")))
            .collect();
        let tables_need_no_table = TABLES.contains(&key) || SERVICE_TABLES.contains(&key);
        assert!(tables_need_no_table || keys.contains(&key));
        format!("{key} = {value}\n{}\n", rest.join("\n"))
    };
    for value in WRONG {
        for key in DEFAULT_KEYS.iter().chain(TABLES) {
            if *key == "not_applicable" && value.starts_with('{') {
                continue;
            }
            let defaults = both(key, value, DEFAULT_KEYS, DEFAULTS);
            let error = read(&defaults, SERVICE).unwrap_err();
            assert!(
                error.contains("defaults.toml") && error.contains(key),
                "{defaults}\n{error}"
            );
        }
        for key in SERVICE_KEYS.iter().chain(TABLES).chain(SERVICE_TABLES) {
            let service = both(key, value, SERVICE_KEYS, SERVICE);
            let error = read(DEFAULTS, &service).unwrap_err();
            assert!(
                error.contains("a.toml") && error.contains(key),
                "{service}\n{error}"
            );
        }
    }
}

proptest! {
    #[test]
    fn any_text_is_a_manifest_or_an_error(
        pieces in prop::collection::vec(
            prop::sample::select(&[
                "path", "root", "python", "env", "timeouts", "[", "]", "=", "\"", ".", "\n", "{", "}",
                "services/a", "1", "-", "inf", "nan", "#", "\0", "\u{feff}", "'", "true", ",", "..", "/",
            ][..]),
            0..30,
        ),
        defaults in any::<bool>(),
    ) {
        let text = pieces.concat();
        let result = match defaults {
            true => read(&text, SERVICE),
            false => read(DEFAULTS, &text),
        };
        if let Err(error) = result {
            prop_assert!(error.contains(".toml"), "{}", error);
        }
    }
}
