//! What an isolate knows, and the calls that entry.js makes into it: synchronous, strings and
//! numbers only, one per decision.
//!
//! ```text
//! admit(method, url, credential, once, now) ─▶ verdict     once: the client has a key for it
//! begin(method, url, credential, key, headers, body, now)  ─▶ verdict     after "read"
//! again(shortcut, now)                ─▶ number × 4 + flags, or −1: ask `admit`   no strings
//! again_left()                        ─▶ what that left, in whole credits
//! settle_again(shortcut, number, status) ─▶ whether that was all; if not, `settle`
//! answered(ticket, reply, now)        ─▶ verdict     after "ask"
//! settle(account, op, status, now)    ─▶ whether a flusher must be started
//! renew(account, now)                 ─▶ "ask…" | ""
//! flush(account, last, now)           ─▶ "ask…" | "wait" | "" once there is nothing to tell
//! persist(account, op, now)           ─▶ "ask…" | "wait" | "" once the account has burned it
//! needs_flusher(account, now)         ─▶ whether nobody reports what an answer left behind
//! outgoing, incoming, chunk, slice, last_words, finish, ended(exchange, …): `exchanges.rs`
//!
//! verdict, fields separated by line feeds (JSON holds none), empty if there is nothing to do:
//!   paid    flags  account  op  cost  policy  left  shortcut
//!                                                       forward it; flags: see `verdict.rs`
//!   held    flags  account  op  cost  policy  left  exchange
//!                                                       forward it, and read its answer
//!   read    bytes                                       read the body, at most so long, then begin
//!   ask     account  ticket  request                    send the request to the account
//!   again   pause  patience  request                    wait, and send it once more; times in ms
//!   refuse  status  problem                             answer this
//!   pass                                                forward it unmetered
//!   own                                                 the control API or the page
//!   routes                                              fetch the routes, then ask again
//!   start                                               the memory is gone: start, then ask again
//!   wait                                                come again a moment later
//!   over                                                nothing is left for the rest of a stream
//! ```

mod begin;
mod exchanges;
mod exports;
mod last_words;
mod shortcuts;
mod tickets;
mod verdict;
mod verified;

use std::collections::BTreeMap;

use super::config::Config;
use super::denial;
use super::problem::Problem;
use super::route::{Match, Priced, Route, Routes, RoutesSpec, is_reserved};
use crate::control::{Admission, Client, Flush, Operation};
use crate::units::{AccountId, Inexact, Timestamp};
use exchanges::Exchanges;
use shortcuts::Shortcuts;
use tickets::{Manner, Ticket};
use verdict::Verdict;
use verified::VerifiedKeys;

/// Accounts that one isolate remembers, at most; those at rest are forgotten first.
const CLIENTS_MAX: usize = 10_000;

/// One isolate's memory. It can be lost at any time: what matters is at the accounts.
pub(super) struct Gateway {
    config: Config,
    verified: VerifiedKeys,
    isolate: String,
    routes: Option<Routes>,
    clients: BTreeMap<AccountId, Client>,
    shortcuts: Shortcuts,
    exchanges: Exchanges,
    tickets: BTreeMap<u32, Ticket>,
    tickets_made: u32,
    clients_made: u64,
}

impl Gateway {
    fn new(config: Config, isolate: String) -> Self {
        // A panic takes this memory, but not the requests that hold numbers of it: those of the
        // next one begin elsewhere, so that an old number leads nowhere rather than astray.
        let first = isolate.get(..7).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let first = first.unwrap_or_default();
        Self {
            config,
            verified: VerifiedKeys::default(),
            isolate,
            routes: None,
            clients: BTreeMap::new(),
            shortcuts: Shortcuts::from(first),
            exchanges: Exchanges::from(first),
            tickets: BTreeMap::new(),
            tickets_made: first,
            clients_made: 0,
        }
    }

    fn set_routes(&mut self, json: &str) -> Result<(), String> {
        let spec: RoutesSpec = serde_json::from_str(json).map_err(|e| e.to_string())?;
        self.routes = Some(Routes::check(&spec).map_err(|problem| problem.to_json())?);
        Ok(())
    }

    /// Route, key, price, lease: in this order.
    fn admit(
        &mut self,
        method: &str,
        url: &str,
        credential: &str,
        once: bool,
        now: Timestamp,
    ) -> Verdict {
        let path = path_of(url);
        if is_reserved(path) {
            return Verdict::Own;
        }
        let Some(routes) = &self.routes else { return Verdict::Routes };
        let route = match routes.find(method, path) {
            Match::Metered(route) => route.clone(),
            Match::Unmetered => return Verdict::Pass,
            Match::Refused => return Verdict::refuse(&no_route(method, path)),
        };
        let Some(signed) = self.verified.key(&self.config.secrets, bearer(credential)) else {
            return Verdict::refuse(&key_refused(credential));
        };
        let Route { name, priced, durable, handling, charges_failed, .. } = route;
        let manner = Manner { durable, handling, charges_failed, exchange: None };
        // What it costs, or whether it came before, is in what it says.
        let Priced::Known { charge, quantity } = priced else { return Verdict::Read };
        if once {
            return Verdict::Read;
        }
        let operation = Operation { route: name, charge, key: signed.key, quantity };
        let client = self.client(&signed.account);
        let admitted = match handling.allowance() {
            Some(allowance) => client.admit_or_owe(operation.clone(), allowance, now),
            None => client.admit(operation.clone(), now),
        };
        let is_paid = matches!(admitted, Ok(Admission::Paid(_)));
        let known = (is_paid && !durable).then(|| client.know(operation)).flatten();
        let shortcut = known.map(|known| self.shortcuts.add(&signed.account, known));
        self.verdict(signed.account, admitted, manner, shortcut, now)
    }

    fn client(&mut self, account: &AccountId) -> &mut Client {
        if self.clients.len() >= CLIENTS_MAX && !self.clients.contains_key(account) {
            self.clients.retain(|_, client| !client.is_at_rest());
        }
        let (isolate, made) = (self.isolate.as_str(), &mut self.clients_made);
        self.clients.entry(account.clone()).or_insert_with(|| {
            *made = made.saturating_add(1);
            Client::new(&format!("{isolate}.{made}"), 0)
        })
    }

    fn verdict(
        &mut self,
        account: AccountId,
        admitted: Result<Admission, Inexact>,
        manner: Manner,
        shortcut: Option<u32>,
        now: Timestamp,
    ) -> Verdict {
        let balance = self.clients.get(&account).and_then(Client::balance);
        match admitted {
            Ok(Admission::Paid(paid) | Admission::Owed(paid)) => {
                let granted = balance.map(|balance| balance.granted).unwrap_or_default();
                Verdict::paid(account.as_str(), &paid, granted, manner, shortcut)
            }
            Ok(Admission::Ask(request)) => self.ask(account, *request, manner, now),
            Ok(Admission::Denied { required, available }) => {
                let plan = self.clients.get(&account).and_then(Client::plan);
                let plan = plan.map(|plan| format!("{}@{}", plan.id(), plan.version()));
                let url = self.config.topup_url.as_deref();
                Verdict::refuse(&denial::insufficient(required, available, plan, url))
            }
            Ok(Admission::KeyRefused) => Verdict::refuse(&denial::key_disabled()),
            Ok(Admission::KeyLimited { period, limit, spent }) => {
                Verdict::refuse(&denial::key_limited(period, limit, spent))
            }
            Ok(Admission::Once(refusal)) => Verdict::refuse(&denial::once(refusal)),
            Ok(Admission::Held(held)) => {
                let granted = balance.map(|balance| balance.granted).unwrap_or_default();
                match manner.exchange {
                    Some(exchange) => self.held(exchange, &held, granted),
                    None => Verdict::Nothing,
                }
            }
            Ok(Admission::Unpriced) => Verdict::refuse(&denial::unpriced()),
            Err(Inexact) => Verdict::refuse(&Problem::new(
                503,
                "amount_not_exact",
                "the amount cannot be computed exactly: ask the API's operator",
            )),
        }
    }

    /// `failed`: the origin failed, or was not reached (0), and the customer does not pay for that.
    fn settle(
        &mut self,
        account: &str,
        op: &str,
        status: u16,
        failed: bool,
        now: Timestamp,
    ) -> bool {
        let Ok(account) = account.parse::<AccountId>() else { return false };
        let Some(client) = self.clients.get_mut(&account) else { return false };
        client.settle(op, status, failed, now).unwrap_or(false)
    }

    fn persist(&mut self, account: &str, op: &str, now: Timestamp) -> Verdict {
        let Ok(account) = account.parse::<AccountId>() else { return Verdict::Wait };
        let Some(client) = self.clients.get_mut(&account) else { return Verdict::Wait };
        match client.persist(op, now) {
            Ok(Flush::Send(request)) => self.ask(account, *request, Manner::default(), now),
            Ok(Flush::Wait) | Err(Inexact) => Verdict::Wait,
            Ok(Flush::Done) => Verdict::Nothing,
        }
    }

    fn needs_flusher(&mut self, account: &str, now: Timestamp) -> bool {
        let Ok(account) = account.parse::<AccountId>() else { return false };
        self.clients.get_mut(&account).is_some_and(|client| client.needs_flusher(now))
    }

    fn renew(&mut self, account: &str, now: Timestamp) -> Verdict {
        let Ok(account) = account.parse::<AccountId>() else { return Verdict::Nothing };
        match self.clients.get_mut(&account).map(|client| client.renew(now)) {
            Some(Ok(Some(request))) => self.ask(account, request, Manner::default(), now),
            _ => Verdict::Nothing,
        }
    }

    fn flush(&mut self, account: &str, last: bool, now: Timestamp) -> Verdict {
        let Ok(account) = account.parse::<AccountId>() else { return Verdict::Nothing };
        let Some(client) = self.clients.get_mut(&account) else { return Verdict::Nothing };
        match client.flush(now, last) {
            Ok(Flush::Send(request)) => self.ask(account, *request, Manner::default(), now),
            Ok(Flush::Wait) => Verdict::Wait,
            Ok(Flush::Done) | Err(Inexact) => Verdict::Nothing,
        }
    }
}

fn no_route(method: &str, path: &str) -> Problem {
    Problem::new(404, "no_route", "no route is published for this method and path")
        .value(&format!("{method} {path}"))
}

fn key_refused(credential: &str) -> Problem {
    match bearer(credential) {
        "" => Problem::new(
            401,
            "key_missing",
            "send an API key as Authorization: Bearer em_… or as x-api-key",
        ),
        _ => Problem::new(401, "key_invalid", "this API key was not issued here: check it"),
    }
}

/// The key itself, from `Bearer <key>` or a plain header value.
fn bearer(credential: &str) -> &str {
    let scheme = credential.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
    credential.get(scheme.map_or(0, str::len)..).unwrap_or_default().trim()
}

/// The path of an absolute URL, without query and fragment.
fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let rest = rest.get(..end).unwrap_or_default();
    let start = rest.find('/').unwrap_or(rest.len());
    rest.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_and_credentials_are_read_as_written() {
        for (url, path) in [
            ("http://localhost:8787/a/b?c=/d#e", "/a/b"),
            ("https://host", ""),
            ("https://host/?x", "/"),
            ("https://host?x=/y", ""),
        ] {
            assert_eq!(path_of(url), path, "url: {url}");
        }
        for (credential, key) in
            [("Bearer em_x", "em_x"), ("bearer  em_x ", "em_x"), ("em_x", "em_x"), ("é", "é")]
        {
            assert_eq!(bearer(credential), key);
        }
    }
}
