//! The text of a red case, laid out: source keeps its columns, what is prose wraps below
//! its own beginning, and commands can be copied.

use maud::{Markup, html};

/// Columns that a wrapped line is moved in by, at most: a phone shows forty.
const INDENT: usize = 10;

/// A text of the log, in which these commands stand.
pub fn section(text: &str, commands: &[String]) -> Markup {
    html! {
        pre tabindex="0" {
            @for line in text.lines() { (laid_out(line, commands)) }
        }
    }
}

/// A command that a reader may want to type.
pub fn command(command: &str) -> Markup {
    html! { code.command { (command) } }
}

fn laid_out(line: &str, commands: &[String]) -> Markup {
    let parts = html! { @for part in parts(line, commands) { (part) } "\n" };
    match is_source(line) {
        true => html! { span.source { (parts) } },
        false => html! { span.said style={ "--in:" (indent(line)) } { (parts) } },
    }
}

/// The line with its commands marked.
fn parts(line: &str, commands: &[String]) -> Vec<Markup> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((at, found)) = first(rest, commands) {
        parts.push(html! { (rest[..at]) (command(found)) });
        rest = &rest[at + found.len()..];
    }
    parts.push(html! { (rest) });
    parts
}

/// The first command in a text, and of those that begin there the longest.
fn first<'a>(text: &str, commands: &'a [String]) -> Option<(usize, &'a str)> {
    let there = commands.iter().filter(|command| !command.is_empty());
    let found = there.filter_map(|command| Some((text.find(command.as_str())?, command.as_str())));
    found.min_by_key(|(at, command)| (*at, std::cmp::Reverse(command.len())))
}

/// Tells whether the line stands beside the gutter in which source lines are numbered: what is
/// underlined has to stay above its underlining.
fn is_source(line: &str) -> bool {
    let beside = line
        .trim_start()
        .trim_start_matches(|letter: char| letter.is_ascii_digit());
    beside.trim_start().starts_with('|')
}

/// Columns before what a line says: spaces, and the word that a note begins with.
fn indent(line: &str) -> usize {
    let said = line.trim_start();
    let spaces = line.len() - said.len();
    let mark = match said.strip_prefix("= ") {
        Some(note) => 2 + note.find(": ").map_or(0, |at| at + 2),
        None => 0,
    };
    (spaces + mark).min(INDENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, commands: &[&str]) -> String {
        let commands: Vec<String> = commands.iter().map(|&one| one.to_owned()).collect();
        laid_out(line, &commands).into_string()
    }

    #[test]
    fn source_stays_in_its_columns_and_prose_does_not() {
        for line in ["12 |     op.add_column(", "   |     ^^^^ here", "   |"] {
            assert!(
                marked(line, &[]).starts_with("<span class=\"source\">"),
                "{line}"
            );
        }
        for line in [
            "  --> a.py:12",
            "   = help: a | b",
            "error[single_head]: 2 heads",
            "",
        ] {
            assert!(
                marked(line, &[]).starts_with("<span class=\"said\""),
                "{line}"
            );
        }
        assert!(marked("   = help: do it", &[]).contains("--in:10"));
        assert!(marked("error: a", &[]).contains("--in:0"));
    }

    #[test]
    fn each_command_of_a_line_is_marked_the_longer_one_of_two() {
        let line = "git merge main, then: A=1 cargo test -- a";
        assert_eq!(
            marked(
                line,
                &[
                    "cargo test -- a",
                    "git merge main",
                    "A=1 cargo test -- a",
                    ""
                ]
            ),
            "<span class=\"said\" style=\"--in:0\"><code class=\"command\">git merge main</code>, then: \
             <code class=\"command\">A=1 cargo test -- a</code>\n</span>"
        );
        assert!(marked("echo '<b>'", &["echo '<b>'"]).contains("echo '&lt;b&gt;'</code>"));
    }
}
