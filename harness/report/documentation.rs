//! The page of a criterion: where a reader finds it, and its text.

use std::fmt::Write;
use std::path::Path;

use super::shown;
use crate::criteria::Criterion;

/// The directory of this crate's sources when it was built.
const SOURCES: &str = env!("CARGO_MANIFEST_DIR");
/// The address of the repository, as Cargo.toml has it; empty where it names none.
const REPOSITORY: &str = env!("CARGO_PKG_REPOSITORY");

/// The page of a criterion: its address where the repository's is known, its path where the
/// sources are at hand, and else the command that prints it.
#[must_use]
pub fn page_of(criterion: &str) -> String {
    let path = format!("docs/criteria/{criterion}.md");
    if !REPOSITORY.is_empty() {
        return format!("{REPOSITORY}/blob/main/{path}");
    }
    let file = Path::new(SOURCES).join(path);
    match file.is_file() {
        true => shown(&file),
        false => format!("migration-harness explain {criterion}"),
    }
}

/// A service of the tests that shows what a page speaks of.
#[derive(Debug, Clone)]
pub struct Example {
    /// The file that matters, as its path in the repository.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// The text of a criterion's page, as Markdown: what the criterion says of itself, a red
/// example with what the run prints for it, and a green one.
#[must_use]
pub fn page(criterion: &Criterion, red: &Example, printed: &str, green: &Example) -> String {
    let mut page = format!(
        "# {}\n\n<!-- Made of the criterion and its examples by tests/suite/documentation.rs. -->\n\n",
        criterion.id
    );
    let _ = write!(page, "It asserts: {}.\n\n", criterion.asserts);
    let _ = write!(page, "Why: {}.\n\n", criterion.why);
    let _ = writeln!(page, "Where it is red: {}.", criterion.remedy);
    page.push_str("\n## A red example\n\n");
    fenced(&mut page, red);
    let _ = write!(page, "\nThe run prints:\n\n```text\n{printed}\n```\n");
    page.push_str("\n## A green example\n\n");
    fenced(&mut page, green);
    let _ = write!(
        page,
        "\n## Where a service does not promise it\n\n\
         Its file in the manifest says so, and each run prints the reason:\n\n\
         ```toml\n[not_applicable]\n{} = \"<reason>\"\n```\n",
        criterion.id
    );
    page
}

fn fenced(page: &mut String, example: &Example) {
    let language = match Path::new(&example.file).extension() {
        Some(ending) if ending == "py" => "python",
        Some(ending) if ending == "md" => "markdown",
        _ => "text",
    };
    // A text with fences of its own needs a longer one around it.
    let fence = if example.text.contains("```") {
        "````"
    } else {
        "```"
    };
    let (file, text) = (&example.file, example.text.trim_end());
    let _ = write!(page, "`{file}`:\n\n{fence}{language}\n{text}\n{fence}\n");
}
