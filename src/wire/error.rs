//! Why a question has no answer, and where in the question the fault is.

use serde::Serialize;

use crate::calendar::PeriodError;
use crate::invoice::{CollectError, InvoiceError};
use crate::meter::EventError;
use crate::plan::PlanError;
use crate::rating::RateError;
use crate::statement::RatedError;
use crate::units::{ChargeId, MeterId};

/// Why a question has no answer.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Longer than [`super::REQUEST_BYTES_MAX`].
    #[error("request has {bytes} bytes: ask for at most 134217728 at once")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON, or not the fields of a question.
    #[error("request is not one of rating: {reason}")]
    NotJson {
        /// The parser's words, with line and column.
        reason: String,
    },
    /// The plan does not load.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A period that is outside the calendar.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// Both what was used and what to meter, or both a list and a table of events.
    #[error("the request has events twice, or events and usage: give one of them")]
    TwoSources,
    /// A table that is not one of events.
    #[error("{reason}")]
    Columns {
        /// What is wrong, and the remedy.
        reason: String,
    },
    /// An event of another account than the invoice's.
    #[error("event of {subject:?} on another account's invoice: leave it out")]
    Subject {
        /// Which event.
        at: Place,
        /// Whose it is.
        subject: String,
    },
    /// An invoice with a fee whose seats nobody has said.
    #[error("the plan has a fee by meter {meter}: say how many in \"seats\", or give the events")]
    NoSeats {
        /// The meter.
        meter: MeterId,
    },
    /// Use of a charge that the plan does not have.
    #[error("the plan has no charge {charge}: use the id of one of its charges")]
    UnknownCharge {
        /// The charge at fault.
        charge: ChargeId,
    },
    /// An event that is none.
    #[error("{reason}")]
    Event {
        /// Which one.
        at: Place,
        /// What is wrong.
        reason: EventError,
    },
    /// More events than can be told apart.
    #[error(transparent)]
    TooManyEvents(#[from] crate::meter::TooManySeen),
    /// Events do not become usage.
    #[error("{reason}")]
    Collect {
        /// Which one, if it is one event's fault.
        at: Place,
        /// What is wrong.
        reason: CollectError,
    },
    /// Usage has no amount.
    #[error("charge {charge}: {reason}")]
    Rate {
        /// The charge.
        charge: ChargeId,
        /// Position of the use in its list, from 0, if it is one use's fault.
        index: Option<usize>,
        /// What is wrong.
        reason: RateError,
    },
    /// The period has no invoice.
    #[error(transparent)]
    Invoice(#[from] InvoiceError),
}

/// An event of the question, or all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the events stand: `/events` or `/table/rows`.
    pub list: &'static str,
    /// Position in the list, from 0; none for all of it.
    pub index: Option<usize>,
}

impl Place {
    fn pointer(self) -> String {
        let Self { list, index } = self;
        index.map_or_else(|| list.to_owned(), |index| format!("{list}/{index}"))
    }
}

/// An error on the wire.
#[derive(Serialize)]
struct Wrapped<'a> {
    error: Problem<'a>,
}

#[derive(Serialize)]
struct Problem<'a> {
    code: &'static str,
    at: &'a str,
    message: &'a str,
}

impl From<RatedError> for WireError {
    fn from(RatedError { charge, reason }: RatedError) -> Self {
        Self::Rate { charge, index: None, reason }
    }
}

impl WireError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "request_too_long",
            Self::NotJson { .. } => "request_not_json",
            Self::Plan(error) => error.code(),
            Self::Period(error) => error.code(),
            Self::TwoSources => "request_two_sources",
            Self::Columns { .. } => "request_columns",
            Self::Subject { .. } => "request_other_subject",
            Self::NoSeats { .. } => "request_no_seats",
            Self::UnknownCharge { .. } => "request_unknown_charge",
            Self::Event { reason, .. } => reason.code(),
            Self::TooManyEvents(_) => "request_too_many_events",
            Self::Collect { reason, .. } => reason.code(),
            Self::Rate { reason, .. } => reason.code(),
            Self::Invoice(error) => error.code(),
        }
    }

    /// JSON pointer (RFC 6901) of the field at fault; empty for the whole question.
    pub fn at(&self) -> String {
        match self {
            Self::Plan(error) => format!("/plan{}", error.path),
            Self::Collect { reason: CollectError::NoPeriod { .. }, .. } => "/invoice".to_owned(),
            Self::Columns { .. } => "/table/columns".to_owned(),
            Self::Event { at, .. } | Self::Subject { at, .. } | Self::Collect { at, .. } => {
                at.pointer()
            }
            Self::Rate { charge, index: Some(index), .. } => format!("/uses/{charge}/{index}"),
            Self::NoSeats { .. } => "/seats".to_owned(),
            Self::Period(_) | Self::Invoice(_) => "/invoice".to_owned(),
            _ => String::new(),
        }
    }

    /// The answer that says so.
    pub fn to_json(&self) -> String {
        let (code, at, message) = (self.code(), self.at(), self.to_string());
        let wrapped = Wrapped { error: Problem { code, at: &at, message: &message } };
        // Three texts: JSON can always say them.
        serde_json::to_string(&wrapped).unwrap_or_default()
    }

    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        Self::NotJson { reason: error.to_string() }
    }
}
