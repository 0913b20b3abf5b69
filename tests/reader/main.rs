//! The reader room: what an operation used, from its request and from its answer.
//!
//! `answers/` holds answers in the protocols' real formats, `answers.json` what each of them comes
//! to. The laws: where the network cuts an answer changes nothing; taking out what was put in gives
//! the stream without it. `SEED=n` replays a random run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test may panic, its helpers too"
)]

mod answers;
mod readers;
mod replay;
mod requests;
mod usage;
