//! Turns usage into amounts. Pure: no clock, no I/O, no randomness, no floats.

mod usage;

pub use usage::{Event, EventUsage, Usage, UsageError};
