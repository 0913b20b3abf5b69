//! Reports and checks of whole journals: random accounts under every kind of entry, an oracle that
//! adds up the raw JSON, and forgers.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

mod clean;
mod forged;
mod forgers;
mod places;
mod plans;
mod report;
mod story;
