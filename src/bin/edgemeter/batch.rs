//! `edgemeter batch`: the questions of [`edgemeter::wire`], a line each, answered in their order.
//!
//! An answer is the same bytes as the Worker's and the page's. A question that cannot be answered
//! is answered with its error, and the next one is read.

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};

use edgemeter::wire;

use crate::failure::Failure;

/// Answers until the input ends; empty lines aside.
pub(crate) fn run() -> Result<String, Failure> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut input = BufReader::new(std::io::stdin());
    for line in 1_u64.. {
        let mut question = String::new();
        let read = input.read_line(&mut question);
        if read.map_err(|error| Failure::new(format!("standard input:{line}: {error}")))? == 0 {
            break;
        }
        if question.trim().is_empty() {
            continue;
        }
        let written = writeln!(output, "{}", wire::rate(question.trim_end()));
        // Whoever waits for this answer before asking again has sent nothing more.
        let waits = input.buffer().is_empty();
        match written.and_then(|()| if waits { output.flush() } else { Ok(()) }) {
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
