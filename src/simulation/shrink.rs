//! Makes a failure small: fewer events, fewer kinds of faults, the same broken invariant.
//!
//! ```text
//! all events ─▶ up to the violation ─▶ without whole classes ─▶ without halves, quarters, … one
//! ```

use super::script::{CLASSES, Event, Setup};
use super::{Outcome, Violation, play};

/// The smallest run found that breaks the same invariant, played once more with its story told, and
/// the number of its events. `may_go_on` is asked before each try: the caller has the clock.
pub fn shrink(
    setup: &Setup,
    events: &[Event],
    violation: &Violation,
    may_go_on: &mut dyn FnMut() -> bool,
) -> (usize, Outcome) {
    let mut best = Best { setup: setup.clone(), events: events.to_vec(), violation, may_go_on };
    best.truncate(violation.step);
    best.without_classes();
    best.without_faults();
    best.without_events();
    // What was needed before may not be needed any more.
    best.without_classes();
    best.without_faults();
    (best.events.len(), play(&best.setup, &best.events, true))
}

struct Best<'a> {
    setup: Setup,
    events: Vec<Event>,
    violation: &'a Violation,
    may_go_on: &'a mut dyn FnMut() -> bool,
}

impl Best<'_> {
    /// Takes a smaller run if it fails alike. Returns whether it does.
    fn try_run(&mut self, setup: &Setup, events: Vec<Event>) -> bool {
        if !(self.may_go_on)() {
            return false;
        }
        let outcome = play(setup, &events, false);
        let Some(found) = outcome.violation else { return false };
        if found.invariant != self.violation.invariant {
            return false;
        }
        (self.setup, self.events) = (setup.clone(), events);
        self.truncate(found.step);
        true
    }

    /// What comes after the violation is not needed.
    fn truncate(&mut self, step: usize) {
        self.events.truncate(step.saturating_add(1));
    }

    fn without_classes(&mut self) {
        for class in (0..CLASSES).rev() {
            let events = self.events.iter().filter(|event| event.kind.class() != class);
            let events: Vec<Event> = events.copied().collect();
            if events.len() < self.events.len() {
                let setup = self.setup.clone();
                self.try_run(&setup, events);
            }
        }
    }

    fn without_faults(&mut self) {
        for index in 0..4 {
            let mut setup = self.setup.clone();
            let faults = &mut setup.faults;
            match index {
                0 => faults.drops = false,
                1 => faults.repeats = false,
                2 => faults.delays = false,
                _ => faults.alarms = false,
            }
            if setup != self.setup {
                let events = self.events.clone();
                self.try_run(&setup, events);
            }
        }
    }

    /// Leaves out runs of events, ever shorter ones, until none of a length can go (ddmin).
    fn without_events(&mut self) {
        let mut length = self.events.len().div_ceil(2);
        while length > 0 {
            let mut from = 0;
            while from < self.events.len() {
                let until = from.saturating_add(length).min(self.events.len());
                let (head, tail) = (self.events.get(..from), self.events.get(until..));
                let events = [head.unwrap_or_default(), tail.unwrap_or_default()].concat();
                let setup = self.setup.clone();
                if !self.try_run(&setup, events) {
                    from = until;
                }
            }
            length = if length == 1 { 0 } else { length.div_ceil(2) };
        }
    }
}
