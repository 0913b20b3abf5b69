//! The lines of an invoice, in the customer's words.
//!
//! ```text
//! Draft { what, amount rounded once } ── settle ──▶ Line { what, discounts, net, taxes, total }
//! ```
//!
//! Invariant: a line's amount is rounded once; everything after it is a whole number of minor units.

use serde::Serialize;

use super::settle::Settled;
use crate::meter::Window;
use crate::plan::Plan;
use crate::rating::Explanation;
use crate::units::{Credits, IdError, LineId, Money, PlanId, Quantity};

/// Why a line is on an invoice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// A charge: what was used.
    Usage,
    /// A fee of the period that is being closed.
    Fee,
    /// A fee in advance, of the period that is being opened.
    FeeAhead,
    /// What a fee in advance should have been, less what an earlier invoice billed of it.
    FeeCorrection,
    /// Credits that were used and that no grant has paid.
    Overage,
    /// What is missing to the minimum commit.
    TrueUp,
}

/// One line of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The id of the charge or the fee; `commit` and `overage` for those.
    pub id: LineId,
    /// Why it is here.
    pub kind: LineKind,
    /// The customer's words for it.
    pub name: String,
    /// The plan that it is priced by.
    pub plan: PlanId,
    /// The version of that plan.
    pub version: u32,
    /// When the service was, or will be, given: `[start, end)`.
    pub service: Window,
    /// How many units, if the line has one quantity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantity: Option<Quantity>,
    /// Credits that it burned; a line in credits costs no money here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credits: Option<Credits>,
    /// The sum by which a fee, an overage or a true-up came about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// How the amount of a charge came about, step by step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// What became of it: amount, discounts, net, taxes, total.
    #[serde(flatten)]
    pub settled: Settled,
}

/// A line before discounts and taxes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    /// The stretch whose discounts and taxes apply, counted from 0.
    pub(super) group: usize,
    pub(super) id: LineId,
    pub(super) kind: LineKind,
    pub(super) name: String,
    pub(super) plan: PlanId,
    pub(super) version: u32,
    pub(super) service: Window,
    pub(super) quantity: Option<Quantity>,
    pub(super) credits: Option<Credits>,
    pub(super) formula: Option<String>,
    pub(super) explanation: Option<Explanation>,
    pub(super) amount: Money,
}

impl Draft {
    /// A line with nothing but what every line has.
    pub(super) fn new(
        group: usize,
        plan: &Plan,
        kind: LineKind,
        (id, name): (LineId, &str),
        service: Window,
        amount: Money,
    ) -> Self {
        Self {
            group,
            id,
            kind,
            name: name.to_owned(),
            plan: plan.id().clone(),
            version: plan.version(),
            service,
            quantity: None,
            credits: None,
            formula: None,
            explanation: None,
            amount,
        }
    }

    /// The line with what became of it.
    pub(super) fn settled(self, settled: Settled) -> Line {
        Line {
            id: self.id,
            kind: self.kind,
            name: self.name,
            plan: self.plan,
            version: self.version,
            service: self.service,
            quantity: self.quantity,
            credits: self.credits,
            formula: self.formula,
            explanation: self.explanation,
            settled,
        }
    }
}

/// The id of a line that is neither a charge nor a fee.
pub(super) fn own_id(name: &'static str) -> Result<LineId, IdError> {
    name.parse()
}
