//! An account that takes events from elsewhere, with what is stored beside its journal; and the
//! oracle, which prices unit by unit in whole numbers and knows nothing of rating.

use std::collections::BTreeMap;

use edgemeter::ledger::{
    BillingTerms, Corrected, Entry, EventCorrection, EventKey, EventPlace, EventRecord, Ledger,
    Refused, Taken,
};
use edgemeter::meter::Event;
use edgemeter::units::{Credits, Timestamp};
use serde_json::{Value, json};

use crate::book::Book;

pub(crate) const NOW: i64 = 1_795_392_000_000;

/// Calls in tiers, tokens by model, gigabytes at a price that falls for all of them, bytes on the
/// invoice, and a charge that is its own event type.
pub(crate) fn plan(version: u32, at_zero: &str) -> String {
    let at_zero: Value = serde_json::from_str(at_zero).unwrap();
    let charge = |id: &str, meter: Value, price: Value| {
        let mut charge = json!({ "id": id, "unit": "credits", "price": price });
        if !meter.is_null() {
            charge["meter"] = meter;
        }
        charge
    };
    let tier = |up_to: Option<&str>, price: &str| json!({ "up_to": up_to, "unit_price": price });
    let entry =
        |model: &str, price: &str| json!({ "when": { "model": model }, "unit_price": price });
    let mut bytes =
        charge("bytes", json!("gigabytes"), json!({ "model": "per_unit", "unit_price": "0.01" }));
    bytes["unit"] = json!("currency");
    json!({
        "id": "p", "version": version, "currency": "USD",
        "credits": { "burn_order": "standard", "rollover": "none", "at_zero": at_zero },
        "meters": [
            { "id": "calls", "event_type": "call", "aggregation": "count" },
            { "id": "tokens", "event_type": "call", "aggregation": "sum", "property": "/tokens",
              "dimensions": { "model": "/model", "user": "/user" } },
            { "id": "gigabytes", "event_type": "copy", "aggregation": "sum", "property": "/gb",
              "filters": { "/ok": ["true"] } },
            { "id": "peak", "event_type": "load", "aggregation": "max", "property": "/n" },
        ],
        "charges": [
            charge("calls", json!("calls"), json!({ "model": "graduated", "tiers": [
                tier(Some("5"), "3"), tier(Some("12"), if version == 1 { "7" } else { "2" }),
                tier(None, "1") ] })),
            charge("tokens", json!("tokens"), json!({ "model": "matrix", "entries": [
                entry("a", "2"), entry("b", "5") ] })),
            charge("gb", json!("gigabytes"), json!({ "model": "volume", "tiers": [
                tier(Some("20"), "4"), tier(None, "3") ] })),
            bytes,
            charge("words", Value::Null, json!({
                "model": "per_unit", "unit_price": version.to_string() })),
            charge("peaks", json!("peak"), json!({ "model": "per_unit", "unit_price": "1" })),
        ],
    })
    .to_string()
}

/// What one event says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Said {
    Call { tokens: i64, model: &'static str },
    Copy { gb: i64, ok: bool },
    Words { quantity: i64 },
    Nothing,
}

impl Said {
    pub(crate) fn random(rng: &mut Rng) -> Self {
        match rng.below(4) {
            0 | 1 => Self::Call { tokens: rng.below(9) - 1, model: ["a", "b", "c"][rng.pick(3)] },
            2 => Self::Copy { gb: rng.below(7), ok: rng.below(5) > 0 },
            _ => Self::Words { quantity: rng.below(30) },
        }
    }

    /// Whether it can be counted at all.
    pub(crate) fn is_fine(&self) -> bool {
        !matches!(self, Self::Call { tokens: -1, .. } | Self::Call { tokens: 1.., model: "c" })
    }

    pub(crate) fn json(&self, source: &str, id: &str, at: i64) -> String {
        let (kind, data) = match self {
            Self::Call { tokens, model } => {
                let data = json!({ "tokens": tokens, "model": model, "user": id });
                ("call", data)
            }
            Self::Copy { gb, ok } => ("copy", json!({ "gb": gb.to_string(), "ok": ok })),
            Self::Words { quantity } => ("words", json!({ "quantity": quantity })),
            Self::Nothing => ("words", json!({ "quantity": 0 })),
        };
        let time = time(at);
        json!({ "specversion": "1.0", "id": id, "source": source, "type": kind, "subject": "acme",
                "time": time, "data": data })
        .to_string()
    }
}

/// RFC 3339 of an instant on the day of [`NOW`].
pub(crate) fn time(at: i64) -> String {
    let ms = at - NOW;
    let day = 23 + ms.div_euclid(86_400_000);
    let ms = ms.rem_euclid(86_400_000);
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("2026-11-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3_600, s / 60 % 60, s % 60)
}

/// Units of one period, and what they cost, in credits.
#[derive(Default)]
pub(crate) struct Clean {
    calls: i64,
    a: i64,
    b: i64,
    gb: i64,
    words: i64,
}

impl Clean {
    pub(crate) fn add(&mut self, said: &Said) {
        match said {
            Said::Call { tokens, model } => {
                self.calls += 1;
                *if *model == "a" { &mut self.a } else { &mut self.b } += tokens;
            }
            Said::Copy { gb, ok: true } => self.gb += gb,
            Said::Words { quantity } => self.words += quantity,
            Said::Copy { .. } | Said::Nothing => {}
        }
    }

    pub(crate) fn cost(&self, version: i64) -> i64 {
        let second = if version == 1 { 7 } else { 2 };
        let call = |n| {
            if n <= 5 {
                3
            } else if n <= 12 {
                second
            } else {
                1
            }
        };
        let calls: i64 = (1..=self.calls).map(call).sum();
        let gb = self.gb * if self.gb <= 20 { 4 } else { 3 };
        calls + self.a * 2 + self.b * 5 + gb + self.words * version
    }
}

/// An account and what is stored beside its journal.
pub(crate) struct Account {
    pub(crate) book: Book,
    keys: BTreeMap<EventKey, EventPlace>,
    pub(crate) now: i64,
}

pub(crate) type Outcomes<T> = Vec<Result<T, Refused>>;

impl Account {
    pub(crate) fn new(at_zero: &str) -> Self {
        Self::under(vec![plan(1, at_zero), plan(2, at_zero)])
    }

    pub(crate) fn under(plans: Vec<String>) -> Self {
        let mut book = Book::with_plans(plans);
        book.visit(Timestamp::from_millis(NOW), |_, _| ());
        Self { book, keys: BTreeMap::new(), now: NOW }
    }

    /// By a contract's calendar, opened now.
    pub(crate) fn billed(plans: Vec<String>, terms: BillingTerms) -> Self {
        let book = Book::billed(plans, terms, Timestamp::from_millis(NOW));
        Self { book, keys: BTreeMap::new(), now: NOW }
    }

    fn remember(&mut self, keys: Vec<(EventKey, usize)>) {
        let n = self.book.journal.len() as u64;
        self.keys.extend(keys.into_iter().map(|(key, i)| (key, EventPlace { n, i: i as u64 })));
    }

    pub(crate) fn take(&mut self, texts: &[String]) -> Outcomes<Taken> {
        let at = Timestamp::from_millis(self.now);
        let event = |text: &'_ String| Event::from_json(text.clone().leak(), Some(at)).unwrap();
        let events: Vec<Event<'_>> = texts.iter().map(event).collect();
        let key = |event: &Event<'_>| EventKey::of(&event.source, &event.id);
        let known: Vec<bool> =
            events.iter().map(|event| self.keys.contains_key(&key(event))).collect();
        let (outcomes, keys) = self.book.visit(at, |session, plan| {
            let outcomes = session.take_events(plan, &events, |index| known[index]).unwrap();
            (outcomes, session.event_keys())
        });
        self.remember(keys);
        self.check();
        outcomes
    }

    pub(crate) fn correct(&mut self, corrections: &[EventCorrection<'_>]) -> Outcomes<Corrected> {
        let at = Timestamp::from_millis(self.now);
        let mut records = BTreeMap::new();
        for EventCorrection { source, event, .. } in corrections {
            let key = EventKey::of(source, event);
            let Some(place) = self.keys.get(&key) else { continue };
            let row = &self.book.journal[place.n as usize - 1];
            let entries: Vec<Entry> = serde_json::from_str(&row.body).unwrap();
            let record = EventRecord::read(&entries, place.i, source, event).unwrap();
            records.insert(key, record.unwrap());
        }
        let done: Vec<bool> = corrections
            .iter()
            .map(|one| self.keys.contains_key(&EventKey::of_correction(one.id)))
            .collect();
        let (outcomes, keys) = self.book.visit(at, |session, plan| {
            let is_done = |index: usize| done[index];
            let outcomes = session.correct_events(plan, corrections, is_done, records).unwrap();
            (outcomes, session.event_keys())
        });
        self.remember(keys);
        self.check();
        outcomes
    }

    pub(crate) fn row(&mut self, command: &str) {
        assert_eq!(self.book.row(&format!("{} {command}", self.now)), None, "{command}");
    }

    fn check(&self) {
        let ledger = &self.book.ledger;
        assert_eq!(ledger.audit(), Ok(()));
        for grant in ledger.grants().values() {
            assert!(grant.left <= grant.given, "{} has more than it was given", grant.terms.id);
        }
    }

    pub(crate) fn replays(&self) {
        let mut replayed = Ledger::replay(&self.book.journal).unwrap();
        replayed.advance(self.book.ledger.clock());
        assert!(replayed == self.book.ledger, "replay differs");
    }

    /// Burned, debt, overage, unpaid, available.
    pub(crate) fn sums(&self) -> [String; 5] {
        let balance = self.book.ledger.balance().unwrap();
        [balance.burned, balance.debt, balance.overage, balance.unpaid, balance.available]
            .map(|amount: Credits| amount.to_string())
    }
}

/// SplitMix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as i64
    }

    pub(crate) fn pick(&mut self, end: usize) -> usize {
        self.below(end as i64) as usize
    }
}
