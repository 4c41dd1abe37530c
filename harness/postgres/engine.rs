//! The container engine: [`Engine`], how it is reached and what it is asked.
//!
//! `DOCKER_HOST` decides, then Docker's usual sockets, as `testcontainers` does
//! it (<https://docs.docker.com/reference/cli/docker/#environment-variables>).

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use testcontainers_modules::testcontainers::bollard::Docker;
use testcontainers_modules::testcontainers::bollard::errors::Error;
use testcontainers_modules::testcontainers::bollard::query_parameters::{
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use testcontainers_modules::testcontainers::core::client::docker_client_instance;

use super::error;
use super::kept::quoted;
use super::run::{self, Run};
use crate::error::{HarnessError, Result};
use crate::process::supervisor::{Ending, SupervisedProcess, SupervisedSpec};

/// The time that an engine may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The time that removing a container may take.
const REMOVE: Duration = Duration::from_secs(30);

/// The label that names a container's run.
const RUN: &str = "migration-harness.run";
/// The file that this run keeps locked.
const LOCK: &str = "migration-harness.lock";
/// The machine and file system that this file is on.
const HOST: &str = "migration-harness.host";

/// An engine that answered.
pub(super) struct Engine {
    docker: Docker,
    /// For the output, for instance `docker 20.10.24`.
    pub description: String,
    /// Tells whether ports can be mapped to loopback alone: the engine is on this
    /// machine, and so are we.
    pub on_loopback: bool,
}

/// Connects to the engine and asks for its version.
///
/// # Errors
/// When none answers within five seconds.
pub(super) async fn connect() -> Result<Engine> {
    let address = address();
    let refused = |why: String| {
        let e = error(format!("no container engine answers at {address}")).detail(why);
        match podman_socket() {
            Some(socket) => e.help(format!(
                "set DOCKER_HOST=unix://{} to use podman",
                socket.display()
            )),
            None => e.help("start Docker or Podman, or set DOCKER_HOST"),
        }
    };
    if let Some(e) = forbidden(&address) {
        return Err(e);
    }
    let docker = docker_client_instance()
        .await
        .map_err(|e| refused(e.to_string()))?;
    let version = match tokio::time::timeout(ANSWER, docker.version()).await {
        Ok(Ok(version)) => version,
        Ok(Err(e)) => return Err(refused(e.to_string())),
        Err(_) => return Err(refused(format!("no answer within {} s", ANSWER.as_secs()))),
    };
    let on_loopback = address.starts_with("unix://") && !Path::new("/.dockerenv").exists();
    Ok(Engine {
        docker,
        description: format!(
            "engine {} at {address}",
            version.version.unwrap_or_default()
        ),
        on_loopback,
    })
}

/// The advice about a socket that this user may not use.
fn forbidden(address: &str) -> Option<HarnessError> {
    let path = address.strip_prefix("unix://")?;
    let refused = UnixStream::connect(path).err()?;
    if refused.kind() != ErrorKind::PermissionDenied {
        return None;
    }
    let e = error(format!(
        "this user may not use the container engine's socket {path}: permission denied"
    ));
    let Ok(meta) = std::fs::metadata(path) else {
        return Some(e.help("see who may enter its directory, or set DOCKER_HOST"));
    };
    let groups = std::fs::read_to_string("/etc/group").unwrap_or_default();
    let group = group_name(&groups, meta.gid()).unwrap_or_else(|| meta.gid().to_string());
    let e = e.detail(format!(
        "it belongs to the group {group} (mode {:o}), and this process is not in it",
        meta.mode() & 0o777
    ));
    Some(match group.as_str() {
        "root" => e.help("run as a user who may use it, or set DOCKER_HOST to a socket of this user's own (rootless Docker or Podman)"),
        group => {
            let join = format!("sudo usermod -aG {group} $USER");
            e.help(format!(
                "`{join}`, then log in anew; or set DOCKER_HOST to a socket of this user's own (rootless Docker or Podman)"
            ))
            .command(join)
        }
    })
}

/// The name of a group in `/etc/group`: `name:password:number:members`.
fn group_name(groups: &str, number: u32) -> Option<String> {
    let number = number.to_string();
    let mut lines = groups.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    })
}

/// The addresses at which the engine is looked for, in the order of `testcontainers`.
fn address() -> String {
    if let Some(host) = std::env::var("DOCKER_HOST")
        .ok()
        .filter(|host| !host.is_empty())
    {
        return host;
    }
    let below = |variable: &str, path: &str| {
        std::env::var_os(variable).map(|dir| PathBuf::from(dir).join(path))
    };
    let sockets = [
        Some(PathBuf::from("/var/run/docker.sock")),
        below("XDG_RUNTIME_DIR", ".docker/run/docker.sock"),
        below("HOME", ".docker/run/docker.sock"),
        below("HOME", ".docker/desktop/docker.sock"),
    ];
    let socket = sockets.into_iter().flatten().find(|path| path.exists());
    format!(
        "unix://{}",
        socket
            .unwrap_or_else(|| "/var/run/docker.sock".into())
            .display()
    )
}

/// Podman's socket, which `testcontainers` does not look for.
fn podman_socket() -> Option<PathBuf> {
    let user = std::env::var_os("XDG_RUNTIME_DIR")
        .map(|dir| PathBuf::from(dir).join("podman/podman.sock"));
    [user, Some("/run/podman/podman.sock".into())]
        .into_iter()
        .flatten()
        .find(|path| path.exists())
}

/// The labels of this run's containers.
pub(super) fn labels(run: &Run) -> [(&'static str, String); 3] {
    [
        (RUN, run.id.clone()),
        (LOCK, run.lock_path.display().to_string()),
        (HOST, host()),
    ]
}

/// This machine and its view of the file system: a lock file can only be judged
/// where its path means the same file.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| {
            let output = std::process::Command::new("hostname").output().ok()?;
            String::from_utf8(output.stdout).ok()
        });
    let mounts = std::fs::read_link("/proc/self/ns/mnt").unwrap_or_default();
    format!("{} {}", name.unwrap_or_default().trim(), mounts.display())
        .trim()
        .to_owned()
}

impl Engine {
    /// Tells whether the image is there without pulling.
    pub async fn has_image(&self, name: &str) -> bool {
        matches!(
            tokio::time::timeout(ANSWER, self.docker.inspect_image(name)).await,
            Ok(Ok(_))
        )
    }

    /// The exit status of the container, if it is there and has ended.
    pub async fn exit_status(&self, name: &str) -> Option<i64> {
        let state = self
            .docker
            .inspect_container(name, None)
            .await
            .ok()?
            .state?;
        (state.running == Some(false)).then(|| state.exit_code.unwrap_or_default())
    }

    /// Removes a container with its volumes. One that is not there is fine.
    ///
    /// # Errors
    /// When the engine refuses or does not answer.
    pub async fn remove(&self, name: &str) -> Result<()> {
        remove(&self.docker, name).await
    }

    /// Removes the containers of dead runs on this machine.
    pub async fn sweep(&self, run: &Run) {
        let filters = HashMap::from([("label", vec![format!("{HOST}={}", host())])]);
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&filters)
            .build();
        let listed = tokio::time::timeout(ANSWER, self.docker.list_containers(Some(options))).await;
        let Ok(Ok(containers)) = listed else { return };
        for container in containers {
            let labels = container.labels.unwrap_or_default();
            let dead = labels.get(RUN).is_some_and(|id| *id != run.id)
                && labels.get(LOCK).is_some_and(|lock| {
                    run::is_dead(Path::new(lock)) && !is_kept(lock, &container.names)
                });
            if let (true, Some(id)) = (dead, container.id) {
                let _ = self.remove(&id).await;
            }
        }
    }

    /// Something that removes the container `name` when the harness ends, where
    /// the engine's command line program is installed.
    ///
    /// # Errors
    /// When the supervisor cannot be started.
    pub async fn supervised(&self, name: &str) -> Result<Option<SupervisedProcess>> {
        let Some(program) = ["docker", "podman"].into_iter().find_map(on_path) else {
            return Ok(None);
        };
        let mut spec =
            SupervisedSpec::new(program, "/", Ending::Afterwards).args(["rm", "-f", "-v", name]);
        let address = address();
        let env = std::env::vars_os().filter(|(name, _)| name != "DOCKER_CONTEXT");
        spec.env = Some(
            env.chain([
                ("DOCKER_HOST".into(), address.clone().into()),
                ("CONTAINER_HOST".into(), address.into()),
            ])
            .collect(),
        );
        SupervisedProcess::spawn(spec).await.map(Some)
    }
}

/// Tells whether a container is one that `KEEP_SERVER` left; the engine puts a `/` before names.
fn is_kept(lock: &str, names: &Option<Vec<String>>) -> bool {
    let mut names = names
        .iter()
        .flatten()
        .map(|name| name.trim_start_matches('/'));
    names.any(|name| run::is_kept(Path::new(lock), name))
}

/// The engine's command line program, with the variable that leads it to the engine.
pub(super) fn command_line() -> Option<String> {
    let program = ["docker", "podman"].into_iter().find_map(on_path)?;
    let address = quoted(address());
    Some(format!(
        "DOCKER_HOST={address} CONTAINER_HOST={address} {}",
        quoted(program)
    ))
}

fn on_path(program: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|dir| dir.join(program))
        .find(|path| path.is_file())
}

async fn remove(docker: &Docker, name: &str) -> Result<()> {
    let options = RemoveContainerOptionsBuilder::new()
        .force(true)
        .v(true)
        .build();
    match tokio::time::timeout(REMOVE, docker.remove_container(name, Some(options))).await {
        Ok(
            Ok(())
            | Err(Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }),
        ) => Ok(()),
        Ok(Err(e)) => Err(error(format!("could not remove the container {name}: {e}"))),
        Err(_) => Err(error(format!(
            "could not remove the container {name} within {} s",
            REMOVE.as_secs()
        ))),
    }
}

/// Removes a container from a destructor, on whatever thread: with a runtime and
/// a client of its own.
pub(super) fn remove_from_anywhere(name: String) {
    let thread = std::thread::Builder::new()
        .name("container".into())
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let docker = Docker::connect_with_host(&address());
            if let (Ok(runtime), Ok(docker)) = (runtime, docker) {
                let _ = runtime.block_on(remove(&docker, &name));
            }
        });
    if let Ok(thread) = thread {
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests {
    use super::group_name;

    #[test]
    fn a_group_has_a_name() {
        let groups = "root:x:0:\ndocker:x:999:me,you\n";
        assert_eq!(group_name(groups, 999).as_deref(), Some("docker"));
        assert_eq!(group_name(groups, 99), None);
    }
}
