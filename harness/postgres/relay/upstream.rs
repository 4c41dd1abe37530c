//! The server behind the relay, and how it is reached: [`Upstream`].

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{
    ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256,
};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::frame::{Frame, Link, invalid, message_of, refusal};
use super::tls::{Binding, Tls};

/// The time that the server may take until it has let a user in.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server that already runs, and the user who may create databases on it.
pub struct Upstream {
    /// A name, an address, or the directory of a Unix-domain socket.
    pub host: String,
    pub port: u16,
    pub user: String,
    pub password: String,
    /// The database to be connected to while others are created and dropped.
    pub maintenance: String,
    pub(super) tls: Tls,
    /// Tells whether it let the user in and had asked for nothing.
    pub(super) trusts: AtomicBool,
}

impl Upstream {
    /// Its address for people.
    pub fn place(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// Tells whether it let somebody in over TCP who had shown neither password nor certificate.
    pub fn lets_everyone_in(&self) -> bool {
        self.trusts.load(Ordering::Relaxed) && !self.is_socket() && !self.tls.shows_certificate
    }

    /// The parameters with which libpq reaches it, but for the database
    /// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS>).
    pub fn parameters(&self) -> Vec<(&'static str, String)> {
        let mut all = vec![
            ("host", self.host.clone()),
            ("port", self.port.to_string()),
            ("user", self.user.clone()),
            ("password", self.password.clone()),
        ];
        all.extend(self.tls.parameters.iter().cloned());
        all
    }

    fn is_socket(&self) -> bool {
        self.host.starts_with('/')
    }

    /// Begins a session with a startup message; also returns what the server said until
    /// it let the user in, or, as an error, what to answer the client.
    pub(super) async fn log_in(&self, startup: &[u8]) -> Result<(Link, Vec<u8>), Vec<u8>> {
        let failed = |why: String| refusal("08001", &why);
        let session = async {
            let (mut link, end_point) = self.connect().await.map_err(failed)?;
            let said = self.authenticate(&mut link, startup, end_point).await?;
            Ok((link, said))
        };
        match timeout(PATIENCE, session).await {
            Ok(session) => session,
            Err(_) => Err(failed(format!("no answer within {} s", PATIENCE.as_secs()))),
        }
    }

    /// Asks the server to cancel what runs in the session with this key.
    pub(super) async fn cancel(&self, code: u32, key: &[u8]) -> io::Result<()> {
        let body = [&code.to_be_bytes(), key].concat();
        let request = message_of(0, &body).split_off(1);
        timeout(PATIENCE, async {
            let (mut link, _) = self.connect().await.map_err(io::Error::other)?;
            link.write_all(&request).await?;
            link.flush().await?;
            // It closes the connection once it has dealt with it.
            link.read(&mut [0]).await.map(drop)
        })
        .await?
    }

    /// Opens a connection, encrypted as far as wanted and offered.
    async fn connect(&self) -> Result<(Link, Option<Vec<u8>>), String> {
        if self.is_socket() {
            let path = format!("{}/.s.PGSQL.{}", self.host, self.port);
            let stream = UnixStream::connect(&path).await.map_err(of)?;
            return Ok((BufReader::new(Box::new(stream)), None));
        }
        let mut stream = self.tcp().await?;
        let Some(connector) = &self.tls.connector else {
            return Ok((BufReader::new(Box::new(stream)), None));
        };
        if !offers_encryption(&mut stream).await? {
            return match self.tls.optional {
                true => Ok((BufReader::new(Box::new(stream)), None)),
                false => Err("the server does not offer TLS, which `sslmode` asks for".to_owned()),
            };
        }
        let name = self.tls.server_name(&self.host)?;
        match connector.connect(name, stream).await {
            Ok(stream) => {
                let end_point = self.tls.end_point(stream.get_ref().1.peer_certificates());
                Ok((BufReader::new(Box::new(stream)), end_point))
            }
            // As libpq does with `prefer`.
            Err(_) if self.tls.optional => Ok((BufReader::new(Box::new(self.tcp().await?)), None)),
            Err(e) => Err(format!("TLS: {e}")),
        }
    }

    async fn tcp(&self) -> Result<TcpStream, String> {
        let stream = TcpStream::connect((self.host.as_str(), self.port))
            .await
            .map_err(of)?;
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    /// Answers what the server asks until it has let the user in.
    async fn authenticate(
        &self,
        link: &mut Link,
        startup: &[u8],
        end_point: Option<Vec<u8>>,
    ) -> Result<Vec<u8>, Vec<u8>> {
        let mut said = Vec::new();
        let mut login = Login {
            upstream: self,
            end_point,
            scram: None,
            asked: false,
            proved: false,
        };
        let lost = |e: io::Error| refusal("08006", &format!("{}: {e}", self.place()));
        link.write_all(startup).await.map_err(lost)?;
        link.flush().await.map_err(lost)?;
        loop {
            let frame = Frame::read(link).await.map_err(lost)?;
            match frame.tag {
                b'E' => return Err(frame.bytes),
                b'R' => {}
                // A notice, or the version of the protocol that it can speak.
                _ => {
                    said.extend_from_slice(&frame.bytes);
                    continue;
                }
            }
            let message = Message::parse(&mut frame.buffer()).map_err(lost)?;
            let Some(message) = message else {
                return Err(lost(invalid("an authentication request without an end")));
            };
            if matches!(message, Message::AuthenticationOk) {
                login.finish()?;
                said.extend_from_slice(&frame.bytes);
                return Ok(said);
            }
            let answer = login.answer(message)?;
            link.write_all(&answer).await.map_err(lost)?;
            link.flush().await.map_err(lost)?;
        }
    }
}

/// The relay's part in a conversation about who it is.
struct Login<'a> {
    upstream: &'a Upstream,
    /// The binding of the authentication to the encryption, if there is one.
    end_point: Option<Vec<u8>>,
    scram: Option<ScramSha256>,
    asked: bool,
    /// Tells whether the server has shown that it knows the password too.
    proved: bool,
}

impl Login<'_> {
    /// The answer to a request, as bytes.
    fn answer(&mut self, request: Message) -> Result<BytesMut, Vec<u8>> {
        self.asked = true;
        let upstream = self.upstream;
        let password = upstream.password.as_bytes();
        let failed = |e: io::Error| refusal("28000", &format!("{}: {e}", upstream.place()));
        let mut answer = BytesMut::new();
        match request {
            Message::AuthenticationCleartextPassword => {
                self.needs_no_binding()?;
                frontend::password_message(password, &mut answer)
            }
            Message::AuthenticationMd5Password(body) => {
                self.needs_no_binding()?;
                let hash = md5_hash(upstream.user.as_bytes(), password, body.salt());
                frontend::password_message(hash.as_bytes(), &mut answer)
            }
            Message::AuthenticationSasl(body) => self.begin(&body, &mut answer),
            Message::AuthenticationSaslContinue(body) => self.scram().and_then(|scram| {
                scram.update(body.data())?;
                frontend::sasl_response(scram.message(), &mut answer)
            }),
            // Nothing is to be said to the last message.
            Message::AuthenticationSaslFinal(body) => {
                self.proved = true;
                self.scram().and_then(|scram| scram.finish(body.data()))
            }
            _ => Err(invalid(
                "the server asks for an authentication other than a password or a certificate",
            )),
        }
        .map_err(failed)?;
        Ok(answer)
    }

    fn begin(&mut self, body: &AuthenticationSaslBody, answer: &mut BytesMut) -> io::Result<()> {
        use fallible_iterator::FallibleIterator;
        let offered: Vec<&str> = body.mechanisms().collect()?;
        let end_point = self.end_point.take();
        let bound = offered.contains(&SCRAM_SHA_256_PLUS) && end_point.is_some();
        if !bound && self.upstream.tls.channel_binding == Binding::Require {
            return Err(invalid("channel_binding=require: there is none to be had"));
        }
        let mechanism = match bound {
            true => SCRAM_SHA_256_PLUS,
            false if offered.contains(&SCRAM_SHA_256) => SCRAM_SHA_256,
            false => return Err(invalid("the server offers no mechanism that is known")),
        };
        let binding = match end_point {
            Some(hash) if bound => ChannelBinding::tls_server_end_point(hash),
            Some(_) => ChannelBinding::unrequested(),
            None => ChannelBinding::unsupported(),
        };
        let scram = ScramSha256::new(self.upstream.password.as_bytes(), binding);
        frontend::sasl_initial_response(mechanism, scram.message(), answer)?;
        self.scram = Some(scram);
        Ok(())
    }

    fn scram(&mut self) -> io::Result<&mut ScramSha256> {
        self.scram
            .as_mut()
            .ok_or_else(|| invalid("the server goes on with what it did not begin"))
    }

    /// A password is not sent where only a bound authentication is to be trusted.
    fn needs_no_binding(&self) -> Result<(), Vec<u8>> {
        match self.upstream.tls.channel_binding {
            Binding::Require => Err(refusal(
                "28000",
                "channel_binding=require: the server did not ask for SCRAM",
            )),
            Binding::Prefer | Binding::Disable => Ok(()),
        }
    }

    /// The server lets the user in.
    fn finish(&self) -> Result<(), Vec<u8>> {
        match self.scram {
            None => self.needs_no_binding()?,
            Some(_) if self.proved => {}
            Some(_) => {
                let why = "the server did not show that it knows the password";
                return Err(refusal("28000", why));
            }
        }
        if !self.asked {
            self.upstream.trusts.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Asks whether the connection may be encrypted. Nothing is read beyond the answer.
async fn offers_encryption(stream: &mut TcpStream) -> Result<bool, String> {
    let mut request = BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request).await.map_err(of)?;
    match stream.read_u8().await.map_err(of)? {
        b'S' => Ok(true),
        b'N' => Ok(false),
        _ => Err("this is no PostgreSQL server".to_owned()),
    }
}

fn of(e: io::Error) -> String {
    e.to_string()
}
