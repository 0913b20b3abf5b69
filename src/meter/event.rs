//! A usage event: one thing that happened, with the attributes of CloudEvents 1.0.
//!
//! ```text
//! JSON  ── Event::from_json ──▶  Event { id, source, kind, subject, time, data }
//! ```
//!
//! `(source, id)` names an event once, as the standard says: that pair is what is deduplicated.
//! Extension attributes are part of the standard and are passed over; they are not misspelled
//! fields. Invariants: the texts are not empty and within their limits; the time is known.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::data::{BorrowedText, Data};
use super::rfc3339::parse_rfc3339;
use crate::units::Timestamp;

/// Bytes of an id, a source, a type or a subject, at most.
pub const ATTRIBUTE_BYTES_MAX: usize = 256;

/// Bytes of one event as JSON, at most: what a CloudEvents intermediary must forward.
pub const EVENT_BYTES_MAX: usize = 65_536;

/// Why a text is not a usage event.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// Longer than [`EVENT_BYTES_MAX`].
    #[error("event has {bytes} bytes: send at most 65536")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not JSON, or an attribute is missing or of the wrong type.
    #[error("event is not a CloudEvents JSON object: {reason}")]
    Json {
        /// What the parser says, with the column.
        reason: String,
    },
    /// A version that this crate does not know.
    #[error("specversion is {found:?}: only \"1.0\" is understood")]
    SpecVersion {
        /// What stands there.
        found: String,
    },
    /// No account to meter.
    #[error("subject is missing: it names the account that used something")]
    NoSubject,
    /// Neither the event nor its receiver says when it happened.
    #[error("time is missing: say when it happened, like \"2026-01-31T23:59:59.999Z\"")]
    NoTime,
    /// A time that is not RFC 3339.
    #[error("time {found:?} is not an RFC 3339 time: write \"2026-01-31T23:59:59.999Z\"")]
    Time {
        /// What stands there.
        found: String,
    },
    /// Binary data has no properties to meter.
    #[error("data_base64 cannot be metered: send the data as JSON")]
    Binary,
    /// An attribute is empty or longer than [`ATTRIBUTE_BYTES_MAX`].
    #[error("{attribute} has {bytes} bytes: use 1 to 256")]
    Attribute {
        /// The attribute's name.
        attribute: &'static str,
        /// Its length.
        bytes: usize,
    },
}

impl EventError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "event_too_long",
            Self::Json { .. } => "event_not_json",
            Self::SpecVersion { .. } => "event_specversion",
            Self::NoSubject => "event_no_subject",
            Self::NoTime => "event_no_time",
            Self::Time { .. } => "event_time",
            Self::Binary => "event_binary",
            Self::Attribute { .. } => "event_attribute_length",
        }
    }
}

/// The attributes of an event as they come, unchecked.
#[derive(Debug, Deserialize)]
struct EventSpec<'a> {
    /// Version of CloudEvents, `1.0`.
    #[serde(borrow)]
    specversion: Cow<'a, str>,
    /// Unique within the source.
    #[serde(borrow)]
    id: Cow<'a, str>,
    /// Where it happened, a URI reference.
    #[serde(borrow)]
    source: Cow<'a, str>,
    /// What happened; meters select by it.
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    /// The account that used something.
    #[serde(borrow)]
    subject: Option<BorrowedText<'a>>,
    /// When it happened, RFC 3339.
    #[serde(borrow)]
    time: Option<BorrowedText<'a>>,
    /// What was used.
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    /// Binary data, which is refused.
    data_base64: Option<serde::de::IgnoredAny>,
}

/// A checked usage event: its texts are those of the JSON or the row that it was read from, since
/// most of a million events are counted and never looked at again.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// Unique within the source.
    pub id: Cow<'a, str>,
    /// Where it happened.
    pub source: Cow<'a, str>,
    /// What happened (the attribute `type`).
    pub kind: Cow<'a, str>,
    /// The account that used something.
    pub subject: Cow<'a, str>,
    /// When it happened.
    pub time: Timestamp,
    /// What was used.
    pub data: Data<'a>,
}

impl<'a> Event<'a> {
    /// Reads one event in the JSON format of CloudEvents; `received` stands in for a missing time.
    ///
    /// # Errors
    ///
    /// [`EventError`].
    pub fn from_json(text: &'a str, received: Option<Timestamp>) -> Result<Self, EventError> {
        if text.len() > EVENT_BYTES_MAX {
            return Err(EventError::TooLong { bytes: text.len() });
        }
        let spec: EventSpec<'a> = serde_json::from_str(text)
            .map_err(|error| EventError::Json { reason: error.to_string() })?;
        Self::new(spec, received)
    }

    /// Checks the attributes; `received` stands in for a missing time.
    fn new(spec: EventSpec<'a>, received: Option<Timestamp>) -> Result<Self, EventError> {
        if spec.specversion != "1.0" {
            return Err(EventError::SpecVersion { found: spec.specversion.into_owned() });
        }
        let time = match spec.time {
            Some(BorrowedText(text)) => {
                parse_rfc3339(&text).ok_or_else(|| EventError::Time { found: text.into_owned() })
            }
            None => received.ok_or(EventError::NoTime),
        };
        let data = match spec.data {
            Some(raw) => Data::Json(raw),
            None => Data::Fields(std::collections::BTreeMap::new()),
        };
        let event = Self {
            id: spec.id,
            source: spec.source,
            kind: spec.kind,
            subject: spec.subject.ok_or(EventError::NoSubject)?.0,
            time: time?,
            data,
        };
        if spec.data_base64.is_some() {
            return Err(EventError::Binary);
        }
        event.checked()
    }

    /// Checks the lengths of the attributes.
    ///
    /// # Errors
    ///
    /// [`EventError::Attribute`].
    pub fn checked(self) -> Result<Self, EventError> {
        for (attribute, text) in [
            ("id", &self.id),
            ("source", &self.source),
            ("type", &self.kind),
            ("subject", &self.subject),
        ] {
            if text.is_empty() || text.len() > ATTRIBUTE_BYTES_MAX {
                return Err(EventError::Attribute { attribute, bytes: text.len() });
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An event with one attribute set, replaced or (by the empty text) taken away.
    fn with(attribute: &str, json: &str) -> String {
        let mut fields = vec![
            ("specversion", r#""1.0""#),
            ("id", r#""e-1""#),
            ("source", r#""/gateway""#),
            ("type", r#""llm.completion""#),
            ("subject", r#""acme""#),
            ("time", r#""1970-01-01T00:00:01Z""#),
            ("data", r#"{"tokens": 12}"#),
        ];
        fields.retain(|(name, _)| *name != attribute);
        if !json.is_empty() {
            fields.push((attribute, json));
        }
        let fields: Vec<String> = fields.iter().map(|(n, json)| format!("{n:?}: {json}")).collect();
        format!("{{{}}}", fields.join(", "))
    }

    #[test]
    fn an_event_keeps_its_attributes() {
        let text = with("comexampleextension", "\"any\"");
        let event = Event::from_json(&text, None).unwrap();
        assert_eq!([&*event.id, &*event.source], ["e-1", "/gateway"]);
        assert_eq!([&*event.kind, &*event.subject], ["llm.completion", "acme"]);
        assert_eq!(event.time.millis(), 1000);
        let tokens = event.data.number(&"/tokens".parse().unwrap()).unwrap();
        assert_eq!(tokens.to_string(), "12");
    }

    #[test]
    fn the_receiver_may_lend_its_time_but_does_not_replace_one() {
        let received = Some(Timestamp::from_millis(7));
        let time = |text: &str| Event::from_json(text, received).unwrap().time.millis();
        assert_eq!(time(&with("time", "")), 7);
        assert_eq!(time(&with("x", "1")), 1000);
    }

    #[test]
    fn what_is_not_an_event_is_refused_by_name() {
        let long = format!("{:?}", "a".repeat(ATTRIBUTE_BYTES_MAX + 1));
        for (attribute, json, expected) in [
            ("specversion", r#""0.3""#, "event_specversion"),
            ("specversion", "", "event_not_json"),
            ("id", r#""""#, "event_attribute_length"),
            ("source", r#""""#, "event_attribute_length"),
            ("type", &long, "event_attribute_length"),
            ("subject", &long, "event_attribute_length"),
            ("subject", "", "event_no_subject"),
            ("time", "", "event_no_time"),
            ("time", r#""yesterday""#, "event_time"),
            ("data_base64", r#""AAAA""#, "event_binary"),
            ("data_base64", "{}", "event_binary"),
            ("time", "1", "event_not_json"),
            ("id", "12", "event_not_json"),
            ("data", "{", "event_not_json"),
        ] {
            let error = Event::from_json(&with(attribute, json), None).unwrap_err();
            assert_eq!(error.code(), expected, "{attribute}: {json}");
        }
        let longest = format!("{:?}", "a".repeat(ATTRIBUTE_BYTES_MAX));
        assert!(Event::from_json(&with("id", &longest), None).is_ok());
        let huge = with("padding", &format!("{:?}", "x".repeat(EVENT_BYTES_MAX)));
        assert_eq!(Event::from_json(&huge, None).unwrap_err().code(), "event_too_long");
    }

    #[test]
    fn an_event_may_have_no_data() {
        let text = with("data", "");
        let event = Event::from_json(&text, None).unwrap();
        assert!(event.data.text(&"/tokens".parse().unwrap()).unwrap().is_none());
    }
}
