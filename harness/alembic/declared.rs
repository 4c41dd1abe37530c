//! Tables and columns that revision files create, read without Python: [`declared`].
//!
//! It only finds what to say of an upgrade that lacks one of them; no verdict rests on it.

use std::path::Path;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::Ranged;
use serde::{Deserialize, Serialize};

use super::graph::Graph;
use super::revision::Revision;
use super::transcript::Place;
use super::{revision_file, sql};

/// A table or a column that a revision creates, or gives this name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declaration {
    /// The call.
    pub place: Place,
    /// The revision.
    pub revision: String,
    /// The name of the table or column.
    pub name: String,
    /// Tells whether it is a column.
    pub is_column: bool,
    /// The table of a column, where the call names it.
    pub table: Option<String>,
}

/// The objects that the `upgrade` of each revision creates, as far as its calls spell it out.
#[must_use]
pub fn declared(graph: &Graph) -> Vec<Declaration> {
    let read = || graph.revisions.iter().flat_map(in_revision).collect();
    match migration_revisions::pool() {
        Ok(pool) => pool.install(read),
        Err(_) => Vec::new(),
    }
}

fn in_revision(revision: &Revision) -> Vec<Declaration> {
    let bytes = std::fs::read(&revision.file).unwrap_or_default();
    in_source(&revision.id, &revision.file, &bytes)
}

fn in_source(revision: &str, file: &Path, bytes: &[u8]) -> Vec<Declaration> {
    let Some((source, body)) = revision_file::statements(bytes) else {
        return Vec::new();
    };
    let mut reader = Reader {
        revision,
        file,
        source: &source,
        within: None,
        found: Vec::new(),
    };
    reader.visit_body(&body);
    reader.found
}

struct Reader<'a> {
    revision: &'a str,
    file: &'a Path,
    source: &'a str,
    /// The table whose creation is being read.
    within: Option<String>,
    found: Vec<Declaration>,
}

impl<'a> Visitor<'a> for Reader<'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) if function.name.as_str() == "downgrade" => {}
            Stmt::With(with) => {
                let mut items = with.items.iter().map(|item| &item.context_expr);
                let outer = match items.find_map(batch) {
                    Some(table) => self.within.replace(table),
                    None => self.within.clone(),
                };
                visitor::walk_stmt(self, stmt);
                self.within = outer;
            }
            _ => visitor::walk_stmt(self, stmt),
        }
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let Expr::Call(call) = expr else {
            return visitor::walk_expr(self, expr);
        };
        let (first, second) = (text(call, 0), text(call, 1));
        match (called(call), first) {
            ("create_table", Some(table)) => {
                self.table(call, &table);
                let outer = self.within.replace(table);
                visitor::walk_expr(self, expr);
                self.within = outer;
                return;
            }
            ("add_column", Some(table)) => {
                let outer = self.within.replace(table);
                visitor::walk_expr(self, expr);
                self.within = outer;
                return;
            }
            ("Column", Some(column)) => self.column(call, &column, self.within.clone()),
            ("rename_table", _) => {
                if let Some(table) = second {
                    self.table(call, &table);
                }
            }
            ("alter_column", table) => {
                if let Some(column) = keyword(call, "new_column_name") {
                    self.column(call, &column, table);
                }
            }
            ("execute" | "text" | "exec_driver_sql", Some(statement)) => {
                self.statement(call, &statement);
            }
            _ => {}
        }
        visitor::walk_expr(self, expr);
    }
}

impl Reader<'_> {
    fn table(&mut self, call: &ExprCall, name: &str) {
        self.add(call, name, false, None);
    }

    fn column(&mut self, call: &ExprCall, name: &str, table: Option<String>) {
        self.add(call, name, true, table);
    }

    fn add(&mut self, call: &ExprCall, name: &str, is_column: bool, table: Option<String>) {
        let before = &self.source[..usize::from(call.start())];
        let line = before.matches('\n').count() + 1;
        self.found.push(Declaration {
            place: Place {
                revision: Some(self.revision.to_owned()),
                ..Place::line(self.file, u32::try_from(line).unwrap_or(u32::MAX))
            },
            revision: self.revision.to_owned(),
            name: name.to_owned(),
            is_column,
            table,
        });
    }

    fn statement(&mut self, call: &ExprCall, statement: &str) {
        for (table, column) in sql::added(statement) {
            match column {
                Some(column) => self.column(call, &column, Some(table)),
                None => self.table(call, &table),
            }
        }
    }
}

/// The last name of what is called.
fn called(call: &ExprCall) -> &str {
    match &*call.func {
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        Expr::Name(name) => name.id.as_str(),
        _ => "",
    }
}

/// The table of `with op.batch_alter_table("<table>")`.
fn batch(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Call(call) if called(call) == "batch_alter_table" => text(call, 0),
        _ => None,
    }
}

fn text(call: &ExprCall, position: usize) -> Option<String> {
    literal(call.arguments.args.get(position)?)
}

fn keyword(call: &ExprCall, name: &str) -> Option<String> {
    literal(&call.arguments.find_keyword(name)?.value)
}

fn literal(expr: &Expr) -> Option<String> {
    match expr {
        Expr::StringLiteral(text) => Some(text.value.to_str().to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str) -> Vec<String> {
        let found = in_source("r1", Path::new("r1.py"), source.as_bytes()).into_iter();
        let written = found.map(|one| match one.table {
            Some(table) => format!("{table}.{}:{}", one.name, one.place.line),
            None => format!("{}:{}", one.name, one.place.line),
        });
        written.collect()
    }

    #[test]
    fn tables_and_columns_of_an_upgrade() {
        let source = r#"
def upgrade():
    op.create_table("essays", sa.Column("id", sa.Uuid()))
    op.add_column("essays", Column("title", sa.Text()))
    with op.batch_alter_table("essays") as batch:
        batch.add_column(sa.Column("lang", sa.Text()))
    op.rename_table("essays", "papers")
    op.alter_column("papers", "lang", new_column_name="language")
    op.execute("CREATE TABLE IF NOT EXISTS app.notes (id int)")
    op.execute(sa.text("ALTER TABLE ONLY notes ADD COLUMN body text, ADD CONSTRAINT a UNIQUE (id)"))

def downgrade():
    op.create_table("old")
"#;
        assert_eq!(
            found(source),
            [
                "essays:3",
                "essays.id:3",
                "essays.title:4",
                "essays.lang:6",
                "papers:7",
                "papers.language:8",
                "notes:9",
                "notes.body:10",
            ]
        );
    }

    #[test]
    fn what_is_no_python_declares_nothing() {
        assert!(found("def upgrade(:\n  x").is_empty());
    }
}
