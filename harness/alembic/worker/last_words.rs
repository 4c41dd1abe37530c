//! An exit of the service, which says why on its way out if anywhere.

use std::time::Duration;

use tokio::time::sleep;

use super::Worker;
use crate::alembic::transcript::Exception;

/// The number of lines that are kept of what was printed before an exit.
const LAST_WORDS: usize = 4;
/// The time that output may be on its way when the exit is known already.
const PRINTED: Duration = Duration::from_millis(100);

impl Worker {
    /// An exit with what was printed before it, which is all that tells why.
    pub(super) async fn with_last_words(&self, mut raised: Exception) -> Exception {
        if raised.exit_status.is_some() {
            sleep(PRINTED).await;
            let tail = self.tail();
            let is_text = |line: &&String| line.contains(char::is_alphanumeric);
            let said: Vec<&String> = tail.iter().filter(is_text).collect();
            let last = &said[said.len().saturating_sub(LAST_WORDS)..];
            let last = last.iter().map(|line| line.trim());
            raised
                .notes
                .extend(last.map(|line| format!("it had printed: {line}")));
        }
        raised
    }
}
