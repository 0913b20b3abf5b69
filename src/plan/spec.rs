//! A plan as it is written: every field of the JSON format, each number read, nothing compared yet.
//!
//! ```text
//! JSON text ── read ──▶ PlanSpec ── check ──▶ Plan
//!                          │ one value for every way to write it
//!                          ▼
//!                    canonical JSON ── SHA-256 ──▶ Plan::hash
//! ```
//!
//! Invariant: a default that is written out and one that is left out give the same `PlanSpec`, and
//! so the same canonical JSON. `docs/plan.schema.json` describes the same format; a test holds both
//! to the same examples.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::adjust::Adjustment;
use super::meter::MeterSpec;
use super::price::PriceSpec;
use crate::units::{
    Amount, Cadence, ChargeId, Credits, Currency, DiscountId, FeeId, GrantId, LineId, MeterId,
    Percentage, PlanId, Quantity, TaxId, UnitPrice,
};

/// What things cost, as written. Immutable under its (id, version).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlanSpec {
    /// Which plan.
    pub id: PlanId,
    /// Which version of it, from 1; a new price is a new version.
    pub version: u32,
    /// For people; default: the id.
    pub name: String,
    /// What currency amounts are in; needed as soon as one is.
    pub currency: Option<Currency>,
    /// The billing period; default: every month.
    pub period: Cadence,
    /// Rules that turn events into quantities.
    pub meters: Vec<MeterSpec>,
    /// Prices of quantities.
    pub charges: Vec<ChargeSpec>,
    /// Recurring amounts that do not depend on use.
    pub fees: Vec<FeeSpec>,
    /// What the period costs at least.
    pub commit: Option<CommitSpec>,
    /// Discounts on the invoice, applied in this order, each on what the one before has left.
    pub discounts: Vec<DiscountSpec>,
    /// Taxes on what is left after discounts; several add up, they never compound.
    pub taxes: Vec<TaxSpec>,
    /// Rules of the prepaid unit; needed as soon as something is in credits.
    pub credits: Option<CreditRules>,
}

/// What a charge, a fee or a commit is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChargeUnit {
    /// The plan's prepaid unit: burned at once, exact to 12 places.
    Credits,
    /// The plan's currency: on the invoice, rounded once a line.
    Currency,
}

/// One priced line, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeSpec {
    /// Which line.
    pub id: ChargeId,
    /// The customer's words for it; default: the id.
    pub name: String,
    /// Where the quantity comes from. Without one it is the sum of what is reported under the
    /// charge's own id: by a route of the gateway, or by events whose type is that id.
    pub meter: Option<MeterId>,
    /// What the amount is counted in.
    pub unit: ChargeUnit,
    /// What a quantity costs.
    pub price: PriceSpec,
    /// Whether each window of the meter is priced on its own, or their total; default: total.
    pub price_each: PriceEach,
    /// What happens before and after the price, in this order.
    pub adjustments: Vec<Adjustment>,
    /// Whether prices below zero are meant; default: no, and then they are refused.
    pub allow_negative: bool,
}

/// What a price is applied to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceEach {
    /// The period's quantity.
    Total,
    /// Each window of the meter on its own; tiers and allowances start again in each.
    Window,
}

/// A recurring amount that does not depend on use: access, seats.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeeSpec {
    /// Which fee.
    pub id: FeeId,
    /// The customer's words for it; default: the id.
    pub name: String,
    /// Price of one, for one step of `every`.
    pub amount: Amount,
    /// What it is counted in; default: currency.
    pub unit: ChargeUnit,
    /// How many (seats); default: 1. With a meter, the meter says how many.
    pub quantity: Quantity,
    /// A meter whose value is the number of seats.
    pub meter: Option<MeterId>,
    /// When it is billed; default: in advance.
    pub timing: Timing,
    /// How often it recurs; default: the plan's period.
    pub every: Cadence,
    /// What a part of a step costs; default: by days.
    pub proration: Proration,
}

/// At which end of its step a fee is billed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// At the start.
    Advance,
    /// At the end.
    Arrears,
}

/// What a part of a step costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proration {
    /// The covered days of the half-open step, over all its days; actual days of the calendar.
    Days,
    /// All of it.
    None,
}

/// What a period costs at least; what is missing is billed as a true-up line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CommitSpec {
    /// The minimum of a period.
    pub amount: Amount,
    /// What it is counted in; default: currency.
    pub unit: ChargeUnit,
    /// Which lines count towards it; none listed: all that are in its unit.
    pub lines: BTreeSet<LineId>,
}

/// A discount on the invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DiscountSpec {
    /// Which discount.
    pub id: DiscountId,
    /// The customer's words for it; default: the id.
    pub name: String,
    /// How much.
    #[serde(flatten)]
    pub off: Off,
    /// Which lines it is taken from; none listed: all.
    pub lines: BTreeSet<LineId>,
}

/// How much a discount takes off: never more than is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Off {
    /// A part, up to 100 percent.
    Percent(Percentage),
    /// An amount in the plan's currency.
    Amount(Amount),
}

/// A tax on the invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaxSpec {
    /// Which tax.
    pub id: TaxId,
    /// The customer's words for it; default: the id.
    pub name: String,
    /// The rate.
    pub percent: Percentage,
    /// Which lines are taxed with it; none listed: all.
    pub lines: BTreeSet<LineId>,
}

/// What the prepaid unit is worth and how it behaves. Burn order, rollover and zero rule have no
/// default: they are what the customer buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreditRules {
    /// What one credit is worth, in the plan's currency.
    pub value: Option<UnitPrice>,
    /// Which grant pays first.
    pub burn_order: BurnOrder,
    /// What is left of a grant at the end of its period.
    pub rollover: Rollover,
    /// What happens at zero.
    pub at_zero: AtZero,
    /// Credits given again and again.
    pub grants: Vec<RecurringGrant>,
}

/// Which grant pays first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BurnOrder {
    /// Priority (low first), expiry (none last), promotional and included before paid,
    /// effective_at, id.
    Standard,
}

/// What is left of a grant at the end of its period: `min(max, max(min, left))`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollover {
    /// Nothing.
    None,
    /// Between two bounds.
    #[serde(untagged)]
    Between {
        /// At least this much.
        min: Credits,
        /// At most this much.
        max: Credits,
    },
}

/// What happens when the credits are used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AtZero {
    /// 402: nothing passes.
    Block,
    /// Everything passes, marked as degraded for the origin.
    Restrict,
    /// Everything passes until so many credits below zero.
    Grace {
        /// How far below zero.
        credits: Credits,
    },
    /// Everything passes, onto the invoice.
    Overage {
        /// Price of one credit, in the plan's currency.
        unit_price: UnitPrice,
        /// Most credits of overage in a period; none: without end.
        cap: Option<Credits>,
    },
}

/// Credits given on every step of a cadence, which need not be the billing period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RecurringGrant {
    /// Which grant; each step makes its own, named after it.
    pub id: GrantId,
    /// How many credits.
    pub amount: Credits,
    /// How often; default: the plan's period.
    pub every: Cadence,
    /// Where the credits come from; default: included.
    pub kind: GrantKind,
    /// Burn priority, low first; default: 100.
    pub priority: u8,
    /// How long a step's credits last from its start; none: what `rollover` says of them.
    pub expires_after: Option<Cadence>,
}

/// Where granted credits come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// Bought.
    Paid,
    /// Part of the plan.
    Included,
    /// A present.
    Promotional,
}

/// The combination of dimension values that a matrix entry or a part of use belongs to:
/// dimension name → value.
pub type Combination = BTreeMap<String, String>;
