//! The question as it stands in JSON. A name that stands twice is refused: half of a bill is none.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::table::Table;
use super::{REQUEST_BYTES_MAX, WireError};
use crate::calendar::Zone;
use crate::plan::Combination;
use crate::rating::{Event, Usage};
use crate::statement::PaymentTerms;
use crate::units::{ChargeId, ContractId, Date, MeterId, Quantity, Timestamp, once_each};

/// A question: see the head of [`super`].
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) plan: &'a RawValue,
    #[serde(default, deserialize_with = "once_each::deserialize")]
    pub(super) usage: BTreeMap<ChargeId, Usage>,
    #[serde(default, deserialize_with = "once_each::deserialize")]
    pub(super) uses: BTreeMap<ChargeId, Vec<Use>>,
    #[serde(default, deserialize_with = "once_each::deserialize")]
    pub(super) seats: BTreeMap<MeterId, Quantity>,
    #[serde(default, borrow)]
    pub(super) events: Option<Vec<&'a RawValue>>,
    #[serde(default, borrow)]
    pub(super) table: Option<Table<'a>>,
    #[serde(default)]
    pub(super) marginals: bool,
    pub(super) invoice: Option<Bill>,
}

/// Which invoice is asked for.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bill {
    pub(super) account: String,
    pub(super) contract: ContractId,
    /// First day of the contract.
    pub(super) from: Date,
    /// Position of the period in the contract, from 0.
    #[serde(default)]
    pub(super) index: i32,
    /// The account's time zone.
    #[serde(default = "Zone::utc")]
    pub(super) zone: Zone,
    /// Money that may pay, first to last.
    #[serde(default)]
    pub(super) payments: Vec<PaymentTerms>,
}

/// One use: a text is a quantity, the most frequent case by far, and as small as one.
pub(super) enum Use {
    Plain(Quantity),
    Detailed(Box<Detailed>),
}

/// A use in a window, or of a combination of dimension values.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detailed {
    quantity: Quantity,
    /// Start of the window, UTC milliseconds.
    window: Option<Timestamp>,
    #[serde(default, deserialize_with = "once_each::maybe")]
    of: Option<Combination>,
}

impl<'a> Request<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, WireError> {
        if text.len() > REQUEST_BYTES_MAX {
            return Err(WireError::TooLong { bytes: text.len() });
        }
        serde_json::from_str(text).map_err(|error| WireError::not_json(&error))
    }
}

impl Use {
    /// The event that rating takes.
    pub(super) fn event(&self) -> Event {
        match self {
            Self::Plain(quantity) => Event::Use(*quantity),
            Self::Detailed(of) => match (of.window, &of.of) {
                (Some(start), _) => Event::InWindow(start, of.quantity),
                (None, Some(combination)) => Event::Of(combination.clone(), of.quantity),
                (None, None) => Event::Use(of.quantity),
            },
        }
    }
}

impl<'de> Deserialize<'de> for Use {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(UseVisitor)
    }
}

struct UseVisitor;

impl<'de> Visitor<'de> for UseVisitor {
    type Value = Use;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a quantity as a string, or an object with a quantity")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Use, E> {
        text.parse().map(Use::Plain).map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Use, A::Error> {
        let of = Detailed::deserialize(MapAccessDeserializer::new(map))?;
        if of.window.is_some() && of.of.is_some() {
            return Err(A::Error::custom(
                "a use is of a window or of a combination: leave one out",
            ));
        }
        Ok(Use::Detailed(Box::new(of)))
    }
}
