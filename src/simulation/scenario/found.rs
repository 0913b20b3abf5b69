//! Ordinary traffic: what it is, and the figures that come of it.
//!
//! ```text
//! granted − returned − served          of an isolate's leases: nobody has spent it yet
//! served − used, as it reported it     of one that crashes: lost, and on record as unreported
//! ```

use super::super::Broken;
use super::super::world::made;
use super::{Happening, Run};
use crate::ledger::Lease;
use crate::units::Credits;

/// A kind of traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// How many isolates there are.
    pub isolates: u16,
    /// Milliseconds between two requests of an isolate, on average.
    pub interval_ms: i64,
    /// Ten times as many requests between these two seconds.
    pub spike: Option<(i64, i64)>,
    /// An isolate crashes every so many milliseconds, and another takes its place.
    pub crash_ms: Option<i64>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Requests, until the first 402 and in all.
    pub requests: [u64; 2],
    /// Messages to the account, likewise.
    pub calls: [u64; 2],
    /// Requests served until the first 402, and in all.
    pub served: [u64; 2],
    /// Credits served beyond the balance.
    pub overspent: Credits,
    /// Credits that isolates held and had not spent at the first 402.
    pub stranded: Credits,
    /// Credits that nobody had spent at the end, those on record as unreported left out.
    pub unspent: Credits,
    /// Refusals while the account itself could have paid.
    pub false_denials: u64,
    /// Isolates that crashed.
    pub crashes: u64,
    /// The most that one of them had served and not reported.
    pub lost_most: Credits,
    /// All that they had served and not reported.
    pub lost: Credits,
    /// What is on record for them: at least that.
    pub unreported: Credits,
}

impl Run {
    /// Credits that isolates were granted, and neither spent nor gave back: those alive.
    pub(super) fn unspent_leases(&self) -> Result<Credits, Broken> {
        let mut unspent = Credits::ZERO;
        for isolate in &self.isolates {
            for (id, lease) in self.leases_of(isolate.life) {
                let spent = isolate.spent.get(id).copied().unwrap_or(0);
                let rest = lease.granted.minus(lease.returned)?.minus(credits(spent)?)?;
                unspent = unspent.plus(rest.max(Credits::ZERO))?;
            }
        }
        Ok(unspent)
    }

    fn leases_of(&self, life: u64) -> impl Iterator<Item = (&String, &Lease)> {
        let prefix = format!("i{life}l");
        let leases = self.account.ledger.leases().iter();
        leases.filter(move |(id, _)| id.starts_with(&prefix))
    }

    /// One isolate is gone, with what it had not reported.
    pub(super) fn crash(&mut self) -> Result<(), Broken> {
        if let Some(every) = self.traffic.crash_ms {
            self.put(every, Happening::Crash);
        }
        let count = u64::from(self.traffic.isolates);
        let index = usize::try_from(self.chance.below(count)).unwrap_or(0);
        let born = self.born();
        let Some(isolate) = self.isolates.get_mut(index) else { return Ok(()) };
        let dead = std::mem::replace(isolate, born);
        let mut lost = Credits::ZERO;
        for (id, lease) in self.leases_of(dead.life) {
            let spent = credits(dead.spent.get(id).copied().unwrap_or(0))?;
            lost = lost.plus(spent.minus(lease.used)?.max(Credits::ZERO))?;
        }
        self.found.crashes = self.found.crashes.saturating_add(1);
        self.found.lost = self.found.lost.plus(lost)?;
        self.found.lost_most = self.found.lost_most.max(lost);
        Ok(())
    }
}

pub(super) fn credits(units: u64) -> Result<Credits, Broken> {
    Credits::new(rust_decimal::Decimal::from(units)).map_err(|error| made("credits", &error))
}
