//! The ledger, command by command: a row of a table is one command and the balance after it.
//!
//! ```text
//! at   command                                   available held burned expired
//! ```
//!
//! `check` is the only place that touches the ledger; it also replays the journal after each row,
//! so every command is proven to be recorded completely.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

mod audit;
mod billing;
mod book;
mod changes;
mod closing;
mod elsewhere;
mod event_cases;
mod events;
mod grants;
mod included;
mod keys;
mod leases;
mod limits;
mod owed;
mod reservations;
mod statements;
mod top_ups;
mod uses;
mod zero;
