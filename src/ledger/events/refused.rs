//! Why an event does not count: named, so that its sender knows what to do.

use crate::meter::{EventError, MeasureError, MeterError};
use crate::rating::RateError;
use crate::units::{ChargeId, Timestamp};

/// Why an event, or a correction of one, changes nothing.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is none.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Older than anything that is remembered: it may have been counted.
    #[error("event of {at} is older than 34 days: it may have been counted before")]
    TooOld {
        /// When it happened, UTC milliseconds.
        at: Timestamp,
    },
    /// It has not happened yet.
    #[error("event of {at} lies more than five minutes ahead: set the sender's clock")]
    Ahead {
        /// When it is to happen, UTC milliseconds.
        at: Timestamp,
    },
    /// The terms that a corrected event was counted under are gone.
    #[error("the terms of {terms} are forgotten, so it cannot be rated again: adjust by credits")]
    TermsForgotten {
        /// Their number.
        terms: u64,
    },
    /// A meter of the plan cannot measure.
    #[error(transparent)]
    Meter(#[from] MeterError),
    /// No meter of the plan is about this type.
    #[error("no meter of the account's plan counts events of type {kind:?}: check the type")]
    Unmetered {
        /// The type.
        kind: String,
    },
    /// Its meter counts something that is not a sum of events.
    #[error(
        "meter {meter} is not counted event by event: only count and sum are, without windows that \
         are priced apart, roundings, prices by percentage or seats"
    )]
    NotInline {
        /// The meter, or the charge if it names none.
        meter: String,
    },
    /// A meter selects it and cannot measure it.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// A quantity below zero.
    #[error("charge {charge} would take a quantity of {value}: void or amend an event instead")]
    Negative {
        /// The charge.
        charge: ChargeId,
        /// The quantity.
        value: String,
    },
    /// Too many charges read it.
    #[error("{count} charges count this event: 32 at most")]
    TooManyUses {
        /// How many.
        count: usize,
    },
    /// More combinations of dimension values than a charge counts.
    #[error(
        "charge {charge} counts 1000 combinations of dimension values already: use coarser ones"
    )]
    TooManyCombinations {
        /// The charge.
        charge: ChargeId,
    },
    /// It has no price.
    #[error("charge {charge}: {reason}")]
    Unpriced {
        /// The charge.
        charge: ChargeId,
        /// What is wrong.
        reason: RateError,
    },
    /// The batch is longer than a row of the journal.
    #[error("the batch is too long for one row of the journal: send this event again, with fewer")]
    RowFull,
}

impl Refused {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Event(error) => error.code(),
            Self::TooOld { .. } => "event_too_old",
            Self::Ahead { .. } => "event_ahead",
            Self::TermsForgotten { .. } => "event_terms_forgotten",
            Self::Meter(error) => error.code(),
            Self::Unmetered { .. } => "event_unmetered",
            Self::NotInline { .. } => "meter_not_inline",
            Self::Measure(error) => error.code(),
            Self::Negative { .. } => "event_negative",
            Self::TooManyUses { .. } => "too_many_uses",
            Self::TooManyCombinations { .. } => "too_many_combinations",
            Self::Unpriced { reason, .. } => reason.code(),
            Self::RowFull => "batch_too_long",
        }
    }

    /// JSON pointer of the event's attribute at fault; empty for all of it.
    pub fn field(&self) -> String {
        let field = match self {
            Self::Event(EventError::SpecVersion { .. }) => "/specversion",
            Self::Event(EventError::NoSubject) => "/subject",
            Self::Event(EventError::NoTime | EventError::Time { .. })
            | Self::TooOld { .. }
            | Self::Ahead { .. } => "/time",
            Self::Event(EventError::Binary) => "/data_base64",
            Self::Event(EventError::Attribute { attribute, .. }) => {
                return format!("/{attribute}");
            }
            Self::Unmetered { .. } | Self::NotInline { .. } => "/type",
            Self::Measure(MeasureError::Property { property, .. }) => {
                return format!("/data{property}");
            }
            Self::Measure(_) | Self::Negative { .. } | Self::TooManyCombinations { .. } => "/data",
            Self::Unpriced { .. } => "/data",
            _ => "",
        };
        field.to_owned()
    }
}
