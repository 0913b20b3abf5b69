//! Whether a statement agrees with itself: its period with its contract, its stretches with its
//! period, its use with its plans.

use super::{PeriodTerms, PlanStretch, Statement, StatementError};
use crate::calendar::{Period, PeriodError, Schedule};
use crate::meter::Window;

impl Statement {
    /// How the contract's time is cut: the plan at the period's start says how long a period is.
    pub(super) fn schedule(&self) -> Result<Schedule, StatementError> {
        let first = self.stretches.first().ok_or(StatementError::NoStretch)?;
        let (anchor, zone) = (self.contract.from, self.contract.zone.clone());
        Ok(Schedule { anchor, cadence: first.plan.spec().period, zone })
    }

    pub(super) fn check(&self) -> Result<(), StatementError> {
        let index = self.period.index;
        let period = self.schedule()?.period(index)?;
        if PeriodTerms::from(period) != self.period {
            return Err(StatementError::OtherPeriod { index });
        }
        let mut meets = None;
        for stretch in &self.stretches {
            let at = stretch.from;
            let is_inside = period.window.contains(at) && at < stretch.until;
            if !is_inside || meets.is_some_and(|end| end != at) {
                return Err(StatementError::Stretches { at });
            }
            meets = Some(stretch.until);
            stretch.check()?;
        }
        if meets != Some(period.window.end()) {
            let at = self.stretches.last().map_or(self.period.start, |last| last.from);
            return Err(StatementError::Stretches { at });
        }
        Ok(())
    }
}

impl PlanStretch {
    fn check(&self) -> Result<(), StatementError> {
        if let Some(charge) = self.usage.keys().find(|id| self.plan.charge(id).is_none()) {
            return Err(StatementError::UnknownCharge { charge: charge.clone() });
        }
        let mut meters = self.plan.spec().fees.iter().filter_map(|fee| fee.meter.as_ref());
        if let Some(meter) = meters.find(|meter| !self.seats.contains_key(*meter)) {
            return Err(StatementError::NoSeats { meter: meter.clone() });
        }
        Ok(())
    }

    /// When the plan was in force.
    pub(super) fn window(&self) -> Result<Window, PeriodError> {
        Ok(Window::new(self.from, self.until)?)
    }
}

impl From<Period> for PeriodTerms {
    fn from(period: Period) -> Self {
        let Period { index, first, until, window } = period;
        Self { index, first, until, start: window.start(), end: window.end() }
    }
}
