//! Stands between a service and a server that already runs: [`Relay`].
//!
//! It listens on loopback, for as long as the value lives, and ends authentication
//! itself: the password that a service is given opens one database, for one user, here;
//! on the server it opens nothing. What the server asks for (its password, TLS,
//! certificates, channel binding) is between [`upstream`] and the server, so each driver
//! that can speak to a plain server works. Encryption is answered with "no", as by a
//! server without it
//! (<https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL>).
//!
//! The harness goes the same way, with a password of its own that opens every database.

mod frame;
mod guest;
mod server_url;
mod tls;
mod upstream;

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use futures_util::future::select;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::process::random;
pub(super) use upstream::Upstream;

/// A way to one server, open until it is dropped.
pub(super) struct Relay {
    /// The port on 127.0.0.1.
    pub port: u16,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The state that all connections of a relay share.
struct Shared {
    upstream: Upstream,
    /// Opens every database.
    harness: String,
    /// Opens the one that is admitted.
    service: String,
    admitted: Mutex<Option<String>>,
    /// The reasons of refused connections that nobody took yet, each once.
    refused: Mutex<BTreeSet<String>>,
    /// The keys with which queries of the open connections are cancelled.
    backends: Mutex<HashSet<Vec<u8>>>,
}

impl Relay {
    /// Listens for connections to `upstream`, on a thread of its own: it goes on while
    /// its caller's runtime waits for something.
    ///
    /// # Errors
    /// There is no port or no thread to be had.
    pub fn open(upstream: Upstream) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            upstream,
            harness: random::hex(16)?,
            service: random::hex(16)?,
            admitted: Mutex::default(),
            refused: Mutex::default(),
            backends: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("relay".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build();
                // Without one nobody is served, and the harness is the first to see it.
                let Ok(runtime) = runtime else { return };
                runtime.block_on(async {
                    select(Box::pin(serve(listener, serving)), stopped).await;
                });
                // A name that is being looked up is not waited for.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            port,
            shared,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The server behind it.
    pub fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }

    /// The password with which the harness may use every database.
    pub fn password(&self) -> &str {
        &self.shared.harness
    }

    /// Lets the service use this database, and no other from now on; returns its password,
    /// which stays the same.
    pub fn admit(&self, database: &str) -> String {
        *lock(&self.shared.admitted) = Some(database.to_owned());
        self.shared.service.clone()
    }

    /// Takes the reasons for which connections were refused: whoever asked for one may
    /// have kept it to himself.
    pub fn take_refused(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.refused))
            .into_iter()
            .collect()
    }
}

impl Drop for Relay {
    /// Closes every connection before it returns.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn serve(listener: std::net::TcpListener, shared: Arc<Shared>) {
    let Ok(listener) = TcpListener::from_std(listener) else {
        return;
    };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(guest::receive(stream, Arc::clone(&shared)));
            }
            // Out of descriptors: some connection will end.
            Err(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
        }
    }
}

impl Shared {
    /// The databases that a password opens; `None` for a password that nobody has.
    fn admits(&self, password: &[u8], database: &str) -> Option<bool> {
        if password == self.harness.as_bytes() {
            return Some(true);
        }
        (password == self.service.as_bytes())
            .then(|| lock(&self.admitted).as_deref() == Some(database))
    }

    fn admitted(&self) -> String {
        lock(&self.admitted).clone().unwrap_or_default()
    }
}

/// A key of an open connection, forgotten when that ends.
struct Backend<'a> {
    shared: &'a Shared,
    key: Vec<u8>,
}

impl<'a> Backend<'a> {
    fn new(shared: &'a Shared, key: Vec<u8>) -> Self {
        lock(&shared.backends).insert(key.clone());
        Self { shared, key }
    }
}

impl Drop for Backend<'_> {
    fn drop(&mut self) {
        lock(&self.shared.backends).remove(&self.key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
