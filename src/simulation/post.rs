//! The network: every message and every answer may be lost, late, repeated or overtaken; an account
//! that dies answers with an error; alarms come when they like.

use std::rc::Rc;

use super::Broken;
use super::books::Promise;
use super::chance::{Chance, mix};
use super::tally::Count;
use super::world::{ACCOUNT_MS, Isolate, Ticket, World};
use crate::control::{Answer, DebitAnswer, Request, serve};
use crate::units::{Credits, Timestamp};

/// Something under way.
pub(super) enum Letter {
    /// A request to the account.
    Ask { slot: usize, ticket: u64, request: Rc<Request> },
    /// Its answer.
    Reply { slot: usize, ticket: u64, answer: Box<Answer> },
    /// The account died over it.
    Error { slot: usize, ticket: u64 },
    /// The isolate's patience ends.
    TimeOut { slot: usize, ticket: u64 },
    /// The account's alarm.
    Alarm,
}

impl World {
    /// Sends a request of an isolate, once or twice, and sets the time-out.
    pub(super) fn send(
        &mut self,
        slot: usize,
        request: Request,
        is_renewal: bool,
        allowance: Option<Credits>,
    ) -> Result<(), Broken> {
        let request = Rc::new(request);
        let (now, crashes) = (self.now, self.books.crashes);
        self.posted = self.posted.saturating_add(1);
        let ticket = self.posted;
        let isolate = self.isolate(slot)?;
        let sent = Timestamp::from_millis(now.saturating_add(isolate.skew));
        let waiting = Ticket {
            request: request.clone(),
            sent,
            sent_at: now,
            crashes,
            is_retry: false,
            is_renewal,
            allowance,
        };
        isolate.tickets.insert(ticket, waiting);
        let life = isolate.life;
        self.tell(|| format!("i{life}        asks #{ticket}: {}", super::story::request(&request)));
        self.put(now.saturating_add(ACCOUNT_MS), Letter::TimeOut { slot, ticket }, 0);
        self.mail(Letter::Ask { slot, ticket, request });
        Ok(())
    }

    fn put(&mut self, at: i64, letter: Letter, seed: u64) {
        self.posted = self.posted.saturating_add(1);
        self.post.insert((at, self.posted), (letter, seed));
    }

    /// Hands a letter to the network; its fate comes from what caused it.
    pub(super) fn mail(&mut self, letter: Letter) {
        self.consequences = self.consequences.saturating_add(1);
        let mut chance = Chance::new(mix(self.cause, self.consequences));
        let faults = self.setup.faults;
        // An alarm and an error are the platform's: they arrive.
        let copies = if faults.repeats && chance.percent(10) { 2 } else { 1 };
        if copies == 2 {
            self.tally.note(Count::Repeated);
        }
        for copy in 0..copies {
            let again = match (&letter, copy) {
                (Letter::Ask { slot, ticket, request }, 0) if copies == 2 => {
                    Letter::Ask { slot: *slot, ticket: *ticket, request: request.clone() }
                }
                (Letter::Reply { slot, ticket, answer }, 0) if copies == 2 => {
                    Letter::Reply { slot: *slot, ticket: *ticket, answer: answer.clone() }
                }
                (_, 0) if copies == 2 => continue,
                _ => return self.mail_once(letter, &mut chance),
            };
            self.mail_once(again, &mut chance);
        }
    }

    fn mail_once(&mut self, letter: Letter, chance: &mut Chance) {
        let faults = self.setup.faults;
        let (lost, slowest) = (chance.percent(self.storm), chance.below(50));
        let (quick, seed) = (chance.millis(30), chance.next());
        if lost && faults.drops {
            self.tally.note(Count::Dropped);
            if let Letter::Reply { ticket, answer, .. } = &letter {
                if answer.validity_ms > 0 {
                    self.tally.note(Count::GrantsUnheard);
                }
                let ticket = *ticket;
                return self.tell(|| format!("network   loses the answer to #{ticket}"));
            }
            if let Letter::Ask { ticket, .. } = &letter {
                let ticket = *ticket;
                self.tell(|| format!("network   loses #{ticket}"));
            }
            return;
        }
        let delay = match slowest {
            // Some are slow enough to meet a lease that ended.
            n if faults.delays && n.saturating_mul(8) < self.storm => 30_000,
            1..=4 if faults.delays => chance.millis(ACCOUNT_MS),
            _ => quick,
        };
        self.put(self.now.saturating_add(delay), letter, seed);
    }

    pub(super) fn deliver(&mut self, letter: Letter, number: u64) -> Result<(), Broken> {
        match letter {
            Letter::Ask { slot, ticket, request } => {
                self.delivered(number);
                self.ask_account(slot, ticket, &request)
            }
            Letter::Reply { slot, ticket, answer } => {
                self.delivered(number);
                self.reply(slot, ticket, *answer)
            }
            Letter::Error { slot, ticket } => self.error(slot, ticket),
            Letter::TimeOut { slot, ticket } => self.give_up(slot, ticket),
            Letter::Alarm => {
                self.account.alarm = None;
                self.tell(|| "account   alarm".to_owned());
                self.look()
            }
        }
    }

    fn delivered(&mut self, number: u64) {
        self.tally.note(Count::Delivered);
        // Letters are numbered as they are sent: a later one was here already.
        if number < self.latest {
            self.tally.note(Count::Reordered);
        }
        self.latest = self.latest.max(number);
    }

    fn ask_account(
        &mut self,
        slot: usize,
        ticket: u64,
        request: &Rc<Request>,
    ) -> Result<(), Broken> {
        self.note_late(request)?;
        self.tell(|| format!("account   hears #{ticket}"));
        let told = request.owed.iter().map(|owed| owed.debit.op.clone());
        self.books.unheard.telling = told.collect();
        let answer = self.visit(|session, plan, denials| serve(session, plan, denials, request))?;
        self.books.unheard.telling.clear();
        match answer {
            Some(answer) => {
                self.note_race(slot, &answer)?;
                self.note_promise(request, answer.validity_ms);
                let answer = Box::new(answer);
                self.mail(Letter::Reply { slot, ticket, answer });
            }
            None => {
                let at = self.now.saturating_add(10);
                let seed = mix(self.cause, u64::MAX);
                self.put(at, Letter::Error { slot, ticket }, seed);
            }
        }
        Ok(())
    }

    fn note_promise(&mut self, request: &Request, validity_ms: i64) {
        if let Some(wish) = request.wish.as_ref().filter(|_| validity_ms > 0) {
            let (at, truly) = (self.account.ledger.clock(), self.now);
            self.books.promised(&wish.lease, Promise { at, truly, validity_ms });
        }
    }

    /// Counts last credits that were paid while other isolates wait for theirs.
    fn note_race(&mut self, slot: usize, answer: &Answer) -> Result<(), Broken> {
        let Some(DebitAnswer::Paid { cost }) = answer.debit else { return Ok(()) };
        let others = self.isolates.iter().enumerate().filter(|(other, _)| *other != slot);
        let debits = |isolate: &Isolate| {
            isolate.tickets.values().any(|ticket| ticket.request.debit.is_some())
        };
        if self.account.ledger.available()? < cost && others.map(|(_, i)| i).any(debits) {
            self.tally.note(Count::Races);
        }
        Ok(())
    }

    /// Counts reports that come after their lease has ended.
    fn note_late(&mut self, request: &Request) -> Result<(), Broken> {
        let Some(report) = &request.report else { return Ok(()) };
        let Some(lease) = self.account.ledger.leases().get(&report.lease) else { return Ok(()) };
        if lease.ended_at.is_none() || report.used <= lease.used {
            return Ok(());
        }
        let returned = lease.outstanding()? < report.used.minus(lease.used)?;
        self.tally.note(Count::LateReports);
        if returned {
            self.tally.note(Count::LateReportsAfterReturn);
        }
        Ok(())
    }

    /// An error instead of an answer: the same message is sent once more.
    fn error(&mut self, slot: usize, ticket: u64) -> Result<(), Broken> {
        let isolate = self.isolate(slot)?;
        let Some(waiting) = isolate.tickets.get_mut(&ticket) else { return Ok(()) };
        if waiting.is_retry {
            return self.give_up(slot, ticket);
        }
        waiting.is_retry = true;
        let request = waiting.request.clone();
        self.tally.note(Count::Retried);
        self.tell(|| format!("network   #{ticket} failed and is sent again"));
        self.mail(Letter::Ask { slot, ticket, request });
        Ok(())
    }

    /// Sets the alarm for what is due next, as the account object does.
    pub(super) fn arm(&mut self) {
        let ledger = &self.account.ledger;
        let Some(due) = ledger.next_due() else { return };
        if self.account.alarm.is_some_and(|alarm| alarm <= due) {
            return;
        }
        self.account.alarm = Some(due);
        let wait = due.millis_since(ledger.clock()).max(0);
        let at = self.now.saturating_add(wait);
        let mut chance = Chance::new(mix(self.setup.seed, due.millis().unsigned_abs()));
        match chance.below(10) {
            0 if self.setup.faults.alarms => self.tally.note(Count::AlarmsNever),
            1 if self.setup.faults.alarms => {
                self.tally.note(Count::AlarmsLate);
                self.put(at.saturating_add(chance.millis(60_000)), Letter::Alarm, 0);
            }
            2 if self.setup.faults.alarms => {
                self.tally.note(Count::AlarmsTwice);
                self.put(at, Letter::Alarm, 0);
                self.put(at.saturating_add(chance.millis(1_000)), Letter::Alarm, 0);
            }
            _ => {
                self.tally.note(Count::AlarmsOnTime);
                self.put(at, Letter::Alarm, 0);
            }
        }
    }

    /// What could be paid, for as long as a denial may refer to it.
    pub(super) fn note_payable(&mut self) -> Result<(), Broken> {
        let available = self.account.ledger.available()?;
        let payable = match self.books.tariff().limit()? {
            None => None,
            Some(limit) => {
                let room = limit.minus(self.books.owed()?)?.minus(self.books.sums.allowed)?;
                Some(available.plus(room.max(Credits::ZERO))?)
            }
        };
        if self.payable.back().is_some_and(|(_, last)| *last == payable) {
            return Ok(());
        }
        self.payable.push_back((self.now, payable));
        let old = self.now.saturating_sub(ACCOUNT_MS.saturating_mul(8));
        while self.payable.get(1).is_some_and(|(since, _)| *since < old) {
            self.payable.pop_front();
        }
        Ok(())
    }

    /// The least that could be paid at any instant since then; nothing if there was no bound.
    pub(super) fn least_payable(&self, since: i64) -> Option<Credits> {
        let mut least = None;
        for (at, payable) in self.payable.iter().rev() {
            least = match (least, *payable) {
                (Some(a), Some(b)) => Some(std::cmp::min::<Credits>(a, b)),
                (a, b) => a.or(b),
            };
            // At the very same millisecond it may have been otherwise a moment before.
            if *at < since {
                break;
            }
        }
        least
    }
}
