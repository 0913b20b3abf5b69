//! Credits left: a deterministic state machine. `Command` + instant → entries → state.
//!
//! ```text
//! granted = available + held + burned + expired         always, exactly
//! held    = Σ over leases: granted − used − returned    set aside for isolates, also for those
//!                                                       that vanished: `unreported` of it
//! available ≥ 0                                         nothing is spent twice
//! ```
//!
//! [`Ledger::apply`] is the only thing that changes the state, and it takes an [`Entry`]; the
//! methods that decide ([`decide`]) look at the state, record entries, and never change it
//! otherwise. So replaying the journal gives the live state, bit for bit.

mod apply;
mod decide;
mod entry;
mod error;
mod grant;
pub mod inline;
mod lease;
mod replay;
mod report;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use apply::ReplayError;
pub use decide::{Debited, Session, open};
pub use entry::{Debit, Entry, GENESIS, Operation, Operations, PlanRef, Row, chain_hash};
pub use error::LedgerError;
pub use grant::{Burn, Grant, GrantKind, GrantTerms};
pub use lease::Lease;
pub use replay::{Position, Replay};

use crate::units::{AccountId, ChargeId, Credits, GrantId, Inexact, KeyId, Quantity, Timestamp};

/// Grants of one account, at most, spent ones included: their ids make grants idempotent. With the
/// other limits a snapshot stays under the 2 MB that the platform allows for a row.
pub const GRANTS_MAX: usize = 2_000;
/// Keys of one account, at most, disabled ones included.
pub const KEYS_MAX: usize = 1_000;
/// Leases of one account, at most, ended ones included that are still remembered.
pub const LEASES_MAX: usize = 2_000;
/// Debits that can be repeated or refunded, at least; older ones are forgotten in the bulk.
pub const DEBITS_MIN: usize = 4_000;
/// How long a debit's answer and an ended lease are remembered, in milliseconds.
pub const MEMORY_MS: i64 = 600_000;
/// How long the id of a return is remembered, in milliseconds: a day.
pub const RETURN_MEMORY_MS: i64 = 86_400_000;
/// Returns of that time, at most.
pub const RETURNS_MAX: usize = 1_000;

/// Everything an account knows about credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    account: AccountId,
    plan: PlanRef,
    plan_json: String,
    clock: Timestamp,
    grants: BTreeMap<GrantId, Grant>,
    keys: BTreeMap<KeyId, bool>,
    keys_revision: u64,
    leases: BTreeMap<String, Lease>,
    debits: BTreeMap<String, PastDebit>,
    returns: BTreeMap<GrantId, PastReturn>,
    usage: BTreeMap<ChargeId, Quantity>,
    totals: Totals,
}

/// A debit that may be asked for again, or refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDebit {
    /// When it was decided.
    pub at: Timestamp,
    /// What it cost.
    pub cost: Credits,
    /// Who paid; empty once refunded.
    pub burns: Vec<Burn>,
}

/// A return of unreported credits that may be asked for again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PastReturn {
    /// When it was decided.
    at: Timestamp,
    /// How much came back.
    amount: Credits,
}

/// Sums over all that ever was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Totals {
    left: Credits,
    burned: Credits,
    expired: Credits,
    /// Held for leases that ended: they may have been spent, so nobody else may.
    unreported: Credits,
    /// Reported when nothing was left to pay it with: served and not paid.
    unpaid: Credits,
}

/// An account's credits at an instant. `granted = available + held + burned + expired`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Credits of all grants that have started.
    pub granted: Credits,
    /// What can be spent by anybody.
    pub available: Credits,
    /// What is set aside for isolates, `unreported` included.
    pub held: Credits,
    /// What operations cost, refunds taken off.
    pub burned: Credits,
    /// What ended unspent.
    pub expired: Credits,
    /// `available + held`: what the customer still owns.
    pub balance: Credits,
    /// Of grants that have not started; in none of the sums above.
    pub scheduled: Credits,
    /// Part of `held` whose isolates vanished: how much of it they spent is not known.
    pub unreported: Credits,
    /// Served, and reported when nothing was left to pay it with.
    pub unpaid: Credits,
}

impl Ledger {
    /// The account's id.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The plan that the account pays.
    pub fn plan(&self) -> &PlanRef {
        &self.plan
    }

    /// That plan's JSON.
    pub fn plan_json(&self) -> &str {
        &self.plan_json
    }

    /// The latest instant seen: time never runs backward in a ledger.
    pub fn clock(&self) -> Timestamp {
        self.clock
    }

    /// All grants, by id.
    pub fn grants(&self) -> &BTreeMap<GrantId, Grant> {
        &self.grants
    }

    /// All keys and whether each is active.
    pub fn keys(&self) -> &BTreeMap<KeyId, bool> {
        &self.keys
    }

    /// Rises whenever a key is created or disabled.
    pub fn keys_revision(&self) -> u64 {
        self.keys_revision
    }

    /// Leases, ended ones included while they are remembered.
    pub fn leases(&self) -> &BTreeMap<String, Lease> {
        &self.leases
    }

    /// Debits that are still remembered, by operation id.
    pub fn debits(&self) -> &BTreeMap<String, PastDebit> {
        &self.debits
    }

    /// Meter units used so far, by charge.
    pub fn usage(&self, charge: &ChargeId) -> Quantity {
        self.usage.get(charge).copied().unwrap_or_default()
    }

    /// Credits set aside for isolates, those included that may have been spent and were never
    /// reported.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn held(&self) -> Result<Credits, Inexact> {
        let open = self.leases.values().filter(|lease| lease.ended_at.is_none());
        open.map(Lease::outstanding).try_fold(self.totals.unreported, |sum, part| sum.plus(part?))
    }

    /// Credits of grants that have not started.
    fn scheduled(&self) -> Result<Credits, Inexact> {
        let later = self.grants.values().filter(|grant| grant.effective_at > self.clock);
        Credits::sum(later.map(|grant| grant.left))
    }

    /// Credits that anybody can spend now.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn available(&self) -> Result<Credits, Inexact> {
        self.totals.left.minus(self.scheduled()?)?.minus(self.held()?)
    }

    /// The account's credits, as of the ledger's clock.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn balance(&self) -> Result<Balance, Inexact> {
        let (held, scheduled) = (self.held()?, self.scheduled()?);
        let balance = self.totals.left.minus(scheduled)?;
        let spent = self.totals.burned.plus(self.totals.expired)?;
        Ok(Balance {
            granted: balance.plus(spent)?,
            available: balance.minus(held)?,
            held,
            burned: self.totals.burned,
            expired: self.totals.expired,
            balance,
            scheduled,
            unreported: self.totals.unreported,
            unpaid: self.totals.unpaid,
        })
    }

    /// The next instant at which something ends, if anything does: a lease's hold or a grant.
    pub fn next_due(&self) -> Option<Timestamp> {
        let held =
            |lease: &&Lease| lease.ended_at.is_none() && lease.outstanding() != Ok(Credits::ZERO);
        let leases = self.leases.values().filter(held).map(|lease| lease.release_at);
        let open = self.grants.values().filter(|grant| !grant.left.is_zero());
        // What is left in a grant that has ended is held for isolates: their leases are due, and
        // what is unreported waits for a report or for the operator.
        let ends = open.filter_map(|grant| grant.terms.expires_at.filter(|end| *end > self.clock));
        leases.chain(ends).min()
    }

    /// Checks the invariants that a live account can be asked for: conservation against the sum of
    /// the grants' amounts, nothing below zero, counters in order.
    ///
    /// # Errors
    ///
    /// The name of the first invariant that does not hold.
    pub fn audit(&self) -> Result<(), &'static str> {
        let balance = self.balance().map_err(|_| "range")?;
        let amounts = self.grants.values().map(|grant| grant.terms.amount);
        let granted = Credits::sum(amounts).map_err(|_| "range")?;
        let scheduled = balance.scheduled.plus(balance.granted).map_err(|_| "range")?;
        let left = Credits::sum(self.grants.values().map(|grant| grant.left));
        if granted != scheduled || left != Ok(self.totals.left) {
            return Err("conservation");
        }
        if balance.available.is_negative() || self.grants.values().any(|g| g.left.is_negative()) {
            return Err("no_overspend");
        }
        let in_order = |lease: &Lease| lease.outstanding().is_ok_and(|left| !left.is_negative());
        if !self.leases.values().all(in_order) {
            return Err("counters");
        }
        // Ended leases are forgotten after a while, what they had not reported is not.
        let mut ended =
            self.leases.values().filter(|lease| lease.ended_at.is_some()).map(Lease::outstanding);
        let ended = ended.try_fold(Credits::ZERO, |sum, part| sum.plus(part?));
        if !ended.is_ok_and(|ended| ended <= self.totals.unreported) {
            return Err("unreported");
        }
        Ok(())
    }
}
