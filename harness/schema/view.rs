//! The query of a view in one spelling.
//!
//! Up to PostgreSQL 15, `pg_get_viewdef` writes `essays.title`; from 16 on it writes
//! `title` where the query reads from one relation only. A text must not depend on that.
//! Source: `get_variable` in PostgreSQL's `ruleutils.c`, which leaves out the name in
//! front unless `varprefix` is set.

/// A piece of SQL; together they are the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    /// A name or keyword, quoted or not.
    Word(&'a str),
    /// One other character.
    Sign(&'a str),
    /// Blanks, numbers, and texts in quotes.
    Rest(&'a str),
}

impl<'a> Token<'a> {
    fn text(self) -> &'a str {
        match self {
            Self::Word(text) | Self::Sign(text) | Self::Rest(text) => text,
        }
    }

    fn is(self, word: &str) -> bool {
        matches!(self, Self::Word(text) if text.eq_ignore_ascii_case(word))
    }
}

/// The words that end the `FROM` of a query.
const AFTER_FROM: &[&str] = &[
    "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR",
];
/// The words that make a query read from more than one relation.
const SEVERAL: &[&str] = &["JOIN", "UNION", "INTERSECT", "EXCEPT"];

/// The query without the name of its only relation in front of columns.
pub fn one_spelling(query: &str) -> String {
    let tokens = tokens(query);
    let Some(relation) = only_relation(&tokens) else {
        return query.to_owned();
    };
    let named = output_names(&tokens);
    let mut text = String::with_capacity(query.len());
    let mut in_subquery: Vec<bool> = Vec::new();
    let mut at = 0;
    let mut ordering = false;
    while let Some(token) = tokens.get(at) {
        match token {
            Token::Sign("(") => in_subquery
                .push(in_subquery.last() == Some(&true) || opens_subquery(&tokens[at + 1..])),
            Token::Sign(")") => drop(in_subquery.pop()),
            word if in_subquery.is_empty() && word.is("ORDER") => ordering = true,
            _ => {}
        }
        if *token == relation
            && in_subquery.last() != Some(&true)
            && let Some(column) = column_after(&tokens, at)
        {
            // There the plain name would be that of the result.
            if !(ordering && named.contains(&column)) {
                at += 2;
                continue;
            }
        }
        text.push_str(token.text());
        at += 1;
    }
    text
}

/// The column that the name at `at` stands in front of; `None` where it is the schema of
/// a function, type or relation, or a name of its own.
fn column_after<'a>(tokens: &[Token<'a>], at: usize) -> Option<&'a str> {
    let (Some(Token::Sign(".")), Some(Token::Word(column))) =
        (tokens.get(at + 1), tokens.get(at + 2))
    else {
        return None;
    };
    let after = matches!(tokens.get(at + 3), Some(Token::Sign("(" | ".")));
    let before = matches!(tokens[..at].last(), Some(Token::Sign("." | ":")));
    let blank = |token: &&Token<'_>| token.text().trim().is_empty();
    let from = tokens[..at]
        .iter()
        .rev()
        .find(|token| !blank(token))
        .is_some_and(|token| token.is("FROM"));
    (!after && !before && !from).then_some(column)
}

/// The name of the only relation that the query reads from; `None` where there are several.
fn only_relation<'a>(tokens: &[Token<'a>]) -> Option<Token<'a>> {
    let outside = outside_of_parentheses(tokens);
    if outside
        .iter()
        .any(|token| SEVERAL.iter().any(|word| token.is(word)))
    {
        return None;
    }
    let from = outside.iter().position(|token| token.is("FROM"))?;
    let item = outside[from + 1..]
        .iter()
        .take_while(|token| !AFTER_FROM.iter().any(|word| token.is(word)));
    let item: Vec<Token<'_>> = item.copied().collect();
    if item.contains(&Token::Sign(",")) {
        return None;
    }
    item.into_iter()
        .rev()
        .find(|token| matches!(token, Token::Word(_)))
}

/// The expression that `AS` gives a name to.
fn output_names<'a>(tokens: &[Token<'a>]) -> Vec<&'a str> {
    let outside: Vec<Token<'_>> = outside_of_parentheses(tokens)
        .into_iter()
        .filter(|token| !token.text().trim().is_empty())
        .collect();
    let after = outside.windows(2).filter(|pair| pair[0].is("AS"));
    after.map(|pair| pair[1].text()).collect()
}

fn outside_of_parentheses<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut depth = 0_usize;
    let mut outside = Vec::new();
    for token in tokens {
        match token {
            Token::Sign("(") => depth += 1,
            Token::Sign(")") => depth = depth.saturating_sub(1),
            token if depth == 0 => outside.push(*token),
            _ => {}
        }
    }
    outside
}

fn opens_subquery(after: &[Token<'_>]) -> bool {
    let first = after.iter().find(|token| !token.text().trim().is_empty());
    first.is_some_and(|token| {
        ["SELECT", "WITH", "VALUES"]
            .iter()
            .any(|word| token.is(word))
    })
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let word = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '$';
        let run = |belongs: &dyn Fn(char) -> bool| {
            rest.find(|letter| !belongs(letter)).unwrap_or(rest.len())
        };
        let token = match first {
            '"' => Token::Word(&rest[..quoted(rest, '"')]),
            '\'' => Token::Rest(&rest[..quoted(rest, '\'')]),
            _ if first.is_alphabetic() || first == '_' => Token::Word(&rest[..run(&word)]),
            _ if first.is_ascii_digit() => Token::Rest(&rest[..run(&word)]),
            _ if first.is_whitespace() => Token::Rest(&rest[..run(&char::is_whitespace)]),
            _ => Token::Sign(&rest[..first.len_utf8()]),
        };
        tokens.push(token);
        rest = &rest[token.text().len()..];
    }
    tokens
}

/// The length of a quoted text; a doubled quote begins another one, which does as well.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::one_spelling;

    /// Each as PostgreSQL 15 prints it, and as 16 does.
    #[rstest]
    #[case::one(
        "SELECT essays.id,\n essays.title\n FROM public.essays\n WHERE (essays.id > 1);",
        "SELECT id,\n title\n FROM public.essays\n WHERE (id > 1);"
    )]
    #[case::alias(
        "SELECT e.id FROM public.essays e GROUP BY e.id;",
        "SELECT id FROM public.essays e GROUP BY id;"
    )]
    #[case::quoted(
        "SELECT \"E\".id FROM public.essays \"E\";",
        "SELECT id FROM public.essays \"E\";"
    )]
    #[case::function(
        "SELECT n.n FROM generate_series(1, 3) n(n);",
        "SELECT n FROM generate_series(1, 3) n(n);"
    )]
    #[case::from_subquery(
        "SELECT s.a FROM ( SELECT e.a FROM public.essays e) s;",
        "SELECT a FROM ( SELECT e.a FROM public.essays e) s;"
    )]
    #[case::sublink(
        "SELECT e.id FROM public.essays e WHERE (lower(e.a) IN ( SELECT f.a FROM public.f WHERE (f.id = e.id)));",
        "SELECT id FROM public.essays e WHERE (lower(a) IN ( SELECT f.a FROM public.f WHERE (f.id = e.id)));"
    )]
    #[case::two(
        "SELECT a.id FROM public.a, public.b WHERE (a.id = b.id);",
        "SELECT a.id FROM public.a, public.b WHERE (a.id = b.id);"
    )]
    #[case::join(
        "SELECT a.id FROM (public.a JOIN public.b ON ((a.id = b.id)));",
        "SELECT a.id FROM (public.a JOIN public.b ON ((a.id = b.id)));"
    )]
    #[case::union(
        "SELECT a.id FROM public.a UNION SELECT a.id FROM public.a;",
        "SELECT a.id FROM public.a UNION SELECT a.id FROM public.a;"
    )]
    #[case::whole_row(
        "SELECT e.*::text AS row FROM public.e;",
        "SELECT e.*::text AS row FROM public.e;"
    )]
    #[case::text(
        "SELECT 'e.id'::text AS x FROM public.e;",
        "SELECT 'e.id'::text AS x FROM public.e;"
    )]
    #[case::table_named_as_schema(
        "SELECT public.f(public.id) AS f FROM public.public;",
        "SELECT public.f(id) AS f FROM public.public;"
    )]
    #[case::type_of_a_schema(
        "SELECT e.a::e.b AS x FROM public.e;",
        "SELECT a::e.b AS x FROM public.e;"
    )]
    #[case::order_by_a_name_of_the_result(
        "SELECT lower(e.title) AS title, e.id FROM public.e ORDER BY e.title, e.id;",
        "SELECT lower(title) AS title, id FROM public.e ORDER BY e.title, id;"
    )]
    #[case::no_relation("SELECT 1 AS one;", "SELECT 1 AS one;")]
    fn a_query_has_one_spelling(#[case] of_15: &str, #[case] of_16: &str) {
        assert_eq!(one_spelling(of_15), of_16);
        assert_eq!(one_spelling(of_16), of_16);
    }
}
