//! Settings as statements write them, from how PostgreSQL stores them: [`assignment`].

use crate::quoting::quoted;

/// Settings whose value is a list of names: what is stored of them is quoted already, and
/// one literal of it all would be one name. As `pg_dump` knows them
/// (`variable_is_guc_list_quote` in src/bin/pg_dump/dumputils.c); none can be added by an
/// extension.
const LISTS: &[&str] = &[
    "local_preload_libraries",
    "search_path",
    "session_preload_libraries",
    "shared_preload_libraries",
    "temp_tablespaces",
    "unix_socket_directories",
];

/// A setting and its stored value as `SET` takes them: `"search_path" TO E'app', E'public'`.
pub(super) fn assignment(name: &str, value: &str) -> String {
    let is_list = LISTS.iter().any(|list| list.eq_ignore_ascii_case(name));
    let values = match is_list {
        true => elements(value),
        false => vec![value.to_owned()],
    };
    let literals: Vec<String> = values.iter().map(|value| literal(value)).collect();
    format!("{} TO {}", variable(name), literals.join(", "))
}

/// A setting's name: one or two identifiers.
pub(super) fn variable(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

/// A string literal, whatever `standard_conforming_strings` says.
pub(super) fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The names in a stored list, without their quotes. An empty list is one empty name: that
/// is how it is written.
fn elements(list: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    let mut letters = list.chars().peekable();
    while let Some(letter) = letters.next() {
        let name = names.last_mut();
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => {
                name.into_iter().for_each(|name| name.push('"'))
            }
            '"' => quoted = !quoted,
            ',' if !quoted => names.push(String::new()),
            letter if quoted || !letter.is_whitespace() => {
                name.into_iter().for_each(|name| name.push(letter))
            }
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_set_name_by_name() {
        for (name, value, set) in [
            (
                "search_path",
                "app, public",
                "\"search_path\" TO E'app', E'public'",
            ),
            (
                "search_path",
                "\"$user\", \"a, \"\"b\"\"\"",
                "\"search_path\" TO E'$user', E'a, \"b\"'",
            ),
            ("search_path", "\"\"", "\"search_path\" TO E''"),
            ("Temp_Tablespaces", "", "\"Temp_Tablespaces\" TO E''"),
            ("DateStyle", "ISO, DMY", "\"DateStyle\" TO E'ISO, DMY'"),
            ("app.user", "it's\\", "\"app\".\"user\" TO E'it''s\\\\'"),
        ] {
            assert_eq!(assignment(name, value), set);
        }
    }
}
