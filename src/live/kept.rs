//! A second as the page keeps it: by name, so that it does not depend on the message that brought it.
//!
//! ```text
//! Second { routes: [[0, 5, "1.5"]] }, ["GET /words"] ──▶ Kept { routes: [("GET /words", 5, 1.5)] }
//! ```
//!
//! Invariant: what is kept adds up; [`is_sorted`] is the check, the feed applies it before.

use std::rc::Rc;

use super::message::{Second, Tally};
use crate::units::Credits;

/// One second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    pub(super) calls: u32,
    pub(super) credits: Credits,
    pub(super) routes: Vec<Named>,
    pub(super) keys: Vec<Named>,
}

/// Calls and credits of a route or a key; without a name: of all others.
pub(super) type Named = (Option<Rc<str>>, u32, Credits);

impl Kept {
    /// A second of a message with these names.
    pub(super) fn of(second: &Second, routes: &[Rc<str>], keys: &[Rc<str>]) -> Self {
        Self {
            calls: second.calls,
            credits: second.credits,
            routes: named(&second.routes, routes),
            keys: named(&second.keys, keys),
        }
    }
}

/// A message's names, each once for all of its seconds.
pub(super) fn names(list: &[String]) -> Vec<Rc<str>> {
    list.iter().map(|name| Rc::from(name.as_str())).collect()
}

/// Whether both sides are all of the second, each name once and listed.
pub(super) fn is_sorted(second: &Second, routes: usize, keys: usize) -> bool {
    is_all(second, &second.routes, routes) && is_all(second, &second.keys, keys)
}

fn is_all(second: &Second, tallies: &[Tally], names: usize) -> bool {
    let mut places: Vec<Option<u16>> = tallies.iter().map(|tally| tally.name).collect();
    places.sort_unstable();
    places.dedup();
    let known = places.iter().flatten().all(|place| usize::from(*place) < names);
    let calls: u64 = tallies.iter().map(|tally| u64::from(tally.calls)).sum();
    let credits = Credits::sum(tallies.iter().map(|tally| tally.credits));
    let all = calls == u64::from(second.calls) && credits == Ok(second.credits);
    known && all && places.len() == tallies.len()
}

fn named(tallies: &[Tally], names: &[Rc<str>]) -> Vec<Named> {
    let name = |place: u16| names.get(usize::from(place)).cloned();
    tallies.iter().map(|tally| (tally.name.and_then(name), tally.calls, tally.credits)).collect()
}
