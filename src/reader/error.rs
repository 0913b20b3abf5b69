//! Why a reader does not load, or why a request cannot be read: one fault, and the field that has
//! it.
//!
//! ```text
//! /quantities/0/most is missing: an answer's quantity needs the most that it may be, …
//! /max_tokens is a string: write a whole number
//! ```

use crate::meter::PropertyError;
use crate::units::NumberError;

/// Why a reader does not load, or why a request cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {fault}")]
pub struct ReaderError {
    /// JSON pointer into the route's `usage`, or into the request's body; `header <name>` for a
    /// header; `body` for the whole body.
    pub field: String,
    /// What is wrong with it.
    pub fault: Fault,
}

impl ReaderError {
    pub(super) fn new(field: impl Into<String>, fault: Fault) -> Self {
        Self { field: field.into(), fault }
    }

    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// What is wrong with a field. First those of a route, then those of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A field that this reader needs.
    #[error("is missing: {why}")]
    FieldMissing {
        /// What it is for.
        why: &'static str,
    },
    /// A field of another reader, or of another kind of quantity.
    #[error("means nothing with {with}: leave it out")]
    FieldUnused {
        /// The reader or the source.
        with: &'static str,
    },
    /// A number of tokens out of range.
    #[error("{value} is not a number of tokens: write a whole number from {min} to 1000000000")]
    NotTokens {
        /// What stands there.
        value: String,
        /// The smallest.
        min: u64,
    },
    /// A list without entries.
    #[error("is empty: name at least one")]
    Empty,
    /// A list with too many entries.
    #[error("has {count} entries: at most {max}")]
    TooMany {
        /// How many.
        count: usize,
        /// How many there may be.
        max: usize,
    },
    /// Two quantities of one charge.
    #[error("{value:?} stands here twice: one quantity a charge")]
    ChargeTwice {
        /// The charge.
        value: String,
    },
    /// Not a header's name.
    #[error("{value:?} is not a header's name: write letters, digits and hyphens, like x-rows")]
    HeaderName {
        /// What stands there.
        value: String,
    },
    /// A name or a value that is empty or too long.
    #[error("has {characters} characters: use 1 to {max}")]
    TextLength {
        /// How many.
        characters: usize,
        /// How many there may be.
        max: usize,
    },
    /// The body is compressed.
    #[error("is {value:?}: send the body as it is, it is read on its way")]
    Encoded {
        /// The content encoding.
        value: String,
    },
    /// The body is not JSON.
    #[error("is not JSON: {reason}")]
    NotJson {
        /// The parser's words.
        reason: String,
    },
    /// A value that the meter needs.
    #[error("is missing: the price of this operation depends on it")]
    Missing,
    /// Another JSON type than the member has.
    #[error("is {found}: write {expected}")]
    WrongType {
        /// What the member takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// A name that stands twice in an object: which one the origin takes is its secret.
    #[error("stands twice in the body: keep one")]
    Twice,
    /// A name that some parsers take for the one that is read.
    #[error("is too much like {name:?}: write {name:?}")]
    Lookalike {
        /// The name that is read.
        name: String,
    },
    /// An integer out of range.
    #[error("{value} is out of range: write a whole number from {min} to {max}")]
    OutOfRange {
        /// What stands there.
        value: String,
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// Not a number that can be charged.
    #[error("{0}")]
    Property(#[from] PropertyError),
    /// A header that is no number that can be charged.
    #[error("{value:?} {reason}")]
    Number {
        /// What stands there.
        value: String,
        /// Why it is refused.
        reason: NumberError,
    },
    /// The answer would come without its usage.
    #[error("is true: what a background response uses is not in its answer, ask in the foreground")]
    Background,
}

impl Fault {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FieldMissing { .. } => "field_missing",
            Self::FieldUnused { .. } => "field_unused",
            Self::NotTokens { .. } => "not_tokens",
            Self::Empty => "empty",
            Self::TooMany { .. } => "too_many",
            Self::ChargeTwice { .. } => "charge_twice",
            Self::HeaderName { .. } => "header_name",
            Self::TextLength { .. } => "text_length",
            Self::Encoded { .. } => "body_encoded",
            Self::NotJson { .. } => "body_not_json",
            Self::Missing => "body_field_missing",
            Self::WrongType { .. } => "body_field_type",
            Self::Twice => "body_field_twice",
            Self::Lookalike { .. } => "body_field_lookalike",
            Self::OutOfRange { .. } => "body_field_range",
            Self::Property(error) => error.code(),
            Self::Number { reason, .. } => reason.code(),
            Self::Background => "body_background",
        }
    }
}
