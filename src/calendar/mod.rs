//! When a contract's periods begin and end: days on the wall of its zone, kept as instants.
//!
//! ```text
//! anchor day + cadence + zone ──▶ Schedule ── index or instant ──▶ Period [start, end)
//! ```
//!
//! Who closes a period, who bills it and who only looks at it cut time by this one rule. Nothing
//! here knows what time it is, and a zone is a table of offsets: the same everywhere, for ever.

mod period;
mod zone;

pub(crate) use period::Steps;
pub use period::{Period, PeriodError, STEPS_MAX, Schedule};
pub use zone::{CHANGES_MAX, OFFSET_MINUTES_MAX, Zone, ZoneError, ZoneSpec};
