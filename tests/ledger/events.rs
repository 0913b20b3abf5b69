//! Events from elsewhere: whatever comes twice, late, in any order and is corrected afterwards, the
//! state is that of the clean set.
//!
//! The oracle knows nothing of rating: it prices unit by unit in whole numbers, and counts who would
//! have paid if each event had come once, as its last correction says.

use std::collections::BTreeMap;

use edgemeter::ledger::{
    Change, Corrected, Entry, EventCorrection, EventKey, EventPlace, EventRecord, Ledger, Refused,
    Taken,
};
use edgemeter::meter::Event;
use edgemeter::units::{Credits, Timestamp};
use serde_json::{Value, json};

use crate::book::Book;

const NOW: i64 = 1_795_392_000_000;

/// Calls in tiers, tokens by model, gigabytes at a price that falls for all of them, bytes on the
/// invoice, and a charge that is its own event type.
fn plan(at_zero: &str) -> String {
    let at_zero: Value = serde_json::from_str(at_zero).unwrap();
    let charge = |id: &str, meter: Value, price: Value| {
        let mut charge = json!({ "id": id, "unit": "credits", "price": price });
        if !meter.is_null() {
            charge["meter"] = meter;
        }
        charge
    };
    let tier = |up_to: Option<&str>, price: &str| json!({ "up_to": up_to, "unit_price": price });
    let entry = |model: &str, price: &str| json!({ "when": { "model": model }, "unit_price": price });
    let mut bytes = charge(
        "bytes",
        json!("gigabytes"),
        json!({ "model": "per_unit", "unit_price": "0.01" }),
    );
    bytes["unit"] = json!("currency");
    json!({
        "id": "p", "version": 1, "currency": "USD",
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
                tier(Some("5"), "3"), tier(Some("12"), "7"), tier(None, "1") ] })),
            charge("tokens", json!("tokens"), json!({ "model": "matrix", "entries": [
                entry("a", "2"), entry("b", "5") ] })),
            charge("gb", json!("gigabytes"), json!({ "model": "volume", "tiers": [
                tier(Some("20"), "4"), tier(None, "3") ] })),
            bytes,
            charge("words", Value::Null, json!({ "model": "per_unit", "unit_price": "1" })),
            charge("peaks", json!("peak"), json!({ "model": "per_unit", "unit_price": "1" })),
        ],
    })
    .to_string()
}

/// What one event says.
#[derive(Clone, Debug, PartialEq)]
enum Said {
    Call { tokens: i64, model: &'static str },
    Copy { gb: i64, ok: bool },
    Words { quantity: i64 },
    Nothing,
}

impl Said {
    fn random(rng: &mut Rng) -> Self {
        match rng.below(4) {
            0 | 1 => Self::Call { tokens: rng.below(9) - 1, model: ["a", "b", "c"][rng.pick(3)] },
            2 => Self::Copy { gb: rng.below(7), ok: rng.below(5) > 0 },
            _ => Self::Words { quantity: rng.below(30) },
        }
    }

    /// Whether it can be counted at all.
    fn is_fine(&self) -> bool {
        !matches!(self, Self::Call { tokens: -1, .. } | Self::Call { tokens: 1.., model: "c" })
    }

    fn json(&self, source: &str, id: &str, at: i64) -> String {
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
fn time(at: i64) -> String {
    let ms = at - NOW;
    let day = 23 + ms.div_euclid(86_400_000);
    let ms = ms.rem_euclid(86_400_000);
    let (s, ms) = (ms / 1_000, ms % 1_000);
    format!("2026-11-{day:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3_600, s / 60 % 60, s % 60)
}

/// Units of one period, and what they cost, in credits.
#[derive(Default)]
struct Clean {
    calls: i64,
    a: i64,
    b: i64,
    gb: i64,
    words: i64,
}

impl Clean {
    fn add(&mut self, said: &Said) {
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

    fn cost(&self) -> i64 {
        let call = |n| if n <= 5 { 3 } else if n <= 12 { 7 } else { 1 };
        let calls: i64 = (1..=self.calls).map(call).sum();
        let gb = self.gb * if self.gb <= 20 { 4 } else { 3 };
        calls + self.a * 2 + self.b * 5 + gb + self.words
    }
}

/// An account and what is stored beside its journal.
struct Account {
    book: Book,
    keys: BTreeMap<EventKey, EventPlace>,
    now: i64,
}

type Outcomes<T> = Vec<Result<T, Refused>>;

impl Account {
    fn new(at_zero: &str) -> Self {
        let mut book = Book::under(&plan(at_zero));
        book.visit(Timestamp::from_millis(NOW), |_, _| ());
        Self { book, keys: BTreeMap::new(), now: NOW }
    }

    fn remember(&mut self, keys: Vec<(EventKey, usize)>) {
        let n = self.book.journal.len() as u64;
        self.keys.extend(keys.into_iter().map(|(key, i)| (key, EventPlace { n, i: i as u64 })));
    }

    fn take(&mut self, texts: &[String]) -> Outcomes<Taken> {
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

    fn correct(&mut self, corrections: &[EventCorrection<'_>]) -> Outcomes<Corrected> {
        let at = Timestamp::from_millis(self.now);
        let mut records = BTreeMap::new();
        for EventCorrection { source, event, .. } in corrections {
            let key = EventKey::of(source, event);
            let Some(place) = self.keys.get(&key) else { continue };
            let row = &self.book.journal[place.n as usize - 1];
            let entries: Vec<Entry> = serde_json::from_str(&row.body).unwrap();
            let record = EventRecord::read(&entries, place.i, source, event).unwrap();
            records.insert(key, record.expect("the key's place is about its event"));
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

    fn row(&mut self, command: &str) {
        assert_eq!(self.book.row(&format!("{} {command}", self.now)), None, "{command}");
    }

    fn check(&self) {
        let ledger = &self.book.ledger;
        assert_eq!(ledger.audit(), Ok(()));
        for grant in ledger.grants().values() {
            assert!(grant.left <= grant.given, "{} has more than it was given", grant.terms.id);
        }
    }

    fn replays(&self) {
        let mut replayed = Ledger::replay(&self.book.journal).unwrap();
        replayed.advance(self.book.ledger.clock());
        assert!(replayed == self.book.ledger, "replay differs");
    }

    /// Burned, debt, overage, unpaid, available.
    fn sums(&self) -> [String; 5] {
        let balance = self.book.ledger.balance().unwrap();
        [balance.burned, balance.debt, balance.overage, balance.unpaid, balance.available]
            .map(|amount: Credits| amount.to_string())
    }
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as i64
    }

    fn pick(&mut self, end: usize) -> usize {
        self.below(end as i64) as usize
    }
}

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..400).collect(),
    }
}

/// Something that is sent to the account.
#[derive(Clone)]
enum Sent {
    Event(usize),
    /// Number of the correction.
    Correction(usize),
    Grant(usize),
}

struct Correction {
    id: String,
    event: usize,
    said: Option<Said>,
}

#[test]
fn the_state_is_that_of_the_clean_set() {
    for seed in seeds() {
        let rng = &mut Rng(seed);
        let at_zero = [r#""block""#, r#"{"grace":{"credits":"5"}}"#][rng.pick(2)];
        history(rng, at_zero, seed, false);
    }
}

#[test]
fn overage_is_that_of_the_clean_set() {
    for seed in seeds() {
        history(&mut Rng(seed), r#"{"overage":{"unit_price":"0.02"}}"#, seed, true);
    }
}

fn history(rng: &mut Rng, at_zero: &str, seed: u64, grants_first: bool) {
    let count = 1 + rng.pick(40);
    let source = |index: usize| format!("/s/{}", index % 3);
    let id = |index: usize| format!("e{}", index / 3);
    let said: Vec<Said> = (0..count).map(|_| Said::random(rng)).collect();
    let corrections: Vec<Correction> = (0..rng.pick(12))
        .map(|n| Correction {
            id: format!("c{n}"),
            event: rng.pick(count),
            said: (rng.below(2) == 0).then(|| Said::random(rng)),
        })
        .collect();
    let grants: Vec<i64> = (0..rng.pick(5)).map(|_| 1 + rng.below(150)).collect();
    let mut sent: Vec<Sent> = Vec::new();
    for index in 0..count {
        sent.extend(vec![Sent::Event(index); 1 + rng.pick(3)]);
    }
    for number in 0..corrections.len() {
        sent.extend(vec![Sent::Correction(number); 1 + rng.pick(2)]);
    }
    sent.extend((0..grants.len()).filter(|_| !grants_first).map(Sent::Grant));
    for index in (1..sent.len()).rev() {
        sent.swap(index, rng.pick(index + 1));
    }
    if grants_first {
        sent.splice(0..0, (0..grants.len()).map(Sent::Grant));
    }

    let mut account = Account::new(at_zero);
    let mut clean: BTreeMap<usize, Said> = BTreeMap::new();
    let mut done: Vec<usize> = Vec::new();
    let mut batch: Vec<usize> = Vec::new();
    for one in sent.iter().map(Some).chain([None]) {
        account.now += rng.below(50);
        if batch.len() > rng.pick(12) || !matches!(one, Some(Sent::Event(_))) {
            let text = |index: &usize| said[*index].json(&source(*index), &id(*index), NOW);
            let texts: Vec<String> = batch.iter().map(text).collect();
            let outcomes = account.take(&texts);
            for (index, outcome) in batch.drain(..).zip(outcomes) {
                let expected = match clean.contains_key(&index) {
                    true => Ok(Taken::Duplicate),
                    false if !said[index].is_fine() => Err(()),
                    false => Ok(Taken::Taken),
                };
                assert_eq!(outcome.map_err(|_| ()), expected, "SEED={seed}: {:?}", said[index]);
                if expected.is_ok() {
                    clean.entry(index).or_insert_with(|| said[index].clone());
                }
            }
        }
        match one {
            Some(Sent::Event(index)) => batch.push(*index),
            Some(Sent::Grant(number)) => {
                account.row(&format!("grant g{number} {}", grants[*number]));
            }
            Some(Sent::Correction(number)) => {
                let Correction { id: named, event, said: to } = &corrections[*number];
                let (source, id) = (source(*event), id(*event));
                let text = to.as_ref().map(|said| said.json(&source, &id, NOW));
                let change = match &text {
                    None => Change::Void,
                    Some(text) => Change::Amend(Event::from_json(text, None).unwrap()),
                };
                let one = EventCorrection { id: named, source: &source, event: &id, change };
                let outcome = account.correct(&[one]).remove(0).map_err(|_| ());
                let expected = match to {
                    _ if done.contains(number) => Ok(Corrected::Duplicate),
                    None if clean.contains_key(event) => Ok(Corrected::Voided),
                    None => Ok(Corrected::Noted),
                    Some(said) if !said.is_fine() => Err(()),
                    Some(_) => Ok(Corrected::Amended),
                };
                assert_eq!(outcome, expected, "SEED={seed}: {named}");
                if expected.is_ok_and(|done| done != Corrected::Duplicate) {
                    done.push(*number);
                    clean.insert(*event, to.clone().unwrap_or(Said::Nothing));
                }
            }
            None => {}
        }
    }
    account.replays();

    let mut sums = Clean::default();
    clean.values().for_each(|said| sums.add(said));
    let (cost, granted) = (sums.cost(), grants.iter().sum::<i64>());
    let rest = (cost - granted).max(0);
    let (debt, overage) = if grants_first { (0, rest) } else { (rest, 0) };
    let expected = [cost.min(granted), debt, overage, 0, (granted - cost).max(0)];
    assert_eq!(account.sums(), expected.map(|n| n.to_string()), "SEED={seed}: {:?}", sums.cost());

    // And the same as an account that heard of the clean set alone.
    let mut other = Account::new(at_zero);
    grants.iter().enumerate().for_each(|(n, amount)| other.row(&format!("grant g{n} {amount}")));
    let text = |(index, said): (&usize, &Said)| said.json(&source(*index), &id(*index), NOW);
    let texts: Vec<String> = clean.iter().map(text).collect();
    other.take(&texts);
    assert_eq!(account.book.ledger.usages(), other.book.ledger.usages(), "SEED={seed}");
    assert_eq!(account.sums(), other.sums(), "SEED={seed}");
}
