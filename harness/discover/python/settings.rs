//! Classes: fields of pydantic's settings, which variables they are read from, and
//! attributes of any other class.
//!
//! Source: <https://docs.pydantic.dev/latest/concepts/pydantic_settings/>

use std::collections::HashMap;
use std::rc::Rc;

use ruff_python_ast::{Expr, Stmt, StmtAnnAssign, StmtClassDef};

use super::call::inside;
use super::definition::{Definition, class_in, definitions, flat};
use super::evaluate::{Place, Reader};
use super::value::{Class, Function, Value};

/// The number of classes that are looked at for the bases of one.
const BASES: usize = 20;

/// The names of the variables of a settings class.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    prefix: String,
    delimiter: Option<String>,
    case_sensitive: bool,
}

/// The attribute `name` of a class or of its object.
#[must_use]
pub fn member(reader: &Reader<'_>, class: &Class, name: &str) -> Value {
    let lineage = lineage(reader, class);
    let is_settings = is_settings(&lineage);
    for ancestor in &lineage {
        let Some(def) = class_in(&ancestor.module.body, &ancestor.name) else {
            continue;
        };
        let found = definitions(&def.body, name);
        if let Some(Definition::Function(method)) = found.last() {
            let function = Function {
                module: Rc::clone(&ancestor.module),
                name: method.name.to_string(),
                class: Some(class.clone()),
            };
            return match is_property(method) {
                // The body is the ancestor's, the object the class's own.
                true => property(reader, &function, method),
                false => Value::Function(Function {
                    class: Some(Class {
                        nested: class.nested.clone(),
                        ..ancestor.clone()
                    }),
                    ..function
                }),
            };
        }
        if let Some(field) = field(def, name)
            && (is_settings || class.nested.is_some())
        {
            return field_value(reader, class, &lineage, ancestor, field);
        }
        if !found.is_empty() {
            let place = Place::top(&ancestor.module).inside(&def.body, HashMap::new());
            return reader.name(&place, name);
        }
    }
    match name {
        // `info.data` of a validator.
        "data" => Value::Object(class.clone()),
        _ => Value::unknown(format!("{}.{name}", class.name)),
    }
}

fn property(
    reader: &Reader<'_>,
    function: &Function,
    method: &ruff_python_ast::StmtFunctionDef,
) -> Value {
    let place = inside(function, method, HashMap::new());
    let returns = flat(&method.body)
        .into_iter()
        .filter_map(|stmt| match stmt {
            Stmt::Return(returned) => returned.value.as_deref(),
            _ => None,
        });
    Value::either(returns.map(|expr| reader.value(&place, expr)).collect())
}

/// A class and its bases, the nearest first, as far as they are the monorepo's; others
/// have no module.
fn lineage(reader: &Reader<'_>, class: &Class) -> Vec<Class> {
    let mut all = vec![class.clone()];
    let mut next = 0;
    while let Some(class) = all.get(next).cloned()
        && all.len() < BASES
    {
        next += 1;
        let Some(def) = class_in(&class.module.body, &class.name) else {
            continue;
        };
        let place = Place::top(&class.module);
        for base in def.bases() {
            match reader.value(&place, base) {
                Value::Class(base) if base.name != class.name => all.push(base),
                _ => {}
            }
        }
    }
    all
}

/// Tells whether one of these classes derives from pydantic's `BaseSettings`.
fn is_settings(lineage: &[Class]) -> bool {
    let bases = lineage
        .iter()
        .filter_map(|class| class_in(&class.module.body, &class.name))
        .flat_map(StmtClassDef::bases);
    bases
        .filter_map(|base| match base {
            Expr::Name(name) => Some(name.id.as_str()),
            Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
            _ => None,
        })
        .any(|name| name.ends_with("BaseSettings"))
}

/// The annotated field `name` of a class.
fn field<'m>(def: &'m StmtClassDef, name: &str) -> Option<&'m StmtAnnAssign> {
    fields(def).find(|field| matches!(&*field.target, Expr::Name(own) if own.id.as_str() == name))
}

/// The annotated fields of a class, without class variables.
pub(super) fn fields(def: &StmtClassDef) -> impl Iterator<Item = &StmtAnnAssign> {
    let fields = flat(&def.body).into_iter().filter_map(|stmt| match stmt {
        Stmt::AnnAssign(field) => Some(field),
        _ => None,
    });
    fields.filter(|field| last_name(&field.annotation) != Some("ClassVar"))
}

/// `Optional` of `typing.Optional[str]`.
pub(in crate::discover) fn last_name(annotation: &Expr) -> Option<&str> {
    match annotation {
        Expr::Name(name) => Some(name.id.as_str()),
        Expr::Attribute(attribute) => Some(attribute.attr.as_str()),
        Expr::Subscript(subscript) => last_name(&subscript.value),
        _ => None,
    }
}

/// The origin of a field's value: its variables, then its default; for a field that
/// is a model of its own, that model.
fn field_value(
    reader: &Reader<'_>,
    class: &Class,
    lineage: &[Class],
    holder: &Class,
    field: &StmtAnnAssign,
) -> Value {
    let naming = naming(reader, class, lineage);
    let place = Place::top(&holder.module);
    if let Value::Class(inner) = reader.value(&place, &field.annotation) {
        if is_settings(&self::lineage(reader, &inner)) {
            return Value::Object(inner);
        }
        if let Some(delimiter) = &naming.delimiter
            && let Expr::Name(name) = &*field.target
        {
            let nested = format!("{}{}{delimiter}", naming.prefix, name.id);
            return Value::Object(Class {
                nested: Some(nested),
                ..inner
            });
        }
    }
    let names = names(reader, &place, &naming, field);
    let mut values: Vec<Value> = names.into_iter().map(Value::Variable).collect();
    values.extend(field.value.as_deref().map(|default| match default {
        Expr::Call(call) => match call.arguments.find_argument_value("default", 0) {
            Some(default) => reader.value(&place, default),
            None => reader.value(&place, default),
        },
        plain => reader.value(&place, plain),
    }));
    Value::either(values)
}

/// The variables that a field is read from.
pub(super) fn names(
    reader: &Reader<'_>,
    place: &Place<'_>,
    naming: &Naming,
    field: &StmtAnnAssign,
) -> Vec<String> {
    let cased = |name: String| match naming.case_sensitive {
        true => name,
        false => name.to_uppercase(),
    };
    let calls = [field.value.as_deref(), annotated(&field.annotation)];
    for call in calls.into_iter().flatten().filter_map(Expr::as_call_expr) {
        for keyword in ["validation_alias", "alias", "env"] {
            let Some(alias) = call.arguments.find_keyword(keyword) else {
                continue;
            };
            let texts = match &alias.value {
                Expr::Call(choices) if last_name(&choices.func) == Some("AliasChoices") => {
                    // `AliasPath(...)` among them is the way within a nested value.
                    let choices = choices.arguments.args.iter();
                    choices.filter(|choice| !choice.is_call_expr()).collect()
                }
                one => vec![one],
            };
            let values = texts.into_iter().map(|text| reader.value(place, text));
            let aliases: Vec<String> = values
                .filter_map(|value| value.text().map(|text| cased(text.to_owned())))
                .collect();
            if !aliases.is_empty() {
                return aliases;
            }
        }
    }
    match &*field.target {
        Expr::Name(name) => vec![cased(format!("{}{}", naming.prefix, name.id))],
        _ => Vec::new(),
    }
}

/// `Field(...)` of `Annotated[str, Field(...)]`.
fn annotated(annotation: &Expr) -> Option<&Expr> {
    let Expr::Subscript(subscript) = annotation else {
        return None;
    };
    let Expr::Tuple(arguments) = &*subscript.slice else {
        return None;
    };
    arguments
        .elts
        .iter()
        .find(|argument| argument.is_call_expr())
}

/// The settings in `model_config`, `class Config` and the class's own keywords.
pub(super) fn naming(reader: &Reader<'_>, class: &Class, lineage: &[Class]) -> Naming {
    if let Some(nested) = &class.nested {
        let delimiter = nested.ends_with("__").then(|| "__".to_owned());
        return Naming {
            prefix: nested.clone(),
            delimiter,
            case_sensitive: false,
        };
    }
    let text = |key: &str| {
        lineage
            .iter()
            .find_map(|class| configured(reader, class, key))
    };
    Naming {
        prefix: text("env_prefix").unwrap_or_default(),
        delimiter: text("env_nested_delimiter"),
        case_sensitive: text("case_sensitive").is_some_and(|value| value == "True"),
    }
}

/// The naming of a class, and whether it is one of settings at all.
#[must_use]
pub(super) fn settings_naming(reader: &Reader<'_>, class: &Class) -> Option<(Naming, Vec<Class>)> {
    let lineage = lineage(reader, class);
    let naming = is_settings(&lineage).then(|| naming(reader, class, &lineage))?;
    Some((naming, lineage))
}

/// One key of one class's configuration, as text.
fn configured(reader: &Reader<'_>, class: &Class, key: &str) -> Option<String> {
    let def = class_in(&class.module.body, &class.name)?;
    let place = Place::top(&class.module);
    let text = |expr: &Expr| match expr {
        Expr::BooleanLiteral(flag) => Some(if flag.value { "True" } else { "False" }.to_owned()),
        other => reader.value(&place, other).text().map(str::to_owned),
    };
    if let Some(keyword) = def
        .arguments
        .as_ref()
        .and_then(|arguments| arguments.find_keyword(key))
    {
        return text(&keyword.value);
    }
    for definition in definitions(&def.body, "model_config") {
        let found = match definition {
            Definition::Assigned(Expr::Call(call)) => {
                let keyword = call.arguments.find_keyword(key);
                keyword.map(|keyword| &keyword.value)
            }
            Definition::Assigned(Expr::Dict(dict)) => dict.items.iter().find_map(|item| {
                let Some(Expr::StringLiteral(name)) = &item.key else {
                    return None;
                };
                (name.value.to_str() == key).then_some(&item.value)
            }),
            _ => None,
        };
        if let Some(expr) = found {
            return text(expr);
        }
    }
    let config = class_in(&def.body, "Config")?;
    definitions(&config.body, key)
        .into_iter()
        .find_map(|definition| match definition {
            Definition::Assigned(expr) => text(expr),
            _ => None,
        })
}

/// `@property`, `@cached_property`, `@computed_field`
fn is_property(method: &ruff_python_ast::StmtFunctionDef) -> bool {
    method.decorator_list.iter().any(|decorator| {
        let expr = match &decorator.expression {
            Expr::Call(call) => &*call.func,
            other => other,
        };
        last_name(expr).is_some_and(|name| name.ends_with("property") || name == "computed_field")
    })
}
