//! The minimum commit of a period, and the line of what is missing to it.
//!
//! ```text
//! plan A, 10 days   60 × 10/30      plan B, 20 days   90 × 20/30       minimum 80
//! true-up = max(0, minimum − what the lines that count come to)
//! ```
//!
//! A commit is one for the period: use before a change of plan makes good for use after it. It is
//! rounded once. A commit in credits is counted in credits and billed at their value.

use super::fees::prorated;
use super::line::{Draft, own_id};
use super::{Closing, InvoiceError, LineKind, Stretch};
use crate::meter::Window;
use crate::plan::{ChargeUnit, CommitSpec, Plan};
use crate::units::{Amount, Credits, Currency, LineId, Money};

/// The minimum of the period, and what counts towards it, in currency.
#[derive(Default)]
pub(super) struct Commit {
    /// Sum of each plan's minimum × its days.
    amount_days: Amount,
    counted: Amount,
    /// The last stretch that has a commit.
    last: Option<usize>,
}

impl Commit {
    pub(super) fn add(
        &mut self,
        group: usize,
        stretch: &Stretch<'_>,
        days: i64,
        lines: &[(LineId, Money, Option<Credits>)],
    ) -> Result<(), InvoiceError> {
        let Some(commit) = &stretch.plan.spec().commit else { return Ok(()) };
        let counts = |id: &LineId| commit.lines.is_empty() || commit.lines.contains(id);
        let mut counted = Amount::ZERO;
        for (id, amount, credits) in lines {
            if counts(id) {
                counted = counted.plus(match commit.unit {
                    ChargeUnit::Currency => Amount::new(amount.major()),
                    ChargeUnit::Credits => Amount::from(credits.unwrap_or_default()),
                })?;
            }
        }
        let amount_days = commit.amount.times(days.into())?;
        self.amount_days = self.amount_days.plus(worth(stretch.plan, commit, amount_days)?)?;
        self.counted = self.counted.plus(worth(stretch.plan, commit, counted)?)?;
        self.last = Some(group);
        Ok(())
    }

    pub(super) fn true_up(
        &self,
        closing: &Closing<'_>,
        currency: Currency,
    ) -> Result<Option<Draft>, InvoiceError> {
        let Some((group, stretch)) =
            self.last.and_then(|group| Some((group, closing.stretches.get(group)?)))
        else {
            return Ok(None);
        };
        let days = closing.period.days();
        let minimum = prorated(self.amount_days, 1, days, currency.decimals())?;
        let minimum = Money::exactly(minimum.get(), currency)?;
        let counted = Money::round(self.counted, currency)?;
        let missing = minimum.minus(counted)?;
        if missing.is_negative() || missing.is_zero() {
            return Ok(None);
        }
        let name = (own_id("commit")?, "Minimum commit");
        let window = closing.period.window;
        let service = Window::new(
            closing.stretches.first().map_or(window.start(), |first| first.window.start()),
            stretch.window.end(),
        );
        let service = service.unwrap_or(window);
        let kind = LineKind::TrueUp;
        let mut draft = Draft::new(group, stretch.plan, kind, name, service, missing);
        draft.formula = Some(format!("{minimum} − {counted}"));
        Ok(Some(draft))
    }
}

/// An amount in the unit of the commit, in currency.
fn worth(plan: &Plan, commit: &CommitSpec, amount: Amount) -> Result<Amount, InvoiceError> {
    if commit.unit == ChargeUnit::Currency {
        return Ok(amount);
    }
    let value = plan.spec().credits.as_ref().and_then(|rules| rules.value);
    let value = value.ok_or_else(|| InvoiceError::NoCreditValue { plan: plan.id().clone() })?;
    Ok(amount.times(value.get())?)
}
