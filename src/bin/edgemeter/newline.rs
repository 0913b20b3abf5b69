//! One kind of line end for the CSV reader: `\r\n` becomes `\n`, and the last line has one.
//!
//! The reader counts lines by `\n` and ends a record at `\r`, so with both its count is one short.

use std::io::{BufReader, Bytes, Read, Result};

/// A stream in which every line ends with `\n`.
pub(crate) struct Newlines<R> {
    bytes: Bytes<BufReader<R>>,
    /// A byte that was read and not yet given on.
    held: Option<u8>,
    is_over: bool,
}

impl<R: Read> Newlines<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { bytes: BufReader::new(input).bytes(), held: None, is_over: false }
    }

    fn next(&mut self) -> Result<Option<u8>> {
        if self.is_over {
            return Ok(None);
        }
        let byte = match self.held.take() {
            Some(byte) => Some(byte),
            None => self.bytes.next().transpose()?,
        };
        if byte == Some(b'\r') {
            let after = self.bytes.next().transpose()?;
            if after == Some(b'\n') {
                return Ok(after);
            }
            self.held = after;
        }
        self.is_over = byte.is_none();
        Ok(byte.or(Some(b'\n')))
    }
}

impl<R: Read> Read for Newlines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let mut count = 0_usize;
        for slot in buffer {
            let Some(byte) = self.next()? else { break };
            *slot = byte;
            count = count.saturating_add(1);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_ends_alike() {
        for (input, expected) in [
            ("a\r\nb\r\n", "a\nb\n\n"),
            ("a\nb", "a\nb\n"),
            ("a\rb\r", "a\rb\r\n"),
            ("\r\r\n", "\r\n\n"),
            ("", "\n"),
        ] {
            let mut text = String::new();
            Newlines::new(input.as_bytes()).read_to_string(&mut text).unwrap();
            assert_eq!(text, expected, "{input:?}");
        }
    }
}
