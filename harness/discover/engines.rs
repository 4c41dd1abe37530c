//! Engines that modules make when they are imported: [`made`], and the driver that suits
//! all who read a URL: [`suiting`].

use std::rc::Rc;

use ruff_python_ast::Expr;

use super::python::trace::calls;
use super::python::{Module, Place, Reader, Rewrite, Value, flat, last_name};
use super::{Guess, Sure};

/// Drivers that an async engine takes; psycopg suits both kinds
/// (<https://docs.sqlalchemy.org/en/20/dialects/postgresql.html>).
const ASYNC: [&str; 3] = ["asyncpg", "psycopg", "psycopg_async"];
/// Drivers that are for an async engine only.
const ASYNC_ONLY: [&str; 2] = ["asyncpg", "psycopg_async"];

/// Drivers that a URL may name, and none.
const DRIVERS: [&str; 5] = ["asyncpg", "psycopg", "psycopg2", "pg8000", ""];

/// Something that makes an engine of a URL.
#[derive(Debug)]
pub struct Engine {
    /// The origin of the URL.
    pub url: Value,
    /// Tells whether it is an async one.
    pub is_async: bool,
    /// The changes to the URL before, in this order.
    pub rewrites: Vec<Rewrite>,
    /// The file that makes it.
    pub by: String,
}

/// The engines that importing `modules` makes.
#[must_use]
pub fn made(reader: &Reader<'_>, modules: &[Rc<Module>]) -> Vec<Engine> {
    let mut found = Vec::new();
    for module in modules {
        let place = Place::top(module);
        for call in flat(&module.body).into_iter().flat_map(calls) {
            let name = last_name(&call.func).unwrap_or_default();
            if !matches!(name, "create_engine" | "create_async_engine") {
                continue;
            }
            reader.rewrites.take();
            let url = reader.value(&place, &Expr::Call(call.clone()));
            let file = module.file.file_name().unwrap_or_default();
            found.push(Engine {
                url,
                is_async: name.contains("async"),
                rewrites: reader.rewrites.take(),
                by: file.to_string_lossy().into_owned(),
            });
        }
    }
    found
}

impl Engine {
    /// The variables without which it cannot be made.
    pub fn needs(&self) -> impl Iterator<Item = &str> {
        let has_default = self.url.text().is_some_and(|text| text.contains("://"));
        let options = self.url.options().iter().filter(move |_| !has_default);
        options.filter_map(|value| match value {
            Value::Variable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Tells whether the driver of the URL that the service is given reaches it.
    fn is_given_driver(&self) -> bool {
        let mut options = self.url.options().iter();
        options.any(|value| matches!(value, Value::Variable(_) | Value::Ini))
    }

    /// Tells whether what is done to the URL looks for this driver in it.
    fn expects(&self, driver: &str) -> bool {
        self.rewrites.iter().any(|rewrite| match rewrite {
            Rewrite::Driver(_) => false,
            Rewrite::Replaced { from, .. } => match driver {
                "" => from.starts_with("postgres") && !from.contains('+'),
                driver => from
                    .split('+')
                    .nth(1)
                    .is_some_and(|named| named.split("://").next() == Some(driver)),
            },
        })
    }

    /// Tells whether it can be made of a URL with this driver.
    fn takes(&self, driver: &str) -> bool {
        let plain = match driver {
            "" => "postgresql://".to_owned(),
            driver => format!("postgresql+{driver}://"),
        };
        let url = self
            .rewrites
            .iter()
            .fold(plain, |url, rewrite| rewrite.apply(&url));
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        let driver = scheme.split_once('+').map_or("", |(_, driver)| driver);
        match self.is_async {
            true => ASYNC.contains(&driver),
            false => !ASYNC_ONLY.contains(&driver),
        }
    }
}

/// The driver that suits all engines: one that the code expects to find in the URL, the
/// one that was found, or another of those that are installed.
#[must_use]
pub fn suiting(found: Guess<String>, engines: &[Engine], installed: &[&str]) -> Guess<String> {
    let given: Vec<&Engine> = engines.iter().filter(|one| one.is_given_driver()).collect();
    let suits = |driver: &str| given.iter().all(|engine| engine.takes(driver));
    let is_there = |driver: &&&str| driver.is_empty() || installed.contains(driver);
    let fitting = |driver: &&&str| is_there(driver) && suits(driver);
    let expects = |driver: &&&str| given.iter().any(|engine| engine.expects(driver));
    let expected = DRIVERS.iter().find(|one| expects(one) && fitting(one));
    if let Some(driver) = expected.filter(|_| found.sure != Sure::Certain || !suits(&found.value)) {
        let why = "its code replaces this beginning of the URL by others";
        return Guess::certain((*driver).to_owned(), why);
    }
    let Some(against) = given.iter().find(|engine| !engine.takes(&found.value)) else {
        return found;
    };
    let kind = match against.is_async {
        true => "an async engine",
        false => "a synchronous engine",
    };
    let by = &against.by;
    match DRIVERS.iter().find(fitting) {
        Some(driver) => {
            let why = format!("{by} makes {kind}, which {} does not suit", found.value);
            Guess::certain((*driver).to_owned(), why)
        }
        None => {
            let why =
                format!("{by} makes {kind}, and no driver among its packages suits all engines");
            Guess::unsure(found.value, why)
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Engine, suiting};
    use crate::discover::Guess;
    use crate::discover::python::{Rewrite, Value};

    fn engine(is_async: bool, rewrites: &[(&str, &str)]) -> Engine {
        let replaced = rewrites.iter().map(|(from, to)| Rewrite::Replaced {
            from: (*from).to_owned(),
            to: (*to).to_owned(),
        });
        Engine {
            url: Value::Variable("URL".to_owned()),
            is_async,
            rewrites: replaced.collect(),
            by: "db.py".to_owned(),
        }
    }

    #[rstest]
    #[case::alike(&[engine(false, &[])], "psycopg2", "psycopg2")]
    #[case::replaced(
        &[engine(true, &[]), engine(false, &[("+asyncpg", "+psycopg2")])], "psycopg2", "asyncpg"
    )]
    #[case::suits_both(&[engine(true, &[]), engine(false, &[])], "psycopg2", "psycopg")]
    #[case::bare(
        &[engine(true, &[("postgresql://", "postgresql+asyncpg://")]), engine(false, &[("postgresql://", "postgresql+psycopg2://")])],
        "asyncpg", ""
    )]
    fn finds_the_driver_that_suits_all(
        #[case] engines: &[Engine],
        #[case] found: &str,
        #[case] expected: &str,
    ) {
        let found = Guess::certain(found.to_owned(), "");
        let installed = ["asyncpg", "psycopg", "psycopg2"];
        assert_eq!(suiting(found, engines, &installed).value, expected);
    }
}
