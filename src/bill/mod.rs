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

use wasm_bindgen::prelude::wasm_bindgen;

pub use check::BillCheck;
pub use statement::Statement;

#[wasm_bindgen(typescript_custom_section)]
const STATEMENT_TYPES: &str = include_str!("statement.d.ts");
#[wasm_bindgen(typescript_custom_section)]
const CHECK_TYPES: &str = include_str!("check.d.ts");
