//! An account as the control API shows it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::account::{Account, Hot, storage};
use super::problem::Problem;
use crate::ledger::{
    self, Balance, BillingTerms, Grant, PlanRef, Position, SpendLimits, TopUp, TopUps,
};
use crate::units::{AccountId, Credits, GrantId, KeyId};

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

/// What its customer sees of it: what is its own, and not how the operator runs the account.
#[derive(Debug, Serialize)]
pub(super) struct CustomerDescription {
    account: AccountId,
    plan: PlanRef,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract: Option<BillingTerms>,
    unit: String,
    balance: Balance,
    grants: Vec<Grant>,
    keys: Vec<KeyState>,
    top_ups: CustomerTopUps,
    journal_rows: u64,
    journal_hash: String,
}

/// Credits that are on their way, without the rule that asked for them.
#[derive(Debug, Serialize)]
struct CustomerTopUps {
    pending: BTreeMap<GrantId, TopUp>,
}

impl From<Description> for CustomerDescription {
    fn from(whole: Description) -> Self {
        let Description { account, plan, contract, unit, balance, grants, keys, .. } = whole;
        let top_ups = CustomerTopUps { pending: whole.top_ups.pending };
        let (journal_rows, journal_hash) = (whole.journal_rows, whole.journal_hash);
        Self {
            account,
            plan,
            contract,
            unit,
            balance,
            grants,
            keys,
            top_ups,
            journal_rows,
            journal_hash,
        }
    }
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
