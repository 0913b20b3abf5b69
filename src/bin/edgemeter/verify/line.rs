//! One line of an export, in the one form that it has:
//!
//! ```text
//! {"n":1,"at":1764547200000,"hash":"<64 hex digits>","entries":[…]}⏎
//! ```

use std::ops::Range;

use edgemeter::ledger::Row;
use edgemeter::units::Timestamp;

use super::fault::Fault;

/// A line, and where its fields are.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) n: u64,
    pub(super) at: i64,
    pub(super) hash: &'a str,
    pub(super) body: &'a str,
    pub(super) n_range: Range<usize>,
    pub(super) at_range: Range<usize>,
    pub(super) hash_range: Range<usize>,
    pub(super) body_range: Range<usize>,
}

/// Reads a line from left to right.
struct Reader<'a> {
    line: &'a [u8],
    here: usize,
}

impl<'a> Line<'a> {
    /// Takes a line apart; the first byte that does not belong there is the fault.
    pub(super) fn parse(line: &'a [u8]) -> Result<Self, Fault> {
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
            std::str::from_utf8(bytes).map_err(|error| Fault {
                at: range.start.saturating_add(error.valid_up_to()),
                field: "entries",
                what: "the bytes are not UTF-8: they were changed".to_owned(),
            })
        };
        let number = |range: &Range<usize>, field| {
            let what = "the number is too large: it was changed".to_owned();
            Ok((text(range)?, Fault { at: range.start, field, what }))
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
    pub(super) fn row(&self) -> Row {
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

    fn fault(&self, field: &'static str, expected: &str) -> Fault {
        let what = match self.peek() {
            Some(b'\n') | None => format!("the line ends here, where {expected} was expected"),
            Some(found) => format!("{} stands where {expected} was expected", shown(found)),
        };
        Fault { at: self.here, field, what }
    }

    fn literal(&mut self, text: &str, field: &'static str) -> Result<(), Fault> {
        for byte in text.bytes() {
            if self.peek() != Some(byte) {
                return Err(self.fault(field, &shown(byte)));
            }
            self.step();
        }
        Ok(())
    }

    /// A whole number as JSON writes it: no zeros before it.
    fn digits(&mut self, field: &'static str, signed: bool) -> Result<Range<usize>, Fault> {
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

    fn hash(&mut self) -> Result<Range<usize>, Fault> {
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
    fn body(&mut self) -> Result<Range<usize>, Fault> {
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
                    false => self.fault("entries", &shown(byte)),
                });
            }
        }
        Ok(start..end.saturating_sub(2))
    }

    fn cut(&self) -> Fault {
        let what = "the export is cut off here, or its last byte was changed: a line feed was \
                    expected: take the export again";
        Fault { at: self.here.saturating_sub(1), field: "end of line", what: what.to_owned() }
    }
}

/// A byte, as a person reads it.
pub(super) fn shown(byte: u8) -> String {
    match byte {
        b'\n' => "a line feed".to_owned(),
        b'"' => "'\"'".to_owned(),
        32..=126 => format!("{:?}", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}
