//! Exact decimals in the reader's locale.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::live::NumberStyle;
use crate::script::{read, thrown};
use crate::units::Amount;

/// Writes every digit of an exact decimal, the zeros at its end too, as a locale writes numbers.
///
/// # Errors
///
/// The text is not a decimal (`not_a_decimal`, …), or the style cannot write a number.
#[wasm_bindgen]
pub fn write(
    decimal: &str,
    #[wasm_bindgen(unchecked_param_type = "NumberStyle")] style: &JsValue,
) -> Result<String, JsValue> {
    let style: NumberStyle = read(style)?;
    decimal.parse::<Amount>().map_err(|error| thrown(error.code(), &error.to_string()))?;
    Ok(style.write_digits(decimal))
}
