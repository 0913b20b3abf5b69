//! What the journal comes to, against the statement; and what the statement comes to, against the
//! bill.

use std::collections::BTreeMap;

use super::rerate::Rerate;
use super::{Check, Fault, Found};
use crate::json::{Json, from_text};
use crate::ledger::{Entry, part_end};
use crate::plan::{ChargeUnit, Plan};
use crate::rating::{self, Usage};
use crate::statement::{PlanStretch, Statement};
use crate::units::order::{map_of, set_of};
use crate::units::{ChargeId, Credits, Inexact, Timestamp};

/// A part of the period, as the journal has it.
struct Stretch<'r> {
    from: Timestamp,
    until: Timestamp,
    plan: &'r Plan,
    usage: BTreeMap<ChargeId, Usage>,
    overage: Credits,
}

impl Check {
    /// Holds what the rows came to against the statement.
    pub(super) fn compare(&mut self) {
        if std::mem::replace(&mut self.is_compared, true) {
            return;
        }
        let Some(rerate) = &self.rerate else { return };
        let compared = compare(rerate, &self.statement, &mut self.found);
        if let Err(error) = compared {
            let why = error.to_string();
            self.found.tell(None, None, Fault::Inexact { why });
        }
    }

    /// Rows after the period: the one that closes it seals its bill.
    pub(super) fn sealed(&mut self, n: u64, entries: &[Entry]) {
        for entry in entries {
            let closed = match entry {
                Entry::PeriodClosed { closed: Some(closed), .. } => closed,
                Entry::PeriodBilled { closed } => closed,
                _ => continue,
            };
            if closed.index == self.statement.period.index {
                self.seal = Some((n, closed.invoice.clone()));
            }
        }
    }

    /// Holds the bill against what seals it; one that is final has a seal.
    pub(super) fn compare_seal(&mut self) {
        let rows = self.statement.journal.rows;
        match &self.seal {
            Some((n, sealed)) => {
                let hash = self.statement.finalize().map(|finalized| finalized.hash);
                if hash.as_ref() != Ok(sealed) {
                    self.found.tell(Some(*n), None, Fault::SealDiffers);
                }
            }
            None if self.is_final() => {
                self.found.tell(Some(rows), None, Fault::SealMissing { rows });
            }
            None => {}
        }
    }

    /// Whether it is of a period that is over, or says that it will not change any more.
    fn is_final(&self) -> bool {
        let bill = self.bill.as_ref().map(|bill| bill.get("bill").unwrap_or(bill));
        let status = bill.and_then(|bill| bill.get("invoice")?.get("status")?.get("state"));
        let is_draft = |status: &Json| *status == Json::Text("draft".to_owned());
        let is_open = self.statement.at < self.statement.period.end;
        !is_open || status.is_some_and(|status| !is_draft(status))
    }

    /// Holds the bill against the statement; the invoice's total and its currency.
    pub(super) fn compare_bill(&mut self) -> (Option<String>, Option<String>) {
        let bill = self.statement.bill();
        let expected = bill.ok().and_then(|bill| serde_json::to_string(&bill).ok());
        let expected = expected.and_then(|text| from_text(&text).ok()).unwrap_or(Json::Null);
        if let Some(found) = &self.bill {
            let found = found.get("bill").unwrap_or(found);
            let differs = difference(&expected, found, &mut String::new());
            if let Some((path, expected, found)) = differs {
                self.found.tell(None, None, Fault::BillDiffers { path, expected, found });
            }
        }
        let text = |value: &Json| match value {
            Json::Text(text) => Some(text.clone()),
            _ => None,
        };
        let invoice = expected.get("invoice");
        let total = invoice.and_then(|invoice| invoice.get("totals")?.get("total"));
        (total.and_then(text), invoice.and_then(|invoice| invoice.get("currency")).and_then(text))
    }
}

/// The first place where two documents differ; an invoice may have been sent and paid since.
fn difference(
    expected: &Json,
    found: &Json,
    path: &mut String,
) -> Option<(String, String, String)> {
    if expected == found || path == "/invoice/status" {
        return None;
    }
    let length = path.len();
    let mut inside = |name: &str, expected: Option<&Json>, found: Option<&Json>| {
        path.push('/');
        path.push_str(name);
        let null = Json::Null;
        let one = difference(expected.unwrap_or(&null), found.unwrap_or(&null), path);
        path.truncate(length);
        one
    };
    match (expected, found) {
        (Json::Object(members), Json::Object(others)) => {
            let mut names = members.iter().chain(others).map(|(name, _)| name);
            names.find_map(|name| inside(name, expected.get(name), found.get(name)))
        }
        (Json::List(expected), Json::List(found)) => {
            let count = expected.len().max(found.len());
            (0..count).find_map(|at| inside(&at.to_string(), expected.get(at), found.get(at)))
        }
        _ => Some((path.clone(), short(expected), short(found))),
    }
}

/// A value, as a person reads it.
fn short(value: &Json) -> String {
    let text = match value {
        Json::Null => "nothing".to_owned(),
        Json::Text(text) => text.clone(),
        Json::Integer(number) => number.to_string(),
        Json::Boolean(flag) => flag.to_string(),
        other => other.kind().to_owned(),
    };
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn compare(rerate: &Rerate, statement: &Statement, found: &mut Found) -> Result<(), Inexact> {
    let mut tell = |fault| found.tell(None, None, fault);
    // What went off an earlier invoice too late for it goes off this one.
    let carried = match rerate.books.is_whole {
        true => Credits::ZERO,
        false => statement.balance.overage.minus(rerate.books.overage)?,
    };
    balance(rerate, statement, carried, &mut tell);
    let parts = stretches(rerate, statement, carried)?;
    if parts.len() != statement.stretches.len() {
        tell(Fault::StretchDiffers);
    }
    for (journal, told) in parts.iter().zip(&statement.stretches) {
        stretch(journal, told, &mut tell)?;
    }
    grants(rerate, statement, &mut tell)
}

/// The parts of the period, as the journal's changes of plan cut it.
fn stretches<'r>(
    rerate: &'r Rerate,
    statement: &Statement,
    carried: Credits,
) -> Result<Vec<Stretch<'r>>, Inexact> {
    let mut from = statement.period.start;
    let mut carried = carried;
    let mut parts = Vec::new();
    let end = statement.period.end;
    for (part, later) in rerate.parts.iter().zip((1..=rerate.parts.len()).rev()) {
        let Some(plan) = rerate.tariff.plan(Some(part.number)) else { continue };
        let usage = rerate.tariff.usage_under(part.number)?;
        // What goes off more than there is of a part goes off the next one.
        let sum = part.overage.plus(carried)?;
        carried = sum.min(Credits::ZERO);
        let overage = sum.max(Credits::ZERO);
        let is_used = rerate.tariff.is_used(part.number);
        if !is_used && overage.is_zero() && part.until <= from {
            continue;
        }
        let until = part_end(from, part.until, end, later);
        parts.push(Stretch { from, until, plan, usage, overage });
        from = until;
    }
    if let Some(plan) = rerate.tariff.plan(None) {
        let usage = rerate.tariff.usage_under(rerate.tariff.number())?;
        let overage = rerate.overage_of_part()?.plus(carried)?;
        parts.push(Stretch { from, until: end, plan, usage, overage });
    }
    Ok(parts)
}

fn stretch(
    journal: &Stretch<'_>,
    told: &PlanStretch,
    tell: &mut impl FnMut(Fault),
) -> Result<(), Inexact> {
    let Stretch { from, until, plan, usage, overage } = journal;
    if plan.hash() != told.plan.hash() {
        let journal = format!("{} version {}", plan.id(), plan.version());
        tell(Fault::PlanDiffers { journal });
    }
    if (*from, *until) != (told.from, told.until) {
        tell(Fault::StretchDiffers);
    }
    let charges = set_of(usage.keys().chain(told.usage.keys()));
    for charge in charges {
        let (journal, statement) = (usage.get(charge), told.usage.get(charge));
        if journal != statement {
            let text = |usage: Option<&Usage>| match usage {
                Some(Usage::Total(total)) => total.to_string(),
                Some(other) => serde_json::to_string(other).unwrap_or_default(),
                None => "0".to_owned(),
            };
            let (journal, statement) = (text(journal), text(statement));
            tell(Fault::UsageDiffers { charge: charge.clone(), journal, statement });
        }
    }
    let mut burned = Credits::ZERO;
    for charge in plan.charges().iter().filter(|charge| charge.unit() == ChargeUnit::Credits) {
        let Some(used) = usage.get(charge.id()) else { continue };
        let amount = rating::running(charge, used).map_err(|_| Inexact)?;
        burned = burned.plus(amount.credits().map_err(|_| Inexact)?)?;
    }
    let (journal, statement) = (burned.minus(*overage)?, told.covered);
    if journal != statement {
        tell(Fault::CoveredDiffers { journal, statement });
    }
    Ok(())
}

fn balance(rerate: &Rerate, statement: &Statement, carried: Credits, tell: &mut impl FnMut(Fault)) {
    let (books, told) = (&rerate.books, &statement.balance);
    let (journal, statement) = (books.overage, told.overage);
    // Only what goes off an invoice is carried from one period to the next.
    if journal != statement && !carried.is_negative() {
        tell(Fault::BalanceDiffers { what: "overage", journal, statement });
    }
    let sums = [
        ("burned", books.burned, told.burned),
        ("debt", books.debt, told.debt),
        ("unpaid", books.unpaid, told.unpaid),
    ];
    for (what, journal, statement) in sums {
        if books.is_whole && journal != statement {
            tell(Fault::BalanceDiffers { what, journal, statement });
        }
    }
}

fn grants(
    rerate: &Rerate,
    statement: &Statement,
    tell: &mut impl FnMut(Fault),
) -> Result<(), Inexact> {
    let zero = Credits::ZERO;
    let told = map_of(statement.grants.iter().map(|grant| (&grant.id, grant)));
    for (id, grant) in &rerate.books.grants {
        let one = told.get(id);
        let (left, burned) = one.map_or((zero, zero), |one| (one.left, one.burned));
        let mut differs = |what, journal, statement| {
            if journal != statement {
                tell(Fault::GrantDiffers { grant: id.clone(), what, journal, statement });
            }
        };
        differs("burned", grant.burned, burned);
        if let (Some(amount), Some(one)) = (grant.amount, one) {
            differs("amount", amount, one.amount);
        }
        if grant.is_whole {
            differs("left", grant.left, left);
            continue;
        }
        let before = left.minus(grant.left)?;
        let lowest = before.plus(grant.lowest)?;
        if before.is_negative() || lowest.is_negative() {
            let taken = zero.minus(grant.lowest)?;
            tell(Fault::GrantOverdrawn { grant: id.clone(), left: before, taken });
        }
    }
    // Rows that begin with the account tell of every grant; others of those that burned.
    for one in &statement.grants {
        let is_known = rerate.books.grants.contains_key(&one.id);
        if !is_known && (rerate.books.is_whole || !one.burned.is_zero()) {
            let (what, journal, statement) = match one.burned.is_zero() {
                true => ("left", zero, one.left),
                false => ("burned", zero, one.burned),
            };
            tell(Fault::GrantDiffers { grant: one.id.clone(), what, journal, statement });
        }
    }
    Ok(())
}
