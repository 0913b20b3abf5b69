//! What an account's open pages are shown, and when: the sockets are src/edge/sockets.rs, the
//! messages src/edge/live.rs.
//!
//! ```text
//! a page opens or missed something ─▶ a snapshot: at once, or for all of them a moment later
//! something was written            ─▶ a delta: at once, or with what else comes in a moment
//! ```
//!
//! Invariant: however many pages ask however often, an account writes at most one snapshot every
//! [`SNAPSHOT_MS`] and one delta every [`LIVE_MS`].

use std::rc::Rc;
use std::time::Duration;

use worker::{Delay, Error, Request, Response, Result, WebSocket};

use super::account::Account;
use crate::live::Turn;
use crate::units::Timestamp;

/// Live updates are at least this far apart, in milliseconds.
const LIVE_MS: i64 = 100;
/// And snapshots.
const SNAPSHOT_MS: i64 = 250;

impl Account {
    /// A live socket; the gateway has checked the portal token.
    pub(super) fn open_page(&self, request: &Request) -> Result<Response> {
        if let Err(problem) = self.visit(|_, _| Ok(())) {
            return problem.into_response();
        }
        let (response, socket) = match self.sockets.accept(request, super::now())? {
            Ok(opened) => opened,
            Err(problem) => return problem.into_response(),
        };
        // The alarm is for its end as well.
        if let Some(hot) = self.hot.borrow_mut().as_mut() {
            self.arm(hot);
        }
        self.show(&socket)?;
        Ok(response)
    }

    /// Shows a page everything.
    pub(super) fn show(&self, socket: &WebSocket) -> Result<()> {
        let now = super::now();
        let turn = self.live.borrow_mut().pace.ask(now, SNAPSHOT_MS);
        if let Turn::At(due) = turn {
            self.show_all_at(due, now);
        }
        if turn != Turn::Now {
            return Ok(());
        }
        self.visit(|_, _| Ok(())).map_err(|problem| Error::RustError(problem.to_json()))?;
        let borrowed = self.hot.borrow();
        let Some(hot) = borrowed.as_ref() else { return Ok(()) };
        let snapshot = self.live.borrow_mut().snapshot(&hot.ledger, &hot.plan, super::now());
        if let Some(text) = snapshot {
            self.sockets.send(socket, &text, super::now());
        }
        Ok(())
    }

    fn show_all_at(&self, due: Timestamp, now: Timestamp) {
        let wait = Duration::from_millis(due.millis_since(now).unsigned_abs());
        let (hot, live) = (Rc::clone(&self.hot), Rc::clone(&self.live));
        let sockets = Rc::clone(&self.sockets);
        self.state.wait_until(async move {
            Delay::from(wait).await;
            let (borrowed, mut live, now) = (hot.borrow(), live.borrow_mut(), super::now());
            if !live.pace.begins(due, now) {
                return;
            }
            // Memory that was dropped since: the page asks again.
            let Some(hot) = borrowed.as_ref() else { return };
            if let Some(text) = live.snapshot(&hot.ledger, &hot.plan, now) {
                sockets.broadcast(&text, now);
            }
        });
    }

    /// Tells the open pages, at most every [`LIVE_MS`]; what comes in between goes with the next.
    pub(super) fn publish(&self) {
        let waiting = self.live.borrow().waiting;
        if waiting || self.sockets.is_empty() {
            return;
        }
        let delta = self.live.borrow_mut().delta(super::now(), LIVE_MS);
        if let Some(text) = delta {
            return self.sockets.broadcast(&text, super::now());
        }
        self.live.borrow_mut().waiting = true;
        let (live, sockets) = (Rc::clone(&self.live), Rc::clone(&self.sockets));
        self.state.wait_until(async move {
            Delay::from(Duration::from_millis(LIVE_MS.unsigned_abs())).await;
            live.borrow_mut().waiting = false;
            let delta = live.borrow_mut().delta(super::now(), 0);
            if let Some(text) = delta {
                sockets.broadcast(&text, super::now());
            }
        });
    }
}
