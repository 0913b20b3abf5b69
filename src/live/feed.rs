//! The page's end of the live socket: messages in, the account's current numbers kept.
//!
//! ```text
//!              connected()                    snapshot
//!   ┌──────────────▼──────────────┐ ───────────────────────▶ ┌─────────────┐ ◀─┐
//!   │ waiting: deltas are skipped │                          │  following  │ ──┘ delta, seq + 1
//!   └─────────────────────────────┘ ◀─────────────────────── └─────────────┘
//!                                     any other delta: ask for a resync, once
//! ```
//!
//! A socket repeats and reorders nothing, so a lower number is no repetition either: the account
//! object has been evicted and counts from zero again.
//!
//! Invariants (tested below): deltas applied in order give what a snapshot at their end gives;
//! a delta that does not continue the last message changes nothing, nor does a refused one.

use std::collections::BTreeMap;

use super::error::FeedError;
use super::kept::{Kept, is_sorted, names};
use super::message::{Call, Kind, Message, Second, Span};
use super::{GRANTS_MAX, MESSAGE_BYTES_MAX, NAMES_MAX, RECENT_CALLS_MAX, SECONDS_MAX};
use crate::json::from_text;
use crate::units::{AccountId, Timestamp};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The numbers are newer now.
    Applied,
    /// Messages are missing, or the account started over: ask for a resync.
    Gap,
    /// Skipped, because a snapshot is on its way.
    Waiting,
}

impl Outcome {
    /// The outcome's name for the page. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Gap => "gap",
            Self::Waiting => "waiting",
        }
    }
}

/// One account's live numbers.
#[derive(Clone, Debug)]
pub struct Feed {
    account: AccountId,
    waiting: bool,
    /// The newest message; its `recent` is merged, its `calls` moved to `seconds`.
    latest: Option<Message>,
    seconds: BTreeMap<i64, Kept>,
    /// What was burned today until the page asked, where it did.
    today: Option<(Span, Timestamp)>,
    /// The account's clock minus the page's at the newest message, ms: charts run on the former.
    clock_offset_ms: i64,
}

impl Feed {
    /// A feed of `account` that knows nothing yet.
    pub fn new(account: AccountId) -> Self {
        let seconds = BTreeMap::new();
        let (latest, today) = (None, None);
        Self { account, waiting: true, latest, seconds, today, clock_offset_ms: 0 }
    }

    /// What calls burned in `[span.since, until)`, from another source than the socket: the day.
    pub fn today(&mut self, span: Span, until: Timestamp) {
        self.today = Some((span, until));
    }

    /// A new connection: its first snapshot counts, whatever its number.
    pub fn connected(&mut self) {
        self.waiting = true;
    }

    /// Takes one message, read from the socket at `now` by the page's clock.
    ///
    /// # Errors
    ///
    /// [`FeedError`]; the numbers stay as they were.
    pub fn receive(&mut self, text: &str, now: Timestamp) -> Result<Outcome, FeedError> {
        let message = self.check(text)?;
        let known = self.latest.as_ref().map_or(0, |latest| latest.seq);
        match message.kind {
            Kind::Snapshot => self.replace(message, now),
            Kind::Delta if self.waiting => return Ok(Outcome::Waiting),
            Kind::Delta if message.seq != known.saturating_add(1) => {
                self.waiting = true;
                return Ok(Outcome::Gap);
            }
            Kind::Delta => self.merge(message, now),
        }
        Ok(Outcome::Applied)
    }

    /// The newest message, its `recent` merged.
    pub(super) fn latest(&self) -> Option<&Message> {
        self.latest.as_ref()
    }

    /// The account's clock when the page's says `now`.
    ///
    /// Never before the newest message, should the page's clock be set back.
    pub(super) fn clock(&self, now: Timestamp) -> Timestamp {
        let told = self.latest.as_ref().map_or(Timestamp::default(), |latest| latest.at);
        now.plus_millis(self.clock_offset_ms).max(told)
    }

    /// The second to show last when the page's clock says `now`.
    pub(super) fn current_second(&self, now: Timestamp) -> i64 {
        self.clock(now).millis().div_euclid(1000)
    }

    /// The calls of `second`; none if nothing is known about it.
    pub(super) fn second(&self, second: i64) -> Option<&Kept> {
        self.seconds.get(&second)
    }

    /// What the page was told of the day, and until when.
    pub(super) fn told_today(&self) -> Option<(Span, Timestamp)> {
        self.today
    }

    fn check(&self, text: &str) -> Result<Message, FeedError> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(FeedError::TooLong { bytes: text.len() });
        }
        let message: Message =
            from_text(text).map_err(|error| FeedError::Unreadable { reason: error.to_string() })?;
        if message.account != self.account {
            let account = self.account.clone();
            return Err(FeedError::OtherAccount { account, other: message.account });
        }
        for (what, count, most) in [
            ("seconds", message.calls.len(), SECONDS_MAX),
            ("calls", message.recent.len(), RECENT_CALLS_MAX),
            ("grants", message.grants.len(), GRANTS_MAX),
            ("routes", message.routes.len(), NAMES_MAX.into()),
            ("keys", message.keys.len(), NAMES_MAX.into()),
        ] {
            if count > most {
                return Err(FeedError::TooMany { what, count, most });
            }
        }
        let seq = message.seq;
        if !message.balance.adds_up() {
            return Err(FeedError::Unbalanced { seq });
        }
        let (routes, keys) = (message.routes.len(), message.keys.len());
        match message.calls.iter().find(|second| !is_sorted(second, routes, keys)) {
            Some(Second { second, .. }) => Err(FeedError::Unsorted { seq, second: *second }),
            None => Ok(message),
        }
    }

    fn replace(&mut self, message: Message, now: Timestamp) {
        self.seconds.clear();
        self.latest = None;
        self.waiting = false;
        self.merge(message, now);
    }

    fn merge(&mut self, mut message: Message, now: Timestamp) {
        self.clock_offset_ms = message.at.millis_since(now);
        let (routes, keys) = (names(&message.routes), names(&message.keys));
        for second in message.calls.drain(..) {
            self.seconds.insert(second.second, Kept::of(&second, &routes, &keys));
        }
        while self.seconds.len() > SECONDS_MAX {
            self.seconds.pop_first();
        }
        let older = self.latest.take().map(|latest| latest.recent).unwrap_or_default();
        let told_again =
            |call: &Call| message.recent.iter().any(|new| new.operation == call.operation);
        let kept: Vec<Call> = older.into_iter().filter(|call| !told_again(call)).collect();
        message.recent.extend(kept);
        message.recent.truncate(RECENT_CALLS_MAX);
        self.latest = Some(message);
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers made up here")]
mod tests {
    use super::*;
    use crate::live::message::{Balance, PlanVersion, Tally, Zero, ZeroRule};
    use crate::units::Credits;

    /// The account at call number `made`, of 100 granted credits: call n costs 0.1 in second n / 2.
    fn message(kind: Kind, seq: u64, made: i64, told: i64) -> Message {
        let tenths = |count: i64| Credits::new(rust_decimal::Decimal::new(count, 1)).unwrap();
        let balance = Balance {
            available: tenths(1000 - made),
            held: Credits::ZERO,
            burned: tenths(made),
            granted: tenths(1000),
            expired: Credits::ZERO,
            balance: tenths(1000 - made),
        };
        let in_second = |second: i64| (0..made).filter(|call| call / 2 == second).count();
        let calls = (told / 2..=made / 2)
            .map(|second| {
                let calls = in_second(second).try_into().unwrap();
                let credits = tenths(in_second(second).try_into().unwrap());
                let tally = vec![Tally { name: Some(0), calls, credits }];
                Second { second, calls, credits, routes: tally.clone(), keys: tally }
            })
            .filter(|second| second.calls > 0);
        let recent = (told..made).rev().map(|call| Call {
            operation: format!("op{call}"),
            at: Timestamp::from_millis(call * 500),
            route: "GET /words".to_owned(),
            key: "k1".to_owned(),
            cost: tenths(1),
            status: 200,
        });
        Message {
            kind,
            seq,
            at: Timestamp::from_millis(made * 500),
            account: "demo".parse().unwrap(),
            plan: PlanVersion { id: "starter".parse().unwrap(), version: 1 },
            unit: "credits".to_owned(),
            balance,
            zero: Zero { rule: ZeroRule::Block, used: Credits::ZERO, left: None, topup_url: None },
            grants: Vec::new(),
            more_grants: None,
            lately: Span { since: Timestamp::default(), credits: Credits::ZERO },
            routes: vec!["GET /words".to_owned()],
            keys: vec!["k1".to_owned()],
            calls: calls.collect(),
            recent: recent.take(RECENT_CALLS_MAX).collect(),
        }
    }

    fn feed() -> Feed {
        Feed::new("demo".parse().unwrap())
    }

    fn give(feed: &mut Feed, message: &Message) -> Result<Outcome, &'static str> {
        let text = serde_json::to_string(message).unwrap();
        feed.receive(&text, Timestamp::default()).map_err(|error| error.code())
    }

    fn shown(feed: &Feed) -> (Balance, Vec<Kept>, Vec<Call>) {
        let latest = feed.latest().unwrap();
        (latest.balance, feed.seconds.values().cloned().collect(), latest.recent.clone())
    }

    #[test]
    fn deltas_end_where_a_snapshot_at_their_end_is() {
        let mut followed = feed();
        give(&mut followed, &message(Kind::Snapshot, 7, 3, 0)).unwrap();
        for (seq, made) in [(8, 4), (9, 9), (10, 9), (11, 30)] {
            let told = followed.latest().unwrap().at.millis() / 500;
            let delta = message(Kind::Delta, seq, made, told);
            assert_eq!(give(&mut followed, &delta), Ok(Outcome::Applied), "seq {seq}");
            let mut fresh = feed();
            give(&mut fresh, &message(Kind::Snapshot, 1, made, 0)).unwrap();
            assert_eq!(shown(&followed), shown(&fresh), "after {made} calls");
        }
    }

    #[test]
    fn a_gap_asks_once_and_a_snapshot_heals_it() {
        let mut feed = feed();
        let delta = |seq, made| message(Kind::Delta, seq, made, made - 1);
        for (step, expected) in [
            (delta(1, 1), Outcome::Waiting), // nothing is known before the first snapshot
            (message(Kind::Snapshot, 5, 2, 0), Outcome::Applied),
            (delta(6, 3), Outcome::Applied),
            (delta(8, 5), Outcome::Gap),
            (delta(9, 6), Outcome::Waiting),
            (delta(7, 4), Outcome::Waiting),
            (message(Kind::Snapshot, 9, 6, 0), Outcome::Applied),
            (delta(10, 7), Outcome::Applied),
            (delta(1, 8), Outcome::Gap), // the account was evicted and counts from zero
            (delta(2, 9), Outcome::Waiting),
            (message(Kind::Snapshot, 2, 9, 0), Outcome::Applied),
            (delta(3, 10), Outcome::Applied),
        ] {
            assert_eq!(give(&mut feed, &step), Ok(expected), "seq {} {:?}", step.seq, step.kind);
        }
        // A new connection counts from its own snapshot, even from a lower number.
        feed.connected();
        assert_eq!(give(&mut feed, &delta(4, 11)), Ok(Outcome::Waiting));
        assert_eq!(give(&mut feed, &message(Kind::Snapshot, 1, 11, 0)), Ok(Outcome::Applied));
        assert_eq!(give(&mut feed, &delta(2, 12)), Ok(Outcome::Applied));
    }

    #[test]
    fn refused_messages_change_nothing() {
        let mut feed = feed();
        give(&mut feed, &message(Kind::Snapshot, 1, 2, 0)).unwrap();
        let before = shown(&feed);
        let good = message(Kind::Delta, 2, 3, 2);
        let other = Message { account: "other".parse().unwrap(), ..good.clone() };
        let one = "0.000000000001".parse().unwrap();
        let skewed = Balance { burned: good.balance.burned.plus(one).unwrap(), ..good.balance };
        let unbalanced = Message { balance: skewed, ..good.clone() };
        let second = good.calls[0].clone();
        let many = Message { calls: vec![second.clone(); SECONDS_MAX + 1], ..good.clone() };
        let fewer = Second { calls: second.calls + 1, ..second.clone() };
        let unsorted = Message { calls: vec![fewer], ..good.clone() };
        let nameless = Message { routes: Vec::new(), ..good.clone() };
        let tally = second.keys[0];
        let halves = Tally { calls: 0, credits: Credits::ZERO, ..tally };
        let twice = Second { keys: vec![tally, halves], ..second };
        let twice = Message { calls: vec![twice], ..good.clone() };
        let wide = Message { unit: "x".repeat(MESSAGE_BYTES_MAX), ..good.clone() };
        for (bad, code) in [
            (other, "other_account"),
            (unbalanced, "balance_does_not_add_up"),
            (many, "too_many_entries"),
            (unsorted, "second_does_not_add_up"),
            (nameless, "second_does_not_add_up"),
            (twice, "second_does_not_add_up"),
            (wide, "message_too_long"),
        ] {
            assert_eq!(give(&mut feed, &bad), Err(code));
            assert_eq!(shown(&feed), before, "after {code}");
        }
        for text in ["", "{}", "[]", "null", "{\"type\":\"snapshot\"", "\u{0}"] {
            let error = feed.receive(text, Timestamp::default()).unwrap_err();
            assert_eq!(error.code(), "message_unreadable", "text: {text:?}");
        }
        assert_eq!(give(&mut feed, &good), Ok(Outcome::Applied));
    }

    #[test]
    fn a_long_life_stays_small() {
        let mut feed = feed();
        give(&mut feed, &message(Kind::Snapshot, 0, 0, 0)).unwrap();
        for made in 1..=900 {
            let seq = made.try_into().unwrap();
            give(&mut feed, &message(Kind::Delta, seq, made, made - 1)).unwrap();
        }
        assert_eq!(feed.seconds.len(), SECONDS_MAX);
        assert_eq!(feed.latest().unwrap().recent.len(), RECENT_CALLS_MAX);
    }
}
