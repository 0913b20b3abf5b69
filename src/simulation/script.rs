//! What happens in a run: a list of decisions, made from the seed before anything runs.
//!
//! ```text
//! seed ──▶ Setup (price, isolates, which faults) + [Event { at, kind, seed }, …]
//! ```
//!
//! Every event carries its instant and its own seed, so any of them can be left out and the others
//! stay what they were: that is what makes a failure shrink. A further command of the ledger is one
//! more [`Kind`].

use super::account::Point;
use super::chance::{Chance, mix};

/// When a run starts, in milliseconds since 1970.
pub(super) const START: i64 = 1_800_000_000_000;
/// A phase of traffic lasts for so many events.
const PHASE: usize = 400;

/// What a run is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The seed that made it.
    pub seed: u64,
    /// The plan at first, and those that it may change to: indexes of `TARIFFS`.
    pub(super) tariffs: [u8; 3],
    pub(super) isolates: u8,
    /// The account writes a snapshot every so many rows.
    pub(super) snapshot_rows: u64,
    /// Units' worth of credits that there were once: the account is low below a hundredth of all
    /// that was ever granted, and leases are short there.
    pub(super) past: u64,
    pub(super) faults: Faults,
    /// Some requests are for a route that goes on while the account does not answer: credits that
    /// it may owe.
    pub(super) allowance: Option<&'static str>,
}

/// Faults that are no events: they strike messages and alarms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Faults {
    pub drops: bool,
    pub repeats: bool,
    pub delays: bool,
    pub alarms: bool,
}

/// One decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub(super) at: i64,
    pub(super) kind: Kind,
    pub(super) seed: u64,
}

/// What an event does. The number is the isolate's slot: a new isolate takes a crashed one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request arrives.
    Admit(u8),
    /// An origin's answer is there; one in eight is a failure.
    Settle(u8),
    /// A flusher's round.
    Flush(u8),
    /// The isolate is gone, with all it knew.
    Crash(u8),
    /// The isolate's clock jumps, mostly back.
    IsolateClock(u8),
    /// The account's clock jumps back, or returns from it.
    AccountClock,
    /// The account dies at this point of its next visit.
    AccountCrash(Point),
    /// Somebody looks at the account.
    Visit,
    /// Credits are granted.
    TopUp,
    /// The same payment is told again.
    TopUpAgain,
    /// The operator returns what crashed isolates never reported.
    OperatorReturn,
    CreateKey,
    DisableKey,
    LimitKey,
    /// The account pays by another plan.
    ChangePlan,
    /// A period ends.
    ClosePeriod,
    /// A grant ends before its time.
    Void,
    /// The operator takes credits away or gives some.
    Adjust,
    /// An isolate gone wrong reports more than it was granted.
    Forge,
    /// From here on so many percent of messages are lost, and as many are slow.
    Storm,
    /// A request arrives whose cost is known at its end.
    Reserve(u8),
    /// One that runs goes on for longer, or tells a part.
    Raise(u8),
    /// Some that run end, well or not.
    End(u8),
}

impl Kind {
    /// Kinds that are left out together when a failure is shrunk.
    pub(super) fn class(self) -> u8 {
        match self {
            Self::Admit(_) => 0,
            Self::Settle(_) => 1,
            Self::Flush(_) => 2,
            Self::Crash(_) => 3,
            Self::IsolateClock(_) => 4,
            Self::AccountClock => 5,
            Self::AccountCrash(_) => 6,
            Self::Visit => 7,
            Self::TopUp => 8,
            Self::TopUpAgain => 9,
            Self::OperatorReturn => 10,
            Self::CreateKey => 11,
            Self::DisableKey => 12,
            Self::Forge => 13,
            Self::Storm => 14,
            Self::ChangePlan => 15,
            Self::ClosePeriod => 16,
            Self::Void => 17,
            Self::Adjust => 18,
            Self::LimitKey => 19,
            Self::Reserve(_) => 20,
            Self::Raise(_) => 21,
            Self::End(_) => 22,
        }
    }
}

/// One more than the highest class.
pub(super) const CLASSES: u8 = 23;

/// Which faults a seed has: some have none of a kind, so that what only then holds is checked too.
struct Traits {
    crashes: bool,
    account_crashes: bool,
    returns: bool,
    clocks: bool,
    /// Isolates that sleep for longer than an account remembers them.
    sleeps: bool,
    forgeries: bool,
    /// The operator corrects things by hand, plans change and periods end.
    corrections: bool,
    /// Top-ups per thousand events.
    top_ups: u64,
}

/// The run of a seed: `steps` events.
pub fn script(seed: u64, steps: usize) -> (Setup, Vec<Event>) {
    let mut chance = Chance::new(mix(seed, 0));
    let traits = Traits {
        crashes: chance.percent(60),
        account_crashes: chance.percent(60),
        returns: chance.percent(40),
        clocks: chance.percent(60),
        sleeps: chance.percent(40),
        forgeries: chance.percent(50),
        corrections: chance.percent(50),
        top_ups: chance.of(&[3, 10, 10, 25]),
    };
    let setup = Setup {
        seed,
        tariffs: chance.of(&[
            [0, 11, 4],
            [0, 1, 5],
            [1, 4, 0],
            [2, 2, 2],
            [3, 3, 3],
            [4, 5, 11],
            [5, 4, 6],
            [6, 7, 0],
            [8, 9, 0],
            [10, 0, 4],
        ]),
        isolates: chance.of(&[1, 2, 3, 4, 6, 9, 16, 24]),
        snapshot_rows: chance.of(&[40, 100, 256, 1_000]),
        past: chance.of(&[0, 0, 2_000, 10_000]),
        faults: Faults {
            drops: chance.percent(90),
            repeats: chance.percent(90),
            delays: chance.percent(90),
            alarms: chance.percent(80),
        },
        // Drawn apart, so that nothing else of a seed depends on it.
        allowance: Chance::new(mix(seed, 2)).of(&[None, None, None, Some("4"), Some("60")]),
    };
    // Of ten seeds five, drawn apart: what the others found they find again.
    let reserves = (seed % 10 >= 5).then(|| Chance::new(mix(seed, 3)));
    let mut writer = Writer {
        at: START,
        chance,
        reserves,
        traits,
        isolates: setup.isolates,
        events: Vec::with_capacity(steps),
        pace: 20,
        busy: setup.isolates,
    };
    while writer.events.len() < steps {
        writer.next();
    }
    writer.events.truncate(steps);
    (setup, writer.events)
}

struct Writer {
    at: i64,
    chance: Chance,
    /// What decides on operations whose cost is known at their end, if there are any.
    reserves: Option<Chance>,
    traits: Traits,
    isolates: u8,
    events: Vec<Event>,
    /// Events are at most so far apart, in milliseconds.
    pace: i64,
    /// Most requests go to the first so many isolates.
    busy: u8,
}

impl Writer {
    fn push(&mut self, kind: Kind) {
        let seed = self.chance.next();
        self.events.push(Event { at: self.at, kind, seed });
    }

    fn next(&mut self) {
        if self.events.len().is_multiple_of(PHASE) {
            self.pace = self.chance.of(&[3, 20, 40, 40, 150]);
            self.busy = self.chance.slot(self.isolates).saturating_add(1);
        }
        self.at = self.at.saturating_add(self.chance.millis(self.pace));
        let isolate = match self.chance.percent(85) {
            true => self.chance.slot(self.busy),
            false => self.chance.slot(self.isolates),
        };
        if let Some(kind) = self.reserved(isolate) {
            return self.push(kind);
        }
        match self.chance.below(1_000) {
            0..=6 => self.fault(isolate),
            7..=9 => self.lull(),
            10..=11 => self.race(),
            12..=14 => self.push(Kind::Storm),
            15..=16 => self.push(Kind::TopUpAgain),
            17..=18 => self.push(Kind::CreateKey),
            19 => self.push(Kind::DisableKey),
            20 => self.push(Kind::LimitKey),
            21..=23 if self.traits.corrections => self.correction(),
            21..=49 => self.push(Kind::Visit),
            50..=99 => self.push(Kind::Flush(isolate)),
            100..=269 => self.push(Kind::Settle(isolate)),
            n if n >= 1_000_u64.saturating_sub(self.traits.top_ups) => self.push(Kind::TopUp),
            _ => self.push(Kind::Admit(isolate)),
        }
    }

    fn reserved(&mut self, isolate: u8) -> Option<Kind> {
        let chance = self.reserves.as_mut()?;
        match chance.below(100) {
            0..=6 => Some(Kind::Reserve(isolate)),
            7..=10 => Some(Kind::Raise(isolate)),
            11..=17 => Some(Kind::End(isolate)),
            _ => None,
        }
    }

    fn fault(&mut self, isolate: u8) {
        let Traits { crashes, account_crashes, returns, clocks, forgeries, .. } = self.traits;
        match self.chance.below(10) {
            0..=1 if crashes => self.push(Kind::Crash(isolate)),
            2..=5 if account_crashes => {
                let point = self.chance.of(&Point::ALL);
                self.push(Kind::AccountCrash(point));
            }
            6 if returns => self.push(Kind::OperatorReturn),
            7 if clocks => self.push(Kind::IsolateClock(isolate)),
            8 if clocks => self.push(Kind::AccountClock),
            9 if forgeries => self.push(Kind::Forge),
            _ => self.push(Kind::Admit(isolate)),
        }
    }

    fn correction(&mut self) {
        let kind = match self.chance.below(8) {
            0..=1 => Kind::ChangePlan,
            2..=3 => Kind::ClosePeriod,
            4 => Kind::Void,
            _ => Kind::Adjust,
        };
        self.push(kind);
    }

    /// Nobody asks for anything for up to 40 seconds, or 20 minutes; some isolates do not even get
    /// to report.
    fn lull(&mut self) {
        let long = self.traits.sleeps && self.chance.percent(10);
        let round = if long { 30_000 } else { 1_000 };
        let awake = self.chance.next();
        for _ in 0..self.chance.below(40) {
            self.at = self.at.saturating_add(round);
            for isolate in 0..self.isolates {
                if awake >> isolate & 1 == 0 {
                    self.push(Kind::Settle(isolate));
                    self.push(Kind::Flush(isolate));
                }
            }
        }
    }

    /// Many requests at one instant.
    fn race(&mut self) {
        for _ in 0..self.chance.below(60) {
            let isolate = self.chance.slot(self.isolates);
            self.push(Kind::Admit(isolate));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_made_of_its_seed_alone_and_shorter_ones_begin_alike() {
        let (setup, events) = script(3, 2_000);
        assert_eq!((setup, events.clone()), script(3, 2_000));
        assert_eq!(script(3, 500).1, events[..500]);
        assert!(events.iter().all(|event| event.kind.class() < CLASSES));
        assert!(events.windows(2).all(|pair| pair[0].at <= pair[1].at));
    }
}
