//! An account as the control API shows it.

use serde::{Deserialize, Serialize};

use super::account::{Account, Hot, storage};
use super::problem::Problem;
use crate::ledger::{self, Balance, BillingTerms, Grant, PlanRef, Position, SpendLimits, TopUps};
use crate::units::{AccountId, Credits, KeyId};

/// An account as the control API shows it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) account: AccountId,
    pub(super) plan: PlanRef,
    /// What its contract says about time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) contract: Option<BillingTerms>,
    pub(super) unit: String,
    pub(super) balance: Balance,
    pub(super) grants: Vec<Grant>,
    pub(super) keys: Vec<KeyState>,
    pub(super) top_ups: TopUps,
    pub(super) journal_rows: u64,
    pub(super) journal_hash: String,
    /// `ok`, or the name of the first invariant that does not hold.
    pub(super) audit: String,
}

/// A key and whether it may be used.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyState {
    pub(super) id: KeyId,
    pub(super) active: bool,
    pub(super) limits: SpendLimits,
    /// Of a key that has limits, in UTC.
    pub(super) spent_today: Credits,
    pub(super) spent_this_month: Credits,
}

impl Account {
    pub(super) fn describe(&self) -> Result<Description, Problem> {
        self.visit(|session, _| {
            let ledger = session.ledger();
            let state = |(id, key): (&KeyId, &ledger::Key)| {
                let (spent_today, spent_this_month) = key.spent(session.now());
                KeyState {
                    id: id.clone(),
                    active: key.active,
                    limits: key.limits,
                    spent_today,
                    spent_this_month,
                }
            };
            Ok(Description {
                account: ledger.account().clone(),
                plan: ledger.plan().clone(),
                contract: ledger.billing().cloned(),
                unit: "credits".to_owned(),
                balance: ledger.balance().map_err(|error| storage(error.to_string()))?,
                grants: ledger.grants().values().cloned().collect(),
                keys: ledger.keys().iter().map(state).collect(),
                top_ups: ledger.top_ups().clone(),
                journal_rows: 0,
                journal_hash: String::new(),
                audit: ledger.audit().err().unwrap_or("ok").to_owned(),
            })
        })
        .map(|description| match self.hot.borrow().as_ref() {
            Some(Hot { head, .. }) => {
                let Position { n, hash, .. } = head.position.clone();
                Description { journal_rows: n, journal_hash: hash, ..description }
            }
            None => description,
        })
    }
}
