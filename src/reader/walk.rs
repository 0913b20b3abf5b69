//! Walks JSON as it passes, in pieces of any size: values at given places, and how much text the
//! model has written. Nothing is kept but a value that is being read.
//!
//! ```text
//! …"choices":[{"delta":{"cont│ent":"Hello"}}],"usage":{"prompt_tokens":5,"compl│etion_tokens":1}}
//!                              ╰ text: 5 bytes         ╰─────────── the value at /usage ────────╯
//! ```
//!
//! The walker trusts the shape of what it reads: it finds where names, values, objects and lists
//! begin and end, no more. What it hands out is parsed by whoever wanted it.
//!
//! Invariants: where the pieces are cut changes nothing; a name or a value inside a string of the
//! model's is never taken for one of the answer's, since depth and path are followed exactly.

use memchr::memchr2;

use super::VALUE_BYTES_MAX;
use super::paths::Paths;
use super::written::{Text, Written};
use crate::plan::limits::POINTER_BYTES_MAX;

/// Deeper JSON is not followed any more until the next event: one bit a level says what it is.
const DEPTH_MAX: usize = 128;

/// What a walk looks for.
#[derive(Debug)]
pub(super) struct Wanted {
    /// The places of values: names and list indices, outermost first. At most 32.
    pub(super) paths: Vec<Vec<String>>,
    /// Whether an object or a list is a value too, or only what it holds.
    pub(super) composite: bool,
    /// Names whose values hold text of the model, with the depth that they stand at; 0: wherever.
    pub(super) text: &'static [(&'static str, usize)],
}

/// A value that was found, or why it cannot be had.
pub(super) enum Found<'a> {
    Value(&'a [u8]),
    /// An object or a list, where only its parts are values.
    Composite,
    TooLong,
}

/// Takes a value and the places that it stands at, a bit each, and the text written before it.
pub(super) type Take<'t> = dyn FnMut(u32, Found<'_>, Text) + 't;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Between tokens.
    Out,
    /// In a number, `true`, `false` or `null`.
    Bare,
    /// In a string.
    In,
    /// Behind a backslash.
    Escape,
    /// In the digits of `\u…`: how many there were, and their value.
    Hex(u8, u32),
    /// Deeper than [`DEPTH_MAX`].
    Lost,
}

#[derive(Debug)]
pub(super) struct Walker {
    paths: Paths,
    /// Whether an object or a list is a value too.
    composite: bool,
    mode: Mode,
    depth: usize,
    /// Which of the open levels are objects.
    objects: u128,
    is_name: bool,
    /// A name that is cut by the end of a piece, or has escapes; as it stands.
    name: Vec<u8>,
    /// A value that is being read: its places, and the depth that it stands at.
    value_at: Option<(u32, usize)>,
    value: Vec<u8>,
    is_too_long: bool,
    written: Written,
}

impl Walker {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self {
            paths: Paths::new(wanted.paths),
            composite: wanted.composite,
            mode: Mode::Out,
            depth: 0,
            objects: 0,
            is_name: false,
            name: Vec::new(),
            value_at: None,
            value: Vec::new(),
            is_too_long: false,
            written: Written::new(wanted.text),
        }
    }

    /// What the model has written so far.
    pub(super) fn text(&self) -> Text {
        self.written.total
    }

    /// What is known of the text, to return to it.
    pub(super) fn written(&self) -> Written {
        self.written
    }

    /// Begins another JSON text, with no more text than there was.
    pub(super) fn restart_at(&mut self, written: Written) {
        self.written = written;
        self.restart();
    }

    /// Begins another JSON text; what was open is forgotten.
    pub(super) fn restart(&mut self) {
        self.mode = Mode::Out;
        self.depth = 0;
        self.paths.root();
        self.is_name = false;
        self.value_at = None;
        self.written.restart();
    }

    /// Walks the value of a name that holds text, apart from what is around it.
    pub(super) fn text_of(&mut self, name: &str, value: &[u8]) {
        self.depth = 0;
        self.paths.none();
        self.open(true);
        self.is_name = false;
        self.named(name.as_bytes());
        self.walk(value, &mut |_, _, _| {});
        // A bare value ends with what follows it.
        self.mode = Mode::Out;
    }

    /// Walks the next piece.
    pub(super) fn walk(&mut self, piece: &[u8], take: &mut Take<'_>) {
        let mut at = 0;
        // Where the value that is being read begins in this piece.
        let mut from = 0;
        while let Some(&byte) = piece.get(at) {
            let next = at.saturating_add(1);
            match self.mode {
                Mode::Lost => return,
                Mode::In | Mode::Escape | Mode::Hex(..) => {
                    at = self.string(piece, at);
                    self.end(piece, from, at, take);
                }
                Mode::Bare => match byte {
                    b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' => {
                        self.mode = Mode::Out;
                        self.end(piece, from, at, take);
                    }
                    _ => at = next,
                },
                Mode::Out => {
                    at = next;
                    match byte {
                        b'}' | b']' => {
                            self.close();
                            self.end(piece, from, at, take);
                        }
                        b',' => self.comma(),
                        b':' | b' ' | b'\t' | b'\n' | b'\r' => {}
                        b'"' if self.is_name => at = self.string(piece, at),
                        _ => {
                            if self.begin(byte, take) {
                                from = at.saturating_sub(1);
                            }
                            if byte == b'"' {
                                at = self.string(piece, at);
                                self.end(piece, from, at, take);
                            }
                        }
                    }
                }
            }
        }
        if self.value_at.is_some() {
            self.keep(piece.get(from..).unwrap_or_default());
        }
    }

    /// A value begins with this byte; whether it is one that is looked for.
    fn begin(&mut self, byte: u8, take: &mut Take<'_>) -> bool {
        let ends = self.paths.ending(self.depth);
        let is_composite = matches!(byte, b'{' | b'[');
        let mut is_it = ends != 0 && self.value_at.is_none();
        if is_it && is_composite && !self.composite {
            take(ends, Found::Composite, self.written.total);
            is_it = false;
        }
        if is_it {
            self.value.clear();
            self.is_too_long = false;
            self.value_at = Some((ends, self.depth));
        }
        match byte {
            b'"' => {
                self.written.string();
                self.mode = Mode::In;
            }
            b'{' | b'[' => {
                self.written.open(self.depth);
                self.open(byte == b'{');
            }
            _ => self.mode = Mode::Bare,
        }
        is_it
    }

    /// A value may have ended: the one that is looked for, if it stands at this depth.
    fn end(&mut self, piece: &[u8], from: usize, at: usize, take: &mut Take<'_>) {
        let is_over = self.mode == Mode::Out;
        let ended = self.value_at.filter(|(_, depth)| is_over && *depth == self.depth);
        let Some((places, _)) = ended else { return };
        self.value_at = None;
        let tail = piece.get(from..at).unwrap_or_default();
        if self.value.is_empty() && !self.is_too_long && tail.len() <= VALUE_BYTES_MAX {
            return take(places, Found::Value(tail), self.written.total);
        }
        self.keep(tail);
        let found = if self.is_too_long { Found::TooLong } else { Found::Value(&self.value) };
        take(places, found, self.written.total);
    }

    fn keep(&mut self, tail: &[u8]) {
        self.is_too_long |= self.value.len().saturating_add(tail.len()) > VALUE_BYTES_MAX;
        if !self.is_too_long {
            self.value.extend_from_slice(tail);
        }
    }

    fn open(&mut self, is_object: bool) {
        self.depth = self.depth.saturating_add(1);
        if self.depth > DEPTH_MAX {
            self.mode = Mode::Lost;
            return;
        }
        let bit = 1_u128.rotate_left(u32::try_from(self.depth).unwrap_or_default());
        self.objects = if is_object { self.objects | bit } else { self.objects & !bit };
        self.paths.open(self.depth, is_object);
        self.is_name = is_object;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.is_name = false;
        if self.depth == 0 {
            self.paths.root();
        } else {
            self.paths.none();
        }
        self.written.close(self.depth);
    }

    fn comma(&mut self) {
        let bit = 1_u128.rotate_left(u32::try_from(self.depth).unwrap_or_default());
        self.is_name = self.depth > 0 && self.objects & bit != 0;
        self.written.comma();
        if !self.is_name && self.depth > 0 {
            self.paths.next(self.depth);
        }
    }

    /// A name has been read.
    fn named(&mut self, name: &[u8]) {
        self.is_name = false;
        self.paths.named(self.depth, name);
        self.written.named(name, self.depth);
    }

    /// Reads on in a string from `at`; where it ends, or the piece does.
    fn string(&mut self, piece: &[u8], mut at: usize) -> usize {
        if self.mode == Mode::Out {
            self.mode = Mode::In;
            self.name.clear();
        }
        loop {
            let rest = piece.get(at..).unwrap_or_default();
            let Some(&byte) = rest.first() else { return at };
            match self.mode {
                Mode::Escape => {
                    self.mode = if byte == b'u' { Mode::Hex(0, 0) } else { Mode::In };
                    self.read(&[byte], u64::from(byte != b'u'));
                    at = at.saturating_add(1);
                }
                Mode::Hex(digits, value) => {
                    let digit = char::from(byte).to_digit(16).unwrap_or_default();
                    let (digits, value) = (digits.saturating_add(1), (value << 4) | digit);
                    let is_last = digits == 4;
                    self.mode = if is_last { Mode::In } else { Mode::Hex(digits, value) };
                    self.read(&[byte], if is_last { utf8_bytes(value) } else { 0 });
                    at = at.saturating_add(1);
                }
                _ => {
                    let stop = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
                    let (plain, behind) = rest.split_at_checked(stop).unwrap_or((rest, &[]));
                    at = at.saturating_add(stop).saturating_add(behind.len().min(1));
                    let is_end = behind.first() == Some(&b'"');
                    if is_end && self.is_name && self.name.is_empty() {
                        self.mode = Mode::Out;
                        self.named(plain);
                        return at;
                    }
                    self.read(plain, u64::try_from(plain.len()).unwrap_or(u64::MAX));
                    if is_end {
                        self.mode = Mode::Out;
                        self.end_of_name();
                        return at;
                    }
                    if !behind.is_empty() {
                        self.mode = Mode::Escape;
                        self.read(b"\\", 0);
                    }
                }
            }
        }
    }

    /// Takes bytes of a string that stand for `bytes` of text.
    fn read(&mut self, raw: &[u8], bytes: u64) {
        if self.is_name {
            // A longer one is no token, escaped or not.
            if self.name.len() <= POINTER_BYTES_MAX.saturating_mul(6) {
                self.name.extend_from_slice(raw);
            }
        } else {
            self.written.read(bytes);
        }
    }

    /// A string has ended: if it was a name, one that was read in pieces or has escapes.
    fn end_of_name(&mut self) {
        if !self.is_name {
            return;
        }
        let raw = std::mem::take(&mut self.name);
        let quoted = [b"\"", raw.as_slice(), b"\""].concat();
        let name = serde_json::from_slice::<String>(&quoted).unwrap_or_default();
        self.named(name.as_bytes());
        self.name = raw;
        self.name.clear();
    }
}

/// Bytes of a UTF-16 unit in UTF-8; a pair's are counted with its first half.
fn utf8_bytes(unit: u32) -> u64 {
    match unit {
        0..0x80 => 1,
        0x80..0x800 => 2,
        0xd800..0xdc00 => 4,
        0xdc00..0xe000 => 0,
        _ => 3,
    }
}
