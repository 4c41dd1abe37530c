//! The advice after an upgrade that raised, where its evidence tells the cause.

mod needs;
mod transaction;
mod undefined;

use super::super::Finding;
use crate::alembic::sql;
use crate::alembic::transcript::{Exception, Place, Statement, Transcript};
use crate::criteria::failure::{failed, is_of_version_table};
use crate::evidence::Evidence;
use crate::manifest::Service;

pub(in crate::criteria) use needs::provide;
pub(super) use transaction::not_committed;

/// SQLAlchemy's code for a parameter without a value
/// (<https://docs.sqlalchemy.org/en/20/errors.html#error-cd3x>).
const PARAMETER_WITHOUT_VALUE: &str = "cd3x";

/// Puts what is known of the cause before the advice that a finding has already.
pub(super) fn explained(
    service: &Service,
    evidence: &Evidence,
    transcript: &Transcript,
    mut finding: Finding,
) -> Finding {
    let Some(error) = transcript.outcome.error() else {
        return finding;
    };
    let general = std::mem::take(&mut finding.help);
    let mut finding = cause(service, evidence, transcript, error, finding);
    finding.help.extend(general);
    finding
}

fn cause(
    service: &Service,
    evidence: &Evidence,
    transcript: &Transcript,
    error: &Exception,
    finding: Finding,
) -> Finding {
    if let Some(need) = error
        .needs
        .as_ref()
        .filter(|need| need.may_explain(transcript))
    {
        return provide(service, need, finding);
    }
    if let Some(open) = &transcript.open_transaction
        && error.class == "AssertionError"
    {
        return transaction::not_released(open, finding);
    }
    if error.code.as_deref() == Some(PARAMETER_WITHOUT_VALUE) && error.sqlstate.is_none() {
        return finding.help(
            "in SQL text, SQLAlchemy takes a colon before a word for a parameter: write it as \\\\: there, \
             or give the parameter its value",
        );
    }
    let (Some(state), Some(statement)) = (&error.sqlstate, failed(transcript, error)) else {
        return finding;
    };
    match state.as_str() {
        "22001" if is_of_version_table(statement) => id_too_long(evidence, transcript, finding),
        "42P01" | "42703" => {
            let lack = undefined::Lack::new(error, statement);
            undefined::explained(service, evidence, transcript, &lack, finding)
        }
        "3F000" => {
            let schema = undefined::quoted(error.first_line()).unwrap_or("it");
            undefined::on_what_was_there(transcript, schema, finding)
        }
        "42704" => undefined_type(error, statement, finding),
        _ => finding,
    }
}

/// The id of the revision that ran, which the version table does not hold.
fn id_too_long(evidence: &Evidence, transcript: &Transcript, mut finding: Finding) -> Finding {
    let ran = transcript.steps.last().map(|step| &step.revision);
    let revisions = &evidence.history.graph.revisions;
    let Some(revision) = revisions.iter().find(|one| Some(&one.id) == ran) else {
        return finding;
    };
    finding.marks.clear();
    let place = Place {
        revision: Some(revision.id.clone()),
        ..Place::line(&revision.file, revision.line)
    };
    finding.mark(Some(&place), "this id")
}

/// A type that is not there for a column: only `CREATE TABLE` makes SQLAlchemy create it.
fn undefined_type(error: &Exception, statement: &Statement, finding: Finding) -> Finding {
    let words = sql::words(&statement.sql);
    let name = undefined::quoted(error.first_line()).unwrap_or_default();
    let has = |word: &str| words.iter().any(|one| one == word);
    if !sql::mentions(&statement.sql, name) {
        return finding;
    }
    if has("alter") && has("column") && (has("add") || has("type")) {
        return finding.help(format!(
            "if it is an enum: op.add_column and op.alter_column do not create the type. Write before it: \
             sa.Enum(\"<label>\", name=\"{name}\").create(op.get_bind(), checkfirst=True), \
             and in downgrade(), after the column: sa.Enum(name=\"{name}\").drop(op.get_bind())"
        ));
    }
    match has("create") && has("table") {
        true => finding.help(format!(
            "if it is an enum: nothing has created the type {name} by now. Leave out create_type=False here"
        )),
        false => finding,
    }
}
