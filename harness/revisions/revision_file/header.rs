//! From the values of a module to a revision: [`Header`].

use std::path::Path;

use ruff_python_ast::{Expr, ModModule, Stmt};
use ruff_text_size::TextSize;

use super::scope::{Binding, Scope, Value};
use super::source::{ParseProblem, line_at};
use crate::revision::Revision;

/// The names that Alembic takes from a revision's module.
pub(super) struct Header<'s> {
    pub(super) file: &'s Path,
    pub(super) source: &'s str,
    pub(super) module: &'s ModModule,
    pub(super) scope: Scope<'s>,
}

impl Header<'_> {
    /// As `Script.__init__` does it.
    pub(super) fn revision(&self) -> Result<Revision, ParseProblem> {
        let (id, line) = self.id()?;
        let Some(down) = self.scope.get("down_revision") else {
            let problem = "no `down_revision`, at which Alembic ends in an AttributeError";
            return Err(ParseProblem::Refused {
                line: Some(line),
                problem: problem.to_owned(),
            });
        };
        let depends = self.scope.get("depends_on");
        let labels = self.scope.get("branch_labels");
        Ok(Revision {
            id,
            down_revisions: self.ids("down_revision", Some(&down))?,
            depends_on: self.ids("depends_on", depends.as_ref())?,
            branch_labels: self.labels(labels.as_ref())?,
            message: self.message(),
            file: self.file.to_owned(),
            line,
            down_line: self.line(down.at),
            depends_line: depends.map(|binding| self.line(binding.at)),
            labels_line: labels.map(|binding| self.line(binding.at)),
        })
    }

    /// The revision id and its line; without `revision`, a file named after a
    /// hexadecimal id (`_legacy_rev`).
    pub(super) fn id(&self) -> Result<(String, u32), ParseProblem> {
        let Some(Binding { value, at }) = self.scope.get("revision") else {
            let name = self.file.file_name().unwrap_or_default().to_string_lossy();
            let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            return match name.strip_suffix(".py") {
                Some(stem) if !stem.is_empty() && stem.chars().all(is_hex) => {
                    Ok((stem.to_owned(), 1))
                }
                _ => Err(ParseProblem::Refused {
                    line: None,
                    problem: "no `revision`: Alembic ends in \"Could not determine revision id \
                              from filename\""
                        .to_owned(),
                }),
            };
        };
        match value {
            Value::Str(id) if !id.is_empty() => Ok((id, self.line(at))),
            Value::Str(_) => Err(self.needs_python("revision", "is an empty string", at)),
            Value::None => Err(self.refused("revision", "is None", "a string", at)),
            Value::Number(number) => Err(self.refused(
                "revision",
                &format!("is the number {number}"),
                "a string",
                at,
            )),
            Value::Many(_) => Err(self.needs_python("revision", "is not one string", at)),
            Value::Unknown(why) => Err(self.needs_python("revision", &why, at)),
        }
    }

    /// `util.to_tuple` and `tuple_rev_as_scalar`: None, an empty sequence and a
    /// sequence of one None are all "nothing".
    fn ids(&self, name: &str, binding: Option<&Binding>) -> Result<Vec<String>, ParseProblem> {
        let Some(Binding { value, at }) = binding else {
            return Ok(Vec::new());
        };
        let parts = match value {
            Value::None => return Ok(Vec::new()),
            Value::Many(parts) if **parts == [Value::None] => return Ok(Vec::new()),
            Value::Many(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let id = |part: &Value| match part {
            Value::Str(id) if !id.is_empty() => Ok(id.clone()),
            Value::Str(_) if name == "down_revision" => {
                let why = "is an empty string: a base up to Alembic 1.11, a KeyError since 1.12";
                Err(self.needs_python(name, why, *at))
            }
            Value::Str(_) => Err(self.needs_python(name, "is an empty string", *at)),
            Value::None => Err(self.refused(name, "has None among ids", "strings only", *at)),
            Value::Many(_) => Err(self.refused(name, "has a sequence in it", "strings only", *at)),
            Value::Number(number) => {
                let is = format!("is the number {number}");
                Err(self.refused(name, &is, "a string in quotes", *at))
            }
            Value::Unknown(why) => Err(self.needs_python(name, why, *at)),
        };
        parts.iter().map(id).collect()
    }

    fn labels(&self, binding: Option<&Binding>) -> Result<Vec<String>, ParseProblem> {
        const NAME: &str = "branch_labels";
        let Some(Binding { value, at }) = binding else {
            return Ok(Vec::new());
        };
        let label = |part: &Value| match part {
            Value::Str(label) => Ok(label.clone()),
            Value::Unknown(why) => Err(self.needs_python(NAME, why, *at)),
            _ => Err(self.needs_python(NAME, "has a label that is no string", *at)),
        };
        match value {
            Value::None => Ok(Vec::new()),
            Value::Many(parts) => parts.iter().map(label).collect(),
            one => Ok(vec![label(one)?]),
        }
    }

    /// The first line of the docstring.
    fn message(&self) -> Option<String> {
        let Some(Stmt::Expr(first)) = self.module.body.first() else {
            return None;
        };
        let Expr::StringLiteral(docstring) = &*first.value else {
            return None;
        };
        let line = docstring.value.to_str().trim().lines().next()?.trim_end();
        (!line.is_empty()).then(|| line.to_owned())
    }

    fn line(&self, at: TextSize) -> u32 {
        line_at(self.source.as_bytes(), at.to_usize())
    }

    fn needs_python(&self, name: &str, why: &str, at: TextSize) -> ParseProblem {
        ParseProblem::NeedsPython {
            line: self.line(at),
            what: format!("`{name}` {why}"),
        }
    }

    fn refused(&self, name: &str, is: &str, expected: &str, at: TextSize) -> ParseProblem {
        let problem = format!("`{name}` {is}, and Alembic needs {expected}");
        ParseProblem::Refused {
            line: Some(self.line(at)),
            problem,
        }
    }
}
