//! Edits of a statement that is one call, as those of `op` are, and of what stands around it.

use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;

use super::{Source, range};
use crate::patch::Edit;

impl Source {
    /// The edits that give the call on a line a keyword argument, in the place of one of that name.
    #[must_use]
    pub fn with_keyword(&self, line: u32, name: &str, value: &str) -> Option<Vec<Edit>> {
        let call = self.call(line)?;
        let keywords = &call.arguments.keywords;
        let is_named = |keyword: &&ruff_python_ast::Keyword| {
            keyword.arg.as_ref().is_some_and(|arg| arg.as_str() == name)
        };
        if let Some(keyword) = keywords.iter().find(is_named) {
            let at = self.at(range(keyword.value.range()));
            let text = value.to_owned();
            return Some(vec![Edit { at, text }]);
        }
        // Whatever is unpacked may have it too.
        if keywords.iter().any(|keyword| keyword.arg.is_none()) {
            return None;
        }
        let positional = call.arguments.args.iter().map(|one| range(one.range()).end);
        let named = keywords.iter().map(|one| range(one.range()).end);
        let last = positional.chain(named).max()?;
        Some(vec![Edit {
            at: self.at(last..last),
            text: format!(", {name}={value}"),
        }])
    }

    /// The edits that make another statement of SQL of the one that the call on a line executes,
    /// where that is written out in it.
    #[must_use]
    pub fn with_sql(&self, line: u32, other: impl Fn(&str) -> Option<String>) -> Option<Vec<Edit>> {
        let call = self.call(line)?;
        let is_execute =
            matches!(&*call.func, Expr::Attribute(one) if one.attr.as_str() == "execute");
        let mut first = call.arguments.args.first().filter(|_| is_execute)?;
        // sa.text("...")
        if let Expr::Call(text) = first {
            first = text.arguments.args.first()?;
        }
        let Expr::StringLiteral(literal) = first else {
            return None;
        };
        let mut parts = literal.value.iter();
        let (part, None) = (parts.next()?, parts.next()) else {
            return None;
        };
        let at = range(part.content_range());
        let written = self.text.get(at.clone())?;
        // Anything that is escaped in it is another text than the one that was executed.
        let text = (!written.contains('\\')).then(|| other(written))??;
        let at = self.at(at);
        Some(vec![Edit { at, text }])
    }

    /// The edits that put lines before the statement on a line.
    #[must_use]
    pub fn with_lines_before(&self, line: u32, lines: &[String]) -> Option<Vec<Edit>> {
        let stmt = self.statement(line)?;
        self.before(stmt, lines)
    }

    /// The edits that put lines after the statement on a line.
    #[must_use]
    pub fn with_lines_after(&self, line: u32, lines: &[String]) -> Option<Vec<Edit>> {
        let stmt = self.statement(line)?;
        self.after(stmt, lines, true)
    }

    /// The edits that put lines in the place of the statement on a line.
    #[must_use]
    pub fn with_lines_instead(&self, line: u32, lines: &[String]) -> Option<Vec<Edit>> {
        let stmt = self.statement(line)?;
        let indentation = self.indentation(stmt)?;
        let at = self.at(range(stmt.range()));
        let text = lines.join(&format!("{}{indentation}", self.end_of_line()));
        Some(vec![Edit { at, text }])
    }

    /// The edits that put lines at the beginning of a function of the module.
    #[must_use]
    pub fn with_first_lines(&self, function: &str, lines: &[String]) -> Option<Vec<Edit>> {
        let body = &self.function(function)?.body;
        let is_text =
            |stmt: &&Stmt| matches!(stmt, Stmt::Expr(one) if one.value.is_string_literal_expr());
        let first = body.iter().find(|stmt| !is_text(stmt))?;
        self.before(first, lines)
    }

    /// Tells whether the statement on a line stands in a block whose header has such a call.
    #[must_use]
    pub fn is_within(&self, line: u32, name: &str) -> bool {
        fn blocks<'a>(body: &'a [Stmt], found: &mut Vec<&'a ruff_python_ast::StmtWith>) {
            for stmt in body {
                match stmt {
                    Stmt::With(one) => {
                        found.push(one);
                        blocks(&one.body, found);
                    }
                    Stmt::FunctionDef(one) => blocks(&one.body, found),
                    Stmt::If(one) => {
                        blocks(&one.body, found);
                        let others = one.elif_else_clauses.iter();
                        others.for_each(|clause| blocks(&clause.body, found));
                    }
                    Stmt::For(one) => blocks(&one.body, found),
                    _ => {}
                }
            }
        }
        let mut found = Vec::new();
        blocks(&self.body, &mut found);
        let calls = |item: &ruff_python_ast::WithItem| match &item.context_expr {
            Expr::Call(call) => match &*call.func {
                Expr::Attribute(one) => one.attr.as_str() == name,
                _ => false,
            },
            _ => false,
        };
        found
            .iter()
            .any(|block| self.lines(*block).contains(&line) && block.items.iter().any(calls))
    }

    fn before(&self, stmt: &Stmt, lines: &[String]) -> Option<Vec<Edit>> {
        let indentation = self.indentation(stmt)?;
        let start = range(stmt.range()).start;
        let end = format!("{}{indentation}", self.end_of_line());
        let text = lines.iter().map(|line| format!("{line}{end}")).collect();
        let at = self.at(start..start);
        Some(vec![Edit { at, text }])
    }

    /// The call that the statement on a line is.
    fn call(&self, line: u32) -> Option<&ExprCall> {
        match self.statement(line)? {
            Stmt::Expr(one) => one.value.as_call_expr(),
            _ => None,
        }
    }
}
