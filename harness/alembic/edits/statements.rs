//! Edits of whole statements: taken out, moved, wrapped, added.

use std::ops::Range;

use ruff_python_ast::{ExceptHandler, Expr, Stmt, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::{Source, range};
use crate::patch::Edit;

/// A statement that holds no others.
struct Simple<'a> {
    stmt: &'a Stmt,
    /// Tells whether its block has no other statement.
    is_alone: bool,
}

impl Source {
    /// The edits that take out the statement on a line, with its lines; `None` where there is
    /// none, or others stand on these lines.
    #[must_use]
    pub fn without_statement(&self, line: u32) -> Option<Vec<Edit>> {
        let simple = self.simple(line)?;
        let at = range(simple.stmt.range());
        if simple.is_alone {
            let text = "pass".to_owned();
            let at = self.at(at);
            return Some(vec![Edit { at, text }]);
        }
        Some(vec![Edit {
            at: self.at(self.whole_lines(&at)?),
            text: String::new(),
        }])
    }

    /// The edits that move the statement on a line to the end of a function.
    #[must_use]
    pub fn moved_to_end(&self, line: u32, function: &str) -> Option<Vec<Edit>> {
        let simple = self.simple(line)?;
        let last = self.function(function)?.body.last()?;
        if last.range() == simple.stmt.range() {
            return None;
        }
        let lines = self.slice(simple.stmt).lines().map(str::to_owned);
        let mut edits = self.without_statement(line)?;
        edits.extend(self.after(last, &lines.collect::<Vec<_>>(), false)?);
        Some(edits)
    }

    /// The edits that add lines at the end of a function of the module.
    #[must_use]
    pub fn with_lines(&self, function: &str, lines: &[String]) -> Option<Vec<Edit>> {
        let function = self.function(function)?;
        let last = function.body.last()?;
        if is_empty(last)
            && function
                .body
                .iter()
                .all(|one| is_empty(one) || is_docstring(one))
        {
            let indentation = self.indentation(last)?;
            let text = lines.join(&format!("{}{indentation}", self.end_of_line()));
            let at = self.at(range(last.range()));
            return Some(vec![Edit { at, text }]);
        }
        self.after(last, lines, true)
    }

    /// The edits that put the statement on a line into a block.
    #[must_use]
    pub fn within(&self, line: u32, block: &str) -> Option<Vec<Edit>> {
        let simple = self.simple(line)?;
        let at = range(simple.stmt.range());
        let indentation = self.indentation(simple.stmt)?;
        let unit = match indentation.contains('\t') {
            true => "\t",
            false => "    ",
        };
        let end = self.end_of_line();
        let mut edits = vec![Edit {
            at: self.at(at.start..at.start),
            text: format!("{block}{end}{indentation}{unit}"),
        }];
        let text = self.text.get(at.clone())?;
        // Anything that stands in a text of several lines is no indentation.
        let is_text = text.contains("\"\"\"") || text.contains("'''");
        let further = text.match_indices('\n').filter(|_| !is_text);
        edits.extend(further.map(|(end, _)| {
            let start = at.start + end + 1;
            Edit {
                at: self.at(start..start),
                text: unit.to_owned(),
            }
        }));
        Some(edits)
    }

    /// Lines after a statement, in its indentation; those of a statement of the same file keep
    /// their own from the second on.
    pub(super) fn after(
        &self,
        stmt: &Stmt,
        lines: &[String],
        indents_all: bool,
    ) -> Option<Vec<Edit>> {
        let indentation = self.indentation(stmt)?;
        let end = range(stmt.range()).end;
        let rest = self.text.get(end..)?;
        let end = end + rest.find(['\r', '\n']).unwrap_or(rest.len());
        let mut text = String::new();
        for (at, line) in lines.iter().enumerate() {
            let indentation = if indents_all || at == 0 {
                indentation
            } else {
                ""
            };
            text += &format!("{}{indentation}{line}", self.end_of_line());
        }
        let at = self.at(end..end);
        Some(vec![Edit { at, text }])
    }

    /// The function of this name that the module ends up with.
    pub(super) fn function(&self, name: &str) -> Option<&StmtFunctionDef> {
        self.body.iter().rev().find_map(|stmt| match stmt {
            Stmt::FunctionDef(function) if function.name.as_str() == name => Some(function),
            _ => None,
        })
    }

    /// The white space before a statement; `None` where something else stands there.
    pub(super) fn indentation(&self, stmt: &Stmt) -> Option<&str> {
        let start = range(stmt.range()).start;
        let line = self.text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
        let before = self.text.get(line..start)?;
        before
            .chars()
            .all(|letter| letter == ' ' || letter == '\t')
            .then_some(before)
    }

    /// The end of a line as the file has it.
    pub(super) fn end_of_line(&self) -> &'static str {
        match self.text.contains("\r\n") {
            true => "\r\n",
            false => "\n",
        }
    }

    /// The lines of a part that nothing else but a comment stands on.
    fn whole_lines(&self, part: &Range<usize>) -> Option<Range<usize>> {
        let start = self
            .text
            .get(..part.start)?
            .rfind('\n')
            .map_or(0, |at| at + 1);
        let rest = self.text.get(part.end..)?;
        let end = rest
            .find('\n')
            .map_or(self.text.len(), |at| part.end + at + 1);
        let before = self.text.get(start..part.start)?.trim();
        let after = self.text.get(part.end..end)?.trim();
        let is_whole = before.is_empty() && (after.is_empty() || after.starts_with('#'));
        is_whole.then_some(start..end)
    }

    /// The innermost statement on a line.
    pub(super) fn statement(&self, line: u32) -> Option<&Stmt> {
        self.simple(line).map(|simple| simple.stmt)
    }

    /// The same with what is known of its block.
    fn simple(&self, line: u32) -> Option<Simple<'_>> {
        let mut all = Vec::new();
        collect(&self.body, &mut all);
        all.into_iter()
            .find(|simple| self.lines(simple.stmt).contains(&line))
    }

    /// The lines of a part, from 1.
    pub(super) fn lines(&self, part: &impl Ranged) -> std::ops::RangeInclusive<u32> {
        let at = range(part.range());
        let line = |end: usize| {
            let before = self.text.get(..end).unwrap_or_default();
            u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX)
        };
        line(at.start)..=line(at.end)
    }
}

fn is_empty(stmt: &Stmt) -> bool {
    match stmt {
        Stmt::Pass(_) => true,
        Stmt::Expr(one) => one.value.is_ellipsis_literal_expr(),
        _ => false,
    }
}

fn is_docstring(stmt: &Stmt) -> bool {
    matches!(stmt, Stmt::Expr(one) if matches!(&*one.value, Expr::StringLiteral(_)))
}

/// The statements of a block that hold no others, in their order.
fn collect<'a>(body: &'a [Stmt], found: &mut Vec<Simple<'a>>) {
    for stmt in body {
        match stmt {
            Stmt::FunctionDef(one) => collect(&one.body, found),
            Stmt::ClassDef(one) => collect(&one.body, found),
            Stmt::With(one) => collect(&one.body, found),
            Stmt::For(one) => {
                collect(&one.body, found);
                collect(&one.orelse, found);
            }
            Stmt::While(one) => {
                collect(&one.body, found);
                collect(&one.orelse, found);
            }
            Stmt::If(one) => {
                collect(&one.body, found);
                one.elif_else_clauses
                    .iter()
                    .for_each(|clause| collect(&clause.body, found));
            }
            Stmt::Try(one) => {
                collect(&one.body, found);
                for handler in &one.handlers {
                    let ExceptHandler::ExceptHandler(handler) = handler;
                    collect(&handler.body, found);
                }
                collect(&one.orelse, found);
                collect(&one.finalbody, found);
            }
            _ => found.push(Simple {
                stmt,
                is_alone: body.len() == 1,
            }),
        }
    }
}
