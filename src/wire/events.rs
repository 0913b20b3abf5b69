//! The question's events, a list or a table, through the plan's meters.
//!
//! ```text
//! event ──▶ of the account? ──▶ new? ──▶ before the period ──▶ levels ──┐
//!                                  └──▶ in the period ──────────────────┴──▶ PeriodUsage
//! ```
//!
//! Invariant: a repeated event counts once; with an invoice all events are of its account.

use super::error::{Place, WireError};
use super::request::Request;
use crate::calendar::{Period, PeriodError, Schedule};
use crate::invoice::{Book, Levels, PeriodUsage};
use crate::meter::{Event, EventError, Seen, Window};
use crate::plan::Plan;

/// What the plan's meters make of the question's events, if it has any.
pub(super) fn metered(
    plan: &Plan,
    request: &Request<'_>,
    time: Option<&(Schedule, Period)>,
) -> Result<Option<PeriodUsage>, WireError> {
    if request.events.is_none() && request.table.is_none() {
        return Ok(None);
    }
    let said = request.usage.is_empty() && request.uses.is_empty() && request.seats.is_empty();
    let account = request.invoice.as_ref().map(|bill| bill.account.as_str());
    match (&request.events, &request.table) {
        (Some(list), None) if said => {
            let events = list.iter().map(|event| Event::from_json(event.get(), None));
            let reader = Reader::new(plan, "/events", account, time)?;
            reader.read(events, list.len()).map(Some)
        }
        (None, Some(table)) if said => {
            let events = table.events()?;
            let reader = Reader::new(plan, "/table/rows", account, time)?;
            reader.read(events, table.len()).map(Some)
        }
        _ => Err(WireError::TwoSources),
    }
}

struct Reader<'q, 'e> {
    /// Where the events stand in the question.
    list: &'static str,
    account: Option<&'q str>,
    book: Book<'q>,
    /// The time before the period, if levels go on from there.
    before: Option<(Window, Book<'q>)>,
    seen: Seen<'e>,
}

impl<'q, 'e> Reader<'q, 'e> {
    fn new(
        plan: &'q Plan,
        list: &'static str,
        account: Option<&'q str>,
        time: Option<&(Schedule, Period)>,
    ) -> Result<Self, WireError> {
        let whole = |reason| WireError::Collect { at: Place { list, index: None }, reason };
        let mut before = None;
        let book = match time {
            None => Book::over_all_time(plan).map_err(whole)?,
            Some((schedule, period)) => {
                if period.index > 0 {
                    let start = schedule.period(0)?.window.start();
                    let window =
                        Window::new(start, period.window.start()).map_err(PeriodError::from)?;
                    let levels = Book::levels_only(plan, window).map_err(whole)?;
                    before = levels.map(|book| (window, book));
                }
                Book::open(plan, period.window).map_err(whole)?
            }
        };
        Ok(Self { list, account, book, before, seen: Seen::default() })
    }

    fn read(
        mut self,
        events: impl Iterator<Item = Result<Event<'e>, EventError>>,
        count: usize,
    ) -> Result<PeriodUsage, WireError> {
        self.seen = Seen::with_room_for(count);
        for (index, event) in events.enumerate() {
            let at = Place { list: self.list, index: Some(index) };
            self.take(at, event.map_err(|reason| WireError::Event { at, reason })?)?;
        }
        let at = Place { list: self.list, index: None };
        let whole = |reason| WireError::Collect { at, reason };
        let none = Levels::new();
        let levels = self.before.map_or(Ok(Levels::new()), |(_, book)| book.levels_after(&none));
        self.book.usage(&levels.map_err(whole)?).map_err(whole)
    }

    /// A function of its own: a browser compiles what is called a million times well, and what is
    /// called once, in haste.
    #[inline(never)]
    fn take(&mut self, at: Place, event: Event<'e>) -> Result<(), WireError> {
        if self.account.is_some_and(|account| account != event.subject) {
            return Err(WireError::Subject { at, subject: event.subject.into_owned() });
        }
        if !self.seen.is_new(&event.source, event.id.clone())? {
            return Ok(());
        }
        let earlier = self.before.as_mut().filter(|(window, _)| window.contains(event.time));
        let book = earlier.map_or(&mut self.book, |(_, book)| book);
        book.record(&event).map_err(|reason| WireError::Collect { at, reason })?;
        Ok(())
    }
}
