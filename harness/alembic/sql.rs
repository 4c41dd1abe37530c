//! The subject of a recorded statement: enough of SQL's words to say where an object
//! came from, also inside a block or a string that a block executes.
//!
//! It only finds places to show; no verdict rests on it.

/// The words of a statement: identifiers as PostgreSQL folds them
/// (<https://www.postgresql.org/docs/current/sql-syntax-lexical.html>), and marks such
/// as `.` and `(`. Comments are left out; what is quoted as a string is read as well.
#[must_use]
pub fn words(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' {
            let (name, taken) = quoted(rest);
            found.push(name);
            taken
        } else if first.is_alphanumeric() || first == '_' {
            let inside = |letter: char| letter.is_alphanumeric() || letter == '_';
            let end = rest.find(|letter| !inside(letter)).unwrap_or(rest.len());
            found.push(rest[..end].to_lowercase());
            end
        } else {
            if ".,();".contains(first) {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[taken..];
    }
    found
}

/// A quoted identifier at the start of a text, and how many bytes it takes.
fn quoted(text: &str) -> (String, usize) {
    let mut name = String::new();
    let mut letters = text.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != '"' {
            name.push(letter);
        } else if letters.next_if(|(_, next)| *next == '"').is_some() {
            name.push('"');
        } else {
            return (name, at + 1);
        }
    }
    (name, text.len())
}

/// Tells whether a statement names something, as a whole word.
#[must_use]
pub fn mentions(sql: &str, name: &str) -> bool {
    words(sql).iter().any(|word| word == name)
}

/// Tells whether a statement names all of these, as whole words.
#[must_use]
pub fn mentions_all(sql: &str, names: &[&str]) -> bool {
    let words = words(sql);
    let is_named = |name: &&str| words.iter().any(|word| word == name);
    names.iter().all(is_named)
}

/// Tells whether a statement reads or changes rows, by its first word.
#[must_use]
pub fn is_about_rows(sql: &str) -> bool {
    const ABOUT_ROWS: &[&str] = &[
        "select", "insert", "update", "delete", "with", "values", "copy",
    ];
    let words = words(sql);
    words
        .iter()
        .find(|word| *word != "(")
        .is_some_and(|first| ABOUT_ROWS.contains(&first.as_str()))
}

/// The creation of an object of a kind (`table`, `index`, `type`, ...) and name by a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// Tells whether `IF NOT EXISTS` lets it pass where the name is taken.
    pub guarded: bool,
}

/// Tells whether a statement creates `name`, which may be qualified there.
#[must_use]
pub fn creates(sql: &str, kind: &str, name: &str) -> Option<Creation> {
    let words = words(sql);
    let starts = words
        .iter()
        .enumerate()
        .filter(|(_, word)| *word == "create");
    starts.map(|(at, _)| &words[at + 1..]).find_map(|rest| {
        // CREATE UNIQUE INDEX CONCURRENTLY, CREATE UNLOGGED TABLE, CREATE OR REPLACE VIEW
        let at = rest.iter().take(4).position(|word| word == kind)?;
        let mut named = &rest[at + 1..];
        if let [first, others @ ..] = named
            && first == "concurrently"
        {
            named = others;
        }
        let guarded = named.starts_with(&["if".into(), "not".into(), "exists".into()]);
        if guarded {
            named = &named[3..];
        }
        (object(named)? == name).then_some(Creation { guarded })
    })
}

/// The tables that a statement creates, and with their table the columns that it adds.
#[must_use]
pub fn added(sql: &str) -> Vec<(String, Option<String>)> {
    let words = words(sql);
    let mut found = Vec::new();
    let mut altered = None;
    for (at, word) in words.iter().enumerate() {
        let rest = after_guard(&words[at + 1..]);
        match word.as_str() {
            "table" => {
                let is_creation = words[..at].iter().rev().take(3).any(|one| one == "create");
                let table = object(rest).map(str::to_owned);
                found.extend(
                    table
                        .clone()
                        .filter(|_| is_creation)
                        .map(|table| (table, None)),
                );
                altered = table;
            }
            "add" => {
                let named = match rest {
                    [first, others @ ..] if first == "column" => after_guard(others),
                    _ => rest,
                };
                let column = named
                    .first()
                    .filter(|one| !CONSTRAINTS.contains(&one.as_str()));
                if let (Some(table), Some(column)) = (&altered, column) {
                    found.push((table.clone(), Some(column.clone())));
                }
            }
            _ => {}
        }
    }
    found
}

/// Words after ADD that begin no column.
const CONSTRAINTS: &[&str] = &[
    "constraint",
    "check",
    "unique",
    "primary",
    "foreign",
    "exclude",
    "value",
    "table",
    "generated",
];

/// The words after `IF NOT EXISTS`, `IF EXISTS` or `ONLY`.
fn after_guard(words: &[String]) -> &[String] {
    let is_guard = |word: &&String| ["if", "not", "exists", "only"].contains(&word.as_str());
    &words[words.iter().take_while(is_guard).count()..]
}

/// Tells whether a statement drops `name`, or something of it.
#[must_use]
pub fn drops(sql: &str, name: &str) -> bool {
    let words = words(sql);
    let drop = words.iter().position(|word| word == "drop");
    drop.is_some_and(|at| words[at..].iter().any(|word| word == name))
}

/// A statement that makes or drops an index, beside writers; `None` for any other.
#[must_use]
pub fn concurrently(sql: &str) -> Option<String> {
    let upper = sql.to_ascii_uppercase();
    let verb = upper.split_whitespace().next()?;
    let at = upper.find(" INDEX ")? + " INDEX".len();
    let is_of_index = ["CREATE", "DROP"].contains(&verb);
    is_of_index.then(|| format!("{} CONCURRENTLY{}", &sql[..at], &sql[at..]))
}

/// Tells whether a statement drops a table or a column, with the values in it.
#[must_use]
pub fn drops_values(sql: &str) -> bool {
    /// Parts of a column or table that hold no values.
    const WITHOUT_VALUES: &[&str] = &["constraint", "default", "expression", "identity", "not"];
    let words = words(sql);
    let of_table = words.iter().any(|word| word == "table");
    let mut pairs = words.windows(2);
    of_table && pairs.any(|two| two[0] == "drop" && !WITHOUT_VALUES.contains(&two[1].as_str()))
}

/// Tells whether a statement gives what is called `name` another name.
#[must_use]
pub fn renames(sql: &str, name: &str) -> bool {
    let words = words(sql);
    let is_renamed = |at: usize| {
        words
            .get(at + 1)
            .is_some_and(|word| word == "to" || word == "rename")
    };
    let mut named = words.iter().enumerate().filter(|(_, word)| *word == name);
    words.iter().any(|word| word == "rename") && named.any(|(at, _)| is_renamed(at))
}

/// Tells whether a statement gives an object the new name `name`.
#[must_use]
pub fn renames_to(sql: &str, name: &str) -> bool {
    let words = words(sql);
    let to = |pair: &[String]| pair[0] == "to" && pair[1] == name;
    words.iter().any(|word| word == "rename") && words.windows(2).any(to)
}

/// Tells whether a statement makes a constraint of that name.
#[must_use]
pub fn adds_constraint(sql: &str, name: &str) -> bool {
    let words = words(sql);
    let named = |pair: &[String]| pair[0] == "constraint" && pair[1] == name;
    words.windows(2).any(named) && !words.iter().any(|word| word == "drop")
}

/// The last part of a name that may be qualified: `public.orders` is `orders`.
fn object(words: &[String]) -> Option<&str> {
    match words {
        [_, dot, name, ..] if dot == "." => Some(name),
        [name, ..] => Some(name),
        [] => None,
    }
}

/// The names of `public."Odd name"`, without their quotes.
#[must_use]
pub fn identifiers(qualified: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut quoted = false;
    let mut letters = qualified.trim().chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.next_if_eq(&'"').is_some() => push(&mut names, '"'),
            '"' => quoted = !quoted,
            '.' if !quoted => names.push(String::new()),
            letter => push(&mut names, letter),
        }
    }
    names
}

fn push(names: &mut [String], letter: char) {
    if let Some(name) = names.last_mut() {
        name.push(letter);
    }
}

/// A foreign key of one column that a statement adds to a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The table.
    pub table: String,
    /// Its column.
    pub column: String,
    /// The table that it refers to.
    pub parent: String,
    /// The column there; `None` where it is the primary key.
    pub key: Option<String>,
}

/// The first foreign key of one column that a statement adds to a table that there is.
#[must_use]
pub fn foreign_key(sql: &str) -> Option<ForeignKey> {
    let words = words(sql);
    let after = |from: usize, word: &str| {
        let found = words[from..].iter().position(|one| one == word);
        found.map(|at| from + at + 1)
    };
    let alter = after(0, "alter").filter(|at| words.get(*at).is_some_and(|one| one == "table"))?;
    let named: Vec<String> = words[alter + 1..]
        .iter()
        .filter(|word| !["only", "if", "exists"].contains(&word.as_str()))
        .cloned()
        .collect();
    let foreign = after(alter, "foreign")?;
    let open = after(foreign, "(")?;
    let references = after(open, "references")?;
    if words.get(open + 1).is_none_or(|word| word != ")") {
        return None;
    }
    let parent = object(&words[references..])?;
    let is_qualified = words.get(references + 1).is_some_and(|word| word == ".");
    let list = references + if is_qualified { 3 } else { 1 };
    let is_list = words.get(list).is_some_and(|word| word == "(");
    Some(ForeignKey {
        table: object(&named)?.to_owned(),
        column: words.get(open)?.clone(),
        parent: parent.to_owned(),
        key: words.get(list + 1).filter(|_| is_list).cloned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_out_of_their_quotes() {
        assert_eq!(identifiers("public.essays"), ["public", "essays"]);
        assert_eq!(identifiers("\"a.b\".\"c\"\"d\".e"), ["a.b", "c\"d", "e"]);
    }

    #[test]
    fn words_are_folded_as_postgresql_folds_them() {
        assert_eq!(
            words("CREATE TYPE App.\"Essay \"\"S\" -- not this\n/* nor this */ AS ENUM ('a')"),
            [
                "create",
                "type",
                "app",
                ".",
                "Essay \"S",
                "as",
                "enum",
                "(",
                "a",
                ")"
            ]
        );
    }

    #[test]
    fn a_creation_is_of_that_name_and_no_other() {
        for (sql, kind, name, guarded) in [
            ("CREATE INDEX ix_a ON t (a)", "index", "ix_a", Some(false)),
            (
                "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix_a ON t (a)",
                "index",
                "ix_a",
                Some(true),
            ),
            ("CREATE INDEX ix_a_2 ON t (a)", "index", "ix_a", None),
            (
                "CREATE TABLE relay.t2 AS SELECT * FROM t",
                "table",
                "t",
                None,
            ),
            (
                "CREATE UNLOGGED TABLE IF NOT EXISTS relay.t (id int)",
                "table",
                "t",
                Some(true),
            ),
            ("ALTER TABLE t RENAME created_at TO t2", "table", "t", None),
            (
                "DO $$ BEGIN EXECUTE 'CREATE TYPE st AS ENUM (''a'')'; END $$",
                "type",
                "st",
                Some(false),
            ),
        ] {
            let found = creates(sql, kind, name).map(|creation| creation.guarded);
            assert_eq!(found, guarded, "{sql}");
        }
    }

    #[test]
    fn a_name_goes_with_a_drop_or_a_rename() {
        assert!(drops("DROP INDEX IF EXISTS public.ix_a", "ix_a"));
        assert!(drops("ALTER TABLE t DROP COLUMN a", "a"));
        assert!(renames("ALTER TYPE st RENAME TO st_old", "st"));
        assert!(!renames("ALTER TYPE st RENAME TO st_old", "st_old"));
        assert!(renames("ALTER TABLE t RENAME a TO b", "a"));
        assert!(adds_constraint(
            "ALTER TABLE t ADD CONSTRAINT uq UNIQUE (a)",
            "uq"
        ));
        assert!(renames_to("ALTER TYPE st RENAME TO st_old", "st_old"));
        assert!(!drops("CREATE INDEX ix_a ON t (a)", "ix_a"));
    }

    #[test]
    fn an_index_is_made_and_dropped_beside_writers() {
        let made = concurrently("create unique index i on a (b)");
        assert_eq!(
            made.as_deref(),
            Some("create unique index CONCURRENTLY i on a (b)")
        );
        let dropped = concurrently("DROP INDEX public.i");
        assert_eq!(dropped.as_deref(), Some("DROP INDEX CONCURRENTLY public.i"));
        assert_eq!(concurrently("ALTER INDEX i RENAME TO j"), None);
    }

    #[test]
    fn values_go_with_a_table_or_a_column() {
        for sql in [
            "DROP TABLE t",
            "ALTER TABLE t DROP COLUMN a",
            "alter table t drop a",
            "ALTER TABLE t DROP CONSTRAINT c, DROP COLUMN IF EXISTS a",
        ] {
            assert!(drops_values(sql), "{sql}");
        }
        for sql in [
            "ALTER TABLE t ALTER COLUMN a DROP NOT NULL",
            "ALTER TABLE t ALTER a DROP DEFAULT",
            "ALTER TABLE t DROP CONSTRAINT c",
            "DROP INDEX i",
        ] {
            assert!(!drops_values(sql), "{sql}");
        }
    }

    #[test]
    fn a_foreign_key_is_found_in_its_statement() {
        let found = |sql: &str| {
            let one = super::foreign_key(sql)?;
            let key = one.key.unwrap_or_default();
            Some([one.table, one.column, one.parent, key].join(" "))
        };
        for (sql, expected) in [
            (
                "ALTER TABLE items ADD CONSTRAINT c FOREIGN KEY(order_id) REFERENCES orders (id)",
                Some("items order_id orders id"),
            ),
            (
                "ALTER TABLE ONLY s.items ADD FOREIGN KEY (\"o\") REFERENCES s.orders NOT VALID",
                Some("items o orders "),
            ),
            (
                "ALTER TABLE a ADD FOREIGN KEY (b, c) REFERENCES d (e, f)",
                None,
            ),
            ("CREATE TABLE a (b int REFERENCES c)", None),
        ] {
            assert_eq!(found(sql).as_deref(), expected, "{sql}");
        }
    }
}
