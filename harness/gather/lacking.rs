//! Errors about a server that lacks an extension, or started without the library of one,
//! which is no fault of the service.

use crate::alembic::transcript::Transcript;
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::Service;
use crate::postgres::{Server, created_extension};

/// `feature_not_supported` and `undefined_file`: what PostgreSQL says of an extension whose
/// control file is not there, before version 15 and since
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const NOT_THERE: &[&str] = &["0A000", "58P01"];

/// The setting that a server needs before it starts; PostgreSQL and extensions name it in
/// whatever language they speak.
const PRELOADED: &str = "shared_preload_libraries";

/// The command ended at a library that a server loads when it starts, or never.
pub(super) fn not_preloaded(
    service: &Service,
    server: &Server,
    transcript: &Transcript,
) -> Result<()> {
    let error = transcript.outcome.error();
    let Some(raised) =
        error.filter(|raised| raised.sqlstate.is_some() && raised.message.contains(PRELOADED))
    else {
        return Ok(());
    };
    let prepared = service.prepare.iter().flat_map(|script| &script.statements);
    let prepared = prepared.map(|statement| statement.sql.as_str());
    let own = transcript.statements.iter();
    let mut created = own
        .map(|statement| statement.sql.as_str())
        .chain(prepared)
        .filter_map(created_extension);
    let library = created.find(|name| raised.message.contains(name.as_str()));
    let library = library.as_deref().unwrap_or("<library>");
    let before = service.postgres.settings.get(PRELOADED);
    let all = before.map_or(library.to_owned(), |before| format!("{before}, {library}"));
    let line = format!("{PRELOADED} = \"{all}\"");
    let place = transcript
        .failed_statement()
        .and_then(|one| one.place.as_ref());
    let mut e = HarnessError::new(
        Stage::Postgres,
        format!(
            "{}: {} needs the library \"{library}\", which this server did not load when it started",
            service.name,
            who(transcript)
        ),
    );
    if let Some(place) = place {
        e = e.detail(format!("{}:{}", service.shown(&place.file), place.line));
    }
    let help = match server.takes_settings() {
        true => format!(
            "write into {}, below [postgres.settings]: {line}",
            service.file.display()
        ),
        false => format!("set {line} on that server, and start it again"),
    };
    Err(e
        .detail(format!("postgresql: {}", raised.first_line()))
        .help(help))
}

/// The runner of what failed.
fn who(transcript: &Transcript) -> String {
    match transcript.failed_step() {
        Some(step) => format!("revision {}", step.revision),
        None => "env.py".to_owned(),
    }
}

/// The command ended at an extension that this server does not have.
pub(super) async fn lacking(
    service: &Service,
    server: &Server,
    transcript: &Transcript,
) -> Result<()> {
    let Some(raised) = transcript.outcome.error() else {
        return Ok(());
    };
    let state = raised.sqlstate.as_deref().unwrap_or_default();
    let statement = transcript.failed_statement();
    let name = statement.and_then(|statement| created_extension(&statement.sql));
    let (Some(statement), Some(name), true) = (statement, name, NOT_THERE.contains(&state)) else {
        return Ok(());
    };
    if server.offers(&name).await? {
        return Ok(());
    }
    let by = who(transcript);
    let mut e = HarnessError::new(
        Stage::Postgres,
        format!(
            "{}: {by} needs the extension \"{name}\", which this server (PostgreSQL {}, {}) does not have",
            service.name, server.version, server.provider
        ),
    );
    if let Some(place) = &statement.place {
        e = e.detail(format!("{}:{}", service.shown(&place.file), place.line));
    }
    Err(e
        .detail(format!("postgresql: {state} {}", raised.first_line()))
        .help(server.how_to_get(&name)))
}
