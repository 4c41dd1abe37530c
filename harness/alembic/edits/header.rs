//! Edits of the names that Alembic takes from a revision's module.

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::{Source, range};
use crate::patch::Edit;

impl Source {
    /// The edits by which the revision follows these parents, in its docstring too; `None`
    /// where its `down_revision` is computed.
    #[must_use]
    pub fn with_parents(&self, parents: &[String]) -> Option<Vec<Edit>> {
        let value = self.value("down_revision")?;
        if !is_literal(value) {
            return None;
        }
        let mut edits = vec![self.replaced(value, &self.written(parents))];
        let said = self
            .docstring_line("Revises:")
            .filter(|(_, said)| !said.is_empty());
        edits.extend(said.map(|(at, _)| Edit {
            at: self.at(at),
            text: parents.join(", "),
        }));
        Some(edits)
    }

    /// The edits by which the revision has another id, in its docstring too; `None` where it is
    /// computed.
    #[must_use]
    pub fn with_id(&self, id: &str) -> Option<Vec<Edit>> {
        let value = self.value("revision")?;
        if !value.is_string_literal_expr() {
            return None;
        }
        let mut edits = vec![self.replaced(value, &self.quoted(id))];
        edits.extend(self.docstring_line("Revision ID:").map(|(at, _)| Edit {
            at: self.at(at),
            text: id.to_owned(),
        }));
        Some(edits)
    }

    /// The value that a name of the module is given last.
    fn value(&self, name: &str) -> Option<&Expr> {
        let is_named = |target: &Expr| matches!(target, Expr::Name(one) if one.id == name);
        self.body.iter().rev().find_map(|stmt| match stmt {
            Stmt::Assign(one) if one.targets.iter().any(is_named) => Some(&*one.value),
            Stmt::AnnAssign(one) if is_named(&one.target) => one.value.as_deref(),
            _ => None,
        })
    }

    fn replaced(&self, value: &Expr, text: &str) -> Edit {
        Edit {
            at: self.at(range(value.range())),
            text: text.to_owned(),
        }
    }

    /// Parents as the file would write them.
    fn written(&self, parents: &[String]) -> String {
        let all: Vec<String> = parents.iter().map(|one| self.quoted(one)).collect();
        match all.as_slice() {
            [] => "None".to_owned(),
            [one] => one.clone(),
            many => format!("({})", many.join(", ")),
        }
    }

    /// A string in the quotes in which the file has its id.
    fn quoted(&self, text: &str) -> String {
        let id = self.value("revision").map(|id| self.slice(id));
        let quote = match id.is_some_and(|id| id.starts_with('\'')) {
            true => '\'',
            false => '"',
        };
        format!("{quote}{text}{quote}")
    }

    /// The rest of a docstring's line that begins with `word`, and where it is.
    fn docstring_line(&self, word: &str) -> Option<(std::ops::Range<usize>, &str)> {
        let Some(Stmt::Expr(first)) = self.body.first() else {
            return None;
        };
        let docstring = self.slice(&*first.value).lines();
        let start = range(first.value.range()).start;
        let mut lines = docstring.map(str::trim_end);
        let line = lines.find(|line| line.trim_start().starts_with(word))?;
        let said = line.trim_start().strip_prefix(word)?.trim_start();
        let offset = line.as_ptr() as usize - self.slice(&*first.value).as_ptr() as usize;
        let at = start + offset + line.len() - said.len();
        Some((at..at + said.len(), said))
    }
}

/// Tells whether a value is written out: a string, None, or several strings.
fn is_literal(value: &Expr) -> bool {
    match value {
        Expr::StringLiteral(_) | Expr::NoneLiteral(_) => true,
        Expr::Tuple(many) => many.elts.iter().all(Expr::is_string_literal_expr),
        Expr::List(many) => many.elts.iter().all(Expr::is_string_literal_expr),
        _ => false,
    }
}
