//! Why the ledger refused a command. Running out of credits is an outcome, not an error.

use crate::units::{Credits, GrantId, Inexact, KeyId, Timestamp};

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
    /// The same id with other terms.
    #[error("grant {id} exists with other terms: use a new id, or repeat the same terms")]
    GrantDiffers {
        /// The id.
        id: GrantId,
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
    /// The same id with another amount.
    #[error("return {id} was of another amount: use a new id")]
    ReturnDiffers {
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
            Self::GrantDiffers { .. } => "grant_differs",
            Self::KeyExists { .. } => "key_exists",
            Self::KeyUnknown { .. } => "key_unknown",
            Self::Full { .. } => "account_full",
            Self::LeaseUnknown { .. } => "lease_unknown",
            Self::ReturnDiffers { .. } => "return_differs",
            Self::UnreportedDiffers { .. } => "unreported_differs",
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}
