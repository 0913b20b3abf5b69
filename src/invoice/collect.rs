//! From events to what each charge rates: one account, one plan, one stretch of time.
//!
//! ```text
//! Event ──▶ each meter of the plan ──▶ Tally ──┐
//!       └─▶ percentage charges, in order ──────┴──▶ PeriodUsage { charge → Usage, meter → seats }
//! ```
//!
//! A meter is asked once, however many charges read it. A percentage price gives its allowances in
//! the order of the events, so it keeps its own state; everything else is a value of the tallies
//! and does not depend on any order. Invariant (tested): one book of all events gives the usage
//! that its parts give together.

use std::collections::BTreeMap;

use crate::meter::{
    Contribution, Event, Measure, MeasureError, Meter, MeterError, Sample, Tally, TallyError,
    Window, converted, rounded,
};
use crate::plan::{Aggregation, Charge, Combination, MeterSpec, Plan, Price, PriceEach};
use crate::rating::{self, RateError, Usage};
use crate::units::{ChargeId, Inexact, MeterId, NumberError, Quantity, Timestamp};

/// Why events do not become usage.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// A meter of the plan cannot measure.
    #[error(transparent)]
    Meter(#[from] MeterError),
    /// A level's average, or windows, over all time.
    #[error("meter {meter} goes by time: name the period to bill")]
    NoPeriod {
        /// The meter.
        meter: MeterId,
    },
    /// An event that a meter selects cannot be measured.
    #[error("event {id:?} of {source_name:?}: {reason}")]
    Event {
        /// Its id.
        id: String,
        /// Its source.
        source_name: String,
        /// What is wrong with it.
        reason: MeasureError,
    },
    /// A tally refuses.
    #[error(transparent)]
    Tally(#[from] TallyError),
    /// A charge cannot take an event or a value.
    #[error("charge {charge}: {reason}")]
    Rate {
        /// The charge.
        charge: ChargeId,
        /// What is wrong.
        reason: RateError,
    },
    /// What was metered comes to less than nothing.
    #[error("{line} comes to {value}: corrections must not exceed the use of their period")]
    Negative {
        /// The charge or meter.
        line: String,
        /// What it comes to.
        value: Measure,
    },
    /// A value that leaves the range of a number.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl CollectError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Meter(error) => error.code(),
            Self::NoPeriod { .. } => "usage_no_period",
            Self::Event { reason, .. } => reason.code(),
            Self::Tally(error) => error.code(),
            Self::Rate { reason, .. } => reason.code(),
            Self::Negative { .. } => "usage_negative",
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}

/// What was used: for each charge what it rates, and for each meter of a fee how many seats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeriodUsage {
    /// By charge.
    pub charges: BTreeMap<ChargeId, Usage>,
    /// By meter, for fees that a meter counts.
    pub seats: BTreeMap<MeterId, Quantity>,
}

/// The levels that a period's time-weighted sums begin with, by meter.
pub type Levels = BTreeMap<MeterId, BTreeMap<Combination, Measure>>;

/// Takes the events of one account in one stretch of time under one plan.
#[derive(Clone, Debug)]
pub struct Book<'p> {
    plan: &'p Plan,
    meters: Vec<Metered<'p>>,
    /// The states of percentage charges: they take events one by one.
    by_event: BTreeMap<&'p ChargeId, Usage>,
}

/// A meter and what it has counted.
#[derive(Clone, Debug)]
struct Metered<'p> {
    /// The plan's meter; none for a charge that names none.
    spec: Option<&'p MeterSpec>,
    /// The charges that read it.
    charges: Vec<&'p Charge>,
    meter: Meter,
    tally: Tally,
}

impl<'p> Book<'p> {
    /// A book without events for all time, for a plan whose meters do not ask when.
    ///
    /// # Errors
    ///
    /// [`CollectError::NoPeriod`]; [`CollectError::Meter`].
    pub fn over_all_time(plan: &'p Plan) -> Result<Self, CollectError> {
        let by_time = |meter: &&MeterSpec| {
            meter.aggregation == Aggregation::TimeWeightedSum || meter.window_ms.is_some()
        };
        if let Some(meter) = plan.spec().meters.iter().find(by_time) {
            return Err(CollectError::NoPeriod { meter: meter.id.clone() });
        }
        let (start, end) = (Timestamp::from_millis(i64::MIN), Timestamp::from_millis(i64::MAX));
        Self::open(plan, Window::new(start, end).map_err(|_| Inexact)?)
    }

    /// A book of the levels alone for the time before a period, which begins with them; none if no
    /// meter of the plan goes on from there.
    ///
    /// # Errors
    ///
    /// [`CollectError::Meter`].
    pub fn levels_only(plan: &'p Plan, window: Window) -> Result<Option<Self>, CollectError> {
        let is_level = |spec: &&MeterSpec| spec.aggregation == Aggregation::TimeWeightedSum;
        let mut meters = Vec::new();
        for spec in plan.spec().meters.iter().filter(is_level) {
            let tally = Tally::empty(spec.aggregation, window, None);
            let meter = Meter::new(spec)?;
            meters.push(Metered { spec: Some(spec), charges: Vec::new(), meter, tally });
        }
        let book = Self { plan, meters, by_event: BTreeMap::new() };
        Ok((!book.meters.is_empty()).then_some(book))
    }

    /// A book without events for `window` under `plan`.
    ///
    /// # Errors
    ///
    /// [`CollectError::Meter`].
    pub fn open(plan: &'p Plan, window: Window) -> Result<Self, CollectError> {
        let mut meters = Vec::new();
        for spec in &plan.spec().meters {
            let reads = |charge: &&Charge| charge.meter() == Some(&spec.id);
            let meter = Meter::new(spec)?;
            let tally = Tally::empty(meter.aggregation(), window, spec.window_ms);
            let charges = plan.charges().iter().filter(reads).collect();
            meters.push(Metered { spec: Some(spec), charges, meter, tally });
        }
        for charge in plan.charges().iter().filter(|charge| charge.meter().is_none()) {
            let meter = Meter::of_charge(charge.id())?;
            let tally = Tally::empty(meter.aggregation(), window, None);
            meters.push(Metered { spec: None, charges: vec![charge], meter, tally });
        }
        let is_by_event = |charge: &&Charge| matches!(charge.price(), Price::Percentage(_));
        let by_event = plan.charges().iter().filter(is_by_event);
        let by_event = by_event.map(|charge| (charge.id(), rating::empty(charge))).collect();
        Ok(Self { plan, meters, by_event })
    }

    /// Takes an event; says whether any meter counted it.
    ///
    /// # Errors
    ///
    /// [`CollectError`]; the book may then hold a part of the event and is to be thrown away.
    pub fn record(&mut self, event: &Event<'_>) -> Result<bool, CollectError> {
        let mut is_counted = false;
        for metered in &mut self.meters {
            let measured = metered.meter.measure(event).map_err(|reason| CollectError::Event {
                id: event.id.to_string(),
                source_name: event.source.to_string(),
                reason,
            })?;
            let Some((dimensions, sample)) = measured else { continue };
            is_counted = true;
            for charge in &metered.charges {
                if let Some(state) = self.by_event.get_mut(charge.id()) {
                    *state = after(charge, metered.spec, state, &sample)?;
                }
            }
            metered.tally.record(dimensions, &sample)?;
        }
        Ok(is_counted)
    }

    /// What was used. `levels` are those at the start of the window, as [`Book::levels_after`]
    /// gave them for the window before.
    ///
    /// # Errors
    ///
    /// [`CollectError`].
    pub fn usage(&self, levels: &Levels) -> Result<PeriodUsage, CollectError> {
        let mut usage = PeriodUsage::default();
        let none = BTreeMap::new();
        for metered in &self.meters {
            let carried = metered.spec.and_then(|spec| levels.get(&spec.id)).unwrap_or(&none);
            let values = match metered.spec {
                Some(spec) => metered.tally.values(spec, carried)?,
                None => metered.tally.raw_values(carried)?,
            };
            for charge in &metered.charges {
                let state = match self.by_event.get(charge.id()) {
                    Some(state) => state.clone(),
                    None => state_of(charge, &values)?,
                };
                usage.charges.insert(charge.id().clone(), state);
            }
            if let Some(spec) = metered.spec.filter(|spec| self.counts_seats(&spec.id)) {
                usage.seats.insert(spec.id.clone(), total(spec.id.as_str(), &values)?);
            }
        }
        Ok(usage)
    }

    /// The levels at the end of the window, for the window after it.
    ///
    /// # Errors
    ///
    /// [`CollectError::Inexact`].
    pub fn levels_after(&self, levels: &Levels) -> Result<Levels, CollectError> {
        let mut after = Levels::new();
        for (metered, spec) in self.meters.iter().filter_map(|m| m.spec.map(|spec| (m, spec))) {
            let carried = levels.get(&spec.id).cloned().unwrap_or_default();
            let next = metered.tally.levels_after(&carried)?;
            if !next.is_empty() {
                after.insert(spec.id.clone(), next);
            }
        }
        Ok(after)
    }

    fn counts_seats(&self, meter: &MeterId) -> bool {
        self.plan.spec().fees.iter().any(|fee| fee.meter.as_ref() == Some(meter))
    }
}

/// The state of a percentage charge after one more event.
fn after(
    charge: &Charge,
    spec: Option<&MeterSpec>,
    state: &Usage,
    sample: &Sample<'_>,
) -> Result<Usage, CollectError> {
    let value = match &sample.contribution {
        Contribution::Number(value) => *value,
        Contribution::Once | Contribution::Name(_) => Measure::ONE,
    };
    let rounding = spec.and_then(|spec| spec.rounding);
    let value = rounding.map_or(Ok(value), |rule| rounded(value, rule))?;
    let conversion = spec.and_then(|spec| spec.conversion);
    let value = conversion.map_or(Ok(value), |rule| converted(value, rule))?;
    let event = rating::Event::Use(quantity(charge.id().as_str(), value)?);
    rating::after(charge, state, &event)
        .map_err(|reason| CollectError::Rate { charge: charge.id().clone(), reason })
}

/// The state of any other charge: the values of its meter, in the shape that its price takes.
fn state_of(
    charge: &Charge,
    values: &[(Window, Combination, Measure)],
) -> Result<Usage, CollectError> {
    let line = charge.id().as_str();
    if matches!(charge.price(), Price::Matrix(_)) {
        return Ok(Usage::Combinations(sums(line, values, |_, dimensions| dimensions.clone())?));
    }
    match charge.price_each() {
        PriceEach::Window => Ok(Usage::Windows(sums(line, values, |window, _| window.start())?)),
        PriceEach::Total => Ok(Usage::Total(total(line, values)?)),
    }
}

/// Sums of the values by a key of their window and dimensions.
fn sums<Key: Ord>(
    line: &str,
    values: &[(Window, Combination, Measure)],
    key: impl Fn(Window, &Combination) -> Key,
) -> Result<BTreeMap<Key, Quantity>, CollectError> {
    let mut sums: BTreeMap<Key, Measure> = BTreeMap::new();
    for (window, dimensions, value) in values {
        let sum = sums.entry(key(*window, dimensions)).or_default();
        *sum = sum.plus(*value)?;
    }
    sums.into_iter().map(|(key, sum)| Ok((key, quantity(line, sum)?))).collect()
}

fn total(line: &str, values: &[(Window, Combination, Measure)]) -> Result<Quantity, CollectError> {
    let sum = values.iter().try_fold(Measure::ZERO, |sum, (_, _, value)| sum.plus(*value))?;
    quantity(line, sum)
}

fn quantity(line: &str, value: Measure) -> Result<Quantity, CollectError> {
    Quantity::new(value.get()).map_err(|error| match error {
        NumberError::Negative => CollectError::Negative { line: line.to_owned(), value },
        _ => CollectError::Inexact(Inexact),
    })
}

#[cfg(test)]
mod tests;
