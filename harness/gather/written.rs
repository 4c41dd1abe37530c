//! Revisions that Alembic writes itself, into the service's own directory: [`Writing`].

use super::{Context, Driver};
use crate::alembic::transcript::Transcript;
use crate::alembic::worker::Command;
use crate::error::Result;
use crate::evidence::History;
use crate::gather::progress::Say;
use crate::manifest::Service;

/// A revision that Alembic is to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writing {
    /// One that merges these heads.
    Merge(Vec<String>),
    /// One of these lines of Python.
    Revision {
        /// Its message.
        message: String,
        /// The lines of `upgrade()`.
        upgrade: Vec<String>,
        /// The lines of `downgrade()`.
        downgrade: Vec<String>,
    },
    /// One that brings the database to the models, but for what loses data.
    Autogenerate {
        /// Its message.
        message: String,
    },
}

impl Writing {
    /// Has it written, and tells how that went.
    ///
    /// # Errors
    /// No server or no interpreter can be had.
    pub(super) async fn run(
        &self,
        service: &Service,
        history: &History,
        context: &Context<'_>,
        say: Say<'_>,
    ) -> Result<Transcript> {
        let mut driver = Driver::start(service, history, context, None, say).await?;
        let written = match self {
            Self::Merge(revisions) => driver.command(Command::Merge(revisions)).await,
            Self::Revision {
                message,
                upgrade,
                downgrade,
            } => {
                let command = Command::Revision(message, upgrade, downgrade);
                driver.command(command).await
            }
            Self::Autogenerate { message } => {
                match driver.command(Command::Upgrade("head")).await {
                    Ok(upgrade) if upgrade.finished() => {
                        driver.command(Command::Autogenerate(message)).await
                    }
                    failed => failed,
                }
            }
        };
        let ended = driver.end(written.is_ok()).await;
        written.and_then(|written| ended.map(|()| written))
    }
}
