//! One side of a comparison: what the period would cost under a plan, short enough to be made anew
//! with every move of a slider.
//!
//! ```text
//! spend = net + credits that were bought × their value      free credits are counted first
//! ```
//!
//! Rounded: a line's price per unit, half up to 12 places. Everything else is exact or rounded as
//! an invoice rounds it.

use serde::Serialize;

use crate::invoice::{CreditLine, CreditSummary, Invoice, Line, LineKind, Totals};
use crate::plan::Plan;
use crate::units::round::{Rounding, divide};
use crate::units::{
    Amount, Credits, Currency, Inexact, LineId, Money, PlanId, Quantity, SCALE_MAX,
};

/// What the period would cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Side {
    /// Under which plan; of several, the last one.
    pub plan: PlanName,
    /// The currency of all its amounts; none if the plan knows credits only.
    pub currency: Option<Currency>,
    /// What it is made of.
    pub lines: Vec<SideLine>,
    /// The sums, if there is a currency.
    pub totals: Option<Totals>,
    /// What becomes of credits.
    pub credits: SideCredits,
    /// Before tax, with the value of bought credits; none without a currency, or if nothing says
    /// what a credit is worth.
    pub spend: Option<Amount>,
}

/// A plan, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanName {
    /// Which plan.
    pub id: PlanId,
    /// Which version of it.
    pub version: u32,
    /// The customer's words for it.
    pub name: String,
}

/// One line, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SideLine {
    /// The charge or the fee; `commit` and `overage` for those.
    pub id: LineId,
    /// Why it is there.
    pub kind: LineKind,
    /// The customer's words for it.
    pub name: String,
    /// How many units, if the line has one quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// Credits that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// What it costs, before discounts and taxes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What one unit of it costs, in the line's unit: credits, or the currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Amount>,
}

/// What becomes of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SideCredits {
    /// What use and fees come to.
    pub used: Credits,
    /// The part that grants pay.
    pub covered: Credits,
    /// The part that is billed.
    pub overage: Credits,
    /// The part that must be bought so that nothing is refused.
    pub needed: Credits,
    /// The part that costs nothing.
    pub free: Credits,
    /// The part that was bought, or must be.
    pub bought: Credits,
}

impl Side {
    /// An invoice in short; `free` credits cost nothing.
    pub(super) fn of(invoice: Invoice, plan: &Plan, free: Credits) -> Result<Self, Inexact> {
        let CreditSummary { used, covered, overage } = invoice.credits;
        let credits = SideCredits::new(used, covered, overage, free)?;
        let value = plan.spec().credits.as_ref().and_then(|rules| rules.value);
        let net = Amount::new(invoice.totals.net.major());
        let spend = match value {
            _ if credits.bought.is_zero() => Some(net),
            None => None,
            Some(value) => Some(net.plus(Amount::from(value).times(credits.bought.get())?)?),
        };
        Ok(Self {
            plan: PlanName::of(plan),
            currency: Some(invoice.currency),
            lines: invoice.lines.into_iter().map(SideLine::of).collect::<Result<_, _>>()?,
            totals: Some(invoice.totals),
            credits,
            spend,
        })
    }

    /// What there is to say without a currency.
    pub(super) fn in_credits(
        lines: Vec<CreditLine>,
        plan: &Plan,
        covered: Credits,
        free: Credits,
    ) -> Result<Self, Inexact> {
        let used = Credits::sum(lines.iter().map(|line| line.credits))?;
        let line = |CreditLine { id, kind, name, quantity, credits }| {
            let unit_price = quantity.map_or(Ok(None), |all| per_unit(credits.into(), all))?;
            let credits = Some(credits);
            Ok(SideLine { id, kind, name, quantity, credits, amount: None, unit_price })
        };
        Ok(Self {
            plan: PlanName::of(plan),
            currency: None,
            lines: lines.into_iter().map(line).collect::<Result<_, Inexact>>()?,
            totals: None,
            credits: SideCredits::new(used, covered, Credits::ZERO, free)?,
            spend: None,
        })
    }
}

impl PlanName {
    pub(super) fn of(plan: &Plan) -> Self {
        let (id, name) = (plan.id().clone(), plan.spec().name.clone());
        Self { id, version: plan.version(), name }
    }
}

impl SideCredits {
    fn new(
        used: Credits,
        covered: Credits,
        overage: Credits,
        free: Credits,
    ) -> Result<Self, Inexact> {
        let paid = used.minus(overage)?.max(Credits::ZERO);
        let free = free.min(paid).max(Credits::ZERO);
        let bought = paid.minus(free)?;
        let needed = paid.minus(covered)?.max(Credits::ZERO);
        Ok(Self { used, covered, overage, needed, free, bought })
    }
}

impl SideLine {
    fn of(line: Line) -> Result<Self, Inexact> {
        let exact = match (&line.explanation, line.credits) {
            (Some(of), _) => of.amount,
            (None, Some(credits)) => credits.into(),
            (None, None) => Amount::new(line.settled.amount.major()),
        };
        Ok(Self {
            unit_price: line.quantity.map_or(Ok(None), |all| per_unit(exact, all))?,
            id: line.id,
            kind: line.kind,
            name: line.name,
            quantity: line.quantity,
            credits: line.credits,
            amount: Some(line.settled.amount),
        })
    }
}

/// An amount over a quantity; none of nothing.
fn per_unit(amount: Amount, quantity: Quantity) -> Result<Option<Amount>, Inexact> {
    if quantity.is_zero() {
        return Ok(None);
    }
    let places = i32::try_from(SCALE_MAX).map_err(|_| Inexact)?;
    divide(amount.get(), quantity.get(), places, Rounding::HalfUp).map(|n| Some(Amount::new(n)))
}
