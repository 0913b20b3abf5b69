//! Usage by time and dimension: a fold over a journal's rows.
//!
//! ```text
//! rows ─▶ operations, events, corrections, refunds ─▶ (bucket, [charge, route, key, model, …])
//!                                                      ─▶ calls, quantity, credits
//! ```
//!
//! Each operation counts in the bucket of its own time, corrections and refunds in that of theirs.
//! A call that used several charges is counted with the first of them; an event that uses nothing
//! is no call. Credits are what was charged, whoever paid; where a row has one cost for several
//! uses, each use has the part that its price says.
//!
//! Invariants (laws in `tests/report`): the sums over all rows are the ledger's totals; a journal
//! that is read in parts gives the same sums as one that is read whole.

mod ask;
mod column;
mod fold;
mod tariff;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use ask::{Ask, AskError, DIMENSIONS_MAX, Dimension, Step};
pub use tariff::{Served, Tariff, TariffError, flat};

use crate::ledger::{Entry, Row, entries};
use crate::meter::Measure;
use crate::plan::{Combination, Plan};
use crate::units::{ChargeId, Credits, Inexact, Quantity, Timestamp};

/// Rows of a report, at most.
pub const ROWS_MAX: usize = 50_000;

/// No dimension values.
const NONE: Combination = Combination::new();

/// Why a report cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportError {
    /// The row's body is not a list of entries.
    #[error("row {n} is not what a ledger writes: {why}")]
    Unfit {
        /// The row.
        n: u64,
        /// What does not fit.
        why: String,
    },
    /// More rows than anybody reads.
    #[error("more than 50000 rows: ask for fewer dimensions, longer steps or a shorter time")]
    TooMany,
    /// A sum left its range.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl ReportError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unfit { .. } => "row_unfit",
            Self::TooMany => "usage_too_fine",
            Self::Inexact(_) => "usage_not_exact",
        }
    }
}

/// What was used and what it cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Metered requests and events; less those that were voided.
    pub calls: i64,
    /// Meter units, of whatever charges there are.
    pub quantity: Measure,
    /// Credits charged, refunds taken off.
    pub credits: Credits,
}

impl Sums {
    /// Both together.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves its range.
    pub fn plus(&self, other: &Self) -> Result<Self, Inexact> {
        Ok(Self {
            calls: self.calls.saturating_add(other.calls),
            quantity: self.quantity.plus(other.quantity)?,
            credits: self.credits.plus(other.credits)?,
        })
    }
}

/// One line of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Where its bucket begins.
    pub at: Timestamp,
    /// A value for each dimension that was asked for; empty where there is none.
    pub of: Vec<String>,
    /// Metered requests and events; less those that were voided.
    pub calls: i64,
    /// Meter units, of whatever charges there are.
    pub quantity: Measure,
    /// Credits charged, refunds taken off.
    pub credits: Credits,
}

impl Line {
    /// What was used.
    pub fn sums(&self) -> Sums {
        Sums { calls: self.calls, quantity: self.quantity, credits: self.credits }
    }
}

/// Who did something.
#[derive(Clone, Copy, Debug)]
struct Who<'e> {
    route: &'e str,
    key: &'e str,
    labels: &'e Combination,
}

const NOBODY: Who<'_> = Who { route: "", key: "", labels: &NONE };

/// A report on its way through a journal.
#[derive(Clone, Debug)]
pub struct Report {
    ask: Ask,
    tariff: Option<Tariff>,
    lines: BTreeMap<(Timestamp, Vec<String>), Sums>,
}

impl Report {
    /// A report that begins with the first row of a journal, or where `tariff` stands.
    pub fn new(ask: Ask, tariff: Option<Tariff>) -> Self {
        Self { ask, tariff, lines: BTreeMap::new() }
    }

    /// The lines, in order of time.
    pub fn into_lines(self) -> impl Iterator<Item = Line> {
        self.lines.into_iter().map(|((at, of), sums)| {
            let Sums { calls, quantity, credits } = sums;
            Line { at, of, calls, quantity, credits }
        })
    }

    /// Follows a row without telling what was used in it: a page may begin after it.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn follow(&mut self, row: &Row) -> Result<(), ReportError> {
        let ask = self.ask.clone();
        (self.ask.from, self.ask.to) = (Timestamp::default(), Timestamp::default());
        let taken = self.take(row);
        self.ask = ask;
        taken
    }

    /// Takes the next row.
    ///
    /// # Errors
    ///
    /// [`ReportError`].
    pub fn take(&mut self, row: &Row) -> Result<(), ReportError> {
        let n = row.n;
        let unfit = |why: String| ReportError::Unfit { n, why };
        let entries = entries(&row.body).map_err(|error| unfit(error.to_string()))?;
        for entry in &entries {
            self.entry(entry, row.at).map_err(|fault| match fault {
                Fault::Inexact => ReportError::Inexact(Inexact),
                Fault::Unfit(why) => unfit(why),
            })?;
        }
        match self.lines.len() > ROWS_MAX {
            true => Err(ReportError::TooMany),
            false => Ok(()),
        }
    }

    fn entry(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Fault> {
        match entry {
            Entry::AccountOpened { plan_json, .. } => {
                self.tariff = Some(Tariff::opened(parsed(plan_json)?, 0));
            }
            Entry::PlanChanged { plan_json, .. } => self.tariff()?.change(parsed(plan_json)?),
            Entry::PeriodClosed { .. } => self.tariff()?.close(),
            Entry::UsageReported { terms, operations, costs, .. } => {
                self.operations(*terms, operations, costs)?;
            }
            Entry::Debited { debit, terms, cost, restricted, .. } => {
                let who = Who { route: &debit.route, key: debit.key.as_str(), ..NOBODY };
                let quantity = if *restricted { Quantity::ZERO } else { debit.quantity };
                self.tariff()?.count(*terms, &debit.charge, &NONE, quantity)?;
                let sums = Sums { calls: 1, quantity: signed(quantity)?, credits: *cost };
                let of = self.of(who, Some((&debit.charge, &NONE)));
                self.add(at, of, sums)?;
            }
            Entry::ReservationSettled { .. } => self.settled(entry, at)?,
            Entry::EventsTaken { events, .. } => self.events(events)?,
            Entry::EventCorrected { .. } => self.corrected(entry, at)?,
            Entry::Refunded { returns, debt, overage, .. } => {
                let back = Credits::sum(returns.iter().map(|back| back.amount))?;
                let back = back.plus(*debt)?.plus(*overage)?;
                let credits = Credits::ZERO.minus(back)?;
                let of = self.of(NOBODY, None);
                self.add(at, of, Sums { credits, ..Sums::default() })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn tariff(&mut self) -> Result<&mut Tariff, Fault> {
        self.tariff.as_mut().ok_or_else(|| Fault::Unfit("no plan is in force before it".to_owned()))
    }

    /// The values of what was asked for.
    fn of(&self, who: Who<'_>, used: Option<(&ChargeId, &Combination)>) -> Vec<String> {
        let value = |one: &Dimension| match one {
            Dimension::Charge => used.map_or("", |(charge, _)| charge.as_str()),
            Dimension::Route => who.route,
            Dimension::Key => who.key,
            Dimension::Of(name) => {
                let priced = used.and_then(|(_, of)| of.get(name));
                priced.or_else(|| who.labels.get(name)).map_or("", String::as_str)
            }
        };
        self.ask.by.iter().map(|one| value(one).to_owned()).collect()
    }

    fn add(&mut self, at: Timestamp, of: Vec<String>, sums: Sums) -> Result<(), Inexact> {
        let Some((start, _)) = self.ask.bucket(at) else { return Ok(()) };
        self.put(start, of, sums)
    }

    fn tell(&mut self, told: Option<column::Told>) -> Result<(), Fault> {
        match told {
            Some((start, of, sums)) => Ok(self.put(start, of, sums)?),
            None => Ok(()),
        }
    }

    /// Adds to a line; one that says nothing is not begun.
    fn put(&mut self, start: Timestamp, of: Vec<String>, sums: Sums) -> Result<(), Inexact> {
        if sums == Sums::default() {
            return Ok(());
        }
        let slot = self.lines.entry((start, of)).or_default();
        *slot = slot.plus(&sums)?;
        Ok(())
    }
}

/// What does not fit, before it is known in which row.
enum Fault {
    Inexact,
    Unfit(String),
}

impl From<Inexact> for Fault {
    fn from(_: Inexact) -> Self {
        Self::Inexact
    }
}

impl From<TariffError> for Fault {
    fn from(error: TariffError) -> Self {
        Self::Unfit(error.to_string())
    }
}

fn parsed(json: &str) -> Result<Plan, Fault> {
    Plan::parse(json).map_err(|error| Fault::Unfit(format!("its plan does not load: {error}")))
}

fn signed(quantity: Quantity) -> Result<Measure, Inexact> {
    Measure::new(quantity.get()).map_err(|_| Inexact)
}
