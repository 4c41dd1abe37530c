//! The ways in which a service is given its database: [`to`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::alembic::script_location::is_flask_migrate;
use crate::manifest::Service;
use crate::postgres::Database;

/// The `sslmode` of libpq, and of what does as it does, where nobody named one
/// (<https://www.postgresql.org/docs/current/libpq-envars.html>).
const SSL_MODE: &str = "PGSSLMODE";

/// The value of `flask --app`, for a service that Flask-Migrate migrates: empty where
/// Flask's own search is to find the application. `None` for all others.
pub(super) fn flask_app(service: &Service) -> Option<String> {
    let Service {
        directory,
        alembic_ini,
        alembic_section,
        ..
    } = service;
    let unnamed = || is_flask_migrate(directory, alembic_ini, alembic_section);
    let named = service.flask_app.clone();
    named.or_else(|| unnamed().then(String::new))
}

/// The arguments of the worker's `open`.
pub(super) fn to(service: &Service, database: &Database) -> Value {
    let url = database.url(&service.driver);
    let whole = service.database_url_env.iter();
    let whole = whole.map(|variable| (variable.clone(), url.clone()));
    let parts = service.database_env.iter();
    let filled_in = |text: &str| database.filled_in(&text.replace("{database_url}", &url));
    let parts = parts.map(|(variable, text)| (variable.clone(), filled_in(text)));
    let mut environment: BTreeMap<String, String> = whole.chain(parts).collect();
    let mut variables: Vec<String> = environment.keys().cloned().collect();
    variables.extend(by_argument(service));
    if service.database_url_ini {
        variables.push("sqlalchemy.url".to_owned());
    }
    // A driver would ask for encryption first, at each connection, and then do without.
    if !service.env.contains_key(SSL_MODE) {
        environment.insert(SSL_MODE.to_owned(), "disable".to_owned());
    }
    json!({
        "environment": environment,
        "host": database.host,
        "port": database.port,
        "database": database.name,
        "token": database.token,
        "variables": variables,
        "directory": service.directory,
        "ini": service.alembic_ini,
        "section": service.alembic_section,
        "x": arguments(service, filled_in),
        "flask_app": flask_app(service),
        "url": service.database_url_ini.then_some(url),
    })
}

/// The arguments of `-x`, one `key=value` each.
fn arguments(service: &Service, filled_in: impl Fn(&str) -> String) -> Vec<String> {
    let pairs = service.x.iter();
    let pairs = pairs.flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
    pairs
        .map(|(key, value)| format!("{key}={}", filled_in(value)))
        .collect()
}

/// The keys of `-x` that hand over the database or a part of its URL.
pub(crate) fn by_argument(service: &Service) -> impl Iterator<Item = String> {
    let takes = |values: &Vec<String>| values.iter().any(|value| value.contains("{database_"));
    let keys = service.x.iter().filter(move |(_, values)| takes(values));
    keys.map(|(key, _)| format!("-x {key}"))
}
