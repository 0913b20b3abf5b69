//! What the customer's page calls: [`Feed`] with JavaScript values at its edges.
//!
//! ```text
//! socket text, Date.now(), Intl's pieces ──▶ live::Feed ──▶ a plain object to paint
//! ```
//!
//! Nothing is decided here: each function converts, calls, converts back. Instants are JavaScript
//! numbers that hold an integer, amounts are strings in both directions.

mod number;

use serde::Serialize;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsError, JsValue};

use crate::live;
use crate::units::AccountId;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = include_str!("types.d.ts");

/// One account's live numbers: see [`live::Feed`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Feed {
    feed: live::Feed,
    style: live::NumberStyle,
}

#[wasm_bindgen]
impl Feed {
    /// A feed of `account` that writes numbers in `style`.
    ///
    /// # Errors
    ///
    /// The account is not an id, or the style cannot write a number.
    #[wasm_bindgen(constructor)]
    pub fn new(
        account: &str,
        #[wasm_bindgen(unchecked_param_type = "NumberStyle")] style: JsValue,
    ) -> Result<Self, JsError> {
        let feed = live::Feed::new(account.parse::<AccountId>()?);
        let style = serde_wasm_bindgen::from_value(style)?;
        Ok(Self { feed, style })
    }

    /// A new connection: its first snapshot counts, whatever its number.
    pub fn connected(&mut self) {
        self.feed.connected();
    }

    /// Takes one message, read from the socket at `now` (`Date.now()`).
    ///
    /// # Errors
    ///
    /// [`live::FeedError`]; the numbers stay as they were.
    #[wasm_bindgen(unchecked_return_type = "Outcome")]
    pub fn receive(
        &mut self,
        text: &str,
        #[wasm_bindgen(unchecked_param_type = "number")] now: JsValue,
    ) -> Result<String, JsError> {
        let now = serde_wasm_bindgen::from_value(now)?;
        let outcome = self.feed.receive(text, now)?;
        Ok(outcome.code().to_owned())
    }

    /// What to show at `now` (`Date.now()`); `undefined` before the first snapshot.
    ///
    /// # Errors
    ///
    /// The minute's sum leaves the range of credits.
    #[wasm_bindgen(unchecked_return_type = "View | undefined")]
    pub fn view(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] now: JsValue,
    ) -> Result<JsValue, JsError> {
        let now = serde_wasm_bindgen::from_value(now)?;
        let view = self.feed.view(now, &self.style)?;
        Ok(view.serialize(&serde_wasm_bindgen::Serializer::new())?)
    }
}
