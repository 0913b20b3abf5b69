//! More use, or less: a state of use times an exact ratio.
//!
//! ```text
//! quantity × times / over      rounded half up to 6 places, or to those it has if it has more
//! events × times / over        rounded half up to whole events
//! ```
//!
//! A percentage price remembers what its allowances and limits did. Allowances that were used up
//! stay used up; others go on as if every event were the average one. What limits added or took
//! off grows with the events that pay. Invariant (tested): a ratio of one changes nothing.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use crate::plan::{Charge, PercentageSpec, Price};
use crate::rating::{EventUsage, Usage};
use crate::units::round::{Rounding, divide_integers};
use crate::units::{Amount, Inexact, Quantity, SCALE_MAX};

/// Decimal places that scaled use is rounded to.
pub const PLACES: u32 = 6;

/// An exact ratio, in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scale {
    times: i128,
    over: i128,
}

impl Scale {
    pub(super) const ONE: Self = Self { times: 1, over: 1 };

    /// `times / over`; one if `over` is nothing.
    pub(super) fn ratio(times: i64, over: i64) -> Self {
        if over == 0 { Self::ONE } else { reduced(times.into(), over.into()) }
    }

    pub(super) fn of(factor: Quantity) -> Result<Self, Inexact> {
        let over = 10_i128.checked_pow(factor.get().scale()).ok_or(Inexact)?;
        Ok(reduced(factor.get().mantissa(), over))
    }

    pub(super) fn and(self, other: Self) -> Result<Self, Inexact> {
        let times = self.times.checked_mul(other.times).ok_or(Inexact)?;
        Ok(reduced(times, self.over.checked_mul(other.over).ok_or(Inexact)?))
    }

    /// The value times the ratio, to so many places.
    fn decimal(self, value: Decimal, places: u32) -> Result<Decimal, Inexact> {
        if self == Self::ONE {
            return Ok(value);
        }
        let (more, fewer) =
            (places.saturating_sub(value.scale()), value.scale().saturating_sub(places));
        let power = |by: u32| 10_i128.checked_pow(by).ok_or(Inexact);
        let product = |a: i128, b: i128| a.checked_mul(b).ok_or(Inexact);
        let times = product(product(value.mantissa(), self.times)?, power(more)?)?;
        let over = product(self.over, power(fewer)?)?;
        let units = divide_integers(times, over, Rounding::HalfUp)?;
        Decimal::try_from_i128_with_scale(units, places).map_err(|_| Inexact)
    }

    fn quantity(self, charge: &Charge, value: Quantity) -> Result<Quantity, Inexact> {
        let places = PLACES.max(value.get().scale()).min(charge.quantity_places());
        Quantity::new(self.decimal(value.get(), places)?).map_err(|_| Inexact)
    }

    fn whole(self, count: u64) -> Result<u64, Inexact> {
        let product = self.times.checked_mul(count.into()).ok_or(Inexact)?;
        let units = divide_integers(product, self.over, Rounding::HalfUp)?;
        u64::try_from(units).map_err(|_| Inexact)
    }

    fn amount(self, value: Amount) -> Result<Amount, Inexact> {
        let places = SCALE_MAX.max(value.get().scale());
        self.decimal(value.get(), places).map(Amount::new)
    }

    fn each<Key: Ord + Clone>(
        self,
        charge: &Charge,
        parts: &BTreeMap<Key, Quantity>,
    ) -> Result<BTreeMap<Key, Quantity>, Inexact> {
        let mut scaled = parts.clone();
        for value in scaled.values_mut() {
            *value = self.quantity(charge, *value)?;
        }
        Ok(scaled)
    }

    /// The use of a charge, scaled.
    pub(super) fn usage(self, charge: &Charge, usage: &Usage) -> Result<Usage, Inexact> {
        if self == Self::ONE {
            return Ok(usage.clone());
        }
        Ok(match usage {
            Usage::Total(total) => Usage::Total(self.quantity(charge, *total)?),
            Usage::Windows(windows) => Usage::Windows(self.each(charge, windows)?),
            Usage::Combinations(parts) => Usage::Combinations(self.each(charge, parts)?),
            Usage::Events(events) => match charge.price() {
                Price::Percentage(spec) => Usage::Events(self.events(charge, spec, events)?),
                _ => usage.clone(),
            },
        })
    }

    fn events(
        self,
        charge: &Charge,
        spec: &PercentageSpec,
        was: &EventUsage,
    ) -> Result<EventUsage, Inexact> {
        let (value, events) = (self.quantity(charge, was.value)?, self.whole(was.events)?);
        let is_used_up = spec.free_events.is_some_and(|most| was.events >= most)
            || spec.free_value.is_some_and(|most| was.value >= most);
        let (free_value, free_events) = if is_used_up {
            (was.free_value.min(value), was.free_events.min(events))
        } else {
            allowances(charge, spec, value, events)?
        };
        let paid = |events: u64, free: u64| i64::try_from(events.saturating_sub(free));
        let now = paid(events, free_events).map_err(|_| Inexact)?;
        let before = paid(was.events, was.free_events).map_err(|_| Inexact)?;
        let by = Self::ratio(now, before);
        let (raised, cut) = (by.amount(was.raised)?, by.amount(was.cut)?);
        Ok(EventUsage { value, events, free_value, free_events, raised, cut })
    }
}

/// The free value and the free events among events that are all the average one.
fn allowances(
    charge: &Charge,
    spec: &PercentageSpec,
    value: Quantity,
    events: u64,
) -> Result<(Quantity, u64), Inexact> {
    let count = |n: u64| i64::try_from(n).map_err(|_| Inexact);
    let within = match (spec.free_events, spec.free_value) {
        (None, None) => return Ok((Quantity::ZERO, 0)),
        (most, _) => most.unwrap_or(events).min(events),
    };
    let first = Scale::ratio(count(within)?, count(events)?).quantity(charge, value)?;
    match spec.free_value.filter(|most| *most < first) {
        None => Ok((first, within)),
        Some(most) => {
            // Whole events only: one that is free in part pays its fixed amount.
            let (most, all) = (most.get(), value.get());
            let places = most.scale().max(all.scale());
            let units = |n: Decimal| {
                let power = 10_i128.checked_pow(places.saturating_sub(n.scale())).ok_or(Inexact)?;
                n.mantissa().checked_mul(power).ok_or(Inexact)
            };
            let part = units(most)?.checked_mul(events.into()).ok_or(Inexact)?;
            let free = divide_integers(part, units(all)?, Rounding::Floor)?;
            let free = u64::try_from(free).map_err(|_| Inexact)?;
            Ok((Quantity::new(most).map_err(|_| Inexact)?, free.min(within)))
        }
    }
}

/// Such events under the terms of another percentage price: each of them the average one.
pub(super) fn alike(
    charge: &Charge,
    spec: &PercentageSpec,
    value: Quantity,
    events: u64,
) -> Result<EventUsage, Inexact> {
    let (free_value, free_events) = allowances(charge, spec, value, events)?;
    let none = EventUsage { value, events, free_value, free_events, ..EventUsage::default() };
    let paid = i64::try_from(events.saturating_sub(free_events)).map_err(|_| Inexact)?;
    if paid == 0 {
        return Ok(none);
    }
    let share = value.minus(free_value)?.get();
    let percent = Amount::new(share).times(spec.percent.fraction())?;
    let cost = Scale::ratio(1, paid).amount(percent)?.plus(spec.fixed)?;
    let short = spec.minimum.filter(|least| cost < *least).map(|least| least.minus(cost));
    let above = spec.maximum.filter(|most| cost > *most).map(|most| cost.minus(most));
    let all = |each: Option<Result<Amount, Inexact>>| {
        each.map_or(Ok(Amount::ZERO), |each| each?.times(paid.into()))
    };
    Ok(EventUsage { raised: all(short)?, cut: all(above)?, ..none })
}

fn reduced(times: i128, over: i128) -> Scale {
    let (mut a, mut b) = (times, over);
    while b != 0 {
        (a, b) = (b, a.checked_rem(b).unwrap_or_default());
    }
    let by = |n: i128| n.checked_div(a).unwrap_or(n);
    Scale { times: by(times), over: by(over) }
}
