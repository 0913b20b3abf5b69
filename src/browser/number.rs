//! Exact decimals in the reader's locale, for amounts that the page has as texts.

use rust_decimal::Decimal;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::live::NumberStyle;

/// Writes every digit of a decimal, as the reader's locale writes numbers.
///
/// # Errors
///
/// The text is not a decimal, or the style cannot write a number.
#[wasm_bindgen]
pub fn write(
    decimal: &str,
    #[wasm_bindgen(unchecked_param_type = "NumberStyle")] style: JsValue,
) -> Result<String, JsError> {
    let style: NumberStyle = serde_wasm_bindgen::from_value(style)?;
    let value: Decimal = decimal.parse()?;
    Ok(style.write(value))
}
