//! `POST /v1/accounts/{a}/…`: which correction of an account a call asks for.

use serde::Deserialize;
use worker::{Env, Request};

use super::super::catalog;
use super::super::correction::Correction;
use super::super::problem::Problem;
use super::{body, rpc};
use crate::ledger::{Adjustment, SpendLimits, TopUpRule};
use crate::units::{Credits, GrantId, KeyId, PlanId};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contract {
    pub(super) plan: PlanId,
    pub(super) version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Returned {
    id: GrantId,
    amount: Credits,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Closing {
    id: GrantId,
    #[serde(default)]
    forgive_debt: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTopUpRule {
    /// Must be there: `null` takes the rule away, nothing is a mistake.
    #[serde(deserialize_with = "Option::deserialize")]
    rule: Option<TopUpRule>,
}

/// The correction; nothing if the path names none.
pub(super) async fn read(
    env: &Env,
    rest: &[&str],
    request: &mut Request,
) -> Result<Option<Correction>, Problem> {
    Ok(Some(match rest {
        ["unreported", "return"] => {
            let Returned { id, amount } = body::json(request).await?;
            Correction::ReturnUnreported { id, amount }
        }
        ["grants", grant, "void"] => {
            let unknown = || Problem::not_found("grant", grant).field("grant");
            let grant: GrantId = grant.parse().map_err(|_| unknown())?;
            Correction::Void(grant)
        }
        ["adjustments"] => {
            let adjustment: Adjustment = body::json(request).await?;
            Correction::Adjust(adjustment)
        }
        ["periods", "close"] => {
            let Closing { id, forgive_debt } = body::json(request).await?;
            Correction::ClosePeriod { id, forgive_debt }
        }
        ["contract"] => {
            let contract: Contract = body::json(request).await?;
            let plan_json = plan(env, contract, "/plan").await?;
            Correction::ChangePlan { plan_json }
        }
        ["keys", key, "limits"] => {
            let unknown = || Problem::not_found("key", key).field("key");
            let key: KeyId = key.parse().map_err(|_| unknown())?;
            let limits: SpendLimits = body::json(request).await?;
            Correction::LimitKey { key, limits }
        }
        ["top-up-rule"] => {
            let NewTopUpRule { rule } = body::json(request).await?;
            Correction::SetTopUp(rule)
        }
        ["top-ups", id, "fail"] => {
            let unknown = || Problem::not_found("top-up", id).field("id");
            let id: GrantId = id.parse().map_err(|_| unknown())?;
            Correction::FailTopUp(id)
        }
        _ => return Ok(None),
    }))
}

/// A published plan's JSON; a refusal names `field`.
pub(super) async fn plan(env: &Env, contract: Contract, field: &str) -> Result<String, Problem> {
    let Contract { plan, version } = contract;
    let call = catalog::Call::Plan { id: plan, version };
    let found = rpc::send(rpc::catalog(env)?, &call).await;
    found.map_err(|problem: Problem| problem.field(field))
}
