//! The set behind a unique count: fingerprints, exact up to a limit.
//!
//! ```text
//! "user-7"  →  first 16 bytes of its SHA-256  →  32 hex digits, sorted, run together
//! ```
//!
//! A fingerprint has one size, and a journal that holds it does not hold the user's name. Among a
//! billion names, the chance that any two share one is below 10^−20. No estimate is made: past
//! [`UNIQUE_MAX`] the state refuses.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Different values in one state, at most: 1.6 MB of text, below a row's 2 MB.
pub const UNIQUE_MAX: usize = 50_000;

/// Bytes of a fingerprint.
const FINGERPRINT_BYTES: usize = 16;

/// Hexadecimal digits of a fingerprint.
const FINGERPRINT_DIGITS: usize = FINGERPRINT_BYTES * 2;

/// Why a set cannot be. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UniqueError {
    /// A stored set that this crate did not write.
    #[error("set of unique values is damaged: 32 hexadecimal digits each, sorted, none twice")]
    Damaged,
    /// More than [`UNIQUE_MAX`].
    #[error("more than 50000 different values: count a coarser property, or group by one")]
    TooMany,
}

impl UniqueError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Damaged => "unique_damaged",
            Self::TooMany => "unique_too_many",
        }
    }
}

/// A set of fingerprints, at most [`UNIQUE_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Unique(BTreeSet<[u8; FINGERPRINT_BYTES]>);

impl Unique {
    /// The set of one value.
    pub fn of(value: &str) -> Self {
        Self(BTreeSet::from([fingerprint_of(value)]))
    }

    /// How many different values.
    pub fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Adds all values of the other set; an error leaves this one as it was.
    ///
    /// # Errors
    ///
    /// [`UniqueError::TooMany`].
    pub fn merge(&mut self, other: Self) -> Result<(), UniqueError> {
        let added = other.0.iter().filter(|value| !self.0.contains(*value)).count();
        if self.0.len().saturating_add(added) > UNIQUE_MAX {
            return Err(UniqueError::TooMany);
        }
        self.0.extend(other.0);
        Ok(())
    }
}

/// The first bytes of the SHA-256 of a text.
fn fingerprint_of(text: &str) -> [u8; FINGERPRINT_BYTES] {
    let mut fingerprint = [0; FINGERPRINT_BYTES];
    for (kept, byte) in fingerprint.iter_mut().zip(Sha256::digest(text.as_bytes())) {
        *kept = byte;
    }
    fingerprint
}

impl TryFrom<String> for Unique {
    type Error = UniqueError;

    fn try_from(text: String) -> Result<Self, UniqueError> {
        let (digits, rest) = text.as_bytes().as_chunks::<FINGERPRINT_DIGITS>();
        if !rest.is_empty() {
            return Err(UniqueError::Damaged);
        }
        if digits.len() > UNIQUE_MAX {
            return Err(UniqueError::TooMany);
        }
        let mut values = BTreeSet::new();
        for digits in digits {
            let value = fingerprint(digits).ok_or(UniqueError::Damaged)?;
            // Sorted and none twice, so that one set has one text.
            if values.last().is_some_and(|last| *last >= value) {
                return Err(UniqueError::Damaged);
            }
            values.insert(value);
        }
        Ok(Self(values))
    }
}

fn fingerprint(digits: &[u8; FINGERPRINT_DIGITS]) -> Option<[u8; FINGERPRINT_BYTES]> {
    let (pairs, _) = digits.as_chunks::<2>();
    let mut value = [0; FINGERPRINT_BYTES];
    for (byte, [high, low]) in value.iter_mut().zip(pairs) {
        *byte = hex_digit(*high)?.checked_mul(16)?.checked_add(hex_digit(*low)?)?;
    }
    Some(value)
}

/// Lower-case only: one value has one text.
fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => byte.checked_sub(b'0'),
        b'a'..=b'f' => byte.checked_sub(b'a')?.checked_add(10),
        _ => None,
    }
}

impl From<Unique> for String {
    fn from(unique: Unique) -> Self {
        let mut text = Self::with_capacity(unique.0.len().saturating_mul(FINGERPRINT_DIGITS));
        for byte in unique.0.iter().flatten() {
            // Writing to a string does not fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_counts_each_value_once_and_has_one_text() {
        let mut set = Unique::of("b");
        for value in ["a", "b", "", "a"] {
            set.merge(Unique::of(value)).unwrap();
        }
        assert_eq!(set.count(), 3);
        let text = String::from(set.clone());
        // `printf b | sha256sum`, of "a" and of nothing: the first 32 digits, sorted.
        let [b, a, nothing] = [
            "3e23e8160039594a33894f6564e1b134",
            "ca978112ca1bbdcafac231b39a23dc4d",
            "e3b0c44298fc1c149afbf4c8996fb924",
        ];
        assert_eq!(text, format!("{b}{a}{nothing}"));
        assert_eq!(Unique::try_from(text), Ok(set));
    }

    #[test]
    fn a_damaged_set_is_refused() {
        let [a, b] = ["3e23e8160039594a33894f6564e1b134", "ca978112ca1bbdcafac231b39a23dc4d"];
        let read = |text: String| Unique::try_from(text).map(|set| set.count());
        assert_eq!(read(String::new()), Ok(0));
        assert_eq!(read(format!("{a}{b}")), Ok(2));
        for damaged in [
            format!("{b}{a}"),
            format!("{a}{a}"),
            a.to_uppercase(),
            a.replace('3', "g"),
            a.replace('3', "/"),
            a.replace('3', ":"),
            a.replace('3', "`"),
            a.get(1..).unwrap().to_owned(),
        ] {
            assert_eq!(read(damaged.clone()), Err(UniqueError::Damaged), "{damaged}");
        }
        let mut many: Vec<String> = (0..=UNIQUE_MAX).map(|n| format!("{n:032x}")).collect();
        assert_eq!(read(many.concat()), Err(UniqueError::TooMany));
        many.pop();
        let mut full = Unique::try_from(many.concat()).unwrap();
        assert_eq!(full.count(), 50_000);
        let known = Unique::try_from(many[7].clone()).unwrap();
        assert_eq!(full.merge(known), Ok(()));
        assert_eq!(full.merge(Unique::of("one more")), Err(UniqueError::TooMany));
        assert_eq!(full.count(), 50_000);
    }
}
