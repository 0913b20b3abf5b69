//! Commands → entries: what may happen to an account, decided on its state.
//!
//! A [`Session`] is one visit to the ledger at one instant: it first does what is due (`due.rs`),
//! then decides commands, and at its end asks for money if the rule says so (`top_up.rs`). Every
//! change is recorded as an entry and applied at once; the caller writes what [`Session::finish`]
//! returns as one journal row. A command that is refused has recorded nothing of its own.

use super::billing::BillingTerms;
use super::entry::{Entry, PlanRef};
use super::events::EventKey;
use super::grant::{Burn, Grant, GrantTerms, Rollover};
use super::operations::Debit;
use super::zero::Beyond;
use super::{GRANTS_MAX, Invoiced, Ledger, LedgerError, PastDebit, Reservation, SpendPeriod, uses};
use crate::plan::Plan;
use crate::units::{AccountId, Credits, Inexact, KeyId, Quantity, Timestamp};

/// How a debit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Debited {
    /// Credits are set aside for it, now or since it was first asked for.
    Held {
        /// How many, in all.
        amount: Credits,
        /// What its part that can be lowered was lowered to, in units.
        most: Option<Quantity>,
    },
    /// It has ended: it was settled, released or forgotten by whoever asked.
    Ended,
    /// The credits were burned, now or when the same operation was first asked for.
    Paid {
        /// What it cost.
        cost: Credits,
    },
    /// Nothing is left, and the plan serves on, degraded and for nothing.
    Restricted,
    /// The account could not pay.
    Short {
        /// What it would have cost.
        required: Credits,
        /// What there was to spend.
        available: Credits,
    },
    /// The key is not active in this account.
    KeyRefused,
    /// The key has spent what it may.
    KeyLimited {
        /// Which of its limits.
        period: SpendPeriod,
        /// The limit.
        limit: Credits,
        /// What it has spent.
        spent: Credits,
    },
    /// The plan has no such charge, or the amount cannot be computed exactly.
    Unpriced,
}

/// One visit to a ledger, at one instant.
#[derive(Debug)]
pub struct Session<'ledger> {
    pub(super) ledger: &'ledger mut Ledger,
    pub(super) now: Timestamp,
    entries: Vec<Entry>,
    pub(super) event_keys: Vec<(EventKey, usize)>,
}

/// What an operation was paid with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Payer {
    /// Credits that anybody could spend.
    Account,
    /// Credits that were set aside before.
    Lease,
}

/// The first entry of a journal; the operator ends the account's periods.
pub fn open(account: AccountId, plan: &Plan, plan_json: String) -> Entry {
    let plan = PlanRef::of(plan);
    Entry::AccountOpened { account, plan, plan_json, billing: None }
}

/// The same of an account whose contract says something about time.
pub fn open_billed(
    account: AccountId,
    plan: &Plan,
    plan_json: String,
    billing: BillingTerms,
) -> Entry {
    let plan = PlanRef::of(plan);
    Entry::AccountOpened { account, plan, plan_json, billing: Some(billing) }
}

impl<'ledger> Session<'ledger> {
    /// Starts a visit and does what is due. An instant before the ledger's clock is taken for the
    /// clock's: time never runs backward in a ledger; one after the end of the open period for that
    /// end: the period is to be closed first (`billing.rs`).
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn start(ledger: &'ledger mut Ledger, now: Timestamp) -> Result<Self, Inexact> {
        let (begins, now) = (ledger.has_just_begun(), ledger.reached(now));
        // What was due at the very instant that a period began waited for that.
        let since = ledger.clock.plus_millis(if begins { -1 } else { 0 });
        ledger.advance(now);
        let mut session = Self { ledger, now, entries: Vec::new(), event_keys: Vec::new() };
        if begins {
            session.pay_debt(now)?;
        }
        session.do_due(since)?;
        Ok(session)
    }

    /// The state as decided so far.
    pub fn ledger(&self) -> &Ledger {
        self.ledger
    }

    /// The instant of this visit.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Ends the visit. What is to be written: one journal row, or nothing if it is empty.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn finish(mut self) -> Result<Vec<Entry>, Inexact> {
        self.ask_for_top_up()?;
        Ok(self.entries)
    }

    /// What was recorded, without asking for money: the visit goes on with another row.
    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    pub(super) fn record(&mut self, entry: Entry) -> Result<(), Inexact> {
        self.ledger.apply(&entry, self.now)?;
        self.entries.push(entry);
        Ok(())
    }

    /// Grants with credits that have started, the first to burn first; past ones stand before all
    /// others, since what is left in them is held by isolates and waits for their reports.
    pub(super) fn in_burn_order(&self, at: Timestamp) -> Vec<&Grant> {
        let open = |grant: &&Grant| !grant.left.is_zero() && grant.effective_at <= at;
        let mut grants: Vec<&Grant> = self.ledger.grants.values().filter(open).collect();
        grants.sort_by_cached_key(|grant| (!grant.is_past(at), grant.burn_key()));
        grants
    }

    /// Who pays `amount`, in burn order; less than asked for if the grants hold less. What is left
    /// in a past grant pays for leases only.
    pub(super) fn plan_burns(
        &self,
        amount: Credits,
        payer: Payer,
        at: Timestamp,
    ) -> Result<Vec<Burn>, Inexact> {
        let (mut rest, mut burns) = (amount, Vec::new());
        for grant in self.in_burn_order(at) {
            if rest.is_zero() {
                break;
            }
            if payer == Payer::Account && grant.is_past(at) {
                continue;
            }
            let part = rest.min(grant.left);
            rest = rest.minus(part)?;
            burns.push(Burn { grant: grant.terms.id.clone(), amount: part });
        }
        Ok(burns)
    }

    /// Gives credits; the same terms again change nothing. Returns whether the grant is new.
    ///
    /// # Errors
    ///
    /// [`LedgerError`] in the order of its variants.
    pub fn grant(&mut self, terms: GrantTerms) -> Result<bool, LedgerError> {
        if terms.amount.is_negative() || terms.amount.is_zero() {
            return Err(LedgerError::AmountNotPositive { amount: terms.amount });
        }
        if let Some(known) = self.ledger.grants.get(&terms.id) {
            let same = known.terms == terms;
            return if same { Ok(false) } else { Err(LedgerError::GrantDiffers { id: terms.id }) };
        }
        let start = terms.effective_at.unwrap_or(self.now);
        if let Some(expires_at) = terms.expires_at.filter(|end| *end <= start.max(self.now)) {
            return Err(LedgerError::EndsBeforeStart { expires_at, start: start.max(self.now) });
        }
        if let Some(Rollover { min, max }) = terms.rollover
            && (min.is_negative() || min > max)
        {
            return Err(LedgerError::RolloverBounds { min, max });
        }
        if self.ledger.grants.len() >= GRANTS_MAX {
            return Err(LedgerError::Full { what: "grants", max: GRANTS_MAX });
        }
        // Refused here rather than when some later sum fails: the total must stay in range.
        self.ledger.given()?.plus(terms.amount)?;
        let grant = Grant::new(terms, start, self.now);
        self.record(Entry::CreditsGranted { grant })?;
        self.pay_debt(self.now)?;
        Ok(true)
    }

    /// Burns one operation, or says why not. The same operation id is burned once.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn debit(&mut self, plan: &Plan, debit: Debit) -> Result<Debited, Inexact> {
        if let Some(past) = self.ledger.debits.get(&debit.op) {
            return Ok(match past.restricted {
                true => Debited::Restricted,
                false => Debited::Paid { cost: past.cost },
            });
        }
        if !self.ledger.keys.get(&debit.key).is_some_and(|key| key.active) {
            return Ok(Debited::KeyRefused);
        }
        let Some(required) = self.price(plan, &debit) else { return Ok(Debited::Unpriced) };
        if let Some(limited) = self.limited(Some(&debit.key), required)? {
            return Ok(limited);
        }
        let available = self.ledger.available()?;
        let burns = self.plan_burns(required.min(available), Payer::Account, self.now)?;
        let debt = required.minus(Burn::total(&burns)?)?;
        let (terms, cost) = (None, required);
        if debt.is_zero() {
            let restricted = false;
            self.record(Entry::Debited { debit, terms, cost, burns, debt, restricted })?;
            return Ok(Debited::Paid { cost: required });
        }
        match self.beyond(plan, debt, Credits::ZERO)? {
            Beyond::Refuse => Ok(Debited::Short { required, available }),
            Beyond::Owe => {
                let restricted = false;
                self.record(Entry::Debited { debit, terms, cost, burns, debt, restricted })?;
                self.invoice_debt(plan)?;
                Ok(Debited::Paid { cost: required })
            }
            Beyond::Restrict => {
                let (cost, burns, debt) = (Credits::ZERO, Vec::new(), Credits::ZERO);
                let restricted = true;
                self.record(Entry::Debited { debit, terms, cost, burns, debt, restricted })?;
                Ok(Debited::Restricted)
            }
        }
    }

    /// Whether a key's own limit is in the way.
    pub(super) fn limited(
        &self,
        key: Option<&KeyId>,
        cost: Credits,
    ) -> Result<Option<Debited>, Inexact> {
        let Some(key) = key else { return Ok(None) };
        let Some(known) = self.ledger.keys.get(key) else { return Ok(Some(Debited::KeyRefused)) };
        if !known.is_limited() {
            return Ok(None);
        }
        let reserved = self.ledger.reservations.values();
        let reserved = reserved.filter(|held| held.key.as_ref() == Some(key));
        let mut reserved = reserved.map(Reservation::at_most);
        let cost = reserved.try_fold(cost, |sum, part| sum.plus(part?))?;
        let exceeded = known.exceeded(cost, self.now)?;
        Ok(exceeded.map(|(period, limit, spent)| Debited::KeyLimited { period, limit, spent }))
    }

    fn price(&self, plan: &Plan, debit: &Debit) -> Option<Credits> {
        uses::rate(plan, &self.ledger.usage, &[debit.used()])?.cost().ok()
    }

    /// The plan of former terms and their number, if they are remembered: forgotten ones are long
    /// past, and what they left is rated as of today.
    pub(super) fn served_under(&self, terms: u64) -> (Option<Plan>, Option<u64>) {
        let past = self.ledger.past_plan(terms).map(Plan::parse).and_then(Result::ok);
        let terms = past.as_ref().map(|_| terms);
        (past, terms)
    }

    /// Gives an operation's credits back to the grants they came from, once; one that is reserved
    /// ends. An operation that is not known is noted as refunded: should its debit arrive later, it
    /// burns nothing.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn refund(&mut self, op: &str) -> Result<(), Inexact> {
        if self.ledger.reservations.contains_key(op) {
            self.record(Entry::ReservationReleased { op: op.to_owned() })?;
        }
        let entry = match self.ledger.debits.get(op) {
            Some(past) if past.refunded => return Ok(()),
            Some(PastDebit { burns, debt, overage, .. }) => Entry::Refunded {
                op: op.to_owned(),
                returns: burns.clone(),
                debt: *debt,
                overage: Credits::sum(overage.iter().map(|Invoiced(_, amount)| *amount))?,
                former: self.ledger.of_former_plans(overage),
            },
            None => {
                let (debt, overage, former) = (Credits::ZERO, Credits::ZERO, Vec::new());
                Entry::Refunded { op: op.to_owned(), returns: Vec::new(), debt, overage, former }
            }
        };
        self.record(entry)?;
        self.settle_what_came_back()
    }
}
