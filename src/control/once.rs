//! A client's `Idempotency-Key` (IETF draft httpapi-idempotency-key-header-07): one charge, however
//! often and through whatever isolate the request comes.
//!
//! ```text
//! first ─▶ flying ─▶ done        again: spent, or the same charge as often as the route says
//!            │  └──▶ failed      forgotten: the next one is the first
//!            └ again: 409        with another request: 422
//! ```
//!
//! The account keeps a row per key beside its journal, for [`ONCE_MS`] from the first request on.
//! It knows verdicts, not answers: a repeated request goes to the origin once more, marked as
//! repeated, and is not charged; one whose cost is in its answer does not. Invariant: what a
//! repetition may cost is bounded.

use serde::{Deserialize, Serialize};

use super::message::DebitAnswer;
use crate::units::{Credits, Timestamp};

/// How long a key is remembered, in milliseconds: 24 hours.
pub const ONCE_MS: i64 = 86_400_000;
/// After so long a first request that did not end is taken for lost, in milliseconds.
pub const IN_FLIGHT_MS: i64 = 600_000;
/// How often a route may let one charge serve the same request again; if its cost is in its answer,
/// never: another answer would cost something else.
pub const REPEATS_MAX: u32 = 3;

/// What a client's key stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Once {
    /// Hash of what the request asks, beside its method and path.
    pub fingerprint: String,
    /// Who asks: the same message again is no other request.
    pub holder: String,
}

impl Once {
    /// What a client's key is called, by what it and its resource hash to.
    pub fn name(hash: &str) -> String {
        format!("k{hash}")
    }

    /// The id of an operation: each attempt is one of its own, since one that failed is over.
    pub(super) fn op(name: &str, holder: &str) -> String {
        format!("{name}.{holder}")
    }

    /// The name of the key that an operation has; isolates name the others after themselves, in
    /// hex.
    pub fn name_of(op: &str) -> Option<&str> {
        op.starts_with('k').then(|| op.split_once('.').map_or(op, |(name, _)| name))
    }
}

/// What an account knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownOnce {
    /// The operation that was charged.
    pub op: String,
    /// Who asked last, and what.
    pub once: Once,
    /// When.
    pub at: Timestamp,
    /// Whether it ended.
    pub done: bool,
    /// What it was charged, or at most would be.
    pub cost: Credits,
    /// How often it was repeated.
    pub repeats: u32,
}

impl KnownOnce {
    /// Whether it is remembered still.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now.millis_since(self.at) < ONCE_MS
    }

    /// What to say to a request with this key; nothing: it is the first one. `most`: how often it
    /// may be repeated.
    pub fn judge(&self, once: &Once, most: u32, now: Timestamp) -> Option<DebitAnswer> {
        if self.once == *once || !self.is_fresh(now) {
            return None;
        }
        Some(if self.once.fingerprint != once.fingerprint {
            DebitAnswer::OnceDiffers
        } else if !self.done && now.millis_since(self.at) < IN_FLIGHT_MS {
            DebitAnswer::OnceInFlight
        } else if self.repeats >= most {
            DebitAnswer::OnceSpent
        } else {
            DebitAnswer::Repeated { op: self.op.clone(), cost: self.cost }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_says_whose_key_it_is() {
        let op = Once::op(&Once::name("0af"), "h1.7");
        assert_eq!((op.as_str(), Once::name_of(&op)), ("k0af.h1.7", Some("k0af")));
        assert_eq!(Once::name_of("0af.h1.7"), None, "an isolate named it");
    }

    #[test]
    fn the_first_one_pays() {
        let once = |fingerprint: &str, holder: &str| Once {
            fingerprint: fingerprint.to_owned(),
            holder: holder.to_owned(),
        };
        let at = |ms: i64| Timestamp::from_millis(1_000_000 + ms);
        let known = |done: bool, repeats: u32| KnownOnce {
            op: "kf.h1".to_owned(),
            once: once("f", "h1"),
            at: at(0),
            done,
            cost: Credits::ONE,
            repeats,
        };
        let table = [
            (known(false, 0), once("f", "h1"), 0, None),
            (known(true, 0), once("f", "h1"), 0, None),
            (known(false, 0), once("f", "h2"), 0, Some("in_flight")),
            (known(false, 0), once("f", "h2"), IN_FLIGHT_MS - 1, Some("in_flight")),
            (known(false, 0), once("f", "h2"), IN_FLIGHT_MS, Some("repeated")),
            (known(true, 0), once("f", "h2"), 1, Some("repeated")),
            (known(true, REPEATS_MAX - 1), once("f", "h2"), 1, Some("repeated")),
            (known(true, REPEATS_MAX), once("f", "h2"), 1, Some("spent")),
            (known(true, 0), once("g", "h2"), 1, Some("differs")),
            (known(false, 0), once("g", "h2"), 1, Some("differs")),
            (known(true, 0), once("g", "h2"), ONCE_MS - 1, Some("differs")),
            (known(true, 0), once("g", "h2"), ONCE_MS, None),
        ];
        for (known, once, ms, expected) in table {
            let found = known.judge(&once, REPEATS_MAX, at(ms)).map(|answer| match answer {
                DebitAnswer::OnceInFlight => "in_flight",
                DebitAnswer::OnceDiffers => "differs",
                DebitAnswer::OnceSpent => "spent",
                DebitAnswer::Repeated { .. } => "repeated",
                other => panic!("{other:?}"),
            });
            assert_eq!(found, expected, "{known:?} {once:?} after {ms}");
        }
        let reserved = known(true, 0).judge(&once("f", "h2"), 0, at(1));
        assert_eq!(reserved, Some(DebitAnswer::OnceSpent), "its cost is in its answer");
    }
}
