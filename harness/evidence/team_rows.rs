//! The team's own rows, where PostgreSQL refused one: [`RefusedStatement`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::planting::Refusal;

/// A statement that plants rows of the team, and that PostgreSQL refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedStatement {
    /// Its file.
    pub file: PathBuf,
    /// The line on which it begins, from 1.
    pub line: u32,
    /// The answer to it.
    pub refusal: Refusal,
}

impl RefusedStatement {
    /// The problem in one line.
    #[must_use]
    pub fn title(&self) -> String {
        format!("the team's own rows are refused: {}", self.refusal.message)
    }
}
