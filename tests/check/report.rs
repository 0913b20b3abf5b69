//! Reports of random accounts, against sums over the raw JSON and the ledger's own totals.

use std::collections::BTreeMap;

use edgemeter::calendar::{Zone, ZoneSpec};
use edgemeter::ledger::{Ledger, Replay, Row};
use edgemeter::rating::{self, Usage};
use edgemeter::report::{Ask, Dimension, Line, Report, Step, Sums, Tariff};
use edgemeter::units::{Credits, Timestamp};
use serde_json::Value;

use crate::clean::rules;
use crate::story::{Rng, Story};

fn ask(step: Step, by: &str) -> Ask {
    let (from, to) = (Timestamp::default(), Timestamp::from_millis(i64::MAX));
    Ask { from, to, step, by: Dimension::list(by).unwrap(), zone: Zone::utc() }
}

fn report(rows: &[Row], ask: Ask, before: Option<&Ledger>) -> Vec<Line> {
    let mut report = Report::new(ask, before.map(|ledger| Tariff::of(ledger).unwrap()));
    rows.iter().for_each(|row| report.take(row).unwrap());
    report.into_lines().collect()
}

fn total<'l>(lines: impl IntoIterator<Item = &'l Line>) -> Sums {
    lines.into_iter().fold(Sums::default(), |sum, line| sum.plus(&line.sums()).unwrap())
}

fn amount(value: &Value) -> Credits {
    if value.is_null() { Credits::ZERO } else { value.as_str().unwrap().parse().unwrap() }
}

fn sum(list: &Value) -> Credits {
    let list = list.as_array().into_iter().flatten();
    Credits::sum(list.map(|one| amount(&one["amount"]))).unwrap()
}

fn negative(amount: Credits) -> Credits {
    Credits::ZERO.minus(amount).unwrap()
}

/// Calls, credits and quantity by charge, added up in the raw JSON.
#[derive(Default)]
struct Raw {
    calls: i64,
    credits: Credits,
    quantity: BTreeMap<String, Credits>,
}

impl Raw {
    fn of(rows: &[Row]) -> Self {
        let mut raw = Self::default();
        for row in rows {
            for entry in serde_json::from_str::<Vec<Value>>(&row.body).unwrap() {
                let more = raw.entry(&entry);
                raw.credits = raw.credits.plus(more).unwrap();
            }
        }
        raw.quantity.retain(|_, units| !units.is_zero());
        raw
    }

    fn count(&mut self, charge: &Value, units: Credits) {
        let slot = self.quantity.entry(charge.as_str().unwrap().to_owned()).or_default();
        *slot = slot.plus(units).unwrap();
    }

    /// Counts an entry; its credits.
    fn entry(&mut self, entry: &Value) -> Credits {
        match entry["kind"].as_str().unwrap() {
            "usage_reported" => {
                for one in entry["operations"]["list"].as_array().unwrap() {
                    self.calls += 1;
                    let route = one[0].as_u64().unwrap() as usize;
                    self.count(&entry["operations"]["routes"][route][1], amount(&one[2]));
                }
                let short = ["debt", "unpaid"].map(|name| amount(&entry["shortfall"][name]));
                Credits::sum([sum(&entry["burns"]), short[0], short[1]]).unwrap()
            }
            "debited" => {
                self.calls += 1;
                if entry["restricted"] != true {
                    self.count(&entry["debit"]["charge"], amount(&entry["debit"]["quantity"]));
                }
                amount(&entry["cost"])
            }
            "reservation_settled" => {
                self.calls += i64::from(entry["last"].as_bool().unwrap());
                for one in entry["uses"].as_array().unwrap() {
                    self.count(&one["charge"], amount(&one["quantity"]));
                }
                amount(&entry["cost"])
            }
            "events_taken" => {
                let events = &entry["events"];
                let list = events["list"].as_array().unwrap();
                for one in list {
                    self.calls += i64::from(!one[3].as_array().unwrap().is_empty());
                    for part in one[3].as_array().unwrap() {
                        let column = part[0].as_u64().unwrap() as usize;
                        self.count(&events["of"][column][0], amount(&part[1]));
                    }
                }
                Credits::sum(list.iter().map(|one| amount(&one[4]))).unwrap()
            }
            "event_corrected" => {
                for (list, sign) in [("before", -1), ("uses", 1)] {
                    let list = entry[list].as_array().unwrap();
                    self.calls += if list.is_empty() { 0 } else { sign };
                    for one in list {
                        let units = amount(&one["quantity"]);
                        let units = if sign < 0 { negative(units) } else { units };
                        self.count(&one["charge"], units);
                    }
                }
                amount(&entry["cost"])
            }
            "refunded" => {
                let owed = ["debt", "overage"].map(|name| amount(&entry[name]));
                negative(Credits::sum([sum(&entry["returns"]), owed[0], owed[1]]).unwrap())
            }
            _ => Credits::ZERO,
        }
    }
}

#[test]
fn reports_add_up_to_the_ledger_and_to_the_raw_journal() {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 1..=9 {
        let mut story = Story::new(seed, &rules()[seed as usize % 3]);
        story.run(250, 30_000_000);
        let rows = &story.rows;
        for row in rows {
            for entry in serde_json::from_str::<Vec<Value>>(&row.body).unwrap() {
                *kinds.entry(entry["kind"].as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
        let Raw { calls, credits, quantity } = Raw::of(rows);
        let balance = story.ledger.balance().unwrap();
        let invoiced = rows.iter().flat_map(|row| {
            serde_json::from_str::<Vec<Value>>(&row.body).unwrap().into_iter().filter_map(|entry| {
                let is_it = entry["kind"] == "period_closed";
                is_it.then(|| entry["overage"].as_str().unwrap().parse::<Credits>().unwrap())
            })
        });
        let invoiced = Credits::sum(invoiced).unwrap();
        let served = [balance.burned, balance.debt, balance.overage, balance.unpaid, invoiced];
        assert_eq!(credits, Credits::sum(served).unwrap(), "SEED={seed}: the oracle");
        for (step, by) in [
            (Step::All, ""),
            (Step::All, "charge"),
            (Step::Hour, "charge,route,key"),
            (Step::Day, "model,team,charge"),
            (Step::Hour, "model"),
        ] {
            let lines = report(rows, ask(step, by), None);
            let sums = total(&lines);
            assert_eq!((sums.calls, sums.credits), (calls, credits), "SEED={seed} {by}");
            if by.starts_with("charge") {
                let mut by_charge: BTreeMap<String, Credits> = BTreeMap::new();
                for line in lines.iter().filter(|line| !line.of[0].is_empty()) {
                    let slot = by_charge.entry(line.of[0].clone()).or_default();
                    let units: Credits = line.quantity.to_string().parse().unwrap();
                    *slot = slot.plus(units).unwrap();
                }
                by_charge.retain(|_, units| !units.is_zero());
                assert_eq!(by_charge, quantity, "SEED={seed} {by}");
            }
            in_parts(seed, rows, &ask(step, by), &lines);
        }
    }
    for kind in [
        "usage_reported",
        "debited",
        "reservation_settled",
        "events_taken",
        "event_corrected",
        "refunded",
        "plan_changed",
        "period_closed",
        "debt_settled",
        "grant_expired",
    ] {
        assert!(kinds.get(kind).is_some_and(|count| *count > 5), "few of {kind}: {kinds:?}");
    }
}

/// A journal that is read in two parts, the second from a ledger, gives the same sums.
fn in_parts(seed: u64, rows: &[Row], ask: &Ask, whole: &[Line]) {
    let cut = Rng(seed).below(rows.len() as i64 - 1) as usize + 1;
    let (head, tail) = rows.split_at(cut);
    let mut replay = Replay::default();
    head.iter().for_each(|row| replay.take(row).unwrap());
    let mut lines: BTreeMap<(Timestamp, Vec<String>), Sums> = BTreeMap::new();
    let parts = [report(head, ask.clone(), None), report(tail, ask.clone(), replay.ledger())];
    for line in parts.into_iter().flatten() {
        let slot = lines.entry((line.at, line.of.clone())).or_default();
        *slot = slot.plus(&line.sums()).unwrap();
    }
    lines.retain(|_, sums| *sums != Sums::default());
    let mut expected: BTreeMap<_, _> =
        whole.iter().map(|line| ((line.at, line.of.clone()), line.sums())).collect();
    expected.retain(|_, sums| *sums != Sums::default());
    assert_eq!(lines, expected, "SEED={seed} cut at {cut}");
}

#[test]
fn what_each_charge_cost_is_what_its_usage_comes_to() {
    for seed in 1..=9 {
        let mut story = Story::new(seed, &rules()[0]);
        story.run(150, 3_000_000);
        let ledger = &story.ledger;
        if ledger.terms() > 0 {
            continue;
        }
        let lines = report(&story.rows, ask(Step::Day, "charge"), None);
        for charge in story.plan.charges() {
            let of_charge = lines.iter().filter(|line| line.of[0] == charge.id().as_str());
            let sums = total(of_charge);
            let usage = ledger.usages().get(charge.id());
            let expected = match (usage, charge.currency()) {
                (Some(usage), None) => rating::running(charge, usage).unwrap().credits().unwrap(),
                _ => Credits::ZERO,
            };
            assert_eq!(sums.credits, expected, "SEED={seed} {}", charge.id());
            let used = match usage {
                Some(Usage::Total(total)) => total.to_string(),
                Some(Usage::Combinations(of)) => {
                    let sum = of.values().fold("0".parse().unwrap(), |sum: Credits, part| {
                        sum.plus(part.to_string().parse().unwrap()).unwrap()
                    });
                    sum.to_string()
                }
                _ => "0".to_owned(),
            };
            assert_eq!(sums.quantity.to_string(), used, "SEED={seed} {}", charge.id());
        }
    }
}

#[test]
fn buckets_are_those_of_the_wall() {
    // Kathmandu, 5 h 45 min ahead; Berlin, over the end of summer time.
    let zone = |offset, changes: &[(i64, i32)]| {
        let changes = changes.iter().map(|(at, m)| (Timestamp::from_millis(*at), *m)).collect();
        Zone::new(ZoneSpec { name: "test".to_owned(), offset, changes }).unwrap()
    };
    const HOUR: i64 = 3_600_000;
    let day = 86_400_000 * 20_000;
    let berlin = zone(120, &[(day + HOUR, 60)]);
    for (zone, step, at, start) in [
        (zone(345, &[]), Step::Hour, day + 20 * 60_000, day + 15 * 60_000),
        (zone(345, &[]), Step::Hour, day + 14 * 60_000, day - 45 * 60_000),
        (zone(345, &[]), Step::Day, day + 18 * HOUR, day - 20_700_000),
        (zone(345, &[]), Step::Day, day + 19 * HOUR, day + 86_400_000 - 20_700_000),
        (berlin.clone(), Step::Day, day + 22 * HOUR, day - 2 * HOUR),
        (berlin.clone(), Step::Day, day + 23 * HOUR, day + 23 * HOUR),
        (berlin, Step::Hour, day + 90 * 60_000, day + HOUR),
    ] {
        let body = r#"[{"kind":"refunded","op":"a","returns":[{"grant":"g","amount":"1"}]}]"#;
        let at = Timestamp::from_millis(at);
        let row = Row { n: 1, at, body: body.to_owned(), hash: String::new() };
        let lines = report(&[row], Ask { zone, ..ask(step, "") }, None);
        assert_eq!(lines[0].at.millis() - day, start - day, "{step:?} {at}");
    }
}
