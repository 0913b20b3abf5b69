//! Why a statement does not load, or has no bill.

use crate::calendar::PeriodError;
use crate::invoice::InvoiceError;
use crate::ledger::LedgerError;
use crate::plan::PlanError;
use crate::units::{ChargeId, Inexact, MeterId, PlanId, Timestamp};

use super::RatedError;

/// Why a statement has no answer.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Not JSON, or not the fields of a statement.
    #[error("not a statement: {reason}")]
    NotJson {
        /// The parser's words, with line and column.
        reason: String,
    },
    /// A period without an end.
    #[error(
        "the operator ends this account's periods, so nobody knows when the open one ends: open \
         accounts with \"periods\": \"scheduled\" to have statements and invoices"
    )]
    ByOperator,
    /// The ledger has no answer.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// No plan was in force.
    #[error("the statement has no stretch: a period is billed by a plan")]
    NoStretch,
    /// The calendar ends.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// The contract's calendar gives another period.
    #[error("period {index} is not the one that the contract's day, cadence and zone give")]
    OtherPeriod {
        /// Its position.
        index: i32,
    },
    /// A gap, an overlap, or an end that is not the period's.
    #[error("stretch at {at} leaves a gap, or leaves the period: let it end where the next begins")]
    Stretches {
        /// Where it begins, UTC milliseconds.
        at: Timestamp,
    },
    /// Use of a charge that the plan does not have.
    #[error("the plan has no charge {charge}: use the id of one of its charges")]
    UnknownCharge {
        /// The charge at fault.
        charge: ChargeId,
    },
    /// A fee whose seats nobody has said.
    #[error("the plan has a fee by meter {meter}: say how many in \"seats\"")]
    NoSeats {
        /// The meter.
        meter: MeterId,
    },
    /// Plans whose periods are not equally long.
    #[error("plan {plan} bills by another period: compare plans of one period")]
    OtherCadence {
        /// The other plan.
        plan: PlanId,
    },
    /// Use that today's plan did not count finely enough for the other.
    #[error("charge {charge} prices {expected}, and today's plan counts {found}: no exact answer")]
    OtherUse {
        /// The charge of the other plan.
        charge: ChargeId,
        /// What it prices.
        expected: &'static str,
        /// What there is.
        found: &'static str,
    },
    /// A plan of a scenario that does not load.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Usage has no amount.
    #[error(transparent)]
    Rated(#[from] RatedError),
    /// The period has no invoice.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
    /// A number that needs more digits than there are.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl StatementError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "statement_not_json",
            Self::ByOperator => "periods_by_operator",
            Self::Ledger(error) => error.code(),
            Self::NoStretch => "statement_no_stretch",
            Self::Period(error) => error.code(),
            Self::OtherPeriod { .. } => "statement_other_period",
            Self::Stretches { .. } => "statement_stretches",
            Self::UnknownCharge { .. } => "statement_unknown_charge",
            Self::NoSeats { .. } => "statement_no_seats",
            Self::OtherCadence { .. } => "what_if_other_cadence",
            Self::OtherUse { .. } => "what_if_other_use",
            Self::Plan(error) => error.code(),
            Self::Rated(error) => error.reason.code(),
            Self::Invoice(error) => error.code(),
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}
