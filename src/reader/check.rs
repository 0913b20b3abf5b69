//! A checked reader: [`ReaderSpec`] → [`Reader`].
//!
//! Invariants: a preset has its charges and a bound on its output; a generic reader has at least
//! one quantity, each charge once, and a bound on whatever the answer says; names and pointers
//! stand where they mean something and nowhere else.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::error::{Fault, ReaderError};
use super::scan::Framing;
use super::spec::{OnDisconnect, Protocol, QuantitySpec, ReaderSpec, Source, TokenCharges};
use super::tokens::whole;
use super::{QUANTITIES_MAX, TOKENS_MAX};
use crate::meter::Pointer;
use crate::plan::limits::TEXT_CHARACTERS_MAX;
use crate::units::{ChargeId, Quantity};

/// A reader that can read. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(super) kind: Rc<Kind>,
    on_disconnect: OnDisconnect,
}

#[derive(Debug)]
pub(super) enum Kind {
    Tokens(Preset),
    Generic(Generic),
}

/// A protocol whose places are known.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) protocol: Protocol,
    pub(super) charges: TokenCharges,
    pub(super) output_max: u64,
    pub(super) input_extra: u64,
    slice: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Generic {
    pub(super) quantities: Vec<Counted>,
    pub(super) dimensions: Vec<(String, Place)>,
}

/// A quantity and where it stands.
#[derive(Debug)]
pub(super) struct Counted {
    pub(super) charge: ChargeId,
    pub(super) place: Place,
    /// There if the place is in the answer.
    pub(super) most: Option<Quantity>,
}

/// A [`Source`] with its name or pointer.
#[derive(Debug)]
pub(super) enum Place {
    RequestHeader(String),
    RequestJson(Pointer),
    RequestBytes,
    ResponseHeader(String),
    ResponseBody(Pointer, Framing),
    ResponseBytes,
    DurationMs,
}

impl Reader {
    /// Checks a document.
    ///
    /// # Errors
    ///
    /// [`ReaderError`] names the field that is missing, unused or out of range.
    pub fn check(spec: &ReaderSpec) -> Result<Self, ReaderError> {
        let kind = match spec.reader {
            Protocol::Generic => Kind::Generic(check_generic(spec)?),
            protocol => Kind::Tokens(check_preset(spec, protocol)?),
        };
        Ok(Self { kind: Rc::new(kind), on_disconnect: spec.on_disconnect })
    }

    /// What happens when the client goes before the end.
    pub fn on_disconnect(&self) -> OnDisconnect {
        self.on_disconnect
    }

    /// Who speaks how.
    pub fn protocol(&self) -> Protocol {
        match &*self.kind {
            Kind::Tokens(preset) => preset.protocol,
            Kind::Generic(_) => Protocol::Generic,
        }
    }

    /// How many output tokens are reserved at a time, if not all at once.
    pub fn slice(&self) -> Option<u64> {
        match &*self.kind {
            Kind::Tokens(preset) => preset.slice,
            Kind::Generic(_) => None,
        }
    }

    /// Every charge that a reading may name.
    pub fn charges(&self) -> BTreeSet<&ChargeId> {
        match &*self.kind {
            Kind::Tokens(preset) => {
                let TokenCharges { input, cached_input, cache_write, output, reasoning } =
                    &preset.charges;
                [input, output]
                    .into_iter()
                    .chain(cached_input)
                    .chain(cache_write)
                    .chain(reasoning)
                    .collect()
            }
            Kind::Generic(generic) => generic.quantities.iter().map(|one| &one.charge).collect(),
        }
    }

    /// The names of the dimensions that every reading has.
    pub fn dimensions(&self) -> Vec<&str> {
        match &*self.kind {
            Kind::Tokens(_) => vec!["model"],
            Kind::Generic(generic) => {
                generic.dimensions.iter().map(|(name, _)| name.as_str()).collect()
            }
        }
    }
}

fn missing(field: &str, why: &'static str) -> ReaderError {
    ReaderError::new(field, Fault::FieldMissing { why })
}

fn unused(is_there: bool, field: impl Into<String>, with: &'static str) -> Result<(), ReaderError> {
    if is_there { Err(ReaderError::new(field, Fault::FieldUnused { with })) } else { Ok(()) }
}

fn check_preset(spec: &ReaderSpec, protocol: Protocol) -> Result<Preset, ReaderError> {
    unused(spec.quantities.is_some(), "/quantities", protocol.name())?;
    unused(spec.dimensions.is_some(), "/dimensions", protocol.name())?;
    let why = "name the charges of input and output tokens";
    let charges = spec.charges.clone().ok_or_else(|| missing("/charges", why))?;
    let why = "without a bound on its output an answer has no most that it may cost";
    let output_max = spec.output_max.ok_or_else(|| missing("/output_max", why))?;
    let tokens = |field: &str, value: Option<Quantity>, min| {
        value.map(|value| check_tokens(field, value, min)).transpose()
    };
    Ok(Preset {
        protocol,
        charges,
        output_max: check_tokens("/output_max", output_max, protocol.output_min())?,
        input_extra: tokens("/input_extra", spec.input_extra, 0)?.unwrap_or_default(),
        slice: tokens("/slice", spec.slice, 1)?,
    })
}

impl Protocol {
    /// The smallest bound on its output that the origin accepts.
    pub(super) fn output_min(self) -> u64 {
        // OpenAI answers 400 to a max_output_tokens below 16.
        if self == Self::OpenaiResponses { 16 } else { 1 }
    }
}

fn check_tokens(field: &str, value: Quantity, min: u64) -> Result<u64, ReaderError> {
    let text = value.to_string();
    let tokens = whole(&text).filter(|tokens| (min..=TOKENS_MAX).contains(tokens));
    tokens.ok_or_else(|| ReaderError::new(field, Fault::NotTokens { value: text, min }))
}

fn check_generic(spec: &ReaderSpec) -> Result<Generic, ReaderError> {
    let with = Protocol::Generic.name();
    unused(spec.charges.is_some(), "/charges", with)?;
    unused(spec.output_max.is_some(), "/output_max", with)?;
    unused(spec.input_extra.is_some(), "/input_extra", with)?;
    unused(spec.slice.is_some(), "/slice", with)?;
    let why = "name what is counted";
    let specs = spec.quantities.as_deref().ok_or_else(|| missing("/quantities", why))?;
    check_count("/quantities", specs.len())?;
    if specs.is_empty() {
        return Err(ReaderError::new("/quantities", Fault::Empty));
    }
    let mut quantities: Vec<Counted> = Vec::with_capacity(specs.len());
    for (index, one) in specs.iter().enumerate() {
        let at = format!("/quantities/{index}");
        if quantities.iter().any(|before| before.charge == one.charge) {
            let value = one.charge.to_string();
            return Err(ReaderError::new(format!("{at}/charge"), Fault::ChargeTwice { value }));
        }
        quantities.push(check_quantity(&at, one)?);
    }
    let mut dimensions = Vec::new();
    let specs = spec.dimensions.iter().flatten();
    check_count("/dimensions", specs.clone().count())?;
    for (name, one) in specs {
        let at = format!("/dimensions/{name}");
        check_text(&at, name)?;
        let is_before = matches!(one.from, Source::RequestHeader | Source::RequestJson);
        unused(
            !is_before,
            format!("{at}/from"),
            "a dimension: name request_header or request_json",
        )?;
        let place = check_place(&at, one.from, one.pointer.as_ref(), one.name.as_deref())?;
        dimensions.push((name.clone(), place));
    }
    Ok(Generic { quantities, dimensions })
}

fn check_count(field: &str, count: usize) -> Result<(), ReaderError> {
    let max = QUANTITIES_MAX;
    if count > max { Err(ReaderError::new(field, Fault::TooMany { count, max })) } else { Ok(()) }
}

/// A name or a value of a dimension: as long as a plan's may be.
pub(super) fn check_text(field: &str, text: &str) -> Result<(), ReaderError> {
    let (characters, max) = (text.chars().count(), TEXT_CHARACTERS_MAX);
    if (1..=max).contains(&characters) {
        return Ok(());
    }
    Err(ReaderError::new(field, Fault::TextLength { characters, max }))
}

fn check_quantity(at: &str, one: &QuantitySpec) -> Result<Counted, ReaderError> {
    let place = check_place(at, one.from, one.pointer.as_ref(), one.name.as_deref())?;
    let field = format!("{at}/most");
    if place.is_in_request() {
        unused(one.most.is_some(), field, one.from.name())?;
    } else if one.most.is_none() {
        let why = "an answer's quantity needs the most that it may be, in the charge's units";
        return Err(missing(&field, why));
    }
    Ok(Counted { charge: one.charge.clone(), place, most: one.most })
}

impl Place {
    fn is_in_request(&self) -> bool {
        matches!(self, Self::RequestHeader(_) | Self::RequestJson(_) | Self::RequestBytes)
    }
}

fn check_place(
    at: &str,
    from: Source,
    pointer: Option<&Pointer>,
    name: Option<&str>,
) -> Result<Place, ReaderError> {
    let pointer_field = format!("{at}/pointer");
    let name_field = format!("{at}/name");
    let is_header = matches!(from, Source::RequestHeader | Source::ResponseHeader);
    let is_plain =
        matches!(from, Source::RequestBytes | Source::ResponseBytes | Source::DurationMs);
    unused(pointer.is_some() && (is_header || is_plain), &*pointer_field, from.name())?;
    unused(name.is_some() && !is_header, &*name_field, from.name())?;
    let pointer = || {
        let why = "say where in the JSON the value stands, like /usage/rows";
        pointer.cloned().ok_or_else(|| missing(&pointer_field, why))
    };
    let header = || {
        let name = name.ok_or_else(|| missing(&name_field, "say which header, like x-rows"))?;
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > TEXT_CHARACTERS_MAX || !name.bytes().all(is_name) {
            let fault = Fault::HeaderName { value: name.to_owned() };
            return Err(ReaderError::new(&*name_field, fault));
        }
        Ok(name.to_ascii_lowercase())
    };
    Ok(match from {
        Source::RequestHeader => Place::RequestHeader(header()?),
        Source::RequestJson => Place::RequestJson(pointer()?),
        Source::RequestBytes => Place::RequestBytes,
        Source::ResponseHeader => Place::ResponseHeader(header()?),
        Source::ResponseJson => Place::ResponseBody(pointer()?, Framing::Json),
        Source::ResponseSse => Place::ResponseBody(pointer()?, Framing::Events),
        Source::ResponseLines => Place::ResponseBody(pointer()?, Framing::Lines),
        Source::ResponseBytes => Place::ResponseBytes,
        Source::DurationMs => Place::DurationMs,
    })
}
