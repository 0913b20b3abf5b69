//! Credit control (the terms of RFC 8506): the account object is the server, each isolate a client.
//! No I/O: the gateway and the account object drive it on the platform, a test drives it anywhere.
//!
//! ```text
//!   isolate                                             account
//!   Client ── Request: report, refunds, owed, debit, wish ──▶ serve() ── Session ──▶ journal row
//!          ◀── Answer: acked, verdict, granted, validity, balance; plan and keys if new ──
//! ```
//!
//! Counters are cumulative (`granted` raised by the account, `used` and `returned` by the isolate),
//! so a message that is repeated, reordered or lost changes nothing. A lease's operations are
//! numbered; the account burns each number once.

mod admission;
mod client;
mod denials;
mod failure;
mod lease_book;
mod message;
mod once;
mod prices;
mod rate;
mod serve;
mod sizing;

pub use admission::{Admission, Flush, Held, OnceRefusal, Operation, Paid};
pub use client::{Again, Client, End, Known};
pub use denials::Denials;
pub use failure::{FailureHandling, Retry};
pub use message::{Answer, DebitAnswer, KeyList, Report, Request, VERSION, Wish};
pub use once::{IN_FLIGHT_MS, KnownOnce, ONCE_MS, Once, REPEATS_MAX};
pub use serve::serve;

/// How long an isolate may spend a lease after asking for it, in milliseconds (RFC 8506
/// Validity-Time), while the account is far from empty.
pub const VALIDITY_MS_MAX: i64 = 10_000;
/// The same near the bottom, where credits must come back soon.
pub const VALIDITY_MS_MIN: i64 = 1_000;
/// How long an isolate may refuse from memory after the account could not pay, in milliseconds.
pub const DENIAL_MS: i64 = 500;
/// How often an isolate reports what it spent, in milliseconds, and how long a lease may be idle
/// before it is given back (RFC 8506 Quota-Holding-Time).
pub const REPORT_MS: i64 = 1_000;
/// Operations that one report carries, at most; an isolate with more unreported ones pays directly.
pub const REPORT_OPERATIONS_MAX: usize = 5_000;
