//! Passwords as PostgreSQL keeps them: [`secret`].

use std::io::{Error, Result};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::process::random;

/// The number of times that a password is hashed: by the server once, by a client for each
/// connection.
///
/// PostgreSQL hashes 4,096 times, to slow down whoever guesses a password that a person
/// chose. Passwords of ours are 128 random bits, which nobody guesses, and 4,096 rounds
/// take a client 5 ms. Most drivers take what the server says; pg8000 refuses less than
/// what RFC 7677, section 4, recommends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// Once.
    One,
    /// 4,096 times.
    Recommended,
}

impl Rounds {
    fn number(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Recommended => 4096,
        }
    }
}

/// The text that a server keeps of `password`. The server takes what looks like a secret as
/// one (<https://www.postgresql.org/docs/current/catalog-pg-authid.html>); what is in it
/// is said by RFC 5802, section 3.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn secret(password: &str, rounds: Rounds) -> Result<String> {
    let salt = random::hex(8)?;
    salted(password.as_bytes(), salt.as_bytes(), rounds.number())
}

fn salted(password: &[u8], salt: &[u8], rounds: u32) -> Result<String> {
    let key = stretched(password, salt, rounds)?;
    let stored = Sha256::digest(hmac(&key, b"Client Key")?);
    let server = hmac(&key, b"Server Key")?;
    Ok(format!(
        "SCRAM-SHA-256${rounds}:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored),
        BASE64.encode(server)
    ))
}

/// `Hi` of RFC 5802, section 2.2.
fn stretched(password: &[u8], salt: &[u8], rounds: u32) -> Result<[u8; 32]> {
    let mut last = hmac(password, &[salt, &1_u32.to_be_bytes()].concat())?;
    let mut key = last;
    for _ in 1..rounds {
        last = hmac(password, &last)?;
        key.iter_mut()
            .zip(last)
            .for_each(|(sum, byte)| *sum ^= byte);
    }
    Ok(key)
}

fn hmac(key: &[u8], text: &[u8]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Error::other)?;
    mac.update(text);
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn is_what_python_computes() {
        // hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", rounds), then as in RFC 5802.
        assert_eq!(
            salted(b"secret", b"salt", 1).unwrap_or_default(),
            "SCRAM-SHA-256$1:c2FsdA==$wN56iZgRmJc8bLR+mwOwuVJuCvu3CIrVguKdgdp7J6s=:ywJYVz0nm/y3tcyI3qXB89hBjaX1PJEJLUzrN3+/5aM="
        );
        assert_eq!(
            salted(b"secret", b"salt", 4096).unwrap_or_default(),
            "SCRAM-SHA-256$4096:c2FsdA==$ZgOBnT3e4m6ug0RaWAjT+wbbWyjyg4tRSVs5YRrlckg=:aIEiGy0bV5Pa1w1/Ak6ms8TZoqDzKpnevZGpLsFZbek="
        );
    }
}
