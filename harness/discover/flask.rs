//! The Flask application that an `env.py` of Flask-Migrate needs: [`find`], and what it
//! takes its URL from: [`urls`].
//!
//! Sources: <https://flask.palletsprojects.com/en/stable/cli/#application-discovery>,
//! <https://flask-sqlalchemy.readthedocs.io/en/stable/config/>

mod group;
mod urls;

pub use urls::{named_modules, urls};

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::slice;

use ruff_python_ast::{Expr, ExprCall, Stmt, StmtFunctionDef};
use walkdir::WalkDir;

use super::Guess;
use super::python::trace::calls;
use super::python::{Module, Modules, flat, named_definitions};
use super::tree::{is_foreign, small};

/// The key of the configuration that Flask-SQLAlchemy reads.
const URL: &str = "SQLALCHEMY_DATABASE_URI";
/// The files that Flask looks into by itself, and the names it looks for there.
const BY_ITSELF: [&str; 2] = ["wsgi.py", "app.py"];
const NAMES: [&str; 4] = ["app", "application", "create_app", "make_app"];
/// The depth below a service's directory to which an application is looked for.
const DEPTH: usize = 4;

/// The place of a service's application.
#[derive(Debug, Clone)]
pub struct Application {
    /// The value for `flask --app`.
    pub name: String,
    /// Tells whether Flask finds it without being told.
    pub by_itself: bool,
    /// The module that has it.
    pub file: PathBuf,
}

/// The application of a service whose commands are typed in `directory`: as a file there
/// or above, up to `root`, names it, as Flask finds it, or the one that is below.
#[must_use]
pub fn find(root: &Path, directory: &Path) -> Option<Guess<Application>> {
    let none = Default::default();
    let modules = Modules::new(vec![directory.to_owned()], &none);
    from_settings(&modules, root, directory)
        .or_else(|| by_itself(&modules, directory))
        .or_else(|| by_group(&modules, directory))
        .or_else(|| below(&modules, directory))
}

/// The application that `FLASK_APP` or `flask --app` names in a file of the project.
fn from_settings(
    modules: &Modules<'_>,
    root: &Path,
    directory: &Path,
) -> Option<Guess<Application>> {
    let above = directory.ancestors();
    let above = above.take_while(|directory| directory.starts_with(root));
    above.flat_map(settings_files).find_map(|file| {
        let text = small(&file)?;
        let mut names = text.lines().flat_map(names_in);
        let application = names.find_map(|name| resolved(modules, directory, &name))?;
        let file = file.file_name().unwrap_or_default().to_string_lossy();
        Some(Guess::certain(application, format!("{file} names it")))
    })
}

/// The files of a directory that may say what is started, those that Flask reads first.
fn settings_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let rank = |path: &Path| {
        let name = path.file_name().and_then(OsStr::to_str)?;
        Some(match name {
            ".flaskenv" => 0,
            ".env" => 1,
            _ if name.starts_with(".env") => 2,
            _ if name.contains("ockerfile") || name.contains("compose") => 3,
            "Procfile" | "Makefile" | "justfile" | "pyproject.toml" => 4,
            _ if name.ends_with(".sh") => 4,
            _ => return None,
        })
    };
    let mut ranked: Vec<_> = entries
        .map(|entry| entry.path())
        .filter_map(|path| Some((rank(&path)?, path)))
        .filter(|(_, path)| path.is_file())
        .collect();
    ranked.sort();
    ranked.into_iter().map(|(_, path)| path).collect()
}

/// The value that a line gives `FLASK_APP`, or `flask` for `--app`.
fn names_in(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for mark in ["FLASK_APP", "--app", "-A"] {
        if mark != "FLASK_APP" && !line.contains("flask") {
            continue;
        }
        for (at, _) in line.match_indices(mark) {
            let after = &line[at + mark.len()..];
            let rest = after.trim_start_matches(['=', ':', ' ', '"', '\'', ',']);
            let skipped = &after[..after.len() - rest.len()];
            let quote = skipped
                .chars()
                .next_back()
                .filter(|last| matches!(last, '"' | '\''));
            let end = |letter: char| match quote {
                Some(quote) => letter == quote,
                None => letter.is_whitespace() || matches!(letter, ']' | ';' | '&'),
            };
            let name = rest.split(end).next().unwrap_or_default();
            found.extend((!name.is_empty()).then(|| name.to_owned()));
        }
    }
    found
}

/// The application of this name, which may be that of a place in a container.
fn resolved(modules: &Modules<'_>, directory: &Path, name: &str) -> Option<Application> {
    let (path, of_module) = match name.split_once(':') {
        Some((path, of_module)) => (path, Some(of_module)),
        None => (name, None),
    };
    let plain = path.strip_suffix(".py").unwrap_or(path);
    let parts: Vec<&str> = match plain.contains('/') {
        true => plain
            .split('/')
            .filter(|part| !matches!(*part, "" | "."))
            .collect(),
        false => plain.split('.').collect(),
    };
    (0..parts.len()).find_map(|skipped| {
        let relative: PathBuf = parts[skipped..].iter().collect();
        let module = modules.at(&directory.join(&relative))?;
        let moved = skipped > 0 || plain.starts_with('/');
        let path = match moved {
            true => relative.to_string_lossy().into_owned(),
            false => path.to_owned(),
        };
        Some(Application {
            name: of_module.map_or(path.clone(), |name| format!("{path}:{name}")),
            by_itself: false,
            file: module.file.clone(),
        })
    })
}

fn by_itself(modules: &Modules<'_>, directory: &Path) -> Option<Guess<Application>> {
    BY_ITSELF.iter().find_map(|file| {
        let module = modules.load(&directory.join(file))?;
        NAMES
            .iter()
            .any(|name| named_definitions(&module.body, name))
            .then_some(())?;
        let application = Application {
            name: (*file).to_owned(),
            by_itself: true,
            file: module.file.clone(),
        };
        Some(Guess::certain(application, format!("{file} has it")))
    })
}

/// The application for which a module below `directory` has commands of its own.
fn by_group(modules: &Modules<'_>, directory: &Path) -> Option<Guess<Application>> {
    let mut files = python_files(directory).filter(|file| {
        let text = small(file).unwrap_or_default();
        text.contains(group::GROUP)
    });
    files.find_map(|file| {
        let name = group::factory(&*modules.load(&file)?)?;
        let path = importable(directory, &file);
        let application = Application {
            name: format!("{path}:{name}()"),
            by_itself: false,
            file,
        };
        Some(Guess::likely(
            application,
            format!("the commands of {path} use it"),
        ))
    })
}

/// The modules below `directory` that may make an application.
fn python_files(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let walk = WalkDir::new(directory).max_depth(DEPTH).sort_by_file_name();
    let walk = walk.into_iter().filter_entry(|entry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0 || !(is_foreign(entry) || matches!(&*name, "tests" | "test"))
    });
    let files = walk.flatten().map(walkdir::DirEntry::into_path);
    files.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".py") && name != "__main__.py"
    })
}

/// The application that some module below `directory` makes, the one with `Migrate` first.
fn below(modules: &Modules<'_>, directory: &Path) -> Option<Guess<Application>> {
    let mut ranked = Vec::new();
    for file in python_files(directory) {
        let Some(module) = mentions_flask(&file).then(|| modules.load(&file)).flatten() else {
            continue;
        };
        let depth = file.components().count();
        let migrates = module.source.contains("igrate");
        for (name, needs) in made_in(&module) {
            let key = (needs, !migrates, depth, file.clone(), name);
            ranked.push(key);
        }
    }
    let (needs, _, _, file, name) = ranked.into_iter().min()?;
    let path = importable(directory, &file);
    let application = Application {
        name: format!("{path}:{name}"),
        by_itself: false,
        file,
    };
    Some(match needs {
        false => Guess::likely(application, format!("it is made in {path}")),
        true => {
            let why = format!("it is made in {path}, with arguments that are not known");
            Guess::unsure(application, why)
        }
    })
}

fn mentions_flask(file: &Path) -> bool {
    let text = small(file).unwrap_or_default();
    text.contains("Flask(") || text.contains("create_app(")
}

/// The function by which a module makes applications, and whether it takes arguments.
fn made_in(module: &Module) -> Vec<(String, bool)> {
    let mut made = Vec::new();
    // Anything that runs in a script alone is not there where the module is imported.
    let imported = module.body.iter().filter(|stmt| !is_for_scripts(stmt));
    let all: Vec<&Stmt> = imported
        .flat_map(|stmt| flat(slice::from_ref(stmt)))
        .collect();
    let classes = flasks(&all);
    let makes_one = |call: &ExprCall| classes.contains(&last(&call.func));
    let makes = |call: &&ExprCall| {
        makes_one(call) || is_flask(last(&call.func)) || NAMES[2..].contains(&last(&call.func))
    };
    for stmt in &all {
        match stmt {
            Stmt::Assign(assign) => {
                if let (Some(Expr::Name(name)), Expr::Call(call)) =
                    (assign.targets.first(), &*assign.value)
                    && makes(&call)
                {
                    made.push((name.id.to_string(), false));
                }
            }
            Stmt::FunctionDef(def)
                if calls_in(def).any(|call| is_flask(last(&call.func)) || makes_one(call)) =>
            {
                let mut parameters = def.parameters.iter_non_variadic_params();
                let needs = parameters.any(|parameter| parameter.default.is_none());
                made.push((format!("{}()", def.name), needs));
            }
            _ => {}
        }
    }
    made
}

/// Flask itself, or a class that is called after it.
fn is_flask(name: &str) -> bool {
    name.ends_with("Flask")
}

/// The classes of a module that are made of Flask.
fn flasks<'m>(body: &[&'m Stmt]) -> Vec<&'m str> {
    let classes = body.iter().filter_map(|stmt| stmt.as_class_def_stmt());
    let made = classes.filter(|class| class.bases().iter().any(|base| is_flask(last(base))));
    made.map(|class| class.name.as_str()).collect()
}

/// Tells whether a statement is `if __name__ == "__main__":`.
fn is_for_scripts(stmt: &Stmt) -> bool {
    let Some(Expr::Compare(test)) = stmt.as_if_stmt().map(|block| &*block.test) else {
        return false;
    };
    matches!(&*test.left, Expr::Name(name) if name.id == "__name__")
}

fn calls_in(def: &StmtFunctionDef) -> impl Iterator<Item = &ExprCall> {
    flat(&def.body).into_iter().flat_map(calls)
}

/// A file as `flask --app` takes it: the name of a module, where its packages begin in
/// `directory`, and otherwise its path, whose packages Flask follows itself.
fn importable(directory: &Path, file: &Path) -> String {
    let relative = file.strip_prefix(directory).unwrap_or(file);
    let relative = relative.with_extension("");
    let relative = match relative.ends_with("__init__") {
        true => relative.parent().unwrap_or(&relative).to_owned(),
        false => relative,
    };
    let parts: Vec<String> = relative
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let holders = relative.ancestors().skip(1);
    let mut holders = holders.filter(|holder| !holder.as_os_str().is_empty());
    match holders.all(|holder| directory.join(holder).join("__init__.py").exists()) {
        true => parts.join("."),
        false => parts.join("/"),
    }
}

/// The directory that Flask puts on the path: the one around the packages of a file.
#[must_use]
pub fn holder(file: &Path) -> Option<PathBuf> {
    let above = file.ancestors().skip(1);
    let mut above = above.skip_while(|directory| directory.join("__init__.py").exists());
    above.next().map(Path::to_owned)
}

fn last(expr: &Expr) -> &str {
    match expr {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::names_in;

    #[rstest]
    #[case("FLASK_APP=shop:create_app", "shop:create_app")]
    #[case("ENV FLASK_APP shop/wsgi.py", "shop/wsgi.py")]
    #[case("      FLASK_APP: \"shop\"", "shop")]
    #[case(
        "export FLASK_APP=\"shop:create_app('dev')\"",
        "shop:create_app('dev')"
    )]
    #[case("\tFLASK_APP=shop flask db upgrade", "shop")]
    #[case("CMD [\"flask\", \"--app\", \"shop\", \"run\"]", "shop")]
    #[case("exec flask --app shop.main:app run", "shop.main:app")]
    #[case("gunicorn --app shop", "")]
    fn reads_what_is_started(#[case] line: &str, #[case] name: &str) {
        assert_eq!(names_in(line).concat(), name);
    }
}
