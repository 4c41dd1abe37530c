//! One connection of a client to the relay: [`receive`].

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::io::{AsyncWriteExt, BufReader, copy, split};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::frame::{Frame, Link, message_of, read_packet, refusal};
use super::{Backend, Shared};

/// The time that a client may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// The codes of first packets
/// (<https://www.postgresql.org/docs/current/protocol-message-formats.html>).
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;

const AUTHENTICATION: u8 = b'R';
const PASSWORD: u8 = b'p';
const KEY: u8 = b'K';
const READY: u8 = b'Z';
const ERROR: u8 = b'E';

/// The request of a client.
enum Request {
    Cancel(Vec<u8>),
    Start(Startup),
}

/// A startup message, read as the server would and written anew from what was read.
pub(super) struct Startup {
    version: u32,
    pub user: String,
    pub database: String,
    /// All other parameters.
    rest: Vec<(String, Vec<u8>)>,
}

/// Serves a connection until either end closes it.
pub(super) async fn receive(stream: TcpStream, shared: Arc<Shared>) {
    let _ = stream.set_nodelay(true);
    let mut client: Link = BufReader::new(Box::new(stream));
    // A client that has gone needs no answer.
    let _ = converse(&mut client, &shared).await;
    let _ = client.shutdown().await;
}

async fn converse(client: &mut Link, shared: &Shared) -> io::Result<()> {
    let request = timeout(PATIENCE, request(client)).await??;
    let startup = match request {
        Request::Cancel(key) => return cancel(shared, &key).await,
        Request::Start(startup) => startup,
    };
    let refused = timeout(PATIENCE, refused(client, shared, &startup)).await??;
    if let Some(refused) = refused {
        return client.write_all(&refused).await;
    }
    let (mut server, said) = match shared.upstream.log_in(&startup.packet()).await {
        Ok(session) => session,
        Err(answer) => return client.write_all(&answer).await,
    };
    client.write_all(&said).await?;
    let Some(_backend) = greet(client, &mut server, shared).await? else {
        return Ok(());
    };
    pass(client, server).await;
    Ok(())
}

/// Answers what comes before a startup message.
async fn request(client: &mut Link) -> io::Result<Request> {
    loop {
        let packet = read_packet(client).await?;
        let (code, body) = packet
            .split_at_checked(4)
            .ok_or(io::ErrorKind::InvalidData)?;
        match u32::from_be_bytes(code.try_into().map_err(io::Error::other)?) {
            SSL_REQUEST | GSS_REQUEST => client.write_all(b"N").await?,
            CANCEL_REQUEST => return Ok(Request::Cancel(body.to_vec())),
            version => match Startup::read(version, body) {
                Ok(startup) => return Ok(Request::Start(startup)),
                Err(why) => {
                    client.write_all(&refusal("08P01", why)).await?;
                    return Err(io::ErrorKind::InvalidData.into());
                }
            },
        }
    }
}

/// Cancels a query of a connection that goes through here, and no other.
async fn cancel(shared: &Shared, key: &[u8]) -> io::Result<()> {
    let ours = super::lock(&shared.backends).contains(key);
    match ours {
        true => shared.upstream.cancel(CANCEL_REQUEST, key).await,
        false => Ok(()),
    }
}

/// Asks for the password; what to answer if the connection may not be.
async fn refused(
    client: &mut Link,
    shared: &Shared,
    startup: &Startup,
) -> io::Result<Option<Vec<u8>>> {
    // In the clear: between two processes of one machine, and it opens nothing else.
    client
        .write_all(&message_of(AUTHENTICATION, &3_u32.to_be_bytes()))
        .await?;
    let answer = Frame::read(client).await?;
    let password = answer.body().strip_suffix(&[0]).unwrap_or_default();
    let known = (answer.tag == PASSWORD)
        .then(|| shared.admits(password, &startup.database))
        .flatten();
    let user = &shared.upstream.user;
    let (code, why) = match known {
        Some(_) if startup.user != *user => (
            "28000",
            format!(
                "migration-harness: a service may connect as \"{user}\" only, not as \"{}\"",
                startup.user
            ),
        ),
        Some(true) => return Ok(None),
        Some(false) => (
            "28000",
            format!(
                "migration-harness: a service may use the database \"{}\" only, not \"{}\"",
                shared.admitted(),
                startup.database
            ),
        ),
        None => (
            "28P01",
            format!(
                "password authentication failed for user \"{}\"",
                startup.user
            ),
        ),
    };
    let answer = refusal(code, &why);
    super::lock(&shared.refused).insert(why);
    Ok(Some(answer))
}

/// Hands on what the server says before the first query; `None` if it ends there.
async fn greet<'a>(
    client: &mut Link,
    server: &mut Link,
    shared: &'a Shared,
) -> io::Result<Option<Backend<'a>>> {
    let (mut key, mut said) = (Vec::new(), Vec::new());
    loop {
        let frame = Frame::read(server).await?;
        said.extend_from_slice(&frame.bytes);
        if frame.tag == KEY {
            key = frame.body().to_vec();
        }
        let ends = matches!(frame.tag, READY | ERROR);
        // Anything that came together goes on together.
        if ends || server.buffer().is_empty() {
            // Known before the client can ask for it.
            let backend = (frame.tag == READY).then(|| Backend::new(shared, key.clone()));
            client.write_all(&said).await?;
            said.clear();
            if ends {
                return Ok(backend);
            }
        }
    }
}

/// Hands on all there is in both directions, until the server ends the connection.
async fn pass(client: &mut Link, server: Link) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_server, mut to_server) = split(server);
    let up = async {
        let _ = copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
    };
    let down = async {
        let _ = copy(&mut from_server, &mut to_client).await;
    };
    if let Either::Left(((), down)) = select(Box::pin(up), Box::pin(down)).await {
        // The server has yet to answer what it was asked, or to see that nobody is there.
        down.await;
    }
}

impl Startup {
    /// Reads the parameters. What could be read in two ways is refused, and so are
    /// connections for replication, which are not confined to a database.
    fn read(version: u32, body: &[u8]) -> Result<Self, &'static str> {
        if version >> 16 != 3 {
            return Err("migration-harness: unsupported protocol version");
        }
        let unended = "migration-harness: a startup message without an end";
        let body = body.strip_suffix(&[0]).ok_or(unended)?;
        let mut texts: Vec<&[u8]> = Vec::new();
        if !body.is_empty() {
            let body = body.strip_suffix(&[0]).ok_or(unended)?;
            texts.extend(body.split(|byte| *byte == 0));
        }
        let mut startup = Self {
            version,
            user: String::new(),
            database: String::new(),
            rest: Vec::new(),
        };
        let mut seen = HashSet::new();
        for pair in texts.chunks(2) {
            let [name, value] = pair else {
                return Err("migration-harness: a parameter without a value");
            };
            let text = |value: &[u8]| {
                String::from_utf8(value.to_vec())
                    .map_err(|_| "migration-harness: a startup message that is not UTF-8")
            };
            let name = text(name)?;
            if name.is_empty() || !seen.insert(name.clone()) {
                return Err("migration-harness: a parameter stands twice, or has no name");
            }
            match name.as_str() {
                "user" => startup.user = text(value)?,
                "database" => startup.database = text(value)?,
                "replication" => match *value {
                    b"false" | b"off" | b"no" | b"0" => {}
                    _ => return Err("migration-harness: a service may not replicate the server"),
                },
                _ => startup.rest.push((name, value.to_vec())),
            }
        }
        if startup.database.is_empty() {
            startup.database.clone_from(&startup.user);
        }
        Ok(startup)
    }

    /// The message for the server.
    fn packet(&self) -> Vec<u8> {
        let named = [
            ("user", self.user.as_bytes()),
            ("database", self.database.as_bytes()),
        ];
        let rest = self.rest.iter();
        let rest = rest.map(|(name, value)| (name.as_str(), value.as_slice()));
        let mut body = self.version.to_be_bytes().to_vec();
        for (name, value) in named.into_iter().chain(rest) {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            body.extend_from_slice(value);
            body.push(0);
        }
        body.push(0);
        // As any message, but for its type.
        message_of(0, &body).split_off(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: u32 = 3 << 16;

    fn read(body: &[u8]) -> Result<(String, String, usize), &'static str> {
        Startup::read(V3, body).map(|read| (read.user, read.database, read.rest.len()))
    }

    #[test]
    fn a_startup_message_is_read_in_one_way_or_refused() {
        let is = |user: &str, database: &str, rest| Ok((user.into(), database.into(), rest));
        assert_eq!(read(b"user\0u\0database\0d\0\0"), is("u", "d", 0));
        assert_eq!(
            read(b"user\0u\0options\0-c search_path=a\0database\0\0\0"),
            is("u", "u", 1)
        );
        assert_eq!(read(b"user\0u\0replication\0off\0\0"), is("u", "u", 0));
        for bad in [
            &b""[..],
            b"user\0u\0database\0d",
            b"user\0u\0database\0d\0database\0other\0\0",
            b"user\0u\0user\0v\0\0",
            b"user\0u\0database\0\0",
            b"user\0u\0\0database\0other\0\0",
            b"user\0u\0replication\0database\0\0",
            b"user\0u\0replication\0true\0\0",
            b"user\0u\0replication\0ON\0\0",
            b"user\0\xff\0\0",
        ] {
            assert!(read(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        assert!(Startup::read(2 << 16, b"user\0u\0\0").is_err());
    }

    #[test]
    fn what_was_read_is_what_is_written() {
        let startup = Startup::read(V3, b"database\0d\0user\0u\0x\0\xff\0\0");
        let packet = startup.map(|startup| startup.packet()).unwrap_or_default();
        assert_eq!(packet[..4], 31_u32.to_be_bytes());
        assert_eq!(&packet[8..], b"user\0u\0database\0d\0x\0\xff\0\0");
    }
}
