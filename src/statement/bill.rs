//! The bill of a statement: its invoice, and where every digit of it comes from.
//!
//! ```text
//! stretches ── rated ──▶ charges: usage, running, closing, explanation
//!     └─────── invoice ─▶ lines, totals               grants ──▶ burned, left, why in this order
//! ```
//!
//! Invariant (tested): for one stretch the invoice and the charges are those of
//! [`wire::rate`](crate::wire::rate), digit for digit; the same functions make both.

use std::cmp::Reverse;

use serde::Serialize;

use super::part::Growth;
use super::{GrantTaken, PaymentTerms, Statement, StatementError};
use crate::calendar::{Period, Schedule};
use crate::invoice::{
    self, Ahead, BilledFee, Closing, Invoice, InvoiceError, Payment, Request, Stretch,
};
use crate::plan::{Charge, Plan};
use crate::rating::{self, Explanation, RateError, Usage};
use crate::units::order::sorted;
use crate::units::{Amount, ChargeId, ContractId, Credits, GrantId, Money, Timestamp};

/// An invoice as it would be written now, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Bill {
    /// The invoice: a draft; none if the period has none.
    pub invoice: Option<Invoice>,
    /// Why it has none: no currency, or two; or its plans, rates or sums cannot be read any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_invoice: Option<NoInvoice>,
    /// The use of each stretch's charges, in the plan's order.
    pub charges: Vec<ChargeBill>,
    /// Who paid, in burn order.
    pub grants: Vec<GrantBill>,
}

/// Why a period has no invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NoInvoice {
    /// Stable and machine-readable.
    pub code: &'static str,
    /// For people, with the remedy.
    pub message: String,
}

/// What the use of one charge in one stretch costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChargeBill {
    /// Position of the stretch, from 0.
    pub stretch: usize,
    /// Which charge of its plan.
    pub charge: ChargeId,
    /// What it comes to.
    #[serde(flatten)]
    pub rated: Rated,
}

/// What use comes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Rated {
    /// What was used, all in all.
    pub usage: Usage,
    /// What that costs while the period goes on.
    pub running: Amount,
    /// What it costs more because the period ends.
    pub closing: Amount,
    /// The sum of running and closing, step by step.
    pub explanation: Explanation,
}

/// Usage without an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("charge {charge}: {reason}")]
pub struct RatedError {
    /// The charge.
    pub charge: ChargeId,
    /// What is wrong.
    pub reason: RateError,
}

/// What a grant did in the period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantBill {
    /// Which grant.
    pub id: GrantId,
    /// Credits of it that paid for use of the period.
    pub burned: Credits,
    /// Credits that can still be spent.
    pub left: Credits,
    /// Why it burns at this place.
    pub why: BurnReason,
}

/// Why a grant burns after the one before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BurnReason {
    /// The first rule of the burn order by which the two differ.
    pub rule: BurnRule,
    /// The grant before it; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<GrantId>,
}

/// A rule of the burn order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BurnRule {
    /// No grant burns before it.
    First,
    /// The lower number burns first.
    Priority,
    /// What ends sooner burns first, what never ends last.
    Expiry,
    /// What was free burns before what was paid.
    Kind,
    /// What came first burns first.
    EffectiveAt,
    /// Equal in all of these: by the id.
    Id,
}

impl Rated {
    /// Rates the use of a charge; none is no use.
    ///
    /// # Errors
    ///
    /// [`RatedError`].
    pub fn new(charge: &Charge, usage: Option<Usage>) -> Result<Self, RatedError> {
        let fail = |reason| RatedError { charge: charge.id().clone(), reason };
        let usage = usage.unwrap_or_else(|| rating::empty(charge));
        Ok(Self {
            running: rating::running(charge, &usage).map_err(fail)?,
            closing: rating::closing(charge, &usage).map_err(fail)?,
            explanation: rating::explain(charge, &usage).map_err(fail)?,
            usage,
        })
    }
}

/// Who is billed for which period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Billed<'a> {
    pub(crate) account: &'a str,
    pub(crate) contract: &'a ContractId,
    pub(crate) schedule: &'a Schedule,
    pub(crate) period: Period,
    pub(crate) payments: &'a [PaymentTerms],
    pub(crate) billed_ahead: &'a [BilledFee],
    pub(crate) ahead: Option<Ahead<'a>>,
}

impl Billed<'_> {
    /// The invoice of the period as it would be now.
    pub(crate) fn invoice(&self, stretches: &[Stretch<'_>]) -> Result<Invoice, InvoiceError> {
        let plans = || stretches.iter().map(|stretch| stretch.plan);
        let plan = plans().find(|plan| plan.spec().currency.is_some()).or(plans().next());
        let credits = plan.map_or(Ok(Vec::new()), |plan| payments(plan, self.payments))?;
        invoice::invoice(&Request {
            account: self.account,
            contract: self.contract.clone(),
            schedule: self.schedule,
            closing: Some(Closing {
                period: self.period,
                stretches,
                billed_ahead: self.billed_ahead,
            }),
            ahead: self.ahead,
            credits: &credits,
        })
    }
}

/// Payments in the currency of the plan, not rounded.
fn payments(plan: &Plan, payments: &[PaymentTerms]) -> Result<Vec<Payment>, InvoiceError> {
    let currency = plan.spec().currency;
    let currency = currency.ok_or_else(|| InvoiceError::NoCurrency { plan: plan.id().clone() })?;
    let exactly = |payment: &PaymentTerms| {
        let amount = Money::exactly(payment.amount.get(), currency)?;
        Ok(Payment { id: payment.id.clone(), amount })
    };
    payments.iter().map(exactly).collect()
}

impl Statement {
    /// The bill as it would be written now.
    ///
    /// # Errors
    ///
    /// [`StatementError`].
    pub fn bill(&self) -> Result<Bill, StatementError> {
        self.bill_of(&Growth::default())
    }

    /// The bill of the period's end if use goes on as it did until `at`: quantities of the stretch
    /// that goes on, times its length over what has passed of it, rounded half up to
    /// [`PLACES`](super::PLACES) places. Windows that are priced one by one come again instead, and
    /// seats stay as many as they are. Before the stretch began there is nothing to go by, and its
    /// use stays as it is.
    ///
    /// # Errors
    ///
    /// [`StatementError`]; [`Inexact`](crate::units::Inexact) if a quantity leaves its range.
    pub fn projected(&self, at: Timestamp) -> Result<Bill, StatementError> {
        self.bill_of(&Growth { counted_at: Some(at), ..Growth::default() })
    }

    fn bill_of(&self, growth: &Growth) -> Result<Bill, StatementError> {
        let (parts, mut drawn) = self.parts(growth)?;
        let mut charges = Vec::new();
        for (stretch, of) in parts.iter().enumerate() {
            for charge in of.plan.charges() {
                let rated = Rated::new(charge, of.used.charges.get(charge.id()).cloned())?;
                charges.push(ChargeBill { stretch, charge: charge.id().clone(), rated });
            }
        }
        let mut grants = burned(&self.grants);
        for grant in &mut grants {
            let part = drawn.min(grant.left).max(Credits::ZERO);
            drawn = drawn.minus(part)?;
            (grant.burned, grant.left) = (grant.burned.plus(part)?, grant.left.minus(part)?);
        }
        let (invoice, no_invoice) = match self.invoice(&parts) {
            Ok(invoice) => (Some(invoice), None),
            Err(StatementError::Invoice(error)) => (None, Some(NoInvoice::from(&error))),
            Err(error) => return Err(error),
        };
        Ok(Bill { invoice, no_invoice, charges, grants })
    }
}

impl From<&InvoiceError> for NoInvoice {
    fn from(error: &InvoiceError) -> Self {
        Self { code: error.code(), message: error.to_string() }
    }
}

/// Grants in burn order, each with the rule that put it behind the one before it.
pub(super) fn burned(grants: &[GrantTaken]) -> Vec<GrantBill> {
    let order = sorted(grants.iter().collect(), |a, b| a.burn_key().cmp(&b.burn_key()));
    let before = std::iter::once(None).chain(order.iter().map(Some));
    let bill = |(grant, before): (&&GrantTaken, Option<&&GrantTaken>)| GrantBill {
        id: grant.id.clone(),
        burned: grant.burned,
        left: grant.left,
        why: BurnReason {
            rule: before.map_or(BurnRule::First, |before| grant.rule_after(before)),
            after: before.map(|before| before.id.clone()),
        },
    };
    order.iter().zip(before).map(bill).collect()
}

impl GrantTaken {
    /// Sorts grants into burn order, as [`Grant::burn_key`](crate::ledger::Grant::burn_key) does.
    fn burn_key(&self) -> impl Ord + use<> {
        let order = (self.priority, Reverse(self.expires_at.map(Reverse)), self.kind);
        (order, self.effective_at, self.id.clone())
    }

    fn rule_after(&self, before: &Self) -> BurnRule {
        if self.priority != before.priority {
            BurnRule::Priority
        } else if self.expires_at != before.expires_at {
            BurnRule::Expiry
        } else if self.kind != before.kind {
            BurnRule::Kind
        } else if self.effective_at != before.effective_at {
            BurnRule::EffectiveAt
        } else {
            BurnRule::Id
        }
    }
}
