//! Operations whose credits go back: they failed after they were told, or nobody knows whether they
//! were burned.
//!
//! ```text
//! failed ─▶ listed ─▶ told, at most a thousand a message ─▶ answered: forgotten
//! ```
//!
//! Invariants: a message stays small, whatever an outage left behind; what the account has long
//! forgotten is not asked for.

use std::collections::{BTreeSet, VecDeque};

use crate::ledger::MEMORY_MS;
use crate::units::Timestamp;

/// Refunds of a message, at most: a journal row of them is far from what a row may hold.
const REFUNDS_MAX: usize = 1_000;
/// The account remembers for a minute longer: what is older could not be given back.
const WORTH_MS: i64 = MEMORY_MS - 60_000;

/// Refunds that wait, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Refunds {
    list: VecDeque<(String, Timestamp)>,
}

impl Refunds {
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn add(&mut self, op: &str, now: Timestamp) {
        self.list.push_back((op.to_owned(), now));
    }

    /// What the next message asks for, of those that are `ready`.
    pub(super) fn due(&mut self, now: Timestamp, ready: impl Fn(&str) -> bool) -> Vec<String> {
        while self.list.front().is_some_and(|(_, at)| now.millis_since(*at) > WORTH_MS) {
            self.list.pop_front();
        }
        let ready = self.list.iter().map(|(op, _)| op).filter(|op| ready(op));
        ready.take(REFUNDS_MAX).cloned().collect()
    }

    /// A message that asked for these was answered.
    pub(super) fn forget(&mut self, told: &[String]) {
        if told.is_empty() {
            return;
        }
        let told: BTreeSet<&str> = told.iter().map(String::as_str).collect();
        self.list.retain(|(op, _)| !told.contains(op.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_takes_a_thousand_and_what_is_too_old_is_dropped() {
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        let mut refunds = Refunds::default();
        (0..2_500).for_each(|n| refunds.add(&format!("d{n}"), at(n)));
        let odd = |op: &str| op.ends_with(['1', '3', '5', '7', '9']);
        let due = refunds.due(at(2_500), odd);
        assert_eq!((due.len(), due[0].as_str(), due[999].as_str()), (1_000, "d1", "d1999"));
        refunds.forget(&due);
        assert_eq!(refunds.due(at(2_500), odd).len(), 250);
        assert_eq!(refunds.due(at(2_000 + WORTH_MS), |_| true).len(), 250 + 250);
        assert!(refunds.due(at(2_500 + WORTH_MS), |_| true).is_empty() && refunds.is_empty());
    }
}
