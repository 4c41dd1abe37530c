//! The user that a server of ours runs as: [`Account`].
//!
//! PostgreSQL refuses to run as root
//! (<https://www.postgresql.org/docs/current/postgres-user.html>), so root's
//! servers run as an unprivileged user. What that user may read or execute is
//! found out by trying as that user, never by looking at permission bits.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::error;
use crate::error::Result;

/// An unprivileged user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
}

/// The users tried, in this order.
const NAMES: [&str; 3] = ["postgres", "_postgres", "nobody"];

impl Account {
    /// The account for servers: `None` is the harness's own user, which is right for
    /// everyone but root.
    ///
    /// # Errors
    /// When root has no unprivileged user to use.
    pub fn for_servers() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        NAMES
            .iter()
            .find_map(|name| Self::in_passwd(&passwd, name))
            .map(Some)
            .ok_or_else(|| {
                error("postgresql does not run as root, and there is no user to run it as")
                    .detail(format!("looked in /etc/passwd for {}", NAMES.join(", ")))
                    .help("add a user `postgres`, or run as an ordinary user")
            })
    }

    /// The user `name` of a passwd file, unless it is root by another name.
    fn in_passwd(passwd: &str, name: &str) -> Option<Self> {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            if fields.next() != Some(name) {
                return None;
            }
            // `nobody` is -2 on macOS.
            let mut id = || fields.next()?.parse::<i64>().ok().map(|id| id as u32);
            id(); // the password's field
            let account = Self {
                uid: id()?,
                gid: id()?,
            };
            (account.uid != 0).then_some(account)
        })
    }

    /// Tells whether the user can run `program` with `args` successfully.
    pub fn can_run(self, program: &Path, args: &[&str]) -> bool {
        Command::new(program)
            .args(args)
            .uid(self.uid)
            .gid(self.gid)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }

    /// Tells whether the user can enter `dir`.
    pub fn can_enter(self, dir: &Path) -> bool {
        let dir = dir.to_string_lossy();
        self.can_run(Path::new("/bin/sh"), &["-c", "cd -- \"$1\"", "sh", &dir])
    }
}

/// Gives `path` to `account`, if it is not the harness's own user.
pub fn give(path: &Path, account: Option<Account>) -> std::io::Result<()> {
    match account {
        Some(account) => std::os::unix::fs::lchown(path, Some(account.uid), Some(account.gid)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::Account;

    #[test]
    fn reads_passwd() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\npostgres:x:101:104::/:/bin/sh\nnobody:*:-2:-2::/:\n";
        assert_eq!(
            Account::in_passwd(passwd, "postgres"),
            Some(Account { uid: 101, gid: 104 })
        );
        assert_eq!(
            Account::in_passwd(passwd, "nobody"),
            Some(Account {
                uid: 4_294_967_294,
                gid: 4_294_967_294
            })
        );
        assert_eq!(Account::in_passwd(passwd, "root"), None);
        assert_eq!(Account::in_passwd(passwd, "post"), None);
    }
}
