//! The data of an event: JSON or the fields of a table row, read by pointer without floats.
//!
//! ```text
//! {"usage": {"tokens": 1.50}}   "/usage/tokens"   →  Leaf::Number("1.50")
//! ```
//!
//! JSON is kept as text and only the levels on the pointer's way are read, so a number reaches us
//! as its author wrote it. A parser that makes a float of it first has already lost the digits.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::measure::Measure;
use super::pointer::Pointer;
use crate::units::NumberError;

/// Why a property is not what the meter needs.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// The pointer leads nowhere, or to `null`.
    #[error("is missing: the meter needs it")]
    Missing,
    /// An object or a list.
    #[error("is an object or a list: point at a number or a text in it")]
    Composite,
    /// Not a number that this crate computes with.
    #[error(transparent)]
    Number(#[from] NumberError),
}

impl PropertyError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Missing => "property_missing",
            Self::Composite => "property_composite",
            Self::Number(error) => error.code(),
        }
    }
}

/// The domain payload of an event.
#[derive(Clone, Debug)]
pub enum Data<'a> {
    /// A JSON text, checked to be JSON by whoever made it a [`RawValue`].
    Json(&'a RawValue),
    /// The cells of a row; the first token of a pointer is the name of a column that is not an
    /// attribute of the event: attributes are not data.
    Row {
        /// The columns' names.
        names: &'a [String],
        /// A cell for each.
        cells: &'a [&'a RawValue],
    },
    /// The named texts of a row in a file; a pointer `/name` reads one of them.
    Fields(BTreeMap<String, String>),
}

/// Columns of a row that are not data but the event's own.
const ATTRIBUTES: [&str; 5] = ["id", "time", "source", "type", "subject"];

/// What stands at a pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Leaf<'a> {
    Nothing,
    Number(Cow<'a, str>),
    Text(Cow<'a, str>),
    Composite,
}

impl Data<'_> {
    /// The number at `pointer`; a text is read as a number, because exact senders quote them.
    ///
    /// # Errors
    ///
    /// [`PropertyError`] if nothing, something else or an unusable number stands there.
    pub fn number(&self, pointer: &Pointer) -> Result<Measure, PropertyError> {
        leaf_number(&self.leaf(pointer))
    }

    /// The text at `pointer`, `None` if nothing stands there. A number or a boolean is its own
    /// text, as it was written.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Composite`].
    pub fn text(&self, pointer: &Pointer) -> Result<Option<Cow<'_, str>>, PropertyError> {
        match self.leaf(pointer) {
            Leaf::Nothing => Ok(None),
            Leaf::Composite => Err(PropertyError::Composite),
            Leaf::Number(text) | Leaf::Text(text) => Ok(Some(text)),
        }
    }

    fn leaf(&self, pointer: &Pointer) -> Leaf<'_> {
        match self {
            Self::Json(raw) => leaf_of(raw, pointer.tokens()),
            Self::Row { names, cells } => {
                let mut tokens = pointer.tokens();
                let is_it = |name: &str, token| name == token && !ATTRIBUTES.contains(&name);
                let column = |token| names.iter().position(|name| is_it(name, token));
                let cell = tokens.next().and_then(column).and_then(|column| cells.get(column));
                cell.map_or(Leaf::Nothing, |cell| leaf_of(cell, tokens))
            }
            Self::Fields(fields) => {
                let mut tokens = pointer.tokens();
                let field = tokens.next().and_then(|name| fields.get(name));
                match (field, tokens.next()) {
                    (Some(text), None) if !text.is_empty() => Leaf::Text(text.into()),
                    _ => Leaf::Nothing,
                }
            }
        }
    }
}

/// The number that a JSON value is; a text is read as one.
///
/// # Errors
///
/// As [`Data::number`].
pub fn json_number(raw: &RawValue) -> Result<Measure, PropertyError> {
    leaf_number(&leaf_of(raw, std::iter::empty()))
}

fn leaf_number(leaf: &Leaf<'_>) -> Result<Measure, PropertyError> {
    match leaf {
        Leaf::Nothing => Err(PropertyError::Missing),
        Leaf::Composite => Err(PropertyError::Composite),
        Leaf::Number(text) => Ok(exact_number(text)?),
        Leaf::Text(text) => Ok(text.parse::<Measure>()?),
    }
}

fn leaf_of<'a, 't>(raw: &'a RawValue, tokens: impl Iterator<Item = &'t str>) -> Leaf<'a> {
    let mut here = raw;
    for token in tokens {
        match child(here.get(), token) {
            Some(next) => here = next,
            None => return Leaf::Nothing,
        }
    }
    let text = here.get();
    match text.bytes().next() {
        Some(b'{' | b'[') => Leaf::Composite,
        Some(b'"') => {
            serde_json::from_str(text).map_or(Leaf::Nothing, |BorrowedText(text)| Leaf::Text(text))
        }
        Some(b't' | b'f') => Leaf::Text(text.into()),
        Some(b'-' | b'0'..=b'9') => Leaf::Number(text.into()),
        _ => Leaf::Nothing,
    }
}

/// A JSON string, borrowed unless it has escapes.
#[derive(Debug, serde::Deserialize)]
pub struct BorrowedText<'a>(
    /// The string's value.
    #[serde(borrow)]
    pub Cow<'a, str>,
);

/// The value under `token` in the object or list `json`.
fn child<'a>(json: &'a str, token: &str) -> Option<&'a RawValue> {
    serde_json::Deserializer::from_str(json).deserialize_any(Step(token)).ok().flatten()
}

/// Reads one level: skips everything but the value under one token.
struct Step<'t>(&'t str);

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(is_it) = map.next_key_seed(Key(self.0))? {
            let value = map.next_value::<&'de RawValue>()?;
            // Of a name that stands twice, the last one counts, as in every browser.
            found = if is_it { Some(value) } else { found };
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        // RFC 6901: digits without leading zeros.
        let canonical = self.0 == "0" || !self.0.starts_with(['0', '+']);
        let mut left = self.0.parse::<usize>().ok().filter(|_| canonical);
        let mut found = None;
        while let Some(value) = list.next_element::<&'de RawValue>()? {
            if left == Some(0) {
                found = Some(value);
            }
            left = left.and_then(|n| n.checked_sub(1));
        }
        Ok(found)
    }
}

/// Compares an object's name with the token, without keeping it.
struct Key<'t>(&'t str);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// Exponents that can still give a number in range, either way.
const EXPONENT_MAX: i32 = 40;

/// Reads a JSON number exactly, exponent included: JavaScript writes a tenth of a millionth as
/// `1e-7`.
fn exact_number(text: &str) -> Result<Measure, NumberError> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return text.parse();
    };
    // An exponent that is no i32 is a number out of every range, at the end its sign says.
    let beyond = if exponent.starts_with('-') { i32::MIN } else { i32::MAX };
    let exponent: i32 = exponent.parse().unwrap_or(beyond);
    let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let sign = if unsigned.len() == mantissa.len() { "" } else { "-" };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    if whole.bytes().chain(fraction.bytes()).all(|digit| digit == b'0') {
        return Ok(Measure::ZERO);
    }
    if exponent > EXPONENT_MAX {
        return Err(NumberError::TooLarge);
    }
    if exponent < -EXPONENT_MAX {
        return Err(NumberError::TooFine);
    }
    // Move the point by writing it: zeros are added on the side that it moves to.
    let steps = usize::try_from(exponent.unsigned_abs()).map_err(|_| NumberError::TooLarge)?;
    let zeros = "0".repeat(steps);
    let plain = if exponent >= 0 {
        let digits = format!("{fraction}{zeros}");
        let (moved, rest) = digits.split_at_checked(steps).ok_or(NumberError::NotDecimal)?;
        format!("{sign}{whole}{moved}.{rest}0")
    } else {
        let digits = format!("{zeros}{whole}");
        let point = digits.len().saturating_sub(steps);
        let (kept, moved) = digits.split_at_checked(point).ok_or(NumberError::NotDecimal)?;
        format!("{sign}{kept}.{moved}{fraction}")
    };
    plain.parse()
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: &str = r#" {"n": 1.50, "big": 12345678901234567890, "t": "2.5",
        "list": [1, {"a": 7}], "o": {"x": {"y": "deep"}}, "e": "\u00e9t\"e", "b": true, "z": null, "n2": 1, "n2": 2,
        "tenth": 1e-1, "fine": 0.10000000000000000001, "a/b": 3} "#;

    fn json() -> Data<'static> {
        Data::Json(serde_json::from_str(JSON).unwrap())
    }

    fn number(data: &Data<'_>, pointer: &str) -> Result<String, &'static str> {
        data.number(&pointer.parse().unwrap()).map(|n| n.to_string()).map_err(|e| e.code())
    }

    fn text(data: &Data<'_>, pointer: &str) -> Result<Option<String>, &'static str> {
        let text = data.text(&pointer.parse().unwrap());
        text.map(|t| t.map(Cow::into_owned)).map_err(|e| e.code())
    }

    #[test]
    fn numbers_are_read_as_they_were_written() {
        for (pointer, expected) in [
            ("/n", Ok("1.5")),
            ("/t", Ok("2.5")),
            ("/list/0", Ok("1")),
            ("/list/1/a", Ok("7")),
            ("/n2", Ok("2")),
            ("/tenth", Ok("0.1")),
            ("/a~1b", Ok("3")),
            ("/big", Err("too_large")),
            ("/fine", Err("too_fine")),
            ("/e", Err("not_a_decimal")),
            ("/b", Err("not_a_decimal")),
            ("/o", Err("property_composite")),
            ("/list", Err("property_composite")),
            ("/z", Err("property_missing")),
            ("/list/2", Err("property_missing")),
            ("/list/00", Err("property_missing")),
            ("/list/01", Err("property_missing")),
            ("/list/+1", Err("property_missing")),
            ("/list/x", Err("property_missing")),
            ("/n/x", Err("property_missing")),
            ("/nothing", Err("property_missing")),
        ] {
            assert_eq!(number(&json(), pointer).as_deref().map_err(|e| *e), expected, "{pointer}");
        }
    }

    #[test]
    fn texts_are_texts_and_numbers_their_own() {
        for (pointer, expected) in [
            ("/o/x/y", Ok(Some("deep"))),
            ("/e", Ok(Some("ét\"e"))),
            ("/b", Ok(Some("true"))),
            ("/n", Ok(Some("1.50"))),
            ("/z", Ok(None)),
            ("/nothing/at/all", Ok(None)),
            ("/o/x", Err("property_composite")),
        ] {
            let got = text(&json(), pointer);
            assert_eq!(got.as_ref().map(|t| t.as_deref()).map_err(|e| *e), expected, "{pointer}");
        }
    }

    #[test]
    fn rows_have_fields_and_an_empty_field_is_missing() {
        let row = Data::Fields(BTreeMap::from([
            ("tokens".to_owned(), "12".to_owned()),
            ("note".to_owned(), String::new()),
        ]));
        assert_eq!(number(&row, "/tokens").as_deref(), Ok("12"));
        assert_eq!(number(&row, "/note"), Err("property_missing"));
        assert_eq!(number(&row, "/tokens/x"), Err("property_missing"));
        assert_eq!(text(&row, "/tokens").unwrap().as_deref(), Some("12"));
        assert_eq!(text(&row, "/other"), Ok(None));
    }

    #[test]
    fn exponents_move_the_point_exactly() {
        for (text, expected) in [
            ("1e3", Ok("1000")),
            ("1.5E+2", Ok("150")),
            ("1.23456e3", Ok("1234.56")),
            ("-1.5e1", Ok("-15")),
            ("1e-7", Ok("0.0000001")),
            ("12.5e-2", Ok("0.125")),
            ("-125e-1", Ok("-12.5")),
            ("1e0", Ok("1")),
            ("0e99", Ok("0")),
            ("-0.0e-99", Ok("0")),
            ("1e15", Ok("1000000000000000")),
            ("1e16", Err("too_large")),
            ("1e40", Err("too_large")),
            ("1e41", Err("too_large")),
            ("1e-12", Ok("0.000000000001")),
            ("1e-13", Err("too_fine")),
            ("1e-40", Err("too_fine")),
            ("1e-41", Err("too_fine")),
            ("10000000000000000000000000000000000000000e-40", Ok("1")),
            ("0.0000000000000000000000000000000000000001e40", Ok("1")),
            ("1e99999999999", Err("too_large")),
            ("1e-99999999999", Err("too_fine")),
            ("0e-99999999999", Ok("0")),
        ] {
            let got = exact_number(text).map(|n| n.to_string()).map_err(|e| e.code());
            assert_eq!(got.as_deref().map_err(|e| *e), expected, "{text}");
        }
    }
}
