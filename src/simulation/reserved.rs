//! Operations whose cost is known at their end: isolates ask for them, raise them while they run,
//! and end them, whatever became of the client and of the answer.
//!
//! ```text
//! reserve ─▶ held ─▶ raise, a part …  ─▶ settled   known, estimated, or more than the bound
//!        │                             └▶ released  it failed, or nobody pays for a part of it
//!        └▶ the client is gone before the account answers
//! ```

use std::rc::Rc;

use rust_decimal::prelude::ToPrimitive;

use super::Broken;
use super::Invariant::{NoDoubleCharge, NoFalseDenial, NoStranding, Rating};
use super::chance::Chance;
use super::holds::{Shape, Told, Used};
use super::post::Letter;
use super::request::Asked;
use super::tally::Count;
use super::tariff::MODELS;
use super::world::{REMEMBERED_MS, Ticket, World, made};
use crate::control::{Admission, End, Held, Request, VERSION, serve};
use crate::ledger::{AtMost, Most, Reserve, Settle, Use};
use crate::units::{Credits, KeyId};

/// An operation that an isolate is at.
pub(super) struct Running {
    op: String,
    key: KeyId,
    shape: Shape,
    most: u64,
    /// The most that was asked for it: a gateway that got no answer asks for no less again.
    asked: u64,
    /// Units that were told so far.
    part: u64,
}

/// How an operation ends.
struct Ends {
    /// Nothing: it is released.
    units: Option<u64>,
    estimated: bool,
    count: Option<Count>,
}

impl World {
    pub(super) fn reserve(&mut self, slot: usize, chance: &mut Chance) -> Result<(), Broken> {
        let clock = self.wake(slot)?;
        let key = self.some_key(chance)?;
        let model = chance.of(&[None, Some(0), Some(0), Some(1)]);
        let shape = Shape { words: chance.below(4), model };
        let most = chance.of(&[1_u64, 5, 20, 20, 60, 200]);
        let least = chance.below(most.min(3)).saturating_add(1);
        let expires_ms = chance.of(&[4_000, 60_000, 60_000, 600_000]);
        let running = Running { op: String::new(), key, shape, most, asked: most, part: 0 };
        let reserve = running.reserve(most, least, expires_ms)?;
        let key = running.key;
        match self.isolate(slot)?.client.reserve(reserve, None, clock)? {
            Admission::Ask(request) => self.ask_to_hold(slot, *request),
            refused => {
                let asked = Asked::of(key, self.now, self.books.crashes);
                self.decided(slot, refused, &asked)
            }
        }
    }

    fn ask_to_hold(&mut self, slot: usize, request: Request) -> Result<(), Broken> {
        let life = self.isolate(slot)?.life;
        if let Some(reserve) = &request.reserve {
            let (shape, most) = shape_of(reserve);
            self.books.asked(&reserve.op, life, shape, most);
        }
        self.tally.note(Count::Reserved);
        self.send(slot, request, false, None)
    }

    /// More of one that runs is asked for; or what it used so far is told, as a backend may.
    pub(super) fn raise(&mut self, slot: usize, chance: &mut Chance) -> Result<(), Broken> {
        self.wake(slot)?;
        let held = &mut self.isolate(slot)?.held;
        let index = chance.below(u64::try_from(held.len()).unwrap_or(0));
        let Some(running) = held.get_mut(usize::try_from(index).unwrap_or(0)) else {
            return Ok(());
        };
        if chance.percent(20) {
            running.part = running.part.max(chance.below(running.most.saturating_add(1)));
            let (op, part, model) = (running.op.clone(), running.part, running.shape.model);
            return self.tell_part(slot, op, part, model);
        }
        let most = running.most.saturating_add(chance.below(60)).saturating_add(1);
        running.asked = running.asked.max(most);
        let most = running.asked;
        let reserve = running.reserve(most, 1, chance.of(&[4_000, 60_000, 600_000]))?;
        let request = self.isolate(slot)?.client.raise(reserve);
        self.tally.note(Count::Raised);
        self.ask_to_hold(slot, request)
    }

    fn tell_part(
        &mut self,
        slot: usize,
        op: String,
        part: u64,
        model: Option<usize>,
    ) -> Result<(), Broken> {
        let Some(used) = self.books.uses(&op, part) else { return Ok(()) };
        let settle =
            Settle { op, uses: uses(used, model)?, last: false, status: 0, estimated: false };
        let request = Request { v: VERSION, settles: vec![settle], ..Request::default() };
        self.posted = self.posted.saturating_add(1);
        self.tally.note(Count::Parts);
        // Nobody of the isolate waits for its answer.
        self.mail(Letter::Ask { slot, ticket: self.posted, request: Rc::new(request) });
        Ok(())
    }

    /// Some that run end; and the client of one that was only asked for may be gone.
    pub(super) fn end_some(&mut self, slot: usize, chance: &mut Chance) -> Result<(), Broken> {
        for _ in 0..=chance.below(2) {
            let held = &mut self.isolate(slot)?.held;
            let index = chance.below(u64::try_from(held.len()).unwrap_or(0));
            let Some(running) = held.remove(usize::try_from(index).unwrap_or(0)) else { break };
            let ends = running.ends(chance);
            self.end(slot, running, &ends, chance.percent(20))?;
        }
        match chance.below(10) {
            0 => self.hang_up(slot),
            1 => self.release_late(),
            _ => Ok(()),
        }
    }

    /// A release of what was settled before: an end is an end, and nothing of it comes back.
    fn release_late(&mut self) -> Result<(), Broken> {
        let Some(op) = self.books.settled_lately(self.now.saturating_sub(REMEMBERED_MS)) else {
            return Ok(());
        };
        self.tell(|| format!("network   brings a release of {op}, which is settled"));
        self.tally.note(Count::ReleasedLate);
        let request = Request { v: VERSION, releases: vec![op], ..Request::default() };
        self.visit(|session, plan, denials| serve(session, plan, denials, &request)).map(|_| ())
    }

    /// At the end of a run all of them end well.
    pub(super) fn end_all(&mut self, slot: usize) -> Result<(), Broken> {
        while let Some(running) = self.isolate(slot)?.held.pop_front() {
            let ends = Ends { units: Some(running.most), estimated: false, count: None };
            self.end(slot, running, &ends, false)?;
        }
        Ok(())
    }

    fn end(&mut self, slot: usize, of: Running, ends: &Ends, twice: bool) -> Result<(), Broken> {
        let (clock, now) = (self.wake(slot)?, self.now);
        let Running { op, shape, part, .. } = of;
        let life = self.isolate(slot)?.life;
        let end = match ends.units {
            Some(units) => {
                let units = units.max(part);
                self.books.ends(&op, units, REMEMBERED_MS, now)?;
                self.tell(|| format!("i{life}        ends {op} with {units} units"));
                let (uses, estimated) = (uses(shape.with(units), shape.model)?, ends.estimated);
                End::Settled { uses, status: 200, estimated }
            }
            None => {
                self.books.told(&op, Told::Released);
                self.tell(|| format!("i{life}        releases {op}"));
                End::Released
            }
        };
        ends.count.into_iter().for_each(|count| self.tally.note(count));
        let client = &mut self.isolate(slot)?.client;
        let told = client.end(&op, end, clock);
        if twice && client.end(&op, End::Released, clock).is_some() {
            return Err(Broken::new(NoDoubleCharge, format!("{op} ends once"), "it ended again"));
        }
        match told {
            Some(request) => self.send(slot, request, true, None),
            None => Ok(()),
        }
    }

    /// The client of an operation is gone before the account says that it is held.
    fn hang_up(&mut self, slot: usize) -> Result<(), Broken> {
        let clock = self.wake(slot)?;
        let isolate = self.isolate(slot)?;
        let mut asked =
            isolate.tickets.values().filter_map(|ticket| ticket.request.reserve.as_ref());
        let Some(op) = asked.find(|asked| asked.held.is_zero()).map(|asked| asked.op.clone())
        else {
            return Ok(());
        };
        let told = isolate.client.end(&op, End::Released, clock);
        self.books.told(&op, Told::Released);
        self.tally.note(Count::HungUp);
        match told {
            Some(request) => self.send(slot, request, true, None),
            None => Ok(()),
        }
    }

    /// The account's answer about an operation, or that there is none.
    pub(super) fn heard(
        &mut self,
        slot: usize,
        ticket: &Ticket,
        reserve: &Reserve,
        admission: Option<Admission>,
    ) -> Result<(), Broken> {
        let (op, is_first) = (&reserve.op, reserve.held.is_zero());
        let refused = Told::Refused(ticket.crashes);
        match admission {
            None if is_first => self.books.told(op, Told::Released),
            None => {}
            Some(Admission::Held(held)) => return self.held(slot, reserve, &held),
            Some(Admission::Ask(request)) => {
                // A rest of the lease is given back first: the first question is closed.
                self.books.told(op, refused);
                return self.ask_to_hold(slot, *request);
            }
            Some(Admission::Denied { required, available }) => {
                let life = self.isolate(slot)?.life;
                self.tell(|| format!("i{life}        refuses {op}: {required} of {available}"));
                self.tally.note(Count::ReservationsDenied);
                if self.least_payable(ticket.sent_at).is_none_or(|least| least >= required) {
                    let expected = format!("{required} set aside for {op}");
                    return Err(Broken::new(NoFalseDenial, expected, "402"));
                }
                if is_first {
                    self.books.told(op, refused);
                }
            }
            Some(Admission::Unpriced) => {
                let (shape, _) = shape_of(reserve);
                let mut tariffs = self.books.terms.iter().map(|terms| terms.tariff);
                let lacks = |model: usize| tariffs.any(|of| matches!(of.model(model), Ok(None)));
                if !shape.model.is_some_and(lacks) {
                    return Err(Broken::new(Rating, format!("{op} has a price"), "none"));
                }
                self.books.told(op, refused);
            }
            Some(other) => {
                if is_first {
                    self.books.told(op, refused);
                }
                let Some(key) = reserve.key.clone() else { return Ok(()) };
                let asked = Asked::of(key, ticket.sent_at, ticket.crashes);
                return self.decided(slot, other, &asked);
            }
        }
        Ok(())
    }

    fn held(&mut self, slot: usize, reserve: &Reserve, held: &Held) -> Result<(), Broken> {
        let (op, life) = (&reserve.op, self.isolate(slot)?.life);
        if held.restricted {
            if reserve.held.is_zero() {
                self.books.told(op, Told::Refused(self.books.crashes));
            }
            return Ok(());
        }
        let most = held.most.and_then(|most| most.get().to_u64()).unwrap_or(0);
        self.tell(|| format!("i{life}        runs {op}: {} held, {most} units", held.amount));
        self.tally.note(Count::Held);
        let (shape, asked) = shape_of(reserve);
        if most < asked {
            self.tally.note(Count::Lowered);
        }
        let least = reserve.most.as_ref().map_or(0, |most| most.least);
        let running = &mut self.isolate(slot)?.held;
        if let Some(known) = running.iter_mut().find(|known| known.op == *op) {
            known.most = known.most.max(most);
            return Ok(());
        }
        if !reserve.held.is_zero() || most < least {
            let found = format!("{held:?}");
            return Err(Broken::new(NoStranding, format!("{op}: at least {least} units"), found));
        }
        let Some(key) = reserve.key.clone() else { return Ok(()) };
        running.push_back(Running { op: op.clone(), key, shape, most, asked: most, part: 0 });
        Ok(())
    }
}

impl Running {
    /// What is asked for it: so many units, of which `least` more are needed.
    fn reserve(&self, most: u64, least: u64, expires_ms: i64) -> Result<Reserve, Broken> {
        let Shape { words, model } = self.shape;
        let bounded = match model {
            Some(model) => tokens(model, most)?,
            None => one("words", most)?,
        };
        Ok(Reserve {
            op: self.op.clone(),
            route: "POST /chat".to_owned(),
            key: Some(self.key.clone()),
            uses: if words == 0 { Vec::new() } else { vec![one("words", words)?.into()] },
            most: Some(Most { bounded: bounded.into(), least }),
            expires_ms,
            ..Reserve::default()
        })
    }

    fn ends(&self, chance: &mut Chance) -> Ends {
        let some = chance.below(self.most.saturating_add(1));
        let more = self.most.saturating_add(chance.below(20)).saturating_add(1);
        let (units, estimated, count) = match chance.below(100) {
            0..=59 => (Some(some), false, None),
            // The client is gone: what it got is estimated, or nobody pays for it.
            60..=69 => (Some(some), true, Some(Count::HungUp)),
            70..=74 => (None, false, Some(Count::HungUp)),
            75..=82 => (Some(self.most), true, Some(Count::EndedWithoutUse)),
            83..=89 => (Some(more), false, Some(Count::Overran)),
            _ => (None, false, None),
        };
        Ends { units, estimated, count }
    }
}

fn shape_of(reserve: &Reserve) -> (Shape, u64) {
    let units = |one: &AtMost| one.quantity.get().to_u64().unwrap_or(u64::MAX);
    let words = reserve.uses.first().map_or(0, units);
    let most = reserve.most.as_ref().map(|most| &most.bounded);
    let model = most.and_then(|most| most.of.get("model"));
    let model = model.and_then(|name| MODELS.iter().position(|model| model == name));
    (Shape { words, model }, most.map_or(0, units))
}

fn uses(Used { words, tokens: units }: Used, model: Option<usize>) -> Result<Vec<Use>, Broken> {
    let mut list = vec![one("words", words)?];
    if let Some(model) = model {
        list.push(tokens(model, units)?);
    }
    Ok(list)
}

fn one(charge: &str, units: u64) -> Result<Use, Broken> {
    Ok(Use {
        charge: charge.parse().map_err(|e| made("a charge", &e))?,
        of: Default::default(),
        quantity: units.to_string().parse().map_err(|e| made("a quantity", &e))?,
    })
}

fn tokens(model: usize, units: u64) -> Result<Use, Broken> {
    let name = MODELS.get(model).copied().unwrap_or_default();
    // It counts by its model; what else is said of it is for readers of the journal.
    let of = [("model", name), ("client", "sdk")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    Ok(Use { of: of.into_iter().collect(), ..one("tokens", units)? })
}

impl Asked {
    /// A reservation that was decided by its key.
    fn of(key: KeyId, sent_at: i64, crashes: u64) -> Self {
        Self { key, quantity: 0, op: None, sent_at, crashes, allowance: None::<Credits> }
    }
}
