//! Entries → state: the only code that changes a ledger, live and in replay alike.
//!
//! Invariant (tested in `tests/ledger`, and with every seed of `simulation`): rebuilding a ledger
//! from its journal gives the live state, bit for bit, and a changed, dropped or reordered row is
//! found by number.

mod events;
mod grants;
mod leases;
mod reservations;
mod terms;

use super::billing::BillingTerms;
use super::entry::Entry;
use super::grant::Burn;
use super::operations::{Debit, Flying, Operations};
use super::{
    COMMAND_MEMORY_MS, Command, DEBITS_MIN, Invoiced, Key, Lease, Ledger, MEMORY_MS, PastCommand,
    PastDebit, Replay, Row, TopUp, Totals, uses,
};
use crate::plan::Combination;
use crate::units::{ChargeId, Credits, GrantId, Inexact, KeyId, Quantity, Timestamp};

/// No dimension values.
const NONE: Combination = Combination::new();

/// Why a journal could not be replayed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// Rows must count 1, 2, 3, …
    #[error("row {expected} is missing: row {found} stands in its place")]
    Gap {
        /// The number expected.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// The journal is shorter than it was.
    #[error("row {n} is missing: the journal ends before it")]
    Ends {
        /// The first row that is missing.
        n: u64,
    },
    /// The row's bytes are not those that were hashed.
    #[error("row {n} was changed: its hash does not follow from the row before and its body")]
    Changed {
        /// The row.
        n: u64,
    },
    /// The body is not a list of entries, or they do not fit the state.
    #[error("row {n} cannot be applied: {why}")]
    Unfit {
        /// The row.
        n: u64,
        /// What does not fit.
        why: String,
    },
    /// The first entry must open the account.
    #[error("journal is empty or does not open an account")]
    NotOpened,
}

impl ReplayError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Gap { .. } | Self::Ends { .. } => "row_missing",
            Self::Changed { .. } => "row_changed",
            Self::Unfit { .. } => "row_unfit",
            Self::NotOpened => "row_not_opening",
        }
    }

    /// The first row at fault.
    pub fn row(&self) -> u64 {
        match self {
            Self::Gap { expected: n, .. }
            | Self::Ends { n }
            | Self::Changed { n }
            | Self::Unfit { n, .. } => *n,
            Self::NotOpened => 1,
        }
    }
}

impl Ledger {
    /// Rebuilds a ledger from its journal, checking the hash chain.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] with the number of the first row at fault.
    pub fn replay<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Result<Self, ReplayError> {
        let mut replay = Replay::default();
        rows.into_iter().try_for_each(|row| replay.take(row))?;
        replay.into_parts().map(|(ledger, _)| ledger).ok_or(ReplayError::NotOpened)
    }

    /// Applies the entries of one row to a ledger, or opens it with the first one.
    pub(super) fn apply_row(
        ledger: &mut Option<Self>,
        row: &Row,
        entries: &[Entry],
    ) -> Result<(), ReplayError> {
        let unfit = |e: Inexact| ReplayError::Unfit { n: row.n, why: e.to_string() };
        for entry in entries {
            match ledger {
                Some(ledger) => ledger.apply(entry, row.at).map_err(unfit)?,
                None => *ledger = Some(Self::opened(entry, row.at).ok_or(ReplayError::NotOpened)?),
            }
        }
        Ok(())
    }

    /// The ledger that an `account_opened` entry starts.
    pub fn opened(entry: &Entry, at: Timestamp) -> Option<Self> {
        let Entry::AccountOpened { account, plan, plan_json, billing } = entry else { return None };
        Some(Self {
            account: account.clone(),
            plan: plan.clone(),
            plan_json: plan_json.clone(),
            period: billing.as_ref().and_then(BillingTerms::first),
            billing: billing.clone(),
            clock: at,
            grants: Default::default(),
            keys: Default::default(),
            keys_revision: 0,
            leases: Default::default(),
            reservations: Default::default(),
            debits: Default::default(),
            forgotten: Timestamp::default(),
            commands: Default::default(),
            usage: Default::default(),
            top_ups: Default::default(),
            terms: 0,
            past_terms: Default::default(),
            period_from: Timestamp::default(),
            event_burns: Vec::new(),
            totals: Totals::default(),
        })
    }

    /// Applies one entry that was decided at `at`.
    pub(super) fn apply(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Inexact> {
        self.advance(at);
        match entry {
            Entry::AccountOpened { .. } | Entry::PeriodBilled { .. } => Ok(()),
            Entry::PlanChanged { plan, plan_json } => self.change_plan(plan, plan_json),
            Entry::KeyCreated { key } => self.change_key(key, |key| key.active = true),
            Entry::KeyDisabled { key } => self.change_key(key, |key| key.active = false),
            Entry::KeyLimited { key, limits } => self.change_key(key, |key| key.limits = *limits),
            Entry::CreditsGranted { grant } => self.add_grant(grant),
            Entry::GrantExpired { lost } => self.expire(lost),
            Entry::GrantRefilled { grant, lost, added, next } => {
                self.refill(grant, *lost, *added, *next)
            }
            Entry::GrantTermsChanged { grant, terms, next } => {
                self.change_grant(grant, terms, *next);
                Ok(())
            }
            Entry::GrantVoided { grant } => self.void(grant),
            Entry::Adjusted { adjustment, taken } => {
                self.note(&adjustment.id, Command::Adjust(adjustment.clone()));
                self.adjust(adjustment, taken)
            }
            Entry::PeriodClosed { id, rolled, overage, forgive_debt, forgiven, closed } => {
                self.close_period(rolled, *overage, *forgiven)?;
                match closed {
                    Some(closed) => self.end_period(closed),
                    None => self.note(id, Command::ClosePeriod { forgive_debt: *forgive_debt }),
                }
                Ok(())
            }
            Entry::DebtSettled { burns, overage } => self.settle_debt(burns, *overage),
            Entry::LeaseGranted { lease, seq, amount, release_at } => {
                self.grant_lease(lease, *seq, *amount, *release_at)
            }
            Entry::UsageReported { .. } => self.apply_report(entry),
            Entry::LeaseEnded { lease, unreported } => self.end_lease(lease, *unreported),
            Entry::UnreportedReturned { id, amount } => {
                self.note(id, Command::ReturnUnreported { amount: *amount });
                self.return_unreported(*amount)
            }
            Entry::Debited { debit, terms, cost, burns, debt, restricted } => {
                if !restricted {
                    self.count(*terms, &debit.charge, &NONE, debit.quantity)?;
                }
                let past = PastDebit::paid(self.clock, *cost, burns.clone(), *debt);
                self.apply_debit(debit, PastDebit { restricted: *restricted, ..past })
            }
            Entry::Reserved { .. } => self.reserve(entry),
            Entry::ReservationSettled { .. } => self.settle_reservation(entry),
            Entry::ReservationReleased { op } => self.end_reservation(op, true),
            Entry::ReservationExpired { op } => self.expire_reservation(op),
            Entry::TopUpRuleSet { .. } | Entry::TopUpAsked { .. } | Entry::TopUpFailed { .. } => {
                self.apply_top_up(entry);
                Ok(())
            }
            Entry::EventsTaken { .. } | Entry::EventCorrected { .. } => self.apply_events(entry),
            Entry::Refunded { op, returns, debt, overage, former } => {
                self.apply_refund(op, returns, *debt, *overage)?;
                former.iter().try_for_each(|Invoiced(terms, amount)| {
                    self.invoice_former(*terms, Credits::ZERO.minus(*amount)?)
                })
            }
        }
    }

    fn apply_report(&mut self, entry: &Entry) -> Result<(), Inexact> {
        let Entry::UsageReported {
            lease,
            terms,
            used,
            returned,
            operations,
            shortfall,
            burns,
            flying,
            ..
        } = entry
        else {
            return Ok(());
        };
        self.count_all(*terms, operations)?;
        self.report(lease, *used, *returned, operations)?;
        for Flying { op, cost, burns, debt } in flying {
            self.remember(op, PastDebit::paid(self.clock, *cost, burns.clone(), *debt));
        }
        self.totals.unpaid = self.totals.unpaid.plus(shortfall.unpaid)?;
        self.totals.debt = self.totals.debt.plus(shortfall.debt)?;
        self.burn(burns)
    }

    fn apply_debit(&mut self, debit: &Debit, past: PastDebit) -> Result<(), Inexact> {
        let key = self.count_key(&debit.key, past.cost)?;
        self.totals.debt = self.totals.debt.plus(past.debt)?;
        self.burn(&past.burns)?;
        self.remember(&debit.op, PastDebit { key, ..past });
        Ok(())
    }

    fn apply_refund(
        &mut self,
        op: &str,
        returns: &[Burn],
        debt: Credits,
        overage: Credits,
    ) -> Result<(), Inexact> {
        if !self.debits.contains_key(op) {
            let nothing = PastDebit::paid(self.clock, Credits::ZERO, Vec::new(), Credits::ZERO);
            self.remember(op, nothing);
        }
        let Some(past) = self.debits.get_mut(op) else { return self.unburn(returns) };
        if let Some(key) = past.key.take()
            && let Some(key) = self.keys.get_mut(&key)
        {
            key.uncount(past.cost, past.at)?;
        }
        past.burns.clear();
        (past.debt, past.overage, past.refunded) = (Credits::ZERO, Vec::new(), true);
        self.totals.debt = self.totals.debt.minus(debt)?;
        self.totals.overage = self.totals.overage.minus(overage)?;
        self.unburn(returns)
    }

    fn apply_top_up(&mut self, entry: &Entry) {
        match entry {
            Entry::TopUpRuleSet { rule } => self.top_ups.rule = *rule,
            Entry::TopUpAsked { id, amount } => {
                self.top_ups.asked = self.top_ups.asked.saturating_add(1);
                if !amount.is_zero() {
                    self.top_ups.last = Some(self.clock);
                    let top_up = TopUp { at: self.clock, amount: *amount };
                    self.top_ups.pending.insert(id.clone(), top_up);
                }
            }
            Entry::TopUpFailed { id } => {
                self.top_ups.pending.remove(id);
            }
            _ => {}
        }
    }

    /// Moves the clock and forgets what is too old to be asked for again. What is forgotten depends
    /// on the clock alone, so it needs no entry: replay and then `advance` to the same instant give
    /// the live state.
    pub fn advance(&mut self, at: Timestamp) {
        if at <= self.clock {
            return;
        }
        self.clock = at;
        let old = |then: Timestamp| at.millis_since(then) > MEMORY_MS;
        self.debits.retain(|_, past| !old(past.at));
        let empty = |lease: &Lease| lease.outstanding().is_ok_and(Credits::is_zero);
        self.leases.retain(|_, lease| match lease.ended_at {
            Some(ended_at) => !old(ended_at),
            None => !(old(lease.release_at) && empty(lease)),
        });
        self.reservations.retain(|_, held| !held.expired_at.is_some_and(old));
        // Events are corrected under the terms that they were counted under, and those of the open
        // period are billed.
        let open = self.first_terms();
        self.past_terms.retain(|number, past| {
            *number >= open || at.millis_since(past.until) <= COMMAND_MEMORY_MS
        });
        self.commands.retain(|_, past| at.millis_since(past.at) <= COMMAND_MEMORY_MS);
    }

    /// Remembers a debit. A quarter is forgotten at once, the oldest, when there are too many: the
    /// work of that is shared by a thousand debits.
    fn remember(&mut self, op: &str, past: PastDebit) {
        self.debits.insert(op.to_owned(), past);
        let most = DEBITS_MIN.saturating_add(DEBITS_MIN / 4);
        if self.debits.len() <= most {
            return;
        }
        let mut ages: Vec<(Timestamp, String)> =
            self.debits.iter().map(|(op, past)| (past.at, op.clone())).collect();
        ages.sort_unstable();
        for (at, op) in ages.iter().take(DEBITS_MIN / 4) {
            self.debits.remove(op);
            self.forgotten = self.forgotten.max(*at);
        }
    }

    fn note(&mut self, id: &GrantId, command: Command) {
        self.commands.insert(id.clone(), PastCommand { at: self.clock, command });
    }

    fn change_key(&mut self, id: &KeyId, change: impl FnOnce(&mut Key)) -> Result<(), Inexact> {
        change(self.keys.entry(id.clone()).or_insert_with(|| Key::new(true)));
        self.keys_revision = self.keys_revision.saturating_add(1);
        Ok(())
    }

    /// Counts the use of a report towards the terms that it was served under.
    fn count_all(&mut self, terms: Option<u64>, operations: &Operations) -> Result<(), Inexact> {
        // Summed by route first: replay spends its time here.
        let mut sums = vec![Quantity::ZERO; operations.routes.len()];
        for operation in &operations.list {
            if let Some(sum) = sums.get_mut(usize::from(operation.0)) {
                *sum = sum.plus(operation.2)?;
            }
        }
        for ((_, charge), sum) in operations.routes.iter().zip(sums) {
            self.count(terms, charge, &NONE, sum)?;
        }
        Ok(())
    }

    /// Counts a cost for a key that has a limit; which key that was, if it was one.
    fn count_key(&mut self, id: &KeyId, cost: Credits) -> Result<Option<KeyId>, Inexact> {
        let (now, known) = (self.clock, self.keys.get_mut(id));
        let Some(key) = known.filter(|key| key.is_limited()) else { return Ok(None) };
        key.count(cost, now)?;
        Ok(Some(id.clone()))
    }

    /// Counts use towards former terms, or today's.
    fn count(
        &mut self,
        terms: Option<u64>,
        charge: &ChargeId,
        of: &Combination,
        quantity: Quantity,
    ) -> Result<(), Inexact> {
        uses::count(self.usages_under(terms.unwrap_or(self.terms)), charge, of, quantity)
    }
}
