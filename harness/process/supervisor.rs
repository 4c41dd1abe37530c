//! Children that cannot outlive the harness: [`SupervisedProcess`].
//!
//! Every server and every interpreter is started by a small `sh` supervisor in
//! a process group of its own. The supervisor reads from a pipe whose other end
//! only the harness holds, so however the harness ends (a panic, Ctrl-C,
//! `kill -9`) the pipe closes, and the supervisor ends the child, removes the
//! child's directory and then itself. An orderly end closes the same pipe and
//! waits. Nothing here depends on a destructor having run.

use std::any::Any;
use std::ffi::OsString;
use std::io::{ErrorKind, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};

use super::account::Account;
use super::{error, random};
use crate::error::Result;

/// The supervisor's program.
const SCRIPT: &str = include_str!("supervisor.sh");

/// Descriptors the supervisor uses itself: the child's standard input, the
/// report to the harness, the lead held by the harness.
const LEAD: i32 = 9;
const REPORT: i32 = 8;

/// Descriptors that [`SupervisedSpec::fds`] may use. POSIX shells redirect single
/// digits only.
pub const CHILD_FDS: std::ops::RangeInclusive<i32> = 3..=6;

/// The interval at which the report is read.
const POLL: Duration = Duration::from_millis(2);

/// The time that an orderly end may take: the supervisor itself gives a server five
/// seconds before it kills it, and removes a directory afterwards.
const END: Duration = Duration::from_secs(20);

/// The way in which the supervisor ends the child when the lead is let go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// SIGQUIT to the child, which is PostgreSQL's immediate shutdown
    /// (<https://www.postgresql.org/docs/current/server-shutdown.html>), and
    /// SIGKILL five seconds later.
    Quit,
    /// SIGKILL to the child, to its process group, and to whatever else carries
    /// the child's mark in its environment.
    Kill,
    /// No child: the command is run when the lead is let go.
    Afterwards,
}

impl Ending {
    fn word(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Kill => "kill",
            Self::Afterwards => "afterwards",
        }
    }
}

/// A command to run under a [`SupervisedProcess`].
pub struct SupervisedSpec {
    /// The program, as a path or to be found in the harness's `PATH`.
    pub program: OsString,
    /// Its arguments. Process lists show them: no secrets.
    pub args: Vec<OsString>,
    /// Its whole environment, or `None` for the harness's own.
    pub env: Option<Vec<(OsString, OsString)>>,
    /// The directory in which it runs.
    pub cwd: PathBuf,
    /// Further descriptors for it, numbered within [`CHILD_FDS`].
    pub fds: Vec<(OwnedFd, i32)>,
    /// Its standard input.
    pub stdin: Stdio,
    /// Its standard output.
    pub stdout: Stdio,
    /// Its standard error.
    pub stderr: Stdio,
    /// The way in which it is ended.
    pub ending: Ending,
    /// A directory to remove once it has ended.
    pub remove: Option<PathBuf>,
    /// Called with that directory where the child had to be killed and could not clean up
    /// behind itself.
    pub clean_up: Option<fn(&Path)>,
    /// The account that it runs as, if not the harness's user.
    pub account: Option<Account>,
    /// Kept until the supervisor is gone, for instance the run whose directory
    /// holds `remove`.
    pub hold: Option<Box<dyn Any + Send + Sync>>,
}

impl SupervisedSpec {
    /// `program` in `cwd` with an empty standard input, its output thrown away.
    pub fn new(program: impl Into<OsString>, cwd: impl Into<PathBuf>, ending: Ending) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: None,
            cwd: cwd.into(),
            fds: Vec::new(),
            stdin: Stdio::null(),
            stdout: Stdio::null(),
            stderr: Stdio::null(),
            ending,
            remove: None,
            clean_up: None,
            account: None,
            hold: None,
        }
    }

    /// Appends arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: Into<OsString>>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }
}

/// A child that ends when this value goes or the harness does.
///
/// Dropping it lets go of the lead and returns at once; the supervisor does the
/// rest. [`SupervisedProcess::end`] waits until that is done.
pub struct SupervisedProcess {
    name: String,
    ending: Ending,
    lead: Option<PipeWriter>,
    report: Mutex<Report>,
    supervisor: Option<Child>,
    remove: Option<PathBuf>,
    clean_up: Option<fn(&Path)>,
    hold: Option<Box<dyn Any + Send + Sync>>,
}

impl std::fmt::Debug for SupervisedProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SupervisedProcess")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The supervisor's report so far.
struct Report {
    pipe: PipeReader,
    text: String,
    closed: bool,
}

impl Report {
    /// Takes in what has arrived, without waiting for more.
    fn read(&mut self) {
        let mut buffer = [0_u8; 256];
        while !self.closed {
            match self.pipe.read(&mut buffer) {
                Ok(0) => self.closed = true,
                Ok(n) => self.text.push_str(&String::from_utf8_lossy(&buffer[..n])),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) if e.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.closed = true,
            }
        }
    }

    /// The number after `word` in a line that is complete.
    fn number(&self, word: &str) -> Option<i32> {
        let whole = &self.text[..=self.text.rfind('\n')?];
        whole
            .lines()
            .find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
    }

    fn says(&self, word: &str) -> bool {
        self.text.lines().any(|line| line == word)
    }
}

/// Both pipes between the harness and a supervisor.
struct Pipes {
    lead_read: PipeReader,
    lead: PipeWriter,
    report: Report,
    report_write: PipeWriter,
}

impl Pipes {
    fn new() -> std::io::Result<Self> {
        let (lead_read, lead) = std::io::pipe()?;
        let (pipe, report_write) = std::io::pipe()?;
        rustix::fs::fcntl_setfl(pipe.as_fd(), rustix::fs::OFlags::NONBLOCK)?;
        let report = Report {
            pipe,
            text: String::new(),
            closed: false,
        };
        Ok(Self {
            lead_read,
            lead,
            report,
            report_write,
        })
    }
}

impl SupervisedProcess {
    /// Starts a command under a supervisor and waits until it has a process id
    /// (a millisecond or two).
    ///
    /// # Errors
    /// When no process or pipe can be made, or the supervisor does not answer.
    /// A *command* that cannot be run shows as exit status 126 or 127 in
    /// [`SupervisedProcess::exit_status`].
    pub async fn spawn(mut spec: SupervisedSpec) -> Result<Self> {
        let name = spec.program.to_string_lossy().into_owned();
        let failed = |e: &dyn std::fmt::Display| error(format!("could not start `{name}`: {e}"));
        let pipes = Pipes::new().map_err(|e| failed(&format!("no pipe: {e}")))?;
        let (remove, clean_up, ending) = (spec.remove.clone(), spec.clean_up, spec.ending);
        let hold = spec.hold.take();
        let supervisor = supervise(spec, pipes.lead_read, pipes.report_write)
            .and_then(|mut command| command.spawn())
            .map_err(|e| failed(&format!("no process: {e}")))?;
        let supervised = Self {
            name: name.clone(),
            ending,
            lead: Some(pipes.lead),
            report: Mutex::new(pipes.report),
            supervisor: Some(supervisor),
            remove,
            clean_up,
            hold,
        };
        if supervised.has_begun().await {
            return Ok(supervised);
        }
        Err(failed(&"its supervisor does not answer"))
    }

    /// A child whose supervisor somebody else starts: `start` hands over the supervisor's
    /// ends of the lead and the report. The supervisor has to keep to what supervisor.sh does
    /// with [`Ending::Kill`].
    ///
    /// # Errors
    /// The error that `start` returns, or a supervisor that does not answer.
    pub async fn forked(
        name: &str,
        start: impl AsyncFnOnce(OwnedFd, OwnedFd) -> Result<(), String>,
    ) -> Result<Self, String> {
        let pipes = Pipes::new().map_err(|e| format!("no pipe: {e}"))?;
        start(pipes.lead_read.into(), pipes.report_write.into()).await?;
        let supervised = Self {
            name: name.to_owned(),
            ending: Ending::Kill,
            lead: Some(pipes.lead),
            report: Mutex::new(pipes.report),
            supervisor: None,
            remove: None,
            clean_up: None,
            hold: None,
        };
        if supervised.has_begun().await {
            return Ok(supervised);
        }
        Err("its supervisor does not answer".to_owned())
    }

    async fn has_begun(&self) -> bool {
        self.wait_for(Duration::from_secs(10), |r| r.number("pid ").is_some())
            .await
    }

    fn report(&self) -> MutexGuard<'_, Report> {
        let mut report = self.report.lock().unwrap_or_else(PoisonError::into_inner);
        report.read();
        report
    }

    /// The child's process id (for [`Ending::Afterwards`] the supervisor's own).
    /// The id stays reserved until the child's status was reported.
    pub fn pid(&self) -> u32 {
        self.report()
            .number("pid ")
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0)
    }

    /// The child's exit status, if it has ended: a shell's `$?`, so 128 + n for signal n,
    /// 127 for a program that is not there.
    pub fn exit_status(&self) -> Option<i32> {
        let report = self.report();
        report
            .number("exit ")
            .or_else(|| report.closed.then_some(-1))
    }

    /// Waits until the child has ended by itself.
    pub async fn exited(&self, within: Duration) -> Option<i32> {
        self.wait_for(within, |r| r.number("exit ").is_some()).await;
        self.exit_status()
    }

    async fn wait_for(&self, within: Duration, done: impl Fn(&Report) -> bool) -> bool {
        let deadline = Instant::now() + within;
        loop {
            {
                let report = self.report();
                if done(&report) {
                    return true;
                }
                if report.closed {
                    return false;
                }
            }
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Ends the child and waits until it and its directory are gone.
    ///
    /// # Errors
    /// When the supervisor was killed or did not finish, or the directory is
    /// still there.
    pub async fn end(mut self) -> Result<()> {
        if let Some(mut lead) = self.lead.take() {
            let _ = lead.write_all(b"end\n");
        }
        let gone = self.wait_for(END, |r| r.closed).await;
        let done = self.report().says("done");
        // Where a part of the supervisor was killed, nothing else ends the child; and its
        // directory must not go before it. An `Afterwards` may just take longer.
        let stuck = !gone && self.ending != Ending::Afterwards;
        if (gone || stuck)
            && let Some(mut supervisor) = self.supervisor.take()
        {
            if stuck {
                end_group(&supervisor);
            }
            reap(&mut supervisor);
        }
        if let Some(dir) = &self.remove {
            if let Some(clean_up) = self.clean_up.filter(|_| stuck) {
                clean_up(dir);
            }
            remove_dir(dir)?;
        }
        if gone && (done || self.ending != Ending::Afterwards) {
            return Ok(());
        }
        Err(error(format!(
            "`{}` did not end, or its supervisor was killed",
            self.name
        )))
    }

    /// Lets the child run on by itself and forgets it; its directory stays.
    pub async fn keep(mut self) {
        if let Some(mut lead) = self.lead.take() {
            let _ = lead.write_all(b"keep\n");
        }
        self.wait_for(Duration::from_secs(5), |r| r.closed).await;
        if let Some(mut supervisor) = self.supervisor.take() {
            let _ = supervisor.wait();
        }
    }
}

/// Waits for a supervisor and ends what is left of its process group, which is
/// something only where the supervisor itself was killed.
fn reap(supervisor: &mut Child) {
    use rustix::process::{WaitId, WaitIdOptions, waitid};
    if let Some(pid) = pid_of(supervisor) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while matches!(
            waitid(WaitId::Pid(pid), options),
            Err(rustix::io::Errno::INTR)
        ) {}
    }
    end_group(supervisor);
    let _ = supervisor.wait();
}

/// Kills a supervisor's process group. Until the supervisor is reaped nobody else can get
/// its id, so the group is certainly ours.
fn end_group(supervisor: &Child) {
    use rustix::process::{Signal, kill_process_group};
    if let Some(pid) = pid_of(supervisor) {
        let _ = kill_process_group(pid, Signal::KILL);
    }
}

fn pid_of(supervisor: &Child) -> Option<rustix::process::Pid> {
    let id = i32::try_from(supervisor.id()).ok()?;
    rustix::process::Pid::from_raw(id)
}

impl Drop for SupervisedProcess {
    fn drop(&mut self) {
        drop(self.lead.take());
        let (Some(mut supervisor), hold) = (self.supervisor.take(), self.hold.take()) else {
            return;
        };
        // Reaps the supervisor, so that a long run collects no zombies. Where no
        // thread can be had, the clean-up happens all the same.
        let _ = std::thread::Builder::new()
            .name("supervisor".into())
            .spawn(move || {
                reap(&mut supervisor);
                drop(hold);
            });
    }
}

/// Removes a directory that may already be gone.
///
/// # Errors
/// When it is still there afterwards, naming it.
pub fn remove_dir(dir: &Path) -> Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(e) if e.kind() != ErrorKind::NotFound && dir.exists() => {
            Err(error(format!("could not remove {}: {e}", dir.display())))
        }
        _ => Ok(()),
    }
}

/// The supervisor's command line for `spec`.
fn supervise(
    spec: SupervisedSpec,
    lead: PipeReader,
    report: PipeWriter,
) -> std::io::Result<Command> {
    let mark = random::hex(12)?;
    let extra: Vec<String> = spec.fds.iter().map(|(_, fd)| fd.to_string()).collect();
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(SCRIPT)
        .arg("migration-harness-supervisor")
        .args([spec.ending.word(), &mark, &extra.join(" ")])
        .arg(path)
        .arg(spec.remove.unwrap_or_default())
        .arg(spec.program)
        .args(spec.args)
        .current_dir(spec.cwd)
        .stdin(spec.stdin)
        .stdout(spec.stdout)
        .stderr(spec.stderr)
        .process_group(0);
    if let Some(env) = spec.env {
        command.env_clear().envs(env);
    }
    if let Some(account) = spec.account {
        command.uid(account.uid).gid(account.gid);
    }
    let mut mappings = vec![
        FdMapping {
            parent_fd: lead.into(),
            child_fd: LEAD,
        },
        FdMapping {
            parent_fd: report.into(),
            child_fd: REPORT,
        },
    ];
    for (parent_fd, child_fd) in spec.fds {
        if !CHILD_FDS.contains(&child_fd) {
            return Err(std::io::Error::other(format!(
                "descriptor {child_fd} is not within 3..=6"
            )));
        }
        mappings.push(FdMapping {
            parent_fd,
            child_fd,
        });
    }
    command
        .fd_mappings(mappings)
        .map_err(|e| std::io::Error::other(e.to_string()))?;
    Ok(command)
}
