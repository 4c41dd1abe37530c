//! Statements of objects, and what is left out of them: [`Section`].

use super::kinds::SectionKind;

/// One object as statements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its schema; `None` for what belongs to the database.
    pub schema: Option<String>,
    /// The kind.
    pub kind: SectionKind,
    /// Its qualified name, as SQL has it.
    pub name: String,
    /// The statements that build it.
    pub statements: String,
}

impl Section {
    /// The line above the statements.
    pub fn header(&self) -> String {
        // A name may hold a line break, a header may not.
        format!(
            "-- {} {}",
            self.kind.name(),
            self.name.replace(['\n', '\r'], " ")
        )
    }
}

/// A statement with its end.
pub fn statement(sql: &str) -> String {
    let sql = sql.trim_end();
    if sql.ends_with(';') {
        sql.to_owned()
    } else {
        format!("{sql};")
    }
}

/// The options of a sequence beyond the defaults of an ascending one of its type.
pub fn beyond_defaults(properties: &str) -> String {
    let largest = match properties.split(' ').nth(1) {
        Some("smallint") => "MAXVALUE 32767",
        Some("integer") => "MAXVALUE 2147483647",
        _ => "MAXVALUE 9223372036854775807",
    };
    let defaults = [
        "AS bigint",
        "START 1",
        "INCREMENT 1",
        "MINVALUE 1",
        largest,
        "CACHE 1",
    ];
    let all = format!(" {properties} ");
    let text = defaults.iter().fold(all, |text, default| {
        text.replacen(&format!(" {default} "), " ", 1)
    });
    text.trim().to_owned()
}
