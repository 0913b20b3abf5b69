//! Why the ledger refused a command. Running out of credits is an outcome, not an error.

use super::PERIODS_PAST_MAX;
use super::key::SpendPeriod;
use crate::calendar::PeriodError;
use crate::units::{Cadence, Credits, Currency, Date, GrantId, Inexact, KeyId, PlanId, Timestamp};

/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LedgerError {
    /// A grant of nothing, or of less.
    #[error("amount {amount} is not above zero: grant at least 0.000000000001")]
    AmountNotPositive {
        /// What was asked for.
        amount: Credits,
    },
    /// A grant that ends before it starts.
    #[error("expires_at {expires_at} is not after {start}: credits would never be spendable")]
    EndsBeforeStart {
        /// The end asked for.
        expires_at: Timestamp,
        /// When the grant would start.
        start: Timestamp,
    },
    /// A rollover that keeps nothing sensible.
    #[error("rollover keeps {min} to {max}: give bounds from 0 on, min not above max")]
    RolloverBounds {
        /// The lower bound.
        min: Credits,
        /// The upper bound.
        max: Credits,
    },
    /// The same id with other terms.
    #[error("grant {id} exists with other terms: use a new id, or repeat the same terms")]
    GrantDiffers {
        /// The id.
        id: GrantId,
    },
    /// A grant of the plan that would have to remember the age of each credit.
    #[error(
        "the plan's grant {id} expires other than with its step: leave expires_after out, and say \
         with rollover what stays of a step"
    )]
    PlanGrantLasts {
        /// Its name in the plan.
        id: GrantId,
    },
    /// A grant that was never given.
    #[error("grant {id} does not exist in this account: list its grants to see their ids")]
    GrantUnknown {
        /// The id.
        id: GrantId,
    },
    /// A grant that is over.
    #[error("grant {id} has ended: give a new grant instead")]
    GrantEnded {
        /// The id.
        id: GrantId,
    },
    /// A correction of nothing, or one that gives to no grant in particular.
    #[error("an adjustment is below zero, or above zero and names the grant it gives to")]
    AdjustmentZero,
    /// A correction with a story; the account remembers the last thousand of them.
    #[error("reason has {bytes} bytes: {max} at most, with a link to where there is more")]
    ReasonTooLong {
        /// How many it has.
        bytes: usize,
        /// How many it may have.
        max: usize,
    },
    /// A correction that takes more than there is.
    #[error("adjustment takes {amount}, and {available} can be taken: take at most that")]
    AdjustmentShort {
        /// What was to be taken.
        amount: Credits,
        /// What there is.
        available: Credits,
    },
    /// A key id that is taken.
    #[error("key {id} exists: choose another id or leave it out")]
    KeyExists {
        /// The id.
        id: KeyId,
    },
    /// A key id that was never created.
    #[error("key {id} does not exist in this account: list its keys to see their ids")]
    KeyUnknown {
        /// The id.
        id: KeyId,
    },
    /// A spend limit below zero.
    #[error("limit {limit} is below zero: give zero or more, or leave it out")]
    LimitNegative {
        /// Which of them.
        period: SpendPeriod,
        /// The limit.
        limit: Credits,
    },
    /// A rule that could never be content.
    #[error(
        "asks for {target} below {threshold}, every {cool_off_ms} ms: give a target above zero and \
         not below the threshold, and a cool-off of at least 1000"
    )]
    TopUpRule {
        /// When to ask.
        threshold: Credits,
        /// For how much.
        target: Credits,
        /// How often.
        cool_off_ms: i64,
    },
    /// A top-up that is not on its way.
    #[error("no top-up {id} is on its way: it came, failed, or was never asked for")]
    TopUpUnknown {
        /// The id.
        id: GrantId,
    },
    /// A reservation that was never made, or ended without use.
    #[error("operation {op} has no reservation: it was never made, was released, or is forgotten")]
    ReservationUnknown {
        /// The operation.
        op: String,
    },
    /// Credits cannot be set aside for no time, or for ever.
    #[error("credits cannot be set aside for {ms} ms: give 1 to 86400000")]
    ReservationTime {
        /// What was asked for.
        ms: i64,
    },
    /// One operation that uses too many things.
    #[error("an operation has {count} uses: give at most {max}")]
    TooManyUses {
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// A limit of the ledger.
    #[error("account holds {max} {what} already, which is the limit")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// How many there may be.
        max: usize,
    },
    /// A lease that this account does not know, or counters that do not fit it.
    #[error("lease {lease} is unknown, or its counters do not fit: open a new one")]
    LeaseUnknown {
        /// The lease.
        lease: String,
    },
    /// The same id of a return, an adjustment or a period with other terms.
    #[error("{id} was done with other terms: use a new id, or repeat the same terms")]
    CommandDiffers {
        /// The id.
        id: GrantId,
    },
    /// A return of another amount than there is.
    #[error(
        "amount {amount} is not what is unreported, {unreported}: read the balance, and return \
             all of it"
    )]
    UnreportedDiffers {
        /// What was to be returned.
        amount: Credits,
        /// What could be.
        unreported: Credits,
    },
    /// A contract that has not begun.
    #[error("contract begins on {from}, which has not come: open the account on that day")]
    FromAhead {
        /// Its first day.
        from: Date,
    },
    /// A contract that began long ago.
    #[error(
        "contract begins on {from}, {periods} periods ago: at most {PERIODS_PAST_MAX} are closed at \
         once, begin later"
    )]
    FromTooEarly {
        /// Its first day.
        from: Date,
        /// How many have ended since.
        periods: i32,
    },
    /// A contract outside the calendar.
    #[error("contract begins on {from}: {reason}")]
    Billing {
        /// Its first day.
        from: Date,
        /// What is wrong.
        reason: PeriodError,
    },
    /// A period that ends by itself.
    #[error(
        "periods of this account end by themselves, the open one at {end} (milliseconds, UTC): open \
         accounts with \"periods\": \"operator\" to end them by hand"
    )]
    PeriodsScheduled {
        /// When the open one ends.
        end: Timestamp,
    },
    /// A plan whose periods have another length.
    #[error(
        "plan {plan} has periods of {period}, and the account's contract of {every}: publish a \
         version of the plan with periods of {every}"
    )]
    PeriodDiffers {
        /// The plan.
        plan: PlanId,
        /// Its period.
        period: Cadence,
        /// The contract's.
        every: Cadence,
    },
    /// A plan that the period's invoice cannot hold beside the others.
    #[error(
        "plan {plan} is in {currency}, and the open period is billed in {period}: publish a version \
         of the plan in {period}, open another account for {currency}, or change to a plan without \
         a currency until a period begins with it"
    )]
    CurrencyDiffers {
        /// The plan.
        plan: PlanId,
        /// Its currency.
        currency: Currency,
        /// The open period's.
        period: Currency,
    },
    /// Nothing to close.
    #[error("the open period is not over, or nobody's calendar ends it: close it at its end")]
    PeriodOpen,
    /// A plan in the journal that this version does not read.
    #[error(
        "version {version} of plan {plan} was published, and cannot be read any more: report this"
    )]
    PlanUnread {
        /// The plan of the period that is not read.
        plan: PlanId,
        /// Its version.
        version: u32,
    },
    /// A sum left the range of credits.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl LedgerError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::AmountNotPositive { .. } => "amount_not_positive",
            Self::EndsBeforeStart { .. } => "ends_before_start",
            Self::RolloverBounds { .. } => "rollover_bounds",
            Self::GrantDiffers { .. } => "grant_differs",
            Self::PlanGrantLasts { .. } => "plan_grant_lasts",
            Self::GrantUnknown { .. } => "grant_unknown",
            Self::GrantEnded { .. } => "grant_ended",
            Self::AdjustmentZero => "adjustment_zero",
            Self::ReasonTooLong { .. } => "reason_too_long",
            Self::AdjustmentShort { .. } => "adjustment_short",
            Self::KeyExists { .. } => "key_exists",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::LimitNegative { .. } => "limit_negative",
            Self::TopUpRule { .. } => "top_up_rule",
            Self::TopUpUnknown { .. } => "top_up_unknown",
            Self::ReservationUnknown { .. } => "reservation_unknown",
            Self::ReservationTime { .. } => "reservation_time",
            Self::TooManyUses { .. } => "too_many_uses",
            Self::Full { .. } => "account_full",
            Self::LeaseUnknown { .. } => "lease_unknown",
            Self::CommandDiffers { .. } => "command_differs",
            Self::UnreportedDiffers { .. } => "unreported_differs",
            Self::FromAhead { .. } => "contract_from_ahead",
            Self::FromTooEarly { .. } => "contract_from_too_early",
            Self::Billing { reason, .. } => reason.code(),
            Self::PeriodsScheduled { .. } => "periods_scheduled",
            Self::PeriodDiffers { .. } => "period_differs",
            Self::CurrencyDiffers { .. } => "currency_differs",
            Self::PeriodOpen => "period_open",
            Self::PlanUnread { .. } => "plan_unread",
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}
