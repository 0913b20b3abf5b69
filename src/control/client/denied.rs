//! What an isolate refuses from memory: a flood of it must not reach the account.
//!
//! ```text
//! account: cannot pay 5   ─▶ 402 for as much, or for the very same    │ for DENIAL_MS
//! account: key not active ─▶ 403 for that key                         │
//! ```

use super::super::DENIAL_MS;
use super::super::admission::{Admission, Operation};
use super::super::prices::Price;
use super::Client;
use crate::units::{ChargeId, Credits, KeyId, Quantity, Timestamp};

/// Refused keys that are remembered, at most; then all are forgotten.
const REFUSED_MAX: usize = 1_000;

/// What the account could not pay lately.
#[derive(Debug)]
pub(super) struct Denied {
    pub(super) until: Timestamp,
    pub(super) required: Credits,
    pub(super) available: Credits,
    pub(super) charge: ChargeId,
    pub(super) quantity: Quantity,
}

impl Client {
    /// Whether the account could not pay for as much, or for the very same, a moment ago.
    pub(super) fn denial(
        &self,
        operation: &Operation,
        price: Price,
        now: Timestamp,
    ) -> Option<Admission> {
        let Denied { until, required, available, ref charge, quantity } = *self.denied.as_ref()?;
        let same = *charge == operation.charge && quantity == operation.quantity;
        let required = match price.is_exact {
            // Not what is available: below zero a plan may allow what costs less.
            true => Some(price.cost).filter(|cost| required <= *cost),
            false => Some(required).filter(|_| same),
        };
        let required = required.filter(|_| now < until)?;
        Some(Admission::Denied { required, available })
    }

    /// A key that is not active stays so: another message for each of its calls tells nothing new.
    pub(super) fn refuse_key(&mut self, key: &KeyId, now: Timestamp) {
        if self.refused.len() >= REFUSED_MAX {
            self.refused.clear();
        }
        self.refused.insert(key.clone(), now.plus_millis(DENIAL_MS));
    }
}
