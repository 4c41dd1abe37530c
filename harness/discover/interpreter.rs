//! The interpreter that has a service's packages: [`of`].

use std::fs;
use std::path::Path;

use super::Guess;

/// The directories below a project in which virtual environments are kept.
const ENVIRONMENTS: [&str; 3] = [".venv", "venv", "env"];
/// Programs that keep one elsewhere: the file that shows it, and the program.
const MANAGERS: [(&str, &str); 4] = [
    ("uv.lock", "uv"),
    ("poetry.lock", "poetry"),
    ("pdm.lock", "pdm"),
    ("Pipfile.lock", "pipenv"),
];

/// The interpreter as the manifest has it: a path relative to the root, or a command.
#[must_use]
pub fn find(directory: &Path, root: &Path) -> Guess<Vec<String>> {
    let mut without = None;
    for project in directory
        .ancestors()
        .take_while(|ancestor| ancestor.starts_with(root))
    {
        for name in ENVIRONMENTS {
            let environment = project.join(name);
            if !environment.join("bin/python").exists() {
                continue;
            }
            let python = environment.join("bin/python");
            let shown = python.strip_prefix(root).unwrap_or(&python);
            let words = vec![shown.display().to_string()];
            match has_alembic(&environment) {
                true => {
                    let why = format!("{} has Alembic", shown.display());
                    return Guess::certain(words, why);
                }
                false => without = without.or(Some(words)),
            }
        }
        if let Some(program) = manager(project) {
            let words = [program, "run", "python"].map(str::to_owned).to_vec();
            let why = format!("a project of {program}");
            return Guess::likely(words, why);
        }
    }
    match without {
        Some(words) => {
            let why = format!(
                "{} has no Alembic: install the service's packages there",
                words[0]
            );
            Guess::unsure(words, why)
        }
        None => Guess::unsure(
            vec!["python3".to_owned()],
            "no virtual environment and no project of uv, poetry, pdm or pipenv was found: \
             python3 needs the service's packages",
        ),
    }
}

/// The program that a project is managed with.
fn manager(project: &Path) -> Option<&'static str> {
    let locked = MANAGERS
        .iter()
        .find(|(file, _)| project.join(file).is_file());
    if let Some((_, program)) = locked {
        return Some(program);
    }
    let text = fs::read_to_string(project.join("pyproject.toml")).ok()?;
    let table: toml::Table = toml::from_str(&text).ok()?;
    let tools = table.get("tool")?.as_table()?;
    ["uv", "poetry", "pdm"]
        .into_iter()
        .find(|program| tools.contains_key(*program))
}

fn has_alembic(environment: &Path) -> bool {
    let versions = fs::read_dir(environment.join("lib"));
    let versions = versions.into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("site-packages/alembic/__init__.py"))
        .any(|package| package.is_file())
}
