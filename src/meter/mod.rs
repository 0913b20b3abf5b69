//! What was used: events, and the meters that make quantities of them.
//!
//! ```text
//! Event ── Meter::measure ──▶ (dimensions, Sample) ── Tally::record ──▶ State by window and
//!   CloudEvents 1.0             pointer, filter                           dimensions
//!                                                                         │ merge: day → month
//!                             Quantity ◀── round, convert ◀── Measure ◀───┘ State::value(window)
//! ```
//!
//! Nothing here knows a price. Numbers are read from the text of an event, never from a float;
//! states merge in any order, so it does not matter who counted what first.

mod aggregate;
mod convert;
mod data;
mod dedup;
mod definition;
mod event;
mod measure;
mod pointer;
mod rfc3339;
mod tally;
mod unique;
mod weighted;
mod window;

pub use aggregate::{AggregateError, Average, Contribution, Latest, Sample, State};
pub use convert::{converted, rounded};
pub use data::{BorrowedText, Data, PropertyError, json_number};
pub use dedup::{SEEN_MAX, Seen, TooManySeen};
pub use definition::{DIMENSION_BYTES_MAX, MeasureError, Meter, MeterError};
pub use event::{ATTRIBUTE_BYTES_MAX, EVENT_BYTES_MAX, Event, EventError};
pub use measure::Measure;
pub use pointer::{Pointer, PointerError};
pub use rfc3339::{parse_rfc3339, parse_without_offset};
pub use tally::{STATES_MAX, Tally, TallyError, VALUES_MAX};
pub use unique::{UNIQUE_MAX, Unique, UniqueError};
pub use weighted::Weighted;
pub use window::{EmptyWindow, Window};
