//! Time zones as data: the offsets of a place and when they change.
//!
//! ```text
//! Europe/Berlin   before 2026-03-29T01:00Z: +60   then +120   from 2026-10-25T01:00Z: +60
//! ```
//!
//! The core has no time zone database: half a megabyte of rules that change several times a year
//! would make the same contract bill differently in two builds. A zone is a table instead. The
//! command line fills it from the IANA database, a JavaScript shell from `Intl`, and the table is
//! kept with the contract, so that a period is the same everywhere and for ever.
//!
//! Invariants: changes are in rising order; an offset is within ±18 hours. After the last change
//! its offset holds.

use serde::{Deserialize, Serialize};

use crate::units::{Date, DateError, Timestamp};

/// Changes of offset in one zone, at most: two a year for two hundred years.
pub const CHANGES_MAX: usize = 400;

/// Minutes that a clock may be ahead of or behind UTC, at most.
pub const OFFSET_MINUTES_MAX: i32 = 18 * 60;

/// Why a zone does not load. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ZoneError {
    /// More changes than [`CHANGES_MAX`].
    #[error("zone has {count} changes: at most 400, leave out those long past")]
    TooManyChanges {
        /// How many there are.
        count: usize,
    },
    /// No clock shows this.
    #[error("offset of {minutes} minutes: a clock is at most 18 hours from UTC")]
    Offset {
        /// The offset at fault.
        minutes: i32,
    },
    /// Two changes at one instant, or out of order.
    #[error("change at {at} is not after the one before: sort the changes")]
    Order {
        /// The change at fault, UTC milliseconds.
        at: Timestamp,
    },
}

impl ZoneError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooManyChanges { .. } => "zone_too_many_changes",
            Self::Offset { .. } => "zone_offset",
            Self::Order { .. } => "zone_order",
        }
    }
}

/// A zone as it stands in JSON, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZoneSpec {
    /// The name for people, like `Europe/Berlin`.
    pub name: String,
    /// Minutes ahead of UTC before the first change.
    pub offset: i32,
    /// Instants of change, and the minutes ahead of UTC from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<(Timestamp, i32)>,
}

/// The offsets of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ZoneSpec", into = "ZoneSpec")]
pub struct Zone(ZoneSpec);

impl Zone {
    /// Coordinated Universal Time.
    pub fn utc() -> Self {
        Self(ZoneSpec { name: "UTC".to_owned(), offset: 0, changes: Vec::new() })
    }

    /// Checks a zone.
    ///
    /// # Errors
    ///
    /// [`ZoneError`].
    pub fn new(spec: ZoneSpec) -> Result<Self, ZoneError> {
        if spec.changes.len() > CHANGES_MAX {
            return Err(ZoneError::TooManyChanges { count: spec.changes.len() });
        }
        let offsets = spec.changes.iter().map(|(_, minutes)| *minutes);
        let mut offsets = std::iter::once(spec.offset).chain(offsets);
        if let Some(minutes) =
            offsets.find(|m| m.unsigned_abs() > OFFSET_MINUTES_MAX.unsigned_abs())
        {
            return Err(ZoneError::Offset { minutes });
        }
        let pairs = spec.changes.iter().zip(spec.changes.iter().skip(1));
        if let Some((_, &(at, _))) = pairs.into_iter().find(|(before, after)| after.0 <= before.0) {
            return Err(ZoneError::Order { at });
        }
        Ok(Self(spec))
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Minutes that the clock is ahead of UTC at `instant`.
    pub fn offset_at(&self, instant: Timestamp) -> i32 {
        let changed = self.0.changes.partition_point(|(at, _)| *at <= instant);
        let last = changed.checked_sub(1).and_then(|index| self.0.changes.get(index));
        last.map_or(self.0.offset, |(_, minutes)| *minutes)
    }

    /// The day that the calendar on the wall shows at `instant`.
    ///
    /// # Errors
    ///
    /// [`DateError`] outside the years 0 to 9999.
    pub fn date_at(&self, instant: Timestamp) -> Result<Date, DateError> {
        Date::of(instant, self.offset_at(instant))
    }

    /// The first instant at which the calendar on the wall shows `date` or a later day.
    ///
    /// That is midnight, but where a change of offset leaves midnight out, the instant of the
    /// change; and where midnight comes twice, the first one.
    pub fn start_of(&self, date: Date) -> Timestamp {
        let mut from = Timestamp::from_millis(i64::MIN);
        let mut offset = self.0.offset;
        for &(at, minutes) in &self.0.changes {
            let midnight = date.start(offset).max(from);
            if midnight < at {
                return midnight;
            }
            (from, offset) = (at, minutes);
        }
        date.start(offset).max(from)
    }
}

impl TryFrom<ZoneSpec> for Zone {
    type Error = ZoneError;

    fn try_from(spec: ZoneSpec) -> Result<Self, ZoneError> {
        Self::new(spec)
    }
}

impl From<Zone> for ZoneSpec {
    fn from(zone: Zone) -> Self {
        zone.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meter::parse_rfc3339;

    fn zone(offset: i32, changes: &[(&str, i32)]) -> Zone {
        let changes =
            changes.iter().map(|(at, minutes)| (parse_rfc3339(at).unwrap(), *minutes)).collect();
        Zone::new(ZoneSpec { name: "test".to_owned(), offset, changes }).unwrap()
    }

    fn start(zone: &Zone, date: &str) -> Timestamp {
        zone.start_of(date.parse().unwrap())
    }

    #[test]
    fn days_begin_at_the_first_instant_of_their_date() {
        let berlin = zone(60, &[("2026-03-29T01:00:00Z", 120), ("2026-10-25T01:00:00Z", 60)]);
        // Beirut, 2026: the clock jumps from 00:00 to 01:00, so the day begins at 01:00.
        let beirut = zone(120, &[("2026-03-28T22:00:00Z", 180), ("2026-10-24T21:00:00Z", 120)]);
        let twice = zone(180, &[("2026-10-24T21:30:00Z", 120)]);
        // A jump from 23:30 to 00:30: midnight is left out, the day begins with the jump.
        let half_hour = zone(0, &[("2026-05-01T23:30:00Z", 60)]);
        // Samoa, 2011: 30 December is left out.
        let apia = zone(-600, &[("2011-12-30T10:00:00Z", 840)]);
        for (zone, date, expected) in [
            (&berlin, "2026-03-29", "2026-03-28T23:00:00Z"),
            (&berlin, "2026-03-30", "2026-03-29T22:00:00Z"),
            (&berlin, "2026-10-25", "2026-10-24T22:00:00Z"),
            (&berlin, "2026-10-26", "2026-10-25T23:00:00Z"),
            (&beirut, "2026-03-29", "2026-03-28T22:00:00Z"),
            (&beirut, "2026-03-30", "2026-03-29T21:00:00Z"),
            // At midnight the clock goes back to 23:00: the day begins an hour later.
            (&beirut, "2026-10-25", "2026-10-24T22:00:00Z"),
            // At 00:30 it goes back to 23:30: midnight comes twice, the first one counts.
            (&twice, "2026-10-25", "2026-10-24T21:00:00Z"),
            (&half_hour, "2026-05-02", "2026-05-01T23:30:00Z"),
            (&apia, "2011-12-29", "2011-12-29T10:00:00Z"),
            (&apia, "2011-12-30", "2011-12-30T10:00:00Z"),
            (&apia, "2011-12-31", "2011-12-30T10:00:00Z"),
            (&apia, "2012-01-01", "2011-12-31T10:00:00Z"),
            (&Zone::utc(), "2026-01-01", "2026-01-01T00:00:00Z"),
        ] {
            assert_eq!(start(zone, date), parse_rfc3339(expected).unwrap(), "{date}");
        }
    }

    #[test]
    fn the_wall_shows_the_date_of_its_offset() {
        let berlin = zone(60, &[("2026-03-29T01:00:00Z", 120)]);
        let date = |at: &str| berlin.date_at(parse_rfc3339(at).unwrap()).unwrap().to_string();
        assert_eq!(date("2026-03-28T22:59:59.999Z"), "2026-03-28");
        assert_eq!(date("2026-03-28T23:00:00Z"), "2026-03-29");
        assert_eq!(date("2026-03-29T21:59:59.999Z"), "2026-03-29");
        assert_eq!(date("2026-03-29T22:00:00Z"), "2026-03-30");
        let change = parse_rfc3339("2026-03-29T01:00:00Z").unwrap();
        assert_eq!(berlin.offset_at(change), 120);
        assert_eq!(berlin.offset_at(change.plus_millis(-1)), 60);
        assert_eq!((berlin.name(), Zone::utc().name()), ("test", "UTC"));
    }

    #[test]
    fn zones_that_no_place_has_are_refused() {
        let code = |offset: i32, changes: &[(i64, i32)]| {
            let changes = changes.iter().map(|(at, m)| (Timestamp::from_millis(*at), *m)).collect();
            let spec = ZoneSpec { name: String::new(), offset, changes };
            Zone::new(spec).map_or_else(ZoneError::code, |_| "ok")
        };
        assert_eq!(code(1_080, &[(0, -1_080), (1, 0)]), "ok");
        assert_eq!(code(1_081, &[]), "zone_offset");
        assert_eq!(code(0, &[(0, -1_081)]), "zone_offset");
        assert_eq!(code(0, &[(1, 0), (1, 60)]), "zone_order");
        assert_eq!(code(0, &[(2, 0), (1, 60)]), "zone_order");
        let many = |n: i64| (0..n).map(|at| (at, 0)).collect::<Vec<_>>();
        assert_eq!(code(0, &many(401)), "zone_too_many_changes");
        assert_eq!(code(0, &many(400)), "ok");
    }

    #[test]
    fn the_wire_form_is_checked() {
        let text = r#"{"name":"x","offset":60,"changes":[[5,120]]}"#;
        let zone: Zone = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&zone).unwrap(), text);
        assert!(serde_json::from_str::<Zone>(r#"{"name":"x","offset":2000}"#).is_err());
        assert!(serde_json::from_str::<Zone>(r#"{"name":"x","offset":0,"dst":1}"#).is_err());
    }
}
