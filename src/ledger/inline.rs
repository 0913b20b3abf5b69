//! What an operation costs in the path of its request, in credits.
//!
//! Inline, an amount is burned before the origin is called, so it must be known, in credits, and
//! not below zero. A charge that cannot promise that is refused in the path: rating fails closed.

use crate::plan::{Charge, Price};
use crate::rating::{self, Event, Usage};
use crate::units::{Credits, Quantity};

/// The price of `added` units on a charge that stands at `before`; nothing if it has none inline:
/// a charge in currency, one that is priced by dimension, window or event, or an amount below zero
/// (a volume price that falls for units already paid).
pub fn cost(charge: &Charge, before: Quantity, added: Quantity) -> Option<Credits> {
    let inline = charge.currency().is_none() && matches!(rating::empty(charge), Usage::Total(_));
    if !inline {
        return None;
    }
    let amount = rating::marginal(charge, &Usage::Total(before), &Event::Use(added)).ok()?;
    amount.credits().ok().filter(|credits| !credits.is_negative())
}

/// Whether the price is the same whatever was used before: only then can an isolate pay from a
/// lease without knowing the account's total. Other charges are decided by the account itself.
pub fn is_constant(charge: &Charge) -> bool {
    let plain = charge.quantity_steps().is_empty() && charge.amount_steps().is_empty();
    matches!(charge.price(), Price::PerUnit(_)) && plain
}
