//! Which pricing model this use asks for, and what each plan would cost: with this use, with a
//! tenth of it, and with a spike of ten times.
//!
//! ```text
//! metered            charges in currency
//! prepaid credits    charges in credits
//! recurring access   fees alone
//! hybrid             a commit, or charges beside fees, or charges in both units
//! ```
//!
//! The numbers decide, by the rules of [`ReasonCode`]; each reason says its number, the bound that
//! it was held against, and how many points it gives to which model. The model with the most
//! points is recommended; of equals, the first in the order above. Ratios are rounded half up to
//! two places, the rest is as exact as an [`Outcome`](super::Outcome).

use rust_decimal::Decimal;
use serde::Serialize;

use super::{PlanName, Scenario, Side, Statement, StatementError};
use crate::invoice::LineKind;
use crate::plan::{ChargeUnit, Plan};
use crate::rating::Usage;
use crate::units::round::{Rounding, divide};
use crate::units::{Amount, Credits, Inexact, Money, Quantity};

/// Which model fits, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// The model with the most points.
    pub recommended: Model,
    /// Every model with its points.
    pub models: Vec<ModelFit>,
    /// Why; none of them is left out.
    pub reasons: Vec<Reason>,
    /// How unequal the days are; none if they were not given, or fewer than two saw use.
    pub spread: Option<Spread>,
    /// Today's plan, then those that were given, each with its costs.
    pub plans: Vec<Candidate>,
}

/// A way to sell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// What was used is billed.
    Metered,
    /// Credits are bought ahead and burned.
    Credits,
    /// Access costs the same, however much is used.
    Access,
    /// A floor, with use on top.
    Hybrid,
}

/// A model and its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ModelFit {
    /// Which model.
    pub model: Model,
    /// The sum over its reasons.
    pub points: u32,
}

/// One number that speaks for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What was looked at.
    pub code: ReasonCode,
    /// For which model it speaks.
    pub model: Model,
    /// How loudly.
    pub points: u32,
    /// The number: a ratio, a percentage, a count.
    pub value: Amount,
    /// The bound that it reaches, or stays under.
    pub bound: Amount,
}

/// What a reason looks at. Stable names; the page has the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReasonCode {
    /// The heaviest day has at least 5 times the use of the lightest: metered.
    SpreadWide,
    /// At least 10 times: use carries the cost better than a flat price does; metered, hybrid.
    SpreadVeryWide,
    /// Less than 2 times: access.
    SpreadNarrow,
    /// Ten times the use costs at least 5 times as much: a cap is worth something; credits, hybrid.
    SpikeCosts,
    /// Ten times the use costs less than 2 times as much: access.
    SpikeIsFlat,
    /// At least 80 percent of the commit was used: a floor that fits; hybrid.
    CommitUsed,
    /// Less than 50 percent of the commit was used: a floor too high; metered.
    CommitUnused,
    /// At least 50 percent of what is spent are fees: access.
    FeesLead,
    /// At least 5 prices are in use: one unit is easier to plan with; credits.
    ManyPrices,
    /// At least 50 percent of the credits of the period were burned: credits.
    CreditsBurned,
    /// Less than 20 percent of them: bought and not used; metered.
    CreditsIdle,
}

/// How unequal the days are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// The day with the most use.
    pub heaviest: Quantity,
    /// The day with the least, of those with any.
    pub lightest: Quantity,
    /// The first over the second.
    pub times: Amount,
}

/// A plan and what it would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Which plan.
    pub plan: PlanName,
    /// How it sells.
    pub model: Model,
    /// What it would cost; none if today's use has no price under it.
    pub costs: Option<Costs>,
    /// Why it has no costs.
    pub problem: Option<&'static str>,
}

/// Before tax, with the value of bought credits: see [`Side::spend`]. In credits if the plan knows
/// nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Costs {
    /// What all of it is counted in.
    pub unit: ChargeUnit,
    /// With this use, to the period's end.
    pub spend: Amount,
    /// With a tenth of it.
    pub tenth: Amount,
    /// With ten times of it.
    pub spike: Amount,
    /// Credits that would have to be bought for ten times the use.
    pub spike_needs: Credits,
}

impl Statement {
    /// Which model fits the use of this period, drawn out to its end, and what these plans would
    /// cost. `days`: the use of each day, in one unit, whichever.
    ///
    /// # Errors
    ///
    /// [`StatementError`] if today's plan has no costs.
    pub fn fit(&self, plans: &[Plan], days: &[Quantity]) -> Result<Fit, StatementError> {
        let today = &self.stretches.last().ok_or(StatementError::NoStretch)?.plan;
        let now = self.side(None, "1")?;
        let mut candidates = vec![self.candidate(today, None)?];
        for plan in plans.iter().filter(|plan| plan.hash() != today.hash()) {
            candidates.push(self.candidate(plan, Some(plan)).or_else(|error| {
                let (costs, problem) = (None, Some(error.code()));
                Ok::<_, StatementError>(Candidate { costs, problem, ..named(plan) })
            })?);
        }
        let spread = spread(days)?;
        let mut reasons = Reasons::default();
        reasons.of_days(spread);
        if let Some(costs) = candidates.first().and_then(|today| today.costs) {
            reasons.of_spike(costs)?;
        }
        reasons.of_commit(today, &now)?;
        reasons.of_lines(&now, self.prices_in_use())?;
        reasons.of_grants(self)?;
        let (recommended, models) = reasons.points();
        Ok(Fit { recommended, models, reasons: reasons.list, spread, plans: candidates })
    }

    fn side(&self, plan: Option<&Plan>, times: &str) -> Result<Side, StatementError> {
        let all = times.parse().map_err(|_| Inexact)?;
        let projected = Some(self.at);
        Ok(self.what_if(&Scenario { plan, all, projected, ..Scenario::default() })?.other)
    }

    fn candidate(&self, name: &Plan, plan: Option<&Plan>) -> Result<Candidate, StatementError> {
        let [now, tenth, spike] =
            [self.side(plan, "1")?, self.side(plan, "0.1")?, self.side(plan, "10")?];
        let spend = |side: &Side| match side.currency {
            Some(_) => side.spend,
            None => Some(side.credits.used.into()),
        };
        let costs = match (spend(&now), spend(&tenth), spend(&spike)) {
            (Some(now_costs), Some(tenth), Some(ten_times)) => Some(Costs {
                unit: now.currency.map_or(ChargeUnit::Credits, |_| ChargeUnit::Currency),
                spend: now_costs,
                tenth,
                spike: ten_times,
                spike_needs: spike.credits.needed,
            }),
            _ => None,
        };
        let problem = if costs.is_none() { Some("no_credit_value") } else { None };
        Ok(Candidate { costs, problem, ..named(name) })
    }

    /// Charges, windows left aside, and combinations that were used.
    fn prices_in_use(&self) -> u32 {
        let usages = self.stretches.iter().flat_map(|stretch| stretch.usage.values());
        let count = |usage: &Usage| match usage {
            Usage::Total(total) => usize::from(!total.is_zero()),
            Usage::Windows(windows) => usize::from(!windows.is_empty()),
            Usage::Combinations(parts) => parts.len(),
            Usage::Events(events) => usize::from(events.events > 0),
        };
        u32::try_from(usages.map(count).sum::<usize>()).unwrap_or(u32::MAX)
    }
}

fn named(plan: &Plan) -> Candidate {
    let (plan, model) = (PlanName::of(plan), Model::of(plan));
    Candidate { plan, model, costs: None, problem: None }
}

impl Model {
    /// How a plan sells.
    pub fn of(plan: &Plan) -> Self {
        let spec = plan.spec();
        let has = |unit| plan.charges().iter().any(|charge| charge.unit() == unit);
        let (money, credits) = (has(ChargeUnit::Currency), has(ChargeUnit::Credits));
        let (fees, charges) = (!spec.fees.is_empty(), money || credits);
        if spec.commit.is_some() || (fees && charges) || (money && credits) {
            Self::Hybrid
        } else if credits {
            Self::Credits
        } else if fees {
            Self::Access
        } else {
            Self::Metered
        }
    }
}

/// The heaviest and the lightest of the days that saw use.
fn spread(days: &[Quantity]) -> Result<Option<Spread>, Inexact> {
    let used = || days.iter().copied().filter(|day| !day.is_zero());
    let (Some(heaviest), Some(lightest)) = (used().max(), used().min()) else { return Ok(None) };
    if used().count() < 2 {
        return Ok(None);
    }
    let times = ratio(heaviest.get(), lightest.get())?;
    Ok(Some(Spread { heaviest, lightest, times }))
}

/// To two places.
fn ratio(part: Decimal, whole: Decimal) -> Result<Amount, Inexact> {
    divide(part, whole, 2, Rounding::HalfUp).map(Amount::new)
}

fn percent(part: Amount, whole: Amount) -> Result<Amount, Inexact> {
    ratio(part.times(Decimal::ONE_HUNDRED)?.get(), whole.get())
}

#[derive(Default)]
struct Reasons {
    list: Vec<Reason>,
}

impl Reasons {
    fn add(&mut self, code: ReasonCode, value: Amount, bound: u32, models: &[Model]) {
        let bound = Amount::new(bound.into());
        let reason = |model: &Model| Reason { code, model: *model, points: 1, value, bound };
        self.list.extend(models.iter().map(reason));
    }

    fn of_days(&mut self, spread: Option<Spread>) {
        let Some(Spread { times, .. }) = spread else { return };
        let reaches = |bound: u32| times >= Amount::new(bound.into());
        if reaches(5) {
            self.add(ReasonCode::SpreadWide, times, 5, &[Model::Metered]);
        }
        if reaches(10) {
            self.add(ReasonCode::SpreadVeryWide, times, 10, &[Model::Metered, Model::Hybrid]);
        }
        if !reaches(2) {
            self.add(ReasonCode::SpreadNarrow, times, 2, &[Model::Access]);
        }
    }

    fn of_spike(&mut self, costs: Costs) -> Result<(), Inexact> {
        if costs.spend.is_zero() || costs.spend.is_negative() {
            return Ok(());
        }
        let times = ratio(costs.spike.get(), costs.spend.get())?;
        if times >= Amount::new(Decimal::from(5)) {
            self.add(ReasonCode::SpikeCosts, times, 5, &[Model::Credits, Model::Hybrid]);
        } else if times < Amount::new(Decimal::TWO) {
            self.add(ReasonCode::SpikeIsFlat, times, 2, &[Model::Access]);
        }
        Ok(())
    }

    /// What is missing to the commit is its true-up.
    fn of_commit(&mut self, plan: &Plan, now: &Side) -> Result<(), StatementError> {
        let Some(commit) = &plan.spec().commit else { return Ok(()) };
        let mut least = commit.amount;
        if commit.unit == ChargeUnit::Credits {
            let value = plan.spec().credits.as_ref().and_then(|rules| rules.value);
            least = least.times(value.unwrap_or_default().get())?;
        }
        if least.is_zero() {
            return Ok(());
        }
        let lines = now.lines.iter().filter(|line| line.kind == LineKind::TrueUp);
        let missing = lines.filter_map(|line| line.amount).map(|of| Amount::new(of.major()));
        let missing = missing.reduce(|_, last| last).unwrap_or_default();
        let share = percent(least.minus(missing)?, least)?;
        if share >= Amount::new(Decimal::from(80)) {
            self.add(ReasonCode::CommitUsed, share, 80, &[Model::Hybrid]);
        } else if share < Amount::new(Decimal::from(50)) {
            self.add(ReasonCode::CommitUnused, share, 50, &[Model::Metered]);
        }
        Ok(())
    }

    fn of_lines(&mut self, now: &Side, prices: u32) -> Result<(), Inexact> {
        let (mut fees, mut all) = (Amount::ZERO, Amount::ZERO);
        for line in &now.lines {
            let amount = Amount::new(line.amount.map_or(Decimal::ZERO, Money::major));
            all = all.plus(amount)?;
            if line.kind == LineKind::Fee {
                fees = fees.plus(amount)?;
            }
        }
        if !all.is_zero() && !all.is_negative() {
            let share = percent(fees, all)?;
            if share >= Amount::new(Decimal::from(50)) {
                self.add(ReasonCode::FeesLead, share, 50, &[Model::Access]);
            }
        }
        if prices >= 5 {
            self.add(ReasonCode::ManyPrices, Amount::new(prices.into()), 5, &[Model::Credits]);
        }
        Ok(())
    }

    fn of_grants(&mut self, statement: &Statement) -> Result<(), Inexact> {
        let burned = Credits::sum(statement.grants.iter().map(|grant| grant.burned))?;
        let all = burned.plus(Credits::sum(statement.grants.iter().map(|grant| grant.left))?)?;
        if all.is_zero() || all.is_negative() {
            return Ok(());
        }
        let share = percent(burned.into(), all.into())?;
        if share >= Amount::new(Decimal::from(50)) {
            self.add(ReasonCode::CreditsBurned, share, 50, &[Model::Credits]);
        } else if share < Amount::new(Decimal::from(20)) {
            self.add(ReasonCode::CreditsIdle, share, 20, &[Model::Metered]);
        }
        Ok(())
    }

    fn points(&self) -> (Model, Vec<ModelFit>) {
        let models = [Model::Metered, Model::Credits, Model::Access, Model::Hybrid];
        let of = |model| {
            let reasons = self.list.iter().filter(|reason| reason.model == model);
            reasons.fold(0_u32, |sum, reason| sum.saturating_add(reason.points))
        };
        let fits = models.map(|model| ModelFit { model, points: of(model) });
        let mut best = Model::Metered;
        for fit in fits {
            if fit.points > of(best) {
                best = fit.model;
            }
        }
        (best, fits.to_vec())
    }
}
