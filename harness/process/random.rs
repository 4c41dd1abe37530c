//! Random names, tokens and passwords, from the kernel: [`hex`].

use std::fs::File;
use std::io::{Read, Result};

/// `bytes` random bytes as lower-case hexadecimal digits, which need no quoting
/// in SQL, in a URL, in an ini file or in a shell.
///
/// # Errors
/// When `/dev/urandom` cannot be read.
pub fn hex(bytes: usize) -> Result<String> {
    let mut buffer = vec![0_u8; bytes];
    File::open("/dev/urandom")?.read_exact(&mut buffer)?;
    Ok(buffer.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn has_two_digits_a_byte_and_differs() {
        let (a, b) = (
            super::hex(8).unwrap_or_default(),
            super::hex(8).unwrap_or_default(),
        );
        assert_eq!(a.len(), 16);
        assert_ne!(a, b);
    }
}
