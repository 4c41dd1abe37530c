//! The report in formats that other programs read: [`Output`], one per `--output`.
//!
//! Each format is a pure function of the report in a file of its own.

mod defects;
mod gitlab;
mod junit;
mod markdown;
mod sarif;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub use defects::{Defect, DefectKind, defects};

use super::data::Report;
use crate::files::write_whole;

/// The file that GitHub shows below a job, per step.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// One format, and the file that takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub format: Format,
    /// The file, which is replaced.
    pub file: PathBuf,
}

/// A format that other programs read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// GitLab's code quality report.
    Gitlab,
    /// `JUnit` XML, as Jenkins reads it.
    Junit,
    /// Markdown, for people.
    Markdown,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Sarif, Self::Gitlab, Self::Junit, Self::Markdown];

    /// Its name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sarif => "sarif",
            Self::Gitlab => "gitlab",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
        }
    }

    /// The report in this format.
    #[must_use]
    pub fn text(self, report: &Report) -> String {
        match self {
            Self::Sarif => sarif::text(report),
            Self::Gitlab => gitlab::text(report),
            Self::Junit => junit::text(report),
            Self::Markdown => markdown::text(report, markdown::LIMIT),
        }
    }
}

impl FromStr for Output {
    type Err = String;

    /// Reads `FORMAT=FILE`.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = text.split_once('=').and_then(|(name, file)| {
            let format = Format::ALL.into_iter().find(|one| one.name() == name)?;
            let file = (!file.is_empty()).then(|| PathBuf::from(file))?;
            Some(Self { format, file })
        });
        read.ok_or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            format!(
                "expected FORMAT=FILE, for instance sarif=migrations.sarif; the formats are {names}"
            )
        })
    }
}

/// Writes every output of a report.
///
/// # Errors
/// A file cannot be written, naming it.
pub fn write(report: &Report, outputs: &[Output]) -> io::Result<()> {
    for Output { format, file } in outputs {
        let written = || {
            let parent = file
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            parent.map_or(Ok(()), fs::create_dir_all)?;
            write_whole(file, format.text(report).as_bytes())
        };
        written().map_err(|cause| {
            let problem = format!("--output {}={}: {cause}", format.name(), file.display());
            io::Error::new(cause.kind(), problem)
        })?;
    }
    Ok(())
}

/// Adds the report to the summary of GitHub's step, where this is one.
///
/// # Errors
/// The file cannot be written, naming it.
pub fn summarize(report: &Report) -> io::Result<()> {
    let Some(file) = env::var_os(STEP_SUMMARY).filter(|file| !file.is_empty()) else {
        return Ok(());
    };
    append(Path::new(&file), report).map_err(|cause| {
        let problem = format!("{STEP_SUMMARY} {}: {cause}", file.display());
        io::Error::new(cause.kind(), problem)
    })
}

/// Adds the report to a file of Markdown, which has room for so much in all.
fn append(file: &Path, report: &Report) -> io::Result<()> {
    let used = fs::metadata(file).map_or(0, |file| file.len());
    let room = markdown::LIMIT.saturating_sub(usize::try_from(used).unwrap_or(usize::MAX));
    let text = markdown::text(report, room);
    let mut file = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(file)?;
    file.write_all(text.as_bytes())
}
