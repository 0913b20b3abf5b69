//! Decimals as texts and back, without an allocation: what every boundary pays per number.
//!
//! ```text
//! "-12.50" ── read ──▶ 1250 / 10^2, negative        -125 / 10^1 ── Text::of ──▶ "-12.5"
//! ```
//!
//! A short number, as nearly all are, is read in one pass with 64-bit arithmetic; longer ones take
//! the way of [`super::number`], digit for digit the same. serde goes through the checked
//! constructors of each type by [`TextVisitor`].
//!
//! Invariant (tested below): what is written reads as the same number, and is what `rust_decimal`
//! writes.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::{Error, Visitor};

use super::{INTEGER_DIGITS_MAX, exact};

/// Bytes of a text that is read in one pass: no more digits before its point than any number has.
const READ_BYTES_MAX: usize = INTEGER_DIGITS_MAX as usize;

/// Digits of a chunk: as many as fit 32 bits, whatever they are. A division of 32 bits is a
/// multiplication on every machine, one of 64 or 128 bits is not.
const CHUNK_DIGITS: usize = 9;

/// 10^[`CHUNK_DIGITS`].
const CHUNK_END: u64 = 1_000_000_000;

/// Sign, 29 digits and a point.
const BYTES_MAX: usize = 31;

/// The text of a decimal.
pub(super) struct Text {
    bytes: [u8; BYTES_MAX],
    start: usize,
}

impl Text {
    /// Writes a decimal with all its places.
    pub(super) fn of(value: Decimal) -> Self {
        let scale = usize::try_from(value.scale()).unwrap_or_default();
        let chunks = chunks(value.mantissa().unsigned_abs());
        let whole = chunks.iter().rposition(|chunk| *chunk > 0).unwrap_or_default();
        let mut text = Self { bytes: [0; BYTES_MAX], start: BYTES_MAX };
        let mut place = 0_usize;
        for (index, chunk) in chunks.into_iter().enumerate() {
            let mut rest = chunk;
            for _ in 0..CHUNK_DIGITS {
                if index >= whole && rest == 0 && place > scale {
                    break;
                }
                if place == scale && place > 0 {
                    text.put(b'.');
                }
                let digit = u8::try_from(rest % 10).unwrap_or_default();
                text.put(b'0' | digit);
                rest /= 10;
                place = place.saturating_add(1);
            }
        }
        if value.is_sign_negative() {
            text.put(b'-');
        }
        text
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        let bytes = self.bytes.get(self.start..).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }

    /// Sets the byte before the first one.
    fn put(&mut self, byte: u8) {
        self.start = self.start.saturating_sub(1);
        if let Some(slot) = self.bytes.get_mut(self.start) {
            *slot = byte;
        }
    }
}

/// A number of 96 bits in chunks of nine digits, the lowest first.
fn chunks(mantissa: u128) -> [u32; 4] {
    let low = |rest: u64| u32::try_from(rest % CHUNK_END).unwrap_or_default();
    match u64::try_from(mantissa) {
        Ok(small) => {
            let rest = small / CHUNK_END;
            [low(small), low(rest), low(rest / CHUNK_END), 0]
        }
        Err(_) => {
            const END: u128 = CHUNK_END as u128;
            let mut rest = mantissa;
            [(); 4].map(|()| {
                let chunk = u32::try_from(rest % END).unwrap_or_default();
                rest /= END;
                chunk
            })
        }
    }
}

/// Reads `-?digits(.digits)?` of at most [`READ_BYTES_MAX`] bytes after the sign, normalized; none
/// if it is longer, or not of this form.
pub(super) fn read(text: &str) -> Option<Decimal> {
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        all => (false, all),
    };
    if digits.len() > READ_BYTES_MAX {
        return None;
    }
    let (mut mantissa, mut places, mut point_at) = (0_u64, 0_u32, None);
    for (index, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                let digit = u64::from(byte & 0x0f);
                mantissa = mantissa.wrapping_mul(10).wrapping_add(digit);
                places = places.wrapping_add(u32::from(point_at.is_some()));
            }
            b'.' if point_at.is_none() => point_at = Some(index),
            _ => return None,
        }
    }
    let is_open = digits.is_empty() || point_at == Some(0) || digits.ends_with(b".");
    if is_open { None } else { Some(exact::small(mantissa, places, is_negative)) }
}

/// Reads a type from its text, whoever holds that.
pub(super) struct TextVisitor<T>(pub(super) PhantomData<T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// serde, `Display` and the conversions of a number whose field 0 is its decimal.
macro_rules! as_text {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($crate::units::text::Text::of(self.0).as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_str($crate::units::text::TextVisitor(std::marker::PhantomData))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad($crate::units::text::Text::of(self.0).as_str())
            }
        }
    };
}
pub(super) use as_text;

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_decimal_is_written_as_its_library_writes_it() {
        let mut mantissas = vec![Decimal::MAX.mantissa(), 0, 1, 10, 999_999_999_999_999_999];
        mantissas.extend((0..29).map(|power| 10_i128.pow(power)));
        mantissas.extend((0..29).map(|power| 10_i128.pow(power) - 1));
        mantissas.extend([0xffff_ffff, 0x1_0000_0000, i128::from(u64::MAX), 1 << 64]);
        for mantissa in mantissas {
            for scale in 0..=28 {
                for signed in [mantissa, -mantissa] {
                    let value = Decimal::from_i128_with_scale(signed, scale);
                    assert_eq!(Text::of(value).as_str(), value.to_string());
                }
            }
        }
        assert_eq!(Text::of(d("-79228162514264337593543950335")).as_str().len(), 30);
        assert_eq!(Text::of(d("-7.9228162514264337593543950335")).as_str().len(), BYTES_MAX);
    }

    #[test]
    fn a_text_reads_as_the_library_reads_it() {
        for text in [
            "0",
            "-0",
            "0.0",
            "7",
            "007",
            "-12.50",
            "0.000000000001",
            "9999999999999999",
            "-999999999999999",
            "1.00000",
            "4294967296",
            "1844674407370955",
            "0.1",
            "100",
        ] {
            let expected = d(text).normalize();
            let got = read(text).unwrap();
            assert_eq!((got, got.scale()), (expected, expected.scale()), "{text}");
            assert_eq!(got.is_sign_negative(), expected.is_sign_negative(), "{text}");
        }
        for text in ["", "-", ".", "1.", ".5", "1.2.3", "1e3", "+1", "--1", " 1", "1-", "٣"] {
            assert_eq!(read(text), None, "{text}");
        }
        // Longer texts are somebody else's.
        assert_eq!(read("10000000000000000"), None);
        assert_eq!(read("0.000000000000001"), None);
    }
}
