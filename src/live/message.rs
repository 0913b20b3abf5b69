//! The live socket's messages, account object to page, as JSON.
//!
//! ```text
//! {"type":"snapshot","seq":12,"at":1795392000000,"account":"demo",
//!  "plan":{"id":"starter","version":1},"unit":"credits",
//!  "balance":{"available":"4990","held":"5","burned":"5","granted":"5000","expired":"0",
//!             "balance":"4995"},
//!  "zero":{"rule":"block","used":"0","left":"0","topup_url":"https://example.com/top-up"},
//!  "grants":[{"id":"welcome","kind":"promotional","given":"5000","left":"4995",
//!             "starts_at":1795391000000,"ends_at":1798070400000}],
//!  "lately":{"since":1795391400000,"credits":"5"},
//!  "routes":["GET /words"],"keys":["k1"],
//!  "calls":[[1795392000,5,"5",[[0,5,"5"]],[[0,5,"5"]]]],
//!  "recent":[{"operation":"…","at":1795392000000,"route":"GET /words","key":"k1","cost":"1",
//!             "status":200}]}
//! ```
//!
//! A delta has the same fields and `"type":"delta"`: its `seq` is one more than the message before,
//! its `calls` are the absolute values of the seconds that changed, its `recent` the new calls
//! only. A second of `calls` holds its calls by route and by key: `[<index into the message's own
//! routes or keys, null for all others>, <calls>, "<credits>"]`. The other direction knows one message, `{"type":"resync"}`, answered by a snapshot.
//!
//! Invariant: `balance = available + held` and `granted = balance + burned + expired`, exactly;
//! [`Balance::adds_up`] is the check, the feed applies it to every message.

use serde::{Deserialize, Serialize};

use crate::ledger::GrantKind;
use crate::units::{AccountId, Credits, PlanId, Timestamp};

/// Whether a message stands alone or continues the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everything; replaces what the page knew.
    Snapshot,
    /// What changed since the message with the sequence number before.
    Delta,
}

/// One message of the live socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Snapshot or delta.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Rises by one with every delta of a connection; a snapshot sets it.
    pub seq: u64,
    /// When the account object wrote the message.
    pub at: Timestamp,
    /// Whose numbers these are.
    pub account: AccountId,
    /// The plan version in force.
    pub plan: PlanVersion,
    /// What the plan counts in, for people: "credits".
    pub unit: String,
    /// The balance, absolute in both kinds.
    pub balance: Balance,
    /// What happens past the last credit.
    pub zero: Zero,
    /// What has something left, in burn order; at most [`GRANTS_MAX`](super::GRANTS_MAX).
    pub grants: Vec<GrantLeft>,
    /// What those beyond have together, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_grants: Option<MoreGrants>,
    /// What calls burned in the last ten minutes, or since when it is known.
    pub lately: Span,
    /// Routes that are named in `calls`; at most [`NAMES_MAX`](super::NAMES_MAX).
    pub routes: Vec<String>,
    /// Keys that are named in `calls`; at most [`NAMES_MAX`](super::NAMES_MAX).
    pub keys: Vec<String>,
    /// Calls by second; at most [`SECONDS_MAX`](super::SECONDS_MAX).
    pub calls: Vec<Second>,
    /// Calls, newest first; at most [`RECENT_CALLS_MAX`](super::RECENT_CALLS_MAX).
    pub recent: Vec<Call>,
}

/// A plan by its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanVersion {
    /// The plan.
    pub id: PlanId,
    /// Its version, from 1.
    pub version: u32,
}

/// Where the granted credits are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Balance {
    /// Free to be spent or set aside.
    pub available: Credits,
    /// Set aside for gateways and for operations under way.
    pub held: Credits,
    /// Spent.
    pub burned: Credits,
    /// Ever granted.
    pub granted: Credits,
    /// Ended unspent, or taken back.
    pub expired: Credits,
    /// What is left: available and held.
    pub balance: Credits,
}

impl Balance {
    /// Whether both sums of the module's invariant hold.
    pub fn adds_up(&self) -> bool {
        let left = self.available.plus(self.held);
        let granted = self.balance.plus(self.burned).and_then(|sum| sum.plus(self.expired));
        left == Ok(self.balance) && granted == Ok(self.granted)
    }
}

/// What happens past the last credit, by the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zero {
    /// The rule.
    pub rule: ZeroRule,
    /// Credits that were used past zero, and are owed or stand on the invoice.
    pub used: Credits,
    /// Credits that may still be used past zero; nothing: without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Credits>,
    /// Where credits are bought, if the operator says so. Text, never trusted as an address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topup_url: Option<String>,
}

/// The plan's rules at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ZeroRule {
    /// Calls are refused.
    Block,
    /// Calls pass up to so many credits below zero.
    Grace,
    /// Calls pass, onto the invoice.
    Overage,
    /// Calls pass, and are served degraded.
    Restrict,
}

/// A grant that has something left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantLeft {
    /// Its id. Text, never markup.
    pub id: String,
    /// Where the credits came from.
    pub kind: GrantKind,
    /// Credits given so far.
    pub given: Credits,
    /// Credits left.
    pub left: Credits,
    /// First instant at which they can be spent.
    pub starts_at: Timestamp,
    /// First instant at which they cannot be spent any more, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// When they are given again, if they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again_at: Option<Timestamp>,
}

/// Grants beyond those that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MoreGrants {
    /// How many.
    pub count: u16,
    /// What they have left together.
    pub left: Credits,
    /// When the last of them starts.
    pub starts_at: Timestamp,
    /// When the first of them ends, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
}

/// Credits burned in `[since, at of the message)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// Where it begins.
    pub since: Timestamp,
    /// What was burned.
    pub credits: Credits,
}

/// The calls of one second; on the wire `[<epoch second>, <calls>, "<credits>", <tallies by route>,
/// <tallies by key>]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SecondWire", into = "SecondWire")]
pub struct Second {
    /// Seconds since 1970-01-01T00:00:00Z; covers `[second, second + 1)`.
    pub second: i64,
    /// Calls charged in it.
    pub calls: u32,
    /// Credits they burned.
    pub credits: Credits,
    /// The same, by route.
    pub routes: Vec<Tally>,
    /// The same, by key.
    pub keys: Vec<Tally>,
}

type SecondWire = (i64, u32, Credits, Vec<Tally>, Vec<Tally>);

impl From<SecondWire> for Second {
    fn from((second, calls, credits, routes, keys): SecondWire) -> Self {
        Self { second, calls, credits, routes, keys }
    }
}

impl From<Second> for SecondWire {
    fn from(from: Second) -> Self {
        (from.second, from.calls, from.credits, from.routes, from.keys)
    }
}

/// Calls of one route or one key; on the wire `[<index or null>, <calls>, "<credits>"]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TallyWire", into = "TallyWire")]
pub struct Tally {
    /// Whose, by its index in the message's list; nothing: all others'.
    pub name: Option<u16>,
    /// Calls.
    pub calls: u32,
    /// Credits they burned.
    pub credits: Credits,
}

type TallyWire = (Option<u16>, u32, Credits);

impl From<TallyWire> for Tally {
    fn from((name, calls, credits): TallyWire) -> Self {
        Self { name, calls, credits }
    }
}

impl From<Tally> for TallyWire {
    fn from(from: Tally) -> Self {
        (from.name, from.calls, from.credits)
    }
}

/// One call, as the customer may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The operation's id.
    pub operation: String,
    /// When it was charged.
    pub at: Timestamp,
    /// The plan's route that it matched, like `GET /words`. Text, never markup.
    pub route: String,
    /// The key that made it. Text, never markup.
    pub key: String,
    /// Credits it cost.
    pub cost: Credits,
    /// The origin's HTTP status; 0 while it is not known: a direct debit comes before the answer.
    pub status: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIRE: &str = concat!(
        r#"{"type":"snapshot","seq":12,"at":1795392000123,"account":"demo","#,
        r#""plan":{"id":"starter","version":1},"unit":"credits","#,
        r#""balance":{"available":"4990","held":"5","burned":"5","granted":"5000","#,
        r#""expired":"0","balance":"4995"},"#,
        r#""zero":{"rule":"block","used":"0","left":"0","topup_url":"https://a.example/"},"#,
        r#""grants":[{"id":"g1","kind":"paid","given":"9","left":"8","starts_at":1,"#,
        r#""ends_at":2,"again_at":3}],"more_grants":{"count":2,"left":"7","starts_at":4,"#,
        r#""ends_at":5},"lately":{"since":1795391400000,"credits":"5"},"#,
        r#""routes":["GET /words"],"keys":["k1"],"#,
        r#""calls":[[1795392000,5,"1.5",[[0,5,"1.5"]],[[0,4,"1.2"],[null,1,"0.3"]]]],"#,
        r#""recent":[{"operation":"op1","at":1795392000100,"route":"GET /words","key":"k1","#,
        r#""cost":"0.3","status":200}]}"#
    );

    #[test]
    fn the_wire_format_goes_in_and_out_unchanged() {
        let message: Message = serde_json::from_str(WIRE).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), WIRE);
    }

    #[test]
    fn what_the_wire_must_not_say_is_refused() {
        for (from, to) in [
            (r#""seq":12"#, r#""seq":-1"#),
            (r#""seq":12"#, r#""seq":12,"extra":1"#),
            (r#""snapshot""#, r#""other""#),
            (r#""account":"demo""#, r#""account":"<b>demo</b>""#),
            (r#""available":"4990""#, r#""available":4990"#),
            (r#""held":"5""#, r#""held":"5e0""#),
            (r#""held":"5","#, ""),
            (r#"5,"1.5",[[0"#, r#"5,[[0"#),
            (r#"[null,1,"0.3"]]]"#, r#"[null,1,"0.3"]],0]"#),
            ("[null,1", "[-1,1"),
            (r#""rule":"block""#, r#""rule":"bounce""#),
            (r#""kind":"paid""#, r#""kind":"stolen""#),
            (r#""cost":"0.3""#, r#""cost":"NaN""#),
            (r#""status":200"#, r#""status":70000"#),
        ] {
            let text = WIRE.replace(from, to);
            assert_ne!(text, WIRE, "the row changes something: {from}");
            assert!(serde_json::from_str::<Message>(&text).is_err(), "refused: {to}");
        }
    }

    #[test]
    fn a_balance_adds_up_to_the_last_digit_or_it_does_not() {
        let balance = |[available, held, burned, granted, expired, left]: [&str; 6]| Balance {
            available: available.parse().unwrap(),
            held: held.parse().unwrap(),
            burned: burned.parse().unwrap(),
            granted: granted.parse().unwrap(),
            expired: expired.parse().unwrap(),
            balance: left.parse().unwrap(),
        };
        for (row, expected) in [
            (["0", "0", "0", "0", "0", "0"], true),
            (["4990", "5", "5", "5000", "0", "4995"], true),
            (["0.1", "0.2", "0.7", "2", "1", "0.3"], true),
            (["-3", "1", "12", "10", "0", "-2"], true), // a plan with grace goes below zero
            (["4990", "5", "5", "5000", "0", "4995.000000000001"], false),
            (["4990", "5", "5", "5000.000000000001", "0", "4995"], false),
            (["9999999999999999", "1", "0", "0", "0", "0"], false), // the sum leaves the range
        ] {
            assert_eq!(balance(row).adds_up(), expected, "row: {row:?}");
        }
    }
}
