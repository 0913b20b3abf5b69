//! What a stream says when its credits end in the middle.
//!
//! ```text
//! slice ─▶ over ─▶ last_words ─▶ an error event in the words of its protocol, and the end
//! ```

use super::Gateway;
use crate::reader::Protocol;

const ENDED: &str = "the account's credits ended in the middle of this answer: buy credits and try \
     again";

const SILENT: &str = "the account did not answer in the middle of this answer: try again shortly";

impl Gateway {
    /// The last words of a stream whose credits are used up (RFC 8506 Final-Unit-Action), in the
    /// words of its protocol.
    pub(super) fn last_words(&mut self, number: u32) -> Vec<u8> {
        let url = self.config.topup_url.as_deref();
        let url = url.map(|url| format!(": {url}")).unwrap_or_default();
        let Some(exchange) = self.exchanges.get(number) else { return Vec::new() };
        let silent = exchange.is_silenced();
        let (code, message) = match silent {
            true => ("unavailable", SILENT.to_owned()),
            false => ("insufficient_credits", format!("{ENDED}{url}")),
        };
        let error = match exchange.protocol() {
            Protocol::AnthropicMessages => {
                let error = serde_json::json!({ "type": code, "message": message });
                let data = serde_json::json!({ "type": "error", "error": error });
                format!("\n\nevent: error\ndata: {data}\n\n")
            }
            Protocol::OpenaiResponses => {
                let data = serde_json::json!({
                    "type": "error", "code": code, "message": message, "param": null,
                });
                format!("\n\nevent: error\ndata: {data}\n\n")
            }
            Protocol::OpenaiChat | Protocol::Generic => {
                let error = serde_json::json!({ "type": code, "code": code, "message": message });
                format!("\n\ndata: {}\n\n", serde_json::json!({ "error": error }))
            }
        };
        error.into_bytes()
    }
}
