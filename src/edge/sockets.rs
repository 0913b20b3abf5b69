//! An account's open pages: hibernating sockets, each closed when its portal token ends.
//!
//! ```text
//! accept(request) ─▶ socket, its end attached     outlives the object's memory
//! next_end()      ─▶ when the account's one alarm wakes it at the latest
//! send, sweep     ─▶ 4401 to those whose token ended
//! ```
//!
//! Invariant: nothing is sent to a socket at or after its end, however late the alarm comes.

use std::cell::Cell;
use std::rc::Rc;

use worker::{Request, Response, Result, State, WebSocket, WebSocketPair};

use super::live::PROTOCOL;
use super::problem::Problem;
use crate::units::Timestamp;

/// Sockets of one account, at most.
const SOCKETS_MAX: usize = 64;
/// The close code of a token that is not valid, or not any more; the page knows it.
pub(super) const CODE_EXPIRED: u16 = 4401;
/// Until when the token is valid, in ms: from the gateway, which checked it, to the account.
pub(super) const END_HEADER: &str = "edgemeter-portal-end";

/// The sockets of one account.
pub(super) struct Sockets {
    state: Rc<State>,
    /// The earliest end of an open one.
    next_end: Cell<Option<Timestamp>>,
}

impl Sockets {
    /// With those that are open already: they outlive the object's memory.
    pub(super) fn of(state: Rc<State>) -> Self {
        let next_end = Cell::new(state.get_websockets().iter().filter_map(end_of).min());
        Self { state, next_end }
    }

    pub(super) fn next_end(&self) -> Option<Timestamp> {
        self.next_end.get()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state.get_websockets().is_empty()
    }

    /// Opens one for the gateway, and sends it `greeting`.
    pub(super) fn accept(&self, request: &Request, greeting: &str) -> Result<Response> {
        if self.state.get_websockets().len() >= SOCKETS_MAX {
            let detail = "too many pages of this account are open: close some";
            return Problem::new(409, "too_many_sockets", detail).into_response();
        }
        let end = request.headers().get(END_HEADER)?.and_then(|text| text.parse().ok());
        let Some(end) = end.map(Timestamp::from_millis) else {
            let detail = "a live socket is opened by the gateway, which knows when it ends";
            return Problem::new(400, "portal_end_missing", detail).into_response();
        };
        let WebSocketPair { client, server } = WebSocketPair::new()?;
        self.state.accept_web_socket(&server);
        server.serialize_attachment(end.millis().to_string())?;
        self.next_end.set(Some(self.next_end.get().map_or(end, |next| next.min(end))));
        server.send_with_str(greeting)?;
        let mut response = Response::from_websocket(client)?;
        response.headers_mut().set("sec-websocket-protocol", PROTOCOL)?;
        Ok(response)
    }

    /// Sends to all of them. One that is closing misses this; its page will ask for a snapshot.
    pub(super) fn broadcast(&self, text: &str, now: Timestamp) {
        self.sweep(now);
        for socket in self.state.get_websockets() {
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
        for socket in self.state.get_websockets() {
            match end_of(&socket).filter(|end| *end > now) {
                Some(end) => next = Some(next.map_or(end, |next| next.min(end))),
                // It may be closed already, and only be waiting for its page's farewell.
                None => drop(socket.close(Some(CODE_EXPIRED), Some("portal token ended"))),
            }
        }
        self.next_end.set(next);
    }
}

fn end_of(socket: &WebSocket) -> Option<Timestamp> {
    let text: String = socket.deserialize_attachment().ok().flatten()?;
    text.parse().ok().map(Timestamp::from_millis)
}
