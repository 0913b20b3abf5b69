//! What a customer's page is told while calls are made, and what it shows of it.
//!
//! ```text
//! account object ── Message (snapshot, then deltas by seq) ──▶ Feed ── view(now) ──▶ View ──▶ page
//! ```
//!
//! Both ends use the same [`Message`], so that the account object cannot say what the page does not
//! understand. [`Feed`] is the page's side without the page: it checks every message, notices gaps,
//! keeps the last minute, and writes amounts as the reader's locale writes them. A decimal is never
//! anything but a decimal on its way from the wire to the screen.
//!
//! Invariants: a message that is refused changes nothing; what is shown always adds up; memory is
//! bounded by the limits below, whatever the account does.

mod feed;
mod message;
mod style;
mod view;

pub use feed::{Feed, FeedError, Outcome};
pub use message::{Balance, Call, Kind, Message, PlanVersion, Second};
pub use style::{NumberStyle, StyleError};
pub use view::{Amounts, CallView, Gate, Minute, SecondView, Shares, View};

/// Seconds of calls that a snapshot holds and the chart shows, the current one included.
pub const WINDOW_SECONDS: u16 = 60;

/// Seconds of calls in one message, and kept by a page, at most: the window, and as much again for
/// an account that rounds its minute outwards and a page whose clock is behind.
pub const SECONDS_MAX: usize = 2 * WINDOW_SECONDS as usize;

/// Calls in a message's `recent` and in the list on the page, at most.
pub const RECENT_CALLS_MAX: usize = 20;

/// Bytes of one message, at most: its seconds and 20 calls with long routes need a third.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
