//! The account's end: its last minute by second, each second by route and by key.
//!
//! ```text
//! Run { at, route, key, calls, credits } ─▶ seconds[at / 1 s] { calls, credits, routes, keys }
//!                                        └▶ minutes[at / 1 min] credits          the last ten
//! ```
//!
//! Names are kept in slots, so that a call costs no text: [`NAMES_MAX`] routes and as many keys at
//! a time; whoever comes while all slots are in use counts among the others. Nothing here is ever
//! stored: it is rebuilt from the journal, as far back as that is read.
//!
//! Invariants (tested below): a second's routes add up to the second, and so do its keys; memory
//! is bounded by the constants, whatever the account does.

use std::collections::{BTreeMap, BTreeSet};

use super::message::{Second, Span, Tally};
use super::{LATELY_MINUTES, NAMES_MAX, WINDOW_SECONDS};
use crate::units::{Credits, Timestamp};

const MINUTE_MS: i64 = 60_000;

/// Calls of one route and one key in one second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run<'a> {
    /// When they were charged; to the second.
    pub at: Timestamp,
    /// The plan's route.
    pub route: &'a str,
    /// The key that made them.
    pub key: &'a str,
    /// How many; 0 for a part of a call that has not ended.
    pub calls: u32,
    /// What they cost.
    pub credits: Credits,
}

impl Run<'_> {
    /// One run of both, if they are of one second, route and key.
    fn joined(&self, next: &Self) -> Option<Self> {
        let second = |run: &Self| run.at.millis().div_euclid(1_000);
        let alike = self.route == next.route && self.key == next.key;
        let calls = self.calls.checked_add(next.calls)?;
        let credits = self.credits.plus(next.credits).ok()?;
        (alike && second(self) == second(next)).then_some(Run { calls, credits, ..*self })
    }
}

/// Everything that is counted of one account.
#[derive(Clone, Debug, Default)]
pub struct Tallies {
    seconds: BTreeMap<i64, Bucket>,
    changed: BTreeSet<i64>,
    routes: Names,
    keys: Names,
    minutes: BTreeMap<i64, Credits>,
    /// Everything since is counted.
    known_from: Timestamp,
}

#[derive(Clone, Debug, Default)]
struct Bucket {
    sum: Count,
    routes: BTreeMap<Slot, Count>,
    keys: BTreeMap<Slot, Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    calls: u32,
    credits: Credits,
}

impl Count {
    /// A sum that leaves the range stays where it was: what an account burns in a minute does not.
    fn add(&mut self, run: &Run<'_>) {
        self.calls = self.calls.saturating_add(run.calls);
        self.credits = self.credits.plus(run.credits).unwrap_or(self.credits);
    }
}

/// Where a name is; nothing: among the others.
type Slot = Option<u8>;

#[derive(Clone, Debug, Default)]
struct Names {
    slots: BTreeMap<u8, String>,
}

impl Names {
    fn find(&self, name: &str) -> Slot {
        self.slots.iter().find(|(_, known)| *known == name).map(|(slot, _)| *slot)
    }

    fn take(&mut self, name: &str) -> Slot {
        let free = (0..NAMES_MAX).find(|slot| !self.slots.contains_key(slot))?;
        self.slots.insert(free, name.to_owned());
        Some(free)
    }
}

/// Some of the seconds, with the names in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Names of routes; a tally says which by its index.
    pub routes: Vec<String>,
    /// Names of keys, likewise.
    pub keys: Vec<String>,
    /// The seconds, oldest first.
    pub seconds: Vec<Second>,
}

impl Tallies {
    /// Nothing is known of what was before `at`.
    pub fn known_from(at: Timestamp) -> Self {
        Self { known_from: at, ..Self::default() }
    }

    /// Counts some calls.
    pub fn count(&mut self, run: &Run<'_>) {
        let second = run.at.millis().div_euclid(1_000);
        let route = self.slot(run.route, |tallies| &mut tallies.routes, |bucket| &bucket.routes);
        let key = self.slot(run.key, |tallies| &mut tallies.keys, |bucket| &bucket.keys);
        let bucket = self.seconds.entry(second).or_default();
        bucket.sum.add(run);
        bucket.routes.entry(route).or_default().add(run);
        bucket.keys.entry(key).or_default().add(run);
        self.changed.insert(second);
        let credits = self.minutes.entry(run.at.millis().div_euclid(MINUTE_MS)).or_default();
        *credits = credits.plus(run.credits).unwrap_or(*credits);
    }

    /// Counts all of them; those in a row that are alike cost as much as one.
    pub fn count_all<'a>(&mut self, runs: impl IntoIterator<Item = Run<'a>>) {
        let mut last: Option<Run<'a>> = None;
        for next in runs {
            if let Some(longer) = last.and_then(|run| run.joined(&next)) {
                last = Some(longer);
            } else if let Some(ended) = last.replace(next) {
                self.count(&ended);
            }
        }
        if let Some(ended) = last {
            self.count(&ended);
        }
    }

    /// The name's slot: the one it has, a free one, or one whose name nobody used in this minute.
    fn slot(
        &mut self,
        name: &str,
        names: impl Fn(&mut Self) -> &mut Names,
        used: impl Fn(&Bucket) -> &BTreeMap<Slot, Count>,
    ) -> Slot {
        let known = names(self);
        if let Some(slot) = known.find(name).or_else(|| known.take(name)) {
            return Some(slot);
        }
        let used: BTreeSet<Slot> =
            self.seconds.values().flat_map(|bucket| used(bucket).keys().copied()).collect();
        let known = names(self);
        known.slots.retain(|slot, _| used.contains(&Some(*slot)));
        known.take(name)
    }

    /// Forgets what is older than the windows at `now`.
    pub fn forget(&mut self, now: Timestamp) {
        let oldest = now.millis().div_euclid(1_000).saturating_sub(WINDOW_SECONDS.into());
        while self.seconds.first_key_value().is_some_and(|(second, _)| *second < oldest) {
            self.seconds.pop_first();
        }
        // While no page is open, nobody takes these.
        self.changed = self.changed.split_off(&oldest);
        self.minutes = self.minutes.split_off(&first_minute(now));
    }

    /// All seconds that are kept.
    pub fn all(&self) -> Told {
        self.told(self.seconds.iter())
    }

    /// The seconds that changed since they were taken last.
    pub fn take_changed(&mut self) -> Told {
        let changed = std::mem::take(&mut self.changed);
        self.told(self.seconds.iter().filter(|(second, _)| changed.contains(second)))
    }

    /// What was burned lately: in whole minutes and the one that is not over.
    pub fn lately(&self, now: Timestamp) -> Span {
        let first = first_minute(now);
        let start = Timestamp::from_millis(first.saturating_mul(MINUTE_MS));
        let credits = self.minutes.range(first..).map(|(_, credits)| *credits);
        let credits = Credits::sum(credits).unwrap_or_default();
        Span { since: start.max(self.known_from).min(now), credits }
    }

    fn told<'a>(&'a self, seconds: impl Iterator<Item = (&'a i64, &'a Bucket)>) -> Told {
        let mut told = Told::default();
        let (mut routes, mut keys) = (BTreeMap::new(), BTreeMap::new());
        for (second, bucket) in seconds {
            let routes = tallies(&bucket.routes, &self.routes, &mut routes, &mut told.routes);
            let keys = tallies(&bucket.keys, &self.keys, &mut keys, &mut told.keys);
            let Count { calls, credits } = bucket.sum;
            told.seconds.push(Second { second: *second, calls, credits, routes, keys });
        }
        told
    }
}

/// The first minute of the last ten.
fn first_minute(now: Timestamp) -> i64 {
    now.millis().div_euclid(MINUTE_MS).saturating_sub(LATELY_MINUTES)
}

/// One second's tallies, their slots turned into places of the message's own list of names.
fn tallies(
    counts: &BTreeMap<Slot, Count>,
    names: &Names,
    placed: &mut BTreeMap<u8, u16>,
    list: &mut Vec<String>,
) -> Vec<Tally> {
    let mut place = |slot: u8| {
        if let Some(place) = placed.get(&slot) {
            return Some(*place);
        }
        let place = u16::try_from(list.len()).ok()?;
        list.push(names.slots.get(&slot)?.clone());
        placed.insert(slot, place);
        Some(place)
    };
    let tally = |(slot, count): (&Slot, &Count)| Tally {
        name: slot.and_then(&mut place),
        calls: count.calls,
        credits: count.credits,
    };
    counts.iter().map(tally).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<'a>(at_ms: i64, route: &'a str, key: &'a str, cost: &str) -> Run<'a> {
        let credits = cost.parse().unwrap();
        Run { at: Timestamp::from_millis(at_ms), route, key, calls: 1, credits }
    }

    /// `second: calls credits | route calls credits, … | key calls credits, …`
    fn shown(told: &Told) -> Vec<String> {
        let side = |tallies: &[Tally], names: &[String]| {
            let one = |tally: &Tally| {
                let name = tally.name.map_or("others", |place| &names[usize::from(place)]);
                format!("{name} {} {}", tally.calls, tally.credits)
            };
            tallies.iter().map(one).collect::<Vec<_>>().join(", ")
        };
        let line = |second: &Second| {
            let (routes, keys) =
                (side(&second.routes, &told.routes), side(&second.keys, &told.keys));
            format!("{}: {} {} | {routes} | {keys}", second.second, second.calls, second.credits)
        };
        told.seconds.iter().map(line).collect()
    }

    #[test]
    fn calls_are_counted_by_second_route_and_key() {
        let mut tallies = Tallies::default();
        for call in [
            run(1_000, "GET /a", "k1", "0.3"),
            run(1_999, "GET /b", "k1", "2"),
            run(1_500, "GET /a", "k2", "0.3"),
            run(2_000, "GET /b", "k2", "2"),
        ] {
            tallies.count(&call);
        }
        let first = "1: 3 2.6 | GET /a 2 0.6, GET /b 1 2 | k1 2 2.3, k2 1 0.3";
        let second = "2: 1 2 | GET /b 1 2 | k2 1 2";
        assert_eq!(shown(&tallies.all()), [first, second]);
        assert_eq!(shown(&tallies.take_changed()), [first, second]);
        assert_eq!(shown(&tallies.take_changed()), [""; 0]);
        tallies.count(&run(2_100, "GET /a", "k1", "1"));
        let second = "2: 2 3 | GET /a 1 1, GET /b 1 2 | k1 1 1, k2 1 2";
        assert_eq!(shown(&tallies.take_changed()), [second]);
    }

    #[test]
    fn many_counted_at_once_are_counted_as_one_by_one() {
        let runs: Vec<Run<'_>> = [
            (1_000, "GET /a", "k1"), // two alike
            (1_999, "GET /a", "k1"),
            (2_000, "GET /a", "k1"), // another second, route, key; and back
            (2_001, "GET /b", "k1"),
            (2_002, "GET /b", "k2"),
            (1_500, "GET /a", "k1"),
        ]
        .map(|(at, route, key)| run(at, route, key, "0.3"))
        .into();
        for count in 0..=runs.len() {
            let (mut at_once, mut singly) = (Tallies::default(), Tallies::default());
            at_once.count_all(runs[..count].iter().copied());
            runs[..count].iter().for_each(|run| singly.count(run));
            assert_eq!(shown(&at_once.all()), shown(&singly.all()), "the first {count}");
        }
    }

    #[test]
    fn whoever_finds_no_slot_counts_among_the_others_until_one_is_free() {
        let mut tallies = Tallies::default();
        let names: Vec<String> = (0..=NAMES_MAX).map(|n| format!("k{n}")).collect();
        for name in &names {
            tallies.count(&run(1_000, "GET /a", name, "1"));
        }
        let told = tallies.all();
        assert_eq!(told.keys, names[..usize::from(NAMES_MAX)]);
        assert_eq!(
            told.seconds[0].keys[0],
            Tally { name: None, calls: 1, credits: "1".parse().unwrap() }
        );
        tallies.forget(Timestamp::from_millis(62_000));
        tallies.count(&run(62_000, "GET /a", "late", "1"));
        assert_eq!(shown(&tallies.all()), ["62: 1 1 | GET /a 1 1 | late 1 1"]);
    }

    #[test]
    fn every_second_adds_up_and_memory_is_bounded() {
        let mut tallies = Tallies::default();
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        for step in 0..20_000_i64 {
            // xorshift: the same calls on every run
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let (route, key) = (format!("r{}", state % 30), format!("k{}", state % 41));
            let cost = format!("0.{}", state % 1000);
            let at = step * 20;
            tallies.count(&run(at, &route, &key, &cost));
            tallies.forget(Timestamp::from_millis(at));
        }
        let told = tallies.all();
        assert_eq!(told.seconds.len(), 61);
        assert!(told.routes.len() <= NAMES_MAX.into() && told.keys.len() <= NAMES_MAX.into());
        for second in &told.seconds {
            for side in [&second.routes, &second.keys] {
                assert_eq!(side.iter().map(|tally| tally.calls).sum::<u32>(), second.calls);
                let credits = Credits::sum(side.iter().map(|tally| tally.credits));
                assert_eq!(credits, Ok(second.credits), "second {}", second.second);
            }
        }
        assert!(tallies.minutes.len() <= 11);
    }

    #[test]
    fn lately_goes_back_as_far_as_is_known() {
        let mut tallies = Tallies::known_from(Timestamp::from_millis(90_000));
        tallies.count(&run(100_000, "GET /a", "k1", "1"));
        tallies.count(&run(700_000, "GET /a", "k1", "0.5"));
        for (now_ms, since_ms, credits) in [
            (600_000, 90_000, "1.5"),
            (659_999, 90_000, "1.5"), // minute 1 is the first of the last ten
            (660_000, 120_000, "0.5"),
            (1_400_000, 840_000, "0"),
        ] {
            let now = Timestamp::from_millis(now_ms);
            let since = Timestamp::from_millis(since_ms);
            assert_eq!(tallies.lately(now), Span { since, credits: credits.parse().unwrap() });
        }
    }
}
