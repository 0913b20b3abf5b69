//! Credit control, said line by line: what an isolate asks, what the account answers, and what
//! becomes of the requests.
//!
//! ```text
//! <ms> pay | flush | answer | …   → what it says      talk.rs has the words
//! <ms> grant | visit | …          → available held burned
//! ```

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

mod decisions;
mod leases;
mod reservations;
mod talk;
