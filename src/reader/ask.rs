//! A request: what its price depends on, what it uses for certain, and the most that its answer
//! may use.
//!
//! ```text
//! {"model":"m","max_tokens":500,"messages":[…]}  of 2,000 bytes, with n choices
//!   dimensions {model: m}      bound: 2,000 of input, cached_input or cache_write
//!                              most:  n × 500 of output or reasoning, no fewer than n
//! ```
//!
//! Input is bounded by the bytes of the body: a byte-level tokenizer makes no more tokens than
//! bytes, and a message's own markup is longer in JSON than in tokens. What a body names without
//! holding it (pictures, files, earlier turns, the origin's prompt for tools) is the route's
//! `input_extra`.

use serde_json::value::RawValue;

use super::check::{Counted, Generic, Kind, Place, Preset, Reader, check_text};
use super::error::{Fault, ReaderError};
use super::members::{self, Object};
use super::rewrite::{Edit, OutputBound, spliced};
use super::spec::Protocol;
use super::tokens;
use crate::plan::Combination;
use crate::units::{ChargeId, Quantity};

/// Choices that a request of OpenAI chat may want, at most.
const CHOICES_MAX: u64 = 1_024;

/// So much was used of a charge, in a combination of dimension values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The charge.
    pub charge: ChargeId,
    /// The dimensions' values.
    pub of: Combination,
    /// How much.
    pub quantity: Quantity,
}

/// The most that may be used of several charges together: each unit goes to one of them, and which
/// is only known at the end. Reserve all units at the dearest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    /// The charges, the usual one first; at least one.
    pub any_of: Vec<ChargeId>,
    /// The dimensions' values.
    pub of: Combination,
    /// How much at most.
    pub quantity: Quantity,
}

/// A bound that the gateway may lower, since the request carries it to the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lowerable {
    /// The bound on the whole answer, all its choices.
    pub bound: Bound,
    /// What it may be lowered to; below it the origin would refuse the request.
    pub least: Quantity,
}

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What the price depends on.
    pub dimensions: Combination,
    /// What is used for certain, if the answer is a success.
    pub known: Vec<Reading>,
    /// The most that the answer may use besides.
    pub bound: Vec<Bound>,
    /// And of its output.
    pub most: Option<Lowerable>,
    /// Whether the client wants a stream.
    pub streamed: bool,
    /// Whether the client itself asked for usage in the stream.
    pub wants_usage: bool,
    /// Bytes of the body.
    pub(super) bytes: u64,
    output: Option<OutputBound>,
    include_usage: Option<Edit>,
}

impl Reader {
    /// Reads a request. `headers` finds a header by its lower-case name.
    ///
    /// # Errors
    ///
    /// [`ReaderError`]: the client's fault, it names the member.
    pub fn asked(
        &self,
        headers: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
    ) -> Result<Asked, ReaderError> {
        match &*self.kind {
            Kind::Tokens(preset) => preset.asked(json(headers, body)?),
            Kind::Generic(generic) => generic.asked(headers, body),
        }
    }
}

impl Asked {
    /// What the origin is to get instead of the client's body; none if that can go as it is. With
    /// `output_tokens` the whole answer is bounded by so many, which must be at least
    /// [`Lowerable::least`]; without, by [`Asked::most`]. Call it for every request that is sent.
    pub fn rewritten(&self, body: &[u8], output_tokens: Option<u64>) -> Option<Vec<u8>> {
        let mut edits = self.output.as_ref().map(|o| o.edits(output_tokens)).unwrap_or_default();
        edits.extend(self.include_usage.clone());
        spliced(body, edits)
    }

    /// The most output tokens of the whole answer.
    pub(super) fn output_bound(&self) -> u64 {
        self.output.as_ref().map_or(u64::MAX, |o| o.each.saturating_mul(o.choices))
    }

    /// Whether usage is in the stream on the meter's behalf alone, and must be taken out again.
    pub(super) fn is_injected(&self) -> bool {
        self.include_usage.is_some()
    }
}

/// The body as a JSON text.
fn json<'a>(
    headers: &dyn Fn(&str) -> Option<String>,
    body: &'a [u8],
) -> Result<&'a str, ReaderError> {
    if let Some(value) = headers("content-encoding").filter(|v| !v.eq_ignore_ascii_case("identity"))
    {
        return Err(ReaderError::new("header content-encoding", Fault::Encoded { value }));
    }
    let not_json = |reason: String| ReaderError::new("body", Fault::NotJson { reason });
    let text = std::str::from_utf8(body).map_err(|error| not_json(error.to_string()))?;
    serde_json::from_str::<&RawValue>(text).map_err(|error| not_json(error.to_string()))?;
    Ok(text)
}

impl Preset {
    fn asked(&self, text: &str) -> Result<Asked, ReaderError> {
        let body = Object::read(text)?;
        let model = body.text("model")?;
        let model = model.ok_or_else(|| ReaderError::new("/model", Fault::Missing))?;
        check_text("/model", &model)?;
        let dimensions = Combination::from([("model".to_owned(), model)]);
        if self.protocol == Protocol::OpenaiResponses && body.truth("background")? {
            return Err(ReaderError::new("/background", Fault::Background));
        }
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let input = tokens::quantity(bytes.saturating_add(self.input_extra));
        let charges = &self.charges;
        let input = Bound {
            any_of: any_of(&charges.input, [&charges.cached_input, &charges.cache_write]),
            of: dimensions.clone(),
            quantity: input,
        };
        let output = self.output(&body)?;
        let total = output.each.saturating_mul(output.choices);
        let least = self.least(&body, output.each)?.saturating_mul(output.choices);
        let most = Lowerable {
            bound: Bound {
                any_of: any_of(&charges.output, [&charges.reasoning, &None]),
                of: dimensions.clone(),
                quantity: tokens::quantity(total),
            },
            least: tokens::quantity(least.min(total)),
        };
        let streamed = body.truth("stream")?;
        let is_chat = self.protocol == Protocol::OpenaiChat;
        let include_usage = if is_chat && streamed { include_usage(&body)? } else { None };
        let wants_usage = streamed && include_usage.is_none();
        let (known, most, output) = (Vec::new(), Some(most), Some(output));
        let bound = vec![input];
        Ok(Asked {
            dimensions,
            known,
            bound,
            most,
            streamed,
            wants_usage,
            bytes,
            output,
            include_usage,
        })
    }

    /// The bound on the output. OpenAI refuses a request with both names; an origin that is only
    /// compatible may take either, so both bound and both are lowered.
    fn output(&self, body: &Object<'_>) -> Result<OutputBound, ReaderError> {
        let names: &[&'static str] = match self.protocol {
            Protocol::OpenaiResponses => &["max_output_tokens"],
            Protocol::AnthropicMessages => &["max_tokens"],
            _ => &["max_completion_tokens", "max_tokens"],
        };
        let mut named = Vec::new();
        for name in names {
            if let Some(count) = body.count(name, 0..=u64::MAX)? {
                let place = body.get(name)?.map(|member| member.place.clone());
                named.extend(place.map(|place| (place, count)));
            }
        }
        if named.is_empty() && self.protocol == Protocol::AnthropicMessages {
            return Err(ReaderError::new("/max_tokens", Fault::Missing));
        }
        let largest = named.iter().map(|(_, count)| *count).max();
        let first = names.first().copied().unwrap_or_default();
        let (place, name) = match body.get(first)? {
            Some(member) => (member.place.clone(), None),
            None => (body.start..body.start, Some(first)),
        };
        let is_chat = self.protocol == Protocol::OpenaiChat;
        let choices = if is_chat { body.count("n", 1..=CHOICES_MAX)?.unwrap_or(1) } else { 1 };
        let each = largest.map_or(self.output_max, |largest| largest.min(self.output_max));
        Ok(OutputBound { named, place, name, each, choices })
    }

    /// The smallest bound that the origin takes: Anthropic wants it above the thinking budget,
    /// unless the request's own is not above it either (interleaved thinking).
    fn least(&self, body: &Object<'_>, each: u64) -> Result<u64, ReaderError> {
        if self.protocol != Protocol::AnthropicMessages {
            return Ok(self.protocol.output_min());
        }
        let thinking = body.object("thinking")?;
        let budget =
            thinking.map(|thinking| thinking.count("budget_tokens", 0..=u64::MAX)).transpose()?;
        let above = budget.flatten().map(|budget| budget.saturating_add(1));
        Ok(above.filter(|above| *above <= each).unwrap_or(1))
    }
}

fn any_of(first: &ChargeId, others: [&Option<ChargeId>; 2]) -> Vec<ChargeId> {
    let mut all = vec![first.clone()];
    for other in others.into_iter().flatten() {
        if !all.contains(other) {
            all.push(other.clone());
        }
    }
    all
}

/// What has to be put into a streaming chat request so that its last event says the usage; none if
/// the client did it.
fn include_usage(body: &Object<'_>) -> Result<Option<Edit>, ReaderError> {
    const ASK: &str = "\"include_usage\":true";
    let edit = |place, text: String| Ok(Some(Edit { place, text }));
    let Some(options) = body.object("stream_options")? else {
        return match body.get("stream_options")? {
            Some(null) => edit(null.place.clone(), format!("{{{ASK}}}")),
            None => edit(body.start..body.start, format!("\"stream_options\":{{{ASK}}},")),
        };
    };
    let place_in_body = |place: &std::ops::Range<usize>| {
        // Places in an inner object count from its own brace, one byte before its start.
        let brace = options.start.saturating_sub(1);
        brace.saturating_add(place.start)..brace.saturating_add(place.end)
    };
    match options.get("include_usage")? {
        Some(_) if options.truth("include_usage")? => Ok(None),
        Some(member) => edit(place_in_body(&member.place), "true".to_owned()),
        None if options.members.is_empty() => edit(options.start..options.start, ASK.to_owned()),
        None => edit(options.start..options.start, format!("{ASK},")),
    }
}

impl Generic {
    fn asked(
        &self,
        headers: &dyn Fn(&str) -> Option<String>,
        body: &[u8],
    ) -> Result<Asked, ReaderError> {
        let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
        let places = self.quantities.iter().map(|one| &one.place);
        let mut places = places.chain(self.dimensions.iter().map(|(_, place)| place));
        let reads_json = places.any(|place| matches!(place, Place::RequestJson(_)));
        let text = if reads_json { json(headers, body)? } else { "" };
        let mut dimensions = Combination::new();
        for (name, place) in &self.dimensions {
            let (field, value) = text_at(place, headers, text)?;
            check_text(&field, &value)?;
            dimensions.insert(name.clone(), value);
        }
        let mut asked = Asked {
            dimensions: dimensions.clone(),
            known: Vec::new(),
            bound: Vec::new(),
            most: None,
            streamed: false,
            wants_usage: false,
            bytes,
            output: None,
            include_usage: None,
        };
        for Counted { charge, place, most } in &self.quantities {
            let (charge, of) = (charge.clone(), dimensions.clone());
            match most {
                Some(most) => {
                    asked.bound.push(Bound { any_of: vec![charge], of, quantity: *most });
                }
                None => {
                    let quantity = quantity_at(place, headers, text, bytes)?;
                    asked.known.push(Reading { charge, of, quantity });
                }
            }
        }
        Ok(asked)
    }
}

/// The text at a place of the request, and the name of the place.
fn text_at(
    place: &Place,
    headers: &dyn Fn(&str) -> Option<String>,
    text: &str,
) -> Result<(String, String), ReaderError> {
    match place {
        Place::RequestJson(pointer) => {
            let field = pointer.to_string();
            let value = members::at(text, pointer.tokens())?;
            let plain = match value.bytes().next() {
                Some(b'"') => serde_json::from_str(value).ok(),
                Some(b'{' | b'[' | b'n') => None,
                _ => Some(value.to_owned()),
            };
            let wrong = || ReaderError::new(&*field, Fault::Missing);
            plain.ok_or_else(wrong).map(|plain| (field.clone(), plain))
        }
        Place::RequestHeader(name) => {
            let field = format!("header {name}");
            let value = headers(name).ok_or_else(|| ReaderError::new(&*field, Fault::Missing))?;
            Ok((field, value))
        }
        // check() lets no other place be a dimension's.
        _ => Err(ReaderError::new("body", Fault::Missing)),
    }
}

/// The quantity at a place of the request.
fn quantity_at(
    place: &Place,
    headers: &dyn Fn(&str) -> Option<String>,
    text: &str,
    bytes: u64,
) -> Result<Quantity, ReaderError> {
    match place {
        Place::RequestJson(pointer) => {
            let field = pointer.to_string();
            let value = members::at(text, pointer.tokens())?;
            tokens::scalar(value).map_err(|error| ReaderError::new(field, Fault::Property(error)))
        }
        Place::RequestHeader(_) => {
            let (field, value) = text_at(place, headers, text)?;
            let quantity = value.trim().parse::<Quantity>();
            quantity.map_err(|reason| ReaderError::new(field, Fault::Number { value, reason }))
        }
        _ => Ok(tokens::quantity(bytes)),
    }
}
