//! Messages of PostgreSQL's protocol as bytes: [`Frame`]
//! (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, BufReader};

/// A connection, whatever it goes over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The same, with what was read ahead.
pub(super) type Link = BufReader<Box<dyn Stream>>;

/// No message before the first query is longer; the server's own bound for a startup
/// packet is 10,000 bytes.
const LONGEST: usize = 1 << 20;

/// One message with its type.
pub(super) struct Frame {
    pub tag: u8,
    /// The whole message as it was read.
    pub bytes: Vec<u8>,
}

impl Frame {
    /// Reads a message that begins with its type.
    pub async fn read(stream: &mut Link) -> io::Result<Self> {
        let tag = stream.read_u8().await?;
        let mut bytes = vec![tag];
        read_body(stream, &mut bytes).await?;
        Ok(Self { tag, bytes })
    }

    /// The content, after type and length.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(5..).unwrap_or_default()
    }

    /// For the parser of messages.
    pub fn buffer(&self) -> BytesMut {
        BytesMut::from(self.bytes.as_slice())
    }
}

/// Reads the first packet of a connection, which has no type: what follows its length.
pub(super) async fn read_packet(stream: &mut Link) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_body(stream, &mut bytes).await?;
    Ok(bytes.split_off(4))
}

async fn read_body(stream: &mut Link, bytes: &mut Vec<u8>) -> io::Result<()> {
    let length = stream.read_u32().await?;
    let rest = usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_sub(4))
        .filter(|rest| *rest <= LONGEST)
        .ok_or_else(|| invalid("a message of an impossible length"))?;
    bytes.extend_from_slice(&length.to_be_bytes());
    let begun = bytes.len();
    bytes.resize(begun + rest, 0);
    stream.read_exact(&mut bytes[begun..]).await?;
    Ok(())
}

/// A message that refuses a connection
/// (<https://www.postgresql.org/docs/current/protocol-error-fields.html>).
pub(super) fn refusal(code: &str, message: &str) -> Vec<u8> {
    let fields = [('S', "FATAL"), ('V', "FATAL"), ('C', code), ('M', message)];
    let mut body: Vec<u8> = Vec::new();
    for (field, text) in fields {
        body.extend_from_slice(format!("{field}{text}\0").as_bytes());
    }
    body.push(0);
    message_of(b'E', &body)
}

/// A message of this type.
pub(super) fn message_of(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&[tag][..], &length.to_be_bytes(), body].concat()
}

pub(super) fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
