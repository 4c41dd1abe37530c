//! A text of SQL as [`statements`].

use super::Statement;

/// Text that cannot be told apart into statements.
#[derive(Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// From 1.
    pub line: u32,
    /// A lowercase fragment.
    pub problem: String,
    /// The advice.
    pub help: &'static str,
}

/// The statements of `text`. What `pg_dump` writes for psql alone, `\restrict` and
/// `\unrestrict`, is left out.
pub(super) fn statements(text: &str) -> Result<Vec<Statement>, Unreadable> {
    let mut found = Vec::new();
    let mut reader = Reader { text, at: 0 };
    while let Some(statement) = reader.statement()? {
        found.push(statement);
    }
    Ok(found)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// The reader's position within a statement.
#[derive(Default)]
struct Depth {
    parentheses: usize,
    /// `BEGIN ATOMIC` and `CASE` within the body of a function
    /// (<https://www.postgresql.org/docs/current/sql-createfunction.html>).
    blocks: usize,
    words: Vec<String>,
}

impl Depth {
    fn word(&mut self, word: &str) {
        let word = word.to_ascii_lowercase();
        let is_body = self.words.first().is_some_and(|first| first == "create")
            && (self.words.iter().skip(1)).any(|word| word == "function" || word == "procedure");
        match word.as_str() {
            "begin" if is_body => self.blocks += 1,
            "case" if self.blocks > 0 => self.blocks += 1,
            "end" => self.blocks = self.blocks.saturating_sub(1),
            _ => {}
        }
        // The kind of what is created stands among the first words.
        if self.words.len() < 4 {
            self.words.push(word);
        }
    }

    fn is_none(&self) -> bool {
        self.parentheses == 0 && self.blocks == 0
    }
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn line(&self, at: usize) -> u32 {
        u32::try_from(self.text[..at].matches('\n').count()).unwrap_or(u32::MAX - 1) + 1
    }

    fn unreadable(&self, at: usize, problem: impl Into<String>, help: &'static str) -> Unreadable {
        Unreadable {
            line: self.line(at),
            problem: problem.into(),
            help,
        }
    }

    /// The next statement; `None` at the end.
    fn statement(&mut self) -> Result<Option<Statement>, Unreadable> {
        self.skip_to_statement()?;
        let begin = self.at;
        let mut depth = Depth::default();
        while let Some(letter) = self.rest().chars().next() {
            if letter == ';' && depth.is_none() {
                break;
            }
            self.at += self.piece(letter, &mut depth)?;
        }
        let sql = self.text[begin..self.at].trim_end();
        self.at = (self.at + 1).min(self.text.len());
        if sql.is_empty() {
            return match self.rest().is_empty() {
                true => Ok(None),
                false => self.statement(),
            };
        }
        if is_copy_from_stdin(sql) {
            let help = "write the rows as INSERT: `pg_dump --inserts`, or leave them out: `pg_dump --schema-only`";
            return Err(self.unreadable(
                begin,
                "COPY ... FROM stdin takes its rows from psql",
                help,
            ));
        }
        Ok(Some(Statement {
            line: self.line(begin),
            sql: sql.to_owned(),
        }))
    }

    /// Skips space, comments, and what is for psql alone.
    fn skip_to_statement(&mut self) -> Result<(), Unreadable> {
        while let Some(letter) = self.rest().chars().next() {
            if letter.is_whitespace() {
                self.at += letter.len_utf8();
            } else if let Some(length) = self.comment()? {
                self.at += length;
            } else if letter == '\\' {
                let line = self.rest().lines().next().unwrap_or_default();
                let command = line.split_whitespace().next().unwrap_or_default();
                if !["\\restrict", "\\unrestrict"].contains(&command) {
                    let problem = format!("`{command}` is a command of psql, not SQL");
                    let help = "write what the server is to be told; files are named one by one: prepare = [{ sql = \"a.sql\" }, { sql = \"b.sql\" }]";
                    return Err(self.unreadable(self.at, problem, help));
                }
                self.at += line.len();
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The length of a comment that begins here.
    fn comment(&self) -> Result<Option<usize>, Unreadable> {
        let rest = self.rest();
        if rest.starts_with("--") {
            return Ok(Some(rest.find('\n').unwrap_or(rest.len())));
        }
        if !rest.starts_with("/*") {
            return Ok(None);
        }
        let mut depth = 0_usize;
        let mut at = 0;
        while let Some(letter) = rest[at..].chars().next() {
            let pair = rest.get(at..at + 2).unwrap_or_default();
            depth = match pair {
                "/*" => depth + 1,
                "*/" => depth - 1,
                _ => depth,
            };
            at += if matches!(pair, "/*" | "*/") {
                2
            } else {
                letter.len_utf8()
            };
            if depth == 0 {
                return Ok(Some(at));
            }
        }
        Err(self.never_closed("a comment"))
    }

    fn never_closed(&self, what: &str) -> Unreadable {
        let problem = format!("{what} that is opened here is never closed");
        self.unreadable(self.at, problem, "close it")
    }

    /// The length of the piece that begins with `letter`: a quoted text, a comment, a word or
    /// one letter.
    fn piece(&self, letter: char, depth: &mut Depth) -> Result<usize, Unreadable> {
        let rest = self.rest();
        if let Some(length) = self.comment()? {
            return Ok(length);
        }
        let quoted = match letter {
            '\'' => self.quoted('\'', false),
            '"' => self.quoted('"', false),
            'e' | 'E' if rest[1..].starts_with('\'') => self.quoted('\'', true),
            '$' => match self.dollar_quoted() {
                None => return Ok(1),
                Some(length) => length,
            },
            '(' => {
                depth.parentheses += 1;
                return Ok(1);
            }
            ')' => {
                depth.parentheses = depth.parentheses.saturating_sub(1);
                return Ok(1);
            }
            letter if in_word(letter) => {
                let end = rest.find(|letter| !in_word(letter) && letter != '$');
                let word = &rest[..end.unwrap_or(rest.len())];
                depth.word(word);
                return Ok(word.len());
            }
            other => return Ok(other.len_utf8()),
        };
        quoted.ok_or_else(|| self.never_closed("a quote"))
    }

    /// The length of a text in quotes, also one of `E'...'`.
    fn quoted(&self, quote: char, escapes: bool) -> Option<usize> {
        let begin = if escapes { 2 } else { 1 };
        let mut skip = false;
        let mut letters = self.rest()[begin..].char_indices();
        let end = letters.find(|(_, letter)| {
            let ends = *letter == quote && !skip;
            skip = escapes && *letter == '\\' && !skip;
            ends
        });
        // A doubled quote ends one text and begins another, which comes to the same.
        end.map(|(at, _)| begin + at + 1)
    }

    /// The same for `$tag$ ... $tag$`; the outer `None` where it is no such quote.
    fn dollar_quoted(&self) -> Option<Option<usize>> {
        let rest = self.rest();
        let close = rest[1..].find('$')? + 2;
        let tag = &rest[..close];
        let name = &tag[1..tag.len() - 1];
        let is_tag = name.chars().all(in_word) && !name.starts_with(|c: char| c.is_ascii_digit());
        is_tag.then(|| rest[close..].find(tag).map(|end| close + end + close))
    }
}

fn in_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn is_copy_from_stdin(sql: &str) -> bool {
    let words: Vec<String> = sql
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    let from_stdin = |pair: &[String]| pair[0] == "from" && pair[1].starts_with("stdin");
    words.first().is_some_and(|word| word == "copy") && words.windows(2).any(from_stdin)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::statements;

    #[rstest]
    #[case::nothing(" -- only a remark\n;;\n", &[])]
    #[case::several("a;\n\n b ;c", &[(1, "a"), (3, "b"), (3, "c")])]
    #[case::quotes("a ';' \";\" b; c", &[(1, "a ';' \";\" b"), (1, "c")])]
    #[case::doubled("a 'it''s;'; b", &[(1, "a 'it''s;'"), (1, "b")])]
    #[case::no_escape("a '\\'; b", &[(1, "a '\\'"), (1, "b")])]
    #[case::escape("a E'\\';'; b", &[(1, "a E'\\';'"), (1, "b")])]
    #[case::dollars("DO $x$ a; $$;$$ b; $x$; c", &[(1, "DO $x$ a; $$;$$ b; $x$"), (1, "c")])]
    #[case::no_dollars("a $1; b$c; d", &[(1, "a $1"), (1, "b$c"), (1, "d")])]
    #[case::comments("a /* ; /* ; */ ; */ b -- ;\n; c", &[(1, "a /* ; /* ; */ ; */ b -- ;"), (2, "c")])]
    #[case::before("-- it's\n/* x */ a", &[(2, "a")])]
    #[case::rule("CREATE RULE r AS ON INSERT TO t DO (a; b); c", &[(1, "CREATE RULE r AS ON INSERT TO t DO (a; b)"), (1, "c")])]
    #[case::body(
        "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END; c",
        &[(1, "CREATE OR REPLACE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN a THEN 1 END; SELECT 2; END"), (1, "c")]
    )]
    #[case::transaction("BEGIN; a; END; b", &[(1, "BEGIN"), (1, "a"), (1, "END"), (1, "b")])]
    #[case::of_pg_dump("\\restrict Ab1\nSET a;\n\\unrestrict Ab1\n", &[(2, "SET a")])]
    fn splits(#[case] text: &str, #[case] expected: &[(u32, &str)]) {
        let found = statements(text).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|one| (one.line, one.sql.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[rstest]
    #[case::psql("a;\n\\connect other\nb", 2, "`\\connect` is a command of psql")]
    #[case::quote("a;\nb 'c", 2, "a quote that is opened here")]
    #[case::dollars("$f$ a; $g$", 1, "a quote that is opened here")]
    #[case::comment("a\n/* b", 2, "a comment that is opened here")]
    #[case::copy("\nCOPY public.t (a) FROM stdin;\n1\n\\.\n", 2, "COPY ... FROM stdin")]
    fn what_is_no_sql_is_named(#[case] text: &str, #[case] line: u32, #[case] says: &str) {
        let unreadable = statements(text).unwrap_err();
        assert_eq!(unreadable.line, line);
        assert!(unreadable.problem.contains(says), "{}", unreadable.problem);
    }
}
