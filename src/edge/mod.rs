//! The gateway and its objects on Cloudflare Workers or workerd. The only room that names `worker`.
//!
//! ```text
//! entry.js   holds the request and the fetch
//!   │              known.js: what was paid a moment ago; page.js, panic.js, refusals.js
//!   ├─▶ exports  admit, again, answered, settle, renew, flush, persist: synchronous  gateway/
//!   │              key.rs checks a key, route.rs finds what a request is
//!   ├─▶ Account  one object per customer: ledger, journal, live sockets             account.rs
//!   │              its SQLite: store/; what an auditor asks of it: audit.rs; what an operator
//!   │              changes by hand: correction.rs; its contract's periods: contract.rs;
//!   │              events from elsewhere: events.rs; what is shown of it: description.rs,
//!   │              live.rs, and to whom: sockets.rs
//!   ├─▶ Catalog  one object: plans, routes, the portal, the list of accounts        catalog.rs
//!   ├─▶ fetch    the control API under /v1                                          api/
//!   └─▶ rate     what use costs, as in the other builds; behind no route
//! ```
//!
//! Shells only convert, call, and convert back: what an operation costs and who pays is decided in
//! the rooms above. Nothing outside this folder names `worker`.

mod account;
mod api;
mod audit;
mod authorize;
mod budget;
mod catalog;
mod config;
mod contract;
mod correction;
mod denial;
mod description;
mod events;
mod failure;
mod gateway;
mod key;
mod live;
mod once;
mod pages;
mod path;
mod portal;
mod problem;
mod route;
mod rpc;
mod sockets;
mod store;
mod usage;

use wasm_bindgen::prelude::wasm_bindgen;
use worker::{Context, Env, Request, Response, event};

/// The control API. entry.js sends only what it did not take for metered traffic.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> worker::Result<Response> {
    api::handle(request, env).await
}

/// What use costs under a plan, as JSON: see [`crate::wire::rate`].
#[wasm_bindgen]
#[must_use]
pub fn rate(request: &str) -> String {
    crate::wire::rate(request)
}

/// JavaScript's clock is a double of milliseconds; 2^53 of them are 285 thousand years.
#[expect(clippy::disallowed_types, clippy::cast_possible_truncation, reason = "Date.now()")]
fn timestamp(now: f64) -> crate::units::Timestamp {
    crate::units::Timestamp::from_millis(now as i64)
}

/// The wall clock; it stands still between awaits.
fn now() -> crate::units::Timestamp {
    timestamp(js_sys::Date::now())
}
