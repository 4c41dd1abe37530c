//! Passwords as PostgreSQL keeps them: [`secret`].

use std::io::{Error, Result};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::random;

/// What a server keeps of `password`, with the password hashed once.
///
/// PostgreSQL hashes 4,096 times, to slow down whoever guesses a password that a person
/// chose, and each client has to do the same for every connection. These passwords are
/// 128 random bits, which nobody guesses. The server takes what looks like a secret as
/// one (<https://www.postgresql.org/docs/current/catalog-pg-authid.html>); what is in it
/// is said by RFC 5802, section 3.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn secret(password: &str) -> Result<String> {
    let salt = random::hex(8)?;
    salted(password.as_bytes(), salt.as_bytes())
}

fn salted(password: &[u8], salt: &[u8]) -> Result<String> {
    let key = hmac(password, &[salt, &1_u32.to_be_bytes()].concat())?;
    let stored = Sha256::digest(hmac(&key, b"Client Key")?);
    let server = hmac(&key, b"Server Key")?;
    Ok(format!(
        "SCRAM-SHA-256$1:{}${}:{}",
        BASE64.encode(salt),
        BASE64.encode(stored),
        BASE64.encode(server)
    ))
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
        // hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 1), then as in RFC 5802.
        assert_eq!(
            salted(b"secret", b"salt").unwrap_or_default(),
            "SCRAM-SHA-256$1:c2FsdA==$wN56iZgRmJc8bLR+mwOwuVJuCvu3CIrVguKdgdp7J6s=:ywJYVz0nm/y3tcyI3qXB89hBjaX1PJEJLUzrN3+/5aM="
        );
    }
}
