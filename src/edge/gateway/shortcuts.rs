//! Operations that were paid from a lease, by number: entry.js asks for the same again without a
//! string crossing into wasm.
//!
//! ```text
//! admit("GET", "https://…/words", "em_…") ─▶ "paid … 17"     entry.js keeps 17 by key and path
//! again(17, now)                          ─▶ number and flags, or −1: ask `admit` anew
//! ```
//!
//! Invariants: a number is given once, so what is kept for long leads nowhere rather than astray;
//! a shortcut ends with the next answer of its account, as everything may be different then.

use std::collections::BTreeMap;

use super::Gateway;
use super::verdict::whole;
use crate::control::{Again, Known};
use crate::units::{AccountId, Timestamp};

/// Shortcuts remembered, at most; then all are forgotten, and made again one by one.
const SHORTCUTS_MAX: usize = 10_000;

struct Shortcut {
    account: AccountId,
    known: Known,
}

pub(super) struct Shortcuts {
    by_number: BTreeMap<u32, Shortcut>,
    made: u32,
    left: i64,
}

impl Shortcuts {
    /// None yet; the first has the number after this one.
    pub(super) fn from(first: u32) -> Self {
        Self { by_number: BTreeMap::new(), made: first, left: 0 }
    }

    pub(super) fn add(&mut self, account: &AccountId, known: Known) -> u32 {
        if self.by_number.len() >= SHORTCUTS_MAX {
            self.by_number.clear();
        }
        self.made = self.made.saturating_add(1);
        // After four thousand million of them the last one is made over and over, and ends at once.
        self.by_number.insert(self.made, Shortcut { account: account.clone(), known });
        self.made
    }
}

impl Gateway {
    /// Pays the same again; nothing if it must be admitted anew.
    pub(super) fn again(&mut self, number: u32, now: Timestamp) -> Option<Again> {
        let Shortcut { account, known } = self.shortcuts.by_number.get(&number)?;
        let client = self.clients.get_mut(account)?;
        let again = client.admit_again(known, now).ok().flatten();
        match again {
            Some(again) => self.shortcuts.left = whole(again.left),
            None if !client.is_current(known) => {
                self.shortcuts.by_number.remove(&number);
            }
            None => {}
        }
        again
    }

    /// What the last operation that was paid again left, in whole credits.
    pub(super) fn left(&self) -> i64 {
        self.shortcuts.left
    }

    /// Notes an answer that is not a failure. Returns whether that was all there is to do.
    pub(super) fn settle_again(&mut self, shortcut: u32, number: u64, status: u16) -> bool {
        let Some(Shortcut { account, known }) = self.shortcuts.by_number.get(&shortcut) else {
            return false;
        };
        let client = self.clients.get_mut(account).filter(|client| client.is_current(known));
        client.map(|client| client.answered_well(number, status)).is_some()
    }
}
