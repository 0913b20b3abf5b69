//! What people do to an account: payments, keys, returns; and what an isolate gone wrong does.

use rust_decimal::Decimal;

use super::chance::Chance;
use super::tally::Count;
use super::world::{Isolate, World, made};
use super::{Broken, Invariant};
use crate::control::{DENIAL_MS, Report, Request, VERSION, serve};
use crate::ledger::{GrantKind, GrantTerms, Operations};
use crate::units::{Credits, GrantId, KeyId, Timestamp, exact};

impl World {
    /// A payment's top-up; its sender tries again until it is told that it is there.
    pub(super) fn top_up(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let price: Credits = self.setup.price.parse().map_err(|e| made("a price", &e))?;
        let most = chance.of(&[5_u64, 50, 200, 200, 1_000]);
        let units = Decimal::from(chance.below(most).saturating_add(1));
        let amount = exact::mul(price.get(), units)?;
        let from_now = |millis: i64| Timestamp::from_millis(self.now.saturating_add(millis));
        let later = chance.percent(8).then(|| chance.millis(20_000).saturating_add(1));
        let life = chance.percent(30).then(|| chance.millis(60_000).saturating_add(4_000));
        let starts = later.unwrap_or(0);
        let terms = GrantTerms {
            id: format!("g{}", chance.next()).parse().map_err(|e| made("a grant", &e))?,
            amount: Credits::new(amount).map_err(|e| made("credits", &e))?,
            kind: match chance.below(3) {
                0 => GrantKind::Promotional,
                1 => GrantKind::Included,
                _ => GrantKind::Paid,
            },
            priority: u8::try_from(chance.below(3)).unwrap_or(0),
            effective_at: later.map(from_now),
            rollover: None,
            recurrence: None,
            expires_at: life.map(|life| from_now(starts.saturating_add(life))),
        };
        self.tally.note(Count::TopUps);
        let now = self.now;
        let denied = |isolate: &Isolate| {
            let recently = |(_, at): (i64, i64)| now.saturating_sub(at) < DENIAL_MS;
            isolate.denied.is_some_and(recently)
        };
        if self.isolates.iter().any(denied) {
            self.tally.note(Count::TopUpsWhileDenied);
        }
        self.top_ups.push(terms.clone());
        self.tell_grant(terms)
    }

    pub(super) fn top_up_again(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let len = u64::try_from(self.top_ups.len()).unwrap_or(0);
        let index = usize::try_from(chance.below(len)).unwrap_or(0);
        let Some(terms) = self.top_ups.get(index).cloned() else { return Ok(()) };
        self.tally.note(Count::TopUpsRepeated);
        self.tell_grant(terms)
    }

    fn tell_grant(&mut self, terms: GrantTerms) -> Result<(), Broken> {
        for _ in 0..4 {
            let terms = terms.clone();
            if self.visit(|session, _, _| Ok(session.grant(terms)))?.is_some() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn operator_return(&mut self) -> Result<(), Broken> {
        let amount = self.account.ledger.balance()?.unreported;
        if amount.is_zero() {
            return Ok(());
        }
        self.returns = self.returns.saturating_add(1);
        self.tally.note(Count::OperatorReturns);
        let id: GrantId = format!("r{}", self.returns).parse().map_err(|e| made("a return", &e))?;
        // Told twice: the second time changes nothing.
        for _ in 0..2 {
            let id = id.clone();
            self.visit(|session, _, _| Ok(session.return_unreported(id, amount)))?;
        }
        Ok(())
    }

    pub(super) fn create_key(&mut self) -> Result<(), Broken> {
        let id: KeyId = format!("k{}", self.keys_made).parse().map_err(|e| made("a key", &e))?;
        self.keys_made = self.keys_made.saturating_add(1);
        self.visit(|session, _, _| Ok(session.create_key(id))).map(|_| ())
    }

    /// The oldest that is left; the first key stays.
    pub(super) fn disable_key(&mut self) -> Result<(), Broken> {
        let mut open = self.keys.iter().filter(|(_, (_, disabled))| disabled.is_none());
        let Some(id) = open.nth(1).map(|(id, _)| id.clone()) else { return Ok(()) };
        self.tally.note(Count::KeysDisabled);
        self.visit(|session, _, _| Ok(session.disable_key(id))).map(|_| ())
    }

    /// An isolate gone wrong reports more than it was granted: the account must take nothing of it.
    pub(super) fn forge(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let leases = self.account.ledger.leases();
        let len = u64::try_from(leases.len()).unwrap_or(0);
        let index = usize::try_from(chance.below(len)).unwrap_or(0);
        let Some((id, lease)) = leases.iter().nth(index) else { return Ok(()) };
        let price: Credits = self.setup.price.parse().map_err(|e| made("a price", &e))?;
        let report = Report {
            lease: id.clone(),
            terms: self.account.ledger.terms(),
            used: lease.granted.minus(lease.returned)?.plus(price)?,
            returned: lease.returned,
            operations: Operations { from: lease.reported, ..Operations::default() },
        };
        let request = Request { v: VERSION, report: Some(report), ..Request::default() };
        self.tally.note(Count::Forged);
        let answer =
            self.visit(|session, plan, denials| serve(session, plan, denials, &request))?;
        match answer {
            Some(answer) if !answer.lease_unknown => {
                Err(Broken::new(Invariant::Counters, "a forged report refused", "it was taken"))
            }
            _ => Ok(()),
        }
    }
}
