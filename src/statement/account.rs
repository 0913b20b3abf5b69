//! The statement of an account, from its ledger; and the period that is over, with its bill.
//!
//! ```text
//! ledger, position ─▶ Statement ── finalize ─▶ Finalized { {"statement","bill"}, SHA-256 }
//! ```
//!
//! What grants did not pay of a stretch is what the ledger books as overage in it: `covered` is the
//! rest of what its use came to, so that an invoice bills exactly what the ledger says, late
//! reports and refunds included. Invariant: a period that is over has a text to keep, whatever its
//! plans make of it: a bill without an invoice says why.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::bill::burned;
use super::{
    Bill, ContractTerms, GrantTaken, JournalRange, NoInvoice, PeriodTerms, PlanStretch, Statement,
    StatementError,
};
use crate::invoice::{BilledFee, LifecycleError};
use crate::ledger::{Entry, Grant, Ledger, PlanUse, Position, Session};
use crate::plan::{ChargeUnit, Plan};
use crate::rating;
use crate::units::{ContractId, Credits, Date, Inexact, Quantity, Timestamp};

/// A period that is over, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finalized {
    /// The JSON that is kept: `{"statement": …, "bill": …}`.
    pub text: String,
    /// SHA-256 of it, in hex.
    pub hash: String,
    /// What a list of invoices says of it.
    pub summary: InvoiceSummary,
    /// The next period's fees that it bills in advance.
    pub fees: Vec<BilledFee>,
}

/// One line in the list of an account's invoices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvoiceSummary {
    /// Position of its period in the contract.
    pub index: i32,
    /// First day of the period.
    pub first: Date,
    /// First day after.
    pub until: Date,
    /// Net and tax; nothing if there is no invoice.
    pub total: Option<String>,
    /// What is left to pay of it.
    pub due: Option<String>,
    /// The currency of both.
    pub currency: Option<String>,
    /// `finalized`; `none` if there is no invoice.
    pub status: String,
    /// SHA-256 of the JSON that is kept, in hex.
    pub hash: String,
}

/// What comes next for an account whose period is over: one row of its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// What was due before the period's end: its last row.
    Due(Vec<Entry>),
    /// The period is closed; to be written with what is kept of it.
    Closed(Vec<Entry>, Box<Finalized>),
}

/// What is kept.
#[derive(Serialize)]
struct Kept<'a> {
    statement: &'a Statement,
    bill: &'a Bill,
}

/// Does the next step towards closing the period of an account that is over at `now`
/// ([`Ledger::is_period_over`]); `position` is where its journal stands. Whoever calls writes what
/// comes back, and asks again until no period is over.
///
/// # Errors
///
/// As [`Statement::of`] and [`Statement::finalize`]; [`StatementError::Ledger`] if none is over.
pub fn close_over(
    ledger: &mut Ledger,
    plan: &Plan,
    position: &Position,
    billed_ahead: Vec<BilledFee>,
    now: Timestamp,
) -> Result<Step, StatementError> {
    let mut session = Session::start(ledger, now)?;
    session.prepare_close(plan)?;
    let due = session.finish()?;
    if !due.is_empty() {
        return Ok(Step::Due(due));
    }
    let kept = Statement::of(ledger, position, billed_ahead)?.finalize()?;
    let row = position.n.saturating_add(1);
    let entries = Session::start(ledger, now)?.close_over(kept.hash.clone(), row)?;
    Ok(Step::Closed(entries, Box::new(kept)))
}

impl Statement {
    /// The statement of an account's open period, as its journal stands. `billed_ahead` are the
    /// fees that the invoice before it billed.
    ///
    /// # Errors
    ///
    /// [`StatementError::ByOperator`] if no calendar ends the account's periods;
    /// [`StatementError::Ledger`], [`StatementError::Rated`], [`StatementError::Inexact`].
    pub fn of(
        ledger: &Ledger,
        position: &Position,
        billed_ahead: Vec<BilledFee>,
    ) -> Result<Self, StatementError> {
        let (Some(terms), Some(open)) = (ledger.billing(), ledger.period()) else {
            return Err(StatementError::ByOperator);
        };
        let schedule = terms.schedule();
        let period = schedule.period(open.index)?;
        let next = open.index.saturating_add(1);
        let stretches = ledger.stretches()?;
        let at = ledger.clock();
        let mut grants: Vec<&Grant> = ledger.grants().values().collect();
        grants.retain(|grant| !(grant.left.is_zero() && grant.burned.is_zero()));
        grants.sort_by_cached_key(|grant| (!grant.is_past(at), grant.burn_key()));
        let id: ContractId = ledger.account().as_str().parse().map_err(|_| Inexact)?;
        Ok(Self {
            account: ledger.account().clone(),
            at,
            contract: ContractTerms { id, from: terms.from, zone: terms.zone.clone() },
            period: PeriodTerms::from(period),
            stretches: stretches.into_iter().map(stretch).collect::<Result<_, _>>()?,
            grants: grants.into_iter().map(|grant| GrantTaken::of(grant, grant.burned)).collect(),
            billed_ahead,
            ahead: schedule.period(next).is_ok().then_some(next),
            payments: Vec::new(),
            balance: ledger.balance()?,
            journal: JournalRange {
                after: open.after,
                terms: open.terms,
                rows: position.n,
                hash: position.hash.clone(),
            },
        })
    }

    /// What is kept of the period now that it is over.
    ///
    /// # Errors
    ///
    /// [`StatementError::NotJson`] if it cannot be written down.
    pub fn finalize(&self) -> Result<Finalized, StatementError> {
        let mut bill = self.bill().unwrap_or_else(|error| Bill {
            invoice: None,
            no_invoice: Some(NoInvoice { code: error.code(), message: error.to_string() }),
            charges: Vec::new(),
            grants: burned(&self.grants),
        });
        let step = |error: LifecycleError| StatementError::NotJson { reason: error.to_string() };
        let invoice = bill.invoice.take();
        bill.invoice = invoice.map(|draft| draft.finalize(self.at).map_err(step)).transpose()?;
        let kept = serde_json::to_string(&Kept { statement: self, bill: &bill });
        let text = kept.map_err(|error| StatementError::NotJson { reason: error.to_string() })?;
        let hash: String =
            Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        let PeriodTerms { index, first, until, .. } = self.period;
        let invoice = bill.invoice.as_ref();
        let summary = InvoiceSummary {
            index,
            first,
            until,
            total: invoice.map(|invoice| invoice.totals.total.to_string()),
            due: invoice.map(|invoice| invoice.totals.due.to_string()),
            currency: invoice.map(|invoice| invoice.currency.to_string()),
            status: invoice.map_or("none", |invoice| invoice.status.name()).to_owned(),
            hash: hash.clone(),
        };
        let fees = invoice.map(|invoice| BilledFee::among(&invoice.lines)).unwrap_or_default();
        Ok(Finalized { text, hash, summary, fees })
    }
}

fn stretch(part: PlanUse) -> Result<PlanStretch, StatementError> {
    let PlanUse { from, until, plan, usage, overage } = part;
    let mut burned = Credits::ZERO;
    let in_credits = |charge: &&crate::plan::Charge| charge.unit() == ChargeUnit::Credits;
    for charge in plan.charges().iter().filter(in_credits) {
        let Some(used) = usage.get(charge.id()) else { continue };
        let fail = |reason| super::RatedError { charge: charge.id().clone(), reason };
        let amount = rating::running(charge, used).map_err(fail)?;
        burned = burned.plus(amount.credits().map_err(|_| Inexact)?)?;
    }
    let covered = burned.minus(overage)?;
    Ok(PlanStretch { from, until, seats: seats(&plan), plan, usage, covered })
}

/// The account counts no seats: events of such meters are refused.
fn seats(plan: &Plan) -> std::collections::BTreeMap<crate::units::MeterId, Quantity> {
    let meters = plan.spec().fees.iter().filter_map(|fee| fee.meter.clone());
    meters.map(|meter| (meter, Quantity::default())).collect()
}
