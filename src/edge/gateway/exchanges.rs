//! Exchanges: requests whose cost is in their answers, from the reservation to the settlement.
//!
//! ```text
//! begin ─▶ reserve ─▶ held ─▶ outgoing ─▶ incoming ─▶ chunk … finish ─▶ ended ─▶ settle, release
//!                                                       └─ slice: raise, wait, over
//! ```
//!
//! Invariants: an exchange ends once; while it runs with slices, no more of an answer is passed on
//! than credits are set aside for.

use std::collections::BTreeMap;

use super::super::problem::Problem;
use super::Gateway;
use super::tickets::Manner;
use super::verdict::Verdict;
use crate::control::{End, Held, Once};
use crate::ledger::{AtMost, Most, Reserve, Use};
use crate::reader::{Asked, Bound, Ended, OnDisconnect, Protocol, Reader, Reading, Scanner};
use crate::units::{AccountId, Credits, KeyId, Quantity, Timestamp};

/// Exchanges of one isolate, at most.
const EXCHANGES_MAX: usize = 10_000;
/// How long credits are set aside for one, in milliseconds: an hour. `EXCHANGE_MS_MAX` in
/// src/edge/exchange.js ends it before a settlement would come too late.
const EXPIRES_MS: i64 = 3_600_000;
/// How often the next slice is asked for in vain before the stream ends.
const SILENCES_MAX: u32 = 3;

/// One request under way.
pub(super) struct Exchange {
    account: AccountId,
    reader: Reader,
    asked: Asked,
    reserve: Reserve,
    manner: Manner,
    held: Option<Held>,
    started: Timestamp,
    scanner: Option<Scanner>,
    status: u16,
    slices: Option<Slices>,
}

/// A stream whose credits are set aside slice by slice.
#[derive(Clone, Copy, Debug)]
struct Slices {
    /// Output tokens of a slice.
    each: u64,
    /// The most that the request allows.
    most: u64,
    /// What credits are set aside for.
    granted: u64,
    /// A message that asks for the next one is under way.
    raising: bool,
    silences: u32,
    over: bool,
    /// The plan serves on, degraded and for nothing.
    free: bool,
}

/// Exchanges by number.
pub(super) struct Exchanges {
    by_number: BTreeMap<u32, Exchange>,
    made: u32,
}

impl Exchanges {
    /// None yet; the first has the number after this one.
    pub(super) fn from(first: u32) -> Self {
        Self { by_number: BTreeMap::new(), made: first }
    }

    pub(super) fn get(&mut self, number: u32) -> Option<&mut Exchange> {
        self.by_number.get_mut(&number)
    }

    pub(super) fn remove(&mut self, number: u32) -> Option<Exchange> {
        self.by_number.remove(&number)
    }
}

/// What makes a reservation, beside its reader.
pub(super) struct Asking {
    pub(super) account: AccountId,
    pub(super) route: String,
    pub(super) key: KeyId,
    /// The name of the client's key, if there is one.
    pub(super) op: String,
}

fn at_most(Bound { any_of, of, quantity }: Bound) -> Option<AtMost> {
    let mut charges = any_of.into_iter();
    Some(AtMost { charge: charges.next()?, or: charges.collect(), of, quantity })
}

fn used(Reading { charge, of, quantity }: Reading) -> Use {
    Use { charge, of, quantity }
}

impl Exchange {
    /// What a request is to be held for.
    pub(super) fn new(
        asking: Asking,
        reader: Reader,
        asked: Asked,
        manner: Manner,
        now: Timestamp,
    ) -> Self {
        let Asking { account, route, key, op } = asking;
        let known = asked.known.iter().cloned().map(|known| used(known).into());
        let uses = known.chain(asked.bound.iter().cloned().filter_map(at_most)).collect();
        let most = asked.most.clone().and_then(|most| {
            Some(Most { bounded: at_most(most.bound)?, least: most.least.whole() })
        });
        let slice = reader.slice().filter(|_| asked.streamed);
        let slices = slice.zip(most.as_ref()).map(|(each, most)| Slices {
            each,
            most: most.bounded.quantity.whole(),
            granted: 0,
            raising: false,
            silences: 0,
            over: false,
            free: false,
        });
        let labels = asked.dimensions.clone();
        let key = Some(key);
        let (held, expires_ms) = (Credits::ZERO, EXPIRES_MS);
        let reserve = Reserve { op, route, key, labels, uses, most, held, expires_ms };
        let mut new = Self {
            account,
            reader,
            asked,
            reserve,
            manner,
            held: None,
            started: now,
            scanner: None,
            status: 0,
            slices,
        };
        new.ask_for_slice();
        new
    }

    /// The reservation as it is asked for next.
    pub(super) fn reserve(&self) -> Reserve {
        self.reserve.clone()
    }

    /// Bounds the output by one slice more, if there are slices.
    fn ask_for_slice(&mut self) {
        let (Some(slices), Some(most)) = (&self.slices, &mut self.reserve.most) else { return };
        let next = slices.granted.saturating_add(slices.each).min(slices.most);
        most.bounded.quantity = Quantity::of_whole(next).unwrap_or(most.bounded.quantity);
        most.least = most.least.min(next);
    }

    /// The account has set credits aside.
    fn is_held(&mut self, held: &Held) {
        self.reserve.op.clone_from(&held.op);
        if let Some(slices) = &mut self.slices {
            let whole = held.most.map_or(slices.granted, Quantity::whole);
            slices.granted = slices.granted.max(whole);
            (slices.raising, slices.silences, slices.free) = (false, 0, held.restricted);
        }
        if self.held.is_none() {
            self.held = Some(held.clone());
        }
    }

    fn is_drained(&self) -> bool {
        self.reader.on_disconnect() == OnDisconnect::Drain
    }

    /// What is not known is no more than credits were set aside for: the rest was not asked of the
    /// origin, or not passed on.
    fn cap(&self, uses: &mut [Use]) {
        let Some(most) = &self.reserve.most else { return };
        let granted = self.slices.map(|slices| Quantity::of_whole(slices.granted));
        let granted = granted.and_then(Result::ok);
        let held = granted.or(self.held.as_ref().and_then(|held| held.most));
        let Some(mut rest) = held else { return };
        let of_output = |one: &&mut Use| {
            one.charge == most.bounded.charge || most.bounded.or.contains(&one.charge)
        };
        for one in uses.iter_mut().filter(of_output) {
            one.quantity = one.quantity.min(rest);
            rest = rest.minus(one.quantity).unwrap_or_default();
        }
    }

    /// Whether the account did not answer when more was asked for.
    pub(super) fn is_silenced(&self) -> bool {
        self.slices.is_some_and(|slices| slices.silences >= SILENCES_MAX)
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.reader.protocol()
    }

    /// What becomes of it, as the route says.
    fn end(&self, how: &str, now: Timestamp) -> End {
        let ended = match (how, self.reader.on_disconnect()) {
            ("whole" | "drained", _) => Ended::Whole,
            ("stopped", _) | ("gone", OnDisconnect::Estimate | OnDisconnect::Drain) => {
                Ended::ClientGone
            }
            // What had been served before it broke off was served.
            ("broken", _) => Ended::Broken,
            // The origin failed, or was not reached; or the operator pays for it.
            _ => return End::Released,
        };
        let ms = u64::try_from(now.millis_since(self.started)).unwrap_or(0);
        let none = |_: &str| None;
        let unseen = || Scanner::new(&self.reader, &self.asked, 200, &none);
        let read = match &self.scanner {
            Some(scanner) => scanner.result(ended, ms),
            // It went before the answer began.
            None => unseen().result(ended, ms),
        };
        let mut uses: Vec<Use> = read.uses.into_iter().map(used).collect();
        if read.estimated {
            self.cap(&mut uses);
        }
        match uses.is_empty() {
            true => End::Released,
            false => End::Settled { uses, status: self.status, estimated: read.estimated },
        }
    }
}

impl Gateway {
    /// Asks the account for credits.
    pub(super) fn reserve(
        &mut self,
        exchange: Exchange,
        once: Option<String>,
        now: Timestamp,
    ) -> Verdict {
        if self.exchanges.by_number.len() >= EXCHANGES_MAX {
            // Of some the end was never heard: the platform cut their requests off.
            self.exchanges.by_number.retain(|_, one| now.millis_since(one.started) <= EXPIRES_MS);
        }
        if self.exchanges.by_number.len() >= EXCHANGES_MAX {
            let detail = "too many requests are under way: try again shortly";
            return Verdict::refuse(&Problem::unavailable(detail));
        }
        let (account, manner) = (exchange.account.clone(), exchange.manner);
        let reserve = exchange.reserve();
        self.exchanges.made = self.exchanges.made.wrapping_add(1);
        let number = self.exchanges.made;
        self.exchanges.by_number.insert(number, exchange);
        let manner = Manner { exchange: Some(number), ..manner };
        let asked = self.client(&account).reserve(reserve, once, now);
        self.verdict(account, asked, manner, None, now)
    }

    /// The account set credits aside for an exchange.
    pub(super) fn held(&mut self, number: u32, held: &Held, granted: Credits) -> Verdict {
        let Some(exchange) = self.exchanges.get(number) else { return Verdict::Nothing };
        let is_raise = exchange.held.is_some();
        exchange.is_held(held);
        if is_raise {
            return Verdict::Nothing;
        }
        let drains = exchange.is_drained();
        Verdict::held(exchange.account.as_str(), held, granted, drains, number)
    }

    /// The account set nothing aside: an exchange that has not begun is over; one that runs gets no
    /// more. `is_final`: the account said so.
    pub(super) fn not_held(&mut self, number: u32, is_final: bool) {
        let Some(exchange) = self.exchanges.get(number) else { return };
        let Some(slices) = exchange.slices.as_mut().filter(|_| exchange.held.is_some()) else {
            self.exchanges.remove(number);
            return;
        };
        slices.raising = false;
        slices.silences = slices.silences.saturating_add(u32::from(!is_final));
        slices.over = is_final || slices.silences >= SILENCES_MAX;
    }

    /// What the origin gets in the place of the client's body.
    pub(super) fn outgoing(&mut self, number: u32, body: &[u8]) -> Option<Vec<u8>> {
        let exchange = self.exchanges.get(number)?;
        let most = exchange.held.as_ref()?.most.map(Quantity::whole);
        // A slice is no bound on the answer: the next one follows.
        exchange.asked.rewritten(body, most.filter(|_| exchange.slices.is_none()))
    }

    /// The answer begins. `k`: nothing of it is changed; `s`: it is paid slice by slice; nothing if
    /// it failed, and need not be looked at.
    pub(super) fn incoming(&mut self, number: u32, status: u16, headers: &str) -> String {
        let Some(exchange) = self.exchanges.get(number) else { return String::new() };
        exchange.status = status;
        let charges_failed = exchange.manner.charges_failed;
        if status >= 300 && !charges_failed {
            return String::new();
        }
        let headers: Vec<(String, String)> = serde_json::from_str(headers).unwrap_or_default();
        let find = |name: &str| find(&headers, name);
        let read_as = if charges_failed { 200 } else { status };
        let scanner = Scanner::new(&exchange.reader, &exchange.asked, read_as, &find);
        let mut watch = String::from("w");
        if exchange.slices.is_some() {
            watch.push('s');
        } else if !scanner.changes() {
            watch.push('k');
        }
        exchange.scanner = Some(scanner);
        watch
    }

    pub(super) fn chunk(&mut self, number: u32, bytes: &[u8]) -> Option<Vec<u8>> {
        self.exchanges.get(number)?.scanner.as_mut()?.push(bytes)
    }

    pub(super) fn finish(&mut self, number: u32) -> Option<Vec<u8>> {
        self.exchanges.get(number)?.scanner.as_mut()?.finish()
    }

    /// Whether a stream may go on: a message that asks for the next slice, `wait` until that is
    /// answered, `over`, or nothing.
    pub(super) fn slice(&mut self, number: u32, now: Timestamp) -> Verdict {
        let Some(exchange) = self.exchanges.get(number) else { return Verdict::Nothing };
        let Some(scanner) = &exchange.scanner else { return Verdict::Nothing };
        let used = scanner.used_at_most();
        let Some(slices) = &mut exchange.slices else { return Verdict::Nothing };
        if slices.free {
            return Verdict::Nothing;
        }
        // The request itself allows no more: the origin must keep to that, and what it does
        // beyond is settled as it is.
        let all = slices.granted >= slices.most;
        // Asked for when a quarter is left, so that a stream seldom waits.
        let low = used.saturating_add(slices.each / 4) > slices.granted;
        if low && !all && !slices.over && !slices.raising {
            slices.raising = true;
            exchange.ask_for_slice();
            let (account, reserve) = (exchange.account.clone(), exchange.reserve());
            let manner = Manner { exchange: Some(number), ..exchange.manner };
            let request = self.client(&account).raise(reserve);
            return self.ask(account, request, manner, now);
        }
        match used <= slices.granted || all {
            true => Verdict::Nothing,
            false if slices.over => Verdict::Over,
            false => Verdict::Wait,
        }
    }

    /// An exchange is over; what the account is to be told.
    pub(super) fn ended(&mut self, number: u32, how: &str, now: Timestamp) -> Verdict {
        let Some(exchange) = self.exchanges.remove(number) else { return Verdict::Nothing };
        let Some(held) = &exchange.held else { return Verdict::Nothing };
        let end = exchange.end(how, now);
        let (op, end) = match (held.restricted, Once::name_of(&held.op), end) {
            // It was served for nothing, but the client has a key for it.
            (true, Some(name), End::Settled { .. }) => (name, End::Done),
            (true, None, _) => return Verdict::Nothing,
            (_, _, end) => (held.op.as_str(), end),
        };
        let account = exchange.account.clone();
        match self.client(&account).end(op, end, now) {
            Some(request) => self.ask(account, request, Manner::default(), now),
            None => Verdict::Nothing,
        }
    }
}

/// A header's value, by its lower-case name.
pub(super) fn find(headers: &[(String, String)], name: &str) -> Option<String> {
    let same = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    same.map(|(_, value)| value.clone())
}
