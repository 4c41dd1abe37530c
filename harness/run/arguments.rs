//! The command line of the test binary and of `migration-harness verify`: [`Arguments`].

use std::ffi::OsString;
use std::str::FromStr;

use clap::Parser;
use libtest_mimic::Arguments as Runner;

use crate::report::outputs::Output;

/// The variable that stands for `--accept`: `1`, or a key.
pub(super) const ACCEPT: &str = "ACCEPT";

/// The options of the test runner, and what one run of many machines needs beside them.
#[derive(Debug, Clone, Default, Parser)]
#[command(
    override_usage = "[OPTIONS] [FILTER]...",
    disable_version_flag = true,
    after_help = "Each filter is a part of a case's name, <criterion>::<service>.toml; without one, every\n\
        case is judged."
)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) runner: Runner,
    /// Judge the services of one part only: of every N services that are selected, the M-th
    #[arg(long, value_name = "M/N")]
    pub(super) partition: Option<Partition>,
    /// Write the report for another program too, several times: sarif, gitlab, junit, markdown
    #[arg(long, value_name = "FORMAT=FILE")]
    pub(super) output: Vec<Output>,
    /// Write a line into the manifest for each finding that it can accept; what a deployment
    /// loses or is blocked by is accepted by its key
    #[arg(long, value_name = "KEY", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(super) accept: Vec<String>,
    /// Filters after the first one, which is the runner's own
    #[arg(hide = true)]
    others: Vec<String>,
}

impl Arguments {
    /// The arguments in `words`, of which the first is the program's name. What is wrong in
    /// them ends the process, as `--help` does.
    pub(super) fn read(words: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(words)
    }

    /// The arguments that select by these filters.
    #[cfg(feature = "program")]
    pub(super) fn with_filters(filters: &[String]) -> Self {
        Self {
            others: filters.to_vec(),
            ..Self::default()
        }
    }

    /// Tells whether a case is selected, by the rules of the test runner: any filter is a part of
    /// its name, or all of it with `--exact`.
    pub(super) fn select(&self, name: &str) -> bool {
        let matches = |filter: &String| match self.runner.exact {
            true => name == *filter,
            false => name.contains(filter.as_str()),
        };
        let mut filters = self.filters().peekable();
        let unfiltered = filters.peek().is_none();
        (unfiltered || filters.any(matches)) && !self.runner.skip.iter().any(matches)
    }

    /// Every filter, in the order in which they were given.
    pub(super) fn filters(&self) -> impl Iterator<Item = &String> {
        self.runner.filter.iter().chain(&self.others)
    }

    /// The arguments for the test runner, which knows one filter: it gets none where there
    /// are several, and is given selected cases only.
    pub(super) fn for_runner(&self) -> Runner {
        let mut runner = self.runner.clone();
        if !self.others.is_empty() {
            runner.filter = None;
            runner.skip = Vec::new();
        }
        runner
    }
}

/// One of several parts into which the services of a run are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Partition {
    /// The part, counted from 1.
    part: usize,
    /// The number of parts.
    parts: usize,
}

impl Partition {
    /// The items of this part. Every item is in one part, and no part has two more than
    /// another.
    pub(super) fn select<T>(self, items: impl IntoIterator<Item = T>) -> impl Iterator<Item = T> {
        items.into_iter().skip(self.part - 1).step_by(self.parts)
    }
}

impl FromStr for Partition {
    type Err = String;

    /// Reads `M/N`, and nextest's `count:M/N` and `slice:M/N` as the same.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let counted = ["count:", "slice:"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
        let numbers = counted.unwrap_or(text).split_once('/');
        let read =
            numbers.and_then(|(part, parts)| Some((part.parse().ok()?, parts.parse().ok()?)));
        match read {
            Some((part, parts)) if (1..=parts).contains(&part) => Ok(Self { part, parts }),
            _ => Err("expected M/N with M from 1 to N, for instance 1/4".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(words: &str) -> Arguments {
        Arguments::read(
            ["services"]
                .into_iter()
                .chain(words.split_whitespace())
                .map(Into::into),
        )
    }

    #[rstest]
    #[case::everything("", "upgrade_head::a.toml", true)]
    #[case::one("upgrade_head", "upgrade_head::a.toml", true)]
    #[case::another("enum_types", "upgrade_head::a.toml", false)]
    #[case::the_second("b::x a.toml", "upgrade_head::a.toml", true)]
    #[case::neither("b::x c", "upgrade_head::a.toml", false)]
    #[case::an_exact_one_of_two("--exact x upgrade_head::a.toml", "upgrade_head::a.toml", true)]
    #[case::not_exact("--exact x upgrade_head", "upgrade_head::a.toml", false)]
    #[case::skipped("a b --skip upgrade", "upgrade_head::a.toml", false)]
    fn filters_add_up(#[case] words: &str, #[case] name: &str, #[case] selected: bool) {
        assert_eq!(read(words).select(name), selected);
    }

    #[test]
    fn the_runner_gets_no_filter_where_there_are_several() {
        assert_eq!(read("a").for_runner().filter.as_deref(), Some("a"));
        assert_eq!(read("a b").for_runner().filter, None);
    }

    #[rstest]
    #[case("1/1", true)]
    #[case("2/3", true)]
    #[case("count:2/3", true)]
    #[case("0/3", false)]
    #[case("4/3", false)]
    #[case("0/0", false)]
    #[case("1", false)]
    #[case("hash:1/2", false)]
    #[case("-1/2", false)]
    fn partitions_are_counted_from_one(#[case] text: &str, #[case] good: bool) {
        assert_eq!(text.parse::<Partition>().is_ok(), good);
    }

    #[test]
    fn every_item_is_in_one_part() {
        let parts = |parts: usize| {
            let part = |part| Partition { part, parts }.select(0..7).collect::<Vec<_>>();
            (1..=parts).map(part).collect::<Vec<_>>()
        };
        assert_eq!(parts(3), [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        assert_eq!(parts(8).concat(), (0..7).collect::<Vec<_>>());
    }
}
