//! What an isolate and an account say to each other: JSON, decimals as strings.
//!
//! ```json
//! {"v":1,"plan":"9f…","keys":3,
//!  "report":{"lease":"l1","terms":0,"used":"40","returned":"0","operations":{…}},
//!  "refunds":["l1.17"],
//!  "owed":[{"debit":{"op":"d7",…},"terms":0}],
//!  "debit":{"op":"d9","route":"GET /words","charge":"words","key":"k1","quantity":"1"},
//!  "reserve":{"op":"r3",…,"most":{"use":{"charge":"output","quantity":"4096"},"least":1},…},
//!  "settles":[{"op":"r2","uses":[{"charge":"output","quantity":"300"}],"last":true}],
//!  "releases":["r1"],
//!  "wish":{"lease":"l1","seq":4,"rate":"20","cost":"1"}}
//! ```
//!
//! Every part may be missing. The parts are idempotent each on its own: reports by cumulative
//! counters and operation numbers, debits, refunds and what is owed by operation id, reservations
//! by operation id and what is held, settlements by cumulative totals, wishes by (lease, seq).
//!
//! While a new version rolls out, old isolates talk to new accounts and the other way round. An
//! isolate passes over what it does not know in an answer. An account refuses a request with a
//! part that it does not know: to answer it is to say that all of it was taken, and the isolate
//! forgets what it told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::once::Once;
use crate::ledger::{Balance, Debit, Operations, Owed, Reserve, Settle, SpendPeriod};
use crate::units::{ChargeId, Credits, KeyId, Quantity};

/// Version of the messages; an account refuses one it does not know.
pub const VERSION: u32 = 1;

/// What an isolate asks (RFC 8506: Credit-Control-Request).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// [`VERSION`].
    pub v: u32,
    /// Hash of the plan that the isolate knows, or nothing.
    #[serde(default)]
    pub plan: String,
    /// Revision of the key list that the isolate knows, or 0.
    #[serde(default)]
    pub keys: u64,
    /// Used service units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<Report>,
    /// Operations that failed after they were reported or debited.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<String>,
    /// Operations that were served while the account did not answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owed: Vec<Owed>,
    /// Direct debit: one operation for the account itself to pay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit: Option<Debit>,
    /// Credits to be set aside for one operation, in place of a debit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reserve: Option<Reserve>,
    /// The client's key for the operation that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Once>,
    /// How often the charge of that key may serve the same request again.
    #[serde(default, skip_serializing_if = "is_never")]
    pub repeats: u32,
    /// Clients' keys, by name, whose operations were answered, and were no reservations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub done: Vec<String>,
    /// Reserved operations that ended, and what they used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settles: Vec<Settle>,
    /// Reserved operations that served nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<String>,
    /// How long ago the debit was first asked for, in milliseconds, if this is not the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_ms: Option<i64>,
    /// Requested service units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives references")]
fn is_never(repeats: &u32) -> bool {
    *repeats == 0
}

impl Request {
    /// Whether it tells what was spent, ended, failed or is owed.
    pub fn tells(&self) -> bool {
        let ended = !(self.settles.is_empty() && self.releases.is_empty() && self.done.is_empty());
        self.report.is_some() || !self.refunds.is_empty() || !self.owed.is_empty() || ended
    }

    /// Messages with these parts go one at a time; operations that begin and end need no order.
    pub(super) fn is_exclusive(&self) -> bool {
        let told = self.report.is_some() || !self.refunds.is_empty() || !self.owed.is_empty();
        told || self.wish.is_some()
    }
}

/// What a lease has been spent on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The lease.
    pub lease: String,
    /// Number of the terms (plan and period) that the operations were served under.
    #[serde(default)]
    pub terms: u64,
    /// Credits spent so far, up to the last operation of this report.
    pub used: Credits,
    /// Credits given back so far.
    pub returned: Credits,
    /// Operations, in order, none left out since the last acknowledged one.
    pub operations: Operations,
}

/// A request for credits to be set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The lease, named by the isolate, unique for ever.
    pub lease: String,
    /// Rises by one with every wish of this lease; the same number again is granted once.
    pub seq: u64,
    /// Credits per second that the isolate serves, as it sees it.
    pub rate: Credits,
    /// What one operation is held at: the one that asks, or the last that was paid.
    pub cost: Credits,
    /// What the lease has been granted so far, as the isolate knows: a lease of which the account
    /// knows nothing must not begin anew under its name.
    #[serde(default)]
    pub granted: Credits,
}

/// What the account answers (Credit-Control-Answer).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// [`VERSION`].
    pub v: u32,
    /// Operations of the reported lease that are burned: the isolate may forget them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acked: Option<u64>,
    /// The reported or wished lease is not remembered any more: forget it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lease_unknown: bool,
    /// Credits granted to the wished lease so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub granted: Option<Credits>,
    /// How long they may be spent, from when the isolate asked.
    #[serde(default)]
    pub validity_ms: i64,
    /// How the debit ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debit: Option<DebitAnswer>,
    /// The account's credits.
    pub balance: Balance,
    /// The plan's hash, id and version.
    pub plan: crate::ledger::PlanRef,
    /// Number of the terms: rises when the plan changes or a period ends.
    #[serde(default)]
    pub terms: u64,
    /// Meter units used so far, of the charges whose price depends on it and may be held for.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub usage: BTreeMap<ChargeId, Quantity>,
    /// The plan's JSON, if the isolate knew another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_json: Option<String>,
    /// The active keys, if the isolate knew another list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<KeyList>,
}

/// How a direct debit ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum DebitAnswer {
    /// Burned.
    Paid {
        /// What it cost.
        cost: Credits,
    },
    /// Set aside.
    Held {
        /// How much, in all.
        amount: Credits,
        /// What its part that can be lowered was lowered to, in units.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<Quantity>,
    },
    /// The operation that it asks for was ended meanwhile.
    Ended,
    /// The client sent the same request before, and it was charged.
    Repeated {
        /// The operation then.
        op: String,
        /// What it cost, or at most cost.
        cost: Credits,
    },
    /// The client's key is in use by the same request, which has not ended.
    OnceInFlight,
    /// The client's key was used for another request.
    OnceDiffers,
    /// The client's key was used too often.
    OnceSpent,
    /// Nothing is left, and the plan serves on, degraded and for nothing (RFC 8506
    /// Final-Unit-Action RESTRICT_ACCESS).
    Restricted,
    /// RFC 8506 CREDIT_LIMIT_REACHED.
    CreditLimitReached {
        /// What it would have cost.
        required: Credits,
        /// What there was to spend.
        available: Credits,
    },
    /// RFC 8506 SERVICE_DENIED: the key is disabled or was never created.
    KeyRefused,
    /// The key has spent what it may.
    KeyLimitReached {
        /// Which of its limits.
        period: SpendPeriod,
        /// The limit.
        limit: Credits,
        /// What it has spent.
        spent: Credits,
    },
    /// RFC 8506 RATING_FAILED: the plan does not price this.
    RatingFailed,
}

/// The keys that isolates may pay for from a lease. For any other one the account decides.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyList {
    /// Rises with every change.
    pub revision: u64,
    /// The active ones.
    pub active: Vec<KeyId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"v":1,"balance":{"granted":"1","available":"1","held":"0","burned":"0",
        "expired":"0","voided":"0","balance":"1","scheduled":"0","unreported":"0","debt":"0",
        "overage":"0","unpaid":"0"},"plan":{"id":"p","version":1,"hash":"9f"},
        "debit":{"result":"restricted"},"keys":{"revision":1,"active":[]}}"#;
    const REQUEST: &str = r#"{"v":1,"wish":{"lease":"l1","seq":1,"rate":"1","cost":"1"},
        "report":{"lease":"l1","used":"0","returned":"0",
            "operations":{"from":0,"at":0,"routes":[],"keys":[],"list":[]}},
        "owed":[{"debit":{"op":"d7","route":"GET /words","charge":"words","key":"k1",
            "quantity":"1"},"terms":0}]}"#;

    /// The text with a member more in one of its objects, each in turn.
    fn with_more(text: &str) -> impl Iterator<Item = String> {
        text.match_indices('{').map(|(at, _)| {
            let (before, object) = text.split_at(at);
            format!("{before}{}", object.replacen('{', "{\"x\":1,", 1))
        })
    }

    #[test]
    fn an_answer_may_say_more_than_is_known_and_a_request_may_not() {
        let answer: Answer = serde_json::from_str(ANSWER).unwrap();
        for more in with_more(ANSWER) {
            assert_eq!(serde_json::from_str::<Answer>(&more).unwrap(), answer, "{more}");
        }
        serde_json::from_str::<Request>(REQUEST).unwrap();
        for more in with_more(REQUEST) {
            assert!(serde_json::from_str::<Request>(&more).is_err(), "{more}");
        }
    }

    #[test]
    fn what_tells_or_wishes_goes_one_at_a_time() {
        let whole: Request = serde_json::from_str(REQUEST).unwrap();
        let Request { report, owed, wish, .. } = whole;
        let blank = || Request { v: VERSION, ..Request::default() };
        let table = [
            (Request { report, ..blank() }, true),
            (Request { owed, ..blank() }, true),
            (Request { wish, ..blank() }, true),
            (Request { refunds: vec!["d7".to_owned()], ..blank() }, true),
            (Request { releases: vec!["r7".to_owned()], ..blank() }, false),
            (blank(), false),
        ];
        for (request, expected) in table {
            assert_eq!(request.is_exclusive(), expected, "{request:?}");
        }
    }
}
