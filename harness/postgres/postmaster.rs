//! Postmasters that a dead run left: ended, with the shared memory that tells of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Ends the postmaster of a data directory, if there is one that certainly is.
pub(super) fn end(data: &Path) {
    let Some(pid) = recorded_pid(data) else {
        return;
    };
    for (signal, patience) in [(Signal::QUIT, 5), (Signal::KILL, 2)] {
        let deadline = Instant::now() + Duration::from_secs(patience);
        // Asked again each time: process ids are reused.
        if !serves(pid, data) || kill_process(pid, signal).is_err() {
            return;
        }
        while serves(pid, data) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Removes the System V segment of a postmaster that was killed: it tells
/// servers of one data directory apart and outlives them. Key and id are line 7
/// of `postmaster.pid`, which an orderly end removes.
pub(super) fn remove_segment(data: &Path) {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
    let id = text
        .lines()
        .nth(6)
        .and_then(|line| line.split_whitespace().nth(1));
    if let Some(id) = id.filter(|id| id.bytes().all(|b| b.is_ascii_digit())) {
        let _ = std::process::Command::new("ipcrm")
            .args(["-m", id])
            .stderr(std::process::Stdio::null())
            .status();
    }
}

/// The process id in `postmaster.pid`, whose first line it is
/// (<https://www.postgresql.org/docs/current/storage-file-layout.html>).
fn recorded_pid(data: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(data.join("postmaster.pid")).ok()?;
    Pid::from_raw(text.lines().next()?.trim().parse::<i32>().ok()?.abs())
}

/// Tells whether the process is a postmaster of this data directory: it works there
/// (Linux), or names it on its command line.
fn serves(pid: Pid, data: &Path) -> bool {
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    if proc.parent().is_some_and(|proc| proc.join("self").exists()) {
        return match (std::fs::read_link(proc.join("cwd")), data.canonicalize()) {
            (Ok(cwd), Ok(data)) => cwd == data,
            _ => false,
        };
    }
    std::process::Command::new("ps")
        .args([
            "-ww",
            "-o",
            "args=",
            "-p",
            &pid.as_raw_nonzero().to_string(),
        ])
        .output()
        .is_ok_and(|out| {
            String::from_utf8_lossy(&out.stdout).contains(&format!("-D {}", data.display()))
        })
}

#[cfg(test)]
mod tests {
    use super::end;

    #[test]
    fn a_process_that_is_not_a_postmaster_of_the_directory_is_left_alone() {
        let data = tempfile::tempdir().unwrap_or_else(|e| unreachable!("{e}"));
        let own = std::process::id().to_string();
        assert!(std::fs::write(data.path().join("postmaster.pid"), own).is_ok());
        end(data.path()); // would end this very test
    }
}
