//! One line of an export, in the one form that it has:
//!
//! ```text
//! {"n":1,"at":1764547200000,"hash":"<64 hex digits>","entries":[…]}⏎
//! ```

use std::ops::Range;

use super::Row;
use crate::units::Timestamp;

/// What is wrong with a line, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineFault {
    /// Offset of the first byte at fault.
    pub at: usize,
    /// The field that it is in.
    pub field: &'static str,
    /// What is wrong, for people.
    pub what: String,
}

/// A line, and where its fields are.
#[derive(Clone, Debug)]
pub struct Line<'a> {
    /// Number of the row.
    pub n: u64,
    /// When it was decided, UTC milliseconds.
    pub at: i64,
    /// Its chain hash, in hex.
    pub hash: &'a str,
    /// Its entries: the very bytes that were hashed.
    pub body: &'a str,
    /// Where the number stands.
    pub n_range: Range<usize>,
    /// Where the instant stands.
    pub at_range: Range<usize>,
    /// Where the hash stands.
    pub hash_range: Range<usize>,
    /// Where the entries stand.
    pub body_range: Range<usize>,
}

/// Reads a line from left to right.
struct Reader<'a> {
    line: &'a [u8],
    here: usize,
}

impl<'a> Line<'a> {
    /// Takes a line apart, its line feed included.
    ///
    /// # Errors
    ///
    /// [`LineFault`]: the first byte that does not belong there.
    pub fn parse(line: &'a [u8]) -> Result<Self, LineFault> {
        let mut reader = Reader { line, here: 0 };
        reader.literal("{\"n\":", "n")?;
        let n_range = reader.digits("n", false)?;
        reader.literal(",\"at\":", "at")?;
        let at_range = reader.digits("at", true)?;
        reader.literal(",\"hash\":\"", "hash")?;
        let hash_range = reader.hash()?;
        reader.literal("\",\"entries\":", "entries")?;
        let body_range = reader.body()?;
        let text = |range: &Range<usize>| {
            let bytes = line.get(range.clone()).unwrap_or_default();
            std::str::from_utf8(bytes).map_err(|error| LineFault {
                at: range.start.saturating_add(error.valid_up_to()),
                field: "entries",
                what: "the bytes are not UTF-8: they were changed".to_owned(),
            })
        };
        let number = |range: &Range<usize>, field| {
            let what = "the number is too large: it was changed".to_owned();
            Ok((text(range)?, LineFault { at: range.start, field, what }))
        };
        let (n, n_fault) = number(&n_range, "n")?;
        let (at, at_fault) = number(&at_range, "at")?;
        Ok(Self {
            n: n.parse().map_err(|_| n_fault)?,
            at: at.parse().map_err(|_| at_fault)?,
            hash: text(&hash_range)?,
            body: text(&body_range)?,
            n_range,
            at_range,
            hash_range,
            body_range,
        })
    }

    /// The row, as it was hashed.
    pub fn row(&self) -> Row {
        Row {
            n: self.n,
            at: Timestamp::from_millis(self.at),
            body: self.body.to_owned(),
            hash: self.hash.to_owned(),
        }
    }
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.line.get(self.here).copied()
    }

    fn step(&mut self) {
        self.here = self.here.saturating_add(1);
    }

    fn fault(&self, field: &'static str, expected: &str) -> LineFault {
        let what = match self.peek() {
            Some(b'\n') | None => format!("the line ends here, where {expected} was expected"),
            Some(found) => format!("{} stands where {expected} was expected", shown_byte(found)),
        };
        LineFault { at: self.here, field, what }
    }

    fn literal(&mut self, text: &str, field: &'static str) -> Result<(), LineFault> {
        for byte in text.bytes() {
            if self.peek() != Some(byte) {
                return Err(self.fault(field, &shown_byte(byte)));
            }
            self.step();
        }
        Ok(())
    }

    /// A whole number as JSON writes it: no zeros before it.
    fn digits(&mut self, field: &'static str, signed: bool) -> Result<Range<usize>, LineFault> {
        let start = self.here;
        if signed && self.peek() == Some(b'-') {
            self.step();
        }
        let first = self.peek();
        if !first.is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.fault(field, "a digit"));
        }
        self.step();
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            if first == Some(b'0') {
                self.here = start;
                return Err(self.fault(field, "a digit from 1 to 9"));
            }
            self.step();
        }
        Ok(start..self.here)
    }

    fn hash(&mut self) -> Result<Range<usize>, LineFault> {
        let start = self.here;
        for _ in 0..64 {
            if !self.peek().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
                return Err(self.fault("hash", "a hex digit"));
            }
            self.step();
        }
        Ok(start..self.here)
    }

    /// Everything up to the brace and the line feed at the end.
    fn body(&mut self) -> Result<Range<usize>, LineFault> {
        let start = self.here;
        let end = self.line.len();
        for (byte, before) in [(b'\n', 1), (b'}', 2)] {
            let at = end.saturating_sub(before);
            let found = self.line.get(at).copied();
            if at < start || found != Some(byte) {
                // Without its line feed the line may still be whole, but who knows.
                self.here = if byte == b'\n' { end } else { at.max(start) };
                return Err(match self.here == end && byte == b'\n' {
                    true => self.cut(),
                    false => self.fault("entries", &shown_byte(byte)),
                });
            }
        }
        Ok(start..end.saturating_sub(2))
    }

    fn cut(&self) -> LineFault {
        let what = "the export is cut off here, or its last byte was changed: a line feed was \
                    expected: take the export again";
        LineFault { at: self.here.saturating_sub(1), field: "end of line", what: what.to_owned() }
    }
}

/// A byte, as a person reads it.
pub fn shown_byte(byte: u8) -> String {
    match byte {
        b'\n' => "a line feed".to_owned(),
        b'"' => "'\"'".to_owned(),
        32..=126 => format!("{:?}", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}
