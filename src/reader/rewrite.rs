//! What the origin gets instead of the client's body: a lowered bound, usage asked for. Every other
//! byte stays as the client sent it.
//!
//! ```text
//! {"model":"m","max_tokens": 4096 }   ──▶   {"model":"m","max_tokens": 300 }
//! {"stream":true}  ──▶  {"stream_options":{"include_usage":true},"stream":true}
//! ```

use std::ops::Range;

/// A place of the body and what comes there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) place: Range<usize>,
    pub(super) text: String,
}

/// The bound on an answer's output, where the body has it.
#[derive(Clone, Debug)]
pub(super) struct OutputBound {
    /// The numbers that bound it already, with their places: two if both of OpenAI's names stand.
    pub(super) named: Vec<(Range<usize>, u64)>,
    /// Where one goes if there is none, and its name if that does not stand there with `null`.
    pub(super) place: Range<usize>,
    pub(super) name: Option<&'static str>,
    /// The bound of one choice.
    pub(super) each: u64,
    /// Choices that the request wants.
    pub(super) choices: u64,
}

impl OutputBound {
    /// The edits that bound the whole answer by `output` tokens.
    pub(super) fn edits(&self, output: Option<u64>) -> Vec<Edit> {
        let affordable = output.and_then(|output| output.checked_div(self.choices));
        let each = affordable.unwrap_or(self.each).min(self.each);
        if self.named.is_empty() {
            let text = match self.name {
                Some(name) => format!("\"{name}\":{each},"),
                None => each.to_string(),
            };
            return vec![Edit { place: self.place.clone(), text }];
        }
        let above = self.named.iter().filter(|(_, value)| *value > each);
        above.map(|(place, _)| Edit { place: place.clone(), text: each.to_string() }).collect()
    }
}

/// The body with its edits, which may stand in any order but not overlap; none without an edit.
pub(super) fn spliced(body: &[u8], mut edits: Vec<Edit>) -> Option<Vec<u8>> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|edit| edit.place.start);
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut whole = Vec::with_capacity(body.len().saturating_add(added));
    let mut at = 0;
    for Edit { place, text } in edits {
        whole.extend_from_slice(body.get(at..place.start)?);
        whole.extend_from_slice(text.as_bytes());
        at = place.end;
    }
    whole.extend_from_slice(body.get(at..)?);
    Some(whole)
}
