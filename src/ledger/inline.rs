//! What an operation costs in the path of its request, in credits.
//!
//! Inline, an amount is burned before the origin is called, so it must be known, in credits, and
//! not below zero. A charge that cannot promise that is refused in the path: rating fails closed.

use rust_decimal::Decimal;

use crate::plan::{Charge, Price};
use crate::rating::{self, Ceiling, Event, Usage};
use crate::units::{Credits, Quantity};

/// The price of an event on a charge that stands at `before`; nothing if it has none inline: a
/// charge in currency, one that is priced by window or by event, a combination without a price, or
/// an amount below zero (a volume price that falls for units already paid).
pub fn cost(charge: &Charge, before: &Usage, event: &Event) -> Option<Credits> {
    let shape = rating::empty(charge);
    let inline = matches!(shape, Usage::Total(_) | Usage::Combinations(_));
    if !inline || charge.currency().is_some() {
        return None;
    }
    let amount = rating::marginal(charge, before, event).ok()?;
    amount.credits().ok().filter(|credits| !credits.is_negative())
}

/// Whether the price is the same whatever was used before: then an isolate knows it exactly.
pub fn is_constant(charge: &Charge) -> bool {
    let plain = charge.quantity_steps().is_empty() && charge.amount_steps().is_empty();
    matches!(charge.price(), Price::PerUnit(_)) && plain
}

/// Whether an isolate may pay for it from a lease: its price is the same whatever was used before,
/// or rises with use alone, so that there is a most that the account can come to rate. Other
/// charges are decided by the account itself.
pub fn is_leasable(charge: &Charge) -> bool {
    let rises = match charge.price() {
        Price::PerUnit(unit) => !unit.get().is_sign_negative(),
        Price::Package(package) => !package.price.get().is_sign_negative(),
        Price::Graduated(ladder) | Price::GraduatedPercentage(ladder) => {
            let falls = |rung: &crate::plan::Rung| {
                rung.unit.is_sign_negative() || rung.flat.is_sign_negative()
            };
            !ladder.rungs().iter().any(falls)
        }
        _ => false,
    };
    rises && charge.currency().is_none() && matches!(rating::empty(charge), Usage::Total(_))
}

/// The most that an operation can cost once the account stands at `from` or beyond, whatever
/// others use meanwhile; nothing if there is no bound.
pub fn ceiling(charge: &Charge, from: Quantity) -> Option<Ceiling> {
    let reach = Quantity::new(REACH).ok()?;
    let bound = is_leasable(charge).then(|| rating::ceiling(charge, &Usage::Total(from), reach));
    bound?.ok()
}

/// What to set aside for an operation under a ceiling.
pub fn hold(ceiling: &Ceiling, quantity: Quantity) -> Option<Credits> {
    ceiling.hold(quantity).ok()?.credits().ok().filter(|credits| !credits.is_negative())
}

/// The most that an event can come to cost once its charge stands at `before` or beyond; nothing if
/// there is no bound.
pub fn bound(charge: &Charge, before: &Usage, event: &Event) -> Option<Credits> {
    let plain = charge.quantity_steps().is_empty() && charge.amount_steps().is_empty();
    match (event, before) {
        (Event::Use(quantity), Usage::Total(from)) if !is_constant(charge) => {
            hold(&ceiling(charge, *from)?, *quantity)
        }
        (Event::Of(..), _) if !plain => None,
        _ => cost(charge, before, event),
    }
}

/// Units that can be used before a lease is reported, by anybody, at the very most.
const REACH: Decimal = Decimal::from_parts(2_764_472_320, 232_830, 0, false, 0);
const _: () = assert!(REACH.mantissa() == 1_000_000_000_000_000, "a thousand trillions");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    /// Plans of one charge: whether a lease may pay it, and whether it has one price.
    #[test]
    fn only_what_has_a_most_is_leased() {
        let table = [
            (r#""credits","price":{"model":"per_unit","unit_price":"1"}"#, true, true),
            (r#""currency","price":{"model":"per_unit","unit_price":"1"}"#, false, true),
            (
                r#""credits","price":{"model":"per_unit","unit_price":"-1"},"allow_negative":true"#,
                false,
                true,
            ),
            (r#""credits","price":{"model":"package","size":"10","price":"1"}"#, true, false),
            (r#""credits","price":{"model":"volume","tiers":[{"unit_price":"1"}]}"#, false, false),
            (
                r#""credits","price":{"model":"matrix",
                    "entries":[{"when":{"m":"a"},"unit_price":"1"}]}"#,
                false,
                false,
            ),
        ];
        for (of, leasable, constant) in table {
            let json = format!(
                r#"{{"id":"p","version":1,"currency":"USD","charges":[{{"id":"c","unit":{of}}}],
                "credits":{{"value":"1","burn_order":"standard","rollover":"none",
                "at_zero":"block"}}}}"#
            );
            let plan = Plan::parse(&json).unwrap();
            let charge = plan.charges().first().unwrap();
            assert_eq!((is_leasable(charge), is_constant(charge)), (leasable, constant), "{of}");
        }
    }
}
