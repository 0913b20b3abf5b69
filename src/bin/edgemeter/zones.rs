//! Time zones by name, from the IANA database that is built into this program.

use edgemeter::calendar::{Zone, ZoneSpec};
use edgemeter::units::Timestamp;
use jiff::tz::TimeZone;

use crate::failure::Failure;

/// Changes of offset are taken from 1970 to the end of 2099.
const FIRST_MS: i64 = 0;
const LAST_MS: i64 = 4_102_444_800_000;

/// The zone of a name like `Europe/Berlin`.
pub(crate) fn zone(name: &str) -> Result<Zone, Failure> {
    if name == "UTC" {
        return Ok(Zone::utc());
    }
    let unknown = |reason: &dyn std::fmt::Display| {
        Failure::new(format!(
            "--zone {name}: {reason}: use a name of the IANA database, like Europe/Berlin"
        ))
    };
    let found = TimeZone::get(name).map_err(|_| unknown(&"is not known"))?;
    let first = jiff::Timestamp::from_millisecond(FIRST_MS).map_err(|e| unknown(&e))?;
    let minutes = |offset: jiff::tz::Offset| offset.seconds().div_euclid(60);
    let changes = found
        .following(first)
        .map(|change| (change.timestamp().as_millisecond(), minutes(change.offset())))
        .take_while(|(at, _)| *at < LAST_MS)
        .map(|(at, minutes)| (Timestamp::from_millis(at), minutes))
        .collect();
    let offset = minutes(found.to_offset(first));
    Zone::new(ZoneSpec { name: name.to_owned(), offset, changes }).map_err(|e| unknown(&e))
}

#[cfg(test)]
mod tests {
    use edgemeter::meter::parse_rfc3339;

    use super::*;

    #[test]
    fn zones_have_the_offsets_of_the_database() {
        let offset =
            |name: &str, at: &str| zone(name).unwrap().offset_at(parse_rfc3339(at).unwrap());
        for (name, at, expected) in [
            ("UTC", "2026-07-01T00:00:00Z", 0),
            ("Europe/Berlin", "2026-01-15T00:00:00Z", 60),
            ("Europe/Berlin", "2026-03-29T01:00:00Z", 120),
            ("Europe/Berlin", "2026-10-25T00:59:59Z", 120),
            ("Europe/Berlin", "2026-10-25T01:00:00Z", 60),
            ("America/New_York", "2026-07-01T00:00:00Z", -240),
            ("Asia/Kathmandu", "2026-07-01T00:00:00Z", 345),
            ("Europe/Berlin", "2099-07-01T00:00:00Z", 120),
        ] {
            assert_eq!(offset(name, at), expected, "{name} at {at}");
        }
        let error = zone("Mars/Olympus").unwrap_err().to_string();
        assert!(error.contains("use a name of the IANA database"), "{error}");
    }
}
