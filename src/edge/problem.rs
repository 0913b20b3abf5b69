//! Errors on the wire: `application/problem+json` (RFC 9457), naming field, value and remedy.
//!
//! ```json
//! { "type": "https://edgemeter.dev/problems/negative", "title": "Unprocessable Content",
//!   "status": 422, "code": "negative", "detail": "amount is negative: it must be zero or more",
//!   "field": "/amount", "value": "-5" }
//! ```
//!
//! Which HTTP status an error of the ledger or of a plan has is chosen here alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ledger::{LedgerError, SpendPeriod};
use crate::plan::PlanError;

/// Characters of an offending value that are repeated to the caller, at most.
const VALUE_CHARS_MAX: usize = 80;

/// The code of a journal that is not as it was written: nothing can be decided on it.
pub(super) const JOURNAL_DAMAGED: &str = "journal_damaged";

/// A refusal, as it goes on the wire: an object with the standard members and ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Map<String, Value>", into = "Map<String, Value>")]
pub(super) struct Problem {
    pub(super) status: u16,
    members: Map<String, Value>,
}

impl From<Map<String, Value>> for Problem {
    fn from(members: Map<String, Value>) -> Self {
        let status = members.get("status").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok()).unwrap_or(500);
        Self { status, members }
    }
}

impl From<Problem> for Map<String, Value> {
    fn from(problem: Problem) -> Self {
        problem.members
    }
}

impl Problem {
    pub(super) fn new(status: u16, code: &str, detail: impl Into<String>) -> Self {
        Self { status, members: Map::new() }
            .with("type", format!("https://edgemeter.dev/problems/{code}"))
            .with("title", title(status))
            .with("status", status)
            .with("code", code)
            .with("detail", detail.into())
    }

    /// Whether this is its code.
    pub(super) fn is(&self, code: &str) -> bool {
        self.text("code") == Some(code)
    }

    /// A member that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// A member that is a whole number.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        self.members.get(name).and_then(Value::as_u64)
    }

    /// Adds a member.
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// Names the field at fault, as a JSON pointer.
    pub(super) fn field(self, pointer: &str) -> Self {
        self.with("field", pointer)
    }

    /// Repeats the offending value, cut to a readable length.
    pub(super) fn value(self, value: &str) -> Self {
        let short: String = value.chars().take(VALUE_CHARS_MAX).collect();
        let cut = if short.len() < value.len() { "…" } else { "" };
        self.with("value", format!("{short}{cut}"))
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }

    /// The HTTP response.
    pub(super) fn into_response(self) -> worker::Result<worker::Response> {
        let body = worker::ResponseBody::Body(self.to_json().into_bytes());
        let mut response = worker::Response::from_body(body)?.with_status(self.status);
        response.headers_mut().set("content-type", "application/problem+json")?;
        response.headers_mut().set("cache-control", "no-store")?;
        // The same as src/edge/refusals.js says on metered traffic.
        match self.status {
            503 => response.headers_mut().set("retry-after", "1")?,
            429 => {
                let seconds = self.number("retry_after").unwrap_or(1).to_string();
                response.headers_mut().set("retry-after", &seconds)?;
            }
            401 => {
                let scheme = "Bearer realm=\"edgemeter\"";
                response.headers_mut().set("www-authenticate", scheme)?;
            }
            _ => {}
        }
        Ok(response)
    }

    pub(super) fn not_found(what: &str, id: &str) -> Self {
        Self::new(404, "not_found", format!("{what} does not exist: check its name")).value(id)
    }

    pub(super) fn unavailable(detail: &str) -> Self {
        Self::new(503, "unavailable", detail).with("retryable", true)
    }
}

fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        let (status, field) = match &error {
            LedgerError::AmountNotPositive { .. } => (422, Some("/amount")),
            LedgerError::EndsBeforeStart { .. } => (422, Some("/expires_at")),
            LedgerError::RolloverBounds { .. } => (422, Some("/rollover")),
            LedgerError::GrantDiffers { .. } => (409, Some("/id")),
            LedgerError::PlanGrantLasts { .. } => (422, Some("/plan")),
            LedgerError::GrantUnknown { .. } => (404, Some("/grant")),
            LedgerError::GrantEnded { .. } => (409, Some("/grant")),
            LedgerError::AdjustmentZero => (422, Some("/amount")),
            LedgerError::ReasonTooLong { .. } => (422, Some("/reason")),
            LedgerError::AdjustmentShort { .. } => (409, Some("/amount")),
            LedgerError::LimitNegative { period: SpendPeriod::Day, .. } => (422, Some("/day")),
            LedgerError::LimitNegative { period: SpendPeriod::Month, .. } => (422, Some("/month")),
            LedgerError::TopUpRule { .. } => (422, Some("/rule")),
            LedgerError::TopUpUnknown { .. } => (404, None),
            LedgerError::ReservationUnknown { .. } => (409, None),
            LedgerError::ReservationTime { .. } => (422, Some("/expires_ms")),
            LedgerError::TooManyUses { .. } => (422, Some("/uses")),
            LedgerError::KeyExists { .. } => (409, Some("/id")),
            LedgerError::KeyUnknown { .. } => (404, None),
            LedgerError::Full { .. } => (409, None),
            LedgerError::LeaseUnknown { .. } => (409, None),
            LedgerError::CommandDiffers { .. } => (409, Some("/id")),
            LedgerError::UnreportedDiffers { .. } => (409, Some("/amount")),
            LedgerError::FromAhead { .. }
            | LedgerError::FromTooEarly { .. }
            | LedgerError::Billing { .. } => (422, Some("/contract/from")),
            LedgerError::PeriodsScheduled { .. } | LedgerError::PeriodOpen => (409, None),
            LedgerError::PeriodDiffers { .. } | LedgerError::CurrencyDiffers { .. } => {
                (409, Some("/plan"))
            }
            LedgerError::PlanUnread { .. } => (500, None),
            LedgerError::Inexact(_) => (422, Some("/amount")),
        };
        let problem = Self::new(status, error.code(), error.to_string());
        match field {
            Some(pointer) => problem.field(pointer),
            None => problem,
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Self {
        Self::new(422, error.code(), error.to_string()).field(&error.path)
    }
}
