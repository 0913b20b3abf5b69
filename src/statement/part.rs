//! The stretches of a statement with the use that is asked about: what it was, what it would be.
//!
//! ```text
//! PlanStretch ── × rest of the period ── × factor ──▶ Part { plan, used, covered } ──▶ invoice
//! ```
//!
//! Credits that are used more come from what grants have left, and what they do not pay is not
//! covered; credits that are used less were not taken. When which grant ends is not looked at.

use std::collections::BTreeMap;

use super::scale::Scale;
use super::{PlanStretch, Statement, StatementError};
use crate::calendar::{Period, Schedule};
use crate::invoice::{
    Ahead, BilledFee, CreditLine, Invoice, PeriodUsage, Stretch, credit_lines, credits_used,
    included,
};
use crate::meter::Window;
use crate::plan::{Charge, Plan};
use crate::rating::Usage;
use crate::units::{ChargeId, Credits, Inexact, Quantity, Timestamp};

use super::bill::Billed;

/// A stretch with the use that is asked about.
#[derive(Clone)]
pub(super) struct Part<'s> {
    pub(super) window: Window,
    pub(super) plan: &'s Plan,
    pub(super) used: PeriodUsage,
    pub(super) covered: Credits,
}

/// How use is to grow.
#[derive(Clone, Default)]
pub(super) struct Growth {
    /// When it was counted, if it is to be drawn out to the period's end.
    pub(super) counted_at: Option<Timestamp>,
    /// By charge; one where none is given.
    pub(super) factors: BTreeMap<ChargeId, Quantity>,
}

/// What a statement's calendar says, computed once.
pub(super) struct Calendar {
    pub(super) schedule: Schedule,
    pub(super) period: Period,
}

impl Statement {
    pub(super) fn calendar(&self) -> Result<Calendar, StatementError> {
        let schedule = self.schedule()?;
        let period = schedule.period(self.period.index)?;
        Ok(Calendar { schedule, period })
    }

    /// The stretches with their use grown, and the credits that this takes from grants.
    pub(super) fn parts(
        &self,
        growth: &Growth,
    ) -> Result<(Vec<Part<'_>>, Credits), StatementError> {
        let calendar = self.calendar()?;
        let (mut parts, mut left) = (Vec::new(), self.to_come(&calendar, growth.counted_at)?);
        left = Credits::sum(self.grants.iter().map(|grant| grant.left))?.plus(left)?;
        let first = left;
        for stretch in &self.stretches {
            let (window, plan, used) = (stretch.window()?, &stretch.plan, stretch.grown(growth)?);
            let mut covered = stretch.covered;
            if plan.spec().credits.is_some() && used.charges != stretch.usage {
                let count = |used: &PeriodUsage| calendar.credits_used(plan, window, used);
                let (now, before) = (count(&used)?, count(&stretch.used())?);
                let drawn = now.minus(before)?.min(left).max(Credits::ZERO);
                left = left.minus(drawn)?;
                covered = if now < before { covered.min(now) } else { covered.plus(drawn)? };
            }
            parts.push(Part { window, plan, used, covered });
        }
        Ok((parts, first.minus(left)?))
    }

    /// Credits that today's plan will still give in the period.
    pub(super) fn to_come(
        &self,
        calendar: &Calendar,
        counted_at: Option<Timestamp>,
    ) -> Result<Credits, StatementError> {
        let rest =
            counted_at.and_then(|at| Window::new(at.max(self.period.start), self.period.end).ok());
        let last = self.stretches.last().ok_or(StatementError::NoStretch)?;
        let rest = rest.map(|rest| included(&last.plan, &calendar.schedule, rest)).transpose()?;
        Ok(rest.unwrap_or_default())
    }

    /// The invoice that is written if these were the parts of the period.
    pub(super) fn invoice(&self, parts: &[Part<'_>]) -> Result<Invoice, StatementError> {
        let calendar = self.calendar()?;
        let ahead = match (self.ahead, parts.last()) {
            (Some(index), Some(last)) => {
                let period = calendar.schedule.period(index)?;
                Some(Ahead { period, plan: last.plan, seats: &last.used.seats })
            }
            _ => None,
        };
        self.billed(&calendar, parts, &self.billed_ahead, ahead)
    }

    /// What these parts of the period cost by themselves: their own fees, whoever billed them, and
    /// none of the next period's.
    pub(super) fn own_invoice(&self, parts: &[Part<'_>]) -> Result<Invoice, StatementError> {
        self.billed(&self.calendar()?, parts, &[], None)
    }

    fn billed(
        &self,
        Calendar { schedule, period }: &Calendar,
        parts: &[Part<'_>],
        billed_ahead: &[BilledFee],
        ahead: Option<Ahead<'_>>,
    ) -> Result<Invoice, StatementError> {
        let stretches: Vec<Stretch<'_>> = parts.iter().map(Part::stretch).collect();
        let billed = Billed {
            account: self.account.as_str(),
            contract: &self.contract.id,
            schedule,
            period: *period,
            payments: &self.payments,
            billed_ahead,
            ahead,
        };
        Ok(billed.invoice(&stretches)?)
    }
}

impl Calendar {
    pub(super) fn credit_lines(
        &self,
        plan: &Plan,
        part: Window,
        used: &PeriodUsage,
    ) -> Result<Vec<CreditLine>, StatementError> {
        Ok(credit_lines(plan, &self.schedule, self.period, part, used)?)
    }

    pub(super) fn credits_used(
        &self,
        plan: &Plan,
        part: Window,
        used: &PeriodUsage,
    ) -> Result<Credits, StatementError> {
        Ok(credits_used(plan, &self.schedule, self.period, part, used)?)
    }
}

impl Part<'_> {
    fn stretch(&self) -> Stretch<'_> {
        Stretch { window: self.window, plan: self.plan, usage: &self.used, covered: self.covered }
    }
}

impl PlanStretch {
    pub(super) fn used(&self) -> PeriodUsage {
        PeriodUsage { charges: self.usage.clone(), seats: self.seats.clone() }
    }

    fn grown(&self, growth: &Growth) -> Result<PeriodUsage, StatementError> {
        let mut used = PeriodUsage { charges: BTreeMap::new(), seats: self.seats.clone() };
        for charge in self.plan.charges() {
            let Some(usage) = self.usage.get(charge.id()) else { continue };
            let factor =
                growth.factors.get(charge.id()).map_or(Ok(Scale::ONE), |f| Scale::of(*f))?;
            let usage = self.drawn_out(charge, usage, growth.counted_at, factor)?;
            used.charges.insert(charge.id().clone(), usage);
        }
        Ok(used)
    }

    /// The use of a charge at the stretch's end, if it goes on as it did until `counted_at`, times
    /// the factor. A level, like seats, does not grow with time.
    fn drawn_out(
        &self,
        charge: &Charge,
        usage: &Usage,
        counted_at: Option<Timestamp>,
        factor: Scale,
    ) -> Result<Usage, Inexact> {
        let at = counted_at.filter(|at| self.from < *at && *at < self.until);
        let Some(at) = at else { return factor.usage(charge, usage) };
        if let Usage::Windows(windows) = usage {
            let meter = charge.meter().and_then(|meter| self.plan.meter(meter));
            let width = meter.and_then(|meter| i64::try_from(meter.window_ms?).ok());
            let all = self.repeated(windows, width.ok_or(Inexact)?, at);
            return factor.usage(charge, &Usage::Windows(all));
        }
        let whole = self.until.millis_since(self.from);
        Scale::ratio(whole, at.millis_since(self.from)).and(factor)?.usage(charge, usage)
    }

    /// Windows are priced one by one: those that were come again until the stretch ends.
    fn repeated(
        &self,
        windows: &BTreeMap<Timestamp, Quantity>,
        width: i64,
        at: Timestamp,
    ) -> BTreeMap<Timestamp, Quantity> {
        let mut all = windows.clone();
        let elapsed = at.millis_since(self.from);
        let counts = elapsed.checked_div(width).unwrap_or_default();
        let is_whole = counts.saturating_mul(width) == elapsed;
        let counts = if is_whole { counts } else { counts.saturating_add(1) };
        let step = counts.saturating_mul(width).max(1);
        let mut by = step;
        while self.from.plus_millis(by) < self.until {
            let later = windows.iter().map(|(start, quantity)| (start.plus_millis(by), *quantity));
            all.extend(later.filter(|(start, _)| *start < self.until));
            by = by.saturating_add(step);
        }
        all
    }
}
