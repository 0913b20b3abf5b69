//! An answer on its way to the client: each chunk is looked at and passed on.
//!
//! ```text
//! chunk ──▶ framing (events, lines, one JSON) ──▶ walk ──▶ said
//!       └─▶ strip, if usage is in the stream on the meter's behalf alone ──▶ client
//! ```
//!
//! Memory does not grow with the answer: a value that is being read, and of a stream that is
//! stripped the event that is not over.

use super::ask::Asked;
use super::check::{Kind, Place, Reader};
use super::said::{Counts, Ended, PLACES, Read, Values};
use super::skim::Skim;
use super::spec::Protocol;
use super::sse::{Events, Sink};
use super::strip::Strip;
use super::walk::{Found, Walker, Wanted};
use super::written::Text;

/// How JSON is laid out in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Json,
    Events,
    Lines,
}

/// Reads one answer.
#[derive(Debug)]
pub struct Scanner {
    reader: Reader,
    asked: Asked,
    /// An answer of 400 and above costs nothing.
    is_success: bool,
    framing: Framing,
    events: Events,
    walk: Walk,
    strip: Option<Strip>,
    bytes: u64,
}

#[derive(Debug)]
struct Walk {
    walker: Walker,
    said: Said,
    reader: Reader,
    skim: Skim,
    /// Events with data.
    events: u64,
    has_data: bool,
}

#[derive(Debug)]
enum Said {
    Counts(Counts),
    Values(Values),
}

impl Scanner {
    /// Begins with an answer's head. `headers` finds a header by its lower-case name.
    pub fn new(
        reader: &Reader,
        asked: &Asked,
        status: u16,
        headers: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let framing = framing(reader, asked, &headers("content-type").unwrap_or_default());
        let said = match &*reader.kind {
            Kind::Tokens(_) => Said::Counts(Counts::default()),
            Kind::Generic(generic) => Said::Values(Values::new(generic, headers)),
        };
        let wanted = wanted(reader, framing);
        let skim = Skim::new(&wanted);
        let walker = Walker::new(wanted);
        let is_stripped = asked.is_injected() && framing == Framing::Events && status < 400;
        Self {
            asked: asked.clone(),
            is_success: status < 400,
            framing,
            events: Events::new(),
            walk: Walk { walker, said, reader: reader.clone(), skim, events: 0, has_data: false },
            strip: is_stripped.then(Strip::new),
            bytes: 0,
            reader: reader.clone(),
        }
    }

    /// Whether the client may get other bytes than the origin sent.
    pub fn changes(&self) -> bool {
        self.strip.is_some()
    }

    /// Looks at the next chunk: none if it goes to the client as it is, else what goes in its place
    /// (which may be empty).
    pub fn push(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        self.bytes = self.bytes.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if !self.is_success {
            return None;
        }
        match self.framing {
            Framing::Events => self.events.read(chunk, &mut self.walk),
            Framing::Json => self.walk.data(chunk),
            Framing::Lines => {
                for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                    self.walk.data(line);
                    if line.ends_with(b"\n") {
                        self.walk.end();
                    }
                }
            }
        }
        self.strip.as_mut()?.push(chunk)
    }

    /// The answer came to an end: what was held back, for the client.
    pub fn finish(&mut self) -> Option<Vec<u8>> {
        self.strip.as_mut()?.finish()
    }

    /// The output tokens till now: never fewer than the model has shown, rather up to five times as
    /// many. Reasoning that the origin keeps to itself is known only when it says its usage.
    pub fn used_at_most(&self) -> u64 {
        match &self.walk.said {
            Said::Counts(counts) => {
                counts.output_at_most(self.walk.walker.text(), self.walk.events)
            }
            Said::Values(_) => 0,
        }
    }

    /// What the operation used. May be asked at any time: the end is the caller's word.
    pub fn result(&self, ended: Ended, duration_ms: u64) -> Read {
        if !self.is_success {
            return Read::nothing(None);
        }
        match (&*self.reader.kind, &self.walk.said) {
            (Kind::Tokens(preset), Said::Counts(counts)) => {
                counts.result(preset, &self.asked, self.walk.walker.text(), ended)
            }
            (Kind::Generic(generic), Said::Values(values)) => {
                values.result(generic, &self.asked, self.bytes, ended, duration_ms)
            }
            // A reader has one kind.
            _ => Read::nothing(None),
        }
    }
}

impl Sink for Walk {
    fn data(&mut self, piece: &[u8]) {
        let Self { walker, said, reader, .. } = self;
        self.has_data = true;
        let mut take = |places: u32, found: Found<'_>, text: Text| match (&*reader.kind, &mut *said)
        {
            (Kind::Tokens(preset), Said::Counts(counts)) => {
                counts.take(preset.protocol, places, found, text);
            }
            (Kind::Generic(generic), Said::Values(values)) => values.take(generic, places, found),
            _ => {}
        };
        walker.walk(piece, &mut take);
    }

    fn whole(&mut self, line: &[u8]) {
        self.has_data = true;
        if !self.skim.skim(line, &mut self.walker) {
            self.data(line);
        }
    }

    fn line(&mut self) {
        self.data(b"\n");
    }

    fn end(&mut self) {
        self.walker.restart();
        self.events = self.events.saturating_add(u64::from(self.has_data));
        self.has_data = false;
    }
}

/// How an answer is laid out: by its content type, else by what was asked for.
fn framing(reader: &Reader, asked: &Asked, content_type: &str) -> Framing {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if kind == "text/event-stream" {
        return Framing::Events;
    }
    let is_json = kind == "application/json" || kind.ends_with("+json");
    match &*reader.kind {
        Kind::Tokens(_) if asked.streamed && !is_json => Framing::Events,
        Kind::Tokens(_) => Framing::Json,
        Kind::Generic(generic) => {
            let mut places = generic.quantities.iter().map(|one| &one.place);
            let declared = places.find_map(|place| match place {
                Place::ResponseBody(_, framing) => Some(*framing),
                _ => None,
            });
            let declared = declared.unwrap_or(Framing::Json);
            if is_json && declared == Framing::Events { Framing::Json } else { declared }
        }
    }
}

/// What to look for in an answer.
fn wanted(reader: &Reader, framing: Framing) -> Wanted {
    let own = |path: &[&str]| path.iter().map(|token| (*token).to_owned()).collect();
    match &*reader.kind {
        Kind::Tokens(preset) => {
            let text: &[(&str, usize)] = match (preset.protocol, framing == Framing::Events) {
                (Protocol::AnthropicMessages, true) => &[("delta", 0), ("content_block", 0)],
                (_, true) => &[("delta", 0)],
                (Protocol::OpenaiResponses, false) => &[("output", 1)],
                (Protocol::AnthropicMessages, false) => &[("content", 1)],
                (_, false) => &[("message", 3)],
            };
            Wanted { paths: PLACES.iter().map(|path| own(path)).collect(), composite: true, text }
        }
        Kind::Generic(generic) => {
            let pointers = generic.quantities.iter().filter_map(|one| match &one.place {
                Place::ResponseBody(pointer, _) => {
                    Some(pointer.tokens().map(str::to_owned).collect())
                }
                _ => None,
            });
            Wanted { paths: pointers.collect(), composite: false, text: &[] }
        }
    }
}
