//! The messages of a worker, taken from the bytes of its socket: [`Events`].
//!
//! A service can reach every descriptor of its own process. Each line therefore
//! begins with a key that only the two ends know, and a line that does not, or that
//! is no event, spoils the channel: from then on nothing it says is believed.

use tokio::io::AsyncReadExt;
use tokio::net::unix::OwnedReadHalf;

use super::secret::Secret;
use super::transcript::Event;

/// No event is longer: the longest name every object of a database.
const LONGEST: usize = 64 << 20;
/// The length to which a line that spoils the channel is cut.
const SHOWN: usize = 80;

/// A message received on a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// An event.
    Event(Box<Event>),
    /// The other end is closed.
    Closed,
    /// Something that is no event of the worker; its beginning.
    Spoiled(String),
}

/// Takes bytes as they come and gives lines as they are complete.
#[derive(Debug)]
pub struct Decoder {
    key: Vec<u8>,
    buffer: Vec<u8>,
    /// The start of the next line in the buffer.
    start: usize,
    /// Up to where no end of that line was found.
    looked_at: usize,
    spoiled: Option<String>,
    secret: Secret,
}

impl Decoder {
    /// A decoder of lines that begin with `key` and a space.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self {
            key: format!("{key} ").into_bytes(),
            buffer: Vec::new(),
            start: 0,
            looked_at: 0,
            spoiled: None,
            secret: Secret::default(),
        }
    }

    /// Masks this in all that is said from now on.
    pub fn mask(&mut self, secret: Secret) {
        self.secret = secret;
    }

    /// Takes what has arrived.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.spoiled.is_none() {
            self.buffer.drain(..self.start);
            self.looked_at -= self.start;
            self.start = 0;
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next event, or what spoiled the channel; `None` until more has arrived.
    pub fn decode(&mut self) -> Option<Result<Event, String>> {
        if let Some(spoiled) = &self.spoiled {
            return Some(Err(spoiled.clone()));
        }
        let end = self.buffer[self.looked_at..]
            .iter()
            .position(|byte| *byte == b'\n')
            .map(|at| self.looked_at + at);
        let Some(end) = end else {
            self.looked_at = self.buffer.len();
            let begun = &self.buffer[self.start..];
            // Anything that cannot become an event need not end: it may never do.
            let may_become =
                begun.len() <= LONGEST && begun.iter().zip(&self.key).all(|(is, key)| is == key);
            return (!may_become).then(|| Err(self.spoil(self.buffer.len())));
        };
        let event = self.buffer[self.start..end]
            .strip_prefix(self.key.as_slice())
            .and_then(|json| self.event(json));
        let Some(event) = event else {
            return Some(Err(self.spoil(end)));
        };
        self.start = end + 1;
        self.looked_at = self.start;
        Some(Ok(event))
    }

    /// An event without its passwords. They are masked in the values: the text of JSON
    /// escapes some letters.
    fn event(&self, json: &[u8]) -> Option<Event> {
        let mut value = serde_json::from_slice(json).ok()?;
        self.secret.mask_value(&mut value);
        serde_json::from_value(value).ok()
    }

    /// Remembers the beginning of the line that ends at `end`, without the key.
    fn spoil(&mut self, end: usize) -> String {
        let line = &self.buffer[self.start..end];
        let line = line.strip_prefix(self.key.as_slice()).unwrap_or(line);
        let text: String = String::from_utf8_lossy(&line[..line.len().min(4 * SHOWN)])
            .chars()
            .map(|letter| if letter.is_control() { ' ' } else { letter })
            .take(SHOWN)
            .collect();
        self.buffer = Vec::new();
        self.spoiled.insert(text).clone()
    }
}

/// The events of one worker.
#[derive(Debug)]
pub struct Events {
    stream: OwnedReadHalf,
    decoder: Decoder,
}

impl Events {
    /// Listens to `stream`, whose lines begin with `key`.
    #[must_use]
    pub fn new(stream: OwnedReadHalf, key: &str) -> Self {
        Self {
            stream,
            decoder: Decoder::new(key),
        }
    }

    /// Masks this in all that is said from now on.
    pub fn mask(&mut self, secret: Secret) {
        self.decoder.mask(secret);
    }

    /// Receives the next message. Can be given up and asked again: nothing is lost.
    pub async fn next(&mut self) -> Received {
        loop {
            match self.decoder.decode() {
                Some(Ok(event)) => return Received::Event(Box::new(event)),
                Some(Err(text)) => return Received::Spoiled(text),
                None => {}
            }
            let mut bytes = [0; 8192];
            match self.stream.read(&mut bytes).await {
                Ok(count @ 1..) => self.decoder.feed(&bytes[..count]),
                Ok(0) | Err(_) => return Received::Closed,
            }
        }
    }
}

#[cfg(test)]
mod tests;
