//! The account object: one customer's ledger, journal and live sockets.
//!
//! ```text
//! call(message) ─▶ load (once) ─▶ close what is over ─▶ Session: decide ─▶ one row ─▶ reply
//!                                                       └─▶ open pages: src/edge/pages.rs
//! alarm         ─▶ the same, with nothing asked: periods that end; leases and grants that end or
//!                  come again
//! ```
//!
//! Invariants: `call` is synchronous, so nothing comes between reading and writing; the reply
//! leaves only when the row is durable (the platform's output gate). A refusal has changed nothing
//! of its own; after any other error, and after a sum that left the range in the middle of a
//! change, nothing is written, and the memory is dropped and read anew: nothing that was not
//! written is ever trusted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, State, WebSocket,
    WebSocketIncomingMessage, durable_object,
};

use super::authorize::Order;
use super::budget::Budget;
use super::contract::{OpeningTerms, Told};
use super::correction::Correction;
use super::events::Batch;
use super::live::Live;
use super::problem::{JOURNAL_DAMAGED, Problem};
use super::rpc;
use super::sockets::Sockets;
use super::store::{Broken, Head, Store};
use super::usage::Asked;
use crate::control;
use crate::ledger::{self, Entry, Grant, GrantTerms, Ledger, Session};
use crate::plan::Plan;
use crate::units::{AccountId, Inexact, KeyId, Timestamp};

/// What an account can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    Control(Box<control::Request>),
    Open {
        account: AccountId,
        plan_json: String,
        terms: OpeningTerms,
    },
    Grant(GrantTerms),
    Correct(Box<Correction>),
    Events(Batch),
    CorrectEvents(Batch),
    /// And where its customer buys credits.
    Order(Box<Order>, Option<String>),
    CreateKey(KeyId),
    DisableKey(KeyId),
    Describe,
    Statement,
    Invoices {
        before: i32,
        limit: u64,
    },
    Invoice {
        index: i32,
    },
    RetryInvoice {
        index: i32,
    },
    Journal {
        after: u64,
        limit: u64,
    },
    Verify {
        from: u64,
    },
    Usage {
        asked: Asked,
        /// Where the page before ended.
        after: Option<u64>,
    },
    /// Nothing but whether it may be read: of what its customer reads elsewhere, so many bytes.
    Enter {
        bytes: usize,
    },
    /// A read of its customer's: within what those may take.
    Portal(Box<Self>),
}

/// What stays in memory between calls.
pub(super) struct Hot {
    pub(super) ledger: Ledger,
    pub(super) plan: Plan,
    pub(super) head: Head,
    pub(super) alarm: Option<Timestamp>,
}

/// One customer.
#[durable_object]
pub struct Account {
    pub(super) state: Rc<State>,
    pub(super) store: Store,
    pub(super) hot: Rc<RefCell<Option<Hot>>>,
    denials: RefCell<control::Denials>,
    /// Clients' keys that were new since the object woke up.
    pub(super) onces: Cell<u64>,
    pub(super) live: Rc<RefCell<Live>>,
    pub(super) sockets: Rc<Sockets>,
    /// What its customer's reads may still take.
    budget: RefCell<Budget>,
    /// Bytes of the journal that reports have read since the object woke up.
    pub(super) replayed: Cell<u64>,
    /// The statement of a moment ago.
    pub(super) told: RefCell<Option<Told>>,
}

impl DurableObject for Account {
    fn new(state: State, env: Env) -> Self {
        let store = Store::new(&state.storage());
        let topup_url = env.var("EDGEMETER_TOPUP_URL").ok().map(|url| url.to_string());
        let (sockets, state) = Sockets::of(state);
        Self {
            sockets: Rc::new(sockets),
            state,
            store,
            hot: Rc::default(),
            denials: RefCell::default(),
            onces: Cell::default(),
            live: Rc::new(RefCell::new(Live::new(topup_url))),
            budget: RefCell::default(),
            replayed: Cell::default(),
            told: RefCell::default(),
        }
    }

    async fn fetch(&self, request: Request) -> Result<Response> {
        self.open_page(&request)
    }

    async fn alarm(&self) -> Result<Response> {
        if let Some(hot) = self.hot.borrow_mut().as_mut() {
            hot.alarm = None;
        }
        self.sockets.sweep(super::now());
        match self.visit(|_, _| Ok(())) {
            // The next alarm goes on with it.
            Err(problem) if !problem.is(super::contract::CLOSING) => {
                Err(Error::RustError(problem.to_json()))
            }
            _ => Response::empty(),
        }
    }

    async fn websocket_message(
        &self,
        socket: WebSocket,
        _message: WebSocketIncomingMessage,
    ) -> Result<()> {
        // The page has only one thing to say: that it missed something.
        self.sockets.heard(&socket, super::now())?;
        self.show(&socket)
    }

    async fn websocket_close(
        &self,
        _socket: WebSocket,
        _code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        Ok(())
    }

    async fn websocket_error(&self, _socket: WebSocket, _error: Error) -> Result<()> {
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err(Error::RustError("accounts take no TCP connections".to_owned()))
    }
}

#[wasm_bindgen]
impl Account {
    /// Answers one message; see [`Call`].
    pub fn call(&self, message: &str) -> String {
        let call: Call = match serde_json::from_str(message) {
            Ok(call) => call,
            Err(error) => {
                let detail = format!("message is not understood: {error}");
                return rpc::reply::<()>(Err(Problem::new(400, "message_malformed", detail)));
            }
        };
        self.answer(call)
    }
}

impl Account {
    fn answer(&self, call: Call) -> String {
        match call {
            Call::Control(request) => rpc::reply(self.control(&request)),
            Call::Open { account, plan_json, terms } => {
                rpc::reply(self.open(account, plan_json, &terms))
            }
            Call::Statement => rpc::reply(self.statement()),
            Call::Invoices { before, limit } => rpc::reply(self.invoices(before, limit)),
            Call::Invoice { index } => rpc::reply(self.invoice(index)),
            Call::RetryInvoice { index } => rpc::reply(self.retry_invoice(index)),
            Call::Grant(terms) => rpc::reply(self.grant(terms)),
            Call::Correct(correction) => rpc::reply(self.correct(*correction)),
            Call::Events(batch) => rpc::reply(self.take_events(&batch)),
            Call::CorrectEvents(batch) => rpc::reply(self.correct_events(&batch)),
            Call::Order(order, url) => rpc::reply(self.order(&order, url.as_deref())),
            Call::CreateKey(key) => rpc::reply(self.visit(|s, _| Ok(s.create_key(key)?))),
            Call::DisableKey(key) => rpc::reply(self.visit(|s, _| Ok(s.disable_key(key)?))),
            Call::Describe => rpc::reply(self.describe()),
            Call::Journal { after, limit } => rpc::reply(self.journal(after, limit)),
            Call::Verify { from } => rpc::reply(self.verify(from)),
            Call::Usage { asked, after } => rpc::reply(self.usage(asked, after)),
            Call::Enter { bytes } => {
                self.has_read(bytes);
                rpc::reply(Ok(()))
            }
            Call::Portal(read) => self.answer_customer(*read),
        }
    }

    /// A read that pays for itself, once it is known what it was.
    fn answer_customer(&self, read: Call) -> String {
        let admitted = self.budget.borrow_mut().admit(super::now());
        if let Err(problem) = admitted {
            return rpc::reply::<()>(Err(problem));
        }
        let before = self.replayed.get();
        let answer = self.answer(read);
        let read = self.replayed.get().saturating_sub(before);
        let answered = u64::try_from(answer.len()).unwrap_or(u64::MAX);
        self.budget.borrow_mut().take(read.saturating_add(answered));
        answer
    }

    fn control(&self, request: &control::Request) -> std::result::Result<control::Answer, Problem> {
        if request.v != control::VERSION {
            let detail = format!("speak version {}", control::VERSION);
            return Err(Problem::new(400, "version_unknown", detail));
        }
        self.control_once(request)
    }

    pub(super) fn decide_control(
        &self,
        request: &control::Request,
    ) -> std::result::Result<control::Answer, Problem> {
        self.visit(|session, plan| {
            control::serve(session, plan, &mut self.denials.borrow_mut(), request)
                .map_err(|error| storage(error.to_string()))
        })
    }

    fn grant(&self, terms: GrantTerms) -> std::result::Result<(bool, Grant), Problem> {
        self.visit(|session, _| {
            let id = terms.id.clone();
            let new = session.grant(terms)?;
            let grant = session.ledger().grants().get(&id).cloned();
            Ok((new, grant.ok_or_else(|| storage("grant"))?))
        })
    }

    /// One visit to the ledger: what it recorded is written as one row before anything leaves.
    pub(super) fn visit<T>(
        &self,
        act: impl FnOnce(&mut Session<'_>, &Plan) -> std::result::Result<T, Problem>,
    ) -> std::result::Result<T, Problem> {
        self.load()?;
        let mut borrowed = self.hot.borrow_mut();
        let Some(hot) = borrowed.as_mut() else {
            return Err(super::audit::unopened());
        };
        let written = Self::decide(&self.store, hot, act);
        let (result, entries) = match written {
            Ok(done) => done,
            Err(problem) => {
                *borrowed = None;
                return Err(problem);
            }
        };
        self.arm(hot);
        if !entries.is_empty() {
            let watched = !self.sockets.is_empty();
            self.live.borrow_mut().note(&entries, &hot.ledger, &hot.plan, watched);
            drop(borrowed);
            self.publish();
        }
        result
    }

    /// The outer error means that memory and storage may differ; the inner one is an answer.
    fn decide<T>(
        store: &Store,
        hot: &mut Hot,
        act: impl FnOnce(&mut Session<'_>, &Plan) -> std::result::Result<T, Problem>,
    ) -> std::result::Result<(std::result::Result<T, Problem>, Vec<Entry>), Problem> {
        let inexact = |error: Inexact| storage(error.to_string());
        // One instant for all of it: what is not over for the one is not for the other.
        let now = super::now();
        let mut written = super::contract::close_over(store, hot, now)?;
        if hot.ledger.is_period_over(now) {
            return Ok((Err(super::contract::closing()), written));
        }
        let mut session = Session::start(&mut hot.ledger, now).map_err(inexact)?;
        let result = act(&mut session, &hot.plan);
        if result.as_ref().is_err_and(is_dirty) {
            return result.map(|value| (Ok(value), Vec::new()));
        }
        let keys = session.event_keys();
        let entries = session.finish().map_err(inexact)?;
        if !entries.is_empty() {
            if hot.plan.hash() != hot.ledger.plan().hash {
                hot.plan = Plan::parse(hot.ledger.plan_json())?;
            }
            hot.head = store.append(&hot.head, &hot.ledger, &entries, &keys).map_err(storage)?;
        }
        written.extend(entries);
        Ok((result, written))
    }

    pub(super) fn load(&self) -> std::result::Result<(), Problem> {
        if self.hot.borrow().is_some() {
            return Ok(());
        }
        if let Some((ledger, head)) = self.store.load().map_err(closed)? {
            let plan = Plan::parse(ledger.plan_json())?;
            let since = super::now().plus_millis(-super::live::KEPT_MS);
            let (rows, bytes) = (super::live::ROWS_MAX, super::live::BYTES_MAX);
            let rows = self.store.recent(since, rows, bytes).map_err(closed)?;
            self.live.borrow_mut().rebuild(&rows, since, &plan);
            *self.hot.borrow_mut() = Some(Hot { ledger, plan, head, alarm: None });
        }
        Ok(())
    }

    /// Sets the one alarm for what is due next. Due things are also done on every visit, so an
    /// alarm that is late, twice or never changes only when an idle account's numbers move.
    pub(super) fn arm(&self, hot: &mut Hot) {
        let due = [hot.ledger.next_due(), self.sockets.next_end()].into_iter().flatten().min();
        let Some(due) = due else { return };
        if hot.alarm.is_some_and(|alarm| alarm <= due) {
            return;
        }
        hot.alarm = Some(due);
        let wait = u64::try_from(due.millis_since(super::now())).unwrap_or(0);
        let storage = self.state.storage();
        self.state.wait_until(async move {
            if let Err(error) = storage.set_alarm(Duration::from_millis(wait)).await {
                worker::console_error!("alarm not set: {error:?}");
            }
        });
    }
}

/// Whether a visit may have ended in the middle of a change.
fn is_dirty(problem: &Problem) -> bool {
    problem.status >= 500 || problem.is(ledger::LedgerError::Inexact(Inexact).code())
}

/// An account that cannot be read stays closed: what it holds is not known.
pub(super) fn closed(broken: Broken) -> Problem {
    match broken {
        Broken::Storage(error) => storage(error),
        Broken::Journal(error) => {
            worker::console_error!("account closed: its journal is damaged: {error}");
            let detail = "the account's journal is damaged: restore it, GET …/verify says where";
            Problem::new(503, JOURNAL_DAMAGED, detail).with("row", error.row())
        }
    }
}

pub(super) fn storage(error: impl std::fmt::Debug) -> Problem {
    worker::console_error!("account storage: {error:?}");
    // What was asked may have been written all the same: everything that can be asked twice is
    // decided once.
    Problem::unavailable("the account's storage failed: send the same request again shortly")
}
