//! Fees that an earlier invoice billed in advance, against what they should have been.
//!
//! ```text
//! billed ahead     10.00 for June under plan A
//! due now           3.33 for the ten days of plan A       ──▶ a correction of −6.67
//! ```
//!
//! A fee is recognized by plan, version, id and the start of its step. Invariant: over all invoices
//! the lines of a step sum to what is due for it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::line::Draft;
use super::{Closing, InvoiceError, Line, LineKind};
use crate::meter::Window;
use crate::units::{Amount, Credits, Currency, LineId, Money, PlanId, Timestamp};

/// A fee that an invoice billed in advance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BilledFee {
    /// Which fee.
    pub id: LineId,
    /// The customer's words for it.
    pub name: String,
    /// The plan that it was priced by.
    pub plan: PlanId,
    /// The version of that plan.
    pub version: u32,
    /// The step, or the part of it, that was billed.
    pub service: Window,
    /// What was billed, before discounts, in the plan's currency.
    pub amount: Amount,
    /// What was billed in credits, if the fee is in credits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
}

impl BilledFee {
    /// The fees in advance among the lines of an invoice.
    pub fn among(lines: &[Line]) -> Vec<Self> {
        let ahead = lines.iter().filter(|line| line.kind == LineKind::FeeAhead);
        let fee = |line: &Line| Self {
            id: line.id.clone(),
            name: line.name.clone(),
            plan: line.plan.clone(),
            version: line.version,
            service: line.service,
            amount: Amount::new(line.settled.amount.major()),
            credits: line.credits,
        };
        ahead.map(fee).collect()
    }
}

/// What earlier invoices billed in advance for this period, by plan, fee and start of the step.
pub(super) struct Billed<'a> {
    left: BTreeMap<(PlanId, u32, LineId, Timestamp), (&'a BilledFee, Money)>,
}

impl<'a> Billed<'a> {
    pub(super) fn new(fees: &'a [BilledFee], currency: Currency) -> Result<Self, InvoiceError> {
        let mut left = BTreeMap::new();
        for fee in fees {
            let key = (fee.plan.clone(), fee.version, fee.id.clone(), fee.service.start());
            left.insert(key, (fee, Money::exactly(fee.amount.get(), currency)?));
        }
        Ok(Self { left })
    }

    /// The fee less what was billed of it; none if that was all.
    pub(super) fn less(&mut self, mut draft: Draft) -> Result<Option<Draft>, InvoiceError> {
        let start = draft.service.start();
        let key = (draft.plan.clone(), draft.version, draft.id.clone(), start);
        let Some((line, billed)) = self.left.remove(&key) else { return Ok(Some(draft)) };
        let difference = draft.amount.minus(billed)?;
        if let (Some(due), Some(taken)) = (draft.credits, line.credits) {
            draft.credits = Some(due.minus(taken)?).filter(|difference| !difference.is_zero());
        }
        if difference.is_zero() && draft.credits.is_none() {
            return Ok(None);
        }
        let billed = line.credits.map_or(billed.to_string(), |credits| credits.to_string());
        draft.kind = LineKind::FeeCorrection;
        draft.formula = draft.formula.map(|formula| format!("{formula} − {billed} billed before"));
        draft.amount = difference;
        Ok(Some(draft))
    }

    /// What was billed by plans that were not in force after all.
    pub(super) fn corrections(
        self,
        closing: &Closing<'_>,
        currency: Currency,
        drafts: &mut Vec<Draft>,
    ) -> Result<(), InvoiceError> {
        let Some(stretch) = closing.stretches.first() else { return Ok(()) };
        let is_something = |(line, billed): &(&BilledFee, Money)| {
            !billed.is_zero() || line.credits.is_some_and(|credits| !credits.is_zero())
        };
        for (line, billed) in self.left.into_values().filter(is_something) {
            let name = (line.id.clone(), line.name.as_str());
            let amount = Money::zero(currency).minus(billed)?;
            let kind = LineKind::FeeCorrection;
            let mut draft = Draft::new(0, stretch.plan, kind, name, line.service, amount);
            (draft.plan, draft.version) = (line.plan.clone(), line.version);
            draft.credits = line.credits.map(|credits| Credits::ZERO.minus(credits)).transpose()?;
            let billed = line.credits.map_or(billed.to_string(), |credits| credits.to_string());
            draft.formula = Some(format!("0 − {billed} billed before"));
            drafts.push(draft);
        }
        Ok(())
    }
}
