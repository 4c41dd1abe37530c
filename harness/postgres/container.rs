//! The provider `container`: the official image, through `testcontainers`.
//!
//! Each service gets a container of its own, whose name is known before it is
//! made, so that a [`SupervisedProcess`] can hold `docker rm` ready for it from the first
//! moment. Labels say which run it belongs to, so that the next run finds what
//! a killed one left where no such program is installed. See [`engine`].

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::PgConnection;
use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::testcontainers::bollard::models::PortBinding;
use testcontainers_modules::testcontainers::core::Mount;
use testcontainers_modules::testcontainers::core::logs::LogFrame;
use testcontainers_modules::testcontainers::runners::AsyncRunner;
use testcontainers_modules::testcontainers::{ContainerAsync, ContainerRequest, ImageExt};

use super::access::Access;
use super::engine;
use super::files::tail;
use super::kept::{self, Removal, Shown, quoted};
use super::run::{Base, Run};
use super::{
    BoxFuture, Choice, Guard, Provider, Settings, StartedServer, error, name_part, sql_error,
    with_settings,
};
use crate::error::{HarnessError, Result};
use crate::process::account::Account;
use crate::process::random;
use crate::process::supervisor::{SupervisedProcess, remove_dir};

/// See the module's documentation.
pub const PROVIDER: Provider = Provider {
    name: "container",
    choice: Choice::Container,
    automatic: true,
    examine: |settings| Box::pin(examine(settings)),
    start: |settings, service| Box::pin(start(settings, service)),
};

/// The time that the engine may take to create and start a container.
const CREATED: Duration = Duration::from_secs(60);

/// The interval at which a connection is tried.
const POLL: Duration = Duration::from_millis(10);

/// The time that `auto` waits for an image, and that of someone who asked for it.
const PULL_AUTO: Duration = Duration::from_secs(60);
const PULL: Duration = Duration::from_secs(600);

/// As for the local provider: nothing that a migration could depend on.
const OPTIONS: &[&str] = &[
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "jit=off",
    "shared_buffers=16MB",
    "lc_messages=C",
];

/// The directory of the data: in memory, one that any user of an image may
/// make (the images' own place differs between versions).
const DATA: &str = "/migration-harness";

/// The image's full name and its tag, which is the version where the name has none.
fn image(settings: &Settings) -> (String, &str) {
    let (name, tag) = match settings.image.rsplit_once(':') {
        // Before a slash, it is the port of a registry.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (&*settings.image, &*settings.version),
    };
    let name = match &settings.registry {
        Some(registry) => format!("{}/{name}", registry.trim_end_matches('/')),
        None => name.to_owned(),
    };
    (name, tag)
}

async fn examine(settings: &Settings) -> Result<Vec<String>> {
    let account = Account::for_servers().ok().flatten();
    let base = Base::open(account)?;
    let engine = engine::connect().await?;
    // Holds a lock of its own, so that the sweep tells itself from the dead.
    let run = Run::current(&base, account)?;
    engine.sweep(&run).await;
    let (name, tag) = image(settings);
    let full = format!("{name}:{tag}");
    if engine.has_image(&full).await {
        return Ok(vec![format!("image {full}, {}", engine.description)]);
    }
    let patience = if settings.provider == Choice::Auto {
        PULL_AUTO
    } else {
        PULL
    };
    let request = Postgres::default().with_name(name).with_tag(tag);
    let help = format!(
        "`docker pull {full}`, set `registry` and `image` in the manifest, or use provider = \"local\""
    );
    match tokio::time::timeout(patience, request.pull_image()).await {
        Ok(Ok(_)) => Ok(vec![format!(
            "image {full} (pulled), {}",
            engine.description
        )]),
        Ok(Err(e)) => Err(
            error(format!("the image {full} is not here and cannot be pulled"))
                .detail(e.to_string())
                .help(help),
        ),
        Err(_) => Err(error(format!(
            "the image {full} is not here and was not pulled within {} s",
            patience.as_secs()
        ))
        .help(help)),
    }
}

async fn start(settings: &Settings, service: &str) -> Result<StartedServer> {
    let account = Account::for_servers().ok().flatten();
    let run = Run::current(&Base::open(account)?, account)?;
    let random = |bytes| random::hex(bytes).map_err(|e| error(format!("no random name: {e}")));
    let name = format!(
        "migration-harness-{}-{}",
        name_part(service, 40),
        random(4)?
    );
    let dir = run.dir.join(&name);
    std::fs::create_dir(&dir)
        .map_err(|e| error(format!("cannot create {}: {e}", dir.display())))?;
    let engine = engine::connect().await?;

    // From here on whatever happens ends in `docker rm`.
    let supervised = engine.supervised(&name).await?;
    let mut server = Container {
        name,
        dir,
        supervised,
        container: None,
        removed: false,
        run,
    };
    let password = random(16)?;
    let request = request(settings, &server, &password, engine.on_loopback)?;
    let started = tokio::time::timeout(CREATED, request.start()).await;
    let why = match started {
        Ok(Ok(container)) => {
            server.container = Some(container);
            None
        }
        Ok(Err(e)) => Some(e.to_string()),
        Err(_) => Some(format!("not within {} s", CREATED.as_secs())),
    };
    if let Some(why) = why {
        let (image, tag) = image(settings);
        let e = with_log(
            error(format!("a container of {image}:{tag} did not start: {why}")),
            &server.log(),
        );
        return server.give_up(e).await;
    }
    match server
        .answers(&password, settings.ready_within, &engine)
        .await
    {
        Ok((access, connection)) => Ok(StartedServer {
            access,
            connection,
            guard: Box::new(server),
        }),
        Err(e) => {
            let e = with_settings(with_log(e, &server.log()), settings);
            server.give_up(e).await
        }
    }
}

/// The request to `testcontainers`.
fn request(
    settings: &Settings,
    server: &Container,
    password: &str,
    on_loopback: bool,
) -> Result<ContainerRequest<Postgres>> {
    let (image, tag) = image(settings);
    let log = server.log();
    let file = std::fs::File::create(&log)
        .map_err(|e| error(format!("cannot write {}: {e}", log.display())))?;
    let file = Mutex::new(file);
    let own = settings.settings.iter();
    let own = own.map(|(name, value)| format!("{name}={value}"));
    let options = OPTIONS.iter().map(|option| (*option).to_owned()).chain(own);
    let options = options.flat_map(|option| ["-c".to_owned(), option]);
    let request = Postgres::default()
        .with_user("postgres")
        .with_password(password)
        .with_db_name("postgres")
        .with_name(image)
        .with_tag(tag)
        .with_cmd(options)
        .with_container_name(&server.name)
        .with_labels(engine::labels(&server.run))
        .with_env_var("PGDATA", format!("{DATA}/data"))
        .with_env_var("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --no-sync")
        .with_mount(Mount::tmpfs_mount(DATA).with_mode(0o1777))
        .with_startup_timeout(CREATED)
        // Readiness is a connection that answered; see `answers`.
        .with_ready_conditions(Vec::new())
        .with_log_consumer(move |frame: &LogFrame| {
            if let Ok(mut file) = file.lock() {
                let _ = file.write_all(frame.bytes());
            }
        });
    Ok(request.with_host_config_modifier(move |config| {
        if on_loopback {
            let binding = PortBinding {
                host_ip: Some("127.0.0.1".to_owned()),
                host_port: None,
            };
            config.publish_all_ports = Some(false);
            config.port_bindings = Some([("5432/tcp".to_owned(), Some(vec![binding]))].into());
        }
    }))
}

/// A server in a container.
struct Container {
    name: String,
    dir: PathBuf,
    /// Runs `docker rm`, where there is such a program.
    supervised: Option<SupervisedProcess>,
    container: Option<ContainerAsync<Postgres>>,
    /// Tells whether nothing is left to be removed, or it is to stay.
    removed: bool,
    run: Arc<Run>,
}

impl Container {
    fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// Waits for the first answer. A port that accepts is not enough: the
    /// engine's proxy accepts for a server that is not there yet.
    async fn answers(
        &self,
        password: &str,
        within: Duration,
        engine: &engine::Engine,
    ) -> Result<(Access, PgConnection)> {
        let Some(container) = &self.container else {
            return Err(error("the container is gone"));
        };
        let unreachable =
            |e: &dyn std::fmt::Display| error(format!("the container's port is not mapped: {e}"));
        let host = container
            .get_host()
            .await
            .map_err(|e| unreachable(&e))?
            .to_string();
        let access = Access {
            // `localhost` may mean ::1 first, where nothing is mapped.
            host: if host == "localhost" {
                "127.0.0.1".to_owned()
            } else {
                host
            },
            port: container
                .get_host_port_ipv4(5432)
                .await
                .map_err(|e| unreachable(&e))?,
            user: "postgres".to_owned(),
            password: password.to_owned(),
            maintenance: "postgres".to_owned(),
            place: None,
        };
        let deadline = Instant::now() + within;
        let mut looked = Instant::now();
        loop {
            let attempt =
                tokio::time::timeout(Duration::from_secs(5), access.try_connect("postgres")).await;
            let last = match attempt {
                Ok(Ok(connection)) => return Ok((access, connection)),
                Ok(Err(e)) => sql_error("last answer", &e).message,
                Err(_) => "no answer".to_owned(),
            };
            if Instant::now() > deadline {
                return Err(error(format!(
                    "the server in the container did not answer within {within:?}"
                ))
                .detail(last));
            }
            if looked.elapsed() > Duration::from_millis(500) {
                looked = Instant::now();
                if let Some(status) = engine.exit_status(&self.name).await {
                    return Err(error(format!(
                        "the container ended with status {status} while starting"
                    )));
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Removes everything and returns the reason, with what could not be removed.
    async fn give_up(self, mut reason: HarnessError) -> Result<StartedServer> {
        if let Err(e) = Box::new(self).stop().await {
            reason.details.push(e.message);
        }
        Err(reason)
    }
}

impl Guard for Container {
    fn removal(&self, _stages: &[Shown]) -> Result<Removal> {
        let Some(docker) = engine::command_line() else {
            return Err(error("there is no docker or podman to remove it with"));
        };
        let (name, dir) = (quoted(&self.name), quoted(&self.dir));
        Ok(Removal {
            remove: format!("{docker} rm -f -v {name} >/dev/null\nrm -rf -- {dir}"),
            // The engine may be down: then nobody knows.
            gone: format!("{docker} version >/dev/null && ! {docker} inspect {name}"),
            psql: kept::psql(None).unwrap_or("psql".into()),
        })
    }

    fn let_go(mut self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            kept::mark(&self.dir)?;
            // Its own destructor would remove it.
            std::mem::forget(self.container.take());
            self.removed = true;
            if let Some(supervised) = self.supervised.take() {
                supervised.keep().await;
            }
            Ok(())
        })
    }

    fn log_tail(&self, lines: usize) -> Vec<String> {
        tail(&self.log(), lines)
    }

    fn stop(mut self: Box<Self>) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let removed = match engine::connect().await {
                Ok(engine) => engine.remove(&self.name).await,
                Err(e) => Err(e),
            };
            // Already removed, so its own destructor has nothing to do.
            std::mem::forget(self.container.take());
            self.removed = removed.is_ok();
            if let Some(supervised) = self.supervised.take() {
                match &removed {
                    Ok(()) => supervised.keep().await,
                    Err(_) => return supervised.end().await,
                }
            }
            removed.and_then(|()| remove_dir(&self.dir))
        })
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.removed && self.supervised.is_none() {
            return;
        }
        // The destructor of `ContainerAsync` panics outside of a runtime.
        std::mem::forget(self.container.take());
        let _ = remove_dir(&self.dir);
        if let Some(supervised) = self.supervised.take() {
            drop(supervised); // runs `docker rm`
        } else if !self.removed {
            engine::remove_from_anywhere(self.name.clone());
        }
    }
}

fn with_log(mut e: HarnessError, log: &Path) -> HarnessError {
    e.details.extend(
        tail(log, 20)
            .into_iter()
            .map(|line| format!("container log: {line}")),
    );
    e
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Settings, image};

    #[rstest]
    #[case("postgres", None, "postgres", "15")]
    #[case(
        "postgres",
        Some("registry.example/"),
        "registry.example/postgres",
        "15"
    )]
    #[case("pgvector/pgvector:pg16", None, "pgvector/pgvector", "pg16")]
    #[case(
        "registry.example:5000/postgres",
        None,
        "registry.example:5000/postgres",
        "15"
    )]
    #[case(
        "a/b:pg16",
        Some("registry.example:5000"),
        "registry.example:5000/a/b",
        "pg16"
    )]
    fn an_image_may_bring_its_tag(
        #[case] named: &str,
        #[case] registry: Option<&str>,
        #[case] name: &str,
        #[case] tag: &str,
    ) {
        let settings = Settings {
            image: named.to_owned(),
            registry: registry.map(str::to_owned),
            ..Settings::default()
        };
        assert_eq!(image(&settings), (name.to_owned(), tag));
    }
}
