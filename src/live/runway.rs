//! How long credits last if they go on being burned as in some span before.
//!
//! ```text
//! supplies in burn order, each [starts_at, ends_at)      credits burned in so many ms
//!   now ──┬── a supply ends ──┬── another starts ──┬──▶   at the end of a stretch: what is left
//!         │ burn, in order    │ burn, in order     │      in those that can be spent?  none: there
//! ```
//!
//! Everything is whole numbers: amounts in units of 10^-12 credits / elapsed ms, so that what a
//! millisecond burns is one of them. Grants that come again are not counted before they do.
//!
//! Invariant (tested below against burning millisecond by millisecond): the answer is the first
//! millisecond at which nothing can be spent.

use super::message::Span;
use crate::units::{Credits, SCALE_MAX, Timestamp};

/// Beyond a hundred years nobody asks, in milliseconds.
const RUNWAY_MS_MAX: i128 = 100 * 365 * 86_400_000;

/// Credits that can be spent in a time, as [`runway`] takes them: in burn order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supply {
    /// How many.
    pub left: Credits,
    /// First instant at which they can be spent.
    pub starts_at: Timestamp,
    /// First instant at which they cannot, if there is one.
    pub ends_at: Option<Timestamp>,
}

impl Supply {
    fn is_open(&self, at: Timestamp) -> bool {
        self.starts_at <= at && self.ends_at.is_none_or(|end| end > at)
    }
}

/// When credits are used up, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runway {
    /// The last one is burned.
    Burned(Timestamp),
    /// The last ones end unspent.
    Ended(Timestamp),
    /// Not within a hundred years.
    Never,
}

/// When `supplies` are used up from `now` on, at the rate of `span`, which ends now.
pub fn runway(supplies: &[Supply], span: Span, now: Timestamp) -> Runway {
    let elapsed_ms = i128::from(now.millis_since(span.since).max(1));
    let burn = units(span.credits).max(0);
    let mut left: Vec<i128> = supplies
        .iter()
        .map(|supply| units(supply.left).max(0).saturating_mul(elapsed_ms))
        .collect();
    let mut at = now;
    loop {
        let open = || supplies.iter().enumerate().filter(|(_, supply)| supply.is_open(at));
        let sum: i128 = open().filter_map(|(index, _)| left.get(index)).sum();
        if sum == 0 {
            let unspent = supplies
                .iter()
                .zip(&left)
                .any(|(supply, left)| *left > 0 && at > now && supply.ends_at == Some(at));
            return if unspent { Runway::Ended(at) } else { Runway::Burned(at) };
        }
        // Rounded up: in its last millisecond there is still something.
        let up = sum.saturating_add(burn).saturating_sub(1);
        let lasts_ms = up.checked_div(burn).unwrap_or(RUNWAY_MS_MAX);
        let bounds = supplies.iter().flat_map(|one| one.ends_at.into_iter().chain([one.starts_at]));
        let next = bounds.filter(|bound| *bound > at).min();
        let stretch_ms = next.map(|next| i128::from(next.millis_since(at)));
        let Some((next, stretch_ms)) = next.zip(stretch_ms).filter(|(_, ms)| *ms <= lasts_ms)
        else {
            let all_ms = i128::from(at.millis_since(now)).saturating_add(lasts_ms);
            return match i64::try_from(all_ms) {
                Ok(ms) if all_ms < RUNWAY_MS_MAX => Runway::Burned(now.plus_millis(ms)),
                _ => Runway::Never,
            };
        };
        let open: Vec<usize> = open().map(|(index, _)| index).collect();
        take(&mut left, &open, burn.saturating_mul(stretch_ms));
        at = next;
    }
}

/// Burns an amount, in order.
fn take(left: &mut [i128], order: &[usize], mut amount: i128) {
    for index in order {
        let Some(left) = left.get_mut(*index) else { continue };
        let part = amount.min(*left);
        *left = left.saturating_sub(part);
        amount = amount.saturating_sub(part);
    }
}

/// In units of 10^-12 credits.
fn units(credits: Credits) -> i128 {
    let mut value = credits.get();
    value.rescale(SCALE_MAX);
    value.mantissa()
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers made up here")]
mod tests {
    use super::*;

    fn supply(left: &str, starts_ms: i64, ends_ms: Option<i64>) -> Supply {
        let starts_at = Timestamp::from_millis(starts_ms);
        let ends_at = ends_ms.map(Timestamp::from_millis);
        Supply { left: left.parse().unwrap(), starts_at, ends_at }
    }

    fn span(since_ms: i64, credits: &str) -> Span {
        Span { since: Timestamp::from_millis(since_ms), credits: credits.parse().unwrap() }
    }

    #[test]
    fn credits_last_until_the_rate_or_their_end_has_them() {
        use Runway::{Burned, Ended, Never};
        let at = Timestamp::from_millis;
        let now = at(1_000);
        let second = |credits| span(0, credits); // in the second before now
        for (supplies, span, expected) in [
            (vec![], second("1"), Burned(now)),
            (vec![supply("0", 0, None)], second("1"), Burned(now)),
            (vec![supply("10", 0, None)], second("1"), Burned(at(11_000))),
            (vec![supply("10", 0, None)], second("3"), Burned(at(4_334))), // 3 333.3 ms, rounded up
            (vec![supply("10", 0, None)], second("0"), Never),
            (vec![supply("10", 0, None)], second("-1"), Never), // more came back than was burned
            (vec![supply("10", 0, Some(6_000))], second("0"), Ended(at(6_000))),
            (vec![supply("10", 0, Some(6_000))], second("1"), Ended(at(6_000))),
            (vec![supply("10", 0, Some(1_000))], second("1"), Burned(now)), // ended already
            // What ends first burns first, and what is left of it is lost.
            (
                vec![supply("10", 0, Some(6_000)), supply("4", 0, None)],
                second("1"),
                Burned(at(10_000)),
            ),
            (
                vec![supply("3", 0, Some(6_000)), supply("4", 0, None)],
                second("1"),
                Burned(at(8_000)),
            ),
            // One that starts in time carries on, one that starts too late does not.
            (vec![supply("3", 0, None), supply("2", 4_000, None)], second("1"), Burned(at(6_000))),
            (vec![supply("3", 0, None), supply("2", 4_001, None)], second("1"), Burned(at(4_000))),
            // One that starts later and stands before in the order is burned from then on.
            (
                vec![supply("9", 2_000, Some(3_000)), supply("5", 0, None)],
                second("1"),
                Burned(at(7_000)),
            ),
            (
                vec![supply("9999999999999999.999999999999", 0, None)],
                span(-86_399_000, "0.000000000001"),
                Never,
            ),
            (
                vec![supply("9999999999999999", 0, None)],
                second("9999999999999999"),
                Burned(at(2_000)),
            ),
        ] {
            assert_eq!(runway(&supplies, span, now), expected, "{supplies:?} {span:?}");
        }
    }

    /// An independent model: one millisecond after the other.
    fn stepwise(
        supplies: &[Supply],
        span: Span,
        now: Timestamp,
        most_ms: i64,
    ) -> Option<Timestamp> {
        let elapsed = i128::from(now.millis_since(span.since));
        let mut left: Vec<i128> = supplies.iter().map(|s| units(s.left) * elapsed).collect();
        for ms in 0..most_ms {
            let at = now.plus_millis(ms);
            let mut due = units(span.credits);
            let open: Vec<usize> = (0..left.len())
                .filter(|index| supplies[*index].is_open(at) && left[*index] > 0)
                .collect();
            if open.is_empty() {
                return Some(at);
            }
            for index in open {
                let part = due.min(left[index]);
                left[index] -= part;
                due -= part;
            }
        }
        None
    }

    #[test]
    fn it_is_what_burning_millisecond_by_millisecond_gives() {
        let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut any = move |most: u64| {
            // xorshift: the same numbers on every run
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            i64::try_from(state % most).unwrap()
        };
        let now = Timestamp::from_millis(1_000);
        for round in 0..2_000 {
            let supplies: Vec<Supply> = (0..any(5))
                .map(|_| {
                    let starts = 1_000 + any(300) - 150;
                    let ends = (any(2) == 0).then(|| starts + 1 + any(300));
                    supply(&format!("0.{}", any(400)), starts, ends)
                })
                .collect();
            let span = span(1_000 - 1 - any(50), &format!("0.0{}", any(90)));
            let expected = stepwise(&supplies, span, now, 4_000);
            let found = match runway(&supplies, span, now) {
                Runway::Burned(at) | Runway::Ended(at) => Some(at),
                Runway::Never => None,
            };
            let found = found.filter(|at| at.millis() < 5_000);
            assert_eq!(found, expected, "round {round}: {supplies:?} {span:?}");
        }
    }
}
