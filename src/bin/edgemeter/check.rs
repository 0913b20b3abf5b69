//! `edgemeter check`: a bill, against the journal that it was made from.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use edgemeter::check::{Check as Core, Seen, Verdict};
use serde_json::Value;

use crate::export::Lines;
use crate::failure::Failure;

/// Options of `edgemeter check`.
#[derive(Args)]
pub(crate) struct Check {
    /// The journal: what `GET /v1/accounts/{a}/export` gave, or its rows from the period's first
    /// on; - for standard input.
    file: PathBuf,
    /// The statement: what `GET /v1/accounts/{a}/statement` gave, or a closed period's invoice.
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    /// The bill that was sent: what `GET /v1/accounts/{a}/invoices/{index}` gave.
    #[arg(long, value_name = "FILE")]
    invoice: Option<PathBuf>,
    /// A row and its hash that were seen before.
    #[arg(long, value_name = "ROW:HASH", value_parser = seen)]
    seen: Option<Seen>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn seen(text: &str) -> Result<Seen, String> {
    let parts = text.split_once(':').and_then(|(row, hash)| Some((row.parse().ok()?, hash)));
    let is_hex = |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    match parts.filter(|(_, hash)| is_hex(hash)) {
        Some((row, hash)) => Ok(Seen { row, hash: hash.to_ascii_lowercase() }),
        None => Err("write the row's number, a colon and its hash of 64 hex digits".to_owned()),
    }
}

impl Check {
    /// Checks, and returns what to print; what does not hold is a failure.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path)
                .map_err(|error| Failure::of_file(path, format!("cannot be read: {error}")))
        };
        let statement = read(&self.statement)?;
        // An invoice as the account serves it holds its statement.
        let answer: Option<Value> = serde_json::from_str(&statement).ok();
        let inside = answer.as_ref().and_then(|answer| answer.get("statement"));
        if let (Some(Value::Null), Some(answer)) = (inside, &answer) {
            return Err(Failure::of_file(&self.statement, unbilled(answer)));
        }
        let inside = inside.map(ToString::to_string);
        let bill = self.invoice.as_ref().map(read).transpose()?;
        let statement = inside.as_deref().unwrap_or(&statement);
        let mut check = Core::new(statement, bill.as_deref(), self.seen.clone())
            .map_err(|error| Failure::of_file(&self.statement, error))?;
        let mut lines = Lines::open(&self.file)?;
        while let Some(bytes) = lines.next()? {
            check.take(&bytes);
            let progress = check.progress();
            lines.progress(progress.rows, progress.operations);
        }
        let verdict = check.finish();
        if self.json {
            let text = serde_json::to_string_pretty(&verdict).map_err(Failure::new)?;
            if verdict.clean {
                return Ok(format!("{text}\n"));
            }
            writeln!(std::io::stdout(), "{text}").map_err(Failure::new)?;
        }
        match verdict.clean {
            true => Ok(sentence(&verdict)),
            false => Err(Failure::of_file(&self.file, faults(&verdict))),
        }
    }
}

/// Why there is nothing to check yet, and who can do something about it.
fn unbilled(answer: &Value) -> String {
    let reason = answer.pointer("/bill/no_invoice/message").and_then(Value::as_str);
    let index = answer.pointer("/book/period/index").and_then(Value::as_i64);
    let index = index.map_or_else(|| "{index}".to_owned(), |index| index.to_string());
    format!(
        "the period was closed without a statement, so that there is no bill to check: {}: once \
         that is mended, the operator's POST /v1/accounts/{{a}}/invoices/{index}/retry writes one",
        reason.unwrap_or("no reason is told")
    )
}

/// What was checked.
fn sentence(verdict: &Verdict) -> String {
    let Verdict { account, first, last, hash, operations, refunds, grants, .. } = verdict;
    let mut text = format!(
        "{account}: rows {first} to {last} follow from each other by their hashes; {operations} \
         operations cost what the plan says, {refunds} refunds gave back what was charged, and \
         {grants} grants paid what they had"
    );
    if verdict.earlier > 0 {
        let Verdict { earlier, unrated, .. } = verdict;
        text.push_str(&format!(
            "; {earlier} of them, for {unrated} credits, are of an earlier bill, and their price is \
             checked by the whole journal alone"
        ));
    }
    if let (Some(total), Some(currency)) = (&verdict.total, &verdict.currency) {
        let which = if verdict.billed { "the bill" } else { "the statement" };
        text.push_str(&format!(
            "; {which} of {total} {currency} follows from that, digit by digit"
        ));
    }
    if verdict.seen {
        text.push_str("; the row that was seen before is still there");
    }
    format!("{text}.\nlast hash {hash}\n")
}

fn faults(verdict: &Verdict) -> String {
    let count = u64::try_from(verdict.findings.len()).unwrap_or(u64::MAX);
    let mut text = format!("{} finding(s)", count.saturating_add(verdict.more));
    for finding in &verdict.findings {
        text.push_str(&format!("\n  {}", finding.fault.code()));
        if let Some(row) = finding.row {
            text.push_str(&format!(", row {row}"));
        }
        if let Some(operation) = &finding.operation {
            text.push_str(&format!(", {operation}"));
        }
        text.push_str(&format!(": {}", finding.fault));
    }
    text
}
