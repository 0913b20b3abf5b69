//! Statements: what loads, what it is billed, and what would be billed otherwise.
//!
//! ```text
//! bill        of one stretch: wire::rate's answer, byte for byte; grants in the ledger's order
//! projected   at the period's end: the bill; halfway: twice the use of the stretch that goes on
//! what_if     factor 1 and today's plan: the bill; each side against a bill of its own statement
//! fit         each number against a what_if, each reason at its bound
//! ```

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first thing that is off"
)]

mod bill;
mod fit;
mod given;
mod load;
mod project;
mod what_if;
