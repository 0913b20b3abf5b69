//! Grants: credits given to an account, and the order in which they burn.
//!
//! ```text
//! amount = left + burned + expired          spendable in [effective_at, expires_at)
//! order: priority (low first), expiry (none last), promotional and included before paid,
//!        effective_at, id
//! ```

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::units::{Credits, GrantId, Timestamp};

/// Where credits came from. Free ones burn before paid ones of the same priority and expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// Given away.
    Promotional,
    /// Part of a recurring fee.
    Included,
    /// Bought.
    Paid,
}

/// What the caller asks for: the same id with the same terms grants once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTerms {
    /// The caller's id, for example that of the payment.
    pub id: GrantId,
    /// Credits given; above zero.
    pub amount: Credits,
    /// Where they came from.
    #[serde(default = "paid")]
    pub kind: GrantKind,
    /// 0 burns first, 255 last.
    #[serde(default)]
    pub priority: u8,
    /// First instant at which they can be spent; default: when the grant arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// First instant at which they can no longer be spent; default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

fn paid() -> GrantKind {
    GrantKind::Paid
}

/// A grant in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What was asked for.
    pub terms: GrantTerms,
    /// First instant at which it can be spent.
    pub effective_at: Timestamp,
    /// Credits neither burned nor expired.
    pub left: Credits,
}

impl Grant {
    /// Whether its credits can be spent at `now`.
    pub fn is_spendable(&self, now: Timestamp) -> bool {
        self.effective_at <= now && !self.is_past(now)
    }

    /// Whether it ended at or before `now`.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.terms.expires_at.is_some_and(|end| end <= now)
    }

    /// Sorts grants into burn order.
    pub fn burn_key(&self) -> impl Ord + use<> {
        let expiry = self.terms.expires_at.map(Reverse);
        let order = (self.terms.priority, Reverse(expiry), self.terms.kind);
        (order, self.effective_at, self.terms.id.clone())
    }
}

/// Credits taken from, or returned to, one grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Burn {
    /// The grant that paid.
    pub grant: GrantId,
    /// Above zero.
    pub amount: Credits,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(id: &str, priority: u8, expires: Option<i64>, kind: GrantKind, from: i64) -> Grant {
        let terms = GrantTerms {
            id: id.parse().unwrap(),
            amount: "1".parse().unwrap(),
            kind,
            priority,
            effective_at: None,
            expires_at: expires.map(Timestamp::from_millis),
        };
        let left = terms.amount;
        Grant { terms, effective_at: Timestamp::from_millis(from), left }
    }

    #[test]
    fn burn_order_is_priority_expiry_kind_effective_id() {
        use GrantKind::{Included, Paid, Promotional};
        let mut grants = [
            grant("h", 1, Some(5), Promotional, 0),
            grant("g", 0, None, Paid, 1),
            grant("f", 0, None, Paid, 0),
            grant("e", 0, None, Paid, 0),
            grant("d", 0, None, Included, 7),
            grant("c", 0, None, Promotional, 9),
            grant("b", 0, Some(20), Paid, 0),
            grant("a", 0, Some(10), Paid, 9),
        ];
        grants.sort_by_key(Grant::burn_key);
        let order: String = grants.iter().map(|g| g.terms.id.as_str()).collect();
        assert_eq!(order, "abcdefgh");
    }

    #[test]
    fn a_grant_is_spendable_from_its_start_to_just_before_its_end() {
        let grant = grant("a", 0, Some(20), GrantKind::Paid, 10);
        let at = |ms| grant.is_spendable(Timestamp::from_millis(ms));
        assert_eq!([9, 10, 19, 20].map(at), [false, true, true, false]);
    }
}
