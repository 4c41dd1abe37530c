//! A server for one service: [`Server`].

use std::fmt;
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgConnection;

use super::access::Access;
use super::kept::{self, Kept, Shown};
use super::owner::Owner;
use super::restore::Snapshot;
use super::{ChosenProvider, Guard};
use crate::error::Result;

/// A server for one service. It is gone when this value is.
///
/// [`Server::stop`] waits until it is gone; a drop, on whatever thread, only
/// sees to it that it will be.
pub struct Server {
    /// The provider's name.
    pub provider: &'static str,
    /// The server's version, for instance `15.18`.
    pub version: String,
    /// The time until it had answered.
    pub started_in: Duration,
    /// The service that had it before; `None` where it was started for this one.
    pub after: Option<String>,
    pub(super) service: String,
    /// `server_version_num`.
    pub(super) number: i32,
    pub(super) chosen: ChosenProvider,
    pub(super) before: Snapshot,
    /// The state before anything was prepared, where something was.
    pub(super) original: Option<Snapshot>,
    /// The state that a service must leave as it is, for the server to be handed on.
    pub(super) traces: Option<String>,
    pub(super) databases: Mutex<Vec<String>>,
    /// The connection that creates and drops databases; made anew when a
    /// migration has ended it.
    pub(super) maintenance: tokio::sync::Mutex<Option<PgConnection>>,
    pub(super) access: Access,
    /// The owner of its databases, where that is not who makes them.
    pub(super) owner: Option<Owner>,
    pub(super) guard: Box<dyn Guard>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("provider", &self.provider)
            .field("version", &self.version)
            .field("host", &self.access.host)
            .field("port", &self.access.port)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Tells whether the server's process lives (local) and its port accepts
    /// connections. Waits a second at most.
    pub fn is_alive(&self) -> bool {
        if self.guard.has_ended() {
            return false;
        }
        (self.access.host.as_str(), self.access.port)
            .to_socket_addrs()
            .into_iter()
            .flatten()
            .any(|address| TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok())
    }

    /// Tells whether nobody else uses the server, so that all of it may be looked at.
    pub fn is_ours_alone(&self) -> bool {
        !self.guard.is_shared()
    }

    /// Takes the reasons for which connections of the service were refused: the program
    /// that wanted one may have kept it to itself.
    pub fn take_refused(&self) -> Vec<String> {
        self.guard.take_refused()
    }

    /// The last lines of the server's log, where there is one to be read.
    pub fn log_tail(&self, lines: usize) -> Vec<String> {
        self.guard.log_tail(lines)
    }

    /// Leaves the server running with these databases, for somebody who wants to look.
    ///
    /// # Errors
    /// The reason why it cannot be kept; it is then gone.
    pub async fn keep(self, stages: Vec<Shown>) -> Result<Kept> {
        let about = format!(
            "{}, PostgreSQL {} ({})",
            self.service, self.version, self.provider
        );
        let record = async {
            let stages = self.guard.rename(stages).await?;
            let removal = self.guard.removal(&stages)?;
            let address = self.guard.address(&self.access);
            kept::Record::write(&about, &address, &stages, &removal)
        };
        match record.await {
            Ok(record) => self.guard.let_go().await.map(|()| record.finished()),
            Err(e) => {
                self.guard.stop().await?;
                Err(e)
            }
        }
    }

    /// The user of its databases.
    pub fn user(&self) -> &str {
        &self.access.user
    }

    /// Ends the server and waits until nothing of it is left.
    ///
    /// # Errors
    /// Naming what could not be removed.
    pub async fn stop(self) -> Result<()> {
        self.guard.stop().await
    }

    pub(super) fn databases(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.databases
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
