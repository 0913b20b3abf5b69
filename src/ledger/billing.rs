//! How an account's time is cut into billing periods, and the one that is open.
//!
//! ```text
//! scheduled   from + every + zone ─▶ period 0 [start, end) ─▶ closed at its end ─▶ period 1 …
//! operator    one period until somebody closes it, then the next
//! ```
//!
//! A visit goes no further than the end of the open period (`Session::start`): what is due before
//! it is done, then the period is closed, then what comes after. Invariants: every period is closed
//! once, by its index, one after the other, however late anybody looks; what was used counts in the
//! period that was open when the account heard of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::decide::Session;
use super::entry::{Entry, PlanRef};
use super::uses::{self, Usages};
use super::{Invoiced, Ledger, LedgerError};
use crate::calendar::{Period, PeriodError, Schedule, Zone};
use crate::plan::{Charge, Plan};
use crate::rating::{self, Usage};
use crate::units::{Cadence, ChargeId, Credits, Date, GrantId, Inexact, Timestamp};

/// Periods that may be over when an account is opened, at most: they are closed at once.
pub const PERIODS_PAST_MAX: i32 = 400;
/// Periods that one call closes, at most: a clock that jumps by decades does not stop an account.
pub const PERIODS_CLOSED_MAX: i32 = 400;
/// Plans of one scheduled period, at most.
pub const STRETCHES_MAX: usize = 16;
/// Periods in a row that the calendar on the wall may leave out: a day, where the date line moved.
const LEFT_OUT_MAX: i32 = 8;

/// Who ends a period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Periods {
    /// The calendar.
    #[default]
    Scheduled,
    /// Somebody, by a call.
    Operator,
}

/// What a contract says about time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BillingTerms {
    /// First day of period 0.
    pub from: Date,
    /// Where midnight is.
    pub zone: Zone,
    /// How long a period is: that of the plan that the account was opened with.
    pub every: Cadence,
    /// Who ends it.
    pub periods: Periods,
}

/// The period that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPeriod {
    /// Position in the contract, from 0.
    pub index: i32,
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
    /// The journal's row before its first one.
    pub after: u64,
    /// Number of its first terms.
    pub terms: u64,
}

/// What a period that the calendar closed left behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedPeriod {
    /// Which one.
    pub index: i32,
    /// SHA-256 of its invoice, in hex.
    pub invoice: String,
    /// Number of the row that says so: the next period's rows come after it.
    pub row: u64,
}

/// A part of the open period under one plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanUse<'l> {
    /// First instant inside.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
    /// The plan, by name.
    pub plan: &'l PlanRef,
    /// Its JSON.
    pub plan_json: &'l str,
    /// What was used in it, by charge, whether it has a price or not.
    pub usage: &'l BTreeMap<ChargeId, Usage>,
    /// Credits of it that go onto the invoice; below zero: that go off it.
    pub overage: Credits,
}

impl BillingTerms {
    /// The calendar of the contract.
    pub fn schedule(&self) -> Schedule {
        Schedule { anchor: self.from, cadence: self.every, zone: self.zone.clone() }
    }

    /// Checks the terms of an account that is opened at `now`.
    ///
    /// # Errors
    ///
    /// [`LedgerError::Billing`] outside the calendar, [`LedgerError::FromAhead`],
    /// [`LedgerError::FromTooEarly`].
    pub fn check(&self, now: Timestamp) -> Result<(), LedgerError> {
        let schedule = self.schedule();
        match schedule.period_at(now) {
            Err(PeriodError::BeforeFirst { .. }) => {
                return Err(LedgerError::FromAhead { from: self.from });
            }
            Err(reason) => return Err(LedgerError::Billing { from: self.from, reason }),
            Ok(period) if period.index > PERIODS_PAST_MAX && self.is_scheduled() => {
                let (from, periods) = (self.from, period.index);
                return Err(LedgerError::FromTooEarly { from, periods });
            }
            Ok(_) => {}
        }
        let first = schedule.period(0);
        first.map(drop).map_err(|reason| LedgerError::Billing { from: self.from, reason })
    }

    pub(super) fn is_scheduled(&self) -> bool {
        self.periods == Periods::Scheduled
    }

    /// The first period, if the calendar ends any.
    pub(super) fn first(&self) -> Option<OpenPeriod> {
        self.is_scheduled().then(|| self.open_from(0, 0, 0)).flatten()
    }

    /// The period at a position, or the next one that the calendar does not leave out.
    fn open_from(&self, index: i32, after: u64, terms: u64) -> Option<OpenPeriod> {
        let schedule = self.schedule();
        let candidates = index..index.saturating_add(LEFT_OUT_MAX);
        let Period { index, window, .. } =
            candidates.into_iter().find_map(|index| schedule.period(index).ok())?;
        Some(OpenPeriod { index, start: window.start(), end: window.end(), after, terms })
    }
}

impl Ledger {
    /// What the contract says about time; nothing in journals from before it said anything.
    pub fn billing(&self) -> Option<&BillingTerms> {
        self.billing.as_ref()
    }

    /// The open period, if the calendar ends it.
    pub fn period(&self) -> Option<&OpenPeriod> {
        self.period.as_ref()
    }

    /// Whether the open period is over, and is to be closed before anything else is decided.
    pub fn is_period_over(&self, now: Timestamp) -> bool {
        self.period.as_ref().is_some_and(|period| period.end <= now.max(self.clock))
    }

    /// Whether a call that found period `first` open closes another one: the rest is the next
    /// call's.
    pub fn closes_another(&self, now: Timestamp, first: i32) -> bool {
        let closed = self.period.as_ref().map_or(0, |period| period.index.saturating_sub(first));
        self.is_period_over(now) && closed < PERIODS_CLOSED_MAX
    }

    /// The instant that a visit at `now` is of: not before the clock, and within the open period.
    pub(super) fn reached(&self, now: Timestamp) -> Timestamp {
        let end = self.period.as_ref().map(|period| period.end);
        end.map_or(now, |end| now.min(end)).max(self.clock)
    }

    /// Whether the open period began at this very instant: what is due at it is not done yet.
    pub(super) fn has_just_begun(&self) -> bool {
        self.period.as_ref().is_some_and(|period| period.start == self.clock)
    }

    /// Number of the first terms that are the open period's; of others nobody knows.
    pub(super) fn first_terms(&self) -> u64 {
        self.period.as_ref().map_or(u64::MAX, |period| period.terms)
    }

    /// Overage since the plan changed, or since the period began.
    pub(super) fn overage_of_terms(&self) -> Result<Credits, Inexact> {
        self.totals.overage.minus(Credits::sum(self.former_overage())?)
    }

    fn former_overage(&self) -> impl Iterator<Item = Credits> {
        self.past_terms.range(self.first_terms()..).map(|(_, past)| past.overage)
    }

    /// What of an operation's overage went onto the open period's invoice under former plans: it
    /// goes off where it stands, at the price that it has there.
    pub(super) fn of_former_plans(&self, overage: &[Invoiced]) -> Vec<Invoiced> {
        let former = self.first_terms()..self.terms;
        overage.iter().filter(|Invoiced(terms, _)| former.contains(terms)).copied().collect()
    }

    /// Overage as each part of the open period bills it. What goes off more than there is of a part
    /// goes off the next one; below zero in the last: off the next period's.
    fn overage_by_part(&self) -> Result<Vec<Credits>, Inexact> {
        let (mut parts, mut carried) = (Vec::new(), Credits::ZERO);
        for part in self.former_overage() {
            let sum = part.plus(carried)?;
            carried = sum.min(Credits::ZERO);
            parts.push(sum.max(Credits::ZERO));
        }
        parts.push(self.overage_of_terms()?.plus(carried)?);
        Ok(parts)
    }

    fn billed_overage(&self) -> Result<Credits, Inexact> {
        Credits::sum(self.overage_by_part()?.into_iter().map(|part| part.max(Credits::ZERO)))
    }

    pub(super) fn end_period(&mut self, closed: &ClosedPeriod) {
        for grant in self.grants.values_mut() {
            grant.burned = Credits::ZERO;
        }
        let next = closed.index.saturating_add(1);
        let terms = self.billing.as_ref();
        self.period = terms.and_then(|terms| terms.open_from(next, closed.row, self.terms));
        self.period_from = self.period.as_ref().map_or(self.clock, |period| period.start);
        self.forget_terms();
    }

    /// The parts of the open period, one after the other to its end; none if no calendar ends it.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn stretches(&self) -> Result<Vec<PlanUse<'_>>, Inexact> {
        let Some(period) = &self.period else { return Ok(Vec::new()) };
        let mut from = period.start;
        let mut parts = Vec::new();
        let mut billed = self.overage_by_part()?.into_iter();
        let changes = self.past_terms.range(period.terms..).count();
        let former = self.past_terms.range(period.terms..).zip((1..=changes).rev());
        for ((number, past), later) in former {
            let overage = billed.next().unwrap_or_default();
            let ((plan, plan_json), usage) = (self.plan_of(*number), &past.usage);
            if !uses::is_any(usage) && overage.is_zero() && past.until <= from {
                continue;
            }
            let until = part_end(from, past.until, period.end, later);
            parts.push(PlanUse { from, until, plan, plan_json, usage, overage });
            from = until;
        }
        let (plan, plan_json, usage) = (&self.plan, &self.plan_json, &self.usage);
        let (until, overage) = (period.end, billed.next().unwrap_or_default());
        parts.push(PlanUse { from, until, plan, plan_json, usage, overage });
        Ok(parts)
    }
}

/// What was used of a plan's charges, as it rates them; what was not used is left out.
///
/// # Errors
///
/// [`Inexact`] if a sum leaves its range.
pub fn used_under(
    plan: &Plan,
    usage: &BTreeMap<ChargeId, Usage>,
) -> Result<BTreeMap<ChargeId, Usage>, Inexact> {
    let mut used = Usages::new();
    // What a price by window or by event counts was served without a price, and is free.
    let counts = |charge: &&Charge| {
        let by_use = matches!(rating::empty(charge), Usage::Total(_) | Usage::Combinations(_));
        by_use && usage.contains_key(charge.id())
    };
    for charge in plan.charges().iter().filter(counts) {
        let mut one = uses::whole(charge, usage)?;
        if let Usage::Combinations(of) = &mut one {
            of.retain(|_, quantity| !quantity.is_zero());
        }
        if uses::is_used(&one) {
            used.insert(charge.id().clone(), one);
        }
    }
    Ok(used)
}

/// Where a part ends that begins at `from` and was over at `until`, with `later` parts to come
/// before `end`: what was used within one millisecond has no length otherwise.
pub(crate) fn part_end(
    from: Timestamp,
    until: Timestamp,
    end: Timestamp,
    later: usize,
) -> Timestamp {
    let later = i64::try_from(later).unwrap_or_default();
    until.max(from.plus_millis(1)).min(end.plus_millis(later.saturating_neg()))
}

impl Session<'_> {
    /// Does what is left to do before the open period is closed, if it is over: what nobody's
    /// credits can pay any more goes onto its invoice. Its row is the period's last.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn prepare_close(&mut self, plan: &Plan) -> Result<(), Inexact> {
        match self.ledger.is_period_over(self.now) {
            true => self.invoice_debt(plan),
            false => Ok(()),
        }
    }

    /// Closes the period that is over, and nothing else: the entries of one row, whose number is
    /// `row`. `invoice` is the hash of what was written for it.
    ///
    /// # Errors
    ///
    /// [`LedgerError::PeriodOpen`] if none is over; [`LedgerError::Inexact`].
    pub fn close_over(mut self, invoice: String, row: u64) -> Result<Vec<Entry>, LedgerError> {
        let period = self.ledger.period.as_ref().filter(|period| period.end <= self.now);
        let index = period.ok_or(LedgerError::PeriodOpen)?.index;
        let id: GrantId =
            format!("period:{index}").parse().map_err(|_| LedgerError::Inexact(Inexact))?;
        let (rolled, overage) = (self.rolled()?, self.ledger.billed_overage()?);
        self.record(Entry::PeriodClosed {
            id,
            rolled,
            overage,
            forgive_debt: false,
            forgiven: Credits::ZERO,
            closed: Some(ClosedPeriod { index, invoice, row }),
        })?;
        Ok(self.into_entries())
    }

    /// Notes that a closed period which had no invoice has one: the entries of one row, whose
    /// number is `row`. `invoice` is the hash of what was written for it.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn bill_closed(
        mut self,
        index: i32,
        invoice: String,
        row: u64,
    ) -> Result<Vec<Entry>, Inexact> {
        self.record(Entry::PeriodBilled { closed: ClosedPeriod { index, invoice, row } })?;
        Ok(self.into_entries())
    }

    /// Whether the account may follow a plan: its periods are as long as the contract's, not too
    /// many plans are in the open one, and none of them is in another currency.
    pub(super) fn check_period(&self, plan: &Plan) -> Result<(), LedgerError> {
        let Some(terms) = self.ledger.billing().filter(|terms| terms.is_scheduled()) else {
            return Ok(());
        };
        let (period, every) = (plan.spec().period, terms.every);
        if period != every {
            let plan = plan.id().clone();
            return Err(LedgerError::PeriodDiffers { plan, period, every });
        }
        let changes = self.ledger.past_terms.range(self.ledger.first_terms()..).count();
        if changes.saturating_add(1) >= STRETCHES_MAX {
            return Err(LedgerError::Full { what: "plans in one period", max: STRETCHES_MAX });
        }
        self.check_currency(plan)
    }

    /// A period has one invoice, so that its plans have one currency, or none. Today's plan is a
    /// part of the period from its first instant on: who changes currency has a plan without one
    /// while a period ends.
    fn check_currency(&self, plan: &Plan) -> Result<(), LedgerError> {
        let Some(currency) = plan.spec().currency else { return Ok(()) };
        for part in self.ledger.stretches()? {
            let other = Plan::parse(part.plan_json).map_err(|_| {
                let PlanRef { id, version, .. } = part.plan;
                LedgerError::PlanUnread { plan: id.clone(), version: *version }
            })?;
            if let Some(other) = other.spec().currency
                && other != currency
            {
                let plan = plan.id().clone();
                return Err(LedgerError::CurrencyDiffers { plan, currency, period: other });
            }
        }
        Ok(())
    }
}
