//! Terms that end: with a plan, or with a period. What was used under them is counted apart, for
//! reports that come late, for corrections, and for the bill.
//!
//! ```text
//! today's: plan_json, usage ── end ──▶ past_terms[number]: until, usage, overage; its plan's JSON
//!                                      if another plan follows
//! ```
//!
//! Invariants: use is counted from nothing under each terms; those of the open period are kept, and
//! a few of closed ones.

use super::super::entry::PlanRef;
use super::super::{Ledger, PastTerms, TERMS_MAX, Usages};
use crate::units::{Credits, Inexact};

impl Ledger {
    pub(super) fn change_plan(&mut self, plan: &PlanRef, json: &str) -> Result<(), Inexact> {
        let former = std::mem::replace(&mut self.plan, plan.clone());
        let former_json = std::mem::replace(&mut self.plan_json, json.to_owned());
        self.end_terms(Some((former, former_json)))
    }

    /// Use is counted from nothing from here on; `plan`: the plan so far, if another follows.
    pub(super) fn end_terms(&mut self, plan: Option<(PlanRef, String)>) -> Result<(), Inexact> {
        let (until, overage) = (self.clock, self.overage_of_terms()?);
        let usage = std::mem::take(&mut self.usage);
        let (plan, plan_json) = plan.unzip();
        let past = PastTerms { until, plan_json, plan, usage, overage };
        self.past_terms.insert(self.terms, past);
        self.terms = self.terms.saturating_add(1);
        self.forget_terms();
        Ok(())
    }

    /// Forgets the oldest of too many terms of closed periods.
    pub(in super::super) fn forget_terms(&mut self) {
        let former = self.past_terms.range(..self.first_terms()).count();
        for _ in TERMS_MAX..former {
            self.past_terms.pop_first();
        }
    }

    pub(super) fn usages_under(&mut self, terms: u64) -> &mut Usages {
        let past = self.past_terms.get_mut(&terms);
        past.map_or(&mut self.usage, |past| &mut past.usage)
    }

    /// Books overage under a former plan, if these are its terms: today's is the rest. Nobody asks
    /// for those of closed periods any more.
    pub(super) fn invoice_former(&mut self, terms: u64, amount: Credits) -> Result<(), Inexact> {
        if let Some(past) = self.past_terms.get_mut(&terms) {
            past.overage = past.overage.plus(amount)?;
        }
        Ok(())
    }
}
