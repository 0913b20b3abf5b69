//! What was refused lately: a copy that comes late is refused as well.
//!
//! ```text
//! debit d9 ──▶ short ──▶ "credit limit reached" ──▶ the isolate refuses the request
//!   copy of d9 ── after a grant ──▶ would be burned for a request that nobody serves
//! wish (l1, 4) ──▶ nothing to give ──▶ the isolate pays directly
//!   copy of (l1, 4) ── after a grant ──▶ would be set aside for an isolate that does not know
//! ```
//!
//! Invariant: bounded, and never needed for the account's books to be right: it lives in memory
//! beside the ledger, is lost when the object is, and the journal says nothing of it, since a
//! refusal changes nothing and must not cost a row.

use std::collections::{BTreeMap, VecDeque};

use super::message::{DebitAnswer, Wish};

/// Refusals of a kind that are remembered, at most: seconds of the fastest flood, hours of anything
/// else.
const DENIALS_MAX: usize = 4_096;

/// Debits and wishes that an account refused.
#[derive(Clone, Debug, Default)]
pub struct Denials {
    debits: Recent<DebitAnswer>,
    /// By lease, the number of the last wish that got nothing.
    wishes: Recent<u64>,
}

impl Denials {
    pub(super) fn debit(&self, op: &str) -> Option<&DebitAnswer> {
        self.debits.by_name.get(op)
    }

    pub(super) fn note_debit(&mut self, op: &str, answer: DebitAnswer) {
        self.debits.note(op, answer);
    }

    pub(super) fn has_wish(&self, wish: &Wish) -> bool {
        self.wishes.by_name.get(&wish.lease).is_some_and(|seq| wish.seq <= *seq)
    }

    pub(super) fn note_wish(&mut self, wish: &Wish) {
        if !self.has_wish(wish) {
            self.wishes.note(&wish.lease, wish.seq);
        }
    }
}

/// The latest so many, by name.
#[derive(Clone, Debug)]
struct Recent<T> {
    by_name: BTreeMap<String, T>,
    order: VecDeque<String>,
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self { by_name: BTreeMap::new(), order: VecDeque::new() }
    }
}

impl<T> Recent<T> {
    fn note(&mut self, name: &str, value: T) {
        if self.by_name.insert(name.to_owned(), value).is_some() {
            return;
        }
        self.order.push_back(name.to_owned());
        if self.order.len() > DENIALS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.by_name.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Credits;

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let mut denials = Denials::default();
        for n in 0..=DENIALS_MAX {
            denials.note_debit(&format!("d{n}"), DebitAnswer::KeyRefused);
            denials.note_debit(&format!("d{n}"), DebitAnswer::KeyRefused);
        }
        assert_eq!(denials.debit("d0"), None);
        assert_eq!(denials.debit("d1"), Some(&DebitAnswer::KeyRefused));
        let Recent { by_name, order } = denials.debits;
        assert_eq!((by_name.len(), order.len()), (DENIALS_MAX, DENIALS_MAX));
    }

    #[test]
    fn a_wish_is_refused_with_all_before_it() {
        let wish = |seq| {
            let (lease, one) = ("l".to_owned(), Credits::ONE);
            Wish { lease, seq, rate: one, cost: one, granted: one }
        };
        let mut denials = Denials::default();
        for seq in [3, 2] {
            denials.note_wish(&wish(seq));
            assert_eq!([2, 3, 4].map(|seq| denials.has_wish(&wish(seq))), [true, true, false]);
        }
    }
}
