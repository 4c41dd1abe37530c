//! The roles that migrations create: they belong to the server, not the database.

use crate::alembic::transcript::Transcript;
use crate::manifest::{Baseline, Service};

/// The roles that the statements of a transcript create.
pub(super) fn created(transcript: &Transcript) -> Vec<String> {
    transcript
        .statements
        .iter()
        .flat_map(|statement| created_by(&statement.sql))
        .collect()
}

/// The roles that `postgres.prepare` and a baseline create.
pub(super) fn prepared(service: &Service) -> Vec<String> {
    let baseline = match &service.baseline {
        Some(Baseline::Sql(script)) => Some(script),
        Some(Baseline::Models(_)) | None => None,
    };
    let scripts = service.prepare.iter().chain(baseline);
    let statements = scripts.flat_map(|script| &script.statements);
    statements
        .flat_map(|statement| created_by(&statement.sql))
        .collect()
}

/// The names after CREATE ROLE, USER or GROUP
/// (<https://www.postgresql.org/docs/current/sql-createrole.html>), also inside a block.
fn created_by(sql: &str) -> Vec<String> {
    let mut roles = Vec::new();
    let mut rest = sql;
    while let Some(after) = after_word(rest, "create") {
        rest = after;
        let kind = ["role", "user", "group"].into_iter().find_map(|kind| {
            let after = rest.trim_start();
            let word = after.get(..kind.len())?;
            word.eq_ignore_ascii_case(kind)
                .then(|| &after[kind.len()..])
        });
        roles.extend(
            kind.filter(|name| name.starts_with(char::is_whitespace))
                .and_then(identifier),
        );
    }
    roles
}

/// What follows the next `word`, whatever its case.
fn after_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let found = text.to_ascii_lowercase().find(word)?;
    text.get(found + word.len()..)
}

/// An identifier as PostgreSQL reads it: quoted as it stands, otherwise in lower case
/// (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>).
fn identifier(text: &str) -> Option<String> {
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let name: String = text
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || "_$".contains(*letter))
            .collect();
        return (!name.is_empty()).then(|| name.to_lowercase());
    };
    let mut name = String::new();
    let mut letters = quoted.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if letters.next_if_eq(&'"').is_none() => return Some(name),
            letter => name.push(letter),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_postgresql_reads_them() {
        for (sql, roles) in [
            ("CREATE ROLE App_Reader", vec!["app_reader"]),
            ("create user \"Unusual Relay\" login", vec!["Unusual Relay"]),
            ("CREATE ROLE \"a\"\"b\";", vec!["a\"b"]),
            ("DO $$ BEGIN CREATE ROLE relay; END $$", vec!["relay"]),
            ("CREATE ROLE a; CREATE GROUP b", vec!["a", "b"]),
            ("CREATE TABLE users (id int)", vec![]),
            ("CREATE ROLES x", vec![]),
            ("CREATE ROLE \"open", vec![]),
        ] {
            assert_eq!(created_by(sql), roles, "{sql}");
        }
    }
}
