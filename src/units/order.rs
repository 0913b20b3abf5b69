//! Lists in order, and maps of pairs, by one sort for all types.
//!
//! ```text
//! list ── order of its places ──▶ sorted list        pairs ── inserted one by one ──▶ map
//! ```
//!
//! The standard library makes a sort of its own for every type that is sorted or collected into a
//! map: five thousand bytes each in a file that a customer waits for.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// The list in order; what is equal stays as it was.
pub(crate) fn sorted<T>(list: Vec<T>, compare: impl Fn(&T, &T) -> Ordering) -> Vec<T> {
    let places = places(list.len(), &|a, b| match (list.get(a), list.get(b)) {
        (Some(a), Some(b)) => compare(a, b),
        _ => Ordering::Equal,
    });
    let mut left: Vec<Option<T>> = list.into_iter().map(Some).collect();
    places.into_iter().filter_map(|place| left.get_mut(place)?.take()).collect()
}

#[inline(never)]
fn places(count: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut places: Vec<usize> = (0..count).collect();
    places.sort_by(|a, b| compare(*a, *b));
    places
}

/// A map of pairs; of two by one key, the last.
pub(crate) fn map_of<K: Ord, V>(pairs: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        map.insert(key, value);
    }
    map
}

/// A set of values.
pub(crate) fn set_of<T: Ord>(values: impl IntoIterator<Item = T>) -> BTreeSet<T> {
    let mut set = BTreeSet::new();
    for value in values {
        set.insert(value);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_stays_as_it_was() {
        let list: Vec<(u32, u32)> = (0..200).map(|n| (n * 7 % 13, n)).collect();
        let mut expected = list.clone();
        expected.sort_by_key(|of| of.0);
        assert_eq!(sorted(list.clone(), |a, b| a.0.cmp(&b.0)), expected);
        assert_eq!(map_of(list.clone()), list.iter().copied().collect());
        assert_eq!(set_of(list.clone()), list.into_iter().collect());
    }
}
