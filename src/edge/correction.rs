//! What an operator changes on an account, beside new grants and new keys: one message each, the
//! balance as the answer.

use serde::{Deserialize, Serialize};

use super::account::{Account, storage};
use super::problem::Problem;
use crate::ledger::{Adjustment, Balance, Session, SpendLimits, TopUpRule};
use crate::plan::Plan;
use crate::units::{Credits, GrantId, KeyId};

/// A change by hand. Each is done once, or changes nothing when it comes again.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Correction {
    ReturnUnreported { id: GrantId, amount: Credits },
    Void(GrantId),
    Adjust(Adjustment),
    ClosePeriod { id: GrantId, forgive_debt: bool },
    ChangePlan { plan_json: String },
    LimitKey { key: KeyId, limits: SpendLimits },
    SetTopUp(Option<TopUpRule>),
    FailTopUp(GrantId),
}

impl Account {
    pub(super) fn correct(&self, correction: Correction) -> Result<Balance, Problem> {
        self.visit(|session, plan| {
            decide(session, plan, correction)?;
            session.ledger().balance().map_err(|error| storage(error.to_string()))
        })
    }
}

fn decide(session: &mut Session<'_>, plan: &Plan, correction: Correction) -> Result<(), Problem> {
    match correction {
        Correction::ReturnUnreported { id, amount } => session.return_unreported(id, amount)?,
        Correction::Void(id) => session.void(&id)?,
        Correction::Adjust(adjustment) => session.adjust(adjustment)?,
        Correction::ClosePeriod { id, forgive_debt } => {
            session.close_period(plan, id, forgive_debt)?;
        }
        Correction::ChangePlan { plan_json } => {
            session.change_plan(&Plan::parse(&plan_json)?, plan_json)?;
        }
        Correction::LimitKey { key, limits } => session.limit_key(key, limits)?,
        Correction::SetTopUp(rule) => session.set_top_up(rule)?,
        Correction::FailTopUp(id) => session.fail_top_up(id)?,
    }
    Ok(())
}
