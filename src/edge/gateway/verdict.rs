//! Verdicts as one string each: a string is one crossing, an object is many.

use std::fmt::Write;

use rust_decimal::prelude::ToPrimitive;

use super::super::problem::Problem;
use super::tickets::Manner;
use crate::control::{Held, Paid, Request};
use crate::units::{Credits, exact};

/// Bytes of a body that must be read before its request is priced, at most: pictures are in them,
/// and an isolate has 128 MB for all that are under way.
pub(super) const BODY_BYTES_MAX: usize = 8 << 20;

/// Room for a paid verdict, so that it is allocated once: most are shorter.
const PAID_BYTES: usize = 192;

/// Credits as a whole number, rounded down and not below zero: a hint for people and clients.
pub(super) fn whole(credits: Credits) -> i64 {
    exact::floor(credits.get(), 0).to_i64().unwrap_or(0).max(0)
}

/// What entry.js shall do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Paid(String),
    Ask(String),
    Again(String),
    Refuse(String),
    Pass,
    Own,
    Routes,
    Start,
    Wait,
    Over,
    Read,
    Nothing,
}

impl Verdict {
    /// `paid flags account op cost policy left shortcut`. Flags: `r` renew, `f` flush, `m` the cost
    /// is the most that it can be, `z` nothing is left and it is served degraded, `d` the answer
    /// waits until the burn is on disk, `c` it costs the same if the origin says that it failed,
    /// `o` charged before. What is left is a lower bound, in whole
    /// credits: other isolates may hold some more (IETF draft RateLimit fields: `r` is a
    /// hint).
    pub(super) fn paid(
        account: &str,
        paid: &Paid,
        granted: Credits,
        manner: Manner,
        shortcut: Option<u32>,
    ) -> Self {
        let renew = if paid.renew { "r" } else { "" };
        let flush = if paid.flush { "f" } else { "" };
        let most = if paid.is_exact { "" } else { "m" };
        let restricted = if paid.restricted { "z" } else { "" };
        let durable = if manner.durable { "d" } else { "" };
        let charged = if manner.charges_failed { "c" } else { "" };
        let repeated = if paid.repeated { "o" } else { "" };
        let (op, cost) = (&paid.op, paid.cost);
        let (granted, left) = (whole(granted), whole(paid.left));
        let mut text = String::with_capacity(PAID_BYTES);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "paid\n{renew}{flush}{most}{restricted}{durable}{charged}{repeated}\n{account}\n{op}\n\
             {cost}\n\
             \"credits\";q={granted};qu=\"credits\"\n{left}\n"
        );
        if let Some(shortcut) = shortcut {
            let _ = write!(text, "{shortcut}");
        }
        Self::Paid(text)
    }

    /// `held flags account op cost policy left exchange`. Flags: `z` as above, `g` the origin is
    /// read on if the client goes. The cost is the most that it can be.
    pub(super) fn held(
        account: &str,
        held: &Held,
        granted: Credits,
        drains: bool,
        exchange: u32,
    ) -> Self {
        let restricted = if held.restricted { "z" } else { "" };
        let drains = if drains { "g" } else { "" };
        let Held { op, amount, left, .. } = held;
        let (granted, left) = (whole(granted), whole(*left));
        Self::Paid(format!(
            "held\n{restricted}{drains}\n{account}\n{op}\n{amount}\n\
             \"credits\";q={granted};qu=\"credits\"\n{left}\n{exchange}"
        ))
    }

    pub(super) fn ask(account: &str, ticket: u32, request: &Request) -> Self {
        match serde_json::to_string(request) {
            Ok(json) => Self::Ask(format!("ask\n{account}\n{ticket}\n{{\"control\":{json}}}")),
            Err(_) => Self::refuse(&super::tickets::unreachable_account()),
        }
    }

    /// `again pause patience`, in milliseconds.
    pub(super) fn again(pause_ms: i64, patience_ms: i64, request: &Request) -> Self {
        match serde_json::to_string(request) {
            Ok(json) => {
                Self::Again(format!("again\n{pause_ms}\n{patience_ms}\n{{\"control\":{json}}}"))
            }
            Err(_) => Self::refuse(&super::tickets::unreachable_account()),
        }
    }

    pub(super) fn refuse(problem: &Problem) -> Self {
        Self::Refuse(format!("refuse\n{}\n{}", problem.status, problem.to_json()))
    }

    pub(super) fn into_string(self) -> String {
        match self {
            Self::Paid(text) | Self::Ask(text) | Self::Again(text) | Self::Refuse(text) => text,
            Self::Pass => "pass".to_owned(),
            Self::Own => "own".to_owned(),
            Self::Routes => "routes".to_owned(),
            Self::Start => "start".to_owned(),
            Self::Wait => "wait".to_owned(),
            Self::Over => "over".to_owned(),
            Self::Read => format!("read\n{BODY_BYTES_MAX}"),
            Self::Nothing => String::new(),
        }
    }
}
