//! The state of a time-weighted sum: a level's average, from its changes alone.
//!
//! ```text
//! level   ┌──┐ ┌─
//!      ───┘  └─┘        area = carried × T + Σ change × (end − at)
//!      ├── window ──┤        = carried × T + Σ change × (end − origin) − Σ change × (at − origin)
//! ```
//!
//! Both sums are plain sums, so the order of the changes does not matter and parts can be merged.
//! Instants count from an origin near the changes, which keeps the products short: an origin is
//! the earliest change's instant, and is moved exactly when an earlier one comes.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::aggregate::MEAN_DECIMALS;
use super::measure::Measure;
use super::window::Window;
use crate::units::round::{Rounding, divide};
use crate::units::{Inexact, Timestamp, exact};

/// The changes of a level: their sum and their moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WeightedSpec", into = "WeightedSpec")]
pub struct Weighted(Option<Changes>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Changes {
    /// Instant of the earliest change.
    origin: Timestamp,
    /// Sum of the changes, in meter units.
    change: Measure,
    /// Sum of change × (at − origin), in meter units × milliseconds.
    moment: Decimal,
}

/// The wire form; all fields or none.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightedSpec {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    change: Option<Measure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    moment: Option<String>,
}

/// A stored state that this crate did not write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("state of a time-weighted sum is damaged: origin, change and moment, exact decimals")]
pub struct Damaged;

impl Weighted {
    /// One change of the level at `at`.
    pub fn of(at: Timestamp, change: Measure) -> Self {
        Self(Some(Changes { origin: at, change, moment: Decimal::ZERO }))
    }

    /// The sum of all changes.
    pub fn change(self) -> Measure {
        self.0.map_or(Measure::ZERO, |changes| changes.change)
    }

    /// The changes of both.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum or a moment needs more digits than there are.
    pub fn plus(self, other: Self) -> Result<Self, Inexact> {
        let (Some(mine), Some(other)) = (self.0, other.0) else {
            return Ok(Self(self.0.or(other.0)));
        };
        let origin = mine.origin.min(other.origin);
        let moment = exact::add(mine.moment_from(origin)?, other.moment_from(origin)?)?;
        let change = mine.change.plus(other.change)?;
        Ok(Self(Some(Changes { origin, change, moment: moment.normalize() })))
    }

    /// The level's average over `window`, which begins at the level `carried`.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the area under the level needs more digits than there are.
    pub fn average(self, window: Window, carried: Measure) -> Result<Measure, Inexact> {
        let millis = Decimal::from(window.millis());
        let mut area = exact::mul(carried.get(), millis)?;
        if let Some(changes) = self.0 {
            let to_end = Decimal::from(window.end().millis_since(changes.origin));
            area = exact::add(area, exact::mul(changes.change.get(), to_end)?)?;
            area = exact::sub(area, changes.moment)?;
        }
        let average = divide(area, millis, MEAN_DECIMALS, Rounding::HalfUp)?;
        Measure::new(average).map_err(|_| Inexact)
    }
}

impl Changes {
    /// The moment about an origin that is not later than this one.
    fn moment_from(self, origin: Timestamp) -> Result<Decimal, Inexact> {
        let shift = Decimal::from(self.origin.millis_since(origin));
        exact::add(self.moment, exact::mul(self.change.get(), shift)?)
    }
}

impl TryFrom<WeightedSpec> for Weighted {
    type Error = Damaged;

    fn try_from(spec: WeightedSpec) -> Result<Self, Damaged> {
        match (spec.origin, spec.change, spec.moment) {
            (None, None, None) => Ok(Self(None)),
            (Some(origin), Some(change), Some(text)) => {
                let moment = Decimal::from_str_exact(&text).map_err(|_| Damaged)?;
                // One state has one text: what prints differently was not written here.
                if moment.normalize().to_string() != text {
                    return Err(Damaged);
                }
                Ok(Self(Some(Changes { origin, change, moment })))
            }
            _ => Err(Damaged),
        }
    }
}

impl From<Weighted> for WeightedSpec {
    fn from(weighted: Weighted) -> Self {
        weighted.0.map_or_else(Self::default, |changes| Self {
            origin: Some(changes.origin),
            change: Some(changes.change),
            moment: Some(changes.moment.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn m(text: &str) -> Measure {
        text.parse().unwrap()
    }

    fn state(changes: &[(i64, &str)]) -> Weighted {
        let of = |&(at, change): &(i64, &str)| Weighted::of(Timestamp::from_millis(at), m(change));
        changes.iter().map(of).try_fold(Weighted::default(), Weighted::plus).unwrap()
    }

    fn window(start: i64, end: i64) -> Window {
        Window::new(Timestamp::from_millis(start), Timestamp::from_millis(end)).unwrap()
    }

    #[test]
    fn a_level_is_weighted_by_the_time_it_lasts() {
        let day = window(0, 24 * HOUR_MS);
        for (changes, carried, expected) in [
            (&[][..], "0", "0"),
            (&[], "7", "7"),
            (&[(0, "1000")], "0", "1000"),
            (&[(12 * HOUR_MS, "10")], "0", "5"),
            (&[(12 * HOUR_MS, "10")], "3", "8"),
            (&[(6 * HOUR_MS, "4"), (18 * HOUR_MS, "-4")], "0", "2"),
            (&[(18 * HOUR_MS, "-4"), (6 * HOUR_MS, "4")], "0", "2"),
            (&[(8 * HOUR_MS, "1")], "0", "0.666666666667"),
            (&[(24 * HOUR_MS - 1, "86400000")], "0", "1"),
        ] {
            let got = state(changes).average(day, m(carried)).unwrap();
            assert_eq!(got, m(expected), "{changes:?} from {carried}");
        }
        assert_eq!(state(&[(1, "4"), (2, "-1.5")]).change(), m("2.5"));
        assert_eq!(Weighted::default().change(), Measure::ZERO);
    }

    #[test]
    fn a_window_need_not_begin_at_the_epoch() {
        let late = 1_700_000_000_000;
        let got = state(&[(late + 30, "2")]).average(window(late, late + 40), m("1")).unwrap();
        assert_eq!(got, m("1.5"));
    }

    #[test]
    fn the_wire_form_is_checked() {
        let some = state(&[(5, "2"), (9, "1.5")]);
        let text = serde_json::to_string(&some).unwrap();
        assert_eq!(text, r#"{"origin":5,"change":"3.5","moment":"6"}"#);
        assert_eq!(serde_json::from_str::<Weighted>(&text).unwrap(), some);
        assert_eq!(serde_json::to_string(&Weighted::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Weighted>("{}").unwrap(), Weighted::default());
        for damaged in [
            r#"{"origin":5}"#,
            r#"{"origin":5,"change":"1","moment":"6.0"}"#,
            r#"{"origin":5,"change":"1","moment":"x"}"#,
            r#"{"origin":5,"change":"1","moment":"1","x":1}"#,
        ] {
            assert!(serde_json::from_str::<Weighted>(damaged).is_err(), "{damaged}");
        }
    }
}
