//! A server's URL as libpq reads it, also with a SQLAlchemy driver in the scheme
//! (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use url::Url;

use super::Upstream;
use super::tls::Tls;

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|e| format!("is not a URL: {e}"))?;
        if !matches!(
            url.scheme().split('+').next(),
            Some("postgresql" | "postgres")
        ) {
            return Err(format!(
                "begins with `{}://`, expected `postgresql://`",
                url.scheme()
            ));
        }
        let mut given: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        for (name, _) in &mut given {
            // asyncpg's word for it.
            if name == "ssl" {
                "sslmode".clone_into(name);
            }
        }
        let host = decode(url.host_str().unwrap_or_default())?;
        if host.is_empty() {
            return Err("needs a host".to_owned());
        }
        if host.contains(',') {
            return Err("names several hosts, expected one".to_owned());
        }
        let database = decode(url.path().trim_start_matches('/'))?;
        let upstream = Self {
            host: host
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
            port: url.port().unwrap_or(5432),
            user: decode(url.username())?,
            password: decode(url.password().unwrap_or_default())?,
            maintenance: match database.is_empty() {
                true => "postgres".to_owned(),
                false => database,
            },
            tls: Tls::read(&given)?,
            trusts: false.into(),
        };
        match upstream.user.is_empty() {
            true => Err("names no user before an `@`".to_owned()),
            false => Ok(upstream),
        }
    }
}

/// Undoes percent-encoding.
fn decode(text: &str) -> Result<String, String> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| "is not UTF-8 once decoded".to_owned())?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_urls() {
        let read = |url: &str| {
            url.parse::<Upstream>()
                .map(|a| (a.user, a.password, a.host, a.port, a.maintenance))
        };
        let is = |u: &str, p: &str, h: &str, port: u16, d: &str| {
            Ok((u.into(), p.into(), h.into(), port, d.into()))
        };
        assert_eq!(read("postgresql://u:p@h:1/d"), is("u", "p", "h", 1, "d"));
        assert_eq!(read("postgres://u@h"), is("u", "", "h", 5432, "postgres"));
        assert_eq!(
            read("postgresql+asyncpg://u:a%40b%25%C3%A9@[::1]:7/x?sslmode=disable"),
            is("u", "a@b%é", "::1", 7, "x")
        );
        let socket = read("postgresql://u@%2Frun%2Fpg/d");
        assert_eq!(socket, is("u", "", "/run/pg", 5432, "d"));
        for (bad, says) in [
            ("", "is not a URL"),
            ("mysql://u@h/d", "expected `postgresql://`"),
            ("postgresql://h/d", "names no user"),
            ("postgresql://u:%ff@h/d", "not UTF-8"),
            ("postgresql://u@h:x/d", "is not a URL"),
            ("postgresql://u@/d", "empty host"),
            ("postgresql:///d", "needs a host"),
            ("postgresql://u@a,b/d", "several hosts"),
            ("postgresql://u@h/d?sslmode=yes", "expected one of disable"),
            (
                "postgresql://u@h/d?sslcrl=x",
                "`sslcrl`, which is not known",
            ),
            ("postgresql://u@h/d?sslcert=/nowhere", "sslcert and sslkey"),
            (
                "postgresql://u@h/d?sslmode=verify-full&sslrootcert=/nowhere",
                "/nowhere",
            ),
            (
                "postgresql://u@h/d?channel_binding=1",
                "expected one of disable",
            ),
        ] {
            let error = read(bad).err().unwrap_or_default();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
