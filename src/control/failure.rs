//! What an isolate does when the account does not answer, by the route that asks (RFC 8506:
//! Credit-Control-Failure-Handling).
//!
//! ```text
//! terminate             refused
//! continue              served, and owed, up to an allowance; told when the account answers again
//! retry_and_terminate   the same message again, after 0.1 s, 0.2 s, 0.4 s, …: for 10 s in all
//! ```
//!
//! What a lease pays asks nobody, whatever the route says.

use crate::units::{Credits, Timestamp};

/// How long an account may take to answer, in milliseconds (RFC 8506: Tx).
const ANSWER_MS: i64 = 5_000;
/// How long a message is sent again and again, from when it was first sent, in milliseconds.
const RETRY_MS_MAX: i64 = 10_000;
/// The first pause, in milliseconds; each is twice the one before.
const PAUSE_MS: i64 = 100;
/// No attempt is given less than this, in milliseconds: it would not be heard.
const PATIENCE_MS_MIN: i64 = 100;

/// What becomes of an operation that the account was asked for and did not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailureHandling {
    /// It is refused.
    #[default]
    Terminate,
    /// It is served all the same.
    Continue {
        /// Credits that one isolate may serve of one account without its answer.
        allowance: Credits,
    },
    /// The account is asked again for a while, and then it is refused.
    RetryAndTerminate,
}

/// Another attempt at the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How long to wait before it, in milliseconds.
    pub pause_ms: i64,
    /// How long to wait for its answer, in milliseconds.
    pub patience_ms: i64,
}

impl FailureHandling {
    /// What may be owed.
    pub fn allowance(self) -> Option<Credits> {
        match self {
            Self::Continue { allowance } => Some(allowance),
            Self::Terminate | Self::RetryAndTerminate => None,
        }
    }

    /// Whether the account is asked once more, after `retries` of them, of a message that was first
    /// sent at `sent`.
    pub fn retry(self, retries: u32, sent: Timestamp, now: Timestamp) -> Option<Retry> {
        let growth = 2_i64.saturating_pow(retries);
        let pause_ms = PAUSE_MS.saturating_mul(growth);
        // A clock that jumped back does not prolong it.
        let gone = now.millis_since(sent).max(0).saturating_add(pause_ms);
        let left = RETRY_MS_MAX.saturating_sub(gone);
        let retry = Retry { pause_ms, patience_ms: left.min(ANSWER_MS) };
        (self == Self::RetryAndTerminate && left >= PATIENCE_MS_MIN).then_some(retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_the_last_answer_is_due_within_the_bound() {
        let attempts = |takes_ms: i64| {
            let (sent, mut now, mut pauses) = (Timestamp::default(), takes_ms, Vec::new());
            while let Some(retry) = FailureHandling::RetryAndTerminate.retry(
                u32::try_from(pauses.len()).unwrap(),
                sent,
                Timestamp::from_millis(now),
            ) {
                pauses.push(retry.pause_ms);
                now += retry.pause_ms + takes_ms.min(retry.patience_ms);
            }
            assert!(now <= RETRY_MS_MAX, "{now} ms");
            pauses
        };
        assert_eq!(attempts(0), [100, 200, 400, 800, 1_600, 3_200]);
        assert_eq!(attempts(ANSWER_MS), [100]);
        assert_eq!(attempts(900), [100, 200, 400, 800, 1_600]);
    }

    #[test]
    fn only_the_handling_that_says_so_asks_again() {
        let now = Timestamp::default();
        let allowance = Credits::ONE;
        for handling in [FailureHandling::Terminate, FailureHandling::Continue { allowance }] {
            assert_eq!(handling.retry(0, now, now), None);
        }
        let late = Timestamp::from_millis(i64::MAX);
        assert_eq!(FailureHandling::RetryAndTerminate.retry(u32::MAX, now, late), None);
    }
}
