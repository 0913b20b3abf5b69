//! How large a plan may be: every list and text has an end.

/// Bytes of a plan's or a contract's JSON text.
pub const PLAN_BYTES_MAX: usize = 1 << 20;
/// Meters of a plan.
pub const METERS_MAX: usize = 200;
/// Filters, and dimensions, of a meter.
pub const DIMENSIONS_MAX: usize = 16;
/// Values that a filter lets pass.
pub const FILTER_VALUES_MAX: usize = 200;
/// Charges of a plan.
pub const CHARGES_MAX: usize = 500;
/// Tiers of a price.
pub const TIERS_MAX: usize = 1_000;
/// Entries of a matrix price.
pub const MATRIX_ENTRIES_MAX: usize = 1_000;
/// Adjustments of a charge.
pub const ADJUSTMENTS_MAX: usize = 16;
/// Fees of a plan.
pub const FEES_MAX: usize = 100;
/// Discounts, taxes and recurring grants of a plan, each.
pub const EXTRAS_MAX: usize = 50;
/// Characters of a name, of a dimension's value, of an event type.
pub const TEXT_CHARACTERS_MAX: usize = 200;
/// Tokens of a JSON pointer: an event is not a document.
pub const POINTER_TOKENS_MAX: usize = 8;
/// Bytes of a JSON pointer.
pub const POINTER_BYTES_MAX: usize = 256;
/// Longest window of a meter, in milliseconds: 366 days.
pub const WINDOW_MS_MAX: i64 = 366 * 86_400_000;
/// Decimal places that credits keep; more would be a rounding.
pub const CREDIT_PLACES_MAX: u32 = crate::units::SCALE_MAX;
/// Decimal places of an amount of currency before it is rounded.
pub const AMOUNT_PLACES_MAX: u32 = 24;
/// Phases of a contract.
pub const PHASES_MAX: usize = 50;
/// Overrides of a contract or a phase.
pub const OVERRIDES_MAX: usize = 200;
