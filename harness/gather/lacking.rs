//! What is said where the server lacks an extension, which is no fault of the service.

use crate::alembic::transcript::{Outcome, Transcript};
use crate::error::{HarnessError, Result, Stage};
use crate::manifest::Service;
use crate::postgres::{Server, created_extension};

/// `feature_not_supported` and `undefined_file`: what PostgreSQL says of an extension whose
/// control file is not there, before version 15 and since
/// (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
const NOT_THERE: &[&str] = &["0A000", "58P01"];

/// The command ended at an extension that this server does not have.
pub(super) async fn lacking(
    service: &Service,
    server: &Server,
    transcript: &Transcript,
) -> Result<()> {
    let Outcome::Raised(raised) = &transcript.outcome else {
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
    let by = match transcript.failed_step() {
        Some(step) => format!("revision {}", step.revision),
        None => "env.py".to_owned(),
    };
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
