//! What this crate computes with: quantities, credits, prices, instants, ids; and the only
//! arithmetic allowed on them.
//!
//! ```text
//! Quantity (meter units) × UnitPrice (credits / meter unit) = Credits
//! ```
//!
//! Each number is an exact [`rust_decimal::Decimal`] with at most [`SCALE_MAX`] decimal places, and
//! is a string on every wire (JSON, SQLite, JavaScript). Every sum and product is exact or
//! [`Inexact`]. Parsing, serde included, goes through the checked constructors.

pub mod exact;
mod id;
mod number;
mod time;

pub use exact::Inexact;
pub use id::{AccountId, ChargeId, GrantId, IdError, KeyId, PlanId};
pub use number::{Credits, NumberError, Quantity, UnitPrice, parse_decimal};
pub use time::Timestamp;

/// Decimal places of a quantity, a price and an amount of credits, at most.
pub const SCALE_MAX: u32 = 12;

/// Digits before the point of a quantity, a price and an amount of credits, at most.
///
/// 10^16 credits of a millionth of a cent each are still a hundred million dollars.
pub const INTEGER_DIGITS_MAX: u32 = 16;

const _: () = assert!(SCALE_MAX + INTEGER_DIGITS_MAX <= 28, "a Decimal holds 28 digits");
