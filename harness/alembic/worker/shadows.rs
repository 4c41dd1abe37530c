//! Directories of `PYTHONPATH` that take the place of Python's own modules: [`of`].

use std::path::Path;

use crate::manifest::Service;

/// Modules that Python imports when it starts, or that most others lead to.
const FIRST: [&str; 14] = [
    "abc",
    "collections",
    "contextlib",
    "copy",
    "dataclasses",
    "enum",
    "functools",
    "json",
    "logging",
    "re",
    "string",
    "token",
    "types",
    "typing",
];

/// Advice about the first such directory, where an interpreter did not start.
pub fn advice(service: &Service) -> Option<String> {
    let path = service.env.get("PYTHONPATH")?;
    let has = |entry: &str, name: &str| {
        let module = Path::new(entry).join(name);
        module.join("__init__.py").is_file() || module.with_extension("py").is_file()
    };
    let (entry, name) = path.split(':').find_map(|entry| {
        let name = FIRST.iter().find(|name| has(entry, name))?;
        Some((entry, name))
    })?;
    Some(format!(
        "PYTHONPATH has {entry}, whose `{name}` takes the place of Python's own: leave that directory out, below [env] in {}",
        service.file.display()
    ))
}
