//! What the customer's page sees: a snapshot, then deltas with sequence numbers.
//!
//! ```text
//! journal entries ─▶ crate::live::Tallies ─▶ crate::live::Message, at most ten a second
//! ```
//!
//! A page that sees a gap in `seq` asks for a snapshot. Nothing is written for it, and no message
//! is made while nobody watches. Memory is bounded: [`Tallies`], [`RECENT_CALLS_MAX`] operations.

use std::collections::VecDeque;

use crate::ledger::{Entry, Ledger, Operations, Row, entries, inline};
use crate::live::{
    Call, Kind, LATELY_MINUTES, Message, Pace, RECENT_CALLS_MAX, Run, Standing, Tallies, Told,
};
use crate::plan::Plan;
use crate::rating::{Event, Usage};
use crate::units::{ChargeId, Credits, KeyId, Quantity, Timestamp};

/// Subprotocol of the live socket.
pub(super) const PROTOCOL: &str = "edgemeter.v1";
/// How far back the page sees, in milliseconds.
pub(super) const KEPT_MS: i64 = (LATELY_MINUTES + 1) * 60_000;
/// Journal rows that are read to rebuild that after waking up, at most.
pub(super) const ROWS_MAX: u64 = 500;
/// And bytes of them, but for one row: the oldest of the minute are left out, never the newest.
pub(super) const BYTES_MAX: usize = 64 * 1_024;

/// The last minutes of one account.
#[derive(Debug, Default)]
pub(super) struct Live {
    seq: u64,
    tallies: Tallies,
    recent: VecDeque<Call>,
    fresh: usize,
    standing: Option<Standing>,
    /// Where the customer buys credits.
    topup_url: Option<String>,
    sent: Timestamp,
    /// A delta is on its way already, a moment later.
    pub(super) waiting: bool,
    /// When snapshots are written.
    pub(super) pace: Pace,
}

impl Live {
    /// Of an account whose customer buys credits there.
    pub(super) fn new(topup_url: Option<String>) -> Self {
        Self { topup_url, ..Self::default() }
    }

    /// The last minutes as the journal has them: `rows` are all since `since`, or as many as are
    /// read.
    pub(super) fn rebuild(&mut self, rows: &[Row], since: Timestamp, plan: &Plan) {
        let (topup_url, pace) = (self.topup_url.take(), self.pace);
        let bytes: usize = rows.iter().map(|row| row.body.len()).sum();
        let all = bytes < BYTES_MAX && u64::try_from(rows.len()).is_ok_and(|rows| rows < ROWS_MAX);
        let first = rows.first().filter(|_| !all).map_or(since, |row| row.at);
        let tallies = Tallies::known_from(first);
        *self = Self { tallies, topup_url, pace, ..Self::default() };
        for row in rows {
            if let Ok(entries) = entries(&row.body) {
                for entry in &entries {
                    self.count(entry, row.at, plan);
                }
            }
        }
    }

    /// Takes what a visit changed. How the account stands is looked up while somebody watches.
    pub(super) fn note(&mut self, entries: &[Entry], ledger: &Ledger, plan: &Plan, watched: bool) {
        for entry in entries {
            self.count(entry, ledger.clock(), plan);
        }
        self.tallies.forget(ledger.clock());
        if watched {
            self.look(ledger, plan);
        }
    }

    fn look(&mut self, ledger: &Ledger, plan: &Plan) {
        if let Ok(standing) = Standing::of(ledger, plan, self.topup_url.as_deref()) {
            self.standing = Some(standing);
        }
    }

    fn count(&mut self, entry: &Entry, at: Timestamp, plan: &Plan) {
        match entry {
            Entry::Debited { debit, cost, .. } => {
                let key = debit.key.as_str();
                self.tallies.count(&Run { at, route: &debit.route, key, calls: 1, credits: *cost });
                self.list(Call {
                    operation: debit.op.clone(),
                    at,
                    route: debit.route.clone(),
                    key: debit.key.to_string(),
                    cost: *cost,
                    status: 0,
                });
            }
            Entry::ReservationSettled { op, route, key, cost, last, status, .. } => {
                let of = key.as_ref().map_or("", KeyId::as_str);
                let calls = u32::from(*last);
                self.tallies.count(&Run { at, route, key: of, calls, credits: *cost });
                if *last {
                    self.list(Call {
                        operation: op.clone(),
                        at,
                        route: route.clone(),
                        key: key.as_ref().map(KeyId::to_string).unwrap_or_default(),
                        cost: *cost,
                        status: *status,
                    });
                }
            }
            Entry::UsageReported { lease, operations, costs, .. } => {
                self.report(lease, operations, costs, plan);
            }
            Entry::EventsTaken { events, .. } => {
                for line in &events.list {
                    let at = events.at.plus_millis(line.2.min(0));
                    let used = line.3.first().and_then(|(of, _)| usize::try_from(*of).ok());
                    let charge = used.and_then(|of| events.of.get(of));
                    let route = charge.map_or("", |(charge, _)| charge.as_str());
                    self.tallies.count(&Run { at, route, key: "", calls: 1, credits: line.4 });
                }
            }
            _ => {}
        }
    }

    /// All operations are counted; only the newest are kept one by one.
    fn report(&mut self, lease: &str, operations: &Operations, costs: &[Credits], plan: &Plan) {
        let older = operations.list.len().saturating_sub(RECENT_CALLS_MAX);
        let mut runs = Vec::with_capacity(operations.list.len());
        let mut last: Option<(u16, Quantity, Credits)> = None;
        let numbered = operations.list.iter().zip(operations.from..).enumerate();
        for (index, (operation, number)) in numbered {
            let Some((route, charge)) = operations.routes.get(usize::from(operation.0)) else {
                continue;
            };
            let Some(key) = operations.keys.get(usize::from(operation.1)) else { continue };
            let same = last
                .filter(|(route, quantity, _)| *route == operation.0 && *quantity == operation.2);
            let known = costs.get(index).copied().or(same.map(|(_, _, cost)| cost));
            let Some(cost) = known.or_else(|| cost(plan, charge, operation.2)) else { continue };
            last = Some((operation.0, operation.2, cost));
            let at = operations.at.plus_millis(operation.3);
            runs.push(Run { at, route, key: key.as_str(), calls: 1, credits: cost });
            if index >= older {
                self.list(Call {
                    operation: format!("{lease}.{number}"),
                    at,
                    route: route.clone(),
                    key: key.to_string(),
                    cost,
                    status: operation.4,
                });
            }
        }
        self.tallies.count_all(runs);
    }

    fn list(&mut self, call: Call) {
        self.recent.push_front(call);
        self.recent.truncate(RECENT_CALLS_MAX);
        self.fresh = self.fresh.saturating_add(1).min(RECENT_CALLS_MAX);
    }

    /// The next delta; nothing if the last one was sent less than `apart_ms` ago.
    pub(super) fn delta(&mut self, now: Timestamp, apart_ms: i64) -> Option<String> {
        if (0..apart_ms).contains(&now.millis_since(self.sent)) {
            return None;
        }
        self.seq = self.seq.saturating_add(1);
        self.sent = now;
        let told = self.tallies.take_changed();
        let fresh = std::mem::take(&mut self.fresh);
        self.message(Kind::Delta, now, told, fresh)
    }

    /// Everything there is.
    pub(super) fn snapshot(
        &mut self,
        ledger: &Ledger,
        plan: &Plan,
        now: Timestamp,
    ) -> Option<String> {
        self.tallies.forget(now);
        self.look(ledger, plan);
        self.message(Kind::Snapshot, now, self.tallies.all(), RECENT_CALLS_MAX)
    }

    fn message(&self, kind: Kind, at: Timestamp, told: Told, recent: usize) -> Option<String> {
        let standing = self.standing.clone()?;
        let message = Message {
            kind,
            seq: self.seq,
            at,
            account: standing.account,
            plan: standing.plan,
            unit: "credits".to_owned(),
            balance: standing.balance,
            zero: standing.zero,
            grants: standing.grants,
            more_grants: standing.more_grants,
            lately: self.tallies.lately(at),
            routes: told.routes,
            keys: told.keys,
            calls: told.seconds,
            recent: self.recent.iter().take(recent).cloned().collect(),
        };
        serde_json::to_string(&message).ok()
    }
}

/// What the page shows beside one call of a lease whose price does not depend on the total: of any
/// other one the entry says what it cost.
fn cost(plan: &Plan, charge: &ChargeId, quantity: Quantity) -> Option<Credits> {
    inline::cost(plan.charge(charge)?, &Usage::Total(Quantity::ZERO), &Event::Use(quantity))
}
