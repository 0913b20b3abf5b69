//! Takes out of a chat stream what is in it on the meter's behalf alone, so that the client reads
//! what it would have read without a meter.
//!
//! ```text
//! data: {…,"choices":[{…}],"usage":null,"obfuscation":"x"}     the member goes, with its comma
//! data: {…,"choices":[],"usage":{"prompt_tokens":…}}           the event goes, with its blank line
//! ```
//!
//! Usage beside choices stays: such an origin says it unasked.
//!
//! Invariants: an event is held back until it is whole, no other byte is; a longer one than
//! [`HELD_BYTES_MAX`] passes as it is; where the network cuts the stream changes nothing but when
//! the bytes go out.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::HELD_BYTES_MAX;
use super::members::members;

/// A stream on its way to the client.
#[derive(Debug)]
pub(super) struct Strip {
    usage: Finder<'static>,
    /// What came of the event that is not over.
    held: Vec<u8>,
    /// Whether the line that is not over has any bytes.
    is_in_line: bool,
    /// Whether the last byte was a return: a line feed behind it ends no other line.
    after_return: bool,
    /// Whether that return ended an event that was taken out.
    after_removed: bool,
    /// Whether the event is too long to be held.
    is_passing: bool,
}

/// What happens to an event.
enum Change {
    None,
    Remove,
    Cut(Range<usize>),
}

impl Strip {
    pub(super) fn new() -> Self {
        Self {
            usage: Finder::new(b"\"usage\""),
            held: Vec::new(),
            is_in_line: false,
            after_return: false,
            after_removed: false,
            is_passing: false,
        }
    }

    /// What goes to the client in place of a chunk; none if the chunk does.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        if self.passes(chunk) {
            return None;
        }
        let was_empty = self.held.is_empty();
        let mut held = std::mem::take(&mut self.held);
        let mut at = held.len();
        held.extend_from_slice(chunk);
        let mut out = Vec::new();
        let mut start = 0_usize;
        let mut is_changed = false;
        while at < held.len() {
            let rest = held.get(at..).unwrap_or_default();
            if std::mem::take(&mut self.after_return) && rest.first() == Some(&b'\n') {
                at = at.saturating_add(1);
                // The event before it is out already, or gone.
                if at == start.saturating_add(1) {
                    if self.after_removed {
                        is_changed = true;
                    } else {
                        out.push(b'\n');
                    }
                    start = at;
                }
                continue;
            }
            let Some(stop) = memchr2(b'\n', b'\r', rest) else {
                self.is_in_line = true;
                break;
            };
            let is_blank = stop == 0 && !self.is_in_line;
            let is_return = rest.get(stop) == Some(&b'\r');
            let has_feed = is_return && rest.get(stop.saturating_add(1)) == Some(&b'\n');
            at = at.saturating_add(stop).saturating_add(if has_feed { 2 } else { 1 });
            self.after_return = is_return && !has_feed;
            self.is_in_line = false;
            self.after_removed = false;
            if is_blank {
                let event = held.get(start..at).unwrap_or_default();
                let change = self.change(event);
                self.after_removed = matches!(change, Change::Remove);
                is_changed |= !matches!(change, Change::None);
                put(&mut out, event, &change);
                self.is_passing = false;
                start = at;
            }
        }
        let rest = held.get(start..).unwrap_or_default();
        self.is_passing |= rest.len() > HELD_BYTES_MAX;
        if self.is_passing {
            out.extend_from_slice(rest);
            start = held.len();
        }
        held.drain(..start);
        self.held = held;
        let is_same = was_empty && !is_changed && self.held.is_empty();
        (!is_same).then_some(out)
    }

    /// Whether a chunk is whole events without a word on usage: most of them are, and need no copy.
    fn passes(&mut self, chunk: &[u8]) -> bool {
        let is_between = self.held.is_empty() && !self.is_in_line && !self.after_return;
        let is_whole = is_between && !self.is_passing && chunk.ends_with(b"\n\n");
        let passes = is_whole && self.usage.find(chunk).is_none();
        self.after_removed &= !passes;
        passes
    }

    /// What was held back when the stream ended.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        let held = std::mem::take(&mut self.held);
        let mut out = Vec::new();
        put(&mut out, &held, &self.change(&held));
        (!out.is_empty()).then_some(out)
    }

    fn change(&self, event: &[u8]) -> Change {
        if self.is_passing || self.usage.find(event).is_none() {
            return Change::None;
        }
        usage_in(event).unwrap_or(Change::None)
    }
}

fn put(out: &mut Vec<u8>, event: &[u8], change: &Change) {
    let (before, after) = match change {
        Change::None => (event, &[][..]),
        Change::Remove => return,
        Change::Cut(range) => {
            let after = event.get(range.end..).unwrap_or_default();
            (event.get(..range.start).unwrap_or_default(), after)
        }
    };
    out.extend_from_slice(before);
    out.extend_from_slice(after);
}

/// Where an event says its usage, and what happens to it then.
fn usage_in(event: &[u8]) -> Option<Change> {
    let (place, data) = data(event)?;
    let text = std::str::from_utf8(&data).ok()?;
    let (_, members) = members(text)?;
    let index = members.iter().position(|member| member.name == "usage")?;
    let usage = members.get(index)?;
    if usage.value == "null" {
        let before = index.checked_sub(1).and_then(|before| members.get(before));
        let after = index.checked_add(1).and_then(|after| members.get(after));
        let range = match (before, after) {
            (Some(before), _) => before.place.end..usage.place.end,
            (None, Some(after)) => usage.whole.start..after.whole.start,
            (None, None) => usage.whole.clone(),
        };
        let shift = |at: usize| at.checked_add(place?);
        return Some(Change::Cut(shift(range.start)?..shift(range.end)?));
    }
    let choices = members.iter().find(|member| member.name == "choices");
    let mut inner = choices.map_or("", |choices| choices.value).chars();
    let is_alone = choices.is_none_or(|choices| choices.value == "null")
        || inner.all(|c| matches!(c, '[' | ']' | ' ' | '\t' | '\n' | '\r'));
    (is_alone && usage.value.starts_with('{')).then_some(Change::Remove)
}

/// The data of an event, and where it begins; of data in several lines the places are not those of
/// the event.
fn data(event: &[u8]) -> Option<(Option<usize>, Cow<'_, [u8]>)> {
    let mut found: Option<(Option<usize>, Cow<'_, [u8]>)> = None;
    let mut at = 0_usize;
    while let Some(rest) = event.get(at..).filter(|rest| !rest.is_empty()) {
        let stop = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = rest.get(..stop).unwrap_or_default();
        let plain = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if let Some(data) = plain.strip_prefix(b"data:") {
            let place = at.saturating_add(line.len()).saturating_sub(data.len());
            found = Some(match found {
                None => (Some(place), Cow::Borrowed(data)),
                Some((_, before)) => (None, Cow::Owned([&before, &b"\n"[..], data].concat())),
            });
        }
        at = at.saturating_add(stop).saturating_add(1);
    }
    found
}
