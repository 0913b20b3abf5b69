//! Which events have been seen: the pair of source and id, as CloudEvents names an event.
//!
//! The names themselves are kept, so it is exact: nothing is forgotten after an hour, and nothing
//! is a false hit, whatever names somebody makes up.
//!
//! The set is hashed, not sorted: a million names are told apart in a fifth of the time. Nobody
//! asks for its order, so it cannot reach an answer.

use std::borrow::Cow;
use std::collections::BTreeMap;

use foldhash::fast::RandomState;

/// Events that one set remembers, at most: up to 100 bytes each, and the names themselves where
/// they are not borrowed from a text that is there anyway.
pub const SEEN_MAX: usize = 16_000_000;

/// Events that room is made for before the first of them is seen.
const ROOM_MAX: usize = 1 << 20;

/// More events than [`SEEN_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("more than 16000000 events to tell apart: split the file by account or by day")]
pub struct TooManySeen;

#[expect(clippy::disallowed_types, reason = "nobody asks for its order")]
type Names<'a> = std::collections::HashSet<(u32, Cow<'a, str>), RandomState>;

/// The events that have been seen.
#[derive(Clone, Debug, Default)]
pub struct Seen<'a> {
    /// Sources are few, so that a name is a number and an id.
    sources: BTreeMap<Box<str>, u32>,
    names: Names<'a>,
}

impl<'a> Seen<'a> {
    /// None yet, with room for so many, a million at most: a set that grows reads its names again,
    /// and a list may turn out to hold no events at all.
    pub fn with_room_for(events: usize) -> Self {
        let names = Names::with_capacity_and_hasher(events.min(ROOM_MAX), RandomState::default());
        Self { sources: BTreeMap::new(), names }
    }

    /// Remembers an event; says whether it is new.
    ///
    /// # Errors
    ///
    /// [`TooManySeen`].
    pub fn is_new(&mut self, source: &str, id: Cow<'a, str>) -> Result<bool, TooManySeen> {
        let number = match self.sources.get(source) {
            Some(number) => *number,
            None => {
                let next = u32::try_from(self.sources.len()).map_err(|_| TooManySeen)?;
                self.sources.insert(source.into(), next);
                next
            }
        };
        let is_new = self.names.insert((number, id));
        if self.names.len() > SEEN_MAX { Err(TooManySeen) } else { Ok(is_new) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_and_id_together_name_an_event() {
        let mut seen = Seen::default();
        let mut is_new =
            |source: &str, id: &str| seen.is_new(source, id.to_owned().into()).unwrap();
        assert!(is_new("a", "1"));
        assert!(!is_new("a", "1"));
        assert!(is_new("b", "1"));
        // The same characters, cut elsewhere.
        assert!(is_new("ab", "c"));
        assert!(is_new("a", "bc"));
        assert!(!is_new("ab", "c"));
    }
}
