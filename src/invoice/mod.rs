//! What a period costs: invoices, and previews of them, by one pure function.
//!
//! ```text
//! events ── Book ──▶ PeriodUsage ─┐
//! plan, grants burned, invoices ──┴─▶ Request ── invoice ──▶ Invoice { lines, totals, status }
//!                                                    draft ─▶ finalized ─▶ paid     (void)
//!                                                                │ CreditNote
//! ```
//!
//! Nothing here reads a clock or keeps anything: an invoice is a function of its request, so what
//! the customer watches during the period is what is billed at its end.

mod advance;
mod bill;
mod collect;
mod commit;
mod cover;
mod fees;
mod lifecycle;
mod line;
mod settle;

use serde::Serialize;

use crate::calendar::{Period, PeriodError, Schedule};
use crate::meter::Window;
use crate::plan::Plan;
use crate::rating::RateError;
use crate::units::{
    ChargeId, ContractId, Credits, Currency, DateError, IdError, Inexact, MeterId, Money,
    MoneyError, PlanId, Quantity, Timestamp,
};

pub use advance::BilledFee;
pub use bill::invoice;
pub use collect::{Book, CollectError, Levels, PeriodUsage};
pub(crate) use cover::{CreditLine, credit_lines, credits_used};
pub use cover::{covered, included};
pub use lifecycle::{CreditNote, CreditedLine, LifecycleError, Status};
pub use line::{Line, LineKind};
pub use settle::{On, SettleError, Settled, Share, Totals, settle};

/// One stretch of the period under one plan.
#[derive(Clone, Copy, Debug)]
pub struct Stretch<'a> {
    /// When the plan was in force: `[start, end)`, within the period.
    pub window: Window,
    /// The effective plan.
    pub plan: &'a Plan,
    /// What was used in it.
    pub usage: &'a PeriodUsage,
    /// Credits of this use that grants have paid.
    pub covered: Credits,
}

/// A period that is being closed.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// Which period.
    pub period: Period,
    /// The plans that were in force, one after the other without a gap.
    pub stretches: &'a [Stretch<'a>],
    /// Fees of this period that earlier invoices billed in advance.
    pub billed_ahead: &'a [BilledFee],
}

/// A period that is being opened: its fees in advance.
#[derive(Clone, Copy, Debug)]
pub struct Ahead<'a> {
    /// Which period.
    pub period: Period,
    /// The plan in force at its start.
    pub plan: &'a Plan,
    /// Seats for fees that a meter counts.
    pub seats: &'a std::collections::BTreeMap<MeterId, Quantity>,
}

/// Money that the customer has already given, and that may pay this invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Payment {
    /// The grant, the deposit or the credit note that it comes from.
    pub id: String,
    /// How much of it may be used.
    pub amount: Money,
}

/// Everything that an invoice is a function of.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The customer.
    pub account: &'a str,
    /// The contract that is billed.
    pub contract: ContractId,
    /// How the contract's time is cut into periods.
    pub schedule: &'a Schedule,
    /// The period that is over, or that the preview is of.
    pub closing: Option<Closing<'a>>,
    /// The period whose fees in advance are billed; none if the contract ends.
    pub ahead: Option<Ahead<'a>>,
    /// Payments that may be used, first to last.
    pub credits: &'a [Payment],
}

/// What is billed, so that it cannot be billed twice.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct InvoiceId {
    /// Of which contract.
    pub contract: ContractId,
    /// Index of the period that is closed.
    pub closes: Option<i32>,
    /// Index of the period that is opened.
    pub opens: Option<i32>,
}

/// What became of credits in the period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CreditSummary {
    /// Credits that use and fees came to.
    pub used: Credits,
    /// The part that grants have paid.
    pub covered: Credits,
    /// The part that is billed on this invoice.
    pub overage: Credits,
}

/// An invoice, or the preview of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Invoice {
    /// What it bills.
    pub id: InvoiceId,
    /// The customer.
    pub account: String,
    /// The time zone of its days.
    pub zone: String,
    /// The currency of all its amounts.
    pub currency: Currency,
    /// The period that it closes.
    pub period: Option<Period>,
    /// The period whose fees in advance it bills.
    pub ahead: Option<Period>,
    /// What is billed.
    pub lines: Vec<Line>,
    /// Where the payments of [`Totals::credits`] come from, in the same order.
    pub credit_ids: Vec<String>,
    /// The sums.
    pub totals: Totals,
    /// What became of credits.
    pub credits: CreditSummary,
    /// Where it stands.
    pub status: Status,
}

/// Why a request has no invoice.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvoiceError {
    /// Neither a period that is over nor one that begins.
    #[error("nothing to bill: give a period to close, or one to open")]
    NothingToBill,
    /// An invoice is in a currency.
    #[error("plan {plan} has no currency: give it one, an invoice is in a currency")]
    NoCurrency {
        /// The plan at fault.
        plan: PlanId,
    },
    /// Plans of one invoice in two currencies.
    #[error("plans are in {first} and in {other}: change the currency between two periods")]
    CurrencyDiffers {
        /// The first plan's.
        first: Currency,
        /// Another plan's.
        other: Currency,
    },
    /// A gap, an overlap or an end outside.
    #[error("stretch at {at} does not meet the one before it, or leaves its period")]
    Stretches {
        /// Where it begins, UTC milliseconds.
        at: Timestamp,
    },
    /// The calendar ends.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// A charge cannot be rated.
    #[error("charge {charge}: {reason}")]
    Rate {
        /// The charge at fault.
        charge: ChargeId,
        /// What is wrong.
        reason: RateError,
    },
    /// Money that would be taken instead of paid.
    #[error("payment {id} is below zero: give what was paid, as a positive amount")]
    NegativePayment {
        /// The payment at fault.
        id: String,
    },
    /// A commit in credits without a value; a plan that was checked has one.
    #[error("plan {plan} has a commit in credits and no value of a credit: give credits a value")]
    NoCreditValue {
        /// The plan at fault.
        plan: PlanId,
    },
    /// Money that does not add up.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A product that needs more digits than there are.
    #[error(transparent)]
    Inexact(#[from] Inexact),
    /// A line without a name.
    #[error("line id {0}")]
    Id(#[from] IdError),
}

impl InvoiceError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NothingToBill => "nothing_to_bill",
            Self::NoCurrency { .. } => "invoice_no_currency",
            Self::CurrencyDiffers { .. } => "invoice_currency_differs",
            Self::Stretches { .. } => "invoice_stretches",
            Self::Period(error) => error.code(),
            Self::Rate { reason, .. } => reason.code(),
            Self::NegativePayment { .. } => "invoice_negative_payment",
            Self::NoCreditValue { .. } => "invoice_no_credit_value",
            Self::Money(error) => error.code(),
            Self::Inexact(_) => "amount_not_exact",
            Self::Id(error) => error.code(),
        }
    }
}

impl From<DateError> for InvoiceError {
    fn from(error: DateError) -> Self {
        Self::Period(error.into())
    }
}

impl From<SettleError> for InvoiceError {
    fn from(error: SettleError) -> Self {
        match error {
            SettleError::Money(error) => Self::Money(error),
            SettleError::Inexact(error) => Self::Inexact(error),
        }
    }
}
