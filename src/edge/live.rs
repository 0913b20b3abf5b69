//! What the customer's page sees: a snapshot, then deltas with sequence numbers.
//!
//! ```text
//! { "type": "snapshot" | "delta", "seq": 12, "at": ms, "account": …, "plan": …, "unit": "credits",
//!   "balance": { … }, "calls": [[second, count, "credits"], …], "recent": [ … newest first ] }
//! ```
//!
//! In a delta, `calls` are the whole values of the seconds that changed and `recent` is what is
//! new. A page that sees a gap in `seq` asks for a snapshot. Memory is bounded: [`KEPT_MS`] of
//! seconds, [`RECENT_MAX`] operations.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::Serialize;

use crate::ledger::{Balance, Entry, Ledger, Operations, PlanRef, Row};
use crate::plan::Plan;
use crate::rating;
use crate::units::{AccountId, ChargeId, Credits, KeyId, Quantity, Timestamp};

/// Subprotocol of the live socket.
pub(super) const PROTOCOL: &str = "edgemeter.v1";
/// How far back the page sees, in milliseconds.
pub(super) const KEPT_MS: i64 = 60_000;
/// Journal rows that are read to rebuild that after waking up, at most.
pub(super) const ROWS_MAX: u64 = 500;
/// Operations shown one by one.
const RECENT_MAX: usize = 20;

#[derive(Clone, Debug, Serialize)]
struct Recent {
    operation: String,
    at: Timestamp,
    route: String,
    key: KeyId,
    cost: Credits,
    status: u16,
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    count: u64,
    credits: Credits,
}

/// The last minute of one account.
#[derive(Debug, Default)]
pub(super) struct Live {
    seq: u64,
    seconds: BTreeMap<i64, Second>,
    changed: BTreeSet<i64>,
    recent: VecDeque<Recent>,
    fresh: usize,
    balance: Option<(AccountId, PlanRef, Balance)>,
    sent: Timestamp,
    /// A delta is on its way already, a moment later.
    pub(super) waiting: bool,
}

#[derive(Serialize)]
struct Message<'live> {
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
    at: Timestamp,
    account: &'live AccountId,
    plan: &'live PlanRef,
    unit: &'static str,
    balance: &'live Balance,
    calls: Vec<(i64, u64, Credits)>,
    recent: Vec<&'live Recent>,
}

impl Live {
    /// The last minute as the journal has it.
    pub(super) fn rebuilt(rows: &[Row], ledger: &Ledger, plan: &Plan) -> Self {
        let mut live = Self::default();
        for row in rows {
            if let Ok(entries) = serde_json::from_str::<Vec<Entry>>(&row.body) {
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
            self.balance = Some((ledger.account().clone(), ledger.plan().clone(), balance));
        }
        let oldest = ledger.clock().plus_millis(-KEPT_MS).millis().div_euclid(1_000);
        self.seconds.retain(|second, _| *second >= oldest);
    }

    fn count(&mut self, entry: &Entry, at: Timestamp, plan: &Plan) {
        match entry {
            Entry::Debited { debit, cost, .. } => self.add(Recent {
                operation: debit.op.clone(),
                at,
                route: debit.route.clone(),
                key: debit.key.clone(),
                cost: *cost,
                status: 0,
            }),
            Entry::UsageReported { lease, operations, .. } => self.report(lease, operations, plan),
            _ => {}
        }
    }

    fn report(&mut self, lease: &str, operations: &Operations, plan: &Plan) {
        for (operation, number) in operations.list.iter().zip(operations.from..) {
            let Some((route, charge)) = operations.routes.get(usize::from(operation.0)) else {
                continue;
            };
            let Some(key) = operations.keys.get(usize::from(operation.1)) else { continue };
            self.add(Recent {
                operation: format!("{lease}.{number}"),
                at: operations.at.plus_millis(operation.3),
                route: route.clone(),
                key: key.clone(),
                cost: cost(plan, charge, operation.2),
                status: operation.4,
            });
        }
    }

    fn add(&mut self, call: Recent) {
        let second = call.at.millis().div_euclid(1_000);
        let slot = self.seconds.entry(second).or_default();
        slot.count = slot.count.saturating_add(1);
        slot.credits = slot.credits.plus(call.cost).unwrap_or(slot.credits);
        self.changed.insert(second);
        self.recent.push_front(call);
        self.recent.truncate(RECENT_MAX);
        self.fresh = self.fresh.saturating_add(1).min(RECENT_MAX);
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
        let seconds = self.seconds.iter().filter(|(second, _)| changed.contains(second));
        self.message("delta", now, seconds, fresh)
    }

    /// Everything there is.
    pub(super) fn snapshot(&mut self, ledger: &Ledger, now: Timestamp) -> String {
        self.remember(ledger);
        self.message("snapshot", now, self.seconds.iter(), RECENT_MAX).unwrap_or_default()
    }

    fn message<'live>(
        &'live self,
        kind: &'static str,
        at: Timestamp,
        seconds: impl Iterator<Item = (&'live i64, &'live Second)>,
        recent: usize,
    ) -> Option<String> {
        let (account, plan, balance) = self.balance.as_ref()?;
        let calls = seconds.map(|(second, slot)| (*second, slot.count, slot.credits)).collect();
        let recent = self.recent.iter().take(recent).collect();
        let (seq, unit) = (self.seq, "credits");
        let message = Message { kind, seq, at, account, plan, unit, balance, calls, recent };
        serde_json::to_string(&message).ok()
    }
}

fn cost(plan: &Plan, charge: &ChargeId, quantity: Quantity) -> Credits {
    let price = plan.charge(charge).map(|charge| rating::marginal(charge, Quantity::ZERO, quantity));
    price.and_then(Result::ok).unwrap_or_default()
}
