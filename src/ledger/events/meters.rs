//! What an event used, by the account's plan: the part of a plan's meters that counts as it goes.
//!
//! ```text
//! meter: count or sum ─▶ quantity ─▶ a use of each charge that reads it
//! ```
//!
//! Only what adds up event by event can be charged at once. An event that is also read by a meter
//! that does not (a maximum, unique names, seats, roundings of a total) is refused: half of what
//! it means is not it.

use super::Refused;
use crate::ledger::uses::Use;
use crate::meter::{Contribution, Event, Measure, Meter, converted};
use crate::plan::{Aggregation, Charge, Conversion, MeterSpec, Plan};
use crate::rating::{self, Usage};
use crate::units::{Inexact, NumberError, Quantity};

/// A meter, and who reads it.
struct Reader<'p> {
    name: &'p str,
    meter: Meter,
    conversion: Option<Conversion>,
    charges: Vec<&'p Charge>,
    is_inline: bool,
}

/// The meters of a plan that somebody reads.
pub(in crate::ledger) struct Meters<'p>(Vec<Reader<'p>>);

impl<'p> Meters<'p> {
    /// Those of a plan.
    pub(in crate::ledger) fn of(plan: &'p Plan) -> Result<Self, Refused> {
        let mut readers = Vec::new();
        for spec in &plan.spec().meters {
            let reads = |charge: &&Charge| charge.meter() == Some(&spec.id);
            let charges: Vec<&Charge> = plan.charges().iter().filter(reads).collect();
            let seats = plan.spec().fees.iter().any(|fee| fee.meter.as_ref() == Some(&spec.id));
            if charges.is_empty() && !seats {
                continue;
            }
            let is_inline =
                !seats && adds_up(spec) && charges.iter().all(|charge| is_inline(charge));
            let (name, conversion) = (spec.id.as_str(), spec.conversion);
            readers.push(Reader { name, meter: Meter::new(spec)?, conversion, charges, is_inline });
        }
        for charge in plan.charges().iter().filter(|charge| charge.meter().is_none()) {
            let (name, meter) = (charge.id().as_str(), Meter::of_charge(charge.id())?);
            let (is_inline, charges) = (is_inline(charge), vec![charge]);
            readers.push(Reader { name, meter, conversion: None, charges, is_inline });
        }
        Ok(Self(readers))
    }

    /// What an event used, as it counts; nothing if filters drop it.
    pub(in crate::ledger) fn uses(&self, event: &Event<'_>) -> Result<Vec<Use>, Refused> {
        if !self.0.iter().any(|reader| reader.meter.reads(&event.kind)) {
            return Err(Refused::Unmetered { kind: event.kind.to_string() });
        }
        let mut uses = Vec::new();
        for reader in &self.0 {
            let Some((dimensions, sample)) = reader.meter.measure(event)? else { continue };
            if !reader.is_inline {
                return Err(Refused::NotInline { meter: reader.name.to_owned() });
            }
            let value = match sample.contribution {
                Contribution::Number(value) => value,
                Contribution::Once | Contribution::Name(_) => Measure::ONE,
            };
            for charge in &reader.charges {
                let quantity = quantity(charge, value, reader.conversion)?;
                if !quantity.is_zero() {
                    let of = dimensions.clone();
                    uses.push(Use { charge: charge.id().clone(), of, quantity }.projected(charge));
                }
            }
        }
        Ok(uses)
    }
}

fn adds_up(spec: &MeterSpec) -> bool {
    matches!(spec.aggregation, Aggregation::Count | Aggregation::Sum)
        && spec.rounding.is_none()
        && spec.conversion.is_none_or(|conversion| conversion.rounding.is_none())
}

fn is_inline(charge: &Charge) -> bool {
    matches!(rating::empty(charge), Usage::Total(_) | Usage::Combinations(_))
}

fn quantity(
    charge: &Charge,
    value: Measure,
    conversion: Option<Conversion>,
) -> Result<Quantity, Refused> {
    let unpriced =
        |error: Inexact| Refused::Unpriced { charge: charge.id().clone(), reason: error.into() };
    let value = conversion.map_or(Ok(value), |rule| converted(value, rule)).map_err(unpriced)?;
    Quantity::new(value.get()).map_err(|error| match error {
        NumberError::Negative => {
            Refused::Negative { charge: charge.id().clone(), value: value.get().to_string() }
        }
        _ => unpriced(Inexact),
    })
}
