//! The terms that a ledger remembers, for whoever rates on from it.

use std::collections::BTreeMap;

use super::Ledger;
use crate::rating::Usage;
use crate::units::ChargeId;

/// A plan, for as long as it held or until a period ended, and what was used under it.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'l> {
    /// Counts from 0.
    pub number: u64,
    /// The plan's JSON.
    pub plan_json: &'l str,
    /// What was used under it, at its end or so far.
    pub usage: &'l BTreeMap<ChargeId, Usage>,
}

impl Ledger {
    /// Former terms that are remembered, and today's as the last.
    pub fn remembered_terms(&self) -> impl Iterator<Item = Terms<'_>> {
        let past = self.past_terms.iter().map(|(number, past)| Terms {
            number: *number,
            plan_json: self.plan_of(*number).1,
            usage: &past.usage,
        });
        past.chain(std::iter::once(Terms {
            number: self.terms,
            plan_json: &self.plan_json,
            usage: &self.usage,
        }))
    }
}
