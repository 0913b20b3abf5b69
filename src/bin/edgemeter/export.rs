//! An exported journal, line by line, however long it is.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::Path;

use edgemeter::ledger::LineFault;

use crate::failure::Failure;

/// Bytes of one line, at most: the platform allows 2 MB for a row.
const LINE_BYTES_MAX: u64 = 8_000_000;
/// A sign of life each so many bytes.
const PROGRESS_BYTES: u64 = 50_000_000;

/// Lines with their place in the file; one can be looked at ahead.
pub(crate) struct Lines<'a> {
    file: &'a Path,
    input: Box<dyn BufRead>,
    /// Number of the line that was read last, from 1, and the offset of its first byte.
    number: u64,
    offset: u64,
    next_offset: u64,
    ahead: Option<Vec<u8>>,
    /// Bytes when the last sign of life was given.
    told: u64,
}

impl<'a> Lines<'a> {
    /// The lines of a file, or of standard input.
    pub(crate) fn open(file: &'a Path) -> Result<Self, Failure> {
        let input: Box<dyn BufRead> = match file.to_str() {
            Some("-") => Box::new(BufReader::new(std::io::stdin())),
            _ => Box::new(BufReader::new(File::open(file).map_err(|error| {
                Failure::of_file(
                    file,
                    format!("cannot be read: {error}: give the path of an export"),
                )
            })?)),
        };
        Ok(Self { file, input, number: 0, offset: 0, next_offset: 0, ahead: None, told: 0 })
    }

    /// The next line, its line feed included.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let read = match self.ahead.take() {
            Some(line) => Some(line),
            None => self.read()?,
        };
        if let Some(line) = &read {
            self.number = self.number.saturating_add(1);
            self.offset = self.next_offset;
            let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
            self.next_offset = self.next_offset.saturating_add(bytes);
        }
        Ok(read)
    }

    /// The line after that.
    pub(crate) fn peek(&mut self) -> Result<Option<&[u8]>, Failure> {
        if self.ahead.is_none() {
            self.ahead = self.read()?;
        }
        Ok(self.ahead.as_deref())
    }

    fn read(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        let mut line = Vec::new();
        let mut limited = Read::take(&mut self.input, LINE_BYTES_MAX);
        let failed = |error| Failure::at(self.file, self.number.saturating_add(1), error);
        let read = limited.read_until(b'\n', &mut line).map_err(failed)?;
        Ok((read > 0).then_some(line))
    }

    /// What is wrong with the line that was read last.
    pub(crate) fn fault(&self, row: u64, fault: &LineFault) -> Failure {
        let inside = u64::try_from(fault.at).unwrap_or(u64::MAX);
        let byte = self.offset.saturating_add(inside);
        let message = format!("row {row}, byte {byte}, {}: {}", fault.field, fault.what);
        Failure::at(self.file, self.number, message)
    }

    /// A sign of life, if somebody watches and there is long work.
    pub(crate) fn progress(&mut self, rows: u64, operations: u64) {
        if self.next_offset.saturating_sub(self.told) < PROGRESS_BYTES {
            return;
        }
        self.told = self.next_offset;
        let mut stderr = std::io::stderr();
        if stderr.is_terminal() {
            // A courtesy: a closed standard error is no reason to stop.
            let file = self.file.display();
            let _ = writeln!(stderr, "{file}: {rows} rows, {operations} operations");
        }
    }
}
