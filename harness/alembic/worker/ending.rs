//! The end of an interpreter: on purpose, by itself, or out of time.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

use super::{Limits, Worker};
use crate::alembic::transcript::Outcome;
use crate::process::supervisor::SupervisedProcess;

impl Worker {
    pub(super) async fn out_of_time(&mut self, limits: &Limits<'_>) -> Outcome {
        let activity = limits.server.activity(limits.database).await;
        let python = self.python_stack().await;
        drop(self.supervised.take());
        Outcome::TimedOut {
            limit: limits.limit.as_secs_f64(),
            python,
            database: activity.sessions,
            waits: activity.waits,
        }
    }

    /// The stack of every thread, written by Python's `faulthandler` on SIGUSR1.
    pub(super) async fn python_stack(&self) -> Vec<String> {
        let pid = self
            .supervised
            .as_ref()
            .and_then(|supervised| Pid::from_raw(supervised.pid().cast_signed()));
        if let Some(pid) = pid {
            // An interpreter that has just ended has no stack to show.
            let _ = kill_process(pid, Signal::USR1);
        }
        for _ in 0..10 {
            sleep(Duration::from_millis(50)).await;
            let text = std::fs::read_to_string(&self.stack).unwrap_or_default();
            if !text.trim().is_empty() {
                return text.lines().map(str::to_owned).collect();
            }
        }
        vec!["the interpreter did not say where it was".to_owned()]
    }

    /// The end of what it printed, without its password.
    pub(super) fn tail(&self) -> Vec<String> {
        let tail = self.output.tail().into_iter();
        tail.map(|line| self.secret.mask(line)).collect()
    }

    pub(super) fn has_ended(&self) -> bool {
        let status = self
            .supervised
            .as_ref()
            .and_then(SupervisedProcess::exit_status);
        status.is_some()
    }

    pub(super) async fn ended_outcome(&mut self) -> Outcome {
        Outcome::Ended {
            how: self.ended().await,
            output: self.tail(),
        }
    }

    pub(super) async fn ended(&mut self) -> String {
        if let Some(text) = &self.spoiled {
            return format!("wrote `{text}` into the harness's channel, so nothing it says counts");
        }
        let status = match &self.supervised {
            Some(supervised) => supervised.exited(Duration::from_secs(2)).await,
            None => return "had been ended before".to_owned(),
        };
        self.output.settle().await;
        match status {
            // A shell's `$?`: 128 and a signal's number.
            Some(code @ 129..=192) => format!("was ended by signal {}", code - 128),
            Some(code) => format!("exited with status {code}"),
            None => "closed its channel to the harness".to_owned(),
        }
    }

    /// Ends the interpreter and everything it started.
    pub async fn end(&mut self) {
        self.alive = false;
        if let Some(supervised) = self.supervised.take() {
            // Anything that is not gone by now is ended by the supervisor, or by the next run.
            let _ = supervised.end().await;
        }
    }
}
