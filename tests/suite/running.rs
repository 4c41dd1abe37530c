//! Statements of the running release while a deployment is under way. Every test builds a
//! small repository, whose branch `main` runs.

mod meanwhile;
mod shapes;

use pretty_assertions::assert_eq;
use rstest::rstest;

use crate::base_ref::monorepo::git;
use crate::judge::Judged;
use crate::monorepo::{Monorepo, PLAIN, upgrade};

const CASE: &str = "running_release::orders.toml";

const ENV: &str = r#"
import os
import sys

from alembic import context
from sqlalchemy import create_engine, pool

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from models import Base

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
"#;

/// The same by a driver that answers asynchronously.
const ASYNC_ENV: &str = r#"
import asyncio
import os
import sys

from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from models import Base


def migrate(connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()


asyncio.run(main())
"#;

const MODELS: &str = r#"
import enum

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(100), unique=True)


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(sa.ForeignKey("customers.id"))
    email: Mapped[str | None] = mapped_column(sa.String(100))
    status: Mapped[str] = mapped_column(sa.String(20), default=lambda: "new")
    total: Mapped[int] = mapped_column(sa.Integer)
    kind: Mapped[str] = mapped_column(sa.Enum("web", "shop", name="order_kind"))
"#;

const FIRST: &str = r#"
op.create_table(
    "customers",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(100), nullable=False, unique=True),
)
op.create_table(
    "orders",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
    sa.Column("email", sa.String(100)),
    sa.Column("status", sa.String(20), nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("kind", sa.Enum("web", "shop", name="order_kind"), nullable=False),
    sa.Column("legacy", sa.Text),
)
"#;

/// A repository whose branch `main` has one revision, and which is on the branch `topic`.
fn monorepo(manifest: &str, env: &str) -> Monorepo {
    let monorepo = Monorepo::new();
    monorepo.service("orders", manifest, env, &[&upgrade(FIRST)]);
    monorepo.write("orders/models.py", MODELS);
    git(
        monorepo.path(),
        &["init", "--quiet", "--initial-branch=main", "."],
    );
    commit(&monorepo, "base");
    git(monorepo.path(), &["checkout", "--quiet", "-b", "topic"]);
    monorepo
}

fn commit(monorepo: &Monorepo, message: &str) {
    git(monorepo.path(), &["add", "--all"]);
    git(
        monorepo.path(),
        &["commit", "--quiet", "--message", message],
    );
}

fn revision(monorepo: &Monorepo, lines: &str) {
    monorepo.write(
        "orders/alembic/versions/r2.py",
        &format!(
            "revision = \"r2\"\ndown_revision = \"r1\"\n\n{}",
            upgrade(lines)
        ),
    );
}

fn judged(monorepo: &Monorepo) -> Judged {
    monorepo.judge(&["running_release"], &[("BASE_REF", "main")])
}

fn by(driver: &str) -> String {
    format!("{PLAIN}driver = \"{driver}\"\n")
}

fn red(judged: &Judged, says: &[&str]) {
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let text = judged.text(CASE);
    for part in says {
        assert!(text.contains(part), "does not say {part:?}\n{text}");
    }
    assert!(text.lines().count() < 40, "{text}");
}

fn green(judged: &Judged, says: &str) {
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    assert!(
        judged.stderr.contains(says),
        "does not say {says:?}\n{}",
        judged.all()
    );
}

#[rstest]
#[case::column_dropped(
    "op.drop_column(\"orders\", \"email\")",
    &["cannot read, insert into and update orders any more", "orders/alembic/versions/r2.py:8", "42703", "models.py:19 at ", "keep orders.email in this deployment", "\"r2 orders.email gone\""]
)]
#[case::column_renamed("op.alter_column(\"orders\", \"email\", new_column_name=\"mail\")", &["cannot read, insert into and update orders any more", "\"r2 orders.email gone\""])]
#[case::table_renamed("op.rename_table(\"customers\", \"clients\")", &["42P01", "CREATE VIEW customers AS SELECT * FROM <new name>", "\"r2 customers gone\""])]
#[case::required_column(
    "op.add_column(\"orders\", sa.Column(\"channel\", sa.Text, nullable=False, server_default=\"web\"))\nop.alter_column(\"orders\", \"channel\", server_default=None)",
    &["cannot insert into orders any more", "r2.py:9", "23502", "which does not know channel", "give channel a default in this deployment", "\"r2 orders.channel required\""]
)]
#[case::null_refused(
    "op.execute(\"UPDATE orders SET email = '' WHERE email IS NULL\")\nop.alter_column(\"orders\", \"email\", nullable=False)",
    &["cannot insert into and update orders any more", "with NULL for email", "let email be NULL in this deployment", "\"r2 orders.email required\""]
)]
#[case::narrower(
    "op.execute(\"UPDATE orders SET email = left(email, 50)\")\nop.alter_column(\"orders\", \"email\", type_=sa.String(50))",
    &["cannot update orders any more", "22001", "with 100 characters", "\"r2 orders.email narrower\""]
)]
#[case::conflict_target("op.drop_constraint(\"customers_name_key\", \"customers\")", &["cannot insert into customers any more", "42P10", "\"r2 customers.name conflict target\""])]
#[case::generated(
    "op.drop_column(\"orders\", \"total\")\nop.execute(\"ALTER TABLE orders ADD total int GENERATED ALWAYS AS (1) STORED\")",
    &["cannot insert into and update orders any more", "428C9"]
)]
#[case::other_type("op.alter_column(\"orders\", \"total\", type_=sa.BigInteger)", &["cannot read orders by the statements that it has prepared", "0A000", "\"r2 orders warm\""])]
fn what_takes_away_what_it_needs_is_red(#[case] lines: &str, #[case] says: &[&str]) {
    let monorepo = monorepo(PLAIN, ENV);
    revision(&monorepo, lines);
    red(&judged(&monorepo), says);
}

#[rstest]
#[case::column_added("op.add_column(\"orders\", sa.Column(\"note\", sa.Text))")]
#[case::column_with_a_default(
    "op.add_column(\"orders\", sa.Column(\"note\", sa.Text, nullable=False, server_default=\"\"))"
)]
#[case::table_added(
    "op.create_table(\"refunds\", sa.Column(\"id\", sa.Integer, primary_key=True))"
)]
#[case::wider("op.alter_column(\"orders\", \"status\", nullable=True)")]
#[case::contract("op.drop_column(\"orders\", \"legacy\")")]
#[case::renamed_behind_a_view(
    "op.rename_table(\"orders\", \"purchases\")\nop.execute(\"CREATE VIEW orders AS SELECT * FROM purchases\")"
)]
#[case::checked(
    "op.create_check_constraint(\"short\", \"orders\", \"length(status) < 3\", postgresql_not_valid=True)"
)]
#[case::label_added(
    "with op.get_context().autocommit_block():\n    op.execute(\"ALTER TYPE order_kind ADD VALUE 'post'\")"
)]
fn what_leaves_it_that_is_green(#[case] lines: &str) {
    let monorepo = monorepo(PLAIN, ENV);
    revision(&monorepo, lines);
    green(&judged(&monorepo), "the running release (main ");
}

#[test]
fn rows_lets_go_what_the_running_release_does_not_know() {
    let monorepo = monorepo(PLAIN, ENV);
    let judged = || monorepo.judge(&["rows::"], &[("BASE_REF", "main")]);
    revision(&monorepo, "op.drop_column(\"orders\", \"legacy\")");
    green(
        &judged(),
        "revision r2 drops orders.legacy with its values, which the running release (main ",
    );
    revision(&monorepo, "op.drop_column(\"orders\", \"email\")");
    let judged = judged();
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let text = judged.text("rows::orders.toml");
    assert!(
        text.contains("revision r2 drops orders.email with its values\n"),
        "{text}"
    );
    assert!(text.contains("\"r2 orders.email gone\""), "{text}");
}

#[rstest]
#[case::psycopg2("psycopg2", ENV)]
#[case::asyncpg("asyncpg", ASYNC_ENV)]
fn every_driver_tells_it(#[case] driver: &str, #[case] env: &str) {
    let monorepo = monorepo(&by(driver), env);
    revision(
        &monorepo,
        "op.add_column(\"orders\", sa.Column(\"note\", sa.Text))",
    );
    green(&judged(&monorepo), "statements of its models as before");
    revision(&monorepo, "op.drop_column(\"orders\", \"email\")");
    red(
        &judged(&monorepo),
        &[
            "cannot read, insert into and update orders any more",
            "\"r2 orders.email gone\"",
        ],
    );
}

/// The models of today know the column no more; those that run do.
#[test]
fn the_models_are_those_of_the_base() {
    let monorepo = monorepo(PLAIN, ENV);
    let today = MODELS.replace(
        "    email: Mapped[str | None] = mapped_column(sa.String(100))\n",
        "",
    );
    assert_ne!(today, MODELS);
    monorepo.write("orders/models.py", &today);
    commit(&monorepo, "forget it");
    revision(&monorepo, "op.drop_column(\"orders\", \"email\")");
    red(&judged(&monorepo), &["\"r2 orders.email gone\""]);
    let released = monorepo.judge(&["running_release"], &[("BASE_REF", "topic")]);
    green(&released, "the running release (topic ");
}

#[test]
fn nothing_is_deployed_where_nothing_is_pending() {
    let monorepo = monorepo(PLAIN, ENV);
    green(&judged(&monorepo), "nothing is deployed");
}

#[test]
fn without_a_release_it_does_not_apply_and_a_manifest_may_name_one() {
    let monorepo = monorepo(PLAIN, ENV);
    revision(&monorepo, "op.drop_column(\"orders\", \"email\")");
    let none = monorepo.judge(&["running_release"], &[]);
    green(
        &none,
        "running_release applies to no service: nobody says which release is running",
    );
    let manifest = format!(
        "{}deployed = \"r1\"\n\n[running_release]\nref = \"main\"\n",
        PLAIN.replace("{name}", "orders")
    );
    monorepo.write("services-manifest/services/orders.toml", &manifest);
    red(
        &monorepo.judge(&["running_release"], &[]),
        &["\"r2 orders.email gone\""],
    );
}

#[test]
fn a_finding_is_accepted_by_its_key() {
    let monorepo = monorepo(PLAIN, ENV);
    revision(&monorepo, "op.drop_column(\"orders\", \"email\")");
    let accepted = "[running_release.accepted]\n\"r2 orders.email gone\" = \"we stop first\"\n";
    let manifest = format!("{}\n{accepted}", PLAIN.replace("{name}", "orders"));
    monorepo.write("services-manifest/services/orders.toml", &manifest);
    green(
        &judged(&monorepo),
        "accepted: r2 orders.email gone: we stop first",
    );
    revision(&monorepo, "pass");
    red(
        &judged(&monorepo),
        &["\"r2 orders.email gone\" is accepted, and is not there any more"],
    );
}

#[test]
fn a_release_that_cannot_be_imported_is_an_error_that_names_the_module() {
    let monorepo = monorepo(PLAIN, ENV);
    monorepo.write(
        "orders/models.py",
        &format!("import not_there_any_more\n{MODELS}"),
    );
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    commit(&monorepo, "base");
    git(monorepo.path(), &["checkout", "--quiet", "-B", "topic"]);
    monorepo.write("orders/models.py", MODELS);
    revision(&monorepo, "op.drop_column(\"orders\", \"legacy\")");
    red(
        &judged(&monorepo),
        &[
            "harness error[alembic]: orders: the running release (main ",
            "No module named 'not_there_any_more'",
            "models.py:1 of it",
            "install what it imports beside what today's code needs",
            "below [not_applicable]: running_release = \"<reason>\"",
        ],
    );
}

#[test]
fn a_release_without_models_says_so() {
    let monorepo = monorepo(PLAIN, ENV);
    monorepo.write(
        "orders/alembic/env.py",
        &ENV.replace(", target_metadata=Base.metadata", ""),
    );
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    commit(&monorepo, "base");
    git(monorepo.path(), &["checkout", "--quiet", "-B", "topic"]);
    revision(&monorepo, "op.drop_column(\"orders\", \"legacy\")");
    green(&judged(&monorepo), "env.py names no models at main ");
}

/// Statements that the running release could not do before are not the deployment's fault.
#[test]
fn what_failed_before_is_left_out() {
    let monorepo = monorepo(PLAIN, ENV);
    let models = format!("{MODELS}    ahead: Mapped[str | None] = mapped_column(sa.Text)\n");
    monorepo.write("orders/models.py", &models);
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    commit(&monorepo, "base");
    git(monorepo.path(), &["checkout", "--quiet", "-B", "topic"]);
    revision(&monorepo, "op.drop_column(\"orders\", \"legacy\")");
    green(
        &judged(&monorepo),
        "left out, since the running release cannot execute them before either",
    );
}

/// It ran before the deployment, so that nothing is amiss with the interpreter.
#[test]
fn a_release_whose_env_fails_after_the_deployment_is_told_apart() {
    let monorepo = monorepo(PLAIN, ENV);
    let check = "with engine.connect() as connection:\n    found = connection.exec_driver_sql(\"SELECT to_regclass('public.marker')\").scalar()\n    connection.rollback()\n    assert found is None, \"too new\"\n";
    let old = ENV.replace("with engine.connect() as connection:\n", check);
    assert_ne!(old, ENV);
    monorepo.write("orders/alembic/env.py", &old);
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    commit(&monorepo, "base");
    git(monorepo.path(), &["checkout", "--quiet", "-B", "topic"]);
    monorepo.write("orders/alembic/env.py", ENV);
    revision(
        &monorepo,
        "op.create_table(\"marker\", sa.Column(\"id\", sa.Integer, primary_key=True))",
    );
    red(
        &judged(&monorepo),
        &[
            "ran before the deployment, and its env.py does not after it",
            "AssertionError: too new",
            "keep what it needs in this deployment",
        ],
    );
}

/// An error names the files that the old tree lacks because git has no objects of them.
#[test]
fn files_that_git_does_not_hold_are_named() {
    let monorepo = monorepo(PLAIN, ENV);
    git(monorepo.path(), &["checkout", "--quiet", "main"]);
    let models = format!(
        "import json, pathlib\nfrom shared import names\njson.loads(pathlib.Path(__file__).with_name(\"kinds.json\").read_text())\n{MODELS}"
    );
    monorepo.write("orders/models.py", &models);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
    monorepo.write("orders/kinds.json", pointer);
    let head = git(monorepo.path(), &["rev-parse", "HEAD"]);
    let link = format!("160000,{},orders/shared", head.trim());
    git(
        monorepo.path(),
        &["update-index", "--add", "--cacheinfo", &link],
    );
    git(
        monorepo.path(),
        &["add", "orders/models.py", "orders/kinds.json"],
    );
    git(monorepo.path(), &["commit", "--quiet", "-m", "base"]);
    git(monorepo.path(), &["checkout", "--quiet", "-B", "topic"]);
    monorepo.write("orders/models.py", MODELS);
    revision(&monorepo, "op.drop_column(\"orders\", \"legacy\")");
    red(
        &judged(&monorepo),
        &[
            "does not run in today's interpreter",
            "orders/shared of it is a submodule, whose files are not there",
            "orders/kinds.json of it is a pointer of Git LFS, whose contents are not there",
        ],
    );
}
