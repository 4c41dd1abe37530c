//! An exception planted in each step of the worker is a fault of the harness, with its
//! traceback, and never the service's; where a step only helps, it costs no verdict.

use rstest::rstest;

use crate::monorepo::{Monorepo, PLAIN};

/// Replaces one of the worker's own functions by one that raises, when env.py first runs,
/// and migrates; the table is a model's.
const ENV: &str = r#"
import os
import sys
from alembic import context
from sqlalchemy import Column, Enum, Integer, MetaData, Table, create_engine, pool
from sqlalchemy.orm import registry

worker = sys.modules["__main__"]
*path, name = os.environ["PLANTED"].split(".")
owner = worker
for part in path:
    owner = sys.modules[part] if part in sys.modules else getattr(owner, part)


def planted(*args, **kwargs):
    raise RuntimeError("planted here")


if name:
    assert hasattr(owner, name), name
    setattr(owner, name, planted)

metadata = MetaData()
table = Table(
    "essays", metadata, Column("id", Integer, primary_key=True), Column("status", Enum("a", name="st"))
)


class Essay:
    pass


registry(metadata=metadata).map_imperatively(Essay, table)
engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"#;
const REVISION: &str = r#"
from alembic import op
import sqlalchemy as sa


def upgrade():
    op.create_table(
        "essays", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("status", sa.Enum("a", name="st"))
    )
    op.execute("CREATE INDEX unknown_to_models ON essays (status)")


def downgrade():
    op.drop_table("essays")
    op.execute("DROP TYPE st")
"#;

/// Models that lean on a domain and on nothing else that only migrations make, and that
/// stop when their table is there.
const LEANING_ENV: &str = r#"
import os
from alembic import context
from sqlalchemy import Column, MetaData, Table, create_engine, event, pool
from sqlalchemy.types import UserDefinedType


class Word(UserDefinedType):
    cache_ok = True

    def get_col_spec(self):
        return "word"


def stop(*args, **kwargs):
    raise RuntimeError("stopped by the models")


metadata = MetaData()
event.listen(Table("essays", metadata, Column("title", Word)), "after_create", stop)
engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=metadata)
    with context.begin_transaction():
        context.run_migrations()
"#;
const LEANED_ON: &str = r#"
from alembic import op


def upgrade():
    op.execute("CREATE DOMAIN word AS text")
    op.execute("CREATE TABLE essays (title word)")
    op.execute("CREATE FUNCTION shout(essay essays) RETURNS text LANGUAGE sql AS 'SELECT upper($1.title)'")


def downgrade():
    op.execute("DROP FUNCTION shout; DROP TABLE essays; DROP DOMAIN word")
"#;

#[test]
fn what_the_harness_lays_for_the_models_is_no_statement_of_theirs() {
    let monorepo = Monorepo::new();
    let manifest = format!("{PLAIN}\n[not_applicable]\nmodel_drift = false\n");
    monorepo.service("essays", &manifest, LEANING_ENV, &[LEANED_ON]);
    let judged = monorepo.judge(&["model_drift"], &[]);
    let text = judged.text("model_drift::essays.toml");
    assert!(
        text.contains("RuntimeError: stopped by the models"),
        "{}",
        judged.all()
    );
    assert!(!text.contains("the statement:"), "{text}");
}

fn judged(step: &str) -> crate::judge::Judged {
    let monorepo = Monorepo::new();
    let manifest = format!(
        "{PLAIN}\n[env]\nPLANTED = \"{step}\"\n[not_applicable]\nmodel_drift = false\n\
         outbox_indexes = \"publishes no events\"\nmigration_notes = \"no people\"\n\
         deployed_schema = \"not accepted\"\n\
         [model_drift.accepted]\n\"index unknown_to_models\" = \"left to the migrations\"\n"
    );
    monorepo.service("essays", &manifest, ENV, &[REVISION]);
    monorepo.judge(&[], &[])
}

#[rstest]
#[case::nothing("")]
#[case::place_of_a_class("migration_harness_models.mapped")]
#[case::place_in_a_file("migration_harness_places.place_of")]
fn a_step_that_only_helps_costs_no_verdict(#[case] step: &str) {
    let judged = judged(step);
    assert_eq!(judged.code, Some(0), "{}", judged.all());
}

#[test]
fn what_is_not_remembered_is_said() {
    let judged = judged("migration_harness_commands.checked_out");
    assert_eq!(judged.code, Some(0), "{}", judged.all());
    let said = "its imports are not remembered: essays: the harness's worker failed: Traceback";
    assert!(judged.stderr.contains(said), "{}", judged.all());
}

#[rstest]
#[case::before_a_statement("migration_harness_recorder.place_of")]
#[case::types_of_a_statement("migration_harness_recorder.created_enums")]
#[case::an_enum_type("migration_harness_recorder.labels_in")]
#[case::a_step("migration_harness_listeners.announce")]
#[case::a_step_is_wrapped("migration_harness_listeners.reported")]
#[case::a_connection("migration_harness_listeners.token_of")]
#[case::its_parameters("migration_harness_guard.guard.check")]
#[case::loading_revisions("migration_harness_revisions.state_of")]
#[case::a_revision("migration_harness_revisions.revisions.function")]
#[case::the_history("migration_harness_commands.texts")]
#[case::connections_forgotten("migration_harness_commands.forget_connections")]
#[case::building_models("migration_harness_models.Models.build")]
#[case::a_statement_of_the_models("migration_harness_build.Build.attempt")]
#[case::what_models_say("migration_harness_models.Models.said")]
#[case::what_models_name("migration_harness_models.named")]
#[case::what_cannot_be_written("migration_harness_build.leaving_out")]
#[case::what_is_visible("migration_harness_filters.Filters.is_visible")]
fn a_fault_of_the_worker_is_the_harnesss(#[case] step: &str) {
    let judged = judged(step);
    assert_eq!(judged.code, Some(101), "{}", judged.all());
    let all = judged.all();
    assert!(all.contains("the harness's worker failed"), "{all}");
    assert!(all.contains("RuntimeError: planted here"), "{all}");
    assert!(all.contains("Traceback"), "{all}");
    assert!(!all.contains("\nerror["), "the service is blamed\n{all}");
}
