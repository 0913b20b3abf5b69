//! Asking without the gateway: backends, and other Workers by a service binding, reserve credits
//! for an operation of their own, and say at its end what it used.
//!
//! ```text
//! POST /v1/authorize ─▶ held, or why not     with what is held: raised; the same again: nothing
//! POST /v1/settle    ─▶ what it cost         in parts; the last one ends it
//! POST /v1/release   ─▶ ended, for nothing
//! ```

use serde::{Deserialize, Serialize};

use super::account::{Account, storage};
use super::denial;
use super::problem::Problem;
use crate::ledger::{Balance, Debited, Reserve, Session, Settle};
use crate::units::{Credits, Quantity};

/// One of the three.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Order {
    Authorize(Reserve),
    Settle(Settle),
    Release(String),
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ordered {
    /// `held`, `restricted`, `settled` or `released`.
    result: String,
    /// Credits that are set aside, in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<Credits>,
    /// What `most` was lowered to, in units.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    most: Option<Quantity>,
    /// What it cost so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cost: Option<Credits>,
    balance: Balance,
}

impl Account {
    pub(super) fn order(&self, order: &Order, topup_url: Option<&str>) -> Result<Ordered, Problem> {
        self.visit(|session, plan| {
            let (result, amount, most, cost) = match order {
                Order::Authorize(reserve) => match session.reserve(plan, reserve)? {
                    Debited::Held { amount, most } => ("held", Some(amount), most, None),
                    Debited::Restricted => ("restricted", None, None, None),
                    other => return Err(refusal(other, session, topup_url)),
                },
                Order::Settle(settle) => {
                    let cost = session.settle(plan, settle)?;
                    ("settled", None, None, Some(cost))
                }
                Order::Release(op) => {
                    session.release(op).map_err(|error| storage(error.to_string()))?;
                    ("released", None, None, None)
                }
            };
            let balance = session.ledger().balance().map_err(|e| storage(e.to_string()))?;
            Ok(Ordered { result: result.to_owned(), amount, most, cost, balance })
        })
    }
}

fn refusal(debited: Debited, session: &Session<'_>, topup_url: Option<&str>) -> Problem {
    match debited {
        Debited::Short { required, available } => {
            let plan = session.ledger().plan();
            let plan = format!("{}@{}", plan.id, plan.version);
            denial::insufficient(required, available, Some(plan), topup_url)
        }
        Debited::KeyRefused => denial::key_disabled(),
        Debited::KeyLimited { period, limit, spent } => denial::key_limited(period, limit, spent),
        Debited::Unpriced => denial::unpriced(),
        Debited::Ended | Debited::Paid { .. } | Debited::Held { .. } | Debited::Restricted => {
            let detail = "this operation has ended: authorize another one, under a new id";
            Problem::new(409, "operation_ended", detail).field("/op")
        }
    }
}
