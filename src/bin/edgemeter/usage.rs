//! `edgemeter usage`: what an exported journal says was used, by time and dimension.

use std::path::PathBuf;

use clap::Args;
use edgemeter::calendar::Zone;
use edgemeter::ledger::{Entry, GENESIS, Line, chain_hash, entries};
use edgemeter::report::{self, Ask, Dimension, Report, Step};
use edgemeter::units::{Date, Timestamp};
use serde_json::json;

use crate::export::Lines;
use crate::failure::Failure;
use crate::table;

/// Options of `edgemeter usage`.
#[derive(Args)]
pub(crate) struct Usage {
    /// The export: what `GET /v1/accounts/{a}/export` gave; - for standard input.
    file: PathBuf,
    /// What to tell apart, with commas: charge, route, key, or a dimension like model.
    #[arg(long, value_name = "NAMES", default_value = "charge")]
    by: String,
    /// How long a step is: hour, day or all.
    #[arg(long, default_value = "day")]
    step: Step,
    /// First day, in the contract's time zone.
    #[arg(long, value_name = "DATE")]
    from: Option<Date>,
    /// First day after.
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Usage {
    /// Adds up, and returns what to print.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let by = Dimension::list(&self.by).map_err(|e| Failure::new(format!("--by: {e}")))?;
        let mut lines = Lines::open(&self.file)?;
        let (mut report, mut previous, mut n) = (None, GENESIS.to_owned(), 0_u64);
        while let Some(bytes) = lines.next()? {
            n = n.saturating_add(1);
            let row = Line::parse(&bytes).map_err(|fault| lines.fault(n, &fault))?.row();
            if row.n != n || row.hash != chain_hash(&previous, n, row.at, &row.body) {
                let remedy = "is not the row that was hashed: see edgemeter verify";
                return Err(Failure::at(&self.file, n, format!("row {n} {remedy}")));
            }
            let report = report.get_or_insert_with(|| Report::new(self.ask(&by, &row.body), None));
            report.take(&row).map_err(|error| Failure::at(&self.file, n, error))?;
            lines.progress(n, 0);
            previous = row.hash;
        }
        let report = report.ok_or_else(|| {
            let remedy = "give what GET /v1/accounts/{a}/export answered";
            Failure::of_file(&self.file, format!("has no rows: {remedy}"))
        })?;
        let rows: Vec<report::Line> = report.into_lines().collect();
        if self.json {
            let answer = json!({ "step": self.step, "by": by, "rows": rows });
            let text = serde_json::to_string_pretty(&answer).map_err(Failure::new)?;
            return Ok(format!("{text}\n"));
        }
        let head = by.iter().map(|one| one.name().to_owned());
        let head = std::iter::once("from".to_owned()).chain(head);
        let sums = ["calls", "quantity", "credits"].map(str::to_owned);
        let mut cells: Vec<Vec<String>> = vec![head.chain(sums).collect()];
        for report::Line { at, of, calls, quantity, credits } in rows {
            let at = jiff::Timestamp::from_millisecond(at.millis()).map_err(Failure::new)?;
            let at = std::iter::once(at.to_string());
            let sums = [calls.to_string(), quantity.to_string(), credits.to_string()];
            cells.push(at.chain(of).chain(sums).collect());
        }
        if self.csv {
            let mut csv = csv::Writer::from_writer(Vec::new());
            for row in &cells {
                csv.write_record(row).map_err(Failure::new)?;
            }
            let bytes = csv.into_inner().map_err(Failure::new)?;
            return String::from_utf8(bytes).map_err(Failure::new);
        }
        Ok(table::layout(&cells))
    }

    /// The question, in the time zone of the contract that opens the journal.
    fn ask(&self, by: &[Dimension], first: &str) -> Ask {
        let opened = entries(first).unwrap_or_default();
        let billing = opened.into_iter().find_map(|entry| match entry {
            Entry::AccountOpened { billing, .. } => billing,
            _ => None,
        });
        let zone = billing.map_or_else(Zone::utc, |billing| billing.zone);
        let from = self.from.map_or(Timestamp::default(), |date| zone.start_of(date));
        let end = Timestamp::from_millis(i64::MAX);
        let to = self.to.map_or(end, |date| zone.start_of(date));
        Ask { from, to, step: self.step, by: by.to_vec(), zone }
    }
}
