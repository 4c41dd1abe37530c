//! Child processes, which end with the harness however that ends, and the account and the
//! random names that they get.

pub mod account;
pub mod random;
pub mod supervisor;

use crate::error::{HarnessError, Stage};

fn error(message: impl Into<String>) -> HarnessError {
    HarnessError::new(Stage::Postgres, message)
}
