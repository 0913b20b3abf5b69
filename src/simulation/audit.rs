//! The auditor: what must hold after every step, and what at the end.

use super::Invariant::{BoundedLoss, Conservation, NoOverspend, NoStranding};
use super::sums::Sums;
use super::tally::Count;
use super::world::World;
use super::{Broken, Invariant};
use crate::ledger::{Balance, Ledger};
use crate::units::Credits;

/// Rounds of a second at the end: everybody stops, reports and gives back.
const ROUNDS: u64 = 80;

impl World {
    /// After every change of the account.
    pub(super) fn audit(&mut self) -> Result<(), Broken> {
        let ledger = &self.account.ledger;
        if let Err(name) = ledger.audit() {
            return Err(Broken::new(named(name), "ledger.audit() is ok", name));
        }
        let balance = ledger.balance()?;
        let sums = &self.books.sums;
        let compare = |what: &str, found: Credits, expected: Credits| match found == expected {
            true => Ok(()),
            false => {
                let (expected, found) = (format!("{what} {expected}"), found.to_string());
                Err(Broken::new(Conservation, expected, found))
            }
        };
        compare("granted", balance.granted.plus(balance.scheduled)?, sums.granted)?;
        compare("burned", balance.burned, sums.burned)?;
        compare("expired", balance.expired, sums.expired)?;
        compare("voided", balance.voided, sums.voided)?;
        compare("debt", balance.debt, sums.debt)?;
        compare("overage", balance.overage, sums.overage)?;
        compare("unpaid", balance.unpaid, sums.unpaid)?;
        let Balance { available, held, burned, expired, voided, .. } = balance;
        let parts = Credits::sum([available, held, burned, expired, voided])?;
        compare("available + held + burned + expired + voided", parts, balance.granted)?;
        if balance.held < balance.unreported || balance.available.is_negative() {
            let found = format!("{balance:?}");
            return Err(Broken::new(NoOverspend, "nothing below zero", found));
        }
        let reserved = ledger.reservations().values().filter(|one| one.is_held());
        let reserved = Credits::sum(reserved.map(|one| one.held))?;
        compare("set aside for operations", reserved, sums.set_aside)?;
        if sums.vanished > balance.unreported {
            let expected = format!("at least {} unreported", sums.vanished);
            return Err(Broken::new(BoundedLoss, expected, balance.unreported));
        }
        let unpaid = sums.unpaid.minus(sums.forgiven)?.minus(sums.overrun)?;
        if unpaid > sums.returned {
            let expected = format!("at most {} unpaid", sums.returned);
            return Err(Broken::new(NoOverspend, expected, unpaid));
        }
        self.audit_served()
    }

    /// After every operation that is served: it is paid or owed, or nobody else can spend it.
    pub(super) fn audit_served(&mut self) -> Result<(), Broken> {
        let books = &self.books;
        let held = self.account.ledger.held()?;
        let Sums { burned, returned, debt, overage, invoiced, forgiven, .. } = books.sums;
        let owed = Credits::sum([debt, overage, invoiced, forgiven, books.unheard.sum()?])?;
        let most = Credits::sum([burned, held, returned, owed])?;
        match books.served <= most {
            true => Ok(()),
            false => {
                let expected = format!("at most {most} served: burned, held, returned or owed");
                Err(Broken::new(NoOverspend, expected, books.served))
            }
        }
    }

    /// Everybody stops, and the network and the account come to rest.
    pub(super) fn come_to_rest(&mut self) -> Result<(), Broken> {
        self.tell(|| "          nobody asks for more".to_owned());
        self.storm = self.storm.min(8);
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                self.setup.faults.drops = false;
            }
            self.run_until(self.now.saturating_add(1_000))?;
            (self.cause, self.consequences) = (self.setup.seed.wrapping_add(round), 0);
            for slot in 0..self.isolates.len() {
                self.settle_all(slot)?;
                self.end_all(slot)?;
                self.flush(slot, false)?;
            }
        }
        // Ten minutes are the most that anything is set aside for.
        for _ in 0..12 {
            self.run_until(self.now.saturating_add(60_000))?;
            self.look()?;
        }
        self.audit()?;
        self.audit_rest()
    }

    fn audit_rest(&mut self) -> Result<(), Broken> {
        let balance = self.account.ledger.balance()?;
        if balance.held != balance.unreported {
            let expected = format!("{} held, all of it unreported", balance.unreported);
            return Err(Broken::new(NoStranding, expected, balance.held));
        }
        let nobody_vanished = self.books.deaths() == 0 && self.books.crashes == 0;
        let late = self.books.settled_too_late()?;
        if nobody_vanished && balance.unreported != late {
            let expected = format!("{late} set aside, nobody crashed");
            let found = format!("{} unreported", balance.unreported);
            return Err(Broken::new(NoStranding, expected, found));
        }
        self.books.check_each_operation()?;
        let lost = self.books.unreported()?;
        let most = balance.unreported.plus(self.books.sums.returned)?;
        if lost > most {
            let expected = format!("at most {most} lost, which is on record");
            return Err(Broken::new(BoundedLoss, expected, lost));
        }
        self.account.check_replay()?;
        self.tally.note(Count::Replayed);
        self.tally.note_many(Count::ChargedForNobody, self.books.charged_for_nobody);
        Ok(())
    }
}

/// The invariant that a ledger's own audit names.
fn named(name: &str) -> Invariant {
    match name {
        "no_overspend" => NoOverspend,
        "counters" => Invariant::Counters,
        "unreported" => BoundedLoss,
        _ => Conservation,
    }
}

/// Balances as a story shows them.
pub(super) fn balances(ledger: &Ledger) -> String {
    match ledger.balance() {
        Ok(balance) => format!(
            "available {} · held {}, unreported {} · burned {} · expired {} · debt {}",
            balance.available,
            balance.held,
            balance.unreported,
            balance.burned,
            balance.expired,
            balance.debt
        ),
        Err(error) => error.to_string(),
    }
}
