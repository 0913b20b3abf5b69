//! Half-open spans of time: `[start, end)`.
//!
//! ```text
//! ── [start ──────────── end) [start ──────────── end) ──▶
//! ```
//!
//! An event at the end belongs to the next window, so windows that meet count each event once.

use serde::{Deserialize, Serialize};

use crate::units::Timestamp;

/// An end that is not after its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("window ends at {end}, not after its start {start} (milliseconds, UTC)")]
pub struct EmptyWindow {
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
}

impl EmptyWindow {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        "window_empty"
    }
}

/// `[start, end)` in UTC milliseconds; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Bounds", into = "Bounds")]
pub struct Window {
    start: Timestamp,
    end: Timestamp,
}

/// The wire form of a [`Window`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bounds {
    start: Timestamp,
    end: Timestamp,
}

impl Window {
    /// The window `[start, end)`.
    ///
    /// # Errors
    ///
    /// [`EmptyWindow`] if `end` is not after `start`.
    pub fn new(start: Timestamp, end: Timestamp) -> Result<Self, EmptyWindow> {
        if end <= start { Err(EmptyWindow { start, end }) } else { Ok(Self { start, end }) }
    }

    /// The window of `width_ms` milliseconds that holds `at`, counted from `origin`.
    ///
    /// Hours, days and minutes of UTC have the origin 0; the windows of one width and origin meet
    /// without gap or overlap. `None` if `width_ms` is not positive or an end leaves the range.
    pub fn containing(at: Timestamp, width_ms: i64, origin: Timestamp) -> Option<Self> {
        if width_ms <= 0 {
            return None;
        }
        let offset = at.millis().checked_sub(origin.millis())?.checked_rem_euclid(width_ms)?;
        let start = at.millis().checked_sub(offset)?;
        let end = start.checked_add(width_ms)?;
        Self::new(Timestamp::from_millis(start), Timestamp::from_millis(end)).ok()
    }

    /// First instant inside.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// First instant after.
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// Length in milliseconds, at least 1.
    pub fn millis(self) -> i64 {
        self.end.millis_since(self.start)
    }

    /// Whether `at` lies in `[start, end)`.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// The part that both windows share, if any.
    pub fn intersect(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end)).ok()
    }
}

impl TryFrom<Bounds> for Window {
    type Error = EmptyWindow;

    fn try_from(bounds: Bounds) -> Result<Self, EmptyWindow> {
        Self::new(bounds.start, bounds.end)
    }
}

impl From<Window> for Bounds {
    fn from(window: Window) -> Self {
        Self { start: window.start, end: window.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: i64, end: i64) -> Window {
        Window::new(Timestamp::from_millis(start), Timestamp::from_millis(end)).unwrap()
    }

    #[test]
    fn a_window_is_half_open() {
        let day = window(10, 20);
        let inside = |at| day.contains(Timestamp::from_millis(at));
        assert_eq!([9, 10, 19, 20].map(inside), [false, true, true, false]);
        assert_eq!(day.millis(), 10);
        assert_eq!(day.intersect(window(15, 30)), Some(window(15, 20)));
        assert_eq!(day.intersect(window(20, 30)), None);
        let empty = Window::new(day.start(), day.start()).unwrap_err();
        assert_eq!(empty.code(), "window_empty");
        assert!(empty.to_string().contains("ends at 10"));
    }

    #[test]
    fn windows_of_one_width_meet() {
        for (at, start) in [(0, 0), (59, 0), (60, 60), (-1, -60), (-60, -60), (-61, -120)] {
            let at = Timestamp::from_millis(at);
            let held = Window::containing(at, 60, Timestamp::default()).unwrap();
            assert_eq!(held, window(start, start + 60), "at {at}");
            assert!(held.contains(at));
        }
        let shifted = Window::containing(Timestamp::from_millis(5), 60, Timestamp::from_millis(10));
        assert_eq!(shifted, Some(window(-50, 10)));
        assert_eq!(Window::containing(Timestamp::default(), 0, Timestamp::default()), None);
        assert_eq!(Window::containing(Timestamp::default(), -1, Timestamp::default()), None);
        let last = Timestamp::from_millis(i64::MAX);
        assert_eq!(Window::containing(last, 1000, Timestamp::default()), None);
    }

    #[test]
    fn the_wire_form_is_checked() {
        let text = serde_json::to_string(&window(1, 2)).unwrap();
        assert_eq!(text, r#"{"start":1,"end":2}"#);
        assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), window(1, 2));
        assert!(serde_json::from_str::<Window>(r#"{"start":2,"end":2}"#).is_err());
        assert!(serde_json::from_str::<Window>(r#"{"start":1,"end":2,"x":0}"#).is_err());
    }
}
