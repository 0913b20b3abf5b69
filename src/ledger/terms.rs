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
    /// What was used in the period, at the end of these terms or so far.
    pub usage: &'l BTreeMap<ChargeId, Usage>,
    /// The part of it that was used under the terms before, in the same period.
    pub usage_from: &'l BTreeMap<ChargeId, Usage>,
    /// Whether the period ended with them.
    pub ends_period: bool,
}

impl Ledger {
    /// Former terms that are remembered, and today's as the last.
    pub fn remembered_terms(&self) -> impl Iterator<Item = Terms<'_>> {
        let past = self.past_terms.iter().map(|(number, past)| Terms {
            number: *number,
            plan_json: self.plan_of(*number).unwrap_or(&self.plan_json),
            usage: &past.usage,
            usage_from: &past.usage_from,
            ends_period: past.plan_json.is_none(),
        });
        past.chain(std::iter::once(Terms {
            number: self.terms,
            plan_json: &self.plan_json,
            usage: &self.usage,
            usage_from: &self.usage_from,
            ends_period: false,
        }))
    }
}
