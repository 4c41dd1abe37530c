//! The ini dialect of Python's `configparser.ConfigParser`: [`Ini`].
//!
//! Alembic reads its configuration with that class and no options of its own,
//! so a service's ini means what Python makes of it: keys are case-insensitive,
//! `=` and `:` both separate, only whole lines are comments, an indented line
//! continues the value above (even one that looks like a section), a duplicate
//! is an error, and `%(name)s` is replaced when a value is asked for. Sources:
//! <https://docs.python.org/3/library/configparser.html> and the module itself.

use std::collections::HashMap;

/// The depth to which `%(name)s` may refer to values that refer to others
/// (`configparser.MAX_INTERPOLATION_DEPTH`).
const MAX_DEPTH: usize = 10;

/// The number of pieces that one value may be put together from. Python has no such
/// bound; ten levels of a thousand references each would keep it busy for ever.
const MAX_PIECES: usize = 100_000;

type Options = HashMap<String, String>;

/// A parsed ini file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ini {
    sections: HashMap<String, Options>,
    defaults: Options,
}

impl Ini {
    /// Parses `text`; `here` is what `%(here)s` stands for.
    ///
    /// # Errors
    ///
    /// The line number, from 1, and what Python refuses about that line.
    pub(super) fn parse(text: &str, here: &str) -> Result<Self, (usize, String)> {
        let mut reader = Reader::new(here);
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        for (number, line) in (1..).zip(text.split('\n')) {
            reader.line(line).map_err(|problem| (number, problem))?;
        }
        Ok(reader.finish())
    }

    /// Tells whether there is a section of this name; `DEFAULT` is none.
    pub(super) fn has_section(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    /// The names of all sections, without `DEFAULT`.
    pub(super) fn sections(&self) -> Vec<String> {
        self.sections.keys().cloned().collect()
    }

    /// The value of `key` as it is written.
    pub(super) fn raw(&self, section: &str, key: &str) -> Option<&str> {
        let own = self.sections.get(section)?.get(key);
        own.or_else(|| self.defaults.get(key)).map(String::as_str)
    }

    /// Tells whether `section` itself sets `key`.
    pub(super) fn sets(&self, section: &str, key: &str) -> bool {
        let options = self.sections.get(section);
        options.is_some_and(|options| options.contains_key(key))
    }

    /// Tells whether `DEFAULT` sets `key`.
    pub(super) fn defaults_to(&self, key: &str) -> bool {
        self.defaults.contains_key(key)
    }

    /// The value of `key` in `section` or, failing that, in `DEFAULT`, with
    /// every `%(name)s` replaced. `None` where neither section nor key exists.
    ///
    /// # Errors
    ///
    /// A reference to an unknown key, or a `%` that is neither `%%` nor `%(name)s`.
    pub(super) fn get(&self, section: &str, key: &str) -> Result<Option<String>, String> {
        let Some(options) = self.sections.get(section) else {
            return Ok(None);
        };
        let lookup = |name: &str| options.get(name).or_else(|| self.defaults.get(name));
        let Some(raw) = lookup(key) else {
            return Ok(None);
        };
        let mut value = String::new();
        interpolate(raw, &lookup, 1, &mut 0, &mut value)?;
        Ok(Some(value))
    }
}

fn interpolate<'v>(
    raw: &str,
    lookup: &dyn Fn(&str) -> Option<&'v String>,
    depth: usize,
    pieces: &mut usize,
    out: &mut String,
) -> Result<(), String> {
    if depth > MAX_DEPTH {
        return Err(format!(
            "`%(...)s` is nested deeper than {MAX_DEPTH} levels"
        ));
    }
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('%') {
        *pieces += 1;
        if *pieces > MAX_PIECES {
            return Err(format!(
                "`%(...)s` is replaced more than {MAX_PIECES} times"
            ));
        }
        out.push_str(before);
        if let Some(after) = after.strip_prefix('%') {
            out.push('%');
            rest = after;
            continue;
        }
        let (name, after) = after
            .strip_prefix('(')
            .and_then(|reference| reference.split_once(")s"))
            .filter(|(name, _)| !name.is_empty() && !name.contains(')'))
            .ok_or_else(|| format!("`%` must be followed by `%` or `(name)s`, found `%{after}`"))?;
        let value = lookup(&name.to_lowercase())
            .ok_or_else(|| format!("`%({name})s` refers to a key that does not exist"))?;
        interpolate(value, lookup, depth + 1, pieces, out)?;
        rest = after;
    }
    out.push_str(rest);
    Ok(())
}

/// The state of `RawConfigParser._read` between two lines.
struct Reader {
    sections: HashMap<String, HashMap<String, Vec<String>>>,
    section: Option<String>,
    key: Option<String>,
    indent: usize,
    here: String,
}

/// The section that every other one falls back to.
const DEFAULT: &str = "DEFAULT";

impl Reader {
    fn new(here: &str) -> Self {
        Self {
            sections: HashMap::from([(DEFAULT.to_owned(), HashMap::new())]),
            section: None,
            key: None,
            indent: 0,
            here: here.to_owned(),
        }
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let text = line.trim();
        if text.starts_with(['#', ';']) {
            return Ok(());
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if (text.is_empty() || indent > self.indent)
            && let Some(value) = self.open_value()
        {
            value.push(text.to_owned());
            return Ok(());
        }
        if text.is_empty() {
            return Ok(());
        }
        self.indent = indent;
        match text
            .strip_prefix('[')
            .and_then(|rest| rest.rsplit_once(']'))
        {
            Some((name, _)) if !name.is_empty() => self.open_section(name),
            _ => self.option(text),
        }
    }

    /// The lines of the value that the last option line began.
    fn open_value(&mut self) -> Option<&mut Vec<String>> {
        let section = self.sections.get_mut(self.section.as_ref()?)?;
        section.get_mut(self.key.as_ref()?)
    }

    fn open_section(&mut self, name: &str) -> Result<(), String> {
        if name != DEFAULT && self.sections.contains_key(name) {
            return Err(format!("section [{name}] is there twice"));
        }
        self.sections.entry(name.to_owned()).or_default();
        self.section = Some(name.to_owned());
        self.key = None;
        Ok(())
    }

    fn option(&mut self, text: &str) -> Result<(), String> {
        let Some(section) = &self.section else {
            return Err(format!("`{text}` stands before any [section]"));
        };
        let (key, value) = text
            .split_once(['=', ':'])
            .filter(|(key, _)| !key.trim().is_empty())
            .ok_or_else(|| format!("`{text}` is no `key = value`"))?;
        let key = key.trim_end().to_lowercase();
        let options = self.sections.entry(section.clone()).or_default();
        if options.contains_key(&key) {
            return Err(format!("`{key}` is set twice in [{section}]"));
        }
        options.insert(key.clone(), vec![value.trim().to_owned()]);
        self.key = Some(key);
        Ok(())
    }

    fn finish(mut self) -> Ini {
        let joined = |options: HashMap<String, Vec<String>>| -> Options {
            let join = |lines: Vec<String>| lines.join("\n").trim_end().to_owned();
            options
                .into_iter()
                .map(|(key, lines)| (key, join(lines)))
                .collect()
        };
        let mut defaults = joined(self.sections.remove(DEFAULT).unwrap_or_default());
        defaults.entry("here".to_owned()).or_insert(self.here);
        let sections = self
            .sections
            .into_iter()
            .map(|(name, options)| (name, joined(options)));
        Ini {
            sections: sections.collect(),
            defaults,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rstest::rstest;

    use super::Ini;

    #[rstest]
    #[case::plain("[a]\nk = v", "v")]
    #[case::colon("[a]\nk: v", "v")]
    #[case::first_delimiter_wins("[a]\nk = x:y", "x:y")]
    #[case::key_case("[a]\nK = v", "v")]
    #[case::inline_comment_is_text("[a]\nk = v ; no comment", "v ; no comment")]
    #[case::comment_inside_a_value("[a]\nk =\n  x\n# note\n  y", "\nx\ny")]
    #[case::blank_line_inside_a_value("[a]\nk = x\n\n  y\n\n", "x\n\ny")]
    #[case::indented_section_is_text("[a]\nk = x\n  [b]", "x\n[b]")]
    #[case::here("[a]\nk = %(here)s/v", "/h/v")]
    #[case::percent("[a]\nk = 100%%", "100%")]
    #[case::same_section("[a]\nroot = r\nk = %(ROOT)s/v", "r/v")]
    #[case::default_section("[DEFAULT]\nroot = d\n[a]\nk = %(root)s", "d")]
    #[case::key_in_default("[DEFAULT]\nk = d\n[a]\nx = 1", "d")]
    #[case::carriage_returns("[a]\r\nk = v\r\n", "v")]
    #[case::text_after_the_section("[a] ; text\nk = v", "v")]
    fn reads_as_python_does(#[case] text: &str, #[case] value: &str) {
        let ini = Ini::parse(text, "/h").unwrap();
        assert_eq!(ini.get("a", "k"), Ok(Some(value.to_owned())));
    }

    #[rstest]
    #[case::no_section("k = v", 1, "before any [section]")]
    #[case::byte_order_mark("\u{feff}[a]\nk = v", 1, "before any [section]")]
    #[case::duplicate_section("[a]\n[a]", 2, "is there twice")]
    #[case::duplicate_key("[a]\nk = 1\nK : 2", 3, "`k` is set twice in [a]")]
    #[case::bare_word("[a]\nword", 2, "is no `key = value`")]
    #[case::no_key("[a]\n= v", 2, "is no `key = value`")]
    fn refuses_what_python_refuses(#[case] text: &str, #[case] line: usize, #[case] says: &str) {
        let (at, problem) = Ini::parse(text, "/h").unwrap_err();
        assert_eq!(at, line);
        assert!(problem.contains(says), "{problem}");
    }

    #[rstest]
    #[case::unknown("%(nope)s", "refers to a key that does not exist")]
    #[case::bare("50%", "must be followed by")]
    #[case::unclosed("%(here", "must be followed by")]
    #[case::itself("%(k)s", "nested deeper")]
    fn refuses_a_bad_reference(#[case] value: &str, #[case] says: &str) {
        let ini = Ini::parse(&format!("[a]\nk = {value}\nfine = 1"), "/h").unwrap();
        assert!(ini.get("a", "k").unwrap_err().contains(says));
        assert_eq!(ini.get("a", "fine"), Ok(Some("1".to_owned())));
    }

    #[test]
    fn ends_on_references_that_multiply() {
        let mut text = "[a]\nk0 = %%\n".to_owned();
        for level in 1..9 {
            let below = format!("%(k{})s", level - 1).repeat(100);
            text.push_str(&format!("k{level} = {below}\n"));
        }
        let ini = Ini::parse(&text, "/h").unwrap();
        assert!(ini.get("a", "k8").unwrap_err().contains("more than"));
    }
}
