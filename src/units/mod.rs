//! What this crate computes with: quantities, credits, prices, money, instants, dates, ids; and the
//! only arithmetic allowed on them.
//!
//! ```text
//! Quantity (meter units) × UnitPrice (credits or currency / meter unit) = Amount (exact)
//! Amount ──▶ Credits (exact)    Amount ── Money::round ──▶ Money (minor units of a Currency)
//! ```
//!
//! Each number is an exact [`rust_decimal::Decimal`] with at most [`SCALE_MAX`] decimal places, and
//! is a string on every wire (JSON, SQLite, JavaScript). Every sum and product is exact or
//! [`Inexact`]. Parsing, serde included, goes through the checked constructors.

mod amount;
mod cadence;
mod civil;
mod currency;
pub mod exact;
mod id;
mod money;
mod number;
pub(crate) mod once_each;
pub(crate) mod order;
pub mod round;
mod text;
mod time;

pub use amount::Amount;
pub use cadence::{Cadence, CadenceError};
pub use civil::{Date, DateError, MILLIS_PER_DAY};
pub use currency::{Currency, UnknownCurrency};
pub use exact::Inexact;
pub use id::{
    AccountId, ChargeId, ContractId, DiscountId, FeeId, GrantId, IdError, KeyId, LineId, MeterId,
    PlanId, TaxId,
};
pub use money::{MINOR_UNITS_MAX, Money, MoneyError};
pub use number::{Credits, NumberError, Percentage, Quantity, UnitPrice, parse_decimal};
pub use round::Rounding;
pub use time::Timestamp;

/// Decimal places of a quantity, a price and an amount of credits, at most.
pub const SCALE_MAX: u32 = 12;

/// Digits before the point of a quantity, a price and an amount of credits, at most.
///
/// 10^16 credits of a millionth of a cent each are still a hundred million dollars.
pub const INTEGER_DIGITS_MAX: u32 = 16;

const _: () = assert!(SCALE_MAX + INTEGER_DIGITS_MAX <= 28, "a Decimal holds 28 digits");
