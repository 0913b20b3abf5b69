//! What went wrong, where, and what to do about it.

use std::fmt;
use std::path::Path;

/// A message for standard error: `file:line: what is wrong: what to do`.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure that has no file.
    pub(crate) fn new(message: impl fmt::Display) -> Self {
        Self(message.to_string())
    }

    /// A failure of a whole file.
    pub(crate) fn of_file(file: &Path, message: impl fmt::Display) -> Self {
        Self(format!("{}: {message}", file.display()))
    }

    /// A failure at a line, counted from 1.
    pub(crate) fn at(file: &Path, line: u64, message: impl fmt::Display) -> Self {
        Self(format!("{}:{line}: {message}", file.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
