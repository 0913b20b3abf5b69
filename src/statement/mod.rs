//! A period as its invoice sees it: everything that the invoice is a function of, as data.
//!
//! ```text
//! account object ── JSON ──▶ Statement ─┬─ bill ───────▶ the invoice as it would be written now
//!                                       ├─ projected ──▶ the same at the period's end
//!                                       ├─ what_if ────▶ beside other use, another plan, a commit
//!                                       └─ fit ────────▶ which pricing model this use asks for
//! ```
//!
//! ```json
//! { "account": "acme", "at": 1795392000000,
//!   "contract": { "id": "acme", "from": "2026-11-01", "zone": { "name": "UTC", "offset": 0 } },
//!   "period": { "index": 0, "first": "2026-11-01", "until": "2026-12-01", "start": …, "end": … },
//!   "stretches": [ { "from": …, "until": …, "plan": {…}, "usage": { "input": {"total": "7"} },
//!                    "seats": {}, "covered": "1234.5" } ],
//!   "grants": [ { "id", "kind", "priority", "amount", "left", "burned", "effective_at",
//!                 "expires_at"?, "of_plan"? } ],
//!   "billed_ahead": [], "ahead": 1, "payments": [ { "id", "amount" } ], "balance": {…},
//!   "journal": { "after": 0, "terms": 0, "rows": 17, "hash": "…" } }
//! ```
//!
//! The edge, the browser and the command line ask the same statement by the same code: what the
//! customer watches is what is billed. Invariants: a statement that loads has the period that its
//! contract gives it, and stretches that lie in it one after the other; nothing here knows a clock.

mod account;
mod bill;
mod check;
mod error;
mod fit;
mod other;
mod part;
mod scale;
mod side;
mod what_if;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use account::{Finalized, InvoiceSummary, Step, close_over, retry};
pub(crate) use bill::Billed;
pub use bill::{Bill, BurnReason, BurnRule, ChargeBill, GrantBill, NoInvoice, Rated, RatedError};
pub use error::StatementError;
pub use fit::{Candidate, Costs, Fit, Model, ModelFit, Reason, ReasonCode, Spread};
pub use scale::PLACES;
pub use side::{PlanName, Side, SideCredits, SideLine};
pub use what_if::{Outcome, Scenario};

use crate::calendar::Zone;
use crate::invoice::BilledFee;
use crate::json::{Json, from_text};
use crate::ledger::{Balance, Grant, GrantKind};
use crate::plan::Plan;
use crate::rating::Usage;
use crate::units::{
    AccountId, Amount, ChargeId, ContractId, Credits, Date, GrantId, MeterId, Quantity, Timestamp,
    once_each,
};

/// A period as its invoice sees it: see the head of this file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The customer.
    pub account: AccountId,
    /// When it was made.
    pub at: Timestamp,
    /// The terms that time is cut by.
    pub contract: ContractTerms,
    /// The period that it is of.
    pub period: PeriodTerms,
    /// The plans that were in force, one after the other; the last one to the period's end.
    pub stretches: Vec<PlanStretch>,
    /// Grants that burned in the period, or that have something left.
    pub grants: Vec<GrantTaken>,
    /// Fees of the period that an earlier invoice billed.
    pub billed_ahead: Vec<BilledFee>,
    /// Index of the period that the invoice opens: its fees in advance are billed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<i32>,
    /// Money that may pay, first to last, in the plan's currency.
    pub payments: Vec<PaymentTerms>,
    /// How the account stands.
    pub balance: Balance,
    /// Where in the journal all of it is written.
    pub journal: JournalRange,
}

/// What a contract says about time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContractTerms {
    /// Which contract.
    pub id: ContractId,
    /// First day of period 0. A period lasts as long as the plan at its start says.
    pub from: Date,
    /// Where midnight is.
    pub zone: Zone,
}

/// A billing period, as days and as instants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PeriodTerms {
    /// Position in the contract, from 0.
    pub index: i32,
    /// First day inside.
    pub first: Date,
    /// First day after.
    pub until: Date,
    /// First instant inside.
    pub start: Timestamp,
    /// First instant after.
    pub end: Timestamp,
}

/// A part of the period under one plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanStretch {
    /// First instant inside.
    pub from: Timestamp,
    /// First instant after.
    pub until: Timestamp,
    /// The plan, with the contract's own terms in it.
    #[serde(serialize_with = "write_plan", deserialize_with = "read_plan")]
    pub plan: Plan,
    /// What was used, by charge; a charge that is left out was not used.
    #[serde(deserialize_with = "once_each::deserialize")]
    pub usage: BTreeMap<ChargeId, Usage>,
    /// What the meters of fees count.
    #[serde(deserialize_with = "once_each::deserialize")]
    pub seats: BTreeMap<MeterId, Quantity>,
    /// Credits of this use that grants have paid.
    pub covered: Credits,
}

/// A grant, as far as the period is concerned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantTaken {
    /// Which grant.
    pub id: GrantId,
    /// Where its credits came from.
    pub kind: GrantKind,
    /// 0 burns first, 255 last.
    pub priority: u8,
    /// Credits of one step of it.
    pub amount: Credits,
    /// Credits that can still be spent.
    pub left: Credits,
    /// Credits that paid for use of this period.
    pub burned: Credits,
    /// First instant at which it can be spent.
    pub effective_at: Timestamp,
    /// When what is left is lost: its expiry, or the end of a step that keeps nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Its name in the plan that it came with, if it came with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_plan: Option<GrantId>,
}

/// Money that the customer has given, and that may pay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentTerms {
    /// The deposit or the credit note that it comes from.
    pub id: String,
    /// How much of it may be used, in the plan's currency.
    pub amount: Amount,
}

/// The rows of the journal that a statement was made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JournalRange {
    /// The row before the period's first; 0 if there is none.
    pub after: u64,
    /// Number of the terms that its first row follows: operations name the terms that they were
    /// served under.
    #[serde(default)]
    pub terms: u64,
    /// The last row.
    pub rows: u64,
    /// Its hash.
    pub hash: String,
}

impl Statement {
    /// Reads and checks a statement. Its plans are checked here, once.
    ///
    /// # Errors
    ///
    /// [`StatementError`]: not a statement, or one that contradicts itself.
    pub fn parse(text: &str) -> Result<Self, StatementError> {
        let statement: Self = from_text(text)
            .map_err(|error| StatementError::NotJson { reason: error.to_string() })?;
        statement.check()?;
        Ok(statement)
    }
}

impl GrantTaken {
    /// A grant of the ledger that has burned so much in the period.
    pub fn of(grant: &Grant, burned: Credits) -> Self {
        Self {
            id: grant.terms.id.clone(),
            kind: grant.terms.kind,
            priority: grant.terms.priority,
            amount: grant.terms.amount,
            left: grant.left,
            burned,
            effective_at: grant.effective_at,
            expires_at: grant.terms.expires_at.into_iter().chain(grant.lost_at()).min(),
            of_plan: grant.of_plan.clone(),
        }
    }
}

fn write_plan<S: Serializer>(plan: &Plan, to: S) -> Result<S::Ok, S::Error> {
    plan.spec().serialize(to)
}

fn read_plan<'de, D: Deserializer<'de>>(from: D) -> Result<Plan, D::Error> {
    Plan::read(&Json::deserialize(from)?).map_err(serde::de::Error::custom)
}
