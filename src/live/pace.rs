//! How often everything there is may be told, however many ask however often.
//!
//! ```text
//! asked, the last one was long ago ─▶ Now            who asks is told
//! asked a moment after one         ─▶ At(due)        a timer, and then all are told
//! asked while that timer runs      ─▶ OnItsWay
//! ```
//!
//! Invariant: between two of them are `apart_ms`, less what the later one's timer ended early. By
//! the clock of who tells, a timer may end a millisecond before its time, or late, or, where memory
//! was dropped, never; and the clock may be set back.

use crate::units::Timestamp;

/// When one was told last, and when the next one is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pace {
    last: Timestamp,
    due: Option<Timestamp>,
}

/// What becomes of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is answered at once.
    Now,
    /// It is answered then, if [`Pace::begins`] says so.
    At(Timestamp),
    /// An earlier question's answer, which goes to all, is its answer.
    OnItsWay,
}

impl Pace {
    /// Somebody asks.
    pub fn ask(&mut self, now: Timestamp, apart_ms: i64) -> Turn {
        let next = self.last.plus_millis(apart_ms);
        let due = match self.due {
            Some(due) if due.millis_since(now).saturating_abs() <= apart_ms => {
                return Turn::OnItsWay;
            }
            // Lost, or asked for before the clock went back: who waits for it waits for this one.
            Some(_) => now.plus_millis(1),
            None if (1..=apart_ms).contains(&next.millis_since(now)) => next,
            None => {
                self.last = now;
                return Turn::Now;
            }
        };
        self.due = Some(due);
        Turn::At(due)
    }

    /// A timer has ended: whether its answer is still to be given.
    pub fn begins(&mut self, due: Timestamp, now: Timestamp) -> bool {
        if self.due != Some(due) {
            return false;
        }
        *self = Self { last: now, due: None };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, Turn};
    use crate::units::Timestamp;

    const APART: i64 = 250;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    #[test]
    fn who_asks_again_waits() {
        let mut pace = Pace::default();
        for (now, turn) in [
            (1_000, Turn::Now),
            (1_000, Turn::At(at(1_250))),
            (1_100, Turn::OnItsWay),
            (1_260, Turn::OnItsWay), // the timer is late
        ] {
            assert_eq!(pace.ask(at(now), APART), turn, "{now}");
        }
        assert!(pace.begins(at(1_250), at(1_270)));
        assert!(!pace.begins(at(1_250), at(1_270)));
        assert_eq!(pace.ask(at(1_271), APART), Turn::At(at(1_520)));
        // The timer never ends.
        assert_eq!(pace.ask(at(1_770), APART), Turn::OnItsWay);
        assert_eq!(pace.ask(at(1_771), APART), Turn::At(at(1_772)));
        assert!(!pace.begins(at(1_520), at(1_772)));
        assert!(pace.begins(at(1_772), at(1_772)));
        assert_eq!(pace.ask(at(2_022), APART), Turn::Now);
    }

    #[test]
    fn a_clock_that_goes_back_makes_nobody_wait_for_it() {
        let mut pace = Pace::default();
        assert_eq!(pace.ask(at(90_000), APART), Turn::Now);
        assert_eq!(pace.ask(at(1_000), APART), Turn::Now);
        assert_eq!(pace.ask(at(1_001), APART), Turn::At(at(1_250)));
        assert_eq!(pace.ask(at(500), APART), Turn::At(at(501)));
        assert!(!pace.begins(at(1_250), at(501)));
        assert!(pace.begins(at(501), at(502)));
    }

    #[test]
    fn all_the_time_asked_they_stay_apart_and_everybody_is_answered() {
        // What timers do: they end in time, early as workerd's may, late, too late, never.
        for late in [0, -1, 1, 40, APART + 1, i64::MAX] {
            let (mut pace, mut timers, mut waits) = (Pace::default(), Vec::new(), None);
            let (mut last, mut told) = (i64::MIN / 2, 0);
            for now in 0..20 * APART {
                let mut tell = |waits: &mut Option<i64>| {
                    assert!(now - last >= APART + late.min(0), "{late}: {last}, {now}");
                    (last, told, *waits) = (now, told + 1, None);
                };
                timers.retain(|(ends, due)| {
                    if *ends == now && pace.begins(*due, at(now)) {
                        tell(&mut waits);
                    }
                    *ends > now
                });
                match pace.ask(at(now), APART) {
                    Turn::Now => tell(&mut waits),
                    Turn::At(due) => {
                        let ends = due.millis().saturating_add(late);
                        timers.push((ends.max(now + 1), due));
                        waits.get_or_insert(now);
                    }
                    Turn::OnItsWay => {}
                }
                let patience = now - waits.unwrap_or(now);
                assert!(late > APART || patience <= APART + late.max(0), "{late}: {patience}");
            }
            let most = 20 * APART / (APART + late.min(0)) + 1;
            assert!(told <= most && (late > APART || told >= 16), "{late}: {told}");
        }
    }
}
