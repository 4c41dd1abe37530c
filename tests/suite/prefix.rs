//! A service below the prefix of its interpreter, such as `/usr/src/app` in an image whose
//! Python is `/usr/bin/python3`: its files are its own all the same.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::judge::{judge, python};

/// Asks Python about itself.
fn ask(python: &Path, expression: &str) -> PathBuf {
    let script = format!("import os, sys, sysconfig, alembic; print({expression})");
    let output = Command::new(python).args(["-c", &script]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// A virtual environment whose Python has `prefix`, with the packages of another one.
fn environment(directory: &Path, prefix: &Path, python: &Path) -> PathBuf {
    let standard = ask(python, "os.path.dirname(os.__file__)");
    let version = standard.file_name().unwrap();
    let program = ask(python, "os.path.realpath(sys.executable)");
    let packages = ask(python, "sysconfig.get_path('purelib')");
    for place in [
        prefix.join("bin"),
        prefix.join("lib"),
        directory.join("bin"),
    ] {
        fs::create_dir_all(place).unwrap();
    }
    let below = prefix.join("bin").join(version);
    symlink(program, &below).unwrap();
    symlink(&standard, prefix.join("lib").join(version)).unwrap();
    let lib = directory.join("lib").join(version);
    fs::create_dir_all(&lib).unwrap();
    symlink(packages, lib.join("site-packages")).unwrap();
    let home = prefix.join("bin").display().to_string();
    fs::write(directory.join("pyvenv.cfg"), format!("home = {home}\n")).unwrap();
    let own = directory.join("bin/python");
    symlink(below, &own).unwrap();
    own
}

#[test]
fn a_service_below_the_interpreters_prefix_has_places() {
    let image = tempfile::tempdir().unwrap();
    let image = image.path().canonicalize().unwrap();
    let original = python();
    let python = environment(&image.join("venv"), &image.join("usr"), &original);
    assert_eq!(ask(&python, "sys.base_prefix"), image.join("usr"));

    let app = image.join("usr/src/app");
    fs::create_dir_all(app.join("alembic/versions")).unwrap();
    fs::write(
        app.join("alembic.ini"),
        "[alembic]\nscript_location = alembic\nprepend_sys_path = .\n",
    )
    .unwrap();
    fs::write(app.join("alembic/env.py"), "import settings\n").unwrap();
    fs::write(app.join("settings.py"), "import json\n\njson.loads('{')\n").unwrap();
    let revision = "revision = 'r1'\ndown_revision = None\n\n\ndef upgrade():\n    pass\n";
    fs::write(app.join("alembic/versions/r1.py"), revision).unwrap();
    let manifest = image.join("services-manifest");
    fs::create_dir_all(manifest.join("services")).unwrap();
    let defaults = format!("root = \"../usr/src\"\npython = \"{}\"\n", python.display());
    fs::write(manifest.join("defaults.toml"), defaults).unwrap();
    let service = "path = \"app\"\ndatabase_url_env = \"DATABASE_URL\"\n";
    fs::write(manifest.join("services/app.toml"), service).unwrap();

    let judged = judge(&manifest, &["upgrade_head"], &[]);
    let text = judged.text("upgrade_head::app.toml");
    assert!(text.contains("raises JSONDecodeError"), "{}", judged.all());
    assert!(text.contains("app/settings.py:3"), "{text}");
}
