//! A command under way, which may wait between two of its transactions: [`Going`].

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::timeout_at;

use super::{Command, Limits, SILENCE, Worker, WorkerSignal, exited, version_table};
use crate::alembic::transcript::{Event, Outcome, Transcript};

/// A command under way.
pub struct Going {
    /// All that was heard so far.
    pub transcript: Transcript,
    /// The last statement of what it has committed, where it waits for that to be looked at.
    pub committed: Option<u64>,
    /// The time that it took, without its waiting.
    took: Duration,
    is_sent: bool,
}

/// The reason why a command is followed no further.
enum StopReason {
    /// It is over.
    Over(Box<Outcome>),
    /// It waits: transactions up to this statement were committed.
    Committed(u64),
}

impl Worker {
    /// Begins a command, which goes on with [`Worker::until_committed`].
    pub async fn begin(&mut self, command: Command<'_>) -> Going {
        let transcript = Transcript::new(command.to_string(), self.output.file().to_owned());
        self.has_run_env |= command.runs_env();
        self.has_run_env_here |= command.runs_env();
        let sent = self.send(command.name(), &command.arguments()).await;
        Going {
            transcript,
            took: Duration::ZERO,
            is_sent: sent.is_ok(),
            committed: None,
        }
    }

    /// Follows a command until it is over, and returns what it returned; `None` where it waits
    /// because it has committed something.
    pub async fn until_committed(
        &mut self,
        going: &mut Going,
        limits: &Limits<'_>,
    ) -> Option<Value> {
        let begun = Instant::now();
        if going.committed.take().is_some() {
            going.is_sent = self.send("go_on", &json!({})).await.is_ok();
        }
        let (outcome, answer) = match going.is_sent {
            true => self.follow(going, begun, limits).await,
            false => (
                StopReason::Over(Box::new(self.ended_outcome().await)),
                Value::Null,
            ),
        };
        going.took += begun.elapsed();
        going.transcript.seconds = going.took.as_secs_f64();
        let outcome = match outcome {
            StopReason::Over(outcome) => *outcome,
            StopReason::Committed(number) => {
                going.committed = Some(number);
                return None;
            }
        };
        self.alive = !matches!(outcome, Outcome::TimedOut { .. } | Outcome::Ended { .. });
        going.transcript.outcome = outcome;
        Some(answer)
    }

    /// Records events until the command answered, waits, its limit passed, or the interpreter
    /// ended.
    async fn follow(
        &mut self,
        going: &mut Going,
        begun: Instant,
        limits: &Limits<'_>,
    ) -> (StopReason, Value) {
        let transcript = &mut going.transcript;
        let deadline = begun + limits.limit.saturating_sub(going.took);
        let outcome = loop {
            let until = deadline.min(Instant::now() + SILENCE);
            match timeout_at(until.into(), self.next()).await {
                Ok(Some(Event::Answer {
                    error: Some(raised),
                    ..
                })) => break Outcome::Raised(self.with_last_words(raised).await),
                Ok(Some(Event::Answer { ok, .. })) => {
                    let answer = ok.unwrap_or_default();
                    transcript.version_table = version_table(&answer);
                    let outcome = transcript.returned(exited(&answer));
                    return (StopReason::Over(Box::new(outcome)), answer);
                }
                Ok(Some(Event::Committed { number })) => {
                    return (StopReason::Committed(number), Value::Null);
                }
                Ok(Some(event)) => {
                    (limits.watch)(WorkerSignal::Event(&event));
                    transcript.record(event);
                }
                Ok(None) => break self.ended_outcome().await,
                // A fork of the interpreter may hold the channel open.
                Err(_) if self.has_ended() => break self.ended_outcome().await,
                Err(_) if Instant::now() >= deadline => break self.out_of_time(limits).await,
                Err(_) => (limits.watch)(WorkerSignal::Silence(begun.elapsed())),
            }
        };
        (StopReason::Over(Box::new(outcome)), Value::Null)
    }
}
