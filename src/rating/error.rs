//! Why a state has no amount.

use crate::plan::Combination;
use crate::units::{Inexact, Quantity};

/// Why usage could not be rated.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// The state belongs to another model.
    #[error("the charge is priced by {expected}, and the usage is {found}: feed it from its meter")]
    UsageShape {
        /// What the charge takes.
        expected: &'static str,
        /// What was given.
        found: &'static str,
    },
    /// A product would have more places than are kept.
    #[error("quantity {quantity} is too fine for this price: at most {places_max} decimal places")]
    QuantityTooFine {
        /// The quantity.
        quantity: Quantity,
        /// The places that it may have.
        places_max: u32,
    },
    /// A matrix without an entry for this combination and without a default.
    #[error("no entry has a price for {combination:?}: list it, or give the matrix a default")]
    NoPrice {
        /// What was used.
        combination: Combination,
    },
    /// More free use than there was use, or than the plan gives. Boxed: the other variants are
    /// small, and every step of rating hands errors on.
    #[error("the usage has {free} free of {all} {what}, and the plan gives {given}: rate in order")]
    AllowanceExceeded {
        /// "events" or "value".
        what: &'static str,
        /// How much was free.
        free: Box<Quantity>,
        /// How much there was.
        all: Box<Quantity>,
        /// How much the plan gives.
        given: Box<Quantity>,
    },
    /// An intermediate result would have been rounded.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl RateError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UsageShape { .. } => "usage_shape",
            Self::QuantityTooFine { .. } => "quantity_too_fine",
            Self::NoPrice { .. } => "no_price",
            Self::AllowanceExceeded { .. } => "allowance_exceeded",
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}
