//! Why a plan does not load: one fault, and the path of the field that has it.
//!
//! ```text
//! /charges/0/price/tiers/2/up_to: 100 is not above 250, the end of the tier before: …
//! ```

use crate::units::{CadenceError, IdError, Inexact, NumberError, UnknownCurrency};

/// Why a plan or a contract does not load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {fault}")]
pub struct PlanError {
    /// JSON pointer (RFC 6901) of the field at fault; empty for the whole document.
    pub path: String,
    /// What is wrong with it; boxed, since every step of reading a plan hands it on.
    pub fault: Box<Fault>,
}

impl PlanError {
    #[cold]
    #[inline(never)]
    pub(super) fn new(path: String, fault: Fault) -> Self {
        Self { path, fault: Box::new(fault) }
    }

    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }
}

/// What is wrong with a field.
///
/// Ordered by precedence: syntax, then the shape of a field, then its value, then what it says
/// together with others. The first one in reading order is reported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Longer than [`super::limits::PLAN_BYTES_MAX`].
    #[error("the document has {bytes} bytes: use at most {max}")]
    DocumentTooLong {
        /// Its length.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// Not a JSON text.
    #[error("not JSON at line {line}, column {column}: {reason}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// The parser's words.
        reason: String,
    },
    /// Another JSON type than the field has.
    #[error("is {found}: write {expected}")]
    WrongType {
        /// What the field takes.
        expected: &'static str,
        /// What stands there.
        found: &'static str,
    },
    /// The same field twice in one object.
    #[error("stands here twice: keep one")]
    DuplicateField,
    /// A field that this object does not have.
    #[error("is not a field here: use one of {known}")]
    UnknownField {
        /// The fields that it has.
        known: String,
    },
    /// A field without a default is left out.
    #[error("is missing: it has no default")]
    MissingField,
    /// A word outside a fixed list.
    #[error("{value:?} is not known: write one of {known}")]
    NotOneOf {
        /// What stands there.
        value: String,
        /// The list.
        known: String,
    },
    /// A number's text is wrong.
    #[error("{value:?} {reason}")]
    Number {
        /// What stands there.
        value: String,
        /// Why it is refused.
        reason: NumberError,
    },
    /// An id's text is wrong.
    #[error("{value:?} {reason}")]
    Id {
        /// What stands there.
        value: String,
        /// Why it is refused.
        reason: IdError,
    },
    /// Not a currency.
    #[error("{value:?} {reason}")]
    Currency {
        /// What stands there.
        value: String,
        /// Why it is refused.
        reason: UnknownCurrency,
    },
    /// Not a cadence.
    #[error("{value:?} {reason}")]
    Cadence {
        /// What stands there.
        value: String,
        /// Why it is refused.
        reason: CadenceError,
    },
    /// A JSON integer outside its range.
    #[error("{value} is out of range: write an integer from {min} to {max}")]
    IntegerOutOfRange {
        /// What stands there.
        value: i64,
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// A text that is empty or too long.
    #[error("has {length} characters: write 1 to {max}")]
    TextLength {
        /// How many it has.
        length: usize,
        /// How many it may have.
        max: usize,
    },
    /// Not a JSON pointer, or one deeper than [`super::limits::POINTER_TOKENS_MAX`].
    #[error("{value:?} is not a JSON pointer of at most 8 tokens: write it like \"/usage/tokens\"")]
    NotAPointer {
        /// What stands there.
        value: String,
    },
    /// A list that must have something in it.
    #[error("is empty: list at least one")]
    EmptyList,
    /// A list beyond its limit.
    #[error("lists {count}: at most {max} are allowed")]
    TooMany {
        /// How many.
        count: usize,
        /// The limit.
        max: usize,
    },
    /// Zero where that has no meaning.
    #[error("is zero or less: it must be above zero")]
    NotPositive,
    /// A price below zero that the charge does not allow.
    #[error("{value} is negative: raise it, or set \"allow_negative\" on the charge")]
    NegativePrice {
        /// What stands there.
        value: String,
    },
    /// An amount below zero where that has no meaning.
    #[error("{value} is negative: it must be zero or more")]
    NegativeAmount {
        /// What stands there.
        value: String,
    },
    /// A discount of more than everything.
    #[error("{value} percent is more than everything: write at most 100")]
    AboveAllOfIt {
        /// What stands there.
        value: String,
    },
    /// An id that another of its kind has.
    #[error("{id} is taken: ids of a kind must differ, and charges and fees share one name space")]
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A meter that the plan does not list.
    #[error("{id} is not a meter of this plan: list it under \"meters\"")]
    NoSuchMeter {
        /// The id.
        id: String,
    },
    /// A line that the plan does not list.
    #[error("{id} is neither a charge nor a fee of this plan")]
    NoSuchLine {
        /// The id.
        id: String,
    },
    /// A dimension that the charge's meter does not have.
    #[error("{name} is not a dimension of the meter {meter}: list it under its \"dimensions\"")]
    NoSuchDimension {
        /// The dimension.
        name: String,
        /// The meter.
        meter: String,
    },
    /// Something is in currency, and the plan names none.
    #[error("is in currency, and the plan has none: add \"currency\"")]
    CurrencyMissing,
    /// Something is in credits, and the plan does not say what a credit is.
    #[error("is in credits, and the plan has no rules for them: add \"credits\"")]
    CreditRulesMissing,
    /// What is missing of a commit is billed in money, and the plan does not say what a credit is
    /// worth.
    #[error("is in credits, and they have no value: add \"value\" to \"credits\"")]
    CreditValueMissing,
    /// A percentage on a meter whose value is not the sum of its events' own.
    #[error("{meter} is not a meter of single events: use one that counts or sums them")]
    NotByEvent {
        /// The meter.
        meter: String,
    },
    /// A bound that does not rise.
    #[error("{up_to} is not above {previous}, the end of the tier before: tiers must rise")]
    TierNotAbovePrevious {
        /// The bound.
        up_to: String,
        /// The bound before it, or 0.
        previous: String,
    },
    /// Quantities above the last bound would have no price.
    #[error("ends at {up_to}, and nothing prices what is above: leave out the last \"up_to\"")]
    LastTierClosed {
        /// The bound.
        up_to: String,
    },
    /// An open tier before another one.
    #[error("is open, and another tier follows: give it an \"up_to\"")]
    OpenTierNotLast,
    /// A step on the quantity after one on the amount.
    #[error("works on the quantity: put it before those that work on the amount")]
    AdjustmentOutOfOrder,
    /// A step on one total, for a price of many.
    #[error("needs one total quantity, and a {model} price has none: take it out")]
    AdjustmentNeedsTotal {
        /// The model.
        model: &'static str,
    },
    /// Windows need a total per window, and a meter that makes them.
    #[error("needs a meter with \"window_ms\" and a price of a total quantity")]
    WindowsMissing,
    /// A property that the aggregation needs.
    #[error("is missing: this aggregation needs a value of each event")]
    PropertyMissing,
    /// A property that the aggregation would ignore.
    #[error("has no use: a count does not look at values")]
    PropertyUnused,
    /// A cap below a floor.
    #[error("{minimum} is above {maximum}, the maximum: lower it")]
    MinimumAboveMaximum {
        /// The minimum.
        minimum: String,
        /// The maximum.
        maximum: String,
    },
    /// A division with endless decimals, without a rounding.
    #[error("dividing by {factor} does not always end: add a \"rounding\"")]
    DivisionNeverEnds {
        /// The divisor.
        factor: String,
    },
    /// Even a whole quantity would give an amount with too many decimal places.
    #[error("amounts would need {places} decimal places, and {max} are kept: use fewer digits")]
    ProductTooFine {
        /// How many are needed.
        places: u32,
        /// How many are kept.
        max: u32,
    },
    /// A precomputed sum leaves the range of exact numbers.
    #[error("the sum of the tiers up to here has too many digits: use fewer or smaller ones")]
    SumTooLarge,
    /// Two entries match the same combination equally well.
    #[error("matches the same combinations as entry {other}: add an entry for both, or change one")]
    AmbiguousEntry {
        /// The other entry, counted from 0.
        other: usize,
    },
    /// Exactly one of two fields is needed.
    #[error("needs exactly one of {known}")]
    ExactlyOneOf {
        /// The fields.
        known: &'static str,
    },
    /// An override of a field that is not there.
    #[error("points at nothing: name a field of the plan, and elements of lists by their id")]
    NothingThere,
    /// An override of what names the plan.
    #[error("names the plan: an override cannot change it")]
    NotOverridable,
    /// A period that does not begin before it ends.
    #[error("{at} is not after {previous}: instants must rise")]
    InstantNotAfter {
        /// The instant, in milliseconds since 1970.
        at: i64,
        /// The one before it.
        previous: i64,
    },
}

impl Fault {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::DocumentTooLong { .. } => "document_too_long",
            Self::NotJson { .. } => "not_json",
            Self::WrongType { .. } => "wrong_type",
            Self::DuplicateField => "duplicate_field",
            Self::UnknownField { .. } => "unknown_field",
            Self::MissingField => "missing_field",
            Self::NotOneOf { .. } => "not_one_of",
            Self::Number { reason, .. } => reason.code(),
            Self::Id { reason, .. } => reason.code(),
            Self::Currency { .. } => "unknown_currency",
            Self::Cadence { .. } => "not_a_cadence",
            Self::IntegerOutOfRange { .. } => "integer_out_of_range",
            Self::TextLength { .. } => "text_length",
            Self::NotAPointer { .. } => "not_a_pointer",
            Self::EmptyList => "empty_list",
            Self::TooMany { .. } => "too_many",
            Self::NotPositive => "not_positive",
            Self::NegativePrice { .. } => "negative_price",
            Self::NegativeAmount { .. } => "negative_amount",
            Self::AboveAllOfIt { .. } => "above_all_of_it",
            Self::DuplicateId { .. } => "duplicate_id",
            Self::NoSuchMeter { .. } => "no_such_meter",
            Self::NoSuchLine { .. } => "no_such_line",
            Self::NoSuchDimension { .. } => "no_such_dimension",
            Self::CurrencyMissing => "currency_missing",
            Self::CreditRulesMissing => "credit_rules_missing",
            Self::CreditValueMissing => "credit_value_missing",
            Self::NotByEvent { .. } => "meter_not_by_event",
            Self::TierNotAbovePrevious { .. } => "tier_not_above_previous",
            Self::LastTierClosed { .. } => "last_tier_closed",
            Self::OpenTierNotLast => "open_tier_not_last",
            Self::AdjustmentOutOfOrder => "adjustment_out_of_order",
            Self::AdjustmentNeedsTotal { .. } => "adjustment_needs_total",
            Self::WindowsMissing => "windows_missing",
            Self::PropertyMissing => "property_missing",
            Self::PropertyUnused => "property_unused",
            Self::MinimumAboveMaximum { .. } => "minimum_above_maximum",
            Self::DivisionNeverEnds { .. } => "division_never_ends",
            Self::ProductTooFine { .. } => "product_too_fine",
            Self::SumTooLarge => "sum_too_large",
            Self::AmbiguousEntry { .. } => "ambiguous_entry",
            Self::ExactlyOneOf { .. } => "exactly_one_of",
            Self::NothingThere => "nothing_there",
            Self::NotOverridable => "not_overridable",
            Self::InstantNotAfter { .. } => "instant_not_after",
        }
    }
}

impl From<Inexact> for Fault {
    fn from(_: Inexact) -> Self {
        Self::SumTooLarge
    }
}
