//! What things cost: plans as JSON, checked once, then rated for ever.
//!
//! ```text
//! JSON text ── read ──▶ PlanSpec ── check ──▶ Plan { spec, charges, hash }
//! Plan + overrides + phases + an instant ── Contract ──▶ effective Plan
//! ```
//!
//! A plan that loads can be rated: tiers are in order and open at the end, every product fits, every
//! name that is mentioned exists. Everything else is refused with the path of the field.

mod adjust;
mod meter;
mod price;
mod spec;

pub use adjust::{Adjustment, Conversion, Operation, Round};
pub use meter::{Aggregation, MeterSpec};
pub use price::{MatrixEntry, PercentTierSpec, PercentageSpec, PriceSpec, StepSpec, TierSpec};
pub use spec::{
    AtZero, BurnOrder, ChargeSpec, ChargeUnit, Combination, CommitSpec, CreditRules, DiscountSpec,
    FeeSpec, GrantKind, Off, PlanSpec, PriceEach, Proration, RecurringGrant, Rollover, TaxSpec,
    Timing,
};
