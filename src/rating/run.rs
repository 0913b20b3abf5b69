//! Events of one charge, one after the other: what each costs, and the state that they leave.
//!
//! ```text
//! Run { state, gross, running } ── next(event) ──▶ running after − running before
//! ```
//!
//! [`super::marginal`] rates two states for each event. A run keeps what the last event left, and
//! prices only the part of the state that an event touches: its window, its combination. As long as
//! the price has [`Lines`] and the numbers fit them, a run is two integers.
//!
//! Invariant (a law in `tests/laws`): each cost is [`super::marginal`]'s, and the state is the one
//! that [`super::after`] gives.

use rust_decimal::Decimal;

use super::{Event, Period, RateError, Usage, adjust, gross, of_combination, of_metered, record};
use crate::plan::Charge;
use crate::plan::lines::{Lines, quantity, small};
use crate::units::{Amount, Inexact, Quantity, exact};

/// A charge and what was used of it so far.
#[derive(Clone, Debug)]
pub struct Run<'c> {
    charge: &'c Charge,
    state: State<'c>,
}

#[derive(Clone, Debug)]
enum State<'c> {
    /// On the fast lane: a total, and what it costs, as [`Lines`] count them.
    Lane { lines: &'c Lines, total: i64, running: i128 },
    /// A state, its price, and what is left of that after the steps on the amount.
    Slow { usage: Usage, gross: Decimal, running: Decimal },
}

impl<'c> Run<'c> {
    /// A run that goes on from `usage`.
    ///
    /// # Errors
    ///
    /// As [`super::running`].
    pub fn new(charge: &'c Charge, usage: Usage) -> Result<Self, RateError> {
        let state = match lane(charge, &usage) {
            Some(state) => state,
            None => slow(charge, usage)?,
        };
        Ok(Self { charge, state })
    }

    /// What the next event costs.
    ///
    /// # Errors
    ///
    /// As [`super::marginal`]; the run may then hold a part of the event and is to be thrown away.
    pub fn next(&mut self, event: &Event) -> Result<Amount, RateError> {
        if let (State::Lane { lines, total, running }, Event::Use(added)) = (&mut self.state, event)
            && let Some(after) = small(*added).and_then(|added| total.checked_add(added))
            && let Some(cost) = lines.running(after)
            && let Some(amount) = cost.checked_sub(*running).and_then(|of| lines.amount(of))
        {
            (*total, *running) = (after, cost);
            return Ok(amount);
        }
        if let State::Lane { total, .. } = self.state {
            self.state = slow(self.charge, Usage::Total(quantity(total).ok_or(Inexact)?))?;
        }
        self.next_slowly(event)
    }

    /// The state that the events have left.
    ///
    /// # Errors
    ///
    /// Never for a run whose last event had a cost: a total on the fast lane is a quantity.
    pub fn into_usage(self) -> Result<Usage, RateError> {
        match self.state {
            State::Lane { total, .. } => Ok(Usage::Total(quantity(total).ok_or(Inexact)?)),
            State::Slow { usage, .. } => Ok(usage),
        }
    }

    fn next_slowly(&mut self, event: &Event) -> Result<Amount, RateError> {
        let State::Slow { usage, gross, running } = &mut self.state else {
            return Err(Inexact.into());
        };
        let before = touched(self.charge, usage, event, *gross)?;
        record(self.charge, usage, event)?;
        let after = match event {
            Event::Use(_) => super::gross(self.charge, usage, Period::Open)?,
            _ => touched(self.charge, usage, event, *gross)?,
        };
        *gross = exact::add(*gross, exact::sub(after, before)?)?;
        let cost = adjust::charged(self.charge, *gross, Period::Open)?;
        let amount = Amount::new(exact::sub(cost, *running)?);
        *running = cost;
        Ok(amount)
    }
}

/// The fast lane, if the price and the total are of it.
fn lane<'c>(charge: &'c Charge, usage: &Usage) -> Option<State<'c>> {
    let (lines, Usage::Total(total)) = (charge.lines()?, usage) else { return None };
    let total = small(*total)?;
    Some(State::Lane { lines, total, running: lines.running(total)? })
}

fn slow(charge: &Charge, usage: Usage) -> Result<State<'static>, RateError> {
    let gross = gross(charge, &usage, Period::Open)?;
    let running = adjust::charged(charge, gross, Period::Open)?;
    Ok(State::Slow { usage, gross, running })
}

/// The price of the part of the state that an event touches; `gross` if that is all of it.
fn touched(
    charge: &Charge,
    usage: &Usage,
    event: &Event,
    gross: Decimal,
) -> Result<Decimal, RateError> {
    let part = |quantity: Option<&Quantity>, price: &dyn Fn(Quantity) -> _| {
        quantity.map_or(Ok(Decimal::ZERO), |quantity| price(*quantity))
    };
    match (usage, event) {
        (Usage::Windows(windows), Event::InWindow(start, _)) => {
            part(windows.get(start), &|quantity| of_metered(charge, quantity, Period::Open))
        }
        (Usage::Combinations(combinations), Event::Of(combination, _)) => {
            part(combinations.get(combination), &|quantity| {
                of_combination(charge, combination, quantity)
            })
        }
        _ => Ok(gross),
    }
}
