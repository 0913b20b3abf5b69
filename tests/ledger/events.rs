//! Events from elsewhere: whatever comes twice, late, in any order and is corrected afterwards, the
//! state is that of the clean set: of events that came once, as their last correction says.

use std::collections::BTreeMap;

use edgemeter::ledger::{Change, Corrected, EventCorrection, EventKey, Taken};
use edgemeter::meter::Event;

use crate::elsewhere::{Account, Clean, NOW, Rng, Said};

const BLOCK: &str = r#""block""#;

fn seeds() -> Vec<u64> {
    match std::env::var("SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..250).collect(),
    }
}

/// Something that is sent to the account.
#[derive(Clone)]
enum Sent {
    Event(usize),
    /// Number of the correction.
    Correction(usize),
    Grant(usize),
    Close(usize),
    /// Number of the plan, from 0.
    Follow(usize),
}

struct Correction {
    event: usize,
    /// What it says from here on; nothing: it is void.
    said: Option<Said>,
}

/// Where an event counts: its stretch of one plan, in one period.
type Place = usize;

/// What is going to happen, in a random order.
struct History {
    seed: u64,
    said: Vec<Said>,
    corrections: Vec<Correction>,
    grants: Vec<i64>,
    sent: Vec<Sent>,
}

impl History {
    fn random(seed: u64, rng: &mut Rng, closes: usize, follows: usize) -> Self {
        let count = 1 + rng.pick(40);
        let corrections = (0..rng.pick(12)).map(|_| Correction {
            event: rng.pick(count),
            said: (rng.below(2) == 0).then(|| Said::random(rng)),
        });
        let corrections: Vec<Correction> = corrections.collect();
        let said = (0..count).map(|_| Said::random(rng)).collect();
        let grants: Vec<i64> = (0..rng.pick(5)).map(|_| 1 + rng.below(150)).collect();
        let mut sent: Vec<Sent> = (0..closes).map(Sent::Close).collect();
        sent.extend((0..follows).map(|n| Sent::Follow((n + 1) % 2)));
        sent.extend((0..grants.len()).map(Sent::Grant));
        for index in 0..count {
            sent.extend(vec![Sent::Event(index); 1 + rng.pick(3)]);
        }
        for number in 0..corrections.len() {
            sent.extend(vec![Sent::Correction(number); 1 + rng.pick(2)]);
        }
        for index in (1..sent.len()).rev() {
            sent.swap(index, rng.pick(index + 1));
        }
        Self { seed, said, corrections, grants, sent }
    }

    fn grants_first(mut self) -> Self {
        self.sent.sort_by_key(|sent| !matches!(sent, Sent::Grant(_)));
        self
    }

    fn source(index: usize) -> String {
        format!("/s/{}", index % 3)
    }

    fn id(index: usize) -> String {
        format!("e{}", index / 3)
    }

    fn json(index: usize, said: &Said) -> String {
        said.json(&Self::source(index), &Self::id(index), NOW)
    }

    fn run(&self, rng: &mut Rng, at_zero: &str) -> Run<'_> {
        let account = Account::new(at_zero);
        let (clean, done, batch) = (BTreeMap::new(), Vec::new(), Vec::new());
        let plans = vec![1];
        let mut run = Run { history: self, account, clean, done, batch, plans, closed: NOW };
        for one in &self.sent {
            run.account.now += rng.below(50);
            if run.batch.len() > rng.pick(12) || !matches!(one, Sent::Event(_)) {
                run.send();
            }
            match one {
                Sent::Event(index) => run.batch.push(*index),
                Sent::Correction(number) => run.correct(*number),
                Sent::Grant(number) => {
                    run.account.row(&format!("grant g{number} {}", self.grants[*number]));
                }
                Sent::Close(number) => {
                    run.account.row(&format!("close p{number}"));
                    run.closed = run.account.now;
                    run.plans.push(*run.plans.last().unwrap());
                }
                Sent::Follow(number) => {
                    run.account.row(&format!("follow {number}"));
                    let version = *number as i64 + 1;
                    // The same plan again changes nothing.
                    if run.plans.last() != Some(&version) {
                        run.plans.push(version);
                    }
                }
            }
        }
        run.send();
        run.account.replays();
        run
    }
}

/// A history under way, and what the account should know.
struct Run<'h> {
    history: &'h History,
    account: Account,
    /// What each event says in the end, and where it counts.
    clean: BTreeMap<usize, (Place, Said)>,
    done: Vec<usize>,
    batch: Vec<usize>,
    /// The plan of each stretch so far.
    plans: Vec<i64>,
    closed: i64,
}

impl Run<'_> {
    fn place(&self) -> Place {
        self.plans.len() - 1
    }

    fn send(&mut self) {
        let said = &self.history.said;
        let texts: Vec<String> =
            self.batch.iter().map(|index| History::json(*index, &said[*index])).collect();
        let outcomes = self.account.take(&texts);
        for (index, outcome) in std::mem::take(&mut self.batch).into_iter().zip(outcomes) {
            let expected = match self.clean.contains_key(&index) {
                true => Ok(Taken::Duplicate),
                false if !said[index].is_fine() => Err(()),
                false if self.closed > NOW => Ok(Taken::Late),
                false => Ok(Taken::Taken),
            };
            let seed = self.history.seed;
            assert_eq!(outcome.map_err(|_| ()), expected, "SEED={seed}: {:?}", said[index]);
            if expected.is_ok() {
                let place = self.place();
                self.clean.entry(index).or_insert_with(|| (place, said[index].clone()));
            }
        }
    }

    fn correct(&mut self, number: usize) {
        let Correction { event, said } = &self.history.corrections[number];
        let (id, source, named) =
            (format!("c{number}"), History::source(*event), History::id(*event));
        let text = said.as_ref().map(|said| History::json(*event, said));
        let change = match &text {
            None => Change::Void,
            Some(text) => Change::Amend(Event::from_json(text, None).unwrap()),
        };
        let one = EventCorrection { id: &id, source: &source, event: &named, change };
        let outcome = self.account.correct(&[one]).remove(0).map_err(|_| ());
        let expected = match said {
            _ if self.done.contains(&number) => Ok(Corrected::Duplicate),
            None if self.clean.contains_key(event) => Ok(Corrected::Voided),
            None => Ok(Corrected::Noted),
            Some(said) if !said.is_fine() => Err(()),
            Some(_) => Ok(Corrected::Amended),
        };
        assert_eq!(outcome, expected, "SEED={}: {id}", self.history.seed);
        if expected.is_ok_and(|done| done != Corrected::Duplicate) {
            self.done.push(number);
            let place = self.clean.get(event).map_or(self.place(), |(place, _)| *place);
            self.clean.insert(*event, (place, said.clone().unwrap_or(Said::Nothing)));
        }
    }

    /// What the clean set costs: each stretch is counted from nothing.
    fn cost(&self) -> i64 {
        let mut cost = 0;
        for (stretch, version) in self.plans.iter().enumerate() {
            let of = |(at, _): &&(Place, Said)| *at == stretch;
            let mut sum = Clean::default();
            self.clean.values().filter(of).for_each(|(_, said)| sum.add(said));
            cost += sum.cost(*version);
        }
        cost
    }

    fn granted(&self) -> i64 {
        self.history.grants.iter().sum()
    }

    /// Burned, debt, overage, unpaid, available.
    fn check(&self, debt: i64, overage: i64) {
        let (cost, granted) = (self.cost(), self.granted());
        let expected = [cost.min(granted), debt, overage, 0, (granted - cost).max(0)];
        let seed = self.history.seed;
        assert_eq!(self.account.sums(), expected.map(|n| n.to_string()), "SEED={seed}");
    }

    /// An account that heard of the clean set alone stands where this one does.
    fn check_against_another(&self, at_zero: &str) {
        let mut other = Account::new(at_zero);
        for (number, amount) in self.history.grants.iter().enumerate() {
            other.row(&format!("grant g{number} {amount}"));
        }
        let clean = self.clean.iter();
        let texts = clean.map(|(index, (_, said))| History::json(*index, said));
        other.take(&texts.collect::<Vec<String>>());
        let (ours, theirs) = (&self.account.book.ledger, &other.book.ledger);
        assert_eq!(ours.usages(), theirs.usages(), "SEED={}", self.history.seed);
        assert_eq!(self.account.sums(), other.sums(), "SEED={}", self.history.seed);
    }
}

#[test]
fn the_state_is_that_of_the_clean_set() {
    for seed in seeds() {
        let rng = &mut Rng(seed);
        let at_zero = [BLOCK, r#"{"grace":{"credits":"5"}}"#][rng.pick(2)];
        let history = History::random(seed, rng, 0, 0);
        let run = history.run(rng, at_zero);
        run.check((run.cost() - run.granted()).max(0), 0);
        run.check_against_another(at_zero);
    }
}

#[test]
fn overage_is_that_of_the_clean_set() {
    for seed in seeds() {
        let (rng, at_zero) = (&mut Rng(seed), r#"{"overage":{"unit_price":"0.02"}}"#);
        // Overage is invoiced: no later grant pays it.
        let history = History::random(seed, rng, 0, 0).grants_first();
        let run = history.run(rng, at_zero);
        run.check(0, (run.cost() - run.granted()).max(0));
        run.check_against_another(at_zero);
    }
}

#[test]
fn each_period_and_each_plan_is_that_of_its_clean_set() {
    for seed in seeds() {
        let rng = &mut Rng(seed);
        let (closes, follows) = (rng.pick(4), rng.pick(4));
        let history = History::random(seed, rng, closes, follows);
        let run = history.run(rng, BLOCK);
        run.check((run.cost() - run.granted()).max(0), 0);
    }
}

/// Rows that were written are found by it: it is the same in every version.
#[test]
fn an_event_is_remembered_by_half_of_a_hash() {
    // `sha256sum` of the lines event, length of the source, both names; and correction, its name.
    assert_eq!(EventKey::of("s", "b").hex(), "86a4811226dcb6c79cf45d2b5b468e67");
    assert_eq!(EventKey::of_correction("b").hex(), "6e08613857e56a6e0e63259c623c45dd");
}
