//! What a host may load to say what something would cost: rating by events, and nothing else.
//!
//! ```text
//! a plan and its use, as JSON ──▶ wire::rate ──▶ amounts and an invoice, as JSON
//! ```
//!
//! A file of its own beside [`browser`](crate::browser): made for a million events a second, it is
//! several times the size of what the customer's page asks of a statement.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::wire;

/// What use costs under a plan: see [`wire::rate`]. The question is bytes of UTF-8, as they come
/// over the network or from a `TextEncoder`: a string would be copied character by character.
#[wasm_bindgen]
#[must_use]
pub fn rate(request: &[u8]) -> String {
    wire::rate_utf8(request)
}
