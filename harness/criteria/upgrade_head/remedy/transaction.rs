//! A transaction that was open when `env.py` configured Alembic, which then neither
//! commits nor interrupts it (`MigrationContext.begin_transaction`).

use crate::alembic::transcript::OpenTransaction;
use crate::criteria::Finding;
use crate::text::beginning;

/// Characters of the statement that began it.
const SHOWN: usize = 120;

/// The finding that nothing was committed.
pub fn not_committed(open: &OpenTransaction, finding: Finding) -> Finding {
    begun(open, finding).help(
        "commit what env.py began, before context.configure: connection.commit(); \
         `with context.begin_transaction()` does nothing while that is open",
    )
}

/// The finding that `autocommit_block` has no transaction of its own to commit.
pub fn not_released(open: &OpenTransaction, finding: Finding) -> Finding {
    let finding = begun(open, finding).note(
        "autocommit_block() commits the transaction that Alembic began, and here it began none",
    );
    match open.begun_by {
        Some(_) => {
            finding.help("commit what env.py began, before context.configure: connection.commit()")
        }
        None => finding.help(
            "let Alembic begin it: `with engine.connect()` in env.py, in place of `engine.begin()`",
        ),
    }
}

fn begun(open: &OpenTransaction, finding: Finding) -> Finding {
    let finding = finding.mark(
        open.place.as_ref(),
        "a transaction is open here already, so Alembic leaves the commit to env.py",
    );
    match &open.begun_by {
        Some(statement) => {
            let start = beginning(statement, SHOWN);
            finding.note(format!(
                "the last statement before context.configure: {start}"
            ))
        }
        None => finding.note("no statement began it: env.py did, by begin()"),
    }
}
