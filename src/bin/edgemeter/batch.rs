//! `edgemeter batch`: the questions of [`edgemeter::wire`], a line each, answered in their order.
//!
//! An answer is the same bytes as the Worker's and the page's. A question that cannot be answered
//! is answered with its error, and the next one is read; a line that is not UTF-8 ends the run.

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Write};

use edgemeter::wire;

use crate::failure::Failure;

/// Answers until the input ends; empty lines aside.
pub(crate) fn run() -> Result<String, Failure> {
    let mut output = BufWriter::new(std::io::stdout().lock());
    let mut input = BufReader::new(std::io::stdin());
    for line in 1_u64.. {
        // Whoever waits for an answer before asking again has sent nothing more.
        if input.buffer().is_empty() && is_closed(output.flush())? {
            return Ok(String::new());
        }
        let mut question = String::new();
        let read = input.read_line(&mut question);
        if read.map_err(|error| Failure::new(format!("standard input:{line}: {error}")))? == 0 {
            break;
        }
        if question.trim().is_empty() {
            continue;
        }
        if is_closed(writeln!(output, "{}", wire::rate(question.trim_end())))? {
            return Ok(String::new());
        }
    }
    is_closed(output.flush()).map(|_| String::new())
}

/// Whether the reader has seen enough, like `head`, which is no failure.
fn is_closed(written: std::io::Result<()>) -> Result<bool, Failure> {
    match written {
        Ok(()) => Ok(false),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(true),
        Err(error) => Err(Failure::new(format!("standard output: {error}"))),
    }
}
