//! A meter at work: the rule of a plan that turns usage events into samples.
//!
//! ```text
//! plan::MeterSpec ── Meter::new ──▶ Meter ── measure(event) ──▶ (dimensions, sample)
//! ```
//!
//! An event of another type, or one that a filter drops, is not an error: it is somebody else's.
//! An event that is selected and cannot be measured is one. Invariant: an aggregation that reads a
//! property has one.

use std::collections::BTreeSet;

use super::aggregate::{Contribution, Sample};
use super::data::PropertyError;
use super::event::Event;
use super::measure::Measure;
use super::pointer::{Pointer, PointerError};
use crate::plan::{Aggregation, Combination, MeterSpec};
use crate::units::{ChargeId, MeterId};

/// Bytes of a dimension's value, at most.
pub const DIMENSION_BYTES_MAX: usize = 128;

/// Why a meter cannot measure.
///
/// Variants are ordered by precedence: when several apply, the first one is returned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// A property, a filter or a dimension is no JSON pointer.
    #[error("pointer {pointer:?} {reason}")]
    Pointer {
        /// The text at fault.
        pointer: String,
        /// What is wrong with it.
        reason: PointerError,
    },
    /// The aggregation reads a property and none is named.
    #[error("meter {meter} names no property: say what to aggregate, like \"/tokens\"")]
    NoProperty {
        /// The meter at fault.
        meter: MeterId,
    },
}

impl MeterError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Pointer { reason, .. } => reason.code(),
            Self::NoProperty { .. } => "meter_no_property",
        }
    }
}

/// Why a selected event cannot be measured. Ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeasureError {
    /// A property that the meter reads is missing or of the wrong kind.
    #[error("property {property} {reason}")]
    Property {
        /// Where it should stand.
        property: String,
        /// What is wrong with it.
        reason: PropertyError,
    },
    /// The value of a dimension is longer than [`DIMENSION_BYTES_MAX`].
    #[error("dimension {name} has a value of {bytes} bytes: use at most 128")]
    DimensionValue {
        /// The dimension's name.
        name: String,
        /// The value's length.
        bytes: usize,
    },
}

impl MeasureError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Property { reason, .. } => reason.code(),
            Self::DimensionValue { .. } => "dimension_value_length",
        }
    }
}

/// A meter that is ready to measure: the pointers of a plan's meter, read once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meter {
    event_type: String,
    aggregation: Aggregation,
    property: Option<Pointer>,
    /// What counts when the property is missing; none: that is an error.
    absent: Option<Measure>,
    filters: Vec<(Pointer, BTreeSet<String>)>,
    dimensions: Vec<(String, Pointer)>,
}

impl Meter {
    /// The meter of a plan.
    ///
    /// # Errors
    ///
    /// [`MeterError`].
    pub fn new(spec: &MeterSpec) -> Result<Self, MeterError> {
        let property = spec.property.as_deref().map(pointer).transpose()?;
        if property.is_none() && spec.aggregation != Aggregation::Count {
            return Err(MeterError::NoProperty { meter: spec.id.clone() });
        }
        let filters = spec.filters.iter();
        let dimensions = spec.dimensions.iter();
        Ok(Self {
            event_type: spec.event_type.clone(),
            aggregation: spec.aggregation,
            property,
            absent: None,
            filters: filters
                .map(|(p, of)| Ok((pointer(p)?, of.clone())))
                .collect::<Result<_, _>>()?,
            dimensions: dimensions
                .map(|(name, p)| Ok((name.clone(), pointer(p)?)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The meter of a charge that names none: events whose type is the charge's id, summed by
    /// their `/quantity`; an event without one counts as one unit.
    ///
    /// # Errors
    ///
    /// [`MeterError::Pointer`] does not occur: the pointer is a constant.
    pub fn of_charge(charge: &ChargeId) -> Result<Self, MeterError> {
        Ok(Self {
            event_type: charge.to_string(),
            aggregation: Aggregation::Sum,
            property: Some(pointer("/quantity")?),
            absent: Some(Measure::ONE),
            filters: Vec::new(),
            dimensions: Vec::new(),
        })
    }

    /// How events become one number.
    pub fn aggregation(&self) -> Aggregation {
        self.aggregation
    }

    /// Whether events of this type are its own, if its filters let them through.
    pub fn reads(&self, kind: &str) -> bool {
        kind == self.event_type
    }

    /// What `event` adds, and under which dimensions; `None` if the meter does not count it.
    ///
    /// # Errors
    ///
    /// [`MeasureError`] if it should be counted and cannot be.
    pub fn measure<'e>(
        &self,
        event: &'e Event<'_>,
    ) -> Result<Option<(Combination, Sample<'e>)>, MeasureError> {
        if !self.reads(&event.kind) || !self.passes(event)? {
            return Ok(None);
        }
        let contribution = self.contribution(event)?;
        let sample = Sample { at: event.time, id: &event.id, source: &event.source, contribution };
        Ok(Some((self.dimensions(event)?, sample)))
    }

    fn passes(&self, event: &Event<'_>) -> Result<bool, MeasureError> {
        for (property, values) in &self.filters {
            let value = event.data.text(property).map_err(at(property))?;
            // A property that is missing has none of the values.
            if !value.is_some_and(|value| values.contains(value.as_ref())) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn contribution<'e>(&self, event: &'e Event<'_>) -> Result<Contribution<'e>, MeasureError> {
        let Some(property) = self.property.as_ref().filter(|_| self.reads_property()) else {
            return Ok(Contribution::Once);
        };
        if self.aggregation == Aggregation::UniqueCount {
            let name = event.data.text(property).map_err(at(property))?;
            let name = name.ok_or(PropertyError::Missing).map_err(at(property))?;
            return Ok(Contribution::Name(name));
        }
        let number = match (event.data.number(property), self.absent) {
            (Err(PropertyError::Missing), Some(absent)) => Ok(absent),
            (number, _) => number,
        };
        number.map(Contribution::Number).map_err(at(property))
    }

    /// A count may name a property; it is not read.
    fn reads_property(&self) -> bool {
        self.aggregation != Aggregation::Count
    }

    fn dimensions(&self, event: &Event<'_>) -> Result<Combination, MeasureError> {
        let mut dimensions = Combination::new();
        for (name, property) in &self.dimensions {
            let value = event.data.text(property).map_err(at(property))?.unwrap_or_default();
            if value.len() > DIMENSION_BYTES_MAX {
                let (name, bytes) = (name.clone(), value.len());
                return Err(MeasureError::DimensionValue { name, bytes });
            }
            dimensions.insert(name.clone(), value.into_owned());
        }
        Ok(dimensions)
    }
}

/// Names the property in an error.
fn at(property: &Pointer) -> impl FnOnce(PropertyError) -> MeasureError + '_ {
    move |reason| MeasureError::Property { property: property.to_string(), reason }
}

fn pointer(text: &str) -> Result<Pointer, MeterError> {
    text.parse().map_err(|reason| MeterError::Pointer { pointer: text.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn spec(aggregation: Aggregation, property: Option<&str>) -> MeterSpec {
        MeterSpec {
            id: "m".parse().unwrap(),
            event_type: "call".to_owned(),
            aggregation,
            property: property.map(str::to_owned),
            filters: BTreeMap::new(),
            dimensions: BTreeMap::new(),
            window_ms: None,
            conversion: None,
            rounding: None,
        }
    }

    fn event(data: &str) -> Event<'static> {
        let text = format!(
            r#"{{"specversion":"1.0","id":"1","source":"s","type":"call","subject":"acme",
                "time":"1970-01-01T00:00:01Z","data":{data}}}"#
        );
        Event::from_json(text.leak(), None).unwrap()
    }

    #[test]
    fn meters_that_could_not_measure_are_refused() {
        let code = |spec: &MeterSpec| Meter::new(spec).map(|_| "ok").unwrap_or_else(|e| e.code());
        assert_eq!(code(&spec(Aggregation::Count, None)), "ok");
        assert_eq!(code(&spec(Aggregation::Sum, Some("/n"))), "ok");
        assert_eq!(code(&spec(Aggregation::Sum, None)), "meter_no_property");
        assert_eq!(code(&spec(Aggregation::Sum, Some("n"))), "pointer_no_slash");
        let mut filtered = spec(Aggregation::Count, None);
        filtered.filters.insert("a~".to_owned(), BTreeSet::new());
        assert_eq!(code(&filtered), "pointer_no_slash");
        let mut grouped = spec(Aggregation::Count, None);
        grouped.dimensions.insert("model".to_owned(), "/a~".to_owned());
        assert_eq!(code(&grouped), "pointer_escape");
        let error = Meter::new(&grouped).unwrap_err().to_string();
        assert!(error.starts_with("pointer \"/a~\" has a lone"), "{error}");
    }

    #[test]
    fn a_meter_counts_what_its_filters_let_through() {
        let mut spec = spec(Aggregation::Sum, Some("/n"));
        let models = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
        spec.filters.insert("/model".to_owned(), models);
        spec.filters.insert("/ok".to_owned(), BTreeSet::from(["true".to_owned()]));
        spec.dimensions.insert("model".to_owned(), "/model".to_owned());
        spec.dimensions.insert("tier".to_owned(), "/tier".to_owned());
        let meter = Meter::new(&spec).unwrap();
        let measure = |data: &str| match meter.measure(&event(data)) {
            Ok(None) => "none".to_owned(),
            Ok(Some((dimensions, sample))) => format!("{dimensions:?} {:?}", sample.contribution),
            Err(error) => error.to_string(),
        };
        let text = |length: usize| {
            format!(r#"{{"n":1,"model":"a","ok":true,"tier":"{}"}}"#, "x".repeat(length))
        };
        for (data, expected) in [
            (
                r#"{"n":1,"model":"a","ok":true}"#,
                r#"{"model": "a", "tier": ""} Number(Measure(1))"#,
            ),
            (
                r#"{"n":"2.50","model":"b","tier":3,"ok":"true"}"#,
                r#"{"model": "b", "tier": "3"} Number(Measure(2.5))"#,
            ),
            (r#"{"n":1,"model":"c","ok":true}"#, "none"),
            (r#"{"n":1,"ok":true}"#, "none"),
            (r#"{"n":1,"model":"a","ok":false}"#, "none"),
            (r#"{"model":"a","ok":true}"#, "property /n is missing: the meter needs it"),
            (
                r#"{"n":1,"model":{}}"#,
                "property /model is an object or a list: point at a number or a text in it",
            ),
            (
                text(DIMENSION_BYTES_MAX + 1).as_str(),
                "dimension tier has a value of 129 bytes: use at most 128",
            ),
        ] {
            assert_eq!(measure(data), expected, "{data}");
        }
        assert!(measure(&text(DIMENSION_BYTES_MAX)).ends_with("Number(Measure(1))"));
        let mut other = event(r#"{"n":1,"model":"a","ok":true}"#);
        other.kind = "page".into();
        assert_eq!(meter.measure(&other), Ok(None));
        assert_eq!(meter.aggregation(), Aggregation::Sum);
    }

    #[test]
    fn counts_read_nothing_and_unique_counts_read_texts() {
        let contribution = |meter: &Meter, data: &str| {
            let event = event(data);
            let measured =
                meter.measure(&event).map(|m| format!("{:?}", m.unwrap().1.contribution));
            measured.map_err(|e| e.code())
        };
        let count = Meter::new(&spec(Aggregation::Count, Some("/n"))).unwrap();
        assert_eq!(contribution(&count, "{}").as_deref(), Ok("Once"));
        let unique = Meter::new(&spec(Aggregation::UniqueCount, Some("/user"))).unwrap();
        assert_eq!(contribution(&unique, r#"{"user":7}"#).as_deref(), Ok("Name(\"7\")"));
        assert_eq!(contribution(&unique, "{}"), Err("property_missing"));
        assert_eq!(contribution(&unique, r#"{"user":[]}"#), Err("property_composite"));
        let charge = Meter::of_charge(&"call".parse().unwrap()).unwrap();
        assert_eq!(contribution(&charge, "{}").as_deref(), Ok("Number(Measure(1))"));
        let five = r#"{"quantity":5}"#;
        assert_eq!(contribution(&charge, five).as_deref(), Ok("Number(Measure(5))"));
        assert_eq!(contribution(&charge, r#"{"quantity":"x"}"#), Err("not_a_decimal"));
    }

    #[test]
    fn long_values_have_their_code() {
        let error = MeasureError::DimensionValue { name: "m".to_owned(), bytes: 129 };
        assert_eq!(error.code(), "dimension_value_length");
    }
}
