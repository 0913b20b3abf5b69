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
mod balance;
mod billing;
mod correct;
mod decide;
mod due;
mod entry;
mod error;
mod events;
mod grant;
mod included;
pub mod inline;
mod key;
mod lease;
mod line;
mod operations;
mod owed;
mod packed;
mod purchase;
mod recurrence;
mod replay;
mod report;
mod reserve;
mod row;
mod settle;
mod terms;
mod top_up;
mod uses;
mod zero;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use apply::ReplayError;
pub use balance::Balance;
pub(crate) use billing::part_end;
pub use billing::{
    BillingTerms, ClosedPeriod, OpenPeriod, PERIODS_CLOSED_MAX, PERIODS_PAST_MAX, Periods, PlanUse,
    STRETCHES_MAX, used_under,
};
pub use correct::{Adjustment, Rolled};
pub use decide::{Debited, Session, open, open_billed};
pub use entry::{Entry, PlanRef};
pub use error::LedgerError;
pub use events::{
    Booked, Change, Corrected, EVENT_AGE_MS_MAX, EVENT_AHEAD_MS_MAX, EVENT_MEMORY_MS,
    EventCorrection, EventKey, EventLine, EventPlace, EventRecord, Events, Refused, Taken,
};
pub use grant::{Burn, Grant, GrantKind, GrantTerms, Rollover};
pub use key::{Key, SpendLimits, SpendPeriod};
pub use lease::Lease;
pub use line::{Line, LineFault, shown_byte};
pub use operations::{Debit, Flying, Operation, Operations, Shortfall};
pub use owed::Owed;
pub use packed::entries;
pub use purchase::{Purchase, PurchaseError};
pub use recurrence::Recurrence;
pub use replay::{Position, Replay};
pub use report::Reported;
pub use reserve::{Most, RESERVATION_MS_MAX, Reservation, Reserve};
pub use row::{GENESIS, Row, chain_hash};
pub use settle::Settle;
pub use terms::Terms;
pub use top_up::{COOL_OFF_MS_MIN, TopUp, TopUpRule, TopUps};
pub use uses::{AtMost, COMBINATIONS_MAX, USES_MAX, Use};

use uses::Usages;

use crate::units::{AccountId, Credits, GrantId, KeyId, Timestamp};

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
/// Terms of closed periods that are remembered, at most.
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    billing: Option<BillingTerms>,
    /// The open period, if the calendar ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    period: Option<OpenPeriod>,
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
    /// What was used since the plan changed, or since the period began.
    usage: Usages,
    top_ups: TopUps,
    terms: u64,
    past_terms: BTreeMap<u64, PastTerms>,
    /// When the open period began; the first one began before anything.
    #[serde(default)]
    period_from: Timestamp,
    /// What events from elsewhere burned and was not taken back, the grant that burned last at the
    /// end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    event_burns: Vec<Burn>,
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
    /// Its name, where its JSON is.
    plan: Option<PlanRef>,
    usage: Usages,
    /// Served beyond the credits in them, for the period's invoice; below zero: what went off it.
    #[serde(default, skip_serializing_if = "entry::is_zero")]
    overage: Credits,
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overage: Vec<Invoiced>,
    /// It was served at zero, degraded and free.
    #[serde(default)]
    pub restricted: bool,
    /// All of it was given back.
    #[serde(default)]
    pub refunded: bool,
}

/// Overage, by the number of the terms that were in force when it went onto the invoice: each
/// plan has its own price for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoiced(pub u64, pub Credits);

impl PastDebit {
    fn paid(at: Timestamp, cost: Credits, burns: Vec<Burn>, debt: Credits) -> Self {
        let overage = Vec::new();
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

    /// The plan of former terms, if they are remembered.
    fn past_plan(&self, terms: u64) -> Option<&str> {
        self.past_terms.get(&terms).map(|_| self.plan_of(terms).1)
    }

    /// The plan of former terms; they may have ended with the period alone.
    fn plan_of(&self, terms: u64) -> (&PlanRef, &str) {
        let later = self.past_terms.range(terms..).find_map(|(_, past)| {
            Some((past.plan.as_ref().unwrap_or(&self.plan), past.plan_json.as_deref()?))
        });
        later.unwrap_or((&self.plan, &self.plan_json))
    }
}
