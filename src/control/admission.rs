//! What an isolate is asked about one operation, and what it may answer.
//!
//! ```text
//! Operation ── Client::admit ────▶ Admission: Paid | Ask | Denied | KeyRefused |
//! Reserve   ── Client::reserve ──▶            KeyLimited | Unpriced | Owed | Held
//! ```

use std::rc::Rc;

use super::message::{DebitAnswer, Request};
use crate::ledger::{Debit, SpendPeriod};
use crate::units::{ChargeId, Credits, KeyId, Quantity};

/// One metered request as the isolate sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Method and pattern of the route.
    pub route: Rc<str>,
    /// The charge that prices it.
    pub charge: ChargeId,
    /// The key that asked.
    pub key: KeyId,
    /// Meter units.
    pub quantity: Quantity,
}

impl Operation {
    /// The operation that a debit is for.
    pub(super) fn of(debit: &Debit) -> Self {
        Self {
            route: debit.route.as_str().into(),
            charge: debit.charge.clone(),
            key: debit.key.clone(),
            quantity: debit.quantity,
        }
    }

    /// One for the account itself to pay.
    pub(super) fn debit(self, op: String) -> Debit {
        let Self { route, charge, key, quantity } = self;
        Debit { op, route: route.to_string(), charge, key, quantity }
    }
}

/// What an operation may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Paid(Paid),
    /// Go on: the account does not answer, and it is owed.
    Owed(Paid),
    /// Go on: credits are set aside, and `Client::end` says what it used.
    Held(Held),
    /// What became of the client's key: nothing is to be done.
    Once(OnceRefusal),
    /// Send this to the account, then hand the answer to `Client::answered`.
    Ask(Box<Request>),
    /// 402: the account cannot pay.
    Denied {
        /// What the operation costs.
        required: Credits,
        /// What there was to spend.
        available: Credits,
    },
    /// 403: the key is disabled or was never created.
    KeyRefused,
    /// 402: the key has spent what it may, whatever the account has.
    KeyLimited {
        /// Which of its limits.
        period: SpendPeriod,
        /// The limit.
        limit: Credits,
        /// What it has spent.
        spent: Credits,
    },
    /// The plan does not price this: fail closed.
    Unpriced,
}

/// A paid operation, or one that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    /// Operation id.
    pub op: String,
    /// What it cost, or at most costs: see `is_exact`.
    pub cost: Credits,
    /// Whether `cost` is the price. From a lease, a price that depends on the account's total is
    /// known when the account rates it; until then the most that it can be is held.
    pub is_exact: bool,
    /// Whether nothing is left and the origin should serve it degraded.
    pub restricted: bool,
    /// Whether it was charged before, and is not charged again.
    pub repeated: bool,
    /// Credits that the customer still owns, at least.
    pub left: Credits,
    /// Whether to ask for more soon, beside this request: see `Client::renew`.
    pub renew: bool,
    /// Whether to report later, beside this request: see `Client::flush`.
    pub flush: bool,
}

/// Why a request with a client's key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnceRefusal {
    /// The same request is under way.
    InFlight,
    /// The key was used for another request.
    Differs,
    /// The key was used too often.
    Spent,
}

impl OnceRefusal {
    pub(super) fn of(answer: &DebitAnswer) -> Option<Self> {
        match answer {
            DebitAnswer::OnceInFlight => Some(Self::InFlight),
            DebitAnswer::OnceDiffers => Some(Self::Differs),
            DebitAnswer::OnceSpent => Some(Self::Spent),
            _ => None,
        }
    }
}

/// An operation that credits are set aside for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its id: belongs on the request to the origin.
    pub op: String,
    /// The most that it can come to cost.
    pub amount: Credits,
    /// What its part that can be lowered was lowered to, in units.
    pub most: Option<Quantity>,
    /// Credits that the customer still owns, at least.
    pub left: Credits,
    /// Whether nothing is left and the origin should serve it degraded: nothing is set aside.
    pub restricted: bool,
}

/// What is to be done about reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flush {
    /// Send this, hand the answer to `Client::answered`, and come again in `REPORT_MS`.
    Send(Box<Request>),
    /// Come again in `REPORT_MS`.
    Wait,
    /// Nothing is left to report or to give back.
    Done,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_is_refused_for_is_told() {
        let table = [
            (DebitAnswer::OnceInFlight, Some(OnceRefusal::InFlight)),
            (DebitAnswer::OnceDiffers, Some(OnceRefusal::Differs)),
            (DebitAnswer::OnceSpent, Some(OnceRefusal::Spent)),
            (DebitAnswer::KeyRefused, None),
        ];
        for (answer, expected) in table {
            assert_eq!(OnceRefusal::of(&answer), expected, "{answer:?}");
        }
    }
}
