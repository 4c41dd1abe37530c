//! The notes beside the migrations cover what the shared convention lists.
//!
//! Files are read as Markdown, as far as headings, code blocks and comments go
//! (<https://spec.commonmark.org/>); reStructuredText's underlined headings are
//! headings too.

pub(super) mod fix;

use std::path::Path;

use super::own::Own;
use super::{AcceptedIn, Criterion, Finding, Verdict};
use crate::alembic::transcript::Place;
use crate::evidence::notes::Content;
use crate::evidence::{Evidence, NotesFile};
use crate::manifest::{NotesConvention, Service, Topic};

/// The criterion.
pub const CRITERION: Criterion = Criterion {
    id: "migration_notes",
    asserts: "a README of the service or of its migrations has every note of conventions/notes.toml",
    why: "who writes the next revision reads there how not to make a second head or the same enum type again",
    remedy: "write the missing note; the finding shows one that can be pasted",
    needs: &[],
    judge,
};

fn judge(service: &Service, evidence: &Evidence) -> Verdict {
    let Some(convention) = &service.notes else {
        return Verdict::without(
            "conventions/notes.toml, which says what the notes cover (or a line for migration_notes \
             in [not_applicable] of defaults.toml),",
        );
    };
    let files = match &evidence.notes {
        Some(files) if !files.is_empty() => files,
        _ => return Verdict::without("the text of the notes"),
    };
    if convention.topics.is_empty() {
        return Verdict::without("any topic of conventions/notes.toml");
    }
    let documents: Vec<Document<'_>> = files.iter().filter_map(Document::read).collect();
    let shown = |topic: &&Topic| documents.iter().any(|document| document.shows(topic));
    let missing = convention.topics.iter().filter(|topic| !shown(topic));
    let own = Own {
        service,
        criterion: CRITERION.id,
        table: AcceptedIn::MigrationNotes,
    };
    let found = missing.map(|topic| {
        let finding = finding(service, convention, topic, files, &documents);
        own.keyed(&topic.id, finding)
    });
    own.verdict(found.collect(), Vec::new())
}

fn finding(
    service: &Service,
    convention: &NotesConvention,
    topic: &Topic,
    files: &[NotesFile],
    documents: &[Document<'_>],
) -> Finding {
    let mut finding = Finding::new(format!("no note on {}", topic.title));
    for document in documents {
        if let Some(empty) = document
            .headings
            .iter()
            .find(|heading| heading.is_on(topic))
        {
            let place = Place::line(document.path, empty.line);
            finding = finding.mark(Some(&place), "there is no text below this heading");
        }
    }
    let looked = files.iter().map(|file| {
        let state = match &file.content {
            Content::Text(_) => "",
            Content::Missing => " (no such file)",
            Content::Unreadable(problem) => &format!(" (cannot be read: {problem})"),
        };
        format!("{}{state}", service.shown(&file.path))
    });
    let place = place(convention, documents);
    let place = place.or(files.first().map(|file| file.path.as_path()));
    finding
        .note(format!(
            "looked in: {}",
            looked.collect::<Vec<_>>().join(", ")
        ))
        .note(how_it_shows(topic))
        .help(format!(
            "write it into {}, for instance:\n\n{}\n",
            place.map(|place| service.shown(place)).unwrap_or_default(),
            topic.paragraph.trim()
        ))
}

/// The file that has other notes, or any that is there.
fn place<'a>(convention: &NotesConvention, documents: &[Document<'a>]) -> Option<&'a Path> {
    let has_others =
        |document: &&Document<'_>| convention.topics.iter().any(|topic| document.shows(topic));
    let found = documents.iter().find(has_others).or(documents.first());
    found.map(|document| document.path)
}

fn how_it_shows(topic: &Topic) -> String {
    let mut ways = Vec::new();
    if !topic.headings.is_empty() {
        ways.push(format!(
            "a heading with \"{}\"",
            topic.headings.join("\" or \"")
        ));
    }
    for words in &topic.words {
        ways.push(format!("\"{}\" in one file", words.0.join("\" and \"")));
    }
    format!("looked for: {}", ways.join("; or "))
}

/// A file that could be read.
struct Document<'a> {
    path: &'a Path,
    headings: Vec<Heading>,
    /// All that a reader sees, [`plain`].
    text: String,
}

struct Heading {
    level: usize,
    /// [`plain`].
    title: String,
    /// From 1.
    line: u32,
    has_text: bool,
}

impl Heading {
    fn is_on(&self, topic: &Topic) -> bool {
        topic.headings.iter().any(|title| holds(&self.title, title))
    }
}

impl<'a> Document<'a> {
    fn read(file: &'a NotesFile) -> Option<Self> {
        let Content::Text(text) = &file.content else {
            return None;
        };
        let text = without_comments(text);
        Some(Self {
            path: &file.path,
            headings: headings(&text),
            text: plain(&text),
        })
    }

    fn shows(&self, topic: &Topic) -> bool {
        let mut headings = self.headings.iter();
        headings.any(|heading| heading.has_text && heading.is_on(topic))
            || topic
                .words
                .iter()
                .any(|words| words.0.iter().all(|words| holds(&self.text, words)))
    }
}

/// `text` with every `<!-- comment -->` blank; line numbers stay, and what stands in a code
/// block is code.
fn without_comments(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut fence = Fence::default();
    let mut is_comment = false;
    for line in text.split_inclusive('\n') {
        if !is_comment && fence.takes(line) {
            kept.push_str(line);
            continue;
        }
        let mut rest = line;
        loop {
            let mark = if is_comment { "-->" } else { "<!--" };
            let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
            match is_comment {
                true => kept.extend(before.chars().filter(|letter| *letter == '\n')),
                false => kept.push_str(before),
            }
            if before.len() == rest.len() {
                break;
            }
            is_comment = !is_comment;
            rest = after;
        }
    }
    kept
}

/// The code block that is open.
#[derive(Default)]
struct Fence(Option<(char, usize)>);

impl Fence {
    /// Tells whether a line is a fence or stands between two.
    fn takes(&mut self, line: &str) -> bool {
        let marks = fence_of(line);
        let Some((mark, length)) = self.0 else {
            self.0 = marks;
            return marks.is_some();
        };
        let closes = |(other, longer): (char, usize)| other == mark && longer >= length;
        if marks.is_some_and(closes) {
            self.0 = None;
        }
        true
    }
}

/// The headings outside of code blocks, and whether text follows before the next
/// one that is not below them.
fn headings(text: &str) -> Vec<Heading> {
    let mut found: Vec<Heading> = Vec::new();
    let mut fence = Fence::default();
    let lines: Vec<&str> = text.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        let heading = match fence.takes(line) {
            true => None,
            false => title(line, lines.get(at + 1).copied()),
        };
        if let Some((level, title)) = heading {
            let line = u32::try_from(at + 1).unwrap_or(u32::MAX);
            found.push(Heading {
                level,
                title: plain(title),
                line,
                has_text: false,
            });
            continue;
        }
        if line.chars().any(char::is_alphanumeric) {
            text_at_the_end(&mut found);
        }
    }
    found
}

/// The last heading has text, and so have those it is below.
fn text_at_the_end(headings: &mut [Heading]) {
    let mut below = usize::MAX;
    for heading in headings.iter_mut().rev() {
        if heading.level < below {
            heading.has_text = true;
            below = heading.level;
        }
    }
}

/// The character and length of the fence that a line is.
fn fence_of(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start();
    let mark = line
        .chars()
        .next()
        .filter(|mark| matches!(mark, '`' | '~'))?;
    let length = line.chars().take_while(|letter| *letter == mark).count();
    (length >= 3).then_some((mark, length))
}

/// The level and text of a heading: `# text`, or text with a line under it.
fn title<'a>(line: &'a str, below: Option<&str>) -> Option<(usize, &'a str)> {
    if line.starts_with("    ") || line.starts_with('\t') {
        return None;
    }
    let text = line.trim();
    let level = text.chars().take_while(|letter| *letter == '#').count();
    let rest = &text[level..];
    if (1..=6).contains(&level) && rest.starts_with([' ', '\t']) {
        return Some((level, rest.trim_matches(['#', ' ', '\t'])));
    }
    let under = below?.trim_end();
    let mark = under.chars().next()?;
    let level = ['=', '-', '~', '^', '"']
        .iter()
        .position(|known| *known == mark)?
        + 1;
    let underlined = under.len() >= 3 && under.chars().all(|letter| letter == mark);
    (underlined && text.chars().any(char::is_alphanumeric)).then_some((level, text))
}

/// Lower case, one space between words, no emphasis and no backticks.
fn plain(text: &str) -> String {
    let words = text.split_whitespace();
    let bare = words.map(|word| word.replace(['*', '`'], "").to_lowercase());
    bare.filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Tells whether `text`, which is [`plain`], has `words`, which begin and end where words do.
fn holds(text: &str, words: &str) -> bool {
    let words = plain(words);
    let in_word = |letter: Option<char>| letter.is_some_and(|it| it.is_alphanumeric() || it == '_');
    let starts = in_word(words.chars().next());
    let ends = in_word(words.chars().next_back());
    !words.is_empty()
        && text.match_indices(&words).any(|(at, found)| {
            let before = text[..at].chars().next_back();
            let after = text[at + found.len()..].chars().next();
            !(starts && in_word(before) || ends && in_word(after))
        })
}

#[cfg(test)]
mod tests {
    use pretty_assertions::assert_eq;
    use rstest::rstest;

    use super::*;
    use crate::manifest::Words;
    use crate::testing;

    #[rstest]
    #[case::heading("# A\n\n## Creating *enums*\n\nOnce.\n", true)]
    #[case::more_in_the_heading("### 2. Creating enums in PostgreSQL ###\nOnce.", true)]
    #[case::underlined("Creating enums\n~~~~~~~~~~~~~~\n\nOnce.\n", true)]
    #[case::text_in_a_part_of_it("## Creating enums\n### New\n- once\n## B\n", true)]
    #[case::text_in_a_code_block("## Creating enums\n```\n# once\n```\n", true)]
    #[case::words("An `ENUM` of\nyours: create_type=False.", true)]
    #[case::no_text("## Creating enums\n\n---\n\n## B\ntext\n", false)]
    #[case::no_text_under_line("Creating enums\n---\n\nB\n---\ntext\n", false)]
    #[case::no_text_at_the_end("text\n## Creating enums\n", false)]
    #[case::comment("<!--\n## Creating enums\nOnce.\n-->\n", false)]
    #[case::open_comment("<!-- ## Creating enums\nOnce.\n", false)]
    #[case::comment_in_a_code_block("```html\n<!--\n```\n## Creating enums\nOnce.\n", true)]
    #[case::two_comments("<!-- a --><!--\n--> ## Creating enums\nOnce.\n", true)]
    #[case::in_a_code_block("````\n```\n## Creating enums\n```\nOnce.\n````\n", false)]
    #[case::in_a_code_block_with_other_marks("```\n~~~\n## Creating enums\nOnce.\n", false)]
    #[case::in_an_indented_block("    ## Creating enums\nOnce.\n", false)]
    #[case::behind_a_tab("\t## Creating enums\nOnce.\n", false)]
    #[case::above_a_list("Creating enums\n- once\n", false)]
    #[case::above_a_rule("## Creating enums\n\n***\n---\nonce\n", true)]
    #[case::a_part_under_a_lower_line("Creating enums\n---\n\nNew\n~~~\nOnce.\n", true)]
    #[case::no_part_under_a_higher_line("Creating enums\n---\n\nNew\n===\nOnce.\n", false)]
    #[case::no_part_under_one_mark("Creating enums\n===\n\n# New\nOnce.\n", false)]
    #[case::no_heading("Creating enums is easy.", false)]
    #[case::hash_without_space("#Creating enums\nOnce.", false)]
    #[case::part_of_a_word("An enumeration with my_create_type=False", false)]
    #[case::half_of_the_words("An enum", false)]
    #[case::another_heading("## Recreating enums\nOnce.", false)]
    #[case::empty("", false)]
    fn what_shows_a_topic(#[case] text: &str, #[case] shown: bool) {
        let topic = Topic {
            id: "enums".into(),
            title: "creating enums".into(),
            headings: vec!["Creating enums".into()],
            words: vec![Words(vec!["enum".into(), "create_type=False".into()])],
            paragraph: "Once.".into(),
        };
        let file = NotesFile {
            path: "README.md".into(),
            content: Content::Text(text.into()),
        };
        assert_eq!(
            Document::read(&file).is_some_and(|document| document.shows(&topic)),
            shown
        );
    }
    fn topic(words: &[&[&str]]) -> Topic {
        let owned = |words: &&[&str]| Words(words.iter().map(|word| (*word).to_owned()).collect());
        Topic {
            id: "enums".to_owned(),
            title: "creating enums".to_owned(),
            headings: vec!["Creating enums".to_owned(), "Enum types".to_owned()],
            words: words.iter().map(owned).collect(),
            paragraph: "## Creating enums\n\nOnce.\n".to_owned(),
        }
    }

    /// The findings where these files are all there are.
    fn of(topics: Vec<Topic>, files: &[(&str, Content)]) -> String {
        let (mut evidence, mut service) = (testing::evidence(), testing::service());
        service.notes = Some(NotesConvention {
            files: Vec::new(),
            topics,
        });
        let files = files.iter().map(|(path, content)| NotesFile {
            path: Path::new("/root/a").join(path),
            content: content.clone(),
        });
        evidence.notes = Some(files.collect());
        testing::text(&CRITERION.verdict(&service, &evidence))
    }

    #[test]
    fn a_missing_note_names_where_and_how_it_is_looked_for() {
        let readme = "# A\n<!-- one\ntwo -->\n\n## Enum types\n\n---\n";
        let files = [
            ("README.md", Content::Missing),
            (
                "docs/README.md",
                Content::Unreadable("it is not UTF-8".to_owned()),
            ),
            ("alembic/README.md", Content::Text(readme.to_owned())),
        ];
        let words: &[&[&str]] = &[&["enum", "once"], &["create_type=False"]];
        assert_eq!(
            of(vec![topic(words)], &files),
            r#"no note on creating enums
-> README.md:5: there is no text below this heading
= looked in: a/README.md (no such file), a/docs/README.md (cannot be read: it is not UTF-8), a/alembic/README.md
= looked for: a heading with "Creating enums" or "Enum types"; or "enum" and "once" in one file; or "create_type=False" in one file
? write it into a/alembic/README.md, for instance:

## Creating enums

Once.

? where it may stay for a while: in services/a.toml, [migration_notes.accepted] "enums" = "<reason>""#
        );
    }

    #[test]
    fn a_note_is_proposed_for_the_file_that_has_others() {
        let heads = Topic {
            title: "heads".to_owned(),
            headings: vec!["Heads".to_owned()],
            ..topic(&[])
        };
        let text = |text: &str| Content::Text(text.to_owned());
        let proposed = |files: &[(&str, Content)]| {
            let told = of(vec![heads.clone(), topic(&[])], files);
            let mut lines = told.lines();
            let line = lines.rfind(|line| line.starts_with("? write it into "));
            line.unwrap_or(&told).to_owned()
        };
        let into = |file: &str| format!("? write it into a/{file}, for instance:");
        let with_heads = text("# Heads\n\nOne.");
        let with_both = text("# Heads\n\nOne.\n\n# Creating enums\n\nOnce.");
        assert_eq!(
            proposed(&[("b.md", text("# B")), ("c.md", with_heads)]),
            into("c.md")
        );
        assert_eq!(
            proposed(&[("b.md", Content::Missing), ("c.md", text("# C"))]),
            into("c.md")
        );
        assert_eq!(
            proposed(&[("b.md", Content::Missing), ("c.md", Content::Missing)]),
            into("b.md")
        );
        assert_eq!(proposed(&[("b.md", with_both)]), "pass");
    }

    #[test]
    fn no_file_is_no_evidence() {
        let missing = Verdict::without("the text of the notes");
        assert_eq!(of(vec![topic(&[])], &[]), testing::text(&missing));
    }
}
