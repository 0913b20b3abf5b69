//! The period under a plan that was not in force: its charges, fed with today's use.
//!
//! ```text
//! charge of the other plan ── same id? ── same meter? ── counted alike? ──▶ use of today's charges
//! total        takes a total, combinations (their sum), windows of a sum or a count, values
//! combinations, windows, events     take their like only
//! credits      of its own grants, then of those that the account has beside today's plan
//! ```
//!
//! Exact or refused: use that today's plan did not count finely enough has no price under the
//! other. Only single events of a percentage price are taken as the average one, since their
//! allowances and limits were other ones.

use super::part::Part;
use super::scale::alike;
use super::{Statement, StatementError};
use crate::invoice::{InvoiceError, PeriodUsage, included};
use crate::ledger::GrantKind;
use crate::meter::Window;
use crate::plan::{Aggregation, Charge, MeterSpec, PercentageSpec, Plan, Price};
use crate::rating::{self, EventUsage, Usage};
use crate::units::order::set_of;
use crate::units::{ChargeId, Credits, Inexact, Quantity};

/// The period under another plan.
pub(super) struct Taken<'p> {
    pub(super) part: Part<'p>,
    /// Credits that cost nothing.
    pub(super) free: Credits,
    pub(super) unpriced: Vec<ChargeId>,
    pub(super) unmeasured: Vec<ChargeId>,
}

/// A charge that was in force, and its use.
struct Source<'a> {
    plan: &'a Plan,
    charge: &'a Charge,
    usage: &'a Usage,
}

impl Statement {
    /// The whole of these stretches as one under `plan`.
    pub(super) fn under<'p>(
        &self,
        plan: &'p Plan,
        parts: &[Part<'_>],
    ) -> Result<Taken<'p>, StatementError> {
        let calendar = self.calendar()?;
        self.is_comparable(plan, parts)?;
        let (mut used, mut taken) = (PeriodUsage::default(), Vec::new());
        let mut unmeasured = Vec::new();
        for charge in plan.charges() {
            let sources = sources(plan, charge, parts);
            if sources.is_empty() {
                unmeasured.push(charge.id().clone());
                continue;
            }
            taken.extend(sources.iter().map(|source| source.charge.id().clone()));
            used.charges.insert(charge.id().clone(), fed(charge, &sources)?);
        }
        let last = parts.last().ok_or(StatementError::NoStretch)?;
        for meter in plan.spec().fees.iter().filter_map(|fee| fee.meter.as_ref()) {
            let seats = last.used.seats.get(meter);
            let seats = seats.ok_or_else(|| StatementError::NoSeats { meter: meter.clone() })?;
            used.seats.insert(meter.clone(), *seats);
        }
        let first = parts.first().map_or(last.window.start(), |first| first.window.start());
        let window =
            Window::new(first, last.window.end()).map_err(crate::calendar::PeriodError::from)?;
        let of_plan = included(plan, &calendar.schedule, window)?;
        let (mut free, mut all) = (of_plan, of_plan);
        for grant in self.grants.iter().filter(|grant| grant.of_plan.is_none()) {
            let given = grant.left.plus(grant.burned)?;
            all = all.plus(given)?;
            if grant.kind != GrantKind::Paid {
                free = free.plus(given)?;
            }
        }
        let needs = plan.spec().credits.is_some();
        let count = || calendar.credits_used(plan, window, &used);
        let covered = if needs { count()?.min(all) } else { Credits::ZERO };
        let used_ids = parts.iter().flat_map(|part| &part.used.charges);
        let unpriced = used_ids
            .filter(|(id, usage)| !is_nothing(usage) && !taken.contains(id))
            .map(|(id, _)| id.clone());
        let unpriced = set_of(unpriced).into_iter().collect();
        Ok(Taken { part: Part { window, plan, used, covered }, free, unpriced, unmeasured })
    }

    /// Whether the plan bills by the same period and in the same currency.
    fn is_comparable(&self, plan: &Plan, parts: &[Part<'_>]) -> Result<(), StatementError> {
        let Some(first) = parts.first().map(|part| part.plan.spec()) else { return Ok(()) };
        let spec = plan.spec();
        if spec.period != first.period {
            return Err(StatementError::OtherCadence { plan: plan.id().clone() });
        }
        match (first.currency, spec.currency) {
            (Some(first), Some(other)) if first != other => {
                Err(InvoiceError::CurrencyDiffers { first, other }.into())
            }
            _ => Ok(()),
        }
    }
}

/// Today's charges that count what this charge of another plan prices: those of its id, or else
/// the first of each stretch that reads its meter.
fn sources<'a>(plan: &Plan, charge: &Charge, parts: &'a [Part<'_>]) -> Vec<Source<'a>> {
    let find = |is_it: &dyn Fn(&Charge) -> bool| {
        let source = |part: &'a Part<'_>| {
            let charge = part.plan.charges().iter().find(|charge| is_it(charge))?;
            let usage = part.used.charges.get(charge.id())?;
            Some(Source { plan: part.plan, charge, usage })
        };
        let meter = charge.meter().and_then(|id| plan.meter(id)).map(counted);
        let alike = |source: &Source<'a>| source.meter().map(counted) == meter;
        parts.iter().filter_map(source).filter(alike).collect::<Vec<_>>()
    };
    let same_id = find(&|today| today.id() == charge.id());
    if !same_id.is_empty() {
        return same_id;
    }
    find(&|today| charge.meter().is_some() && today.meter() == charge.meter())
}

/// What a meter counts, whatever it is told apart by.
fn counted(meter: &MeterSpec) -> impl PartialEq + '_ {
    let MeterSpec { event_type, aggregation, property, filters, conversion, rounding, .. } = meter;
    (event_type, aggregation, property, filters, conversion, rounding)
}

/// The use of all sources, as this charge takes it.
fn fed(charge: &Charge, sources: &[Source<'_>]) -> Result<Usage, StatementError> {
    if let Price::Percentage(spec) = charge.price() {
        return of_events(charge, spec, sources);
    }
    let mut all = rating::empty(charge);
    for source in sources {
        let usage = match (&all, source.usage) {
            (Usage::Total(_), usage) => Usage::Total(source.total(usage, charge)?),
            (_, usage) => usage.clone(),
        };
        let fail = |_| source.other_use(charge);
        all = all.plus(&usage).map_err(fail)?;
    }
    Ok(all)
}

/// Single events: as they were if the terms are the same, else each of them the average one.
fn of_events(
    charge: &Charge,
    spec: &PercentageSpec,
    sources: &[Source<'_>],
) -> Result<Usage, StatementError> {
    let mut sum = EventUsage::default();
    for source in sources {
        let Usage::Events(events) = source.usage else { return Err(source.other_use(charge)) };
        sum = sum.plus(events)?;
    }
    let same = |source: &Source<'_>| *source.charge.price() == Price::Percentage(*spec);
    if sources.len() == 1 && sources.iter().all(same) {
        return Ok(Usage::Events(sum));
    }
    Ok(Usage::Events(alike(charge, spec, sum.value, sum.events)?))
}

impl<'a> Source<'a> {
    fn meter(&self) -> Option<&'a MeterSpec> {
        self.charge.meter().and_then(|meter| self.plan.meter(meter))
    }

    /// One quantity for all of the use.
    fn total(&self, usage: &Usage, of: &Charge) -> Result<Quantity, StatementError> {
        let adds_up = self
            .meter()
            .is_none_or(|meter| matches!(meter.aggregation, Aggregation::Sum | Aggregation::Count));
        match usage {
            Usage::Total(total) => Ok(*total),
            Usage::Events(events) => Ok(events.value),
            Usage::Combinations(parts) if adds_up => Ok(sum(parts.values())?),
            Usage::Windows(parts) if adds_up => Ok(sum(parts.values())?),
            Usage::Combinations(_) | Usage::Windows(_) => Err(self.other_use(of)),
        }
    }

    fn other_use(&self, charge: &Charge) -> StatementError {
        StatementError::OtherUse {
            charge: charge.id().clone(),
            expected: rating::empty(charge).shape(),
            found: self.usage.shape(),
        }
    }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Quantity>) -> Result<Quantity, Inexact> {
    parts.copied().try_fold(Quantity::ZERO, Quantity::plus)
}

fn is_nothing(usage: &Usage) -> bool {
    match usage {
        Usage::Total(total) => total.is_zero(),
        Usage::Windows(parts) => parts.values().all(|part| part.is_zero()),
        Usage::Combinations(parts) => parts.values().all(|part| part.is_zero()),
        Usage::Events(events) => events.events == 0,
    }
}
