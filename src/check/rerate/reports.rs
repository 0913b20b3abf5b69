//! What isolates report: operations by number, at prices that the row tells or the plan gives.

use super::super::finding::Fault;
use super::{NONE, Rerate, Tell, in_time, paid, total};
use crate::ledger::{Entry, Operations};
use crate::report::{Served, TariffError};
use crate::units::{Credits, Inexact, Timestamp};

impl Rerate {
    pub(super) fn reported(
        &mut self,
        entry: &Entry,
        at: Timestamp,
        tell: &mut Tell<'_>,
    ) -> Result<(), Inexact> {
        let Entry::UsageReported {
            lease, terms, operations, costs, shortfall, burns, flying, ..
        } = entry
        else {
            return Ok(());
        };
        self.numbered(lease, operations, tell);
        let taken = total(burns)?.plus(shortfall.debt)?.plus(shortfall.unpaid)?;
        let is_earlier = terms.is_some_and(|terms| self.may_be_earlier(terms));
        let (mut cost, mut is_known) = (Credits::ZERO, true);
        let mut recorded = costs.iter().copied();
        let mut flying = flying.iter();
        let mut next_flying = flying.next();
        for (operation, number) in operations.list.iter().zip(operations.from..) {
            let name = || format!("{lease}.{number}");
            let time = operations.at.plus_millis(operation.3);
            in_time(time, at, &name, tell);
            let column = operations.routes.get(usize::from(operation.0));
            let rated = match column {
                Some((_, charge)) => {
                    self.tariff.take(*terms, Served::Inline, charge, &NONE, operation.2)
                }
                None => Err(TariffError::Nameless),
            };
            self.operations = self.operations.saturating_add(1);
            let told = recorded.next();
            // A row does not tell prices that never change: of an earlier plan nobody knows them.
            let is_unknown = matches!(rated, Err(TariffError::TermsUnknown));
            let is_priced = told.is_some() || !(is_earlier && is_unknown);
            is_known &= is_priced;
            let one = told.or(rated.as_ref().ok().copied()).unwrap_or_default();
            cost = cost.plus(one)?;
            match (told, &rated) {
                (Some(told), Ok(rated)) if told == *rated => {}
                (None, Ok(_)) => {}
                _ => self.compare(&name(), rated, one, *terms, tell),
            }
            if let Some(part) = next_flying.filter(|part| part.op == name()) {
                next_flying = flying.next();
                if is_priced && part.cost != one {
                    let (recorded, rated) = (part.cost, one);
                    tell(Some(name()), Fault::CostDiffers { recorded, rated });
                }
                self.memory.end(&part.op, at, total(&part.burns)?.plus(part.debt)?);
            }
        }
        match is_known {
            true => paid(cost, taken, None, tell),
            false => self.unrated = self.unrated.plus(taken.minus(cost)?)?,
        }
        self.books.burn(burns)?;
        self.books.owe(shortfall.debt, Credits::ZERO, shortfall.unpaid)
    }

    /// A lease's operations are numbered one after the other.
    fn numbered(&mut self, lease: &str, operations: &Operations, tell: &mut Tell<'_>) {
        let from = operations.from;
        let count = u64::try_from(operations.list.len()).unwrap_or(u64::MAX);
        let is_whole = self.books.is_whole;
        let known = self.leases.get(lease).copied().or(is_whole.then_some(0)).unwrap_or(from);
        if from > known {
            let count = from.saturating_sub(known);
            tell(Some(format!("{lease}.{from}")), Fault::OperationMissing { count });
        }
        if from < known && count > 0 {
            tell(Some(format!("{lease}.{from}")), Fault::OperationRepeated);
        }
        self.leases.insert(lease.to_owned(), known.max(from.saturating_add(count)));
    }
}
