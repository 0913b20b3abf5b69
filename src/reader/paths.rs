//! Which of the wanted places a walk stands at: a bit for each path.
//!
//! ```text
//! wanted  0: usage   1: response/usage           in {"response":{"usage":   ends here: bit 1
//! ```
//!
//! Invariant: a bit is set at a value exactly if the names and indices that lead to it are the
//! path's tokens, all of them and in order.

use crate::plan::limits::POINTER_TOKENS_MAX;

/// Levels that a path can reach: the root, and one a token.
const LEVELS: usize = POINTER_TOKENS_MAX + 1;

#[derive(Debug)]
pub(super) struct Paths {
    paths: Vec<Vec<String>>,
    /// Those that end at each depth.
    ends: [u32; LEVELS],
    /// Of each open level: those that lead into it, and the index of its element.
    live: [u32; LEVELS],
    index: [u64; LEVELS],
    /// Those that lead to the value which comes next.
    here: u32,
}

impl Paths {
    /// At most 32 paths.
    pub(super) fn new(paths: Vec<Vec<String>>) -> Self {
        let mut ends = [0; LEVELS];
        for (path, bit) in paths.iter().zip(0..) {
            if let Some(mask) = ends.get_mut(path.len()) {
                *mask |= 1_u32 << bit;
            }
        }
        Self { paths, ends, live: [0; LEVELS], index: [0; LEVELS], here: u32::MAX }
    }

    /// Before a JSON text.
    pub(super) fn root(&mut self) {
        self.here = u32::MAX;
    }

    /// No path leads to what comes next.
    pub(super) fn none(&mut self) {
        self.here = 0;
    }

    /// The paths that end at the value which begins at this depth.
    pub(super) fn ending(&self, depth: usize) -> u32 {
        self.ends.get(depth).copied().unwrap_or_default() & self.here
    }

    /// An object or a list was opened, which makes this depth.
    pub(super) fn open(&mut self, depth: usize, is_object: bool) {
        if let Some(live) = self.live.get_mut(depth) {
            *live = self.here;
        }
        if let Some(index) = self.index.get_mut(depth) {
            *index = 0;
        }
        self.here = 0;
        if !is_object {
            self.element(depth);
        }
    }

    /// Another element of the list at this depth.
    pub(super) fn next(&mut self, depth: usize) {
        if let Some(index) = self.index.get_mut(depth) {
            *index = index.saturating_add(1);
        }
        self.element(depth);
    }

    fn element(&mut self, depth: usize) {
        if self.live.get(depth).is_some_and(|live| *live != 0) {
            let index = self.index.get(depth).copied().unwrap_or_default().to_string();
            self.named(depth, index.as_bytes());
        } else {
            self.here = 0;
        }
    }

    /// A name stands in the object at this depth.
    pub(super) fn named(&mut self, depth: usize, name: &[u8]) {
        self.here = 0;
        let live = self.live.get(depth).copied().unwrap_or_default();
        if live == 0 {
            return;
        }
        for (path, bit) in self.paths.iter().zip(0..) {
            let token = depth.checked_sub(1).and_then(|level| path.get(level));
            let is_it = live & 1_u32 << bit != 0 && token.is_some_and(|t| t.as_bytes() == name);
            self.here |= u32::from(is_it) << bit;
        }
    }
}
