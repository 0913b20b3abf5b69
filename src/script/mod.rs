//! JavaScript values at the edge of the page's wasm.
//!
//! ```text
//! object ── JSON.stringify ──▶ text ── serde ──▶ what the core takes
//! thrown: an Error with the core's message, and its stable code as `code`
//! ```
//!
//! Read as JSON, by the core's own reader: it refuses what it does not know, and a reader of
//! objects beside it would be a second one in a file that a customer waits for.

use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};

use crate::json::from_text;

/// What the page gave, as the core takes it.
pub(crate) fn read<T: DeserializeOwned>(value: &JsValue) -> Result<T, JsValue> {
    let text = js_sys::JSON::stringify(value)?;
    // What JSON cannot say, like undefined, is no string either.
    let text = text.dyn_into::<js_sys::JsString>().map(String::from);
    let text = text.unwrap_or_else(|_| "null".to_owned());
    from_text(&text).map_err(|error| thrown("not_as_typed", &error.to_string()))
}

/// An error for the page.
pub(crate) fn thrown(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // A new error takes any property.
    let _ = js_sys::Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
