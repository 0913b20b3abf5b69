//! What an operation used, read from its request and from its answer: tokens, pages, rows, bytes.
//!
//! ```text
//! route's JSON ── Reader::check ──▶ Reader
//!   request ── reader.asked ──▶ Asked { dimensions, known, bound, most }      what to reserve
//!                                 │ asked.rewritten(body, affordable)         what the origin gets
//!   answer ─── Scanner::new(reader, asked, status, headers)
//!                push(chunk) ──▶ None: pass the chunk on │ Some: this instead
//!                used_at_most()                             what a slice is held against
//!                finish() ──▶ what was held back
//!                result(ended, ms) ──▶ Read { uses, estimated, missing }      what to settle
//! ```
//!
//! A preset (`openai_chat`, `openai_responses`, `anthropic_messages`) knows where its protocol says
//! what was asked for and what was used; `generic` is told by header names and JSON pointers. The
//! answer is walked byte by byte as it passes (`walk`): nothing of it is kept but the values
//! looked for, so there is no size at which usage gets lost, and where the network cuts it changes
//! nothing.
//!
//! Invariants: the client gets the origin's bytes, except for what was asked for on the meter's
//! behalf (`stream_options.include_usage`), which is taken out again; a number that is not a whole
//! number of tokens is never charged; an answer of status 400 and above, and one that breaks off or
//! fails before its first token, costs nothing.

mod ask;
mod check;
mod error;
mod members;
mod paths;
mod rewrite;
mod said;
mod scan;
mod skim;
mod spec;
mod sse;
mod strip;
mod tokens;
mod walk;
mod written;

pub use ask::{Asked, Bound, Lowerable, Reading};
pub use check::Reader;
pub use error::{Fault, ReaderError};
pub use said::{Ended, Missing, Read};
pub use scan::Scanner;
pub use spec::{
    DimensionSpec, OnDisconnect, Protocol, QuantitySpec, ReaderSpec, Source, TokenCharges,
};
pub use tokens::UsageFault;

/// Tokens of one answer, and of a bound on it, at most: a thousand of today's largest contexts.
pub const TOKENS_MAX: u64 = 1_000_000_000;
/// Quantities, and dimensions, of a generic reader.
pub const QUANTITIES_MAX: usize = 16;
/// Bytes of a usage object or of a value at a pointer; none is near it.
pub const VALUE_BYTES_MAX: usize = 64 << 10;
/// Bytes of an event that is held back until it is whole, to take something out of it.
pub const HELD_BYTES_MAX: usize = 1 << 20;
