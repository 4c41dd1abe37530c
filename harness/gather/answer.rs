//! The answers of the database that is looked at: none, or a refusal.

use sqlx::postgres::PgDatabaseError;

use crate::error::{HarnessError, Result, Stage};
use crate::planting::Refusal;

/// The error of a question that PostgreSQL did not answer.
pub(super) fn failed(cause: &sqlx::Error) -> HarnessError {
    HarnessError::new(
        Stage::Evidence,
        format!("the migrated database cannot be looked at: {cause}"),
    )
}

/// PostgreSQL's refusal of what was tried, if it is one.
pub(super) fn refusal<T>(tried: Result<T, sqlx::Error>) -> Result<Option<Refusal>> {
    match tried {
        Ok(_) => Ok(None),
        Err(sqlx::Error::Database(error)) => Ok(Some(Refusal {
            state: error.code().unwrap_or_default().into_owned(),
            message: match error
                .try_downcast_ref::<PgDatabaseError>()
                .and_then(|one| one.detail())
            {
                Some(detail) => format!("{}: {detail}", error.message()),
                None => error.message().to_owned(),
            },
            constraint: error.constraint().unwrap_or_default().to_owned(),
            ..Refusal::default()
        })),
        Err(cause) => Err(failed(&cause)),
    }
}
