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
//! The account's side of it is [`Tallies`], [`Standing`] and [`Pace`]. Invariants: a message that
//! is refused changes nothing; what is shown always adds up; memory is bounded by the limits below,
//! whatever the account does.

mod error;
mod feed;
mod kept;
mod message;
mod minute;
mod pace;
mod runway;
mod spending;
mod standing;
mod style;
mod tally;
mod view;

pub use error::FeedError;
pub use feed::{Feed, Outcome};
pub use message::{
    Balance, Call, GrantLeft, Kind, Message, MoreGrants, PlanVersion, Second, Span, Tally, Zero,
    ZeroRule,
};
pub use minute::{Minute, SecondView};
pub use pace::{Pace, Turn};
pub use runway::{Runway, Supply, runway};
pub use spending::{GrantView, MoreGrantsView, RunwayView, TallyView, ZeroView};
pub use standing::Standing;
pub use style::{NumberStyle, StyleError};
pub use tally::{Run, Tallies, Told};
pub use view::{Amounts, CallView, Gate, Shares, View};

/// Seconds of calls that a snapshot holds and the chart shows, the current one included.
pub const WINDOW_SECONDS: u16 = 60;

/// Seconds of calls in one message, and kept by a page, at most: the window, and as much again for
/// an account that rounds its minute outwards and a page whose clock is behind.
pub const SECONDS_MAX: usize = 2 * WINDOW_SECONDS as usize;

/// Calls in a message's `recent` and in the list on the page, at most.
pub const RECENT_CALLS_MAX: usize = 20;

/// Grants that a message lists one by one, at most.
pub const GRANTS_MAX: usize = 20;

/// Routes, and keys, that are counted by name at a time, at most.
pub const NAMES_MAX: u8 = 20;

/// Minutes before the current one that `lately` goes back, at most.
pub const LATELY_MINUTES: i64 = 9;

/// Bytes of one message, at most: a snapshot of 60 seconds with 20 routes and 20 keys in each
/// needs a half.
pub const MESSAGE_BYTES_MAX: usize = 128 * 1024;
