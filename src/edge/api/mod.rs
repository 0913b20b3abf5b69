//! The control API under `/v1`: who may call, what is called, and the answers.
//!
//! | call                                     | what                                     | who      |
//! |------------------------------------------|------------------------------------------|----------|
//! | `GET  /v1/health`                        | whether the settings are complete        | anybody  |
//! | `POST /v1/plans`, `GET /v1/plans`        | publish a plan version; list             | operator |
//! | `GET  /v1/plans/{id}/{version}`          | a plan as published                      | operator |
//! | `PUT  /v1/routes`, `GET /v1/routes`      | replace the routes; read them            | operator |
//! | `PUT  /v1/portal`, `GET /v1/portal`      | who may embed the page, what is offered  | operator |
//! | `POST /v1/events`, `/api/v1/events`      | count events from elsewhere              | operator |
//! | `POST /v1/events/corrections`            | void and amend such events               | operator |
//! | `POST /v1/accounts`, `GET /v1/accounts`  | open an account with a contract; list    | operator |
//! | `GET  /v1/accounts/{a}`                  | plan, grants, keys, balance, audit       | both     |
//! | `GET  /v1/accounts/{a}/balance`          | the balance alone                        | both     |
//! | `GET  /v1/accounts/{a}/statement`        | what the open period's invoice asks      | both     |
//! | `GET  /v1/accounts/{a}/invoices`         | finalized ones; `/{index}`; `/preview`   | both     |
//! | `POST /v1/accounts/{a}/invoices/{i}/retry` | bills a period closed without invoice | operator |
//! | `GET  /v1/accounts/{a}/offers`           | plans that customers are offered         | both     |
//! | `POST /v1/accounts/{a}/keys`             | create a key                             | operator |
//! | `POST /v1/accounts/{a}/keys/{k}/disable` | disable a key                            | operator |
//! | `POST /v1/accounts/{a}/grants`           | grant credits, idempotent by id          | operator |
//! | `POST /v1/accounts/{a}/keys/{k}/limits`  | what a key may spend a day and a month   | operator |
//! | `POST /v1/accounts/{a}/grants/{g}/void`  | end a grant now                          | operator |
//! | `POST /v1/accounts/{a}/adjustments`      | take credits, or give some back          | operator |
//! | `POST /v1/accounts/{a}/periods/close`    | end the billing period                   | operator |
//! | `POST /v1/accounts/{a}/contract`         | change the plan                          | operator |
//! | `POST /v1/accounts/{a}/top-up-rule`      | when to ask for money                    | operator |
//! | `POST /v1/accounts/{a}/top-ups/{t}/fail` | money that will not come                 | operator |
//! | `POST /v1/accounts/{a}/unreported/return` | return what ended leases did not report | operator |
//! | `POST /v1/authorize`, `/settle`, `/release` | credits for an operation elsewhere    | operator |
//! | `GET  /v1/accounts/{a}/usage`            | use by time, charge, route, key, …       | both     |
//! | `GET  /v1/accounts/{a}/journal`          | rows as JSON lines, `?after=n&limit=n`   | both     |
//! | `GET  /v1/accounts/{a}/export`           | the whole journal, as JSON lines         | both     |
//! | `GET  /v1/accounts/{a}/verify`           | audits stored rows, `?from=n`            | operator |
//! | `POST /v1/accounts/{a}/portal-tokens`    | mint a token that reads this account     | operator |
//! | `GET  /v1/accounts/{a}/live`             | WebSocket, token as subprotocol          | portal   |

mod accounts;
mod body;
mod contract;
mod corrections;
mod events;
mod journal;
mod orders;
mod published;
mod reader;
mod usage;

use worker::{Env, Method, Request, Response};

use super::config::Config;
use super::key::same_secret;
use super::problem::Problem;
use super::rpc;
use crate::units::AccountId;
use reader::Reader;

type Handled = Result<Response, Problem>;

/// Answers a control call. Never a 5xx for what a caller sent.
pub(super) async fn handle(request: Request, env: Env) -> worker::Result<Response> {
    match route(request, env).await {
        Ok(response) => Ok(response),
        Err(problem) => problem.into_response(),
    }
}

async fn route(mut request: Request, env: Env) -> Handled {
    let config = settings(&env).map_err(|e| Problem::new(503, "misconfigured", e))?;
    let (path, method) = (request.path(), request.method());
    // Where OpenMeter's clients send events.
    let path = path.strip_prefix("/api").unwrap_or(&path);
    let parts: Vec<&str> = path.trim_matches('/').split('/').skip(1).collect();
    if let (["health"], Method::Get) = (parts.as_slice(), &method) {
        return json(200, &serde_json::json!({ "status": "ok" }));
    }
    if let ["accounts", account, "live"] = parts.as_slice() {
        return accounts::live(&config, &env, account, request).await;
    }
    let caller = caller(&config, &request)?;
    if let (["accounts", account, "verify"], Method::Get) = (parts.as_slice(), &method) {
        caller.must_be_operator()?;
        return journal::verify(&env, &account_id(account)?, &request).await;
    }
    if let (["accounts", account, rest @ ..], Method::Get) = (parts.as_slice(), &method) {
        let account = caller.may_read(account)?;
        let is_customer = matches!(caller, Caller::Portal(_));
        let reader = Reader { env, account, is_customer };
        return accounts::read(&reader, rest, &request).await;
    }
    caller.must_be_operator()?;
    match (parts.as_slice(), method) {
        (["plans"], Method::Post) => published::publish_plan(&env, &mut request).await,
        (["plans"], Method::Get) => published::plans(&env).await,
        (["plans", id, version], Method::Get) => published::plan(&env, id, version).await,
        (["routes"], Method::Put) => published::publish_routes(&env, &mut request).await,
        (["routes"], Method::Get) => published::routes(&env).await,
        (["portal"], Method::Put) => published::publish_portal(&env, &mut request).await,
        (["portal"], Method::Get) => published::portal(&env).await,
        (["events"], Method::Post) => events::take(&env, events::Kind::Events, &mut request).await,
        (["events", "corrections"], Method::Post) => {
            events::take(&env, events::Kind::Corrections, &mut request).await
        }
        (["authorize"], Method::Post) => orders::authorize(&config, &env, &mut request).await,
        (["settle"], Method::Post) => orders::settle(&config, &env, &mut request).await,
        (["release"], Method::Post) => orders::release(&config, &env, &mut request).await,
        (["accounts"], Method::Post) => accounts::open(&env, &mut request).await,
        (["accounts"], Method::Get) => accounts::list(&env, &request).await,
        (["accounts", account, rest @ ..], Method::Post) => {
            let account = account_id(account)?;
            accounts::write(&config, &env, account, rest, &mut request).await
        }
        (
            [
                "plans" | "routes" | "portal" | "accounts" | "events" | "health" | "authorize"
                | "settle" | "release",
                ..,
            ],
            method,
        ) => {
            let detail = "this path does not take this method: see the list of calls";
            Err(Problem::new(405, "method_not_allowed", detail).value(method.as_ref()))
        }
        _ => Err(Problem::not_found("path", path)),
    }
}

/// The settings, from the environment of this call.
fn settings(env: &Env) -> Result<Config, String> {
    let text = |name: &str| env.var(name).ok().map(|value| value.to_string());
    let settings = serde_json::json!({
        "key_secrets": text("EDGEMETER_KEY_SECRETS"),
        "operator_token": text("EDGEMETER_OPERATOR_TOKEN"),
        "mode": text("EDGEMETER_MODE"),
        "topup_url": text("EDGEMETER_TOPUP_URL"),
    });
    Config::parse(&settings.to_string())
}

/// Who calls.
enum Caller {
    Operator,
    /// A customer's page: reads one account.
    Portal(AccountId),
}

impl Caller {
    fn must_be_operator(&self) -> Result<(), Problem> {
        match self {
            Self::Operator => Ok(()),
            Self::Portal(_) => Err(Problem::new(
                403,
                "operator_only",
                "a portal token can only read its own account: use the operator token",
            )),
        }
    }

    fn may_read(&self, account: &str) -> Result<AccountId, Problem> {
        let asked = account_id(account)?;
        match self {
            Self::Operator => Ok(asked),
            Self::Portal(own) if *own == asked => Ok(asked),
            Self::Portal(_) => Err(Problem::new(
                403,
                "other_account",
                "this portal token is for another account: mint one for this account",
            )),
        }
    }
}

fn caller(config: &Config, request: &Request) -> Result<Caller, Problem> {
    let header = request.headers().get("authorization").ok().flatten().unwrap_or_default();
    let scheme = header.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    let token = header.get(scheme.map_or(0, str::len)..).unwrap_or_default();
    if token.is_empty() {
        let detail = "send the operator token as Authorization: Bearer …";
        return Err(Problem::new(401, "token_missing", detail).field("authorization"));
    }
    if same_secret(token, &config.operator_token) {
        return Ok(Caller::Operator);
    }
    let portal = config.secrets.portal(token, super::now());
    portal.map(|portal| Caller::Portal(portal.account)).ok_or_else(|| {
        let detail = "this token is not the operator's, nor a portal token that is still valid";
        Problem::new(401, "token_invalid", detail).field("authorization")
    })
}

fn account_id(text: &str) -> Result<AccountId, Problem> {
    text.parse().map_err(|error: crate::units::IdError| {
        Problem::new(422, error.code(), format!("account {error}")).field("account").value(text)
    })
}

fn json(status: u16, value: &impl serde::Serialize) -> Handled {
    let response = Response::from_json(value).map_err(broken)?.with_status(status);
    no_store(response)
}

fn no_store(mut response: Response) -> Handled {
    response.headers_mut().set("cache-control", "no-store").map_err(broken)?;
    Ok(response)
}

fn broken(error: impl std::fmt::Debug) -> Problem {
    worker::console_error!("answer not built: {error:?}");
    Problem::new(500, "answer_broken", "the answer could not be written: report this")
}
