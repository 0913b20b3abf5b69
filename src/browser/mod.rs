//! What the customer's page calls from the start: live numbers, and decimals as people write them.
//!
//! ```text
//! socket text, Date.now(), Intl's pieces ──▶ live::Feed ───────────▶ a plain object to paint
//! a decimal, Intl's pieces ────────────────▶ write ─────────────────▶ a text in the locale
//! ```
//!
//! Nothing is decided here: each function converts, calls, converts back. Instants are JavaScript
//! numbers that hold an integer, amounts are strings in both directions. What a bill needs is a
//! file of its own, `bill`: a first number does not wait for it.

mod number;

use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

pub use number::write;

use crate::live;
use crate::script::{read, thrown};
use crate::units::{AccountId, Credits};

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
        #[wasm_bindgen(unchecked_param_type = "NumberStyle")] style: &JsValue,
    ) -> Result<Self, JsValue> {
        let account = account.parse::<AccountId>();
        let account = account.map_err(|error| thrown(error.code(), &error.to_string()))?;
        Ok(Self { feed: live::Feed::new(account), style: read(style)? })
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
    #[wasm_bindgen(unchecked_return_type = "Received")]
    pub fn receive(
        &mut self,
        text: &str,
        #[wasm_bindgen(unchecked_param_type = "number")] now: &JsValue,
    ) -> Result<String, JsValue> {
        let outcome = self.feed.receive(text, read(now)?);
        let outcome = outcome.map_err(|error| thrown(error.code(), &error.to_string()))?;
        Ok(outcome.code().to_owned())
    }

    /// What calls burned in `[since, until)`, from another answer than the socket's: the day, for
    /// how long the credits last at its rate.
    ///
    /// # Errors
    ///
    /// The credits are not a decimal.
    pub fn today(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "number")] since: &JsValue,
        #[wasm_bindgen(unchecked_param_type = "number")] until: &JsValue,
        credits: &str,
    ) -> Result<(), JsValue> {
        let credits = credits.parse::<Credits>();
        let credits = credits.map_err(|error| thrown(error.code(), &error.to_string()))?;
        self.feed.today(live::Span { since: read(since)?, credits }, read(until)?);
        Ok(())
    }

    /// What to show at `now` (`Date.now()`); `undefined` before the first snapshot.
    ///
    /// # Errors
    ///
    /// The minute's sum leaves the range of credits.
    #[wasm_bindgen(unchecked_return_type = "View | undefined")]
    pub fn view(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] now: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let view = self.feed.view(read(now)?, &self.style);
        let view =
            view.map_err(|_| thrown("amount_not_exact", "the minute has too many credits"))?;
        // An object straight away: a writer of JSON for this one type would be 4 kB more to load.
        let Some(view) = view else { return Ok(JsValue::UNDEFINED) };
        Ok(view.serialize(&Serializer::json_compatible())?)
    }
}
