//! The effects of a service's statements on more than its database: [`ClusterObjects`].
//!
//! On a server that others use too, things come and go that are none of the service's.
//! Only what its statements name is put back; what it is to be dropped for, a statement
//! must have created.

use std::collections::BTreeSet;

/// The names in statements about what a whole server has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClusterObjects {
    /// (kind, name) of what was created, by the snapshot's words for kinds.
    created: BTreeSet<(&'static str, String)>,
    /// Every name in such a statement.
    named: BTreeSet<String>,
}

/// The words after CREATE, ALTER or DROP, and what they stand for
/// (<https://www.postgresql.org/docs/current/sql-commands.html>).
const KINDS: &[(&str, &str)] = &[
    ("role", "role"),
    ("user", "role"),
    ("group", "role"),
    ("database", "database"),
    ("tablespace", "tablespace"),
    ("system", "system setting"),
];

/// Functions that make or drop what belongs to no database
/// (<https://www.postgresql.org/docs/current/functions-admin.html>).
const FUNCTIONS: &[&str] = &[
    "pg_create_physical_replication_slot",
    "pg_create_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_copy_logical_replication_slot",
    "pg_drop_replication_slot",
    "pg_replication_origin_create",
];

/// The placeholder for the user who runs a statement.
const ONESELF: &[&str] = &["current_user", "session_user", "current_role"];

impl ClusterObjects {
    /// Looks at a statement, also inside a block; it was run by `user`.
    pub fn note(&mut self, sql: &str, user: &str) {
        let words = words(sql);
        let mut concerns = false;
        for (at, word) in words.iter().enumerate() {
            let follows = |offset: usize| words.get(at + offset).map(Word::lower);
            let kind = follows(1).and_then(|next| kind(&next));
            match (word.lower().as_str(), kind) {
                ("create", Some(kind)) => {
                    concerns = true;
                    let skipped = if follows(2).as_deref() == Some("if") {
                        3
                    } else {
                        0
                    };
                    if let Some(name) = words.get(at + 2 + skipped) {
                        self.created.insert((kind, name.name()));
                    }
                }
                ("alter" | "drop", Some(_)) | ("grant" | "revoke" | "reassign", _) => {
                    concerns = true;
                }
                ("comment" | "label", _) => {}
                (function, _) => concerns |= FUNCTIONS.contains(&function),
            }
        }
        if concerns {
            let oneself = words
                .iter()
                .any(|word| ONESELF.contains(&word.lower().as_str()));
            self.named.extend(words.iter().map(Word::name));
            self.named.extend(oneself.then(|| user.to_owned()));
        }
    }

    /// Tells whether nothing of the server can have changed.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.named.is_empty()
    }

    /// Tells whether a difference between two snapshots can be theirs: something new that they
    /// created, or something that they name.
    pub(super) fn accounts_for(&self, kind: &str, name: &str, is_new: bool) -> bool {
        let unquoted = |name: &str| {
            let inner = name
                .strip_prefix('"')
                .and_then(|name| name.strip_suffix('"'));
            inner.map_or_else(|| name.to_owned(), |inner| inner.replace("\"\"", "\""))
        };
        match kind {
            "role" | "database" | "tablespace" if is_new => self
                .created
                .iter()
                .any(|one| one.0 == kind && one.1 == name),
            "membership" => name
                .split(" TO ")
                .all(|role| self.named.contains(&unquoted(role))),
            "role setting" if name == "ALL" => self.named.contains("all"),
            _ => self.named.contains(&unquoted(name)),
        }
    }
}

fn kind(word: &str) -> Option<&'static str> {
    let found = KINDS.iter().find(|(name, _)| *name == word);
    found.map(|(_, kind)| *kind)
}

/// A word of a statement.
struct Word {
    text: String,
    quoted: bool,
}

impl Word {
    /// The word as a keyword; a quoted one is none.
    fn lower(&self) -> String {
        match self.quoted {
            true => String::new(),
            false => self.text.to_lowercase(),
        }
    }

    /// The word as an identifier
    /// (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>).
    fn name(&self) -> String {
        match self.quoted {
            true => self.text.clone(),
            false => self.text.to_lowercase(),
        }
    }
}

/// The identifiers and keywords of a statement; what stands in strings is read too, since
/// a block may execute it, and functions take names as strings.
fn words(sql: &str) -> Vec<Word> {
    let mut words = Vec::new();
    let mut letters = sql.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut text = String::new();
        let quoted = letter == '"';
        if quoted {
            while let Some(letter) = letters.next() {
                if letter == '"' && letters.next_if_eq(&'"').is_none() {
                    break;
                }
                text.push(letter);
            }
        } else if letter.is_alphabetic() || letter == '_' {
            text.push(letter);
            while let Some(letter) =
                letters.next_if(|letter| letter.is_alphanumeric() || "_$".contains(*letter))
            {
                text.push(letter);
            }
        } else {
            continue;
        }
        words.push(Word { text, quoted });
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(sql: &str) -> ClusterObjects {
        let mut touched = ClusterObjects::default();
        touched.note(sql, "guest");
        touched
    }

    #[test]
    fn what_is_created_is_read_as_postgresql_reads_it() {
        for (sql, kind, name) in [
            ("CREATE ROLE App_Reader", "role", "app_reader"),
            (
                "create user \"Unusual Relay\" login",
                "role",
                "Unusual Relay",
            ),
            ("CREATE ROLE \"a\"\"b\";", "role", "a\"b"),
            ("DO $$ BEGIN CREATE ROLE relay; END $$", "role", "relay"),
            (
                "DO $$ BEGIN EXECUTE 'CREATE ROLE relay'; END $$",
                "role",
                "relay",
            ),
            ("CREATE ROLE a; CREATE GROUP b", "role", "b"),
            ("CREATE DATABASE reports TEMPLATE x", "database", "reports"),
            ("CREATE TABLESPACE fast LOCATION '/x'", "tablespace", "fast"),
        ] {
            assert!(touched(sql).accounts_for(kind, name, true), "{sql}");
            assert!(!touched(sql).accounts_for(kind, "x", true), "{sql}");
        }
        for sql in [
            "CREATE TABLE users (id int)",
            "CREATE ROLES x",
            "SELECT 'role'",
        ] {
            assert!(touched(sql).is_nothing(), "{sql}");
        }
    }

    #[test]
    fn what_is_changed_has_to_be_named() {
        let oneself = touched("ALTER ROLE CURRENT_USER SET search_path = app");
        assert!(oneself.accounts_for("role setting", "guest", true));
        assert!(!oneself.accounts_for("role setting", "other", true));
        assert!(!oneself.accounts_for("role", "guest", true));
        let all = touched("ALTER ROLE ALL SET work_mem = '1MB'");
        assert!(all.accounts_for("role setting", "ALL", false));
        let granted = touched("GRANT readers TO guest");
        assert!(granted.accounts_for("membership", "readers TO guest", true));
        assert!(!granted.accounts_for("membership", "readers TO other", true));
        let slot = touched("SELECT pg_create_physical_replication_slot('my_slot')");
        assert!(slot.accounts_for("replication slot", "my_slot", true));
        let system = touched("ALTER SYSTEM SET work_mem = '1MB'");
        assert!(system.accounts_for("system setting", "work_mem", true));
    }
}
