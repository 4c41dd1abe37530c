//! Interpreters that are forked off a parent: [`Forks`]; the parent is `forks.py`.
//!
//! One parent per interpreter, driver, manifest and set of variables that have to be there
//! when Python starts. It imports what most of the services that it serves import, as they
//! did when they last ran ([`Imports`]) or as their files say; a service sees none of it
//! before it imports it itself (`preloaded.py`). Whoever may not be served is told why. A
//! service that is judged alone has a parent too, for the interpreters that it needs after
//! the first.
//!
//! A parent ends with the harness: it looks for that itself, beside being supervised,
//! because the supervisor may be killed too. Where a run consists of many
//! processes it ends with the process that started them, and holds nothing meanwhile:
//! each fork has a supervisor of its own, on a lead that the harness holds.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use migration_revisions::imports::Import;

use super::imports::{ImportReport, Imports, named, shared};
use super::output::Output;
use super::streams::{CHANNEL, Streams};
use crate::installed;
use crate::manifest::Service;
use crate::process::random;
use crate::process::supervisor::{SupervisedProcess, SupervisedSpec};

/// Set to `0`: every interpreter is a fresh process.
const SWITCH: &str = "HARNESS_FORK";
/// The time that a parent may take to import what is shared.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads the manifest of a service.
pub type Load = fn(&Path) -> crate::error::Result<Service>;

/// The parents of one run.
pub(super) struct Forks {
    /// Parents' files, in the run's directory.
    directory: PathBuf,
    /// The imports of services, from run to run.
    records: PathBuf,
    services: Vec<String>,
    load: Load,
    across_processes: bool,
    parents: Mutex<HashMap<PathBuf, Result<Arc<Parent>, String>>>,
}

/// A parent that was started, by this process or another of the run.
struct Parent {
    directory: File,
    /// Ends it with this process, unless it belongs to several.
    _supervised: Option<SupervisedProcess>,
}

/// An order to a parent.
#[derive(Serialize, Deserialize)]
struct Plan {
    imports: Vec<Import>,
    /// The file to which it writes packages that cannot be shared.
    excluded: PathBuf,
    /// The process with which it ends, as `/proc/<pid>/stat` has it: id and start.
    until: (u32, String),
}

/// The properties of a fork.
#[derive(Serialize)]
pub(super) struct Request {
    pub env: BTreeMap<String, String>,
    pub cwd: PathBuf,
    pub argv: Vec<String>,
    /// Variables that are set later, before the service is imported.
    pub variables: Vec<String>,
    /// Its own part of the mark that everything it starts carries.
    pub mark: String,
}

#[derive(Deserialize)]
struct Answer {
    unfit: Option<String>,
}

impl Forks {
    pub fn new(
        run: &Path,
        base: &Path,
        services: Vec<String>,
        load: Load,
        across_processes: bool,
    ) -> Self {
        Self {
            directory: run.join("forks"),
            records: base.join("imports"),
            services,
            load,
            across_processes,
            parents: Mutex::default(),
        }
    }

    /// Names what services must have in common to share a parent.
    fn environment(service: &Service) -> String {
        let mut hasher = DefaultHasher::new();
        (&service.python, &service.driver, service.file.parent()).hash(&mut hasher);
        at_start(service).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }

    /// The file that keeps what the services of such an environment import.
    fn kept(&self, service: &Service) -> PathBuf {
        self.records.join(Self::environment(service))
    }

    fn record(&self, service: &Service) -> PathBuf {
        self.kept(service).join(format!("{}.json", service.name))
    }

    /// The file with the plan of the service's parent, if it may have one.
    ///
    /// # Errors
    /// The reason that it may not.
    pub fn plan_for(&self, service: &Service) -> Result<PathBuf, String> {
        if std::env::var(SWITCH).is_ok_and(|value| value == "0") {
            return Err(format!("{SWITCH}=0"));
        }
        if !cfg!(target_os = "linux") {
            return Err("only Linux tells how many threads a process has".to_owned());
        }
        if !is_interpreter(&service.python) {
            return Err(format!(
                "`{}` is a command that may start another interpreter elsewhere",
                service.python.join(" ")
            ));
        }
        let directory = self.directory.join(Self::environment(service));
        Ok(directory.join("plan.json"))
    }

    /// A fork for the service; `parent` is how its parent is started if there is none.
    ///
    /// # Errors
    /// The reason that there is none.
    pub async fn fork(
        &self,
        service: &Service,
        parent: SupervisedSpec,
        mut request: Request,
        streams: &Streams,
    ) -> Result<SupervisedProcess, String> {
        let refusal = self.refusal(service, &request);
        if let Some(why) = refusal.as_ref().and_then(Refusal::known) {
            return Err(format!("{why} (found in an earlier run)"));
        }
        let parent = self.parent(service, parent).await?;
        request.mark = random::hex(6).map_err(|cause| cause.to_string())?;
        let request = serde_json::to_vec(&request).map_err(|cause| cause.to_string())?;
        let sockets = [&streams.stdout, &streams.stderr, &streams.channel];
        let sockets: Result<Vec<OwnedFd>, _> =
            sockets.into_iter().map(OwnedFd::try_clone).collect();
        let sockets = sockets.map_err(|cause| cause.to_string())?;
        let start = async move |lead, report| {
            let asked = tokio::task::spawn_blocking(move || {
                let fds = [lead, report].into_iter().chain(sockets).collect();
                parent.ask(request, fds)
            });
            let answer = asked.await.map_err(|cause| cause.to_string())?;
            answer.inspect_err(|why| {
                if let Some(refusal) = &refusal {
                    refusal.keep(why);
                }
            })
        };
        SupervisedProcess::forked(&service.python.join(" "), start).await
    }

    /// Tells whether a parent would be one service's alone.
    fn is_alone(&self) -> bool {
        self.services.len() == 1
    }

    /// The refusal that still holds for the service. Only one that would be alone with it is waited
    /// for in vain.
    fn refusal(&self, service: &Service, request: &Request) -> Option<Refusal> {
        if !self.is_alone() {
            return None;
        }
        let excluded = std::fs::read(self.excluded(service)).unwrap_or_default();
        let imports: Vec<String> = self.imports(service).into_iter().map(|one| one.0).collect();
        let mut hasher = DefaultHasher::new();
        (imports, excluded).hash(&mut hasher);
        (&request.env, &request.variables).hash(&mut hasher);
        Some(Refusal {
            file: self.kept(service).join(format!("{}.refused", service.name)),
            state: format!("{:016x}", hasher.finish()),
        })
    }

    /// The file that names the packages which cannot be shared.
    fn excluded(&self, service: &Service) -> PathBuf {
        self.kept(service).join("excluded")
    }

    /// The service's parent, started if nobody has yet.
    async fn parent(&self, service: &Service, spec: SupervisedSpec) -> Result<Arc<Parent>, String> {
        let plan = self.plan_for(service)?;
        let mut parents = self.parents.lock().await;
        if let Some(known) = parents.get(&plan) {
            return known.clone();
        }
        let parent = self.find_or_start(&plan, service, spec).await.map(Arc::new);
        parents.insert(plan, parent.clone());
        parent
    }

    async fn find_or_start(
        &self,
        plan: &Path,
        service: &Service,
        spec: SupervisedSpec,
    ) -> Result<Parent, String> {
        let said = |cause: std::io::Error| format!("{}: {cause}", plan.display());
        let path = plan.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(path).map_err(said)?;
        let lock = File::create(path.join("lock")).map_err(said)?;
        lock.lock().map_err(said)?;
        let directory = File::open(path).map_err(said)?;
        if plan.exists() {
            return Ok(Parent {
                directory,
                _supervised: None,
            });
        }
        let content = self.plan(service)?;
        let bytes = serde_json::to_vec(&content).map_err(|cause| cause.to_string())?;
        std::fs::write(plan, bytes).map_err(said)?;
        let listener = UnixListener::bind(socket(&directory)).map_err(said)?;
        // Pipes, as a worker has: Python asks once which kind its streams are.
        let (_, [stdout, stderr]) = Output::collect(path.join("output.txt")).map_err(said)?;
        let supervised = SupervisedProcess::spawn(SupervisedSpec {
            fds: vec![(listener.into(), CHANNEL)],
            stdout: stdout.into(),
            stderr: stderr.into(),
            ..spec
        })
        .await
        .map_err(|error| error.message)?;
        let supervised = match self.across_processes {
            true => {
                supervised.keep().await;
                None
            }
            false => Some(supervised),
        };
        Ok(Parent {
            directory,
            _supervised: supervised,
        })
    }

    /// The plan of a parent for the services that this run judges in such an environment.
    fn plan(&self, service: &Service) -> Result<Plan, String> {
        let environment = Self::environment(service);
        let files = self.services.iter();
        let files = files.map(|name| service.file.with_file_name(format!("{name}.toml")));
        let peers = files.filter_map(|file| (self.load)(&file).ok());
        let peers = peers.filter(|peer| Self::environment(peer) == environment);
        let imports: Vec<Vec<Import>> = peers.map(|peer| self.imports(&peer)).collect();
        let run = match self.across_processes {
            true => std::os::unix::process::parent_id(),
            false => std::process::id(),
        };
        Ok(Plan {
            imports: shared(&imports),
            excluded: self.excluded(service),
            until: started(run)?,
        })
    }

    /// Imports of a service, as they were when it last ran, or else as its files say.
    fn imports(&self, service: &Service) -> Vec<Import> {
        match self.known(service) {
            Some(known) => known.imports,
            None => named(service),
        }
    }

    /// Imports of a service when it last ran, unless its files have changed since.
    fn known(&self, service: &Service) -> Option<Imports> {
        Imports::read(&self.record(service)).filter(|imports| imports.current().is_ok())
    }

    /// Says whether the imports of a service are unknown, or may have changed.
    pub fn is_new(&self, service: &Service) -> bool {
        self.known(service).is_none()
    }

    pub fn remember(&self, service: &Service, told: ImportReport) {
        let imports = Imports::new(service.file.clone(), told);
        // Without it the next run takes longer, and says why if asked.
        let _ = imports.write(&self.record(service));
    }
}

/// A parent's refusal of a service, as long as the service would import the same and be
/// given the same: it need not wait for that a second time.
struct Refusal {
    file: PathBuf,
    state: String,
}

impl Refusal {
    fn known(&self) -> Option<String> {
        let text = std::fs::read_to_string(&self.file).ok()?;
        let (state, why) = text.split_once('\n')?;
        (state == self.state).then(|| why.to_owned())
    }

    /// A file that cannot be written makes the next run ask in vain too.
    fn keep(&self, why: &str) {
        let _ = std::fs::write(&self.file, format!("{}\n{why}", self.state));
    }
}

impl Parent {
    /// Sends a request with its descriptors and waits for the fork.
    fn ask(&self, mut request: Vec<u8>, fds: Vec<OwnedFd>) -> Result<(), String> {
        let gone = |cause: std::io::Error| format!("the parent does not answer: {cause}");
        let stream = UnixStream::connect(socket(&self.directory)).map_err(gone)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(gone)?;
        request.push(b'\n');
        let borrowed: Vec<BorrowedFd<'_>> = fds.iter().map(AsFd::as_fd).collect();
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(5))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&borrowed));
        let sent = sendmsg(
            &stream,
            &[IoSlice::new(&request)],
            &mut control,
            SendFlags::NOSIGNAL,
        )
        .map_err(|cause| gone(cause.into()))?;
        std::io::Write::write_all(&mut &stream, &request[sent..]).map_err(gone)?;
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).map_err(gone)?;
        match serde_json::from_str(&line) {
            Ok(Answer { unfit: None }) => Ok(()),
            Ok(Answer { unfit: Some(why) }) => Err(why),
            Err(_) => Err("the parent has ended".to_owned()),
        }
    }
}

/// The parent's socket; a path through the descriptor, because a socket's own path may
/// have no more than 107 bytes (unix(7)).
fn socket(directory: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/socket", directory.as_raw_fd()))
}

/// Tells whether the command is one program that is no script, so that where it is started
/// makes no difference to which Python it is.
fn is_interpreter(command: &[String]) -> bool {
    let [program] = command else { return false };
    let candidates = match program.contains('/') {
        true => vec![PathBuf::from(program)],
        false => std::env::split_paths(&installed::search_path().unwrap_or_default())
            .map(|directory| directory.join(program))
            .collect(),
    };
    let mut start = [0; 2];
    candidates
        .into_iter()
        .find_map(|path| File::open(path).ok())
        .is_some_and(|mut file| {
            std::io::Read::read_exact(&mut file, &mut start).is_ok() && start != *b"#!"
        })
}

/// The variables of a service that Python, libc and libraries in C read before or while
/// nothing can watch them, but for PYTHONPATH, which a fork is given later.
pub(super) fn at_start(service: &Service) -> BTreeMap<String, String> {
    const PREFIXES: [&str; 10] = [
        "PYTHON", "LD_", "DYLD_", "LC_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_", "OMP_", "MKL_",
    ];
    const NAMES: [&str; 6] = ["LANG", "LANGUAGE", "TZ", "PATH", "HOME", "TMPDIR"];
    let is_read = |name: &str| {
        let starts = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        name != "PYTHONPATH" && (starts || name.starts_with("OPENBLAS_") || NAMES.contains(&name))
    };
    let given = service.env.iter().filter(|(name, _)| is_read(name));
    given
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A process, and when it started: ids are used again.
fn started(pid: u32) -> Result<(u32, String), String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    match fields.split_whitespace().nth(19) {
        Some(start) => Ok((pid, start.to_owned())),
        None => Err("the process that runs the cases is not to be seen".to_owned()),
    }
}
