//! `POST /v1/authorize`, `/v1/settle` and `/v1/release`: which account is meant, and what of it.

use serde::Deserialize;
use worker::{Env, Request};

use super::super::account::Call;
use super::super::authorize::{Order, Ordered};
use super::super::config::Config;
use super::super::problem::Problem;
use super::{Handled, accounts, body, json, rpc};
use crate::ledger::{AtMost, Most, Reserve, Settle, Use};
use crate::meter::DIMENSION_BYTES_MAX;
use crate::plan::Combination;
use crate::units::{AccountId, Credits, GrantId, KeyId};

/// How long credits are set aside if nothing is said, in milliseconds: 15 minutes.
const EXPIRES_MS: i64 = 900_000;
/// Bytes of what an operation is called, at most.
const ROUTE_BYTES_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorize {
    account: AccountId,
    op: GrantId,
    #[serde(default)]
    route: Option<String>,
    #[serde(default)]
    key: Option<KeyId>,
    #[serde(default)]
    labels: Combination,
    #[serde(default)]
    uses: Vec<AtMost>,
    #[serde(default)]
    most: Option<Most>,
    /// What it holds already, to raise that.
    #[serde(default)]
    held: Credits,
    #[serde(default)]
    expires_ms: Option<i64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settled {
    account: AccountId,
    op: GrantId,
    uses: Vec<Use>,
    #[serde(default = "yes")]
    last: bool,
    #[serde(default)]
    status: u16,
    #[serde(default)]
    estimated: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Released {
    account: AccountId,
    op: GrantId,
}

fn yes() -> bool {
    true
}

pub(super) async fn authorize(config: &Config, env: &Env, request: &mut Request) -> Handled {
    let asked: Authorize = body::json(request).await?;
    if asked.uses.is_empty() && asked.most.is_none() {
        let detail = "say what the operation uses at most: list uses, or give most";
        return Err(Problem::new(422, "uses_missing", detail).field("/uses"));
    }
    let route = asked.route.unwrap_or_default();
    check_text("/route", &route, ROUTE_BYTES_MAX)?;
    check_values("/labels", &asked.labels)?;
    let all = asked.uses.iter().chain(asked.most.iter().map(|most| &most.bounded));
    check_uses(all.map(|one| &one.of))?;
    let reserve = Reserve {
        op: asked.op.to_string(),
        route,
        key: asked.key,
        labels: asked.labels,
        uses: asked.uses,
        most: asked.most,
        held: asked.held,
        expires_ms: asked.expires_ms.unwrap_or(EXPIRES_MS),
    };
    order(config, env, &asked.account, Order::Authorize(reserve)).await
}

pub(super) async fn settle(config: &Config, env: &Env, request: &mut Request) -> Handled {
    let Settled { account, op, uses, last, status, estimated } = body::json(request).await?;
    check_uses(uses.iter().map(|one: &Use| &one.of))?;
    let settle = Settle { op: op.to_string(), uses, last, status, estimated };
    order(config, env, &account, Order::Settle(settle)).await
}

pub(super) async fn release(config: &Config, env: &Env, request: &mut Request) -> Handled {
    let Released { account, op } = body::json(request).await?;
    order(config, env, &account, Order::Release(op.to_string())).await
}

async fn order(config: &Config, env: &Env, account: &AccountId, order: Order) -> Handled {
    let call = Call::Order(Box::new(order), config.topup_url.clone());
    let ordered: Ordered = rpc::send(accounts::known(env, account).await?, &call).await?;
    json(200, &ordered)
}

fn check_uses<'a>(uses: impl Iterator<Item = &'a Combination>) -> Result<(), Problem> {
    uses.enumerate().try_for_each(|(index, of)| check_values(&format!("/uses/{index}/of"), of))
}

fn check_values(field: &str, values: &Combination) -> Result<(), Problem> {
    values.iter().try_for_each(|(name, value)| {
        check_text(field, name, DIMENSION_BYTES_MAX)?;
        check_text(field, value, DIMENSION_BYTES_MAX)
    })
}

fn check_text(field: &str, text: &str, max: usize) -> Result<(), Problem> {
    match text.len() > max {
        true => {
            let detail = format!("{field} has {} bytes: use at most {max}", text.len());
            Err(Problem::new(422, "text_too_long", detail).field(field).value(text))
        }
        false => Ok(()),
    }
}
