//! The functions that entry.js calls. Each borrows the isolate's memory, decides, and lets go.

#![expect(unreachable_pub, reason = "JavaScript reaches them")]

use std::cell::RefCell;

use wasm_bindgen::prelude::*;

use super::super::config::Config;
use super::super::problem::Problem;
use super::super::timestamp;
use super::Gateway;
use super::begin::Message;
use super::verdict::Verdict;
use crate::control::Again;

thread_local! {
    static GATEWAY: RefCell<Option<Gateway>> = const { RefCell::new(None) };
}

/// Starts the isolate. `isolate` must be unique for ever. Returns what is wrong, or nothing.
#[wasm_bindgen]
pub fn start(settings: &str, isolate: &str) -> String {
    let config = match Config::parse(settings) {
        Ok(config) => config,
        Err(error) => return Problem::new(503, "misconfigured", error).to_json(),
    };
    GATEWAY.with_borrow_mut(|gateway| *gateway = Some(Gateway::new(config, isolate.to_owned())));
    String::new()
}

/// Takes the published routes. Returns what is wrong, or nothing.
#[wasm_bindgen]
pub fn set_routes(json: &str) -> String {
    with(|gateway| gateway.set_routes(json).err()).flatten().unwrap_or_default()
}

/// Decides a request; see the head of `mod.rs` for the verdicts.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn admit(method: &str, url: &str, credential: &str, once: bool, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.admit(method, url, credential, once, now))
}

/// Decides a request that was read to its end; `headers` is a JSON list of pairs.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn begin(
    method: &str,
    url: &str,
    credential: &str,
    key: &str,
    headers: &str,
    body: &[u8],
    now: f64,
) -> String {
    let now = timestamp(now);
    let message = Message { method, url, credential, key, headers, body };
    decide(|gateway| gateway.begin(&message, now))
}

/// The body that the origin gets in the place of the client's, if it is another.
#[wasm_bindgen]
pub fn outgoing(exchange: u32, body: &[u8]) -> Option<Vec<u8>> {
    with(|gateway| gateway.outgoing(exchange, body)).flatten()
}

/// How the answer of an exchange is to be watched; `headers` is a JSON list of pairs.
#[wasm_bindgen]
pub fn incoming(exchange: u32, status: u16, headers: &str) -> String {
    with(|gateway| gateway.incoming(exchange, status, headers)).unwrap_or_default()
}

/// Looks at a part of an answer: what the client gets in its place, if it is something else.
#[wasm_bindgen]
pub fn chunk(exchange: u32, bytes: &[u8]) -> Option<Vec<u8>> {
    with(|gateway| gateway.chunk(exchange, bytes)).flatten()
}

/// What the client gets at the end of a whole answer, if something was held back.
#[wasm_bindgen]
pub fn finish(exchange: u32) -> Option<Vec<u8>> {
    with(|gateway| gateway.finish(exchange)).flatten()
}

/// Whether the answer may go on: a message for the account, `wait`, `over`, or nothing.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn slice(exchange: u32, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.slice(exchange, now))
}

/// What a stream ends with when its credits do.
#[wasm_bindgen]
pub fn last_words(exchange: u32) -> Vec<u8> {
    with(|gateway| gateway.last_words(exchange)).unwrap_or_default()
}

/// An exchange is over, in one of the ways of src/edge/stream.js, `unreached` or `failed`: a
/// message for the account, or nothing.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn ended(exchange: u32, how: &str, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.ended(exchange, how, now))
}

/// Pays the operation of a shortcut again: its number in the lease × 4, + 1 to renew, + 2 to flush;
/// −1 if it must be admitted anew.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's numbers are doubles")]
pub fn again(shortcut: u32, now: f64) -> f64 {
    let now = timestamp(now);
    let paid = with(|gateway| gateway.again(shortcut, now)).flatten();
    paid.map_or(-1.0, |Again { number, renew, flush, .. }| {
        let flags = u64::from(renew).saturating_add(u64::from(flush).saturating_mul(2));
        double(number.saturating_mul(4).saturating_add(flags))
    })
}

/// What the last operation that was paid again left, in whole credits.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's numbers are doubles")]
pub fn again_left() -> f64 {
    let left = with(|gateway| gateway.left()).unwrap_or(0);
    double(u64::try_from(left).unwrap_or(0))
}

/// An answer of the origin that is not a failure, to an operation that was paid again. Returns
/// whether that was all there is to do; if not, see [`settle`].
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's numbers are doubles")]
pub fn settle_again(shortcut: u32, number: f64, status: u16) -> bool {
    let number = u64::try_from(timestamp(number).millis()).unwrap_or(u64::MAX);
    with(|gateway| gateway.settle_again(shortcut, number, status)).unwrap_or(false)
}

/// Takes an account's reply to the message `ticket`; an empty one means that none came.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn answered(ticket: u32, reply: &str, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.answered(ticket, reply, now))
}

/// The answer is there: `status` is HTTP's, or 0 if the origin was not reached. Returns whether a
/// flusher must be started.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn settle(account: &str, op: &str, status: u16, failed: bool, now: f64) -> bool {
    let now = timestamp(now);
    with(|gateway| gateway.settle(account, op, status, failed, now)).unwrap_or(false)
}

/// Whether a flusher must be started, after an answer or for want of one.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn needs_flusher(account: &str, now: f64) -> bool {
    let now = timestamp(now);
    with(|gateway| gateway.needs_flusher(account, now)).unwrap_or(false)
}

/// A message that asks for more credits, or nothing.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn renew(account: &str, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.renew(account, now))
}

/// A message that reports, `wait`, or nothing if all is done. `last`: the flusher will not come
/// again by itself.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn flush(account: &str, last: bool, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.flush(account, last, now))
}

/// A message that reports, `wait` to look again, or nothing: the account has burned `op`.
#[wasm_bindgen]
#[expect(clippy::disallowed_types, reason = "JavaScript's clock is a double")]
pub fn persist(account: &str, op: &str, now: f64) -> String {
    let now = timestamp(now);
    decide(|gateway| gateway.persist(account, op, now))
}

/// Counters and credits of one account stay far below 2^53.
#[expect(clippy::disallowed_types, clippy::cast_precision_loss, reason = "for JavaScript")]
fn double(number: u64) -> f64 {
    number as f64
}

fn with<T>(act: impl FnOnce(&mut Gateway) -> T) -> Option<T> {
    GATEWAY.with(|gateway| gateway.try_borrow_mut().ok()?.as_mut().map(act))
}

fn decide(act: impl FnOnce(&mut Gateway) -> Verdict) -> String {
    with(act).unwrap_or(Verdict::Start).into_string()
}
