//! Takes out of a chat stream what is in it on the meter's behalf alone, so that the client reads
//! what it would have read without a meter.
//!
//! ```text
//! data: {…,"choices":[{…}],"usage":null,"obfuscation":"x"}     the member goes, with its comma
//! data: {…,"choices":[],"usage":{"prompt_tokens":…}}           the event goes, with its blank line
//! ```
//!
//! Invariants: an event is held back until it is whole, no other byte is; a longer one than
//! [`HELD_BYTES_MAX`] passes as it is; where the network cuts the stream changes nothing but when
//! the bytes go out.

use std::ops::Range;

use memchr::{memchr2, memmem};

use super::HELD_BYTES_MAX;
use super::members::members;

/// A stream on its way to the client.
#[derive(Debug, Default)]
pub(super) struct Strip {
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
    /// What goes to the client in place of a chunk; none if the chunk does.
    pub(super) fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
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

    /// What was held back when the stream ended.
    pub(super) fn finish(&mut self) -> Option<Vec<u8>> {
        let held = std::mem::take(&mut self.held);
        let mut out = Vec::new();
        put(&mut out, &held, &self.change(&held));
        (!out.is_empty()).then_some(out)
    }

    fn change(&self, event: &[u8]) -> Change {
        if self.is_passing || memmem::find(event, b"\"usage\"").is_none() {
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
    let (place, lines) = data(event);
    let is_one = lines.len() == 1;
    let joined = lines.join(&b'\n');
    let text = std::str::from_utf8(&joined).ok()?;
    let (_, members) = members(text)?;
    let index = members.iter().position(|member| member.name == "usage")?;
    let usage = members.get(index)?;
    if usage.value == "null" {
        // Of data in several lines the places are not those of the event.
        let before = index.checked_sub(1).and_then(|before| members.get(before));
        let after = index.checked_add(1).and_then(|after| members.get(after));
        let range = match (before, after) {
            (Some(before), _) => before.place.end..usage.place.end,
            (None, Some(after)) => usage.whole.start..after.whole.start,
            (None, None) => usage.whole.clone(),
        };
        let shift = |at: usize| at.checked_add(place);
        return is_one.then_some(Change::Cut(shift(range.start)?..shift(range.end)?));
    }
    let choices = members.iter().find(|member| member.name == "choices");
    let mut inner = choices.map_or("", |choices| choices.value).chars();
    let is_alone = choices.is_none_or(|choices| choices.value == "null")
        || inner.all(|c| matches!(c, '[' | ']' | ' ' | '\t' | '\n' | '\r'));
    (is_alone && usage.value.starts_with('{')).then_some(Change::Remove)
}

/// The lines of data in an event, and where the last of them begins.
fn data(event: &[u8]) -> (usize, Vec<&[u8]>) {
    let mut lines = Vec::new();
    let mut place = 0_usize;
    let mut at = 0_usize;
    for line in event.split(|byte| matches!(byte, b'\n' | b'\r')) {
        let plain = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        if let Some(data) = plain.strip_prefix(b"data:") {
            place = at.saturating_add(line.len()).saturating_sub(data.len());
            lines.push(data);
        }
        at = at.saturating_add(line.len()).saturating_add(1);
    }
    (place, lines)
}
