//! The plan's own grants: credits that come with it, on every step of a cadence.
//!
//! ```text
//! account opens, plan changes ──▶ each grant of the plan is a recurring grant of the account
//!     the next plan has it too     goes on by the next plan's terms; its step stays as it is
//!     the next plan has it not     comes no more; its step lasts to its end
//!     the former plan had it not   starts at once
//! ```
//!
//! Invariant: a plan that changes back and forth gives nothing twice within a step.

use super::decide::Session;
use super::entry::Entry;
use super::grant::{Grant, GrantKind, GrantTerms, Rollover};
use super::recurrence::Recurrence;
use super::{GRANTS_MAX, LedgerError};
use crate::plan::{self, Plan, RecurringGrant, Rollover as PlanRollover};
use crate::units::GrantId;

impl Session<'_> {
    /// Gives what the plan of an account that was just opened includes.
    ///
    /// # Errors
    ///
    /// [`LedgerError::PlanGrantLasts`], or [`LedgerError::Inexact`].
    pub fn include(&mut self, plan: &Plan) -> Result<(), LedgerError> {
        let entries = self.included(plan, self.ledger.terms)?;
        entries.into_iter().try_for_each(|entry| self.record(entry))?;
        Ok(self.pay_debt(self.now)?)
    }

    /// What changes about grants when the account follows `plan` from now on; `terms` is its
    /// number. Nothing is recorded here.
    pub(super) fn included(&self, plan: &Plan, terms: u64) -> Result<Vec<Entry>, LedgerError> {
        let rules = plan.spec().credits.as_ref();
        let (grants, rollover) = match rules {
            Some(rules) => (rules.grants.as_slice(), rules.rollover),
            None => (&[][..], PlanRollover::None),
        };
        let mut entries = Vec::new();
        for former in self.plan_grants() {
            let goes_on = |grant: &RecurringGrant| Some(&grant.id) == former.of_plan.as_ref();
            if former.terms.recurrence.is_some() && !grants.iter().any(goes_on) {
                entries.push(stopped(former));
            }
        }
        let (mut sum, mut number) = (self.ledger.given()?, 0);
        for (index, grant) in grants.iter().enumerate() {
            if grant
                .expires_after
                .is_some_and(|lasts| lasts != grant.every || rollover != PlanRollover::None)
            {
                return Err(LedgerError::PlanGrantLasts { id: grant.id.clone() });
            }
            let former = self.plan_grants().find(|old| old.of_plan.as_ref() == Some(&grant.id));
            if let Some(former) = former {
                entries.extend(self.continued(former, grant, rollover));
                continue;
            }
            let (id, taken) = self.name_of(terms, number.max(index))?;
            number = taken.saturating_add(1);
            let terms = self.terms_of(id, grant, rollover);
            sum = sum.plus(grant.amount)?;
            let new = Grant::new(terms, self.now, self.now);
            entries.push(Entry::CreditsGranted {
                grant: Grant { of_plan: Some(grant.id.clone()), ..new },
            });
        }
        let new = entries.iter().filter(|entry| matches!(entry, Entry::CreditsGranted { .. }));
        if self.ledger.grants.len().saturating_add(new.count()) > GRANTS_MAX {
            return Err(LedgerError::Full { what: "grants", max: GRANTS_MAX });
        }
        Ok(entries)
    }

    /// Grants of the plan, present or former, whose step has not ended.
    fn plan_grants(&self) -> impl Iterator<Item = &Grant> {
        let open = |grant: &&Grant| grant.of_plan.is_some() && !grant.is_past(self.now);
        self.ledger.grants.values().filter(open)
    }

    /// The first id that is not taken by a grant of the operator's, from `number` on, and its
    /// number.
    fn name_of(&self, terms: u64, number: usize) -> Result<(GrantId, usize), LedgerError> {
        let numbers = number..=number.saturating_add(GRANTS_MAX);
        let ids = numbers.map(|number| (format!("plan:{terms}:{number}").parse(), number));
        let mut ids = ids.filter_map(|(id, number)| Some((id.ok()?, number)));
        let free = ids.find(|(id, _)| !self.ledger.grants.contains_key(id));
        free.ok_or(LedgerError::Full { what: "grants", max: GRANTS_MAX })
    }

    fn terms_of(&self, id: GrantId, grant: &RecurringGrant, rollover: PlanRollover) -> GrantTerms {
        GrantTerms {
            id,
            amount: grant.amount,
            kind: match grant.kind {
                plan::GrantKind::Paid => GrantKind::Paid,
                plan::GrantKind::Included => GrantKind::Included,
                plan::GrantKind::Promotional => GrantKind::Promotional,
            },
            priority: grant.priority,
            effective_at: None,
            expires_at: None,
            rollover: match rollover {
                PlanRollover::None => None,
                PlanRollover::Between { min, max } => Some(Rollover { min, max }),
            },
            recurrence: Some(Recurrence { every: grant.every, anchor: self.now }),
        }
    }

    fn continued(
        &self,
        former: &Grant,
        grant: &RecurringGrant,
        rollover: PlanRollover,
    ) -> Option<Entry> {
        let mut terms = self.terms_of(former.terms.id.clone(), grant, rollover);
        // Steps are counted from where they were, also after a pause.
        let recurrence = Recurrence { every: grant.every, anchor: former.effective_at };
        terms.recurrence = Some(recurrence);
        let next = former.terms.expires_at.or_else(|| recurrence.after(self.now));
        (terms != former.terms).then(|| Entry::GrantTermsChanged {
            grant: terms.id.clone(),
            terms,
            next,
        })
    }
}

/// It comes no more: what rolls over stays until it is used, anything else to the end of the step.
/// Without its rollover: that of a grant which does not recur is for the end of a billing period.
fn stopped(grant: &Grant) -> Entry {
    let mut terms = grant.terms.clone();
    terms.expires_at = grant.lost_at();
    (terms.recurrence, terms.rollover) = (None, None);
    Entry::GrantTermsChanged { grant: terms.id.clone(), terms, next: None }
}
