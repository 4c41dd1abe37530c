//! Files that are written whole or not at all, whoever else reads or writes them.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a file for everyone whom the umask leaves.
///
/// # Errors
/// The directory cannot be written.
pub fn write_whole(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_as(file, bytes, Permissions::from_mode(0o666))
}

/// Writes a file for its owner alone.
///
/// # Errors
/// The directory cannot be written.
pub fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_as(file, bytes, Permissions::from_mode(0o600))
}

/// Writes a file with these permissions, less what the umask takes: a draft beside it, whose
/// renaming replaces the file at once (<https://man7.org/linux/man-pages/man2/rename.2.html>).
///
/// # Errors
/// The directory cannot be written.
pub fn write_as(file: &Path, bytes: &[u8], permissions: Permissions) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut draft = tempfile::Builder::new()
        .prefix(".")
        .suffix(".partial")
        .permissions(permissions)
        .tempfile_in(directory)?;
    draft.write_all(bytes)?;
    draft.persist(file).map(drop).map_err(|failed| failed.error)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_stays_beside_it() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("a.json");
        write_whole(&file, b"first")?;
        write_private(&file, b"second")?;
        assert_eq!(fs::read(&file)?, b"second");
        assert_eq!(fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path())?.count(), 1);
        Ok(())
    }
}
