//! Which events have been seen: the pair of source and id, as CloudEvents names an event.
//!
//! A set of fingerprints of one size, so that memory does not depend on how long the names are.
//! It is exact within its limit: nothing is forgotten after an hour, and nothing is a false hit.

use std::collections::BTreeSet;

use super::event::Event;
use super::unique::{FINGERPRINT_BYTES, fingerprint_of};

/// Events that one set remembers, at most: half a gigabyte.
pub const SEEN_MAX: usize = 16_000_000;

/// More events than [`SEEN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than 16000000 events to tell apart: split the file by account or by day")]
pub struct TooManySeen;

/// The events that have been seen.
#[derive(Clone, Debug, Default)]
pub struct Seen(BTreeSet<[u8; FINGERPRINT_BYTES]>);

impl Seen {
    /// Remembers an event; says whether it is new.
    ///
    /// # Errors
    ///
    /// [`TooManySeen`].
    pub fn is_new(&mut self, event: &Event) -> Result<bool, TooManySeen> {
        let is_new = self.0.insert(fingerprint_of(&[&event.source, &event.id]));
        if self.0.len() > SEEN_MAX { Err(TooManySeen) } else { Ok(is_new) }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::data::Data;
    use super::*;
    use crate::units::Timestamp;

    #[test]
    fn source_and_id_together_name_an_event() {
        let mut seen = Seen::default();
        let mut is_new = |source: &str, id: &str| {
            let event = Event {
                id: id.to_owned(),
                source: source.to_owned(),
                kind: "k".to_owned(),
                subject: "s".to_owned(),
                time: Timestamp::default(),
                data: Data::Fields(BTreeMap::new()),
            };
            seen.is_new(&event).unwrap()
        };
        assert!(is_new("a", "1"));
        assert!(!is_new("a", "1"));
        assert!(is_new("b", "1"));
        // The same characters, cut elsewhere.
        assert!(is_new("ab", "c"));
        assert!(is_new("a", "bc"));
        assert!(!is_new("ab", "c"));
    }
}
