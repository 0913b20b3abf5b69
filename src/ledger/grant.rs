//! Grants: credits given to an account, and the order in which they burn.
//!
//! ```text
//! given = left + burned + expired + voided      spendable in [effective_at, expires_at or voided)
//! given = amount + refills + what a rollover's minimum added
//! order: priority (low first), expiry or the end of a step that keeps nothing (none last),
//!        promotional and included before paid, effective_at, id
//! ```

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::entry::is_zero;
use super::recurrence::Recurrence;
use crate::units::{Credits, GrantId, Inexact, Timestamp};

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
    /// 0 burns first, 255 last; default: 100, as for the grants of a plan.
    #[serde(default = "usual_priority")]
    pub priority: u8,
    /// First instant at which they can be spent; default: when the grant arrives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<Timestamp>,
    /// First instant at which they can no longer be spent; default: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What of the rest stays at the end of the grant's period; default: all if it comes once,
    /// nothing if it recurs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover: Option<Rollover>,
    /// When the amount is given again: the grant's period is then its own. Without it, the period
    /// is the account's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Recurrence>,
}

/// What stays of a rest at the end of a period: `min(max, max(min, rest))`. A recurring grant's
/// amount comes on top of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollover {
    /// At least this much, even if less is left.
    #[serde(default)]
    pub min: Credits,
    /// At most this much.
    pub max: Credits,
}

impl Rollover {
    /// Nothing stays.
    pub const NOTHING: Self = Self { min: Credits::ZERO, max: Credits::ZERO };

    /// What stays of `rest`.
    pub fn kept(self, rest: Credits) -> Credits {
        rest.max(self.min).min(self.max)
    }
}

fn usual_priority() -> u8 {
    100
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
    /// Credits given so far.
    pub given: Credits,
    /// Credits neither burned nor expired nor voided.
    pub left: Credits,
    /// Credits burned since the account's open period began, what came back taken off.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub burned: Credits,
    /// When the amount is given again, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_refill: Option<Timestamp>,
    /// When it was voided: it ends there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voided_at: Option<Timestamp>,
    /// Its name in the plan that it came with, if it came with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_plan: Option<GrantId>,
}

impl Grant {
    /// A grant that is effective from `effective_at` and was given at `now`: what would have come
    /// before that is not made up for.
    pub fn new(terms: GrantTerms, effective_at: Timestamp, now: Timestamp) -> Self {
        let from = effective_at.max(now);
        let next_refill = terms.recurrence.and_then(|recurrence| recurrence.after(from));
        let (given, left) = (terms.amount, terms.amount);
        Self {
            terms,
            effective_at,
            given,
            left,
            burned: Credits::ZERO,
            next_refill,
            voided_at: None,
            of_plan: None,
        }
    }

    /// Whether its credits can be spent at `now`.
    pub fn is_spendable(&self, now: Timestamp) -> bool {
        self.effective_at <= now && !self.is_past(now)
    }

    /// Whether it ended at or before `now`.
    pub fn is_past(&self, now: Timestamp) -> bool {
        self.ends_at().is_some_and(|end| end <= now)
    }

    /// When it ends: at its expiry, or where it was voided.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.voided_at.into_iter().chain(self.terms.expires_at).min()
    }

    /// When what is left of a step is lost: where it comes again and nothing stays.
    pub fn lost_at(&self) -> Option<Timestamp> {
        let stays = self.terms.rollover.is_some_and(|rollover| rollover != Rollover::NOTHING);
        self.next_refill.filter(|_| !stays)
    }

    /// Sorts grants into burn order. What ends with its step burns before what lasts.
    pub fn burn_key(&self) -> impl Ord + use<> {
        let expiry = self.terms.expires_at.into_iter().chain(self.lost_at()).min().map(Reverse);
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

impl Burn {
    /// The sum of some.
    pub(super) fn total(burns: &[Self]) -> Result<Credits, Inexact> {
        Credits::sum(burns.iter().map(|burn| burn.amount))
    }

    /// Takes the first `amount` off a list; less if the list holds less.
    pub(super) fn split_off(burns: &mut Vec<Self>, amount: Credits) -> Result<Vec<Self>, Inexact> {
        let (mut rest, mut taken) = (amount, Vec::new());
        while !rest.is_zero() {
            let Some(first) = burns.first_mut() else { break };
            let part = rest.min(first.amount);
            taken.push(Self { grant: first.grant.clone(), amount: part });
            rest = rest.minus(part)?;
            first.amount = first.amount.minus(part)?;
            if first.amount.is_zero() {
                burns.remove(0);
            }
        }
        Ok(taken)
    }
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
            rollover: None,
            recurrence: None,
        };
        Grant::new(terms, Timestamp::from_millis(from), Timestamp::from_millis(from))
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
    fn terms_that_are_left_out_are_the_usual_ones() {
        let terms: GrantTerms = serde_json::from_str(r#"{"id":"a","amount":"1"}"#).unwrap();
        assert_eq!((terms.priority, terms.kind), (100, GrantKind::Paid));
    }

    #[test]
    fn a_grant_is_spendable_from_its_start_to_just_before_its_end() {
        let grant = grant("a", 0, Some(20), GrantKind::Paid, 10);
        let at = |ms| grant.is_spendable(Timestamp::from_millis(ms));
        assert_eq!([9, 10, 19, 20].map(at), [false, true, true, false]);
    }

    #[test]
    fn a_rollover_keeps_a_rest_between_its_bounds() {
        for (min, max, rest, kept) in
            [("0", "50", "90", "50"), ("50", "50", "0", "50"), ("10", "50", "20", "20")]
        {
            let credits = |text: &str| text.parse::<Credits>().unwrap();
            let rollover = Rollover { min: credits(min), max: credits(max) };
            assert_eq!(rollover.kept(credits(rest)), credits(kept));
        }
    }
}
