//! The function that makes the application for a project's own commands, which are those of
//! `flask` and more: [`factory`].
//!
//! Source: <https://flask.palletsprojects.com/en/stable/cli/#custom-scripts>

use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::last;
use crate::discover::python::{Module, flat};

/// The class of such commands.
pub const GROUP: &str = "FlaskGroup";

/// The name that a module gives as `create_app`: of `@click.group(cls=FlaskGroup,
/// create_app=...)`, or of `FlaskGroup(create_app=...)`.
pub fn factory(module: &Module) -> Option<String> {
    let found = flat(&module.body).into_iter().flat_map(|stmt| match stmt {
        Stmt::FunctionDef(def) => def
            .decorator_list
            .iter()
            .map(|one| &one.expression)
            .collect(),
        Stmt::Assign(assign) => vec![&*assign.value],
        _ => Vec::new(),
    });
    found.filter_map(Expr::as_call_expr).find_map(created)
}

fn created(call: &ExprCall) -> Option<String> {
    let class = call.arguments.find_keyword("cls");
    let is_group =
        last(&call.func) == GROUP || class.is_some_and(|class| last(&class.value) == GROUP);
    let factory = call
        .arguments
        .find_keyword("create_app")
        .filter(|_| is_group)?;
    Some(factory.value.as_name_expr()?.id.to_string())
}
