//! What is written down: every change of an account is a list of entries, one list a journal row.
//!
//! ```text
//! row n:  at  [ usage_reported, debited, lease_granted ]  hash = SHA-256(hash n-1, n, at, body)
//! ```
//!
//! An entry says what was decided, with the grants that paid: applying it needs no plan and no
//! clock, so that `replay(journal)` gives the live state for ever, whatever the rules become.

use serde::{Deserialize, Serialize};

use super::Invoiced;
use super::billing::{BillingTerms, ClosedPeriod};
use super::correct::{Adjustment, Rolled};
use super::events::{Booked, Events};
use super::grant::{Burn, Grant, GrantTerms};
use super::key::SpendLimits;
use super::operations::{Debit, Flying, Operations, Shortfall};
use super::top_up::TopUpRule;
use super::uses::Use;
use crate::plan::{Combination, Plan};
use crate::units::{AccountId, Credits, GrantId, KeyId, PlanId, Quantity, Timestamp};

pub(super) fn is_zero(amount: &Credits) -> bool {
    amount.is_zero()
}

/// A plan version by name and by meaning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// The plan's id.
    pub id: PlanId,
    /// Its version, from 1.
    pub version: u32,
    /// SHA-256 of its meaning, in hex.
    pub hash: String,
}

impl PlanRef {
    /// The name of a plan.
    pub fn of(plan: &Plan) -> Self {
        Self { id: plan.id().clone(), version: plan.version(), hash: plan.hash().to_owned() }
    }
}

/// One change of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// The account exists from here on.
    AccountOpened {
        /// Its id.
        account: AccountId,
        /// What it pays.
        plan: PlanRef,
        /// The plan's JSON as it was published, so that the journal can be rated on its own.
        plan_json: String,
        /// What the contract says about time; nothing: the operator ends periods.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        billing: Option<BillingTerms>,
    },
    /// The account pays by another plan from here on.
    PlanChanged {
        /// What it pays.
        plan: PlanRef,
        /// The plan's JSON as it was published.
        plan_json: String,
    },
    /// A key may be used from here on.
    KeyCreated {
        /// Its id.
        key: KeyId,
    },
    /// A key may no longer be used.
    KeyDisabled {
        /// Its id.
        key: KeyId,
    },
    /// What a key may spend from here on.
    KeyLimited {
        /// Its id.
        key: KeyId,
        /// Its limits.
        limits: SpendLimits,
    },
    /// When to ask for money from here on.
    TopUpRuleSet {
        /// The rule, or none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule: Option<TopUpRule>,
    },
    /// Money was asked for.
    TopUpAsked {
        /// The id that the grant must have.
        id: GrantId,
        /// Credits; zero if the id was taken, and another one is asked for next.
        amount: Credits,
    },
    /// Money that was asked for will not come.
    TopUpFailed {
        /// The id of what was asked for.
        id: GrantId,
    },
    /// Credits were given.
    CreditsGranted {
        /// The grant as it starts.
        grant: Grant,
    },
    /// What was left of a grant at its end.
    GrantExpired {
        /// The grant and what it lost.
        lost: Burn,
    },
    /// A recurring grant came again.
    GrantRefilled {
        /// The grant.
        grant: GrantId,
        /// What was left and did not stay.
        lost: Credits,
        /// What came: the amount, and what a rollover's minimum added.
        added: Credits,
        /// When it comes again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
    /// A grant of the plan goes on by other terms, or comes no more.
    GrantTermsChanged {
        /// The grant.
        grant: GrantId,
        /// Its terms from here on.
        terms: GrantTerms,
        /// When it comes again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<Timestamp>,
    },
    /// A grant ends here, before its time; what was left of it is the next entry.
    GrantVoided {
        /// The grant.
        grant: GrantId,
    },
    /// The operator took credits away, or gave some back to a grant.
    Adjusted {
        /// What was asked for.
        adjustment: Adjustment,
        /// What each grant lost.
        taken: Vec<Burn>,
    },
    /// A billing period of the account ended: use is counted from zero.
    PeriodClosed {
        /// Names the period once.
        id: GrantId,
        /// What became of each grant that does not recur and has a rollover.
        rolled: Vec<Rolled>,
        /// Overage of the period, for its invoice.
        overage: Credits,
        /// Whether debt ends with the period.
        forgive_debt: bool,
        /// Debt that nobody pays any more.
        forgiven: Credits,
        /// Which period of the contract it was, if the calendar closed it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        closed: Option<ClosedPeriod>,
    },
    /// A closed period that had no invoice has one.
    PeriodBilled {
        /// Which one, the invoice, and this row.
        closed: ClosedPeriod,
    },
    /// What was served below zero was paid, or became overage.
    DebtSettled {
        /// Who paid.
        burns: Vec<Burn>,
        /// What goes onto the invoice.
        #[serde(default, skip_serializing_if = "is_zero")]
        overage: Credits,
    },
    /// Credits were set aside for one isolate.
    LeaseGranted {
        /// The lease.
        lease: String,
        /// Number of the request that asked.
        seq: u64,
        /// Credits added to what it had been granted.
        amount: Credits,
        /// When the lease ends if it is not renewed: after twice the validity time.
        release_at: Timestamp,
    },
    /// An isolate said what it spent, and gave back what it does not need.
    UsageReported {
        /// The lease.
        lease: String,
        /// Number of the former terms that the operations were served under; nothing: today's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<u64>,
        /// Credits that it counted as spent, in all, at the prices it held.
        used: Credits,
        /// Credits that it gave back, in all.
        returned: Credits,
        /// The operations that are new.
        operations: Operations,
        /// What each of them cost, in the account's order; left out where every price is the same
        /// whatever was used before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        costs: Vec<Credits>,
        /// Part of their cost that credits could not pay: a price rose, or the lease's credits had
        /// been returned to the account and spent by others before this report arrived.
        #[serde(default, skip_serializing_if = "Shortfall::is_empty")]
        shortfall: Shortfall,
        /// Who paid, in the order of the operations.
        burns: Vec<Burn>,
        /// Those that were in flight: they may still fail and be refunded.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        flying: Vec<Flying>,
    },
    /// A lease ended: nothing was heard of its isolate for twice the validity time.
    LeaseEnded {
        /// The lease.
        lease: String,
        /// Credits that it may have spent without reporting it: they stay set aside.
        unreported: Credits,
    },
    /// The operator gave what ended leases had not reported back to the account.
    UnreportedReturned {
        /// Names the return once.
        id: GrantId,
        /// All of it.
        amount: Credits,
    },
    /// One operation was paid directly, or told after it was served without an answer.
    Debited {
        /// The operation.
        debit: Debit,
        /// Number of the former terms that it was served under; nothing: today's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<u64>,
        /// What it cost.
        cost: Credits,
        /// Who paid.
        burns: Vec<Burn>,
        /// Part of the cost that was served below zero.
        #[serde(default, skip_serializing_if = "is_zero")]
        debt: Credits,
        /// It was served at zero, degraded and free.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        restricted: bool,
    },
    /// Credits were set aside for one operation, or more of them.
    Reserved {
        /// Operation id, unique within the account.
        op: String,
        /// Method and pattern of the route.
        route: String,
        /// The key that asked, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyId>,
        /// What it is about.
        #[serde(default, skip_serializing_if = "Combination::is_empty")]
        labels: Combination,
        /// How many more.
        amount: Credits,
        /// How much more it may cost beyond the credits.
        #[serde(default, skip_serializing_if = "is_zero")]
        beyond: Credits,
        /// What was lowered to what there was credit for, in units.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<Quantity>,
        /// When nobody waits for its end any more.
        expires_at: Timestamp,
    },
    /// A reserved operation used something.
    ReservationSettled {
        /// The operation.
        op: String,
        /// Method and pattern of the route.
        route: String,
        /// The key that asked, if one did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<KeyId>,
        /// What it is about.
        #[serde(default, skip_serializing_if = "Combination::is_empty")]
        labels: Combination,
        /// Number of the former terms that it was served under; nothing: today's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<u64>,
        /// Its uses as they count, beside those settled before.
        uses: Vec<Use>,
        /// Those that the plan has no price for: they are free, and not counted.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unpriced: Vec<Use>,
        /// What they cost.
        cost: Credits,
        /// Who paid.
        burns: Vec<Burn>,
        /// Part of the cost that credits could not pay.
        #[serde(default, skip_serializing_if = "Shortfall::is_empty")]
        shortfall: Shortfall,
        /// Whether it has ended.
        last: bool,
        /// HTTP status of its answer, or 0.
        status: u16,
        /// What was used is not known, and was estimated.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        estimated: bool,
    },
    /// A reserved operation ended; what was still set aside went back.
    ReservationReleased {
        /// The operation.
        op: String,
    },
    /// Nobody settled in time: what is set aside may have been spent.
    ReservationExpired {
        /// The operation.
        op: String,
    },
    /// Events from elsewhere were counted.
    EventsTaken {
        /// The events.
        events: Events,
        /// Who paid for them.
        #[serde(default)]
        booked: Booked,
    },
    /// An event from elsewhere counts for something else from here on, or for nothing.
    EventCorrected {
        /// Names the correction once.
        id: String,
        /// Where the event happened.
        source: String,
        /// Its id.
        event: String,
        /// Number of the terms that it counts in.
        terms: u64,
        /// What it used so far; nothing if it has not come.
        before: Vec<Use>,
        /// What it used, as it counts from here on.
        uses: Vec<Use>,
        /// What that costs more; below zero: less.
        cost: Credits,
        /// Who paid, or got back.
        booked: Booked,
        /// What the event has paid in all.
        paid: Vec<Burn>,
    },
    /// An operation failed and its credits went back to the grants they came from.
    Refunded {
        /// The operation.
        op: String,
        /// What each grant got back.
        returns: Vec<Burn>,
        /// What is owed no more.
        #[serde(default, skip_serializing_if = "is_zero")]
        debt: Credits,
        /// What goes off the invoice.
        #[serde(default, skip_serializing_if = "is_zero")]
        overage: Credits,
        /// Part of that which went onto it under former plans of the open period.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        former: Vec<Invoiced>,
    },
}
