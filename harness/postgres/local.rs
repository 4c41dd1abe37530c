//! The provider `local`: PostgreSQL's programs on this machine.
//!
//! Each server is a copy of an initialised data directory ([`datadir`]), listens
//! on loopback only, on a port that its own `bind` has proved to be free, with a
//! password of its own. It runs under a [`SupervisedProcess`].

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use once_cell::sync::Lazy;
use sqlx::PgConnection;

use super::access::Access;
use super::binaries::{self, Installation};
use super::datadir;
use super::files::tail;
use super::kept::{self, Removal, Shown, quoted};
use super::postmaster;
use super::run::{Base, Run};
use super::scram::Rounds;
use super::statements::set_password;
use super::{
    BoxFuture, Choice, Guard, Provider, Settings, StartedServer, error, name_part, sql_error,
    with_settings,
};
use crate::error::{HarnessError, Result};
use crate::process::account::{Account, give};
use crate::process::random;
use crate::process::supervisor::{Ending, SupervisedProcess, SupervisedSpec, remove_dir};

/// See the module's documentation.
pub const PROVIDER: Provider = Provider {
    name: "local",
    choice: Choice::Local,
    automatic: true,
    examine: |settings| Box::pin(async { Ok(prepared(settings).await?.notes.clone()) }),
    start: |settings, service| Box::pin(start(settings, service)),
};

/// The interval at which it is looked at.
const POLL: Duration = Duration::from_millis(4);

/// The number of ports that are tried.
const PORTS: usize = 20;

/// The options of every server. Durability is of no use to a server that lives for
/// seconds (<https://www.postgresql.org/docs/current/non-durability.html>); what
/// a migration could depend on (`wal_level`, `max_connections`) stays as it is
/// by default. Given as arguments, which `ALTER SYSTEM` cannot override.
const OPTIONS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "jit=off",
    "shared_buffers=16MB",
    "max_wal_size=256MB",
    "checkpoint_timeout=1h",
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "lc_messages=C",
    "logging_collector=off",
    "log_destination=stderr",
    // Segments in files of the data directory go with it, whoever is killed.
    "dynamic_shared_memory_type=mmap",
];

/// The preparations that all servers with the same settings share.
struct Preparation {
    account: Option<Account>,
    base: Base,
    installation: Installation,
    notes: Vec<String>,
}

/// Finds the programs and initialises a data directory, once per process.
async fn prepared(settings: &Settings) -> Result<Arc<Preparation>> {
    type Known = HashMap<Settings, Arc<Preparation>>;
    static KNOWN: Lazy<tokio::sync::Mutex<Known>> = Lazy::new(Default::default);
    let mut known = KNOWN.lock().await;
    if let Some(prepared) = known.get(settings) {
        return Ok(Arc::clone(prepared));
    }
    let account = Account::for_servers()?;
    let base = Base::open(account)?;
    let (found, notes) = binaries::find(settings).await?;
    let installation = found.reachable(&base, account).await?;
    datadir::template(&base, &installation, account).await?;
    let prepared = Arc::new(Preparation {
        account,
        base,
        installation,
        notes,
    });
    known.insert(settings.clone(), Arc::clone(&prepared));
    Ok(prepared)
}

/// A server's directory until its supervisor removes it.
struct ServerDir(Option<PathBuf>);

impl Drop for ServerDir {
    fn drop(&mut self) {
        if let Some(dir) = &self.0 {
            // Anything that remains is found by the next run's sweep.
            let _ = remove_dir(dir);
        }
    }
}

async fn start(settings: &Settings, service: &str) -> Result<StartedServer> {
    let prepared = prepared(settings).await?;
    let run = Run::current(&prepared.base, prepared.account)?;
    let suffix = random::hex(4).map_err(|e| error(format!("no random name: {e}")))?;
    let dir = run.dir.join(format!("{}-{suffix}", name_part(service, 40)));
    let mut guard = ServerDir(Some(dir.clone()));
    let password = lay_out(&prepared, &dir).await?;

    let mut attempts = 0;
    let (supervised, port) = loop {
        attempts += 1;
        let port = free_port()?;
        let supervised = launch(&prepared, &run, &dir, port, &settings.settings).await?;
        match ready(&supervised, &dir, port, settings.ready_within).await {
            Ok(()) => break (supervised, port),
            Err(Unready::PortInUse) if attempts < PORTS => supervised.keep().await,
            Err(unready) => {
                let e = unready.explain(&prepared.installation, &dir.join("log"), port);
                let e = with_settings(e, settings);
                supervised.end().await?;
                return Err(e);
            }
        }
    };
    guard.0 = None; // the supervisor's from here on
    let server = Local {
        supervised,
        log: dir.join("log"),
        dir: dir.clone(),
        bin: prepared.installation.bin.clone(),
    };
    let taken = take_over(password, &dir, port).await;
    let (access, connection) = taken.map_err(|e| with_log(e, &server.log))?;
    Ok(StartedServer {
        access,
        connection,
        guard: Box::new(server),
    })
}

/// Makes the server's directory with its copy of the data in it, and returns the
/// password of that.
async fn lay_out(prepared: &Preparation, dir: &Path) -> Result<String> {
    let failed = |e: std::io::Error| error(format!("cannot create {}: {e}", dir.display()));
    std::fs::DirBuilder::new()
        .mode(0o700)
        .create(dir)
        .map_err(failed)?;
    let Preparation {
        base,
        installation,
        account,
        ..
    } = prepared;
    let password = datadir::copy(base, installation, *account, &dir.join("data")).await?;
    give(dir, *account).map_err(failed)?;
    Ok(password)
}

/// A port that nothing listens on now. Whether it still is free when PostgreSQL
/// binds it, that bind decides.
fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|e| error(format!("no free port on 127.0.0.1: {e}")))
}

async fn launch(
    prepared: &Preparation,
    run: &Arc<Run>,
    dir: &Path,
    port: u16,
    settings: &BTreeMap<String, String>,
) -> Result<SupervisedProcess> {
    let failed =
        |e: std::io::Error| error(format!("cannot write {}: {e}", dir.join("log").display()));
    let log = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(dir.join("log"))
        .map_err(failed)?;
    let mut spec = SupervisedSpec::new(
        prepared.installation.bin.join("postgres"),
        dir,
        Ending::Quit,
    )
    .args(["-D".as_ref(), dir.join("data").as_os_str()])
    .args(["-p", &port.to_string()]);
    for option in OPTIONS {
        spec = spec.args(["-c", option]);
    }
    for (name, value) in settings {
        spec = spec.args(["-c", &format!("{name}={value}")]);
    }
    spec.stdout = log.try_clone().map_err(failed)?.into();
    spec.stderr = log.into();
    spec.account = prepared.account;
    spec.env = Some(datadir::environment());
    spec.remove = Some(dir.to_owned());
    spec.clean_up = Some(|dir| postmaster::remove_segment(&dir.join("data")));
    spec.hold = Some(Box::new(Arc::clone(run)));
    SupervisedProcess::spawn(spec).await
}

/// The reason that a server is not ready.
enum Unready {
    PortInUse,
    Exited(i32),
    Late(Duration),
}

/// Waits until `postmaster.pid` says that *this* postmaster has bound *this*
/// port and accepts connections: line 1 is its process id, line 4 the port, line
/// 8 its status. No stranger that listens there is ever talked to.
async fn ready(
    supervised: &SupervisedProcess,
    dir: &Path,
    port: u16,
    within: Duration,
) -> Result<(), Unready> {
    let deadline = Instant::now() + within;
    let pid = supervised.pid().to_string();
    loop {
        let text = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        if lines.first() == Some(&pid.as_str())
            && lines.get(3) == Some(&port.to_string().as_str())
            && lines.get(7) == Some(&"ready")
        {
            return Ok(());
        }
        if let Some(status) = supervised.exit_status() {
            let taken = tail(&dir.join("log"), 20)
                .iter()
                .any(|line| line.contains("could not bind"));
            return Err(if taken {
                Unready::PortInUse
            } else {
                Unready::Exited(status)
            });
        }
        if Instant::now() > deadline {
            return Err(Unready::Late(within));
        }
        tokio::time::sleep(POLL).await;
    }
}

impl Unready {
    fn explain(&self, installation: &Installation, log: &Path, port: u16) -> HarnessError {
        let program = installation.bin.join("postgres");
        let e = match self {
            Self::PortInUse => error(format!(
                "none of {PORTS} ports could be used, the last one was {port}"
            )),
            Self::Exited(status) => error(format!(
                "`{}` ended with status {status} while starting",
                program.display()
            )),
            Self::Late(within) => error(format!(
                "`{}` was not ready within {within:?}",
                program.display()
            )),
        };
        with_log(e, log)
    }
}

fn with_log(mut e: HarnessError, log: &Path) -> HarnessError {
    e.details.extend(
        tail(log, 20)
            .into_iter()
            .map(|line| format!("server log: {line}")),
    );
    e
}

/// Connects with the copied data's password, makes sure that the server is the one
/// that was started, and gives it a password of its own.
async fn take_over(password: String, dir: &Path, port: u16) -> Result<(Access, PgConnection)> {
    let mut access = Access {
        host: "127.0.0.1".to_owned(),
        port,
        user: "postgres".to_owned(),
        password,
        maintenance: "postgres".to_owned(),
        place: None,
    };
    let mut connection: PgConnection = access.connect("postgres").await?;
    let failed = |e: sqlx::Error| sql_error("cannot set up the server", &e);
    let serves: String = sqlx::query_scalar("SELECT current_setting('data_directory')")
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    let same = |a: &Path, b: &Path| {
        a.canonicalize()
            .is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
    };
    if !same(Path::new(&serves), &dir.join("data")) {
        return Err(error(format!(
            "port {port} is answered by another server, of {serves}"
        )));
    }
    access.password = random::hex(16).map_err(|e| error(format!("no random password: {e}")))?;
    set_password(&mut connection, &access.user, &access.password, Rounds::One).await?;
    Ok((access, connection))
}

/// A server under its supervisor.
struct Local {
    supervised: SupervisedProcess,
    log: PathBuf,
    dir: PathBuf,
    bin: PathBuf,
}

/// Removes a server of which only the directory is known. `SERVES` is whether the
/// process in `postmaster.pid` is a postmaster of that directory: it works there, or,
/// where there is no /proc, names it.
const REMOVE: &str = r#"serves() {
    pid=$(sed -n 1p "$data/postmaster.pid" 2>/dev/null) || return 1
    [ -n "$pid" ] || return 1
    if [ -e /proc/self ]; then
        [ "$(readlink "/proc/$pid/cwd")" = "$data" ]
    else
        ps -ww -o args= -p "$pid" | grep -q -F -e "-D $data"
    fi
}
for signal in QUIT KILL; do
    tries=0
    while serves && [ $tries -lt 50 ]; do
        [ $tries -gt 0 ] || kill "-$signal" "$pid"
        tries=$((tries + 1))
        sleep 0.1
    done
done
! serves || { echo "process $pid does not end" >&2; exit 1; }"#;

impl Guard for Local {
    fn log_tail(&self, lines: usize) -> Vec<String> {
        tail(&self.log, lines)
    }

    fn has_ended(&self) -> bool {
        self.supervised.exit_status().is_some()
    }

    fn removal(&self, _stages: &[Shown]) -> Result<Removal> {
        // The process knows its directory without symbolic links.
        let dir = self.dir.canonicalize().unwrap_or_else(|_| self.dir.clone());
        let (data, run) = (quoted(dir.join("data")), dir.parent().map(quoted));
        let (dir, run) = (quoted(dir), run.unwrap_or_default());
        Ok(Removal {
            remove: format!(
                "data={data}\n{REMOVE}\nrm -rf -- {dir}\nrmdir -- {run} 2>/dev/null || true"
            ),
            gone: format!(
                "[ ! -e {data}/postmaster.pid ] || ! kill -0 \"$(sed -n 1p {data}/postmaster.pid)\""
            ),
            psql: kept::psql(Some(&self.bin)).unwrap_or("psql".into()),
        })
    }

    fn let_go(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            kept::mark(&self.dir)?;
            self.supervised.keep().await;
            Ok(())
        })
    }

    fn stop(self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(self.supervised.end())
    }
}
