//! edgemeter: a meter with a gate for APIs.
//!
//! The tree is the data flow; a room names only rooms above it.
//!
//! ```text
//! units      Quantity, Credits, Money, UnitPrice, Timestamp, ids: exact arithmetic, limits
//! json       documents as they were written: the page's one reader of texts
//! plan       PlanSpec (raw JSON) → Plan (checked): what things cost, and what is metered
//! meter      events → mergeable states by window and dimensions → quantities
//! calendar   billing periods in the contract's own time zone, kept as instants
//! rating     usage × price → amount, explained
//! ledger     grants, burn order, leases, journal: decide → entry → apply; replay
//! reader     what an operation used: read from its request and, as it passes, from its answer
//! control    credit control: the isolate's lease states and the messages to the account
//! simulation feature cli: isolates, an account and a bad network in virtual time, audited
//! live       what the account tells its page: messages, sequence, the last minute
//! invoice    lines, true-up, discounts, tax, credits; preview = the same function
//! statement  what a period's invoice asks, as data: the bill, projected, re-rated, what fits
//! report     usage by time and dimension, from the journal's rows
//! check      a bill, by its statement and its journal: every operation rated again
//! wire       a question and an answer in JSON: what every build exports alike
//! edge       feature edge: the gateway and the account object on Cloudflare Workers / workerd
//! script     features browser, bill: JavaScript values at the page's edge
//! browser    feature browser: what the customer's page calls from the start, live numbers
//! bill       feature bill: what its views of bills call, loaded when one is opened
//! preview    feature preview: rating for hosts, what something would cost by its events
//! bin        feature cli: edgemeter rate | preview | backtest | verify | usage | check | …
//! ```
//!
//! The rooms before `edge` do no I/O and know no clock, no randomness and no JavaScript: time and
//! ids are arguments, so the three builds compute the same bytes.

#[cfg(all(
    target_arch = "wasm32",
    any(
        all(feature = "edge", feature = "browser"),
        all(feature = "edge", feature = "bill"),
        all(feature = "edge", feature = "preview"),
        all(feature = "browser", feature = "bill"),
        all(feature = "browser", feature = "preview"),
        all(feature = "bill", feature = "preview"),
    )
))]
compile_error!(
    "one artefact at a time: build `edge`, `browser`, `bill` and `preview` apart for wasm32"
);

pub mod calendar;
pub mod check;
pub mod control;
pub mod invoice;
mod json;
pub mod ledger;
pub mod live;
pub mod meter;
pub mod plan;
pub mod rating;
pub mod reader;
pub mod report;
pub mod statement;
pub mod units;
pub mod wire;

#[cfg(feature = "bill")]
pub mod bill;
#[cfg(feature = "browser")]
pub mod browser;
#[cfg(feature = "edge")]
pub mod edge;
#[cfg(feature = "preview")]
pub mod preview;
#[cfg(any(feature = "browser", feature = "bill"))]
mod script;
#[cfg(feature = "cli")]
pub mod simulation;
