//! A usage object: the tokens of an answer, each counted in one kind.
//!
//! ```text
//! OpenAI     prompt_tokens 100 ⊇ cached 60, written 10      →  input 30, cached 60, written 10
//!            completion_tokens 50 ⊇ reasoning 20            →  output 30, reasoning 20
//! Anthropic  input_tokens 30, cache_read 60, cache_creation 10, output_tokens 50 ⊇ thinking 20
//! ```
//!
//! Invariant: every count is a whole number from 0 to [`TOKENS_MAX`], and a part is never more than
//! what it is a part of; anything else is a [`UsageFault`], and nothing is charged by it.

use serde_json::value::RawValue;

use super::TOKENS_MAX;
use super::members::{Member, members};
use super::spec::Protocol;
use crate::meter::{PropertyError, json_number};
use crate::units::Quantity;

/// Why what an answer says about its use cannot be charged. Ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsageFault {
    /// Longer than [`super::VALUE_BYTES_MAX`].
    #[error("usage is longer than 65536 bytes")]
    TooLong,
    /// No object, or none that is JSON.
    #[error("usage is not a JSON object")]
    NotAnObject,
    /// A count that the protocol always sends.
    #[error("usage has no {field}")]
    Missing {
        /// The count.
        field: &'static str,
    },
    /// Not a whole number from 0 to [`TOKENS_MAX`].
    #[error("{field} is not a whole number of tokens")]
    NotTokens {
        /// The count.
        field: &'static str,
    },
    /// A part is more than the whole.
    #[error("{part} is more than {whole}")]
    PartAboveWhole {
        /// The part.
        part: &'static str,
        /// The whole.
        whole: &'static str,
    },
    /// A value of a generic reader that is no quantity.
    #[error("the value at {place} {reason}")]
    Value {
        /// The pointer or the header's name.
        place: String,
        /// Why not.
        reason: PropertyError,
    },
}

impl UsageFault {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "usage_too_long",
            Self::NotAnObject => "usage_not_an_object",
            Self::Missing { .. } => "usage_count_missing",
            Self::NotTokens { .. } => "usage_not_tokens",
            Self::PartAboveWhole { .. } => "usage_part_above_whole",
            Self::Value { .. } => "usage_value",
        }
    }
}

/// Tokens by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tokens {
    pub(super) input: u64,
    pub(super) cached_input: u64,
    pub(super) cache_write: u64,
    /// With reasoning.
    pub(super) output: u64,
    pub(super) reasoning: u64,
}

/// Names of the counts of a protocol.
struct Names {
    input: &'static str,
    output: &'static str,
    /// Where the parts of the input stand; empty: beside it, and not a part of it.
    input_details: &'static str,
    cached: &'static str,
    written: &'static str,
    output_details: &'static str,
    reasoning: &'static str,
}

const CHAT: Names = Names {
    input: "prompt_tokens",
    output: "completion_tokens",
    input_details: "prompt_tokens_details",
    cached: "cached_tokens",
    written: "cache_write_tokens",
    output_details: "completion_tokens_details",
    reasoning: "reasoning_tokens",
};
const RESPONSES: Names = Names {
    input: "input_tokens",
    output: "output_tokens",
    input_details: "input_tokens_details",
    output_details: "output_tokens_details",
    ..CHAT
};
const ANTHROPIC: Names = Names {
    input: "input_tokens",
    output: "output_tokens",
    input_details: "",
    cached: "cache_read_input_tokens",
    written: "cache_creation_input_tokens",
    output_details: "output_tokens_details",
    reasoning: "thinking_tokens",
};

impl Tokens {
    /// Reads a usage object. `partial`: a count that is left out is zero, as in the later events of
    /// an Anthropic stream.
    ///
    /// # Errors
    ///
    /// [`UsageFault`].
    pub(super) fn read(protocol: Protocol, json: &[u8], partial: bool) -> Result<Self, UsageFault> {
        let names = match protocol {
            Protocol::OpenaiResponses => RESPONSES,
            Protocol::AnthropicMessages => ANTHROPIC,
            _ => CHAT,
        };
        let raw = serde_json::from_slice::<&RawValue>(json).map_err(|_| UsageFault::NotAnObject)?;
        let (_, usage) = members(raw.get()).ok_or(UsageFault::NotAnObject)?;
        let required = |field: &'static str| match count(&usage, field)? {
            None if partial => Ok(0),
            None => Err(UsageFault::Missing { field }),
            Some(count) => Ok(count),
        };
        let output = match count(&usage, names.output)? {
            None => return Err(UsageFault::Missing { field: names.output }),
            Some(output) => output,
        };
        let input = required(names.input)?;
        let are_beside = names.input_details.is_empty();
        let inside = details(&usage, names.input_details)?;
        let parts = if are_beside { &usage } else { &inside };
        let cached_input = count(parts, names.cached)?.unwrap_or_default();
        let cache_write = count(parts, names.written)?.unwrap_or_default();
        let inside = details(&usage, names.output_details)?;
        let reasoning = count(&inside, names.reasoning)?.unwrap_or_default();
        if reasoning > output {
            return Err(UsageFault::PartAboveWhole { part: names.reasoning, whole: names.output });
        }
        let input = if are_beside {
            input
        } else {
            let rest = input.checked_sub(cached_input).and_then(|i| i.checked_sub(cache_write));
            rest.ok_or(UsageFault::PartAboveWhole { part: names.cached, whole: names.input })?
        };
        Ok(Self { input, cached_input, cache_write, output, reasoning })
    }

    /// The larger of each count: those of an Anthropic stream only grow.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            input: self.input.max(other.input),
            cached_input: self.cached_input.max(other.cached_input),
            cache_write: self.cache_write.max(other.cache_write),
            output: self.output.max(other.output),
            reasoning: self.reasoning.max(other.reasoning),
        }
    }
}

/// The value of a name that stands; the last one, as in every browser.
fn value<'a>(object: &[Member<'a>], name: &str) -> Option<&'a str> {
    let member = object.iter().rev().find(|member| member.name == name)?;
    (member.value != "null").then_some(member.value)
}

fn count(object: &[Member<'_>], field: &'static str) -> Result<Option<u64>, UsageFault> {
    let Some(text) = value(object, field) else { return Ok(None) };
    let count = whole(text).filter(|count| *count <= TOKENS_MAX);
    count.ok_or(UsageFault::NotTokens { field }).map(Some)
}

/// The members of an object in this one; none if it is not there.
fn details<'a>(object: &[Member<'a>], field: &'static str) -> Result<Vec<Member<'a>>, UsageFault> {
    let Some(text) = value(object, field) else { return Ok(Vec::new()) };
    members(text).ok_or(UsageFault::NotTokens { field }).map(|(_, members)| members)
}

/// A whole number, `4096` or `4096.0`; one too large for 64 bits is the largest of them.
pub(super) fn whole(text: &str) -> Option<u64> {
    let (digits, zeros) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0');
    (is_number && is_whole).then(|| digits.parse().unwrap_or(u64::MAX))
}

/// Tokens, bytes or milliseconds as a quantity. 10^15 of them are the most: nothing that runs in
/// one exchange comes near it, and every quantity holds it.
pub(super) fn quantity(count: u64) -> Quantity {
    Quantity::new(count.min(1_000_000_000_000_000).into()).unwrap_or_default()
}

/// The quantity that a JSON number, or a text that is one, stands for.
pub(super) fn scalar(json: &str) -> Result<Quantity, PropertyError> {
    let raw = serde_json::from_str::<&RawValue>(json).map_err(|_| PropertyError::Missing)?;
    Ok(Quantity::new(json_number(raw)?.get())?)
}
