//! Every operation rated again from nothing, against what the journal says that it cost and who
//! paid.
//!
//! ```text
//! entry ─▶ Tariff: rated ─▶ = recorded cost?      burns + debt + unpaid ─▶ = cost?
//!                                                 burns ─▶ books: had the grant so much?
//! ```
//!
//! Operations of terms that ended before the rows at hand belong to an earlier bill: who paid for
//! them is checked, what they cost cannot be.

mod refunds;
mod reports;

use std::collections::BTreeMap;

use super::books::Books;
use super::finding::Fault;
use super::memory::Memory;
use crate::ledger::{
    Booked, Burn, EVENT_AHEAD_MS_MAX, EVENT_MEMORY_MS, Entry, Events, TERMS_MAX, Use,
};
use crate::plan::Combination;
use crate::report::{Served, Tariff, TariffError};
use crate::units::{Credits, Inexact, Timestamp};

const NONE: Combination = Combination::new();

/// A part of the period under one plan.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// Number of its terms, as the tariff counts them.
    pub(super) number: u64,
    pub(super) until: Timestamp,
    /// What of it goes onto the invoice.
    pub(super) overage: Credits,
}

/// Prices, books, and what was charged so far.
#[derive(Clone, Debug)]
pub(super) struct Rerate {
    pub(super) tariff: Tariff,
    pub(super) books: Books,
    memory: Memory,
    /// Operations of each lease so far.
    leases: BTreeMap<String, u64>,
    /// When events came, and corrections.
    events: BTreeMap<(String, String), Timestamp>,
    pub(super) parts: Vec<Part>,
    pub(super) operations: u64,
    /// Number of the terms that the rows begin with.
    first: u64,
    /// Operations of terms before the rows.
    pub(super) earlier: u64,
    /// What was charged for them.
    pub(super) unrated: Credits,
    pub(super) refunds: u64,
}

/// Where faults are told, with the operation.
pub(super) type Tell<'t> = dyn FnMut(Option<String>, Fault) + 't;

impl Rerate {
    /// From where `tariff` stands; `is_whole`: that is the account's first row.
    pub(super) fn new(tariff: Tariff, is_whole: bool) -> Self {
        Self {
            first: tariff.number(),
            tariff,
            books: Books::new(is_whole),
            memory: Memory::default(),
            leases: BTreeMap::new(),
            events: BTreeMap::new(),
            parts: Vec::new(),
            operations: 0,
            earlier: 0,
            unrated: Credits::ZERO,
            refunds: 0,
        }
    }

    /// An entry that was decided at `at`.
    pub(super) fn entry(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        match entry {
            Entry::UsageReported { .. } => self.reported(entry, at, tell)?,
            Entry::Debited { debit, terms, cost, burns, debt, restricted } => {
                self.operations = self.operations.saturating_add(1);
                let (charge, quantity) = (&debit.charge, debit.quantity);
                let rated = match restricted {
                    true => Ok(Credits::ZERO),
                    false => self.tariff.take(*terms, Served::Inline, charge, &NONE, quantity),
                };
                self.compare(&debit.op, rated, *cost, *terms, tell);
                paid(*cost, total(burns)?.plus(*debt)?, Some(&debit.op), tell);
                self.books.burn(burns)?;
                self.books.owe(*debt, Credits::ZERO, Credits::ZERO)?;
                if self.memory.end(&debit.op, at, total(burns)?.plus(*debt)?) {
                    tell(Some(debit.op.clone()), Fault::OperationRepeated);
                }
            }
            Entry::ReservationSettled { .. } => self.settled(entry, at, tell)?,
            Entry::ReservationReleased { op } => self.memory.close(op, at),
            Entry::EventsTaken { events, booked } => self.events(events, booked, at, tell)?,
            Entry::EventCorrected { .. } => self.corrected(entry, at, tell)?,
            Entry::Refunded { .. } => self.refunded(entry, at, tell)?,
            Entry::PeriodClosed { forgiven, .. } => {
                if !forgiven.is_zero() {
                    self.memory.forgive();
                }
                self.books.entry(entry)?;
                self.tariff.close();
                self.parts.clear();
            }
            Entry::DebtSettled { overage, .. } => {
                if !overage.is_zero() {
                    self.memory.invoice(self.tariff.number());
                }
                self.books.entry(entry)?;
            }
            _ => self.books.entry(entry)?,
        }
        self.books.faults().into_iter().for_each(|fault| tell(None, fault));
        Ok(())
    }

    /// Another plan from here on.
    pub(super) fn change(&mut self, plan: crate::plan::Plan, at: Timestamp) -> Result<(), Inexact> {
        let (number, overage) = (self.tariff.number(), self.overage_of_part()?);
        self.parts.push(Part { number, until: at, overage });
        self.tariff.change(plan);
        Ok(())
    }

    /// What went onto the invoice since the plan changed.
    pub(super) fn overage_of_part(&self) -> Result<Credits, Inexact> {
        let before = Credits::sum(self.parts.iter().map(|part| part.overage))?;
        self.books.overage.minus(before)
    }

    /// Holds what was recorded against what the plan says.
    fn compare(
        &mut self,
        op: &str,
        rated: Result<Credits, TariffError>,
        recorded: Credits,
        terms: Option<u64>,
        tell: &mut Tell<'_>,
    ) {
        match rated {
            Ok(rated) if rated == recorded => {}
            Ok(rated) => tell(Some(op.to_owned()), Fault::CostDiffers { recorded, rated }),
            Err(TariffError::TermsUnknown) => {
                let terms = terms.unwrap_or_else(|| self.tariff.number());
                if !self.may_be_earlier(terms) {
                    return tell(Some(op.to_owned()), Fault::TermsUnknown { terms });
                }
                self.earlier = self.earlier.saturating_add(1);
                self.unrated = self.unrated.plus(recorded).unwrap_or(self.unrated);
            }
            Err(_) if recorded.is_zero() => {}
            Err(error) => {
                let why = error.to_string();
                tell(Some(op.to_owned()), Fault::Unpriced { recorded, why });
            }
        }
    }

    /// Whether terms may have ended before the rows begin: of closed periods, a ledger remembers
    /// the last few.
    fn may_be_earlier(&self, terms: u64) -> bool {
        let most = u64::try_from(TERMS_MAX).unwrap_or(u64::MAX);
        terms < self.first && terms.saturating_add(most) >= self.first
    }

    fn settled(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let Entry::ReservationSettled { op, terms, uses, cost, burns, shortfall, last, .. } = entry
        else {
            return Ok(());
        };
        let rated = self.rated(*terms, Served::Inline, uses);
        self.compare(op, rated, *cost, *terms, tell);
        let owed = total(burns)?.plus(shortfall.debt)?;
        paid(*cost, owed.plus(shortfall.unpaid)?, Some(op), tell);
        self.books.burn(burns)?;
        self.books.owe(shortfall.debt, Credits::ZERO, shortfall.unpaid)?;
        self.memory.part(op, owed)?;
        if *last {
            self.operations = self.operations.saturating_add(1);
            self.memory.close(op, at);
        }
        Ok(())
    }

    fn rated(
        &mut self,
        terms: Option<u64>,
        served: Served,
        uses: &[Use],
    ) -> Result<Credits, TariffError> {
        let mut sum = Ok(Credits::ZERO);
        for Use { charge, of, quantity } in uses {
            // All of them count, also after one without a price.
            let cost = self.tariff.take(terms, served, charge, of, *quantity);
            sum = sum.and_then(|sum: Credits| Ok(sum.plus(cost?)?));
        }
        sum
    }

    fn events(
        &mut self,
        events: &Events,
        booked: &Booked,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let mut cost = Credits::ZERO;
        for line in &events.list {
            let source = usize::try_from(line.0).ok().and_then(|index| events.sources.get(index));
            let name = || format!("{} {}", source.map_or("", String::as_str), line.1);
            in_time(events.at.plus_millis(line.2), at, &name, tell);
            self.told((source.cloned().unwrap_or_default(), line.1.clone()), at, &name, tell);
            let mut rated = Ok(Credits::ZERO);
            for (index, quantity) in &line.3 {
                let column = usize::try_from(*index).ok().and_then(|index| events.of.get(index));
                let one = match column {
                    Some((charge, of)) => {
                        self.tariff.take(None, Served::Elsewhere, charge, of, *quantity)
                    }
                    None => Err(TariffError::Nameless),
                };
                rated = rated.and_then(|sum: Credits| Ok(sum.plus(one?)?));
            }
            self.operations = self.operations.saturating_add(1);
            if rated.as_ref() != Ok(&line.4) {
                self.compare(&name(), rated, line.4, None, tell);
            }
            cost = cost.plus(line.4)?;
        }
        self.booked(booked, cost, None, tell)
    }

    /// Events and corrections count once, for as long as they are remembered.
    fn told(
        &mut self,
        key: (String, String),
        at: Timestamp,
        name: &dyn Fn() -> String,
        tell: &mut Tell<'_>,
    ) {
        let before = self.events.insert(key, at);
        if before.is_some_and(|before| at.millis_since(before) <= EVENT_MEMORY_MS) {
            tell(Some(name()), Fault::OperationRepeated);
        }
    }

    fn booked(
        &mut self,
        booked: &Booked,
        cost: Credits,
        op: Option<&str>,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let Booked { burns, returns, debt, overage, unpaid } = booked;
        let taken = total(burns)?.minus(total(returns)?)?.plus(*debt)?;
        paid(cost, taken.plus(*overage)?.plus(*unpaid)?, op, tell);
        // Debt goes onto the invoice by entries of its own, for all operations at once.
        if !overage.is_negative() {
            paid(Credits::ZERO, *overage, op, tell);
        }
        self.books.burn(burns)?;
        self.books.unburn(returns)?;
        self.books.owe(*debt, *overage, *unpaid)
    }

    fn corrected(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let Entry::EventCorrected { id, terms, before, uses, cost, booked, .. } = entry else {
            return Ok(());
        };
        let name = || id.clone();
        self.told((String::new(), format!("correction {id}")), at, &name, tell);
        let rated = self
            .tariff
            .correct(*terms, before, uses)
            .and_then(|costs| Ok(Credits::sum(costs.into_values())?));
        self.compare(id, rated, *cost, Some(*terms), tell);
        self.invoice_former(*terms, booked.overage)?;
        self.booked(booked, *cost, Some(id), tell)
    }
}

fn total(burns: &[Burn]) -> Result<Credits, Inexact> {
    Credits::sum(burns.iter().map(|burn| burn.amount))
}

fn paid(cost: Credits, taken: Credits, op: Option<&str>, tell: &mut Tell<'_>) {
    if cost != taken {
        tell(op.map(str::to_owned), Fault::PaymentDiffers { cost, paid: taken });
    }
}

/// Whether an operation happened before its row was written, and not long before.
fn in_time(time: Timestamp, row: Timestamp, name: &dyn Fn() -> String, tell: &mut Tell<'_>) {
    let age = row.millis_since(time);
    if !(EVENT_AHEAD_MS_MAX.saturating_neg()..=EVENT_MEMORY_MS).contains(&age) {
        tell(Some(name()), Fault::TimeShifted { at: time });
    }
}
