//! The route's member `usage` as it is published: raw, unchecked.
//!
//! ```json
//! { "reader": "openai_chat",
//!   "charges": { "input": "input-tokens", "cached_input": "cached-tokens",
//!                "output": "output-tokens", "reasoning": "reasoning-tokens" },
//!   "output_max": "4096", "input_extra": "2000", "slice": "2000", "on_disconnect": "drain" }
//! { "reader": "generic",
//!   "quantities": [
//!     { "charge": "pages", "from": "request_json", "pointer": "/pages" },
//!     { "charge": "rows", "from": "response_header", "name": "x-rows", "most": "1000" }],
//!   "dimensions": { "model": { "from": "request_json", "pointer": "/model" } } }
//! ```
//!
//! One flat object for all readers, so that an error has the path of its field; which fields a
//! reader has is checked by [`super::Reader::check`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::meter::Pointer;
use crate::units::{ChargeId, Quantity, once_each};

/// The route's member `usage`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReaderSpec {
    /// Which protocol the origin speaks.
    pub reader: Protocol,
    /// Presets: the charge of each kind of token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charges: Option<TokenCharges>,
    /// Presets: the most output tokens of an answer (of each of its choices); what a request asks
    /// for beyond it, or without a bound, is lowered to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_max: Option<Quantity>,
    /// Presets: input tokens that a request may make beyond one per byte of its body: the origin's
    /// own prompt for tools, pictures and files by reference, earlier turns that it has stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_extra: Option<Quantity>,
    /// Presets: reserve so many output tokens at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<Quantity>,
    /// Generic: what is counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantities: Option<Vec<QuantitySpec>>,
    /// Generic: what the price depends on.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "once_each::maybe"
    )]
    pub dimensions: Option<BTreeMap<String, DimensionSpec>>,
    /// What happens when the client goes before the end.
    #[serde(default, skip_serializing_if = "OnDisconnect::is_default")]
    pub on_disconnect: OnDisconnect,
}

/// Who speaks how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// OpenAI chat completions and what is compatible with them.
    OpenaiChat,
    /// OpenAI responses.
    OpenaiResponses,
    /// Anthropic messages.
    AnthropicMessages,
    /// Headers and JSON pointers.
    Generic,
}

impl Protocol {
    /// The name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenaiChat => "openai_chat",
            Self::OpenaiResponses => "openai_responses",
            Self::AnthropicMessages => "anthropic_messages",
            Self::Generic => "generic",
        }
    }
}

/// The charge of each kind of token. A kind without one is counted with `input` or `output`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenCharges {
    /// Input that came from no cache.
    pub input: ChargeId,
    /// Input read from a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<ChargeId>,
    /// Input written to a cache.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<ChargeId>,
    /// Output without reasoning.
    pub output: ChargeId,
    /// Output that the model wrote to itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<ChargeId>,
}

/// One counted thing of a generic reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantitySpec {
    /// Its charge; one quantity each.
    pub charge: ChargeId,
    /// Where it stands.
    pub from: Source,
    /// Of JSON: where in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Pointer>,
    /// Of a header: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of the answer: what is reserved, and charged if a whole answer does not say its quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Quantity>,
}

/// Where a dimension's value stands: in the request, since the price must be known before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DimensionSpec {
    /// `request_header` or `request_json`.
    pub from: Source,
    /// Of JSON: where in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<Pointer>,
    /// Of a header: its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Where a value stands. The last value of a stream counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A header of the request.
    RequestHeader,
    /// A JSON pointer into the request's body.
    RequestJson,
    /// The length of the request's body.
    RequestBytes,
    /// A header of the answer.
    ResponseHeader,
    /// A JSON pointer into the answer's body. An answer that is an event stream all the same is
    /// read as one, here as in the next two.
    ResponseJson,
    /// A JSON pointer into the data of each server-sent event.
    ResponseSse,
    /// A JSON pointer into each line of newline-delimited JSON.
    ResponseLines,
    /// The length of the answer's body.
    ResponseBytes,
    /// How long the answer took, in milliseconds.
    DurationMs,
}

impl Source {
    /// The name in the document.
    pub fn name(self) -> &'static str {
        match self {
            Self::RequestHeader => "request_header",
            Self::RequestJson => "request_json",
            Self::RequestBytes => "request_bytes",
            Self::ResponseHeader => "response_header",
            Self::ResponseJson => "response_json",
            Self::ResponseSse => "response_sse",
            Self::ResponseLines => "response_lines",
            Self::ResponseBytes => "response_bytes",
            Self::DurationMs => "duration_ms",
        }
    }
}

/// What happens when the client goes before the answer's end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDisconnect {
    /// The origin is told; what was used till then is estimated, and marked so.
    #[default]
    Estimate,
    /// The rest is read for its usage, within what the platform allows.
    Drain,
    /// The origin is told; nothing is charged.
    NoBill,
}

impl OnDisconnect {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}
