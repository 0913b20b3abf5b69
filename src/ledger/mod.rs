//! Credits left: a deterministic state machine. `Command` + instant → entries → state.
//!
//! ```text
//! granted = available + held + burned + expired + voided     always, exactly
//! held    = what open leases have left + what is reserved + unreported
//!           of a lease: granted − used − returned       unreported: of isolates that vanished
//! available ≥ 0                                         nothing is spent twice
//! served  = burned + debt + overage + invoiced + unpaid     of what was told; past zero as the
//!                                                       plan, or a route, allows
//! ```
//!
//! [`Ledger::apply`] is the only thing that changes the state, and it takes an [`Entry`]; the
//! methods that decide ([`decide`]) look at the state, record entries, and never change it
//! otherwise. What the clock alone makes it forget is forgotten in replay as well
//! ([`Ledger::advance`]). So replaying the journal gives the live state, bit for bit.

mod apply;
mod correct;
mod decide;
mod due;
mod entry;
mod error;
mod grant;
mod included;
pub mod inline;
mod key;
mod lease;
mod owed;
mod purchase;
mod recurrence;
mod replay;
mod report;
mod reserve;
mod row;
mod settle;
mod top_up;
mod uses;
mod zero;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use apply::ReplayError;
pub use correct::{Adjustment, Rolled};
pub use decide::{Debited, Session, open};
pub use entry::{Debit, Entry, Operation, Operations, PlanRef, Shortfall};
pub use error::LedgerError;
pub use grant::{Burn, Grant, GrantKind, GrantTerms, Rollover};
pub use key::{Key, SpendLimits, SpendPeriod};
pub use lease::Lease;
pub use owed::Owed;
pub use purchase::{Purchase, PurchaseError};
pub use recurrence::Recurrence;
pub use replay::{Position, Replay};
pub use report::Reported;
pub use reserve::{Most, RESERVATION_MS_MAX, Reservation, Reserve};
pub use row::{GENESIS, Row, chain_hash};
pub use settle::Settle;
pub use top_up::{COOL_OFF_MS_MIN, TopUp, TopUpRule, TopUps};
pub use uses::{AtMost, COMBINATIONS_MAX, USES_MAX, Use};

use uses::Usages;

use crate::units::{AccountId, Credits, GrantId, Inexact, KeyId, Timestamp};

/// Grants of one account, at most, spent ones included: their ids make grants idempotent. With the
/// other limits a snapshot stays under some MB, and most of that are the plans of former terms.
pub const GRANTS_MAX: usize = 2_000;
/// Keys of one account, at most, disabled ones included.
pub const KEYS_MAX: usize = 1_000;
/// Leases of one account, at most, ended ones included that are still remembered.
pub const LEASES_MAX: usize = 2_000;
/// Reservations of one account, at most, expired ones included that are still remembered.
pub const RESERVATIONS_MAX: usize = 2_000;
/// Debits that can be repeated or refunded, at least; older ones are forgotten in the bulk.
pub const DEBITS_MIN: usize = 4_000;
/// How long a debit's answer and an ended lease are remembered, in milliseconds.
pub const MEMORY_MS: i64 = 600_000;
/// Former terms that are remembered, at most.
pub const TERMS_MAX: usize = 8;
/// How long the ids of returns, adjustments and periods are remembered, in milliseconds: 35 days.
pub const COMMAND_MEMORY_MS: i64 = 3_024_000_000;
/// Of these in that time, at most.
pub const COMMANDS_MAX: usize = 1_000;
/// Bytes of an adjustment's reason, at most.
pub const REASON_BYTES_MAX: usize = 256;

/// Everything an account knows about credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    account: AccountId,
    plan: PlanRef,
    plan_json: String,
    clock: Timestamp,
    grants: BTreeMap<GrantId, Grant>,
    keys: BTreeMap<KeyId, Key>,
    keys_revision: u64,
    leases: BTreeMap<String, Lease>,
    reservations: BTreeMap<String, Reservation>,
    debits: BTreeMap<String, PastDebit>,
    /// The latest instant of a debit that was forgotten in the bulk.
    #[serde(default)]
    forgotten: Timestamp,
    commands: BTreeMap<GrantId, PastCommand>,
    usage: Usages,
    top_ups: TopUps,
    terms: u64,
    past_terms: BTreeMap<u64, PastTerms>,
    totals: Totals,
}

/// What operations were priced by until the plan changed or the period ended. Isolates that served
/// under it report later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PastTerms {
    /// When it ended.
    until: Timestamp,
    /// The plan, unless the next terms have the same.
    plan_json: Option<String>,
    usage: Usages,
}

/// A debit that may be asked for again, or refunded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastDebit {
    /// When it was decided.
    pub at: Timestamp,
    /// What it cost.
    pub cost: Credits,
    /// Who paid.
    pub burns: Vec<Burn>,
    /// The key, if it is to be counted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyId>,
    /// What of it was served below zero and is not paid yet.
    #[serde(default)]
    pub debt: Credits,
    /// What of it went onto the invoice.
    #[serde(default)]
    pub overage: Credits,
    /// It was served at zero, degraded and free.
    #[serde(default)]
    pub restricted: bool,
    /// All of it was given back.
    #[serde(default)]
    pub refunded: bool,
}

impl PastDebit {
    fn paid(at: Timestamp, cost: Credits, burns: Vec<Burn>, debt: Credits) -> Self {
        let overage = Credits::ZERO;
        Self { at, cost, burns, key: None, debt, overage, restricted: false, refunded: false }
    }
}

/// What an operator did by name: the same again changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Command {
    ReturnUnreported { amount: Credits },
    Adjust(Adjustment),
    ClosePeriod { forgive_debt: bool },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PastCommand {
    at: Timestamp,
    command: Command,
}

/// Sums over all that ever was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Totals {
    left: Credits,
    burned: Credits,
    expired: Credits,
    /// Taken away by the operator.
    voided: Credits,
    /// Held for leases that ended: they may have been spent, so nobody else may.
    unreported: Credits,
    /// Served below zero and not paid yet.
    debt: Credits,
    /// Served beyond the credits in this period, for its invoice.
    overage: Credits,
    /// Served, and nobody pays.
    unpaid: Credits,
}

/// An account's credits at an instant.
/// `granted = available + held + burned + expired + voided`.
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
    /// What the operator took away.
    #[serde(default)]
    pub voided: Credits,
    /// `available + held`: what the customer still owns.
    pub balance: Credits,
    /// Of grants that have not started; in none of the sums above.
    pub scheduled: Credits,
    /// Part of `held` whose isolates vanished: how much of it they spent is not known.
    pub unreported: Credits,
    /// Served below zero, as the plan or a route allows; the next credits pay it.
    #[serde(default)]
    pub debt: Credits,
    /// Served beyond the credits in this period, as the plan allows: for the invoice. Below zero if
    /// what an earlier invoice holds was refunded.
    #[serde(default)]
    pub overage: Credits,
    /// Served, and nobody pays: the operator's loss.
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

    /// All keys, disabled ones included.
    pub fn keys(&self) -> &BTreeMap<KeyId, Key> {
        &self.keys
    }

    /// Rises whenever a key is created, disabled or limited.
    pub fn keys_revision(&self) -> u64 {
        self.keys_revision
    }

    /// Leases, ended ones included while they are remembered.
    pub fn leases(&self) -> &BTreeMap<String, Lease> {
        &self.leases
    }

    /// Reservations, expired ones included while they are remembered.
    pub fn reservations(&self) -> &BTreeMap<String, Reservation> {
        &self.reservations
    }

    /// The rule for top-ups, and those on their way.
    pub fn top_ups(&self) -> &TopUps {
        &self.top_ups
    }

    /// Debits that are still remembered, by operation id.
    pub fn debits(&self) -> &BTreeMap<String, PastDebit> {
        &self.debits
    }

    /// What operations are priced by: rises when the plan changes or a period ends.
    pub fn terms(&self) -> u64 {
        self.terms
    }

    /// The plan of former terms, if it is remembered: they may have ended with the period alone.
    fn past_plan(&self, terms: u64) -> Option<&str> {
        self.past_terms.get(&terms)?;
        let later = self.past_terms.range(terms..).find_map(|(_, past)| past.plan_json.as_deref());
        later.or(Some(&self.plan_json))
    }

    /// Credits set aside for isolates, those included that may have been spent and were never
    /// reported.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn held(&self) -> Result<Credits, Inexact> {
        let open = self.leases.values().filter(|lease| lease.ended_at.is_none());
        let reserved = self.reservations.values().filter(|held| held.is_held());
        let reserved = Credits::sum(reserved.map(|reservation| reservation.held))?;
        let held = self.totals.unreported.plus(reserved)?;
        open.map(Lease::outstanding).try_fold(held, |sum, part| sum.plus(part?))
    }

    /// Credits of grants that have not started.
    fn scheduled(&self) -> Result<Credits, Inexact> {
        let later = self.grants.values().filter(|grant| grant.effective_at > self.clock);
        Credits::sum(later.map(|grant| grant.left))
    }

    /// All that was ever given: while it is in range, so is every sum over a part of it.
    fn given(&self) -> Result<Credits, Inexact> {
        let Totals { left, burned, expired, voided, .. } = self.totals;
        Credits::sum([left, burned, expired, voided])
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
        let spent = self.totals.burned.plus(self.totals.expired)?.plus(self.totals.voided)?;
        Ok(Balance {
            granted: balance.plus(spent)?,
            available: balance.minus(held)?,
            held,
            burned: self.totals.burned,
            expired: self.totals.expired,
            voided: self.totals.voided,
            balance,
            scheduled,
            unreported: self.totals.unreported,
            debt: self.totals.debt,
            overage: self.totals.overage,
            unpaid: self.totals.unpaid,
        })
    }

    /// Checks the invariants that a live account can be asked for: conservation against the sum of
    /// the grants' amounts, nothing below zero, counters in order.
    ///
    /// # Errors
    ///
    /// The name of the first invariant that does not hold.
    pub fn audit(&self) -> Result<(), &'static str> {
        let balance = self.balance().map_err(|_| "range")?;
        let amounts = self.grants.values().map(|grant| grant.given);
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
        let ended = self.leases.values().filter(|lease| lease.ended_at.is_some());
        let expired = self.reservations.values().filter(|held| !held.is_held());
        let expired = expired.map(|reservation| Ok(reservation.held));
        let ended = ended
            .map(Lease::outstanding)
            .chain(expired)
            .try_fold(Credits::ZERO, |sum, part| sum.plus(part?));
        if !ended.is_ok_and(|ended| ended <= self.totals.unreported) {
            return Err("unreported");
        }
        Ok(())
    }
}
