//! What a customer is shown, and what forgers make of it.

use edgemeter::check::{Check, Seen};
use edgemeter::ledger::{Row, chain_hash};
use serde_json::{Value, json};

use crate::clean::rules;
use crate::plans::plan;
use crate::story::{Story, line};

/// What a customer is shown.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) rows: Vec<Row>,
    pub(crate) statement: Value,
    pub(crate) bill: Value,
}

impl Shown {
    /// A month with everything in it.
    pub(crate) fn new() -> Self {
        let mut story = Story::new(5, &rules()[0]);
        for (steps, apart_ms) in [(100, 9_000_000), (150, 3_000), (60, 9_000_000)] {
            story.run(steps, apart_ms);
        }
        let statement = story.statement();
        let bill = serde_json::to_value(statement.bill().unwrap()).unwrap();
        Self { rows: story.rows, statement: serde_json::to_value(&statement).unwrap(), bill }
    }

    /// The first row with an entry that `is_it`, and the entry's place.
    fn find(&self, is_it: impl Fn(&Value) -> bool) -> (usize, usize) {
        let found = self.rows.iter().enumerate().skip(2).find_map(|(index, row)| {
            let entries: Vec<Value> = serde_json::from_str(&row.body).unwrap();
            entries.iter().position(&is_it).map(|place| (index, place))
        });
        found.unwrap_or_else(|| panic!("the story has none"))
    }

    fn edit(&mut self, is_it: impl Fn(&Value) -> bool, change: impl FnOnce(&mut Value)) -> usize {
        let (index, place) = self.find(is_it);
        let mut entries: Vec<Value> = serde_json::from_str(&self.rows[index].body).unwrap();
        change(&mut entries[place]);
        self.rows[index].body = serde_json::to_string(&entries).unwrap();
        index
    }

    /// What a forger does who controls everything that is served.
    pub(crate) fn hash_anew(&mut self) {
        let mut previous = String::new();
        for (index, row) in self.rows.iter_mut().enumerate() {
            row.n = index as u64 + 1;
            row.hash = chain_hash(&previous, row.n, row.at, &row.body);
            previous.clone_from(&row.hash);
        }
        self.statement["journal"]["rows"] = json!(self.rows.len());
        self.statement["journal"]["hash"] = json!(previous);
    }

    pub(crate) fn codes(&self, seen: Option<Seen>) -> Vec<(Option<u64>, &'static str)> {
        let (statement, bill) = (self.statement.to_string(), self.bill.to_string());
        let mut check = Check::new(&statement, Some(&bill), seen).unwrap();
        let export: String = self.rows.iter().map(line).collect();
        check.take(export.as_bytes());
        let verdict = check.finish();
        assert_eq!(verdict.clean, verdict.findings.is_empty());
        verdict.findings.iter().map(|one| (one.row, one.fault.code())).collect()
    }
}

pub(crate) type Act = fn(&mut Shown) -> usize;

fn is(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |entry| entry["kind"] == kind
}

fn paid(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |entry| entry["kind"] == kind && entry["burns"].as_array().is_some_and(|b| !b.is_empty())
}

/// Adds one to an amount.
pub(crate) fn more(value: &mut Value) {
    let (whole, places) =
        value.as_str().unwrap().split_once('.').unwrap_or((value.as_str().unwrap(), ""));
    let point = if places.is_empty() { "" } else { "." };
    *value = json!(format!("{}{point}{places}", whole.parse::<i64>().unwrap() + 1));
}

pub(crate) fn reported(entry: &Value) -> bool {
    let ops = entry["operations"]["list"].as_array();
    paid("usage_reported")(entry) && ops.is_some_and(|ops| ops.len() > 1)
}

/// A report whose row does not tell what its operations cost.
fn untold(entry: &Value) -> bool {
    paid("usage_reported")(entry) && entry["costs"].as_array().is_none_or(Vec::is_empty)
}

/// Who does what, what is said of what he left, and what once all is hashed anew.
pub(crate) const FORGERS: &[(&str, Act, &str, &str)] = &[
    (
        "a cost",
        |it| it.edit(paid("debited"), |e| more(&mut e["cost"])),
        "row_changed",
        "cost_differs",
    ),
    (
        "what a grant paid",
        |it| it.edit(paid("debited"), |e| more(&mut e["burns"][0]["amount"])),
        "row_changed",
        "payment_differs",
    ),
    (
        "a quantity",
        |it| it.edit(reported, |e| more(&mut e["operations"]["list"][0][2])),
        "row_changed",
        "usage_differs",
    ),
    (
        "a cost and who paid it",
        |it| {
            it.edit(paid("reservation_settled"), |e| {
                more(&mut e["cost"]);
                more(&mut e["burns"][0]["amount"]);
            })
        },
        "row_changed",
        "cost_differs",
    ),
    (
        "words, their cost and who paid it: only the sums are wrong",
        |it| {
            let words = |e: &Value| paid("debited")(e) && e["debit"]["charge"] == "words";
            it.edit(words, |e| {
                more(&mut e["debit"]["quantity"]);
                more(&mut e["cost"]);
                more(&mut e["burns"][0]["amount"]);
            })
        },
        "row_changed",
        "usage_differs",
    ),
    (
        "an event's cost",
        |it| {
            let free = |e: &Value| is("events_taken")(e) && e["events"]["list"][0][4] != "0";
            it.edit(free, |e| more(&mut e["events"]["list"][0][4]))
        },
        "row_changed",
        "cost_differs",
    ),
    (
        "a correction's cost",
        |it| it.edit(is("event_corrected"), |e| more(&mut e["cost"])),
        "row_changed",
        "cost_differs",
    ),
    (
        "a row less",
        |it| {
            let (index, _) = it.find(paid("debited"));
            it.rows.remove(index);
            index
        },
        "row_missing",
        "usage_differs",
    ),
    (
        "a row twice",
        |it| {
            let (index, _) = it.find(paid("debited"));
            it.rows.insert(index + 1, it.rows[index].clone());
            index
        },
        "row_repeated",
        "operation_repeated",
    ),
    (
        "a lease's report twice",
        |it| {
            let (index, _) = it.find(reported);
            it.rows.insert(index + 1, it.rows[index].clone());
            index
        },
        "row_repeated",
        "operation_repeated",
    ),
    (
        "a lease's report less",
        |it| {
            let text: String = it.rows.iter().map(|row| row.body.as_str()).collect();
            let goes_on = |e: &Value| {
                let lease = format!("\"lease\":{},", e["lease"]);
                text.matches(&lease).count() > 3
            };
            let (index, _) = it.find(|e| reported(e) && e["operations"]["from"] == 0 && goes_on(e));
            it.rows.remove(index);
            index
        },
        "row_missing",
        "operation_missing",
    ),
    (
        "events twice",
        |it| {
            let (index, _) = it.find(is("events_taken"));
            it.rows.insert(index + 1, it.rows[index].clone());
            index
        },
        "row_repeated",
        "operation_repeated",
    ),
    (
        "two rows the other way round",
        |it| {
            let (index, _) = it.find(paid("debited"));
            it.rows.swap(index, index + 1);
            index
        },
        "row_reordered",
        "time_shifted",
    ),
    (
        "other prices under the old hash",
        |it| {
            let other = plan(1, &rules()[0]).replace("0.002", "0.003");
            it.rows[0].body = {
                let mut entries: Vec<Value> = serde_json::from_str(&it.rows[0].body).unwrap();
                entries[0]["plan_json"] = json!(other);
                serde_json::to_string(&entries).unwrap()
            };
            0
        },
        "row_changed",
        "plan_changed",
    ),
    (
        "other prices under their own hash",
        |it| {
            let other = plan(1, &rules()[0]).replace("\"1\"", "\"2\"");
            let hash = edgemeter::plan::Plan::parse(&other).unwrap().hash().to_owned();
            let mut entries: Vec<Value> = serde_json::from_str(&it.rows[0].body).unwrap();
            entries[0]["plan_json"] = json!(other);
            entries[0]["plan"]["hash"] = json!(hash);
            it.rows[0].body = serde_json::to_string(&entries).unwrap();
            0
        },
        "row_changed",
        "plan_differs",
    ),
    (
        "the time of a row",
        |it| {
            let (index, _) = it.find(paid("debited"));
            it.rows[index].at = it.rows[index].at.plus_millis(86_400_000);
            index
        },
        "row_changed",
        "time_shifted",
    ),
    (
        "the time of an operation",
        |it| it.edit(reported, |e| e["operations"]["list"][0][3] = json!(3_600_000)),
        "row_changed",
        "time_shifted",
    ),
    (
        "what an operation went to: no sum tells",
        |it| it.edit(paid("debited"), |e| e["debit"]["route"] = json!("GET /other")),
        "row_changed",
        "",
    ),
    (
        "who asked: no sum tells",
        |it| it.edit(paid("debited"), |e| e["debit"]["key"] = json!("k9")),
        "row_changed",
        "",
    ),
    (
        "the end",
        |it| {
            let length = it.rows.len();
            it.rows.truncate(length * 3 / 4);
            length * 3 / 4
        },
        "journal_cut",
        "usage_differs",
    ),
    (
        "a grant",
        |it| {
            let bought =
                |e: &Value| is("credits_granted")(e) && e["grant"]["terms"]["amount"] != "20";
            it.edit(bought, |e| {
                for name in ["given", "left"] {
                    more(&mut e["grant"][name]);
                }
                more(&mut e["grant"]["terms"]["amount"]);
            })
        },
        "row_changed",
        "grant_differs",
    ),
    (
        "an operation moved to terms that there are not, at a price of his own",
        |it| {
            it.edit(paid("debited"), |e| {
                e["terms"] = json!(99);
                more(&mut e["cost"]);
                more(&mut e["burns"][0]["amount"]);
            })
        },
        "row_changed",
        "terms_unknown",
    ),
    (
        "an operation moved to a route that its row does not list",
        |it| {
            it.edit(reported, |e| {
                e["operations"]["list"][0][0] = json!(7);
                e["costs"] = json!(vec!["1"; e["operations"]["list"].as_array().unwrap().len()]);
            })
        },
        "row_changed",
        "operation_unpriced",
    ),
    (
        "an operation moved to such a route, whose row tells no costs, and what grants paid",
        |it| {
            it.edit(untold, |e| {
                e["operations"]["list"][0][0] = json!(7);
                more(&mut e["burns"][0]["amount"]);
            })
        },
        "row_changed",
        "payment_differs",
    ),
    (
        "an operation moved to a charge without a price, and what grants paid",
        |it| {
            it.edit(untold, |e| {
                e["operations"]["routes"][0][1] = json!("other");
                more(&mut e["burns"][0]["amount"]);
            })
        },
        "row_changed",
        "payment_differs",
    ),
    (
        "what a refund gives back",
        |it| {
            let some = |e: &Value| {
                is("refunded")(e) && e["returns"].as_array().is_some_and(|list| !list.is_empty())
            };
            it.edit(some, |e| more(&mut e["returns"][0]["amount"]))
        },
        "row_changed",
        "refund_differs",
    ),
];
