//! What an answer has said about its use till now, and what it comes to at the end.
//!
//! | the answer | is charged |
//! |---|---|
//! | said its usage, and wrote no text after it | that, whoever left when |
//! | broke off or failed without text or usage | nothing |
//! | anything else | an estimate, marked so: text / 4 and no less than its events, request / 4 |
//! | a generic reader's quantity, not said by a whole answer, or to a client that left | its `most` |
//! | the same of an answer that broke off | nothing |
//!
//! Counts are cumulative: the last usage counts, once. An Anthropic stream says its input at the
//! start and its output at the end, each count the larger of both.

use super::ask::{Asked, Reading};
use super::check::{Counted, Generic, Place, Preset};
use super::spec::Protocol;
use super::tokens::{Tokens, UsageFault, quantity, scalar};
use super::walk::Found;
use super::written::Text;
use crate::meter::PropertyError;
use crate::units::{ChargeId, Quantity};

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The origin's answer came to its end.
    Whole,
    /// The origin broke off.
    Broken,
    /// The client left, and the rest was not read.
    ClientGone,
}

/// Why the uses are not those that the answer said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The answer failed by its own words.
    #[error("the answer says that it failed")]
    Failed,
    /// The answer came to its end without a word on its use.
    #[error("the answer does not say what it used")]
    NotSaid,
    /// It broke off before.
    #[error("the answer broke off before it said what it used")]
    Broken,
    /// The client left before.
    #[error("the client left before the answer said what it used")]
    ClientGone,
    /// What it said cannot be charged.
    #[error(transparent)]
    Malformed(#[from] UsageFault),
}

impl Missing {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Failed => "usage_failed",
            Self::NotSaid => "usage_not_said",
            Self::Broken => "usage_broken",
            Self::ClientGone => "usage_client_gone",
            Self::Malformed(fault) => fault.code(),
        }
    }

    fn at(ended: Ended) -> Self {
        match ended {
            Ended::Whole => Self::NotSaid,
            Ended::Broken => Self::Broken,
            Ended::ClientGone => Self::ClientGone,
        }
    }
}

/// What an operation used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Read {
    /// By charge, none of them zero.
    pub uses: Vec<Reading>,
    /// Whether a part of it is an estimate.
    pub estimated: bool,
    /// Why, or why there is nothing.
    pub missing: Option<Missing>,
}

impl Read {
    /// Nothing to charge.
    pub(super) fn nothing(missing: Option<Missing>) -> Self {
        Self { uses: Vec::new(), estimated: false, missing }
    }
}

/// The places of a preset's values; the first three are usage.
pub(super) const PLACES: [&[&str]; 6] = [
    &["usage"],
    &["response", "usage"],
    &["message", "usage"],
    &["error"],
    &["response", "error"],
    &["type"],
];
const IN_MESSAGE: u32 = 1 << 2;
const IN_USAGE: u32 = 0b111;
const IN_TYPE: u32 = 1 << 5;

/// What an answer of a preset has said.
#[derive(Debug, Default)]
pub(super) struct Counts {
    tokens: Tokens,
    has_input: bool,
    /// The text that had been written when the output was said.
    output_at: Option<Text>,
    fault: Option<UsageFault>,
    has_failed: bool,
}

impl Counts {
    pub(super) fn take(&mut self, protocol: Protocol, places: u32, found: Found<'_>, text: Text) {
        let json = match found {
            Found::Value(b"null") => return,
            Found::Value(json) => json,
            // Composites are values here.
            Found::TooLong | Found::Composite => {
                if places & IN_USAGE != 0 {
                    self.fault = Some(UsageFault::TooLong);
                }
                return;
            }
        };
        if places & IN_USAGE == 0 {
            self.has_failed |= places & IN_TYPE == 0 || json == b"\"error\"";
            return;
        }
        let grows = protocol == Protocol::AnthropicMessages;
        match Tokens::read(protocol, json, grows && self.has_input) {
            Ok(tokens) => {
                self.tokens = if grows { self.tokens.max(tokens) } else { tokens };
                self.has_input = true;
                self.fault = None;
                if places & IN_MESSAGE == 0 {
                    self.output_at = Some(text);
                }
            }
            Err(fault) => self.fault = Some(fault),
        }
    }

    /// Never less than the output tokens till now, as far as they show.
    pub(super) fn output_at_most(&self, text: Text, events: u64) -> u64 {
        match self.output_at {
            Some(at) => {
                let since = text.bytes.saturating_sub(at.bytes);
                let events = text.events.saturating_sub(at.events);
                self.tokens.output.saturating_add(since).saturating_add(events)
            }
            None => text.bytes.saturating_add(events).max(self.tokens.output),
        }
    }

    pub(super) fn result(&self, preset: &Preset, asked: &Asked, text: Text, ended: Ended) -> Read {
        let is_exact = self.fault.is_none() && self.output_at == Some(text);
        if is_exact {
            return Read {
                uses: uses(preset, asked, self.tokens),
                estimated: false,
                missing: None,
            };
        }
        let has_failed = self.has_failed || ended == Ended::Broken;
        let missing = match &self.fault {
            Some(fault) => Missing::Malformed(fault.clone()),
            None if self.has_failed => Missing::Failed,
            None => Missing::at(ended),
        };
        if has_failed && self.output_at.is_none() && text.events == 0 {
            return Read::nothing(Some(missing));
        }
        let mut tokens = self.tokens;
        if !self.has_input {
            tokens.input = asked.bytes.div_ceil(4);
        }
        let (said, at) = match self.output_at {
            Some(at) => (self.tokens.output, at),
            None => (0, Text::default()),
        };
        let since = text.bytes.saturating_sub(at.bytes).div_ceil(4);
        let since = since.max(text.events.saturating_sub(at.events));
        // The origin was told the bound: an estimate is never above it.
        let bound = asked.output_bound();
        tokens.output = said.saturating_add(since).min(bound).max(self.tokens.output);
        Read { uses: uses(preset, asked, tokens), estimated: true, missing: Some(missing) }
    }
}

/// Tokens by charge. A kind without a charge is counted with input or output.
fn uses(preset: &Preset, asked: &Asked, tokens: Tokens) -> Vec<Reading> {
    let charges = &preset.charges;
    let of = |charge: &Option<ChargeId>, other: &ChargeId| charge.as_ref().unwrap_or(other).clone();
    let output = tokens.output.saturating_sub(tokens.reasoning);
    let kinds = [
        (charges.input.clone(), tokens.input),
        (of(&charges.cached_input, &charges.input), tokens.cached_input),
        (of(&charges.cache_write, &charges.input), tokens.cache_write),
        (charges.output.clone(), output),
        (of(&charges.reasoning, &charges.output), tokens.reasoning),
    ];
    let mut sums: Vec<(ChargeId, u64)> = Vec::new();
    for (charge, count) in kinds.into_iter().filter(|(_, count)| *count > 0) {
        match sums.iter_mut().find(|(before, _)| *before == charge) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => sums.push((charge, count)),
        }
    }
    let reading = |(charge, count)| Reading {
        charge,
        of: asked.dimensions.clone(),
        quantity: quantity(count),
    };
    sums.into_iter().map(reading).collect()
}

/// What an answer has said to a generic reader: the last value of each quantity.
#[derive(Debug)]
pub(super) struct Values {
    values: Vec<Option<Quantity>>,
    fault: Option<UsageFault>,
}

impl Values {
    /// The headers of an answer are all there at its beginning.
    pub(super) fn new(generic: &Generic, headers: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut said = Self { values: vec![None; generic.quantities.len()], fault: None };
        for (index, one) in generic.quantities.iter().enumerate() {
            if let Place::ResponseHeader(name) = &one.place
                && let Some(value) = headers(name)
            {
                said.put(index, name, value.trim().parse().map_err(PropertyError::Number));
            }
        }
        said
    }

    fn put(&mut self, index: usize, place: &str, value: Result<Quantity, PropertyError>) {
        match (value, self.values.get_mut(index)) {
            (Ok(value), Some(slot)) => *slot = Some(value),
            // Null is no value: a stream says it until there is one.
            (Err(PropertyError::Missing), _) | (_, None) => {}
            (Err(reason), Some(_)) => {
                let place = place.to_owned();
                self.fault = Some(UsageFault::Value { place, reason });
            }
        }
    }

    /// Takes a value of the body. Bit n of `places` is the n-th quantity with a pointer.
    pub(super) fn take(&mut self, generic: &Generic, places: u32, found: Found<'_>) {
        let value = match found {
            Found::Value(json) => {
                std::str::from_utf8(json).map_err(|_| PropertyError::Missing).and_then(scalar)
            }
            Found::Composite | Found::TooLong => Err(PropertyError::Composite),
        };
        let mut bit = 0_u32;
        for (index, one) in generic.quantities.iter().enumerate() {
            let Place::ResponseBody(pointer, _) = &one.place else { continue };
            if places.checked_shr(bit).unwrap_or_default() & 1 == 1 {
                self.put(index, &pointer.to_string(), value);
            }
            bit = bit.saturating_add(1);
        }
    }

    pub(super) fn result(
        &self,
        generic: &Generic,
        asked: &Asked,
        bytes: u64,
        ended: Ended,
        duration_ms: u64,
    ) -> Read {
        let is_broken = ended == Ended::Broken;
        if is_broken && bytes == 0 {
            return Read::nothing(Some(Missing::Broken));
        }
        let mut uses = asked.known.clone();
        let mut is_missing = false;
        for (Counted { charge, place, most }, value) in generic.quantities.iter().zip(&self.values)
        {
            let Some(most) = most else { continue };
            let value = match place {
                Place::ResponseBytes => Some(quantity(bytes)),
                Place::DurationMs => Some(quantity(duration_ms)),
                _ => *value,
            };
            is_missing |= value.is_none();
            let or_else = if is_broken { Quantity::ZERO } else { *most };
            let quantity = value.unwrap_or(or_else);
            uses.push(Reading { charge: charge.clone(), of: asked.dimensions.clone(), quantity });
        }
        uses.retain(|reading| !reading.quantity.is_zero());
        let fault = self.fault.clone().map(Missing::Malformed);
        let missing = fault.or_else(|| is_missing.then(|| Missing::at(ended)));
        Read { uses, estimated: missing.is_some(), missing }
    }
}
