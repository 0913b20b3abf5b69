//! How fast an isolate spends: a hint for sizing, never an amount owed.

use rust_decimal::Decimal;

use crate::units::{Credits, Inexact, Timestamp, exact};

/// A window is closed after this long, in milliseconds.
const WINDOW_MS: i64 = 1_000;
/// A window younger than this counts as this old: a burst of a few milliseconds is no rate.
const WINDOW_MS_MIN: i64 = 250;
/// Fewer operations than this in the open window and the last one are no rate.
const OPERATIONS_MIN: u64 = 4;
/// Nor are fewer than this since a window passed without any: now and then four come by chance.
const RUN_MIN: u64 = 7;

/// Credits per second: the better of the last whole window and the one that is open.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rate {
    since: Timestamp,
    spent: Credits,
    last: Credits,
    /// Operations in the open window, and in the last one if it was about as long as a window.
    count: u64,
    last_count: u64,
    /// Operations since a window passed without any.
    run: u64,
}

impl Rate {
    /// Counts what was paid.
    pub(super) fn note(&mut self, cost: Credits, now: Timestamp) -> Result<(), Inexact> {
        let age = now.millis_since(self.since);
        if !(0..WINDOW_MS).contains(&age) {
            self.last = if age < 0 { Credits::ZERO } else { over(self.spent, age)? };
            let is_next = (0..WINDOW_MS.saturating_mul(2)).contains(&age);
            self.last_count = if is_next { self.count } else { 0 };
            self.run = if is_next { self.run } else { 0 };
            (self.since, self.spent, self.count) = (now, Credits::ZERO, 0);
        }
        self.spent = self.spent.plus(cost)?;
        self.count = self.count.saturating_add(1);
        self.run = self.run.saturating_add(1);
        Ok(())
    }

    /// Whether there were operations enough to speak of a rate: a few that happen to come within a
    /// second are none, and a lease for them would cost the call that gives it back.
    pub(super) fn is_known(&self) -> bool {
        self.run >= RUN_MIN && self.count.saturating_add(self.last_count) >= OPERATIONS_MIN
    }

    /// Credits per second, as of `now`.
    pub(super) fn per_second(&self, now: Timestamp) -> Result<Credits, Inexact> {
        let age = now.millis_since(self.since).max(0);
        let open = over(self.spent, age)?;
        Ok(if age < WINDOW_MS { open.max(self.last) } else { open })
    }

    /// Whether more than twice `credits` are spent per second: half a second would use them up.
    /// Every operation asks, so there is no division; what cannot be computed counts as above.
    pub(super) fn is_above_twice(&self, credits: Credits, now: Timestamp) -> bool {
        let age = now.millis_since(self.since).max(0);
        let times = |credits: Credits, n: i64| exact::mul(credits.get(), Decimal::from(n));
        let of_last = || times(credits, 2).map_or(true, |twice| self.last.get() > twice);
        if age < WINDOW_MS && of_last() {
            return true;
        }
        let twice = times(credits, age.max(WINDOW_MS_MIN).saturating_mul(2));
        match (times(self.spent, 1_000), twice) {
            (Ok(spent), Ok(twice)) => spent > twice,
            _ => true,
        }
    }
}

fn over(spent: Credits, age_ms: i64) -> Result<Credits, Inexact> {
    let second = exact::mul(spent.get(), Decimal::ONE_THOUSAND)?;
    let rate = exact::ratio(second, Decimal::from(age_ms.max(WINDOW_MS_MIN)))?;
    Credits::new(exact::floor(rate, 6)).map_err(|_| Inexact)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_follows_bursts_up_and_silence_down() {
        let (mut rate, one) = (Rate::default(), "1".parse::<Credits>().unwrap());
        let at = Timestamp::from_millis;
        for i in 0..20 {
            rate.note(one, at(10_000 + i * 50)).unwrap();
        }
        assert_eq!(rate.per_second(at(10_999)).unwrap().to_string(), "20.02002");
        rate.note(one, at(11_000)).unwrap();
        assert_eq!(rate.per_second(at(11_000)).unwrap().to_string(), "20");
        assert_eq!(rate.per_second(at(21_000)).unwrap().to_string(), "0.1");
        // A clock that jumps back opens a new window instead of dividing by nonsense.
        (0..9).for_each(|_| rate.note(one, at(21_000)).unwrap());
        rate.note(one, at(5_000)).unwrap();
        assert_eq!(rate.per_second(at(5_000)).unwrap().to_string(), "4");
    }

    #[test]
    fn a_few_operations_by_chance_are_no_rate() {
        let is_known = |millis: &[i64]| {
            let mut rate = Rate::default();
            let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
            millis.iter().for_each(|ms| rate.note(Credits::ONE, at(*ms)).unwrap());
            rate.is_known()
        };
        let burst = |from: i64, count: i64| (from..from + count).collect::<Vec<i64>>();
        let steady = [0, 400, 800, 1_200, 1_600, 2_000, 2_400];
        let after_20 = |then: &[Vec<i64>]| [&[burst(0, 20)], then].concat().concat();
        let table = [
            (burst(0, 7), true),
            (burst(0, 6), false),
            (steady.to_vec(), true),
            (steady[1..].to_vec(), false),
            // Fast once, and slow by now.
            (after_20(&[burst(1_000, 1), burst(2_000, 2)]), false),
            (after_20(&[burst(1_000, 1), burst(2_000, 3)]), true),
            // A silence, or a clock that jumped back, and all begins anew.
            (after_20(&[burst(1_999, 1)]), true),
            (after_20(&[burst(2_000, 6)]), false),
            (after_20(&[burst(-1, 6)]), false),
            (after_20(&[burst(-1, 7)]), true),
        ];
        for (millis, expected) in table {
            assert_eq!(is_known(&millis), expected, "{millis:?}");
        }
    }

    #[test]
    fn half_a_second_is_measured_as_the_rate_is() {
        let credits = |n: u32| Credits::new(Decimal::from(n)).unwrap();
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        for (first, second) in [(0, 1), (40, 3), (4, 40), (100, 0)] {
            let mut rate = Rate::default();
            (0..first).for_each(|i| rate.note(credits(1), at(i * 5)).unwrap());
            rate.note(credits(1), at(1_000)).unwrap();
            (0..second).for_each(|i| rate.note(credits(1), at(1_000 + i * 5)).unwrap());
            for age in [0, 1, 100, 249, 250, 251, 500, 999, 1_000, 1_001, 5_000, -10] {
                let now = at(1_000 + age);
                let per_second = rate.per_second(now).unwrap().get();
                for spendable in 0..120 {
                    let twice = credits(spendable * 2).get();
                    let above = rate.is_above_twice(credits(spendable), now);
                    assert_eq!(above, per_second > twice, "{first} {second} {age} {spendable}");
                }
            }
        }
    }
}
