//! What a page may load when it is asked for a preview: rating, and nothing else. The customer's
//! page does not do so yet.
//!
//! ```text
//! a plan and its use, as JSON ──▶ wire::rate ──▶ amounts and an invoice, as JSON
//! ```
//!
//! A file of its own beside [`browser`](crate::browser): plans, prices and invoices are several
//! times the size of the live numbers, and a page that only shows a balance must not wait for them.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::wire;

/// What use costs under a plan: see [`wire::rate`]. The question is bytes of UTF-8, as they come
/// over the network or from a `TextEncoder`: a string would be copied character by character.
#[wasm_bindgen]
#[must_use]
pub fn rate(request: &[u8]) -> String {
    wire::rate_utf8(request)
}
