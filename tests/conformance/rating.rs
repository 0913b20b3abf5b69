//! Cases of kind `rating`.
use crate::case::{Case, Got};

pub(crate) fn run(case: &Case) -> Result<Got, String> {
    Err(format!("no runner for {}", case.model))
}
