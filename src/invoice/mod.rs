//! What a period costs: invoices, and previews of them, by one pure function.
//!
//! ```text
//! zone + schedule ──▶ Period [start, end)
//! events ── meters ──▶ usage per charge ── rating ──▶ lines ── settle ──▶ Invoice
//! ```

mod period;
mod settle;
mod zone;

pub use period::{Period, PeriodError, Schedule};
pub use settle::{On, SettleError, Settled, Share, Totals, settle};
pub use zone::{CHANGES_MAX, OFFSET_MINUTES_MAX, Zone, ZoneError, ZoneSpec};
