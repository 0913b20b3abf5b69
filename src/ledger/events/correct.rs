//! Voids and amendments of events, by reference: the difference is rated again and booked.
//!
//! ```text
//! void   source, id          it counts for nothing
//! amend  source, id, event   it counts as this event says
//!
//! cost = running(usage − before + after) − running(usage)     of the terms that it counts in
//! ```
//!
//! A correction has an id and is done once. It may come before its event, which is then a duplicate
//! when it comes; the last correction of an event is what holds. Invariant: the usage and the sum
//! that was paid are those of a set in which every event stands as its last correction says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::book::take;
use super::{EventKey, EventLine, Meters, ROW_BYTES_MAX, Refused, fits};
use crate::ledger::Burn;
use crate::ledger::decide::Session;
use crate::ledger::entry::Entry;
use crate::ledger::uses::{self, USES_MAX, Usages, Use};
use crate::meter::Event;
use crate::plan::Plan;
use crate::rating::{self, RateError};
use crate::units::{Credits, Inexact};

/// A correction of one event.
#[derive(Clone, Debug)]
pub struct EventCorrection<'a> {
    /// Names it once.
    pub id: &'a str,
    /// The event's source.
    pub source: &'a str,
    /// The event's id.
    pub event: &'a str,
    /// What it is from here on.
    pub change: Change<'a>,
}

/// What becomes of an event.
#[derive(Clone, Debug)]
pub enum Change<'a> {
    /// Nothing of it.
    Void,
    /// This.
    Amend(Event<'a>),
}

/// What became of a correction that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Corrected {
    /// The event counts for nothing.
    Voided,
    /// The event counts as it was amended.
    Amended,
    /// No such event came so far: when it comes, it counts for nothing.
    Noted,
    /// The correction came before.
    Duplicate,
}

/// What the journal says of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    terms: u64,
    uses: Vec<Use>,
    /// What it has paid.
    paid: Vec<Burn>,
}

impl EventRecord {
    /// What stands at a position of a row's events, if it is about that event.
    ///
    /// # Errors
    ///
    /// [`Inexact`] for a row that was not written by this ledger.
    pub fn read(
        entries: &[Entry],
        i: u64,
        source: &str,
        event: &str,
    ) -> Result<Option<Self>, Inexact> {
        let Ok(mut left) = usize::try_from(i) else { return Ok(None) };
        for entry in entries {
            match entry {
                Entry::EventsTaken { events, booked } => {
                    let Some(line) = events.list.get(left) else { return Ok(None) };
                    let at = usize::try_from(line.0).ok().and_then(|at| events.sources.get(at));
                    if at.map(String::as_str) != Some(source) || line.1 != event {
                        return Ok(None);
                    }
                    let (terms, uses) = (events.terms, events.uses(line));
                    let paid = paid(&events.list, left, &booked.burns)?;
                    return Ok(Some(Self { terms, uses, paid }));
                }
                Entry::EventCorrected { .. } if left > 0 => left = left.saturating_sub(1),
                Entry::EventCorrected { source: at, event: named, terms, uses, paid, .. } => {
                    let (terms, uses, paid) = (*terms, uses.clone(), paid.clone());
                    let is_it = at == source && named == event;
                    return Ok(is_it.then_some(Self { terms, uses, paid }));
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// What one event of a row paid: credits paid the first of them, in their order.
fn paid(list: &[EventLine], index: usize, burns: &[Burn]) -> Result<Vec<Burn>, Inexact> {
    let mut rest = burns.to_vec();
    for line in list.iter().take(index) {
        Burn::split_off(&mut rest, line.4.max(Credits::ZERO))?;
    }
    let cost = list.get(index).map_or(Credits::ZERO, |line| line.4);
    Burn::split_off(&mut rest, cost.max(Credits::ZERO))
}

impl Session<'_> {
    /// Corrects events, each correction once; says of each what became of it, in their order.
    /// `is_done` says of a position whether a correction of that id came before; `records` what the
    /// journal says of the events.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn correct_events(
        &mut self,
        plan: &Plan,
        corrections: &[EventCorrection<'_>],
        is_done: impl Fn(usize) -> bool,
        mut records: BTreeMap<EventKey, EventRecord>,
    ) -> Result<Vec<Result<Corrected, Refused>>, Inexact> {
        let (mut seen, mut outcomes) = (BTreeSet::new(), Vec::new());
        let (mut done, mut bytes) = (0_usize, 0_usize);
        for (index, correction) in corrections.iter().enumerate() {
            let own = EventKey::of_correction(correction.id);
            if is_done(index) || seen.contains(&own) {
                outcomes.push(Ok(Corrected::Duplicate));
                continue;
            }
            let key = EventKey::of(correction.source, correction.event);
            let record = records.get(&key);
            let outcome = match (&correction.change, record) {
                (Change::Amend(_), _) => Corrected::Amended,
                (Change::Void, Some(_)) => Corrected::Voided,
                (Change::Void, None) => Corrected::Noted,
            };
            let entry = match self.rerated(plan, correction, record) {
                Ok(entry) if bytes <= ROW_BYTES_MAX => entry,
                Ok(_) => {
                    outcomes.push(Err(Refused::RowFull));
                    continue;
                }
                Err(Fault::Refused(refused)) => {
                    outcomes.push(Err(refused));
                    continue;
                }
                Err(Fault::Inexact(error)) => return Err(error),
            };
            bytes = bytes.saturating_add(serde_json::to_string(&entry).map_or(0, |t| t.len()));
            let here = std::slice::from_ref(&entry);
            let after = EventRecord::read(here, 0, correction.source, correction.event)?;
            self.record(entry)?;
            self.settle_what_came_back()?;
            self.invoice_debt(plan)?;
            records.extend(after.map(|after| (key, after)));
            seen.insert(own);
            self.event_keys.extend([(own, done), (key, done)]);
            done = done.saturating_add(1);
            outcomes.push(Ok(outcome));
        }
        Ok(outcomes)
    }

    /// What a correction changes.
    fn rerated(
        &self,
        plan: &Plan,
        correction: &EventCorrection<'_>,
        record: Option<&EventRecord>,
    ) -> Result<Entry, Fault> {
        let terms = record.map_or(self.ledger.terms, |record| record.terms);
        let (before, own) =
            record.map_or((&[][..], &[][..]), |record| (&record.uses, &record.paid));
        let former = (terms != self.ledger.terms)
            .then(|| self.ledger.past_plan(terms).map(Plan::parse).and_then(Result::ok))
            .map(|former| former.ok_or(Refused::TermsForgotten { terms }))
            .transpose()?;
        let priced_by = former.as_ref().unwrap_or(plan);
        let uses = self.amended(priced_by, &correction.change)?;
        let cost = difference(priced_by, self.ledger.usages_of(Some(terms)), before, &uses)?;
        let booked = self.booked(plan, cost, own)?;
        let mut paid = own.to_vec();
        take(&mut paid, &booked.returns)?;
        paid.extend(booked.burns.iter().cloned());
        Ok(Entry::EventCorrected {
            id: correction.id.to_owned(),
            source: correction.source.to_owned(),
            event: correction.event.to_owned(),
            terms,
            before: before.to_vec(),
            uses,
            cost,
            booked,
            paid,
        })
    }

    /// What an event uses from here on.
    fn amended(&self, plan: &Plan, change: &Change<'_>) -> Result<Vec<Use>, Refused> {
        let Change::Amend(event) = change else { return Ok(Vec::new()) };
        self.in_time(event.time)?;
        let uses = Meters::of(plan)?.uses(event)?;
        uses.iter().try_for_each(|one| is_priced(plan, one))?;
        match uses.len() > USES_MAX {
            true => Err(Refused::TooManyUses { count: uses.len() }),
            false => Ok(uses),
        }
    }
}

/// A correction that is refused, or a ledger that is at its limits.
enum Fault {
    Refused(Refused),
    Inexact(Inexact),
}

impl From<Refused> for Fault {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Inexact> for Fault {
    fn from(error: Inexact) -> Self {
        Self::Inexact(error)
    }
}

/// What it costs more, or less, that `after` was used in the place of `before`, in credits.
fn difference(
    plan: &Plan,
    usages: &Usages,
    before: &[Use],
    after: &[Use],
) -> Result<Credits, Refused> {
    let mut changed = usages.clone();
    let touched: BTreeSet<_> = before.iter().chain(after).map(|one| &one.charge).collect();
    let Some(first) = touched.first() else { return Ok(Credits::ZERO) };
    after.iter().try_for_each(|one| fits(&changed, one))?;
    uses::exchange(&mut changed, before, after)
        .map_err(|error| Refused::Unpriced { charge: (*first).clone(), reason: error.into() })?;
    let mut cost = Credits::ZERO;
    for id in touched {
        let Some(charge) = plan.charge(id) else { continue };
        let rated = || -> Result<Credits, RateError> {
            let (from, to) = (uses::whole(charge, usages)?, uses::whole(charge, &changed)?);
            let amount = rating::difference(charge, &from, &to)?;
            // Counted for the invoice.
            let is_burned = charge.currency().is_none();
            let amount = if is_burned { amount } else { Default::default() };
            Ok(cost.plus(amount.credits().map_err(|_| Inexact)?)?)
        };
        cost = rated().map_err(|reason| Refused::Unpriced { charge: id.clone(), reason })?;
    }
    Ok(cost)
}

/// Whether what is counted anew has a price.
fn is_priced(plan: &Plan, one: &Use) -> Result<(), Refused> {
    let Some(charge) = plan.charge(&one.charge) else { return Ok(()) };
    let event = one.event(charge);
    let rated = rating::marginal(charge, &rating::empty(charge), &event);
    let unpriced = |reason| Refused::Unpriced { charge: one.charge.clone(), reason };
    rated.map(|_| ()).map_err(unpriced)
}
