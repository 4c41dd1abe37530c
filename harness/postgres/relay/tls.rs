//! Encryption towards the server, with libpq's words for it: [`Tls`]
//! (<https://www.postgresql.org/docs/current/libpq-ssl.html>).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::{
    CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

/// The encryption of connections to a server.
pub(super) struct Tls {
    /// The encryption; `None` where nothing is to be encrypted.
    pub connector: Option<TlsConnector>,
    /// Tells whether a server without it will do.
    pub optional: bool,
    pub channel_binding: Binding,
    /// Tells whether the client has a certificate to show.
    pub shows_certificate: bool,
    /// The same for libpq.
    pub parameters: Vec<(&'static str, String)>,
}

/// `channel_binding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Binding {
    Disable,
    Prefer,
    Require,
}

/// The parameters of a URL that concern encryption.
const PARAMETERS: [&str; 5] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "channel_binding",
];

/// `sslmode`. Both `allow` and `prefer` do with what there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl Tls {
    /// Reads the parameters of a URL and the files that they name.
    pub fn read(given: &[(String, String)]) -> Result<Self, String> {
        for (name, _) in given {
            let ours = name.starts_with("ssl") || name == "channel_binding";
            if ours && !PARAMETERS.contains(&name.as_str()) {
                return Err(format!(
                    "has `{name}`, which is not known; {} are",
                    PARAMETERS.join(", ")
                ));
            }
        }
        let value = |name: &str| {
            let found = given.iter().rfind(|(given, _)| given == name);
            found.map(|(_, value)| value.as_str())
        };
        let roots = value("sslrootcert");
        let mode = match value("sslmode") {
            Some(mode) => Mode::read(mode)?,
            None if roots == Some(SYSTEM) => Mode::VerifyFull,
            None => Mode::Prefer,
        };
        let certificate = pair(value("sslcert"), value("sslkey"))?;
        let channel_binding = match value("channel_binding") {
            None | Some("prefer") => Binding::Prefer,
            Some("disable") => Binding::Disable,
            Some("require") => Binding::Require,
            Some(other) => {
                return Err(unknown(
                    "channel_binding",
                    other,
                    "disable, prefer, require",
                ));
            }
        };
        let parameters = PARAMETERS.into_iter();
        Ok(Self {
            optional: mode == Mode::Prefer,
            shows_certificate: certificate.is_some(),
            connector: match mode {
                Mode::Disable => None,
                mode => Some(connector(mode, roots, certificate)?),
            },
            channel_binding,
            parameters: parameters
                .filter_map(|name| value(name).map(|value| (name, value.to_owned())))
                .collect(),
        })
    }

    /// The name that the server's certificate has to show.
    pub fn server_name(&self, host: &str) -> Result<ServerName<'static>, String> {
        ServerName::try_from(host.to_owned()).map_err(|e| format!("TLS: {host}: {e}"))
    }

    /// The binding of an authentication to this server's certificate (RFC 5929, section 4).
    pub fn end_point(&self, certificates: Option<&[CertificateDer<'_>]>) -> Option<Vec<u8>> {
        match self.channel_binding {
            Binding::Disable => None,
            Binding::Prefer | Binding::Require => end_point(certificates?.first()?),
        }
    }
}

impl Mode {
    fn read(text: &str) -> Result<Self, String> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            other => {
                let known = "disable, allow, prefer, require, verify-ca, verify-full";
                return Err(unknown("sslmode", other, known));
            }
        })
    }
}

fn unknown(name: &str, value: &str, known: &str) -> String {
    format!("has {name} `{value}`, expected one of {known}")
}

/// The system's own roots, as libpq calls them.
const SYSTEM: &str = "system";

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The client's certificate and key: those that are named, or libpq's in the home.
fn pair(certificate: Option<&str>, key: Option<&str>) -> Result<Option<Pair>, String> {
    let at =
        |named: Option<&str>, usual| named.map_or_else(|| in_home(usual), |path| Some(path.into()));
    let (Some(certificate), Some(key)) =
        (at(certificate, "postgresql.crt"), at(key, "postgresql.key"))
    else {
        return match (certificate, key) {
            (None, None) => Ok(None),
            _ => Err("needs sslcert and sslkey, not one of them".to_owned()),
        };
    };
    let chain = certificates(&certificate)?;
    let key = PrivateKeyDer::from_pem_file(&key)
        .map_err(|e| format!("names the sslkey {}: {e}", key.display()))?;
    Ok(Some((chain, key)))
}

/// A file of libpq's in the home directory, if it is there.
fn in_home(name: &str) -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME")?);
    Some(home.join(".postgresql").join(name)).filter(|path| path.is_file())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let failed = |e| format!("names the certificate {}: {e}", path.display());
    CertificateDer::pem_file_iter(path)
        .map_err(failed)?
        .collect::<Result<Vec<_>, _>>()
        .map_err(failed)
}

/// The roots that a certificate has to come from; `None` where any will do.
fn trusted(
    mode: Mode,
    named: Option<&str>,
) -> Result<Option<Vec<CertificateDer<'static>>>, String> {
    if named == Some(SYSTEM) {
        let found = rustls_native_certs::load_native_certs();
        return Ok(Some(found.certs));
    }
    let path = named.map(PathBuf::from).or_else(|| in_home("root.crt"));
    match path {
        // With roots, `require` is what `verify-ca` is.
        Some(path) if mode >= Mode::Require => certificates(&path).map(Some),
        None if mode >= Mode::VerifyCa => Err(
            "asks for a verified certificate, and names no `sslrootcert` (a file, or `system`)"
                .to_owned(),
        ),
        _ => Ok(None),
    }
}

fn connector(mode: Mode, roots: Option<&str>, pair: Option<Pair>) -> Result<TlsConnector, String> {
    let provider = Arc::new(ring::default_provider());
    let trusted = trusted(mode, roots)?;
    let chain = match &trusted {
        None => None,
        Some(certificates) => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(certificates.iter().cloned());
            let built =
                WebPkiServerVerifier::builder_with_provider(store.into(), Arc::clone(&provider));
            Some(
                built
                    .build()
                    .map_err(|e| format!("names an sslrootcert: {e}"))?,
            )
        }
    };
    let verifier = Verifier {
        provider: Arc::clone(&provider),
        chain,
        trusted: trusted.unwrap_or_default(),
        name: mode == Mode::VerifyFull,
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match pair {
        None => config.with_no_client_auth(),
        Some((chain, key)) => config
            .with_client_auth_cert(chain, key)
            .map_err(|e| format!("names an sslcert: {e}"))?,
    };
    Ok(Arc::new(config).into())
}

/// Verifies as much of a certificate as `sslmode` says.
#[derive(Debug)]
struct Verifier {
    provider: Arc<CryptoProvider>,
    /// Verifies the chain and the name; `None` where any certificate will do.
    chain: Option<Arc<WebPkiServerVerifier>>,
    trusted: Vec<CertificateDer<'static>>,
    /// Tells whether the name counts.
    name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(chain) = &self.chain else {
            return Ok(ServerCertVerified::assertion());
        };
        let verified = chain.verify_server_cert(certificate, intermediates, name, ocsp, now);
        match verified {
            // The name is looked at last.
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) if !self.name => Ok(ServerCertVerified::assertion()),
            // A certificate that signed itself and is trusted by itself, which is how most
            // servers get theirs. It is in order but for being an authority's.
            Err(Error::InvalidCertificate(CertificateError::Other(_)))
                if self.trusted.iter().any(|one| one == certificate) =>
            {
                if self.name {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, name)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// The hash of a certificate that both ends can name: by the hash of its signature, and
/// SHA-256 where that is MD5 or SHA-1. `None` where the signature has no hash of its own.
fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01];
    const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    let algorithm = signature_algorithm(certificate)?;
    let sha256 = || Some(Sha256::digest(certificate).to_vec());
    if algorithm == ECDSA_SHA1 {
        return sha256();
    }
    let (last, family) = algorithm.split_last()?;
    match (family, last) {
        (RSA, 4 | 5 | 11) | (ECDSA_SHA2, 2) => sha256(),
        (RSA, 12) | (ECDSA_SHA2, 3) => Some(Sha384::digest(certificate).to_vec()),
        (RSA, 13) | (ECDSA_SHA2, 4) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

/// The object identifier of a certificate's signature (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    let (whole, _) = element(SEQUENCE, certificate)?;
    let (_, after) = element(SEQUENCE, whole)?;
    let (algorithm, _) = element(SEQUENCE, after)?;
    element(OBJECT_IDENTIFIER, algorithm).map(|(identifier, _)| identifier)
}

/// The content of a DER element with this tag, and what follows it.
fn element(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        ..0x80 => (usize::from(length), rest),
        _ => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let value = digits.iter().try_fold(0_usize, |sum, digit| {
                sum.checked_mul(256).map(|sum| sum + usize::from(*digit))
            })?;
            (value, rest)
        }
    };
    (first == tag).then(|| rest.split_at_checked(length))?
}
