//! Metered requests as the journal has them: many of one isolate, packed, and single ones.

use serde::{Deserialize, Serialize};

use super::entry::is_zero;
use super::grant::Burn;
use super::uses::Use;
use crate::plan::Combination;
use crate::units::{ChargeId, Credits, KeyId, Quantity, Timestamp};

/// Operations that one isolate served from its lease, packed: columns once, numbers per operation.
///
/// Operation `i` of the list is number `from + i` of its lease; its id is `<lease>.<number>`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Operations {
    /// Number of the first one within its lease.
    pub from: u64,
    /// Instant that the offsets count from.
    pub at: Timestamp,
    /// Routes and the charge of each.
    pub routes: Vec<(String, ChargeId)>,
    /// Keys that were used.
    pub keys: Vec<KeyId>,
    /// The operations.
    pub list: Vec<Operation>,
}

/// `(route, key, quantity, offset in ms, HTTP status or 0 while in flight)`; the first two are
/// indexes into the columns. A quantity of zero is an operation that failed and costs nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation(pub u16, pub u16, pub Quantity, pub i64, pub u16);

/// An operation that was reported before its answer was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flying {
    /// The operation.
    pub op: String,
    /// What it cost.
    pub cost: Credits,
    /// Who paid.
    pub burns: Vec<Burn>,
    /// Part of the cost that was served below zero.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub debt: Credits,
}

/// One metered request that the account itself decided.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Debit {
    /// Operation id, unique within the account.
    pub op: String,
    /// Method and pattern of the route.
    pub route: String,
    /// The charge that prices it.
    pub charge: ChargeId,
    /// The key that asked.
    pub key: KeyId,
    /// Meter units.
    pub quantity: Quantity,
}

impl Debit {
    /// What it uses.
    pub(super) fn used(&self) -> Use {
        Use { charge: self.charge.clone(), of: Combination::new(), quantity: self.quantity }
    }
}

/// A cost that credits could not pay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shortfall {
    /// Served below zero, as the plan allows: the next credits pay it, or the invoice.
    pub debt: Credits,
    /// Nobody pays it: the operator's loss.
    pub unpaid: Credits,
}

impl Shortfall {
    /// Whether all was paid.
    pub fn is_empty(&self) -> bool {
        self.debt.is_zero() && self.unpaid.is_zero()
    }
}
