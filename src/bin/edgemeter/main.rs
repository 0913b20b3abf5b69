//! The command line: rate quantities or events, preview an invoice, compare plans, audit a journal.
//!
//! ```text
//! edgemeter rate     PLAN --quantity 1500 | --events FILE         what it costs, and why
//! edgemeter preview  PLAN --events FILE --from 2026-01-01         the invoice, as text, JSON, HTML
//! edgemeter backtest --plan A --plan B --events FILE --from …     who would win, who would lose
//! edgemeter simulate --seeds N --first-seed S                     credit control under faults
//! edgemeter verify   EXPORT                                       a journal, to the byte
//! edgemeter usage    EXPORT --by charge,route --step hour         what was used, when
//! edgemeter check    EXPORT --statement FILE --invoice FILE       a bill, operation by operation
//! edgemeter batch    < QUESTIONS > ANSWERS                        JSON lines, as in wire
//! ```
//!
//! A shell: it reads files, calls the core and prints. Every refusal goes to standard error with
//! the file, the line and what to do; the exit code is then 1, and 2 for a wrong option.

mod backtest;
mod batch;
mod check;
mod events;
mod export;
mod failure;
mod html;
mod input;
mod newline;
mod preview;
mod rate;
mod scenarios;
mod simulate;
mod stopwatch;
mod table;
mod usage;
mod verify;
mod zones;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// An exact meter and rating engine for APIs.
#[derive(Parser)]
#[command(name = "edgemeter", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a quantity, or events, cost under a plan.
    Rate(rate::Rate),
    /// Write the invoice of one customer as it would be now.
    Preview(preview::Preview),
    /// Bill the same events under several plans, side by side.
    Backtest(backtest::Backtest),
    /// Run credit control under faults in virtual time, and audit every step.
    Simulate(simulate::Simulate),
    /// Check an exported journal: its chain, its replay, its ledger; and find the byte at fault.
    Verify(verify::Verify),
    /// Add up what an exported journal says was used, by time and dimension.
    Usage(usage::Usage),
    /// Check a bill: its journal's chain, every operation rated again, every sum.
    Check(check::Check),
    /// Answer rating questions, a line of JSON each, from standard input to standard output.
    Batch,
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Rate(rate) => rate.run(),
        Command::Preview(preview) => preview.run(),
        Command::Backtest(backtest) => backtest.run(),
        Command::Simulate(simulate) => simulate.run(),
        Command::Verify(verify) => verify.run(),
        Command::Usage(usage) => usage.run(),
        Command::Check(check) => check.run(),
        Command::Batch => batch::run(),
    };
    match result.and_then(|text| print(&text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nothing is left to do if standard error is closed too.
            let _ = writeln!(std::io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Prints a result; a reader that has seen enough, like `head`, is no failure.
fn print(text: &str) -> Result<(), Failure> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}
