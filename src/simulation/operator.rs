//! What people do to an account: payments, keys, plans, periods, corrections, returns; and what an
//! isolate gone wrong does.

use rust_decimal::Decimal;

use super::chance::Chance;
use super::tally::Count;
use super::tariff::Tariff;
use super::world::{Isolate, World, made};
use super::{Broken, Invariant};
use crate::control::{DENIAL_MS, Report, Request, VERSION, serve};
use crate::ledger::{
    Adjustment, GrantKind, GrantTerms, Operations, Recurrence, Rollover, SpendLimits,
};
use crate::units::{Credits, GrantId, KeyId, Timestamp, exact};

impl World {
    /// A payment's top-up; its sender tries again until it is told that it is there.
    pub(super) fn top_up(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let price = self.unit()?;
        let most = chance.of(&[5_u64, 50, 200, 200, 1_000]);
        let units = Decimal::from(chance.below(most).saturating_add(1));
        let amount = exact::mul(price.get(), units)?;
        let amount = Credits::new(amount).map_err(|e| made("credits", &e))?;
        let from_now = |millis: i64| Timestamp::from_millis(self.now.saturating_add(millis));
        let later = chance.percent(8).then(|| chance.millis(20_000).saturating_add(1));
        let life = chance.percent(30).then(|| chance.millis(60_000).saturating_add(4_000));
        let starts = later.unwrap_or(0);
        let rolls = chance.percent(20);
        let (min, max) = if chance.percent(50) { (price, amount) } else { (Credits::ZERO, price) };
        let max = max.max(min);
        let recurs = chance.percent(5);
        let every = "P1D".parse().map_err(|e| made("a cadence", &e))?;
        let anchor = from_now(chance.millis(60_000));
        let terms = GrantTerms {
            id: format!("g{}", chance.next()).parse().map_err(|e| made("a grant", &e))?,
            amount,
            kind: match chance.below(3) {
                0 => GrantKind::Promotional,
                1 => GrantKind::Included,
                _ => GrantKind::Paid,
            },
            priority: u8::try_from(chance.below(3)).unwrap_or(0),
            effective_at: later.map(from_now),
            expires_at: life.map(|life| from_now(starts.saturating_add(life))),
            rollover: rolls.then_some(Rollover { min, max }),
            recurrence: recurs.then_some(Recurrence { every, anchor }),
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

    /// Credits that came and went before the run.
    pub(super) fn had_once(&mut self, units: u64) -> Result<(), Broken> {
        if units == 0 {
            return Ok(());
        }
        let amount = Credits::new(exact::mul(self.unit()?.get(), Decimal::from(units))?);
        let id: GrantId = "past".parse().map_err(|e| made("a grant", &e))?;
        let terms = GrantTerms {
            id: id.clone(),
            amount: amount.map_err(|e| made("credits", &e))?,
            kind: GrantKind::Paid,
            priority: 0,
            effective_at: None,
            expires_at: None,
            rollover: None,
            recurrence: None,
        };
        let done = self.visit(|session, _, _| {
            Ok(session.grant(terms).and_then(|_| session.void(&id)).map_err(|error| error.code()))
        })?;
        match done {
            Some(Ok(())) => Ok(()),
            other => Err(made("a past", &format!("{other:?}"))),
        }
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
        let mut open = self.keys.iter().filter(|(_, key)| key.disabled.is_none());
        let Some(id) = open.nth(1).map(|(id, _)| id.clone()) else { return Ok(()) };
        self.tally.note(Count::KeysDisabled);
        self.visit(|session, _, _| Ok(session.disable_key(id))).map(|_| ())
    }

    /// Any but the first; a limit of a day.
    pub(super) fn limit_key(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let len = u64::try_from(self.keys.len()).unwrap_or(0).saturating_sub(1);
        let index = usize::try_from(chance.below(len)).unwrap_or(0).saturating_add(1);
        let Some(id) = self.keys.keys().nth(index).cloned() else { return Ok(()) };
        let units = Decimal::from(chance.below(100).saturating_add(1));
        let limit = Credits::new(exact::mul(self.unit()?.get(), units)?);
        let limit = limit.map_err(|e| made("a limit", &e))?;
        let limits = SpendLimits { day: Some(limit), month: None };
        self.tally.note(Count::KeysLimited);
        self.visit(|session, _, _| Ok(session.limit_key(id, limits))).map(|_| ())
    }

    fn unit(&self) -> Result<Credits, Broken> {
        let [first, ..] = self.setup.tariffs;
        Tariff::of(first).unit().parse().map_err(|e| made("a price", &e))
    }

    /// The account pays by another plan; its operator tries again until he is told.
    pub(super) fn change_plan(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let next = chance.of(&self.setup.tariffs);
        self.books.versions.push(next);
        let version = u64::try_from(self.books.versions.len()).unwrap_or(u64::MAX);
        let (plan, json) = Tariff::of(next).plan(version)?;
        self.tally.note(Count::PlanChanges);
        for _ in 0..4 {
            let json = json.clone();
            if self.visit(|session, _, _| Ok(session.change_plan(&plan, json)))?.is_some() {
                break;
            }
        }
        Ok(())
    }

    fn correction(&mut self) -> Result<GrantId, Broken> {
        self.corrections = self.corrections.saturating_add(1);
        format!("c{}", self.corrections).parse().map_err(|e| made("a correction", &e))
    }

    /// Told twice: the second time changes nothing.
    pub(super) fn close_period(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let (id, forgive) = (self.correction()?, chance.percent(30));
        self.tally.note(Count::PeriodsClosed);
        for _ in 0..2 {
            let id = id.clone();
            self.visit(|session, plan, _| Ok(session.close_period(plan, id, forgive)))?;
        }
        Ok(())
    }

    fn some_grant(&self, chance: &mut Chance) -> Option<GrantId> {
        let grants = self.account.ledger.grants();
        let len = u64::try_from(grants.len()).unwrap_or(0);
        let index = usize::try_from(chance.below(len)).unwrap_or(0);
        grants.keys().nth(index).cloned()
    }

    pub(super) fn void(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let Some(grant) = self.some_grant(chance) else { return Ok(()) };
        self.tally.note(Count::Voids);
        self.visit(|session, _, _| Ok(session.void(&grant))).map(|_| ())
    }

    pub(super) fn adjust(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let (id, price) = (self.correction()?, self.unit()?);
        let grant = self.some_grant(chance).filter(|_| chance.percent(60));
        let units = Decimal::from(chance.below(20).saturating_add(1));
        let amount = Credits::new(exact::mul(price.get(), units)?);
        let amount = amount.map_err(|e| made("credits", &e))?;
        let amount = if chance.percent(50) { amount } else { Credits::ZERO.minus(amount)? };
        let adjustment = Adjustment { id, amount, grant, reason: "as agreed".to_owned() };
        self.tally.note(Count::Adjustments);
        for _ in 0..2 {
            let adjustment = adjustment.clone();
            self.visit(|session, _, _| Ok(session.adjust(adjustment)))?;
        }
        Ok(())
    }

    /// An isolate gone wrong reports more than it was granted: the account must take nothing of it.
    pub(super) fn forge(&mut self, chance: &mut Chance) -> Result<(), Broken> {
        let leases = self.account.ledger.leases();
        let len = u64::try_from(leases.len()).unwrap_or(0);
        let index = usize::try_from(chance.below(len)).unwrap_or(0);
        let Some((id, lease)) = leases.iter().nth(index) else { return Ok(()) };
        let price = self.unit()?;
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
