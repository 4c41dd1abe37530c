//! Tests on services written in the ways that services are written in.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::service::FoundService;
use super::{Discovery, Request, discover};

mod facts;
mod flask;
mod imports;
mod url;

const INI: &str = "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n\
    sqlalchemy.url = driver://user:pass@localhost/dbname\n";

/// A monorepo of these files.
fn monorepo(files: &[(&str, &str)]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, content).unwrap();
    }
    directory
}

fn discovered(directory: &Path) -> Discovery {
    let request = Request {
        root: directory.to_owned(),
        to: None,
        force: false,
        dry_run: true,
    };
    discover(&request).unwrap_or_else(|error| panic!("{error:?}"))
}

/// The one service of a monorepo whose `orders/alembic/env.py` and `orders/config.py`
/// these are.
fn orders(env: &str, config: &str) -> FoundService {
    let env = format!("from alembic import context\n{env}");
    let directory = monorepo(&[
        ("orders/alembic.ini", INI),
        ("orders/alembic/env.py", &env),
        ("orders/config.py", config),
    ]);
    let mut discovery = discovered(directory.path());
    assert_eq!(discovery.services.len(), 1, "{:?}", discovery.services);
    discovery.services.remove(0)
}
