//! Debits that were refused lately: a copy that comes late is refused with the same words.
//!
//! ```text
//! debit d9 ──▶ short ──▶ "credit limit reached" ──▶ the isolate refuses the request
//!   copy of d9 ── after a grant ──▶ would be burned for a request that nobody serves
//! ```
//!
//! Invariant: bounded, and never needed for the account to be right: it lives in memory beside the
//! ledger, is lost when the object is, and the journal says nothing of it, since a refusal changes
//! nothing and must not cost a row.

use std::collections::{BTreeMap, VecDeque};

use super::message::DebitAnswer;

/// Refusals that are remembered, at most: seconds of the fastest flood, hours of anything else.
const DENIALS_MAX: usize = 4_096;

/// Operations that an account refused.
#[derive(Clone, Debug, Default)]
pub struct Denials {
    answers: BTreeMap<String, DebitAnswer>,
    order: VecDeque<String>,
}

impl Denials {
    pub(super) fn get(&self, op: &str) -> Option<&DebitAnswer> {
        self.answers.get(op)
    }

    pub(super) fn note(&mut self, op: &str, answer: DebitAnswer) {
        if self.answers.insert(op.to_owned(), answer).is_some() {
            return;
        }
        self.order.push_back(op.to_owned());
        if self.order.len() > DENIALS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let mut denials = Denials::default();
        for n in 0..=DENIALS_MAX {
            denials.note(&format!("d{n}"), DebitAnswer::KeyRefused);
            denials.note(&format!("d{n}"), DebitAnswer::KeyRefused);
        }
        assert_eq!(denials.get("d0"), None);
        assert_eq!(denials.get("d1"), Some(&DebitAnswer::KeyRefused));
        assert_eq!((denials.answers.len(), denials.order.len()), (DENIALS_MAX, DENIALS_MAX));
    }
}
