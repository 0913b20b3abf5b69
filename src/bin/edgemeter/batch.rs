//! `edgemeter batch`: the questions of [`edgemeter::wire`], a line each, answered in their order.
//!
//! An answer is the same bytes as the Worker's and the page's. A question that cannot be answered
//! is answered with its error, and the next one is read.

use std::io::{BufRead, BufWriter, ErrorKind, Write};

use edgemeter::wire;

use crate::failure::Failure;

/// Answers until the input ends; empty lines aside.
pub(crate) fn run() -> Result<String, Failure> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    for (line, question) in (1_u64..).zip(std::io::stdin().lock().lines()) {
        let question =
            question.map_err(|error| Failure::new(format!("standard input:{line}: {error}")))?;
        if question.trim().is_empty() {
            continue;
        }
        match writeln!(output, "{}", wire::rate(&question)) {
            Ok(()) => {}
            // A reader that has seen enough, like `head`, is no failure.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(String::new()),
            Err(error) => return Err(Failure::new(format!("standard output: {error}"))),
        }
    }
    match output.flush() {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output: {error}")))
        }
        _ => Ok(String::new()),
    }
}
