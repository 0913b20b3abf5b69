//! Server-sent events as they pass: the data of each, in pieces of any size.
//!
//! ```text
//! data: {"a":│1}\r\n data: …\n \n     →  data({"a":) data(1}) line  data(…) line  end
//! ```
//!
//! Lines end with LF, CR or CRLF, a byte order mark may open the stream (WHATWG HTML §9.2); other
//! fields and comments are passed over. Nothing is kept but where in a line we are.

use memchr::memchr2;

/// What happens in a stream.
pub(super) trait Sink {
    /// A piece of a line of data.
    fn data(&mut self, piece: &[u8]);
    /// A line that is all the data of its event.
    fn whole(&mut self, line: &[u8]);
    /// The line of data is over; in JSON a line's end is a space.
    fn line(&mut self);
    /// The event is over.
    fn end(&mut self);
}

const FIELD: &[u8; 5] = b"data:";
const MARK: &[u8; 3] = b"\xef\xbb\xbf";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// So many bytes of [`MARK`] have been read.
    Mark(usize),
    /// So many bytes of [`FIELD`] have been read in this line.
    Field(usize),
    /// Behind the colon: one space is none of the data's.
    Colon,
    Data,
    /// In a line that is no data.
    Other,
}

/// Where in a stream we are.
#[derive(Debug)]
pub(super) struct Events {
    place: Place,
    after_return: bool,
    /// Whether the event has a line of data already.
    has_line: bool,
}

impl Events {
    pub(super) fn new() -> Self {
        Self { place: Place::Mark(0), after_return: false, has_line: false }
    }

    /// Reads the next piece.
    pub(super) fn read(&mut self, piece: &[u8], sink: &mut impl Sink) {
        let mut rest = piece;
        while let Some((&byte, behind)) = rest.split_first() {
            if std::mem::take(&mut self.after_return) && byte == b'\n' {
                rest = behind;
                continue;
            }
            match self.place {
                Place::Mark(read) => {
                    let is_mark = MARK.get(read) == Some(&byte);
                    let read = read.saturating_add(1);
                    self.place = match (is_mark, read) {
                        (true, 3) => Place::Field(0),
                        (true, _) => Place::Mark(read),
                        (false, 1) => Place::Field(0),
                        (false, _) => Place::Other,
                    };
                    rest = if is_mark { behind } else { rest };
                }
                Place::Field(read) => match byte {
                    b'\n' | b'\r' => {
                        if read == 0 {
                            sink.end();
                            self.has_line = false;
                        }
                        self.place = Place::Field(0);
                        self.after_return = byte == b'\r';
                        rest = behind;
                    }
                    _ => match rest.strip_prefix(FIELD) {
                        Some(data) if read == 0 => {
                            self.place = Place::Colon;
                            rest = data;
                        }
                        _ if FIELD.get(read) == Some(&byte) => {
                            let is_last = read.saturating_add(1) == FIELD.len();
                            self.place = if is_last {
                                Place::Colon
                            } else {
                                Place::Field(read.saturating_add(1))
                            };
                            rest = behind;
                        }
                        _ => self.place = Place::Other,
                    },
                },
                Place::Colon => {
                    self.place = Place::Data;
                    rest = if byte == b' ' { behind } else { rest };
                    rest = self.line(rest, true, sink);
                }
                Place::Data | Place::Other => rest = self.line(rest, false, sink),
            }
        }
    }

    /// Reads to the line's end, if it is there. `is_start`: nothing of the line came before.
    fn line<'a>(&mut self, rest: &'a [u8], is_start: bool, sink: &mut impl Sink) -> &'a [u8] {
        let end = memchr2(b'\n', b'\r', rest);
        let stop = end.unwrap_or(rest.len());
        let (line, behind) = rest.split_at_checked(stop).unwrap_or((rest, &[]));
        let is_data = self.place == Place::Data;
        let is_whole = is_data && is_start && !self.has_line && is_blank(behind);
        if is_whole {
            sink.whole(line);
        } else if is_data && !line.is_empty() {
            sink.data(line);
        }
        self.has_line |= is_data;
        let Some((byte, behind)) = behind.split_first() else { return behind };
        if is_data && !is_whole {
            sink.line();
        }
        self.after_return = *byte == b'\r';
        self.place = Place::Field(0);
        behind
    }
}

/// Whether an empty line stands behind this end of a line, as far as can be seen.
fn is_blank(end: &[u8]) -> bool {
    let behind = end.strip_prefix(b"\r\n").or_else(|| end.get(1..)).unwrap_or_default();
    behind.starts_with(b"\n") || behind.starts_with(b"\r")
}
