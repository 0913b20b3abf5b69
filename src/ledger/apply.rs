//! Entries → state: the only code that changes a ledger, live and in replay alike.
//!
//! Invariant (tested in `tests/ledger_laws.rs`): rebuilding a ledger from its journal gives the
//! live state, bit for bit, and a changed, dropped or reordered row is found by number.

use super::entry::{Entry, Flying, Operations, Row};
use super::grant::{Burn, Grant};
use super::{
    DEBITS_MIN, Lease, Ledger, MEMORY_MS, PastDebit, PastReturn, RETURN_MEMORY_MS, Replay, Totals,
};
use crate::units::{ChargeId, Credits, GrantId, Inexact, KeyId, Quantity, Timestamp};

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
        let Entry::AccountOpened { account, plan, plan_json } = entry else { return None };
        Some(Self {
            account: account.clone(),
            plan: plan.clone(),
            plan_json: plan_json.clone(),
            clock: at,
            grants: Default::default(),
            keys: Default::default(),
            keys_revision: 0,
            leases: Default::default(),
            debits: Default::default(),
            returns: Default::default(),
            usage: Default::default(),
            totals: Totals::default(),
        })
    }

    /// Applies one entry that was decided at `at`.
    pub(super) fn apply(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Inexact> {
        self.advance(at);
        match entry {
            Entry::AccountOpened { .. } => Ok(()),
            Entry::KeyCreated { key } => self.set_key(key.clone(), true),
            Entry::KeyDisabled { key } => self.set_key(key.clone(), false),
            Entry::CreditsGranted { grant } => self.add_grant(grant),
            Entry::GrantExpired { lost } => self.expire(lost),
            Entry::LeaseGranted { lease, seq, amount, release_at } => {
                self.grant_lease(lease, *seq, *amount, *release_at)
            }
            Entry::UsageReported { lease, used, returned, operations, unpaid, burns, flying } => {
                self.report(lease, *used, *returned, operations)?;
                for Flying { op, cost, burns } in flying {
                    let past = PastDebit { at: self.clock, cost: *cost, burns: burns.clone() };
                    self.remember(op, past);
                }
                self.totals.unpaid = self.totals.unpaid.plus(*unpaid)?;
                self.burn(burns)
            }
            Entry::LeaseEnded { lease, unreported } => self.end_lease(lease, *unreported),
            Entry::UnreportedReturned { id, amount } => self.return_unreported(id, *amount),
            Entry::Debited { debit, cost, burns } => {
                self.count(&debit.charge, debit.quantity)?;
                let past = PastDebit { at: self.clock, cost: *cost, burns: burns.clone() };
                self.remember(&debit.op, past);
                self.burn(burns)
            }
            Entry::Refunded { op, returns } => {
                let nothing = PastDebit { at: self.clock, cost: Credits::ZERO, burns: Vec::new() };
                self.debits.entry(op.clone()).or_insert(nothing).burns.clear();
                self.unburn(returns)
            }
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
        self.returns.retain(|_, past| at.millis_since(past.at) <= RETURN_MEMORY_MS);
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
        for (_, op) in ages.iter().take(DEBITS_MIN / 4) {
            self.debits.remove(op);
        }
    }

    fn set_key(&mut self, key: KeyId, active: bool) -> Result<(), Inexact> {
        self.keys.insert(key, active);
        self.keys_revision = self.keys_revision.saturating_add(1);
        Ok(())
    }

    fn add_grant(&mut self, grant: &Grant) -> Result<(), Inexact> {
        self.totals.left = self.totals.left.plus(grant.left)?;
        self.grants.insert(grant.terms.id.clone(), grant.clone());
        Ok(())
    }

    fn expire(&mut self, lost: &Burn) -> Result<(), Inexact> {
        self.take(lost)?;
        self.totals.expired = self.totals.expired.plus(lost.amount)?;
        Ok(())
    }

    fn burn(&mut self, burns: &[Burn]) -> Result<(), Inexact> {
        for burn in burns {
            self.take(burn)?;
            self.totals.burned = self.totals.burned.plus(burn.amount)?;
        }
        Ok(())
    }

    fn take(&mut self, burn: &Burn) -> Result<(), Inexact> {
        self.totals.left = self.totals.left.minus(burn.amount)?;
        if let Some(grant) = self.grants.get_mut(&burn.grant) {
            grant.left = grant.left.minus(burn.amount)?;
        }
        Ok(())
    }

    fn unburn(&mut self, returns: &[Burn]) -> Result<(), Inexact> {
        for back in returns {
            self.totals.left = self.totals.left.plus(back.amount)?;
            self.totals.burned = self.totals.burned.minus(back.amount)?;
            if let Some(grant) = self.grants.get_mut(&back.grant) {
                grant.left = grant.left.plus(back.amount)?;
            }
        }
        Ok(())
    }

    fn grant_lease(
        &mut self,
        id: &str,
        seq: u64,
        amount: Credits,
        release_at: Timestamp,
    ) -> Result<(), Inexact> {
        let fresh = || Lease {
            granted: Credits::ZERO,
            used: Credits::ZERO,
            returned: Credits::ZERO,
            released: Credits::ZERO,
            reported: 0,
            seq,
            release_at,
            ended_at: None,
        };
        let lease = self.leases.entry(id.to_owned()).or_insert_with(fresh);
        lease.granted = lease.granted.plus(amount)?;
        lease.seq = seq;
        lease.release_at = release_at;
        Ok(())
    }

    fn report(
        &mut self,
        id: &str,
        used: Credits,
        returned: Credits,
        operations: &Operations,
    ) -> Result<(), Inexact> {
        // Summed by route first: replay spends its time here.
        let mut sums = vec![Quantity::ZERO; operations.routes.len()];
        for operation in &operations.list {
            if let Some(sum) = sums.get_mut(usize::from(operation.0)) {
                *sum = sum.plus(operation.2)?;
            }
        }
        for ((_, charge), sum) in operations.routes.iter().zip(sums) {
            self.count(charge, sum)?;
        }
        let Some(lease) = self.leases.get_mut(id) else { return Ok(()) };
        let before = lease.outstanding()?;
        (lease.used, lease.returned) = (used, returned);
        let after = lease.outstanding()?;
        if after.is_negative() {
            // It was released: what turns out to be used was not given back after all.
            lease.released = lease.released.plus(after)?;
        }
        if lease.ended_at.is_some() {
            let settled = before.minus(lease.outstanding()?)?;
            self.totals.unreported = self.totals.unreported.minus(settled)?;
        }
        let count = u64::try_from(operations.list.len()).unwrap_or(u64::MAX);
        lease.reported = lease.reported.max(operations.from.saturating_add(count));
        Ok(())
    }

    fn end_lease(&mut self, id: &str, unreported: Credits) -> Result<(), Inexact> {
        self.totals.unreported = self.totals.unreported.plus(unreported)?;
        if let Some(lease) = self.leases.get_mut(id) {
            lease.ended_at = Some(self.clock);
        }
        Ok(())
    }

    fn return_unreported(&mut self, id: &GrantId, amount: Credits) -> Result<(), Inexact> {
        self.returns.insert(id.clone(), PastReturn { at: self.clock, amount });
        self.totals.unreported = self.totals.unreported.minus(amount)?;
        for lease in self.leases.values_mut().filter(|lease| lease.ended_at.is_some()) {
            lease.released = lease.released.plus(lease.outstanding()?)?;
        }
        Ok(())
    }

    fn count(&mut self, charge: &ChargeId, quantity: Quantity) -> Result<(), Inexact> {
        let total = self.usage.entry(charge.clone()).or_default();
        *total = total.plus(quantity)?;
        Ok(())
    }
}
