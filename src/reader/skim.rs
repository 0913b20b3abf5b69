//! A shortcut for the many events of a stream that say nothing but a few words of text: instead of
//! every name, only the few that matter are looked for, with the machine's widest instructions.
//!
//! ```text
//! {"id":"chatcmpl-…",…,"delta":{"content":" world"},"usage":null}
//!                         ╰────── walked ──────╯        ╰ nothing
//! ```
//!
//! Invariant: JSON that is skimmed leaves what walking it would have left (the tests play every
//! answer whole and in pieces; pieces are walked). A name can only stand as it is spelled between
//! two quotes, since a quote in a string has a backslash before it; where one has, we walk. Of what
//! is not JSON the text is a guess either way; usage is never taken from a skimmed event.

use memchr::memmem::Finder;

use super::members::skip_value;
use super::walk::{Walker, Wanted};

#[derive(Debug)]
pub(super) struct Skim {
    /// Names at the ends of the wanted paths, in quotes.
    ends: Vec<Finder<'static>>,
    /// Names of text, and in quotes.
    text: Vec<(&'static str, Finder<'static>)>,
}

impl Skim {
    pub(super) fn new(wanted: &Wanted) -> Self {
        let finder = |name: &str| Finder::new(&format!("\"{name}\"")).into_owned();
        let mut ends: Vec<&str> = Vec::new();
        for end in wanted.paths.iter().filter_map(|path| path.last()) {
            // A type matters if it is `error`, which is looked for anyway.
            if end != "type" && !ends.contains(&end.as_str()) {
                ends.push(end);
            }
        }
        Self {
            ends: ends.into_iter().map(finder).collect(),
            text: wanted.text.iter().map(|(name, _)| (*name, finder(name))).collect(),
        }
    }

    /// Reads an event's data, if it has nothing but text in it; false: walk it.
    pub(super) fn skim(&self, line: &[u8], walker: &mut Walker) -> bool {
        if self.text.is_empty() || !self.ends.iter().all(|end| is_null(end, line)) {
            return false;
        }
        let before = walker.written();
        let is_read = self.text.iter().all(|(name, finder)| text(name, finder, line, walker));
        if !is_read {
            walker.restart_at(before);
        }
        is_read
    }
}

/// Whether all values of that name are null.
fn is_null(name: &Finder<'_>, line: &[u8]) -> bool {
    name.find_iter(line).all(|at| {
        let behind = at.saturating_add(name.needle().len());
        let behind = line.get(behind..).unwrap_or_default();
        behind.starts_with(b":null") || behind.starts_with(b": null")
    })
}

/// Walks the values of a name that holds text.
fn text(name: &str, finder: &Finder<'_>, line: &[u8], walker: &mut Walker) -> bool {
    let mut from = 0_usize;
    while let Some(found) = finder.find(line.get(from..).unwrap_or_default()) {
        let at = from.saturating_add(found);
        if at.checked_sub(1).and_then(|before| line.get(before)) == Some(&b'\\') {
            return false;
        }
        let behind = at.saturating_add(finder.needle().len());
        let rest = line.get(behind..).unwrap_or_default();
        let spaces = rest.iter().take_while(|byte| matches!(byte, b':' | b' ')).count();
        from = behind.saturating_add(spaces);
        if !rest.get(..spaces).unwrap_or_default().contains(&b':') {
            continue;
        }
        let Some(end) = skip_value(line, from) else { return false };
        walker.text_of(name, line.get(from..end).unwrap_or_default());
        from = end;
    }
    true
}
