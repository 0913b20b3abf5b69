//! Events from elsewhere: use that did not pass the gateway, told afterwards, some of it twice.
//!
//! ```text
//! events ─▶ known? ─▶ in time? ─▶ meters ─▶ uses ─▶ rated in order ─▶ one entry: packed, booked
//!             └ duplicate  └ refused  └ refused        └ refused        └ its keys, to be stored
//! ```
//!
//! It happened already, so it is charged whatever the plan does at zero: what credits do not pay is
//! debt. An event whose period was closed is late: it counts now, and stands marked in its row.
//!
//! Invariants: an event, named by source and id, counts once, for as long as any copy of it is in
//! time; one that is refused leaves nothing and refuses no neighbour; what a list of events costs
//! does not depend on its order or its batches, since costs are differences of running totals.

mod book;
mod correct;
mod meters;
mod refused;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use book::Booked;
pub(super) use book::take;
pub use correct::{Change, Corrected, EventCorrection, EventRecord};
pub(super) use meters::Meters;
pub use refused::Refused;

use super::decide::Session;
use super::entry::Entry;
use super::uses::{self, COMBINATIONS_MAX, USES_MAX, Usages, Use};
use super::{COMMAND_MEMORY_MS, Ledger};
use crate::meter::Event;
use crate::plan::{Combination, Plan};
use crate::rating::{RateError, Run, Usage};
use crate::units::{ChargeId, Credits, Inexact, NumberError, Quantity, Timestamp};

/// How long events and corrections are remembered, in milliseconds: 35 days.
pub const EVENT_MEMORY_MS: i64 = COMMAND_MEMORY_MS;
/// How long ago an event may have happened, in milliseconds: 34 days. When it is forgotten, any
/// copy of it is older than that.
pub const EVENT_AGE_MS_MAX: i64 = 2_937_600_000;
/// How far ahead of ours the clock may be that an event was timed by, in milliseconds.
pub const EVENT_AHEAD_MS_MAX: i64 = 300_000;
const _: () = assert!(EVENT_AGE_MS_MAX + EVENT_AHEAD_MS_MAX < EVENT_MEMORY_MS, "no copy counts");
/// Bytes of the events of one journal row, about, but for the last one: a row of the platform's
/// holds 2 MB.
const ROW_BYTES_MAX: usize = 1_500_000;

/// What is remembered of an event's name, or of a correction's: 16 bytes of a SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventKey([u8; 16]);

impl EventKey {
    /// Of an event.
    pub fn of(source: &str, id: &str) -> Self {
        Self::hashed(&format!("event\n{}\n{source}{id}", source.len()))
    }

    /// Of a correction.
    pub fn of_correction(id: &str) -> Self {
        Self::hashed(&format!("correction\n{id}"))
    }

    fn hashed(text: &str) -> Self {
        let mut key = [0; 16];
        for (to, from) in key.iter_mut().zip(Sha256::digest(text.as_bytes())) {
            *to = from;
        }
        Self(key)
    }

    /// In hex.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Where the journal says something of an event: the row, and the position among its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPlace {
    /// The row.
    pub n: u64,
    /// The position, from 0.
    pub i: u64,
}

/// Events of one batch, packed: columns once, numbers per event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// Instant that the offsets count from.
    pub at: Timestamp,
    /// Number of the terms that they were counted under.
    pub terms: u64,
    /// Those before this instant were late: their period was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late_before: Option<Timestamp>,
    /// Where they happened.
    pub sources: Vec<String>,
    /// What they used, without how much.
    pub of: Vec<(ChargeId, Combination)>,
    /// The events.
    pub list: Vec<EventLine>,
}

/// `(source, id, ms after at, [(use, quantity)], cost in credits)`; sources and uses are indexes
/// into the columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLine(pub u32, pub String, pub i64, pub Vec<(u32, Quantity)>, pub Credits);

impl Events {
    /// What an event used, as it counts.
    fn uses(&self, line: &EventLine) -> Vec<Use> {
        let column = |index: u32| self.of.get(usize::try_from(index).ok()?);
        let of = |(index, quantity): &(u32, Quantity)| {
            let (charge, of) = column(*index)?;
            Some(Use { charge: charge.clone(), of: of.clone(), quantity: *quantity })
        };
        line.3.iter().filter_map(of).collect()
    }

    /// All that they used, by column.
    pub(super) fn sums(&self) -> Result<Vec<Use>, Inexact> {
        let mut sums = vec![Quantity::ZERO; self.of.len()];
        for (index, quantity) in self.list.iter().flat_map(|line| &line.3) {
            let slot = usize::try_from(*index).ok().and_then(|index| sums.get_mut(index));
            if let Some(sum) = slot {
                *sum = sum.plus(*quantity)?;
            }
        }
        let of = self.of.iter().zip(sums);
        Ok(of
            .map(|((charge, of), quantity)| Use {
                charge: charge.clone(),
                of: of.clone(),
                quantity,
            })
            .collect())
    }
}

/// What became of an event that was not refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Taken {
    /// It counts.
    Taken,
    /// It counts, in the open period: its own was closed.
    Late,
    /// It came before, whatever it said then.
    Duplicate,
}

impl Session<'_> {
    /// Counts and charges events, each once; says of each what became of it, in their order.
    /// `is_known` says of a position whether an event of that name came before.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn take_events(
        &mut self,
        plan: &Plan,
        events: &[Event<'_>],
        is_known: impl Fn(usize) -> bool,
    ) -> Result<Vec<Result<Taken, Refused>>, Inexact> {
        let meters = Meters::of(plan);
        let mut tally = Tally::new(plan, &self.ledger.usage);
        let mut packed = Packed::new(self.now, self.ledger);
        let (mut seen, mut outcomes) = (BTreeSet::new(), Vec::with_capacity(events.len()));
        for (index, event) in events.iter().enumerate() {
            let key = EventKey::of(&event.source, &event.id);
            if is_known(index) || seen.contains(&key) {
                outcomes.push(Ok(Taken::Duplicate));
                continue;
            }
            let counted = (|| {
                self.in_time(event.time)?;
                let uses = meters.as_ref().map_err(Clone::clone)?.uses(event)?;
                packed.has_room(&uses)?;
                Ok((tally.take(&uses)?, uses))
            })();
            outcomes.push(counted.map(|(cost, uses)| {
                seen.insert(key);
                self.event_keys.push((key, packed.events.list.len()));
                packed.push(event, uses, cost)
            }));
        }
        if packed.events.list.is_empty() {
            return Ok(outcomes);
        }
        let cost = Credits::sum(packed.events.list.iter().map(|line| line.4))?;
        let booked = self.booked(plan, cost, &[])?;
        self.record(Entry::EventsTaken { events: packed.events, booked })?;
        self.settle_what_came_back()?;
        self.invoice_debt(plan)?;
        Ok(outcomes)
    }

    fn in_time(&self, at: Timestamp) -> Result<(), Refused> {
        let age = self.now.millis_since(at);
        if age > EVENT_AGE_MS_MAX {
            return Err(Refused::TooOld { at });
        }
        if age < -EVENT_AHEAD_MS_MAX {
            return Err(Refused::Ahead { at });
        }
        Ok(())
    }

    /// Names that this visit is to remember, each with its position among the row's events.
    pub fn event_keys(&mut self) -> Vec<(EventKey, usize)> {
        std::mem::take(&mut self.event_keys)
    }
}

/// What was used so far, and what the next event costs.
struct Tally<'p> {
    plan: &'p Plan,
    usages: Usages,
    /// Of the charges that were used so far.
    runs: BTreeMap<ChargeId, Run<'p>>,
}

impl<'p> Tally<'p> {
    fn new(plan: &'p Plan, usages: &Usages) -> Self {
        Self { plan, usages: usages.clone(), runs: BTreeMap::new() }
    }

    /// Counts one event's uses; what they cost in credits. An error leaves everything as it was.
    fn take(&mut self, uses: &[Use]) -> Result<Credits, Refused> {
        let cost = uses.iter().try_fold(Credits::ZERO, |sum, one| {
            let unpriced = |reason| Refused::Unpriced { charge: one.charge.clone(), reason };
            self.next(one)?.plus(sum).map_err(|error| unpriced(error.into()))
        });
        if cost.is_err() {
            // Some runs have taken a part of it.
            self.runs.clear();
            return cost;
        }
        for one in uses {
            let unpriced = |error: Inexact| Refused::Unpriced {
                charge: one.charge.clone(),
                reason: error.into(),
            };
            uses::count(&mut self.usages, &one.charge, &one.of, one.quantity).map_err(unpriced)?;
        }
        cost
    }

    fn next(&mut self, one: &Use) -> Result<Credits, Refused> {
        let unpriced = |reason: RateError| Refused::Unpriced { charge: one.charge.clone(), reason };
        let charge = self.plan.charge(&one.charge).ok_or_else(|| unpriced(Inexact.into()))?;
        fits(&self.usages, one)?;
        if !self.runs.contains_key(&one.charge) {
            let state =
                uses::whole(charge, &self.usages).map_err(|error| unpriced(error.into()))?;
            let run = Run::new(charge, state).map_err(unpriced)?;
            self.runs.insert(one.charge.clone(), run);
        }
        let run = self.runs.get_mut(&one.charge).ok_or_else(|| unpriced(Inexact.into()))?;
        let amount = run.next(&one.event(charge)).map_err(unpriced)?;
        if charge.currency().is_some() {
            // Counted for the invoice.
            return Ok(Credits::ZERO);
        }
        amount.credits().map_err(|_: NumberError| unpriced(Inexact.into()))
    }
}

/// Whether a use makes no more combinations than a charge counts.
fn fits(usages: &Usages, one: &Use) -> Result<(), Refused> {
    match usages.get(&one.charge) {
        Some(Usage::Combinations(map))
            if map.len() >= COMBINATIONS_MAX && !map.contains_key(&one.of) =>
        {
            Err(Refused::TooManyCombinations { charge: one.charge.clone() })
        }
        _ => Ok(()),
    }
}

/// Events on their way into one row.
struct Packed {
    events: Events,
    sources: BTreeMap<String, u32>,
    of: BTreeMap<(ChargeId, Combination), u32>,
    late_before: Timestamp,
    bytes: usize,
}

impl Packed {
    fn new(at: Timestamp, ledger: &Ledger) -> Self {
        let events = Events { at, terms: ledger.terms, ..Events::default() };
        let late_before = ledger.period_from;
        Self { events, sources: BTreeMap::new(), of: BTreeMap::new(), late_before, bytes: 0 }
    }

    fn has_room(&self, uses: &[Use]) -> Result<(), Refused> {
        if uses.len() > USES_MAX {
            return Err(Refused::TooManyUses { count: uses.len() });
        }
        match self.bytes > ROW_BYTES_MAX {
            true => Err(Refused::RowFull),
            false => Ok(()),
        }
    }

    fn push(&mut self, event: &Event<'_>, uses: Vec<Use>, cost: Credits) -> Taken {
        let Self { events, bytes, .. } = self;
        let mut more = 64_usize.saturating_add(written(&event.id));
        let source = event.source.clone().into_owned();
        let (source, new) = index(&mut self.sources, &mut events.sources, source);
        more = more.saturating_add(if new { written(&event.source) } else { 0 });
        let mut quantities = Vec::with_capacity(uses.len());
        for Use { charge, of, quantity } in uses {
            let texts = of.iter().map(|(name, value)| written(name).saturating_add(written(value)));
            let column = texts.fold(80, usize::saturating_add);
            let (column_at, new) = index(&mut self.of, &mut events.of, (charge, of));
            more = more.saturating_add(if new { column } else { 0 }).saturating_add(24);
            quantities.push((column_at, quantity));
        }
        *bytes = bytes.saturating_add(more);
        let offset = event.time.millis_since(events.at);
        let id = event.id.clone().into_owned();
        events.list.push(EventLine(source, id, offset, quantities, cost));
        if event.time >= self.late_before {
            return Taken::Taken;
        }
        events.late_before = Some(self.late_before);
        Taken::Late
    }
}

/// The number of a column, and whether it is new.
fn index<T: Ord + Clone>(
    known: &mut BTreeMap<T, u32>,
    columns: &mut Vec<T>,
    one: T,
) -> (u32, bool) {
    if let Some(index) = known.get(&one) {
        return (*index, false);
    }
    let index = u32::try_from(columns.len()).unwrap_or(u32::MAX);
    columns.push(one.clone());
    known.insert(one, index);
    (index, true)
}

/// Bytes of a text in JSON, at most.
fn written(text: &str) -> usize {
    let escaped = text.bytes().filter(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')).count();
    text.len().saturating_add(escaped.saturating_mul(5)).saturating_add(6)
}
