//! A monorepo of one's own in a temporary directory, for what no service that is
//! checked in can be: one that names a port, or a file that must not be there.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::judge::{Judged, judge, python};

/// The ini file of every service here that does not bring its own.
const INI: &str = "[alembic]\nscript_location = alembic\n";
/// Migrates through an asynchronous engine.
pub const ASYNC_ENV: &str = r#"
import asyncio, os
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)

asyncio.run(main())
"#;
/// Migrates through a synchronous engine, with the URL of one variable.
pub const ENV: &str = r#"
import os
from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"#;
/// A service that is as it should be.
pub const PLAIN: &str = "path = \"{name}\"\ndatabase_url_env = \"DATABASE_URL\"\n";

/// Removed when it goes.
pub struct Monorepo {
    directory: tempfile::TempDir,
}

impl Monorepo {
    /// One without any service. Its directory can be entered by everyone.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let monorepo = Self { directory };
        let python = python();
        monorepo.write(
            "services-manifest/defaults.toml",
            &format!(
                "root = \"..\"\npython = {python:?}\ndriver = \"psycopg\"\n\
                 [not_applicable]\nmodel_drift = \"no models\"\n"
            ),
        );
        fs::create_dir(monorepo.manifest().join("services")).unwrap();
        monorepo
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn manifest(&self) -> PathBuf {
        self.path().join("services-manifest")
    }

    /// Writes a file, and the directories that it lies in.
    pub fn write(&self, file: &str, text: &str) {
        let file = self.path().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Adds a service; `{name}` in its manifest is its name.
    pub fn service(&self, name: &str, manifest: &str, env: &str, revisions: &[&str]) {
        let toml = format!("services-manifest/services/{name}.toml");
        self.write(&toml, &manifest.replace("{name}", name));
        self.write(&format!("{name}/alembic.ini"), INI);
        self.write(&format!("{name}/alembic/env.py"), env);
        for (number, revision) in revisions.iter().enumerate() {
            let down = match number {
                0 => "None".to_owned(),
                number => format!("\"r{number}\""),
            };
            let number = number + 1;
            self.write(
                &format!("{name}/alembic/versions/r{number}.py"),
                &format!("revision = \"r{number}\"\ndown_revision = {down}\n\n{revision}"),
            );
        }
    }

    /// Judges with files of the run in the monorepo, so that nothing is shared.
    pub fn judge(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Judged {
        judge(&self.manifest(), arguments, variables)
    }
}

/// A revision whose upgrade is these lines, each indented as they are.
pub fn upgrade(lines: &str) -> String {
    let body = lines.trim_matches('\n').replace('\n', "\n    ");
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\n\
         def upgrade():\n    {body}\n\n\ndef downgrade():\n    pass\n"
    )
}

/// A revision that makes a table, and takes it back.
pub fn table(name: &str) -> String {
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\n\
         def upgrade():\n    op.create_table(\"{name}\", sa.Column(\"id\", sa.Integer(), primary_key=True))\n\n\n\
         def downgrade():\n    op.drop_table(\"{name}\")\n"
    )
}
