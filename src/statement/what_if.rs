//! What the period would cost otherwise: other use, another plan, another commit.
//!
//! ```text
//! Statement ── × factors ─┬── today's plan ──────────────▶ Side ─┐
//!                         └── other plan, other commit ──▶ Side ─┴▶ Outcome
//! ```
//!
//! Both sides are of the same use, and of the period's own fees: what an earlier invoice billed of
//! them counts, what this one bills ahead does not. Invariants (tested): with nothing asked for,
//! both sides are the bill; each side is what the bill of a statement of that use and plan says;
//! another commit changes the true-up and what follows from it, and nothing else.

use std::collections::BTreeMap;

use serde::Serialize;

use super::part::{Growth, Part};
use super::{Side, Statement, StatementError};
use crate::ledger::GrantKind;
use crate::plan::Plan;
use crate::units::order::map_of;
use crate::units::{Amount, ChargeId, Credits, Quantity, Timestamp};

/// What is to be otherwise.
#[derive(Clone, Debug)]
pub struct Scenario<'p> {
    /// The plan of the whole period; none: those of the statement.
    pub plan: Option<&'p Plan>,
    /// How many times as much of a charge of today's plans is used.
    pub factors: BTreeMap<ChargeId, Quantity>,
    /// How many times as much of every other charge is used.
    pub all: Quantity,
    /// What the period costs at least, in the unit of the plan's commit, or in its currency if it
    /// has none; zero takes the commit away. None: as the plan says.
    pub commit: Option<Amount>,
    /// The use of the whole period, if it goes on as it did until then: see
    /// [`Statement::projected`]. None: the use that there is.
    pub projected: Option<Timestamp>,
}

/// The same use under today's plan and otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Under today's plan and commit.
    pub today: Side,
    /// Under the plan and the commit that were asked for.
    pub other: Side,
    /// What the other costs more, before tax: `other.spend − today.spend`.
    pub difference: Option<Amount>,
    /// Charges of today whose use the other plan has no price for.
    pub unpriced: Vec<ChargeId>,
    /// Charges of the other plan of which today's plan counts nothing.
    pub unmeasured: Vec<ChargeId>,
}

impl Default for Scenario<'_> {
    fn default() -> Self {
        let (plan, factors, commit, projected) = (None, BTreeMap::new(), None, None);
        Self { plan, factors, all: Quantity::ONE, commit, projected }
    }
}

impl Statement {
    /// What the period would cost otherwise.
    ///
    /// Use that is scaled is rounded half up to [`PLACES`](super::PLACES) places. A plan other than
    /// today's is in force for the whole period, and its charges take the use of today's charge of
    /// the same id, else of one with the same meter.
    ///
    /// # Errors
    ///
    /// [`StatementError`]: the plans cannot be compared, a factor is of no charge, or a number
    /// leaves its range.
    pub fn what_if(&self, scenario: &Scenario<'_>) -> Result<Outcome, StatementError> {
        let growth = self.growth(scenario)?;
        let (parts, _) = self.parts(&growth)?;
        let today = self.today(&parts, &growth)?;
        let mut outcome = Outcome {
            other: today.clone(),
            today,
            difference: None,
            unpriced: Vec::new(),
            unmeasured: Vec::new(),
        };
        let plan = scenario.plan.filter(|plan| !self.is_today(plan));
        if let Some(plan) = plan {
            let committed = scenario.commit.map(|least| plan.with_commit(least)).transpose()?;
            let plan = committed.as_ref().unwrap_or(plan);
            let taken = self.under(plan, &parts)?;
            outcome.other = self.side_of(std::slice::from_ref(&taken.part), taken.free)?;
            (outcome.unpriced, outcome.unmeasured) = (taken.unpriced, taken.unmeasured);
        } else if let Some(least) = scenario.commit {
            let plans = parts.iter().map(|part| part.plan.with_commit(least));
            let plans = plans.collect::<Result<Vec<_>, _>>()?;
            let parts: Vec<Part<'_>> =
                parts.into_iter().zip(&plans).map(|(part, plan)| Part { plan, ..part }).collect();
            outcome.other = self.today(&parts, &growth)?;
        }
        if let (Some(today), Some(other)) = (outcome.today.spend, outcome.other.spend) {
            outcome.difference = Some(other.minus(today)?);
        }
        Ok(outcome)
    }

    /// The factor of each charge that was used.
    fn growth(&self, scenario: &Scenario<'_>) -> Result<Growth, StatementError> {
        let charges = self.stretches.iter().flat_map(|stretch| stretch.plan.charges());
        let mut factors = map_of(charges.map(|charge| (charge.id().clone(), scenario.all)));
        for (charge, factor) in &scenario.factors {
            let slot = factors.get_mut(charge);
            let slot =
                slot.ok_or_else(|| StatementError::UnknownCharge { charge: charge.clone() })?;
            *slot = *factor;
        }
        Ok(Growth { counted_at: scenario.projected, factors })
    }

    /// Whether the period has no other plan than this one.
    fn is_today(&self, plan: &Plan) -> bool {
        self.stretches.iter().all(|stretch| stretch.plan.hash() == plan.hash())
    }

    fn today(&self, parts: &[Part<'_>], growth: &Growth) -> Result<Side, StatementError> {
        let mut free = self.to_come(&self.calendar()?, growth.counted_at)?;
        for grant in self.grants.iter().filter(|grant| grant.kind != GrantKind::Paid) {
            free = free.plus(grant.left.plus(grant.burned)?)?;
        }
        self.side_of(parts, free)
    }

    fn side_of(&self, parts: &[Part<'_>], free: Credits) -> Result<Side, StatementError> {
        let plan = parts.last().ok_or(StatementError::NoStretch)?.plan;
        if parts.iter().any(|part| part.plan.spec().currency.is_some()) {
            return Ok(Side::of(self.own_invoice(parts)?, plan, free)?);
        }
        let (calendar, mut lines, mut covered) = (self.calendar()?, Vec::new(), Credits::ZERO);
        for part in parts {
            lines.extend(calendar.credit_lines(part.plan, part.window, &part.used)?);
            covered = covered.plus(part.covered)?;
        }
        Ok(Side::in_credits(lines, plan, covered, free)?)
    }
}
