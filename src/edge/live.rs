//! What the customer's page sees: a snapshot, then deltas with sequence numbers.
//!
//! ```text
//! journal entries ─▶ the last minute ─▶ crate::live::Message, at most ten a second
//! ```
//!
//! A page that sees a gap in `seq` asks for a snapshot. Memory is bounded: [`KEPT_MS`] of
//! seconds, [`RECENT_CALLS_MAX`] operations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::ledger::{Entry, Ledger, Operations, Row, entries, inline};
use crate::live::{Balance, Call, Kind, Message, PlanVersion, RECENT_CALLS_MAX, Second};
use crate::plan::Plan;
use crate::rating::{Event, Usage};
use crate::units::{AccountId, ChargeId, Credits, KeyId, Quantity, Timestamp};

/// Subprotocol of the live socket.
pub(super) const PROTOCOL: &str = "edgemeter.v1";
/// How far back the page sees, in milliseconds.
pub(super) const KEPT_MS: i64 = 60_000;
/// Journal rows that are read to rebuild that after waking up, at most.
pub(super) const ROWS_MAX: u64 = 500;
/// And bytes of them, but for one row: the oldest of the minute are left out, never the newest.
pub(super) const BYTES_MAX: usize = 64 * 1_024;

/// The last minute of one account.
#[derive(Debug, Default)]
pub(super) struct Live {
    seq: u64,
    seconds: BTreeMap<i64, (u32, Credits)>,
    changed: BTreeSet<i64>,
    recent: VecDeque<Call>,
    fresh: usize,
    balance: Option<(AccountId, PlanVersion, Balance)>,
    sent: Timestamp,
    /// A delta is on its way already, a moment later.
    pub(super) waiting: bool,
}

impl Live {
    /// The last minute as the journal has it.
    pub(super) fn rebuilt(rows: &[Row], ledger: &Ledger, plan: &Plan) -> Self {
        let mut live = Self::default();
        for row in rows {
            if let Ok(entries) = entries(&row.body) {
                for entry in &entries {
                    live.count(entry, row.at, plan);
                }
            }
        }
        live.remember(ledger);
        live
    }

    /// Takes what a visit changed.
    pub(super) fn note(&mut self, entries: &[Entry], ledger: &Ledger, plan: &Plan) {
        for entry in entries {
            self.count(entry, ledger.clock(), plan);
        }
        self.remember(ledger);
    }

    fn remember(&mut self, ledger: &Ledger) {
        if let Ok(balance) = ledger.balance() {
            let plan = PlanVersion { id: ledger.plan().id.clone(), version: ledger.plan().version };
            // To the customer, what was taken back has ended unspent as well.
            let ended = balance.expired.plus(balance.voided).unwrap_or(balance.expired);
            let balance = Balance {
                available: balance.available,
                held: balance.held,
                burned: balance.burned,
                granted: balance.granted,
                expired: ended,
                balance: balance.balance,
            };
            self.balance = Some((ledger.account().clone(), plan, balance));
        }
        let oldest = ledger.clock().plus_millis(-KEPT_MS).millis().div_euclid(1_000);
        self.seconds.retain(|second, _| *second >= oldest);
        // While no page is open, no delta takes these.
        self.changed.retain(|second| *second >= oldest);
    }

    fn count(&mut self, entry: &Entry, at: Timestamp, plan: &Plan) {
        match entry {
            Entry::Debited { debit, cost, .. } => {
                self.tally(at, *cost);
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
                self.spent(at, *cost);
                if *last {
                    self.tally(at, Credits::ZERO);
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
                    self.tally(events.at.plus_millis(line.2.min(0)), line.4);
                }
            }
            _ => {}
        }
    }

    /// All operations are counted; only the newest are kept one by one.
    fn report(&mut self, lease: &str, operations: &Operations, costs: &[Credits], plan: &Plan) {
        let older = operations.list.len().saturating_sub(RECENT_CALLS_MAX);
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
            self.tally(at, cost);
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
    }

    fn tally(&mut self, at: Timestamp, cost: Credits) {
        self.spent(at, cost);
        let second = at.millis().div_euclid(1_000);
        let (calls, _) = self.seconds.entry(second).or_default();
        *calls = calls.saturating_add(1);
    }

    fn spent(&mut self, at: Timestamp, cost: Credits) {
        let second = at.millis().div_euclid(1_000);
        let (_, credits) = self.seconds.entry(second).or_default();
        *credits = credits.plus(cost).unwrap_or(*credits);
        self.changed.insert(second);
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
        let changed = std::mem::take(&mut self.changed);
        let fresh = std::mem::take(&mut self.fresh);
        self.sent = now;
        self.message(Kind::Delta, now, |second| changed.contains(&second), fresh)
    }

    /// Everything there is.
    pub(super) fn snapshot(&mut self, ledger: &Ledger, now: Timestamp) -> Option<String> {
        self.remember(ledger);
        self.message(Kind::Snapshot, now, |_| true, RECENT_CALLS_MAX)
    }

    fn message(
        &self,
        kind: Kind,
        at: Timestamp,
        shown: impl Fn(i64) -> bool,
        recent: usize,
    ) -> Option<String> {
        let (account, plan, balance) = self.balance.clone()?;
        let seconds = self.seconds.iter().filter(|(second, _)| shown(**second));
        let second = |(second, (calls, credits)): (&i64, &(u32, Credits))| Second {
            second: *second,
            calls: *calls,
            credits: *credits,
        };
        let message = Message {
            kind,
            seq: self.seq,
            at,
            account,
            plan,
            unit: "credits".to_owned(),
            balance,
            calls: seconds.map(second).collect(),
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
