//! The outbox table that a service's revisions create, and the convention that several
//! of them share: [`of`] and [`shared`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::python::{Module, Place, Reader, Value, flat, function_in, inside, trace};
use crate::manifest::{IndexConvention, OutboxConvention};
use crate::text::one_line;

/// The words in the name of such a table.
const OUTBOX: &str = "outbox";
/// The number of functions of the monorepo that are followed from one service's revisions.
const FUNCTIONS: usize = 200;

/// An outbox table with the indexes that are written out in revisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbox {
    /// The table.
    pub table: String,
    /// Its indexes at the head.
    pub indexes: Vec<IndexConvention>,
}

/// Reads `revisions`, which come in the order of an upgrade.
#[must_use]
pub fn find(reader: &Reader<'_>, revisions: &[PathBuf]) -> Option<Outbox> {
    let mut walk = Walk {
        reader,
        seen: HashSet::new(),
        tables: Vec::new(),
        indexes: Vec::new(),
    };
    for file in revisions.iter().filter(|file| mentions_outbox(file)) {
        if let Some(module) = reader.modules.load(file)
            && let Some(upgrade) = function_in(&module.body, "upgrade")
        {
            let place = Place::top(&module).inside(&upgrade.body, HashMap::new());
            walk.body(&place, &upgrade.body);
            walk.seen.clear();
        }
    }
    let Walk {
        tables,
        mut indexes,
        ..
    } = walk;
    let table = tables.into_iter().next()?;
    indexes.retain(|(on, _)| *on == table);
    let indexes = indexes.into_iter().map(|(_, index)| index).collect();
    Some(Outbox { table, indexes })
}

fn mentions_outbox(file: &Path) -> bool {
    let text = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .to_lowercase()
        .contains(OUTBOX)
}

/// The properties that all, or most, of the outbox tables share, with how many services of how
/// many have each index. `None` where no table has an index that is written out.
#[must_use]
pub fn shared<'a>(
    all: impl Iterator<Item = &'a Outbox>,
) -> Option<(OutboxConvention, Vec<(usize, usize)>)> {
    let mut by_table: BTreeMap<&str, Vec<&Outbox>> = BTreeMap::new();
    for outbox in all {
        by_table.entry(&outbox.table).or_default().push(outbox);
    }
    let (table, holders) = by_table
        .into_iter()
        .max_by_key(|(_, holders)| holders.len())?;
    let mut indexes: Vec<(&IndexConvention, usize)> = Vec::new();
    for index in holders.iter().flat_map(|outbox| &outbox.indexes) {
        match indexes.iter_mut().find(|(known, _)| *known == index) {
            Some((_, count)) => *count += 1,
            None => indexes.push((index, 1)),
        }
    }
    indexes.retain(|(_, count)| count * 2 > holders.len());
    if indexes.is_empty() {
        return None;
    }
    let counts = indexes
        .iter()
        .map(|(_, count)| (*count, holders.len()))
        .collect();
    let indexes = indexes
        .into_iter()
        .map(|(index, _)| index.clone())
        .collect();
    let table = table.to_owned();
    Some((OutboxConvention { table, indexes }, counts))
}

struct Walk<'w, 't> {
    reader: &'w Reader<'t>,
    seen: HashSet<(PathBuf, String)>,
    tables: Vec<String>,
    indexes: Vec<(String, IndexConvention)>,
}

impl Walk<'_, '_> {
    fn body(&mut self, place: &Place<'_>, body: &[Stmt]) {
        for call in flat(body).into_iter().flat_map(trace::calls) {
            self.call(place, call);
        }
    }

    fn call(&mut self, place: &Place<'_>, call: &ExprCall) {
        let name = match &*call.func {
            Expr::Attribute(attribute) => attribute.attr.as_str(),
            Expr::Name(name) => name.id.as_str(),
            _ => return,
        };
        let text = |name: &str, at: usize| {
            let expr = call.arguments.find_argument_value(name, at)?;
            self.reader.value(place, expr).text().map(str::to_owned)
        };
        match name {
            "create_table" => {
                let table = text("table_name", 0);
                self.tables
                    .extend(table.filter(|table| table.to_lowercase().contains(OUTBOX)));
            }
            "create_index" => {
                if let (Some(name), Some(table)) = (text("index_name", 0), text("table_name", 1)) {
                    self.index(place, call, name, table);
                }
            }
            "drop_index" => {
                if let Some(name) = text("index_name", 0) {
                    self.indexes.retain(|(_, index)| index.name != name);
                }
            }
            "execute" => {
                if let Some(sql) = text("sqltext", 0) {
                    self.sql(&sql);
                }
            }
            _ => self.into(place, call),
        }
    }

    /// `op.create_index(name, table, columns, ...)`
    /// (<https://alembic.sqlalchemy.org/en/latest/ops.html#alembic.operations.Operations.create_index>)
    fn index(&mut self, place: &Place<'_>, call: &ExprCall, name: String, table: String) {
        let reader = self.reader;
        let keyword = |name: &str| {
            let keyword = call.arguments.find_keyword(name)?;
            Some(&keyword.value)
        };
        let texts = |expr: &Expr| -> Option<Vec<String>> {
            let (Expr::List(ruff_python_ast::ExprList { elts, .. })
            | Expr::Tuple(ruff_python_ast::ExprTuple { elts, .. })) = expr
            else {
                return None;
            };
            let values = elts.iter().map(|elt| reader.value(place, elt));
            values
                .map(|value| value.text().map(str::to_owned))
                .collect()
        };
        let columns = call.arguments.find_argument_value("columns", 2);
        let Some(columns) = columns.and_then(texts) else {
            return;
        };
        let predicate = keyword("postgresql_where").map(|expr| reader.value(place, expr));
        if predicate
            .as_ref()
            .is_some_and(|value| value.text().is_none())
        {
            return;
        }
        let method = keyword("postgresql_using").map(|expr| reader.value(place, expr));
        let method = method.as_ref().and_then(Value::text).unwrap_or("btree");
        let unique = keyword("unique")
            .is_some_and(|expr| matches!(expr, Expr::BooleanLiteral(literal) if literal.value));
        self.add(
            table,
            IndexConvention {
                name,
                columns,
                predicate: predicate.as_ref().and_then(Value::text).map(str::to_owned),
                unique,
                method: method.to_owned(),
                include: keyword("postgresql_include")
                    .and_then(texts)
                    .unwrap_or_default(),
            },
        );
    }

    fn add(&mut self, table: String, index: IndexConvention) {
        self.indexes.retain(|(_, known)| known.name != index.name);
        self.indexes.push((table, index));
    }

    /// `CREATE TABLE` and `CREATE INDEX` as text.
    fn sql(&mut self, sql: &str) {
        for statement in sql.split(';') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            let upper = statement.to_uppercase();
            let starts = |what: &str| upper.trim_start().starts_with(what);
            let skip = ["CREATE", "TABLE", "IF", "NOT", "EXISTS", "UNLOGGED"];
            if starts("CREATE TABLE") || starts("CREATE UNLOGGED TABLE") {
                let mut names = words
                    .iter()
                    .filter(|word| !skip.contains(&&*word.to_uppercase()));
                let name = names.next().copied().unwrap_or_default();
                let name = name.split('(').next().unwrap_or(name);
                let name = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
                self.tables.extend(
                    name.to_lowercase()
                        .contains(OUTBOX)
                        .then(|| name.to_owned()),
                );
            } else if let Some((table, index)) = index_of(statement) {
                self.add(table, index);
            }
        }
    }

    /// Looks into a function of the monorepo that a revision calls.
    fn into(&mut self, place: &Place<'_>, call: &ExprCall) {
        if let Value::Function(function) = self.reader.value(place, &call.func) {
            let locals = self.reader.bound(place, call, &function);
            let module: Rc<Module> = Rc::clone(&function.module);
            let key = (module.file.clone(), function.name.clone());
            if self.seen.len() < FUNCTIONS
                && self.seen.insert(key)
                && let Some(def) = function_in(&module.body, &function.name)
            {
                self.body(&inside(&function, def, locals), &def.body);
            }
        }
    }
}

/// `CREATE [UNIQUE] INDEX name ON table [USING method] (columns) [WHERE predicate]`, as far
/// as it is written plainly.
fn index_of(statement: &str) -> Option<(String, IndexConvention)> {
    let statement = one_line(statement);
    let upper = statement.to_uppercase();
    let unique = upper.starts_with("CREATE UNIQUE INDEX ");
    if !unique && !upper.starts_with("CREATE INDEX ") || upper.contains(" INCLUDE ") {
        return None;
    }
    let on = upper.find(" ON ")?;
    let name = statement[..on].rsplit(' ').next()?;
    let rest = &statement[on + 4..];
    let (target, rest) = rest.split_once('(')?;
    let (columns, rest) = rest.split_once(')')?;
    let mut words = target.split_whitespace();
    let table = words.next()?;
    let table = table.rsplit('.').next()?.trim_matches('"').to_owned();
    let method = words.nth(1).map_or("btree".to_owned(), str::to_lowercase);
    let predicate = rest.trim();
    if !predicate.is_empty() && !predicate.to_uppercase().starts_with("WHERE ") {
        return None;
    }
    let index = IndexConvention {
        name: name.trim_matches('"').to_owned(),
        columns: columns
            .split(',')
            .map(|column| column.trim().to_owned())
            .collect(),
        predicate: predicate.get(6..).map(|text| text.trim().to_owned()),
        unique,
        method,
        include: Vec::new(),
    };
    Some((table, index))
}
