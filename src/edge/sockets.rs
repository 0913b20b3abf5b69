//! An account's open pages: hibernating sockets, each closed when its portal token ends.
//!
//! ```text
//! accept(request) ─▶ socket, its end and its last word attached     outlives the object's memory
//! next_end()      ─▶ when the account's one alarm wakes it at the latest
//! send, sweep     ─▶ 4401 to those whose token ended
//! ```
//!
//! Pages give a sign of life now and then, [`PING`]; the platform answers it without waking the
//! account, and knows when it did. Only open sockets count; when they are too many, those that were
//! silent for [`SILENT_MS`] are closed with 4408: a device that went away never says goodbye.
//!
//! Invariant: nothing is sent to a socket at or after its end, however late the alarm comes.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;
use worker::worker_sys::WebSocketRequestResponsePair;
use worker::{Request, Response, Result, State, WebSocket, WebSocketPair, js_sys, web_sys};

use super::live::PROTOCOL;
use super::problem::Problem;
use crate::units::Timestamp;

/// Sockets of one account, at most.
const SOCKETS_MAX: usize = 64;
/// The close code of a token that is not valid, or not any more; the page knows it.
pub(super) const CODE_EXPIRED: u16 = 4401;
/// The close code of a socket that gave no sign of life.
const CODE_SILENT: u16 = 4408;
/// Until when the token is valid, in ms: from the gateway, which checked it, to the account.
pub(super) const END_HEADER: &str = "edgemeter-portal-end";
/// What a page says every half minute, and what it hears.
const PING: [&str; 2] = [r#"{"type":"ping"}"#, r#"{"type":"pong"}"#];
/// A page that nobody looks at may say it once a minute only.
const SILENT_MS: i64 = 150_000;

#[wasm_bindgen]
extern "C" {
    /// An object's state, as far as the bindings leave it out.
    type Platform;

    #[wasm_bindgen(method, catch, js_name = getWebSocketAutoResponseTimestamp)]
    fn answered_at(
        this: &Platform,
        socket: &web_sys::WebSocket,
    ) -> std::result::Result<Option<js_sys::Date>, JsValue>;
}

/// What outlives the object's memory with a socket.
#[derive(Clone, Copy)]
struct Attached {
    /// When its token ends.
    end: Timestamp,
    /// When it was last heard of, but for its pings.
    heard: Timestamp,
}

impl Attached {
    fn of(socket: &WebSocket) -> Option<Self> {
        let text: String = socket.deserialize_attachment().ok().flatten()?;
        let mut parts = text.split(' ').map(|part| part.parse().map(Timestamp::from_millis));
        let (end, heard) = (parts.next()?.ok()?, parts.next()?.ok()?);
        Some(Self { end, heard })
    }

    fn attach(self, socket: &WebSocket) -> Result<()> {
        socket.serialize_attachment(format!("{} {}", self.end.millis(), self.heard.millis()))
    }
}

/// The sockets of one account.
pub(super) struct Sockets {
    state: Rc<State>,
    platform: Platform,
    /// The earliest end of an open one.
    next_end: Cell<Option<Timestamp>>,
}

impl Sockets {
    /// With those that are open already: they outlive the object's memory.
    pub(super) fn of(state: State) -> (Self, Rc<State>) {
        let inner = state._inner();
        let platform = JsValue::from(inner.clone()).unchecked_into();
        let state = Rc::new(State::from(inner));
        let [ping, pong] = PING;
        if let Ok(pair) = WebSocketRequestResponsePair::new(ping, pong) {
            state.set_websocket_auto_response(&pair);
        }
        let sockets = Self { state: Rc::clone(&state), platform, next_end: Cell::new(None) };
        let next_end = sockets.open().filter_map(|socket| Attached::of(&socket));
        let next_end = next_end.map(|attached| attached.end).min();
        sockets.next_end.set(next_end);
        (sockets, state)
    }

    /// Those that are not closing: one that was told so stays until its page, if there still is
    /// one, says farewell.
    fn open(&self) -> impl Iterator<Item = WebSocket> + use<> {
        let is_open = |socket: &WebSocket| {
            let socket: &web_sys::WebSocket = socket.as_ref();
            socket.ready_state() == web_sys::WebSocket::OPEN
        };
        self.state.get_websockets().into_iter().filter(is_open)
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.next_end.get()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.open().next().is_none()
    }

    /// Opens one for the gateway.
    pub(super) fn accept(
        &self,
        request: &Request,
        now: Timestamp,
    ) -> Result<std::result::Result<(Response, WebSocket), Problem>> {
        if self.open().count() >= SOCKETS_MAX {
            self.close_silent(now);
        }
        if self.open().count() >= SOCKETS_MAX {
            let detail = "too many pages of this account are open: close some";
            return Ok(Err(Problem::new(409, "too_many_sockets", detail)));
        }
        let end = request.headers().get(END_HEADER)?.and_then(|text| text.parse().ok());
        let Some(end) = end.map(Timestamp::from_millis) else {
            let detail = "a live socket is opened by the gateway, which knows when it ends";
            return Ok(Err(Problem::new(400, "portal_end_missing", detail)));
        };
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        self.state.accept_web_socket(&server);
        Attached { end, heard: now }.attach(&server)?;
        self.next_end.set(Some(self.next_end.get().map_or(end, |next| next.min(end))));
        let mut response = Response::from_websocket(client)?;
        response.headers_mut().set("sec-websocket-protocol", PROTOCOL)?;
        Ok(Ok((response, server)))
    }

    /// A page said something else than its ping.
    pub(super) fn heard(&self, socket: &WebSocket, now: Timestamp) -> Result<()> {
        Attached::of(socket).map_or(Ok(()), |old| Attached { heard: now, ..old }.attach(socket))
    }

    fn close_silent(&self, now: Timestamp) {
        for socket in self.open() {
            let heard = Attached::of(&socket).map(|attached| attached.heard);
            let pinged = self.platform.answered_at(socket.as_ref()).ok().flatten();
            let pinged = pinged.map(|date| super::timestamp(date.get_time()));
            let last = heard.max(pinged).unwrap_or_default();
            if now.millis_since(last) > SILENT_MS {
                let _ = socket.close(Some(CODE_SILENT), Some("no sign of life"));
            }
        }
    }

    /// Sends to all of them. One that is closing misses this; its page will ask for a snapshot.
    pub(super) fn broadcast(&self, text: &str, now: Timestamp) {
        self.sweep(now);
        for socket in self.open() {
            let _ = socket.send_with_str(text);
        }
    }

    /// Sends to one of them.
    pub(super) fn send(&self, socket: &WebSocket, text: &str, now: Timestamp) {
        self.sweep(now);
        let _ = socket.send_with_str(text);
    }

    /// Closes those whose token has ended.
    pub(super) fn sweep(&self, now: Timestamp) {
        if self.next_end.get().is_none_or(|end| end > now) {
            return;
        }
        let mut next: Option<Timestamp> = None;
        for socket in self.open() {
            match Attached::of(&socket).map(|attached| attached.end).filter(|end| *end > now) {
                Some(end) => next = Some(next.map_or(end, |next| next.min(end))),
                None => drop(socket.close(Some(CODE_EXPIRED), Some("portal token ended"))),
            }
        }
        self.next_end.set(next);
    }
}
