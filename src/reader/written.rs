//! How much the model has written, as its answer is walked: what an estimate and a running count
//! are made of.
//!
//! ```text
//! {"delta":{"role":"assistant","content":"Grüße"}}     7 bytes in one event: roles are no text
//! ```
//!
//! Text is every string under the names where a protocol has its text, whatever it is called there
//! (content, refusal, arguments, thinking, partial_json), but for the few names in [`NO_TEXT`]: a
//! new kind of text counts as soon as an origin sends it.

/// Names in a model's text whose strings it has not written.
const NO_TEXT: [&str; 20] = [
    "annotations",
    "call_id",
    "citation",
    "citations",
    "encrypted_content",
    "finish_reason",
    "format",
    "id",
    "item_id",
    "logprobs",
    "mime_type",
    "model",
    "object",
    "phase",
    "role",
    "signature",
    "status",
    "stop_reason",
    "stop_sequence",
    "type",
];

/// How much the model has written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Text {
    /// Bytes in UTF-8, escapes undone.
    pub(super) bytes: u64,
    /// Events with any text.
    pub(super) events: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Plain,
    Text,
    Mute,
}

/// Follows a walk.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    /// Names whose values hold text, with the depth that they stand at; 0: wherever.
    roots: &'static [(&'static str, usize)],
    /// What the value behind the last name is.
    next: Next,
    /// The depths of the values around here that are text, and that are none.
    text_at: Option<usize>,
    mute_at: Option<usize>,
    /// Whether the string that is being read counts.
    counts: bool,
    event_has_text: bool,
    pub(super) total: Text,
}

impl Written {
    pub(super) fn new(roots: &'static [(&'static str, usize)]) -> Self {
        Self {
            roots,
            next: Next::Plain,
            text_at: None,
            mute_at: None,
            counts: false,
            event_has_text: false,
            total: Text::default(),
        }
    }

    /// Another JSON text begins.
    pub(super) fn restart(&mut self) {
        *self = Self { total: self.total, ..Self::new(self.roots) };
    }

    /// A name stands at this depth.
    pub(super) fn named(&mut self, name: &[u8], depth: usize) {
        let is = |other: &str| other.as_bytes() == name;
        self.next = if self.text_at.is_none() {
            let is_root =
                self.roots.iter().any(|(root, at)| (*at == 0 || *at == depth) && is(root));
            if is_root { Next::Text } else { Next::Plain }
        } else if NO_TEXT.iter().any(|other| is(other)) {
            Next::Mute
        } else {
            Next::Plain
        };
    }

    /// A string begins that is a value.
    pub(super) fn string(&mut self) {
        let plain = self.text_at.is_some() && self.mute_at.is_none();
        self.counts = match self.next {
            Next::Plain => plain,
            Next::Text => true,
            Next::Mute => false,
        };
        self.next = Next::Plain;
    }

    /// An object or a list begins at this depth.
    pub(super) fn open(&mut self, depth: usize) {
        match self.next {
            Next::Text => self.text_at = Some(depth),
            Next::Mute if self.mute_at.is_none() => self.mute_at = Some(depth),
            Next::Mute | Next::Plain => {}
        }
        self.next = Next::Plain;
    }

    /// It ends.
    pub(super) fn close(&mut self, depth: usize) {
        self.text_at = self.text_at.filter(|at| *at != depth);
        self.mute_at = self.mute_at.filter(|at| *at != depth);
        self.next = Next::Plain;
    }

    /// A value ended that was no string.
    pub(super) fn comma(&mut self) {
        self.next = Next::Plain;
    }

    /// So many bytes of the string have been read.
    pub(super) fn read(&mut self, bytes: u64) {
        if !self.counts || bytes == 0 {
            return;
        }
        self.total.bytes = self.total.bytes.saturating_add(bytes);
        if !self.event_has_text {
            self.event_has_text = true;
            self.total.events = self.total.events.saturating_add(1);
        }
    }
}
