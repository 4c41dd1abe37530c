//! No files import each other in a circle.
//!
//! A folder and the file of its name are one unit: the file hands on what stands in the
//! folder, and the folder may use what the file defines. Units beside each other import in one
//! direction.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;
use walkdir::WalkDir;

use super::is_for_tests;

/// Units that call each other because what they read does: an expression of Python has calls
/// in it, and a call expressions.
const EVALUATOR: &str = "discover::python: call, evaluate, settings";

/// The packages beside the crate, which are folders of it.
const PACKAGES: &[&str] = &["page", "revisions"];

/// More re-exports than this are not followed.
const DEEPEST: usize = 8;

type Words = Vec<String>;

/// The names that a file brings in, and every path in it.
#[derive(Debug, Default)]
struct Source {
    uses: BTreeMap<String, Words>,
    paths: Vec<Words>,
}

/// Files by the paths of their modules.
type Sources = BTreeMap<Words, Source>;

/// Identifiers and signs, without comments and literals.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        let word = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        let length = match first {
            _ if word > 0 => word,
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '"' => quoted(rest, tokens.last().copied()),
            '\'' => character(rest),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let is_text = token.starts_with(['"', '\'']) || token.starts_with("//");
        if !is_text && !first.is_whitespace() {
            tokens.push(token);
        }
        rest = after;
    }
    tokens
}

/// The length of a string; `before` tells a raw one.
fn quoted(text: &str, before: Option<&str>) -> usize {
    if before.is_some_and(|before| ["r", "br"].contains(&before)) {
        return text[1..].find('"').map_or(text.len(), |end| end + 2);
    }
    let mut letters = text.char_indices().skip(1);
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => drop(letters.next()),
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// The length of a character, or of the sign before a lifetime.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), Some((at, _))) => text[at + 1..].find('\'').map_or(1, |end| at + end + 2),
        (_, Some((at, '\''))) => at + 1,
        _ => 1,
    }
}

/// Reads the tree of a `use`, and gives what stands after it.
fn read_use<'t, 'a>(
    mut tokens: &'t [&'a str],
    from: &[String],
    source: &mut Source,
) -> &'t [&'a str] {
    let mut path = from.to_vec();
    loop {
        match tokens {
            ["{", rest @ ..] => {
                tokens = rest;
                while !matches!(tokens, ["}", ..] | []) {
                    tokens = match tokens {
                        [",", rest @ ..] => rest,
                        _ => read_use(tokens, &path, source),
                    };
                }
                return tokens.get(1..).unwrap_or_default();
            }
            [word, "::", rest @ ..] => {
                path.push((*word).to_owned());
                tokens = rest;
            }
            [word, rest @ ..] => {
                if *word != "self" {
                    path.push((*word).to_owned());
                }
                let (name, rest) = match rest {
                    ["as", name, rest @ ..] => (Some((*name).to_owned()), rest),
                    _ => (path.last().cloned(), rest),
                };
                source.paths.push(path.clone());
                source.uses.extend(name.map(|name| (name, path)));
                return rest;
            }
            [] => return tokens,
        }
    }
}

fn read(text: &str) -> Source {
    let code = text.split("\nmod tests {").next().unwrap_or_default();
    let tokens = tokens(code);
    let mut source = Source::default();
    let mut rest = tokens.as_slice();
    while let [first, after @ ..] = rest {
        rest = match (*first, after) {
            ("use", _) => read_use(after, &[], &mut source),
            (_, ["::", ..]) if *first != ">" => {
                let mut path = vec![(*first).to_owned()];
                let mut after = after;
                while let ["::", word, more @ ..] = after {
                    path.push((*word).to_owned());
                    after = more;
                }
                source.paths.push(path);
                after
            }
            _ => after,
        };
    }
    source
}

/// The module that defines what a path in module `at` names.
fn defines<'s>(
    sources: &'s Sources,
    at: &[String],
    path: &[String],
    depth: usize,
) -> Option<&'s Words> {
    let package = at.first().filter(|name| PACKAGES.contains(&name.as_str()));
    let mut module: Words = at.to_vec();
    let mut is_own = true;
    for (position, word) in path.iter().enumerate() {
        let child = [module.as_slice(), std::slice::from_ref(word)].concat();
        let known = sources.get(&module)?;
        match word.as_str() {
            "crate" => module = package.into_iter().cloned().collect(),
            "self" => {}
            "super" => drop(module.pop()),
            _ if sources.contains_key(&child) => module = child,
            _ => {
                return match known.uses.get(word) {
                    Some(used) if depth < DEEPEST => {
                        let whole = [used.as_slice(), &path[position + 1..]].concat();
                        defines(sources, &module, &whole, depth + 1)
                    }
                    _ if is_own => None,
                    _ => sources.get_key_value(&module).map(|(module, _)| module),
                };
            }
        }
        is_own = false;
    }
    None
}

/// The files of the crate and of its packages.
fn sources() -> Sources {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("harness");
    let mut sources = Sources::new();
    for entry in WalkDir::new(&root).into_iter().flatten() {
        let file = entry.path().strip_prefix(&root).unwrap_or(entry.path());
        let is_source = file.extension().is_some_and(|ending| ending == "rs");
        if !is_source || is_for_tests(file) || file.starts_with("bin") {
            continue;
        }
        let name = file.with_extension("");
        let words = name.iter().map(|word| word.to_string_lossy().into_owned());
        let module = words.filter(|word| word != "lib").collect();
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        sources.insert(module, read(&text));
    }
    sources
}

/// The units of a folder, and which ones each of them reaches.
type Reached = BTreeMap<String, BTreeSet<String>>;

/// The imports of units beside each other, by the folder that they are in.
fn imports(sources: &Sources) -> BTreeMap<Words, Reached> {
    let mut imports: BTreeMap<Words, Reached> = BTreeMap::new();
    for (module, source) in sources {
        for path in &source.paths {
            let Some(other) = defines(sources, module, path, 0) else {
                continue;
            };
            let alike = module
                .iter()
                .zip(other)
                .take_while(|(own, their)| own == their);
            let depth = alike.count();
            if let (Some(own), Some(their)) = (module.get(depth), other.get(depth)) {
                let folder = imports.entry(module[..depth].to_vec()).or_default();
                let reached = folder.entry(own.clone()).or_default();
                reached.insert(their.clone());
            }
        }
    }
    imports
}

/// Lets each unit reach what those reach that it reaches.
fn follow(folder: &mut Reached) {
    loop {
        let known = folder.clone();
        for reached in folder.values_mut() {
            let further = reached.iter().filter_map(|unit| known.get(unit)).flatten();
            let further: Vec<String> = further.cloned().collect();
            reached.extend(further);
        }
        if *folder == known {
            return;
        }
    }
}

/// The circles, each once, with the folder that they are in.
fn circles(sources: &Sources) -> BTreeSet<String> {
    let mut circles = BTreeSet::new();
    for (folder, mut units) in imports(sources) {
        follow(&mut units);
        for (unit, reached) in &units {
            let back = |other: &&String| units.get(*other).is_some_and(|one| one.contains(unit));
            let members: Vec<&str> = reached.iter().filter(back).map(String::as_str).collect();
            if !members.is_empty() {
                circles.insert(format!("{}: {}", folder.join("::"), members.join(", ")));
            }
        }
    }
    circles
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let sources = sources();
    assert!(
        sources.len() > 300,
        "only {} files were read",
        sources.len()
    );
    assert_eq!(circles(&sources), [EVALUATOR.to_owned()].into());
}
