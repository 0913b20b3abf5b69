//! What the page's bill views call: invoices, what they would be, and whether they are right.
//!
//! ```text
//! GET …/statement, sliders, plans ─────▶ statement::Statement ──▶ bills, what they would be
//! the journal's bytes, statement, bill ▶ check::Check ─────────▶ findings, a verdict
//! ```
//!
//! Rating, invoices and the journal's rules are four times what live numbers need, so they are a
//! file of their own, loaded when the first such view is opened. Nothing is decided here: each
//! function converts, calls, converts back.

mod check;
mod statement;

use serde::Serialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

pub use check::BillCheck;
pub use statement::Statement;

use crate::script::thrown;

#[wasm_bindgen(typescript_custom_section)]
const STATEMENT_TYPES: &str = include_str!("statement.d.ts");
#[wasm_bindgen(typescript_custom_section)]
const CHECK_TYPES: &str = include_str!("check.d.ts");

/// What the core gave, as a plain object: by way of JSON, whose writer is in this file for the
/// hash of an invoice.
fn give(value: &impl Serialize) -> Result<JsValue, JsValue> {
    let text = serde_json::to_string(value);
    js_sys::JSON::parse(&text.map_err(|error| thrown("not_json", &error.to_string()))?)
}
