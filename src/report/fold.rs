//! What each kind of entry tells of use.
//!
//! ```text
//! usage_reported       operations of one use each, packed by route and key
//! reservation_settled  several uses, one cost
//! events_taken         several uses and one cost each, packed by charge and dimension values
//! event_corrected      some uses in the place of others
//! ```

use std::collections::BTreeMap;
use std::collections::btree_map;

use super::column::Column;
use super::{Fault, NOBODY, NONE, Report, Served, Sums, TariffError, Who, flat, signed};
use crate::ledger::{Entry, Events, Operations, Use};
use crate::plan::Combination;
use crate::units::{ChargeId, Credits, Inexact, Quantity, Timestamp, UnitPrice};

fn no_column() -> Fault {
    Fault::Unfit("an operation names a column that is not there".to_owned())
}

impl Report {
    pub(super) fn operations(
        &mut self,
        terms: Option<u64>,
        operations: &Operations,
        costs: &[Credits],
    ) -> Result<(), Fault> {
        let mut totals = vec![Quantity::ZERO; operations.routes.len()];
        let mut columns: BTreeMap<(u16, u16), Column> = BTreeMap::new();
        let mut costs = costs.iter();
        for operation in &operations.list {
            let (route, key, quantity) = (operation.0, operation.1, operation.2);
            let (path, charge) = operations.routes.get(usize::from(route)).ok_or_else(no_column)?;
            let total = totals.get_mut(usize::from(route)).ok_or_else(no_column)?;
            *total = total.plus(quantity)?;
            let credits = match costs.next() {
                Some(cost) => *cost,
                None => self.flat_cost(terms, charge, quantity)?,
            };
            let column = match columns.entry((route, key)) {
                btree_map::Entry::Occupied(known) => known.into_mut(),
                btree_map::Entry::Vacant(new) => {
                    let key = operations.keys.get(usize::from(key)).ok_or_else(no_column)?;
                    let who = Who { route: path, key: key.as_str(), labels: &NONE };
                    new.insert(Column::new(self.of(who, Some((charge, &NONE)))))
                }
            };
            let sums = Sums { calls: 1, quantity: signed(quantity)?, credits };
            let at = operations.at.plus_millis(operation.3);
            let told = column.add(&self.ask, at, &sums)?;
            self.tell(told)?;
        }
        columns.into_values().try_for_each(|column| self.tell(column.end()))?;
        for ((_, charge), total) in operations.routes.iter().zip(totals) {
            self.tariff()?.count(terms, charge, &NONE, total)?;
        }
        Ok(())
    }

    /// A report leaves costs out where each unit costs the same.
    fn flat_cost(
        &mut self,
        terms: Option<u64>,
        charge: &ChargeId,
        quantity: Quantity,
    ) -> Result<Credits, Fault> {
        let plan = self.tariff()?.plan(terms).ok_or(TariffError::TermsUnknown)?;
        let unit = plan.charge(charge).and_then(|charge| flat(charge, &NONE));
        let unit = unit.ok_or_else(|| TariffError::NotInline { charge: charge.clone() })?;
        Ok(unit.times(quantity)?.credits().map_err(|_| Inexact)?)
    }

    pub(super) fn settled(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Fault> {
        let Entry::ReservationSettled { route, key, labels, terms, uses, cost, last, .. } = entry
        else {
            return Ok(());
        };
        let key = key.as_ref().map_or("", |key| key.as_str());
        let who = Who { route, key, labels };
        let calls = i64::from(*last);
        if uses.is_empty() {
            let of = self.of(who, None);
            return Ok(self.add(at, of, Sums { calls, credits: *cost, ..Sums::default() })?);
        }
        let mut parts = Vec::with_capacity(uses.len());
        for Use { charge, of, quantity } in uses {
            parts.push(self.part(*terms, Served::Inline, charge, of, *quantity)?);
        }
        let parts = with_rest(*cost, parts, 0)?;
        for (index, (one, credits)) in uses.iter().zip(parts).enumerate() {
            let calls = if index == 0 { calls } else { 0 };
            let of = self.of(who, Some((&one.charge, &one.of)));
            self.add(at, of, Sums { calls, quantity: signed(one.quantity)?, credits })?;
        }
        Ok(())
    }

    /// What a use costs by its price; nothing if it has none of its own.
    fn part(
        &mut self,
        terms: Option<u64>,
        served: Served,
        charge: &ChargeId,
        of: &Combination,
        quantity: Quantity,
    ) -> Result<Credits, Fault> {
        match self.tariff()?.take(terms, served, charge, of, quantity) {
            Err(TariffError::Rate(error)) => Err(Fault::Unfit(error.to_string())),
            cost => Ok(cost.unwrap_or_default()),
        }
    }

    pub(super) fn events(&mut self, events: &Events) -> Result<(), Fault> {
        let of = events.of.iter().map(|(charge, of)| self.of(NOBODY, Some((charge, of))));
        let mut columns: Vec<Column> = of.map(Column::new).collect();
        let place = |index: u32| usize::try_from(index).map_err(|_| no_column());
        // Where all that events use goes to one line each, nothing has to be told apart.
        let line_of = |(index, _): &(u32, Quantity)| columns.get(usize::try_from(*index).ok()?);
        let differs = |uses: &[(u32, Quantity)]| {
            let mut lines = uses.iter().map(|one| line_of(one).map(|column| &column.of));
            let first = lines.next();
            lines.any(|line| Some(line) != first)
        };
        let is_split = events.list.iter().any(|line| differs(&line.3));
        let flats = self.flats(events)?;
        let is_flat = |index: u32| flats.get(usize::try_from(index).ok()?).copied().flatten();
        let open = |uses: &[(u32, Quantity)]| {
            uses.iter().filter(|(index, _)| is_flat(*index).is_none()).count()
        };
        // What one use of an event costs is what those at one price leave of the event's cost; of
        // two such uses, each is to be rated after all that came before.
        let is_rated = is_split && events.list.iter().any(|line| open(&line.3) > 1);
        let mut totals = vec![Quantity::ZERO; events.of.len()];
        for line in &events.list {
            let mut parts = Vec::new();
            for (index, quantity) in &line.3 {
                let (charge, of) = events.of.get(place(*index)?).ok_or_else(no_column)?;
                let total = totals.get_mut(place(*index)?).ok_or_else(no_column)?;
                *total = total.plus(*quantity)?;
                let flat = is_flat(*index).filter(|_| is_split && !is_rated);
                parts.push(match (is_rated, flat) {
                    (true, _) => self.part(None, Served::Elsewhere, charge, of, *quantity)?,
                    (_, Some(unit)) => unit.times(*quantity)?.credits().map_err(|_| Inexact)?,
                    _ => Credits::ZERO,
                });
            }
            let rest = line.3.iter().position(|(index, _)| is_flat(*index).is_none());
            let rest = rest.filter(|_| is_split && !is_rated).unwrap_or(0);
            let at = events.at.plus_millis(line.2);
            let parts = with_rest(line.4, parts, rest)?;
            for (n, ((index, quantity), credits)) in line.3.iter().zip(parts).enumerate() {
                let calls = i64::from(n == 0);
                let sums = Sums { calls, quantity: signed(*quantity)?, credits };
                let column = columns.get_mut(place(*index)?).ok_or_else(no_column)?;
                let told = column.add(&self.ask, at, &sums)?;
                self.tell(told)?;
            }
        }
        columns.into_iter().try_for_each(|column| self.tell(column.end()))?;
        if !is_rated {
            for ((charge, of), total) in events.of.iter().zip(totals) {
                self.tariff()?.count(None, charge, of, total)?;
            }
        }
        Ok(())
    }

    /// The price of one unit of each column, where it is the same whatever was used before.
    fn flats(&mut self, events: &Events) -> Result<Vec<Option<UnitPrice>>, Fault> {
        let plan = self.tariff()?.plan(None).ok_or(TariffError::TermsUnknown)?;
        let price = |(charge, of): &(ChargeId, Combination)| {
            let charge = plan.charge(charge)?;
            // Counted for the invoice.
            let is_burned = charge.currency().is_none();
            if is_burned { flat(charge, of) } else { Some(UnitPrice::ZERO) }
        };
        Ok(events.of.iter().map(price).collect())
    }

    pub(super) fn corrected(&mut self, entry: &Entry, at: Timestamp) -> Result<(), Fault> {
        let Entry::EventCorrected { terms, before, uses, cost, .. } = entry else { return Ok(()) };
        let tariff = self.tariff()?;
        let plan = tariff.plan(Some(*terms)).cloned();
        let mut costs = match tariff.correct(*terms, before, uses) {
            Ok(costs) => costs,
            // They are forgotten here as they will be there: only the sum is known.
            Err(TariffError::TermsUnknown) => BTreeMap::new(),
            Err(error) => return Err(error.into()),
        };
        let signs = before.iter().map(|one| (one, true)).chain(uses.iter().map(|one| (one, false)));
        let all: Vec<(&Use, bool)> = signs.collect();
        let mut parts = Vec::with_capacity(all.len());
        for (one, is_off) in &all {
            let charge = plan.as_ref().and_then(|plan| plan.charge(&one.charge));
            let unit = charge.and_then(|charge| flat(charge, &one.of));
            let unit = unit.filter(|_| costs.contains_key(&one.charge));
            let cost = match unit {
                Some(unit) => unit.times(one.quantity)?.credits().map_err(|_| Inexact)?,
                None => Credits::ZERO,
            };
            let part = if *is_off { Credits::ZERO.minus(cost)? } else { cost };
            if let Some(left) = costs.get_mut(&one.charge) {
                *left = left.minus(part)?;
            }
            parts.push(part);
        }
        // What is left of a charge's difference goes to the last of its uses.
        for ((one, _), part) in all.iter().zip(&mut parts).rev() {
            *part = part.plus(costs.remove(&one.charge).unwrap_or_default())?;
        }
        if all.is_empty() {
            let of = self.of(NOBODY, None);
            return Ok(self.add(at, of, Sums { credits: *cost, ..Sums::default() })?);
        }
        let parts = with_rest(*cost, parts, 0)?;
        for (index, ((one, is_off), credits)) in all.into_iter().zip(parts).enumerate() {
            let is_first = index == 0 || index == before.len();
            let quantity = signed(one.quantity)?;
            let (calls, quantity) = match is_off {
                true => (i64::from(is_first).saturating_neg(), quantity.negated()),
                false => (i64::from(is_first), quantity),
            };
            let of = self.of(NOBODY, Some((&one.charge, &one.of)));
            self.add(at, of, Sums { calls, quantity, credits })?;
        }
        Ok(())
    }
}

/// Parts of a cost, one of them with what the others do not explain.
fn with_rest(cost: Credits, mut parts: Vec<Credits>, rest: usize) -> Result<Vec<Credits>, Inexact> {
    let sum = Credits::sum(parts.iter().copied())?;
    if let Some(part) = parts.get_mut(rest) {
        *part = part.plus(cost.minus(sum)?)?;
    }
    Ok(parts)
}
