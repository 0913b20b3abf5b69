//! Maps in JSON whose names stand once each: of two amounts by one name, none is the right one.
//!
//! ```text
//! {"a": "1", "b": "2"} ──▶ map        {"a": "1", "a": "2"} ──▶ error
//! ```
//!
//! `#[serde(deserialize_with = "once_each::deserialize")]`; serde's own maps keep the last.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};

/// A map.
pub(crate) fn deserialize<'de, D, Key, T>(from: D) -> Result<BTreeMap<Key, T>, D::Error>
where
    D: Deserializer<'de>,
    Key: Deserialize<'de> + Ord + Display,
    T: Deserialize<'de>,
{
    from.deserialize_map(OnceEach(PhantomData))
}

/// A map that may be left out.
pub(crate) fn maybe<'de, D, Key, T>(from: D) -> Result<Option<BTreeMap<Key, T>>, D::Error>
where
    D: Deserializer<'de>,
    Key: Deserialize<'de> + Ord + Display,
    T: Deserialize<'de>,
{
    deserialize(from).map(Some)
}

struct OnceEach<Key, T>(PhantomData<(Key, T)>);

impl<'de, Key, T> Visitor<'de> for OnceEach<Key, T>
where
    Key: Deserialize<'de> + Ord + Display,
    T: Deserialize<'de>,
{
    type Value = BTreeMap<Key, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = BTreeMap::new();
        while let Some((key, value)) = map.next_entry::<Key, T>()? {
            if entries.contains_key(&key) {
                return Err(A::Error::custom(format!("{key} stands twice: keep one")));
            }
            entries.insert(key, value);
        }
        Ok(entries)
    }
}
