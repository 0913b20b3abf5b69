//! What the check-my-bill view calls: [`check`](crate::check) with JavaScript values at its edges.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::give;
use crate::check::{Check, Seen};
use crate::script::{read, thrown};

/// A check of one bill: see [`Check`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct BillCheck {
    check: Option<Check>,
}

#[wasm_bindgen]
impl BillCheck {
    /// A check of a period by its statement and, if there is one, the bill that was sent: both as
    /// the account serves them. `seen`: a row that was seen before.
    ///
    /// # Errors
    ///
    /// Its `code` is one of [`CheckError::code`](crate::check::CheckError::code).
    #[wasm_bindgen(constructor)]
    pub fn new(
        statement: &str,
        #[wasm_bindgen(unchecked_optional_param_type = "string | undefined")] bill: Option<String>,
        #[wasm_bindgen(unchecked_optional_param_type = "Seen")] seen: &JsValue,
    ) -> Result<Self, JsValue> {
        let seen: Option<Seen> = read(seen)?;
        let check = Check::new(statement, bill.as_deref(), seen);
        let check = check.map_err(|error| thrown(error.code(), &error.to_string()))?;
        Ok(Self { check: Some(check) })
    }

    /// What to ask the journal with: `GET …/journal?after=`.
    #[wasm_bindgen(getter, unchecked_return_type = "number")]
    pub fn after(&self) -> Result<JsValue, JsValue> {
        give(&self.check.as_ref().map_or(0, Check::after))
    }

    /// Takes the next bytes of the journal, cut anywhere; how far the check is.
    ///
    /// # Errors
    ///
    /// It was finished.
    #[wasm_bindgen(unchecked_return_type = "CheckProgress")]
    pub fn take(&mut self, bytes: &[u8]) -> Result<JsValue, JsValue> {
        let check = self.check.as_mut().ok_or_else(finished)?;
        check.take(bytes);
        give(&check.progress())
    }

    /// What it came to, once all rows were taken.
    ///
    /// # Errors
    ///
    /// It was finished before.
    #[wasm_bindgen(unchecked_return_type = "Verdict")]
    pub fn finish(&mut self) -> Result<JsValue, JsValue> {
        give(&self.check.take().ok_or_else(finished)?.finish())
    }
}

fn finished() -> JsValue {
    thrown("check_finished", "the check is finished: begin another one")
}
