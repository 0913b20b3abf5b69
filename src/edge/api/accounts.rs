//! Control calls on one account.

use std::cell::RefCell;
use std::collections::BTreeSet;

use serde::Deserialize;
use worker::{Env, Request, RequestInit, Response};

use super::super::account::Call;
use super::super::catalog;
use super::super::config::Config;
use super::super::correction::Correction;
use super::super::description::Description;
use super::super::live::PROTOCOL;
use super::super::portal::OFFERS_BYTES;
use super::super::problem::Problem;
use super::super::sockets::{CODE_EXPIRED, END_HEADER};
use super::contract::Opening;
use super::reader::Reader;
use super::{
    Handled, account_id, body, broken, contract, corrections, journal, json, published, rpc, usage,
};
use crate::ledger::{Balance, Grant, GrantTerms};
use crate::units::{AccountId, KeyId, Timestamp};

/// A portal token lives this long unless the caller says otherwise, in seconds.
const PORTAL_SECONDS: u32 = 3_600;
/// And at most this long.
const PORTAL_SECONDS_MAX: u32 = 86_400;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    id: Option<KeyId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPortalToken {
    ttl_seconds: Option<u32>,
}

/// `POST /v1/accounts`: 201, or 200 if the account is open with this very contract.
pub(super) async fn open(env: &Env, request: &mut Request) -> Handled {
    let Opening { id, contract } = body::json(request).await?;
    let catalog = || rpc::catalog(env);
    let (plan, terms) = contract.parts();
    let plan_json = corrections::plan(env, plan, "/contract/plan").await?;
    let call = Call::Open { account: id.clone(), plan_json, terms };
    let new: bool = rpc::send(rpc::account(env, id.as_str())?, &call).await?;
    // After the account, so that a name in the list always has an account behind it.
    let () = rpc::send(catalog()?, &catalog::Call::AddAccount { account: id.clone() }).await?;
    let description: Description =
        rpc::send(rpc::account(env, id.as_str())?, &Call::Describe).await?;
    json(if new { 201 } else { 200 }, &description)
}

/// `GET /v1/accounts?after=`: names in order.
pub(super) async fn list(env: &Env, request: &Request) -> Handled {
    let after = query(request, "after").unwrap_or_default();
    let call = catalog::Call::Accounts { after };
    let names: Vec<String> = rpc::send(rpc::catalog(env)?, &call).await?;
    json(200, &names)
}

/// Names that an isolate remembers, at most: then it begins anew.
const KNOWN_MAX: usize = 10_000;

thread_local! {
    /// Accounts that the catalog has: what it has once, it has for ever.
    static KNOWN: RefCell<BTreeSet<AccountId>> = const { RefCell::new(BTreeSet::new()) };
}

/// An account that is known: a wrong name must not make an empty object. The one catalog of the
/// deployment is asked once an isolate, however often an account is read.
pub(super) async fn known(env: &Env, account: &AccountId) -> Result<worker::Stub, Problem> {
    if !KNOWN.with_borrow(|known| known.contains(account)) {
        let call = catalog::Call::HasAccount { account: account.clone() };
        let is_known: bool = rpc::send(rpc::catalog(env)?, &call).await?;
        if !is_known {
            return Err(Problem::not_found("account", account.as_str()).field("account"));
        }
        KNOWN.with_borrow_mut(|known| {
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(account.clone());
        });
    }
    rpc::account(env, account.as_str())
}

/// What operators and the account's own page may read.
pub(super) async fn read(reader: &Reader, rest: &[&str], request: &Request) -> Handled {
    match rest {
        [] => reader.describe().await,
        ["balance"] => {
            let whole: Description = reader.ask(Call::Describe).await?;
            json(200, &whole.balance)
        }
        ["statement"] => contract::statement(reader).await,
        ["invoices"] => contract::invoices(reader, request).await,
        ["invoices", "preview"] => contract::preview(reader, request).await,
        ["invoices", index] => contract::invoice(reader, index).await,
        ["journal"] => journal::page(reader, request).await,
        ["offers"] => {
            let () = reader.ask(Call::Enter { bytes: OFFERS_BYTES }).await?;
            published::offers(&reader.env).await
        }
        ["usage"] => usage::page(reader, request).await,
        ["export"] => journal::export(reader).await,
        _ => Err(Problem::not_found("path", &request.path())),
    }
}

/// What only operators may do.
pub(super) async fn write(
    config: &Config,
    env: &Env,
    account: AccountId,
    rest: &[&str],
    request: &mut Request,
) -> Handled {
    match rest {
        ["keys"] => create_key(config, env, account, request).await,
        ["invoices", index, "retry"] => contract::retry(env, &account, index).await,
        ["keys", key, "disable"] => {
            let unknown = || Problem::not_found("key", key).field("key");
            let key: KeyId = key.parse().map_err(|_| unknown())?;
            let call = Call::DisableKey(key.clone());
            let () = rpc::send(known(env, &account).await?, &call).await?;
            json(200, &serde_json::json!({ "id": key, "active": false }))
        }
        ["grants"] => {
            let terms: GrantTerms = body::json(request).await?;
            let call = Call::Grant(terms);
            let (new, grant): (bool, Grant) = rpc::send(known(env, &account).await?, &call).await?;
            json(if new { 201 } else { 200 }, &grant)
        }
        ["portal-tokens"] => {
            let NewPortalToken { ttl_seconds } = body::json(request).await?;
            let ttl = ttl_seconds.unwrap_or(PORTAL_SECONDS);
            if ttl == 0 || ttl > PORTAL_SECONDS_MAX {
                let detail = format!("ttl_seconds must be 1 to {PORTAL_SECONDS_MAX}");
                return Err(Problem::new(422, "ttl_range", detail)
                    .field("/ttl_seconds")
                    .value(&ttl.to_string()));
            }
            known(env, &account).await?;
            let end = super::super::now().millis().div_euclid(1_000).saturating_add(ttl.into());
            let token = config.secrets.sign_portal(&account, end);
            json(
                201,
                &serde_json::json!({ "token": token, "expires_at": end.saturating_mul(1_000) }),
            )
        }
        _ => match corrections::read(env, rest, request).await? {
            Some(correction) => correct(env, &account, correction).await,
            None => Err(Problem::not_found("path", &request.path())),
        },
    }
}

async fn correct(env: &Env, account: &AccountId, correction: Correction) -> Handled {
    let call = Call::Correct(Box::new(correction));
    let balance: Balance = rpc::send(known(env, account).await?, &call).await?;
    json(200, &balance)
}

async fn create_key(
    config: &Config,
    env: &Env,
    account: AccountId,
    request: &mut Request,
) -> Handled {
    let NewKey { id } = body::json(request).await?;
    let id = match id {
        Some(id) => id,
        None => random_key_id()?,
    };
    let () = rpc::send(known(env, &account).await?, &Call::CreateKey(id.clone())).await?;
    // Shown here and stored nowhere: the MAC is all there is to check.
    let key = config.secrets.sign_key(&account, &id);
    json(201, &serde_json::json!({ "id": id, "key": key, "active": true }))
}

/// A name, not a secret: the MAC is. Ten characters of the 52 random bits.
fn random_key_id() -> Result<KeyId, Problem> {
    const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let bits = js_sys::Math::random().to_bits();
    let letter =
        |i: u32| LETTERS.get(usize::try_from((bits >> i.saturating_mul(5)) & 31).unwrap_or(0));
    let id: String = (0..10).filter_map(letter).map(|byte| char::from(*byte)).collect();
    id.parse().map_err(broken)
}

/// `GET /v1/accounts/{a}/live`: a browser cannot set headers on a socket, so the portal token comes
/// as a subprotocol, where no log keeps it as it would an address.
pub(super) async fn live(config: &Config, env: &Env, account: &str, request: Request) -> Handled {
    let header = |name: &str| request.headers().get(name).ok().flatten().unwrap_or_default();
    if !header("upgrade").eq_ignore_ascii_case("websocket") {
        let detail = "open this address as a WebSocket";
        return Err(Problem::new(426, "upgrade_required", detail));
    }
    let account = account_id(account)?;
    let offered = header("sec-websocket-protocol");
    let mut offered = offered.split(',').map(str::trim);
    let token = offered.clone().find_map(|protocol| protocol.strip_prefix("token."));
    let portal = token.and_then(|token| config.secrets.portal(token, super::super::now()));
    let Some(portal) = portal.filter(|portal| portal.account == account) else {
        return refuse_socket();
    };
    if !offered.any(|protocol| protocol == PROTOCOL) {
        return refuse_socket();
    }
    let stub = known(env, &account).await?;
    let request = socket_until(portal.end).map_err(broken)?;
    stub.fetch_with_request(request).await.map_err(|error| {
        worker::console_error!("live socket: {error:?}");
        Problem::unavailable("the account cannot be reached at the moment: try again shortly")
    })
}

/// What the account is asked: nothing of the client's own request.
fn socket_until(end: Timestamp) -> worker::Result<Request> {
    let headers = worker::Headers::new();
    headers.set("upgrade", "websocket")?;
    headers.set(END_HEADER, &end.millis().to_string())?;
    let init = RequestInit { headers, ..RequestInit::default() };
    Request::new_with_init("https://account/live", &init)
}

/// A refused handshake tells a browser nothing; a close code does.
fn refuse_socket() -> Handled {
    let worker::WebSocketPair { client, server } = worker::WebSocketPair::new().map_err(broken)?;
    server.accept().map_err(broken)?;
    server.close(Some(CODE_EXPIRED), Some("portal token invalid or expired")).map_err(broken)?;
    let mut response = Response::from_websocket(client).map_err(broken)?;
    response.headers_mut().set("sec-websocket-protocol", PROTOCOL).map_err(broken)?;
    Ok(response)
}

pub(super) fn query(request: &Request, name: &str) -> Option<String> {
    let url = request.url().ok()?;
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

pub(super) fn number(request: &Request, name: &str, default: u64) -> Result<u64, Problem> {
    let Some(text) = query(request, name) else { return Ok(default) };
    let small = |n: &u64| *n < (1 << 53);
    text.parse().ok().filter(small).ok_or_else(|| {
        let detail = format!("{name} must be a whole number");
        Problem::new(422, "not_a_number", detail).field(name).value(&text)
    })
}
