//! Cases of kind `invoice`: lines, discounts, taxes and credits through `settle`.

use std::collections::BTreeSet;

use edgemeter::invoice::{On, Settled, Totals, settle};
use edgemeter::plan::{DiscountSpec, Off, TaxSpec};
use edgemeter::units::round::divide;
use edgemeter::units::{Amount, Currency, LineId, Money, Percentage, Rounding};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::case::{Case, Got, parse, text};

/// Money of a case: its currency, and whether its amounts are in minor units.
struct Unit {
    currency: Currency,
    in_cents: bool,
}

/// What a case settles.
struct Bill {
    unit: Unit,
    lines: Vec<(LineId, Money)>,
    discounts: Vec<DiscountSpec>,
    taxes: Vec<TaxSpec>,
    credits: Vec<Money>,
}

pub(crate) fn run(case: &Case) -> Result<Got, String> {
    if case.get("weights").is_some() {
        return allocation(case);
    }
    if case.model == "proration" {
        return proration(case);
    }
    let bill = read(case)?;
    let on = |of: &BTreeSet<LineId>| {
        let names = bill.lines.iter().enumerate();
        let named = names.filter(|(_, (name, _))| of.is_empty() || of.contains(name));
        named.map(|(index, _)| index).collect()
    };
    let amounts: Vec<Money> = bill.lines.iter().map(|(_, amount)| *amount).collect();
    let discounts: Vec<_> =
        bill.discounts.iter().map(|rule| On { rule, lines: on(&rule.lines) }).collect();
    let taxes: Vec<_> = bill.taxes.iter().map(|rule| On { rule, lines: on(&rule.lines) }).collect();
    let settled = settle(bill.unit.currency, &amounts, &discounts, &taxes, &bill.credits);
    let (lines, totals) = settled.map_err(|e| e.to_string())?;
    Ok(results(case, &bill.unit, &lines, &totals))
}

fn unit(case: &Case) -> Result<Unit, String> {
    let currency = parse("currency", case.text("currency").unwrap_or("USD"))?;
    Ok(Unit { currency, in_cents: case.text("unit") == Some("cents") })
}

impl Unit {
    /// An amount of the case, rounded as an invoice line is.
    fn money(&self, name: &str, found: &str) -> Result<Money, String> {
        if self.in_cents {
            return Money::from_minor(parse(name, found)?, self.currency)
                .map_err(|e| e.to_string());
        }
        Money::round(amount(name, found)?, self.currency).map_err(|e| e.to_string())
    }

    fn text(&self, money: Money) -> Value {
        if self.in_cents { text(money.minor()) } else { text(money) }
    }
}

fn amount(name: &str, found: &str) -> Result<Amount, String> {
    found.parse().map_err(|e| format!("{name} {found:?} {e}"))
}

fn read(case: &Case) -> Result<Bill, String> {
    let unit = unit(case)?;
    let lines = read_lines(case, &unit)?;
    let mut bill = Bill { unit, lines, discounts: Vec::new(), taxes: Vec::new(), credits: vec![] };
    read_discounts(case, &mut bill)?;
    read_taxes(case, &mut bill)?;
    if let Some(found) = case.text("prepaid_credits") {
        bill.credits.push(bill.unit.money("prepaid_credits", found)?);
    }
    for credit in case.list("credits") {
        bill.credits.push(bill.unit.money("credits", credit.as_str().unwrap_or_default())?);
    }
    Ok(bill)
}

fn line_id(index: usize) -> Result<LineId, String> {
    parse("line", &format!("line-{index}"))
}

/// Lines under any of their names, less what was applied to them before.
fn read_lines(case: &Case, unit: &Unit) -> Result<Vec<(LineId, Money)>, String> {
    let mut found = Vec::new();
    for name in ["amount", "price", "subtotal", "taxable"] {
        found.extend(case.text(name).map(str::to_owned));
    }
    for line in case.list("lines").iter().chain(case.list("fees")) {
        let amount = line.as_str().or_else(|| line.get("amount").and_then(Value::as_str));
        found.push(amount.ok_or("a line has no amount")?.to_owned());
    }
    let applied = case.list("already_applied");
    let mut lines = Vec::new();
    for (index, found) in found.iter().enumerate() {
        let mut money = unit.money("line", found)?;
        if let Some(before) = applied.get(index).and_then(Value::as_str) {
            let before = unit.money("already_applied", before)?;
            money = money.minus(before).map_err(|e| e.to_string())?;
        }
        lines.push((line_id(index)?, money));
    }
    Ok(lines)
}

fn read_discounts(case: &Case, bill: &mut Bill) -> Result<(), String> {
    for coupon in case.list("line_coupons") {
        let index = coupon.get("line").and_then(Value::as_str).unwrap_or("0");
        let line = line_id(parse("line", index)?)?;
        bill.discounts.push(discount(&bill.unit, coupon, BTreeSet::from([line]))?);
    }
    let mut coupons = case.list("coupons").to_vec();
    coupons.extend_from_slice(case.list("invoice_coupons"));
    for (name, kind) in [
        ("percent_off", "percent"),
        ("coupon_rate", "percent"),
        ("coupon_percentage", "percent"),
        ("amount_off", "amount"),
        ("discount", "amount"),
        ("coupon", "amount"),
    ] {
        coupons.extend(case.text(name).map(|found| serde_json::json!({ kind: found })));
    }
    // What is left of a coupon that earlier invoices used a part of.
    let left = case.text("coupon_remaining").or_else(|| case.text("coupon_amount"));
    coupons.extend(left.map(|found| serde_json::json!({ "amount": found })));
    let mut discounts = coupons
        .iter()
        .map(|coupon| discount(&bill.unit, coupon, BTreeSet::new()))
        .collect::<Result<Vec<_>, _>>()?;
    // The order is data: a plan lists its discounts as they apply.
    if case.text("order") == Some("percent_first") {
        discounts.sort_by_key(|discount| matches!(discount.off, Off::Amount(_)));
    }
    bill.discounts.append(&mut discounts);
    Ok(())
}

fn discount(unit: &Unit, coupon: &Value, lines: BTreeSet<LineId>) -> Result<DiscountSpec, String> {
    let field = |name: &str| coupon.get(name).and_then(Value::as_str);
    let off = match (
        field("percent").or_else(|| field("rate")).or_else(|| field("percentage")),
        field("amount"),
    ) {
        (Some(percent), None) => Off::Percent(parse("percent", percent)?),
        (None, Some(found)) if unit.in_cents => {
            let money = unit.money("amount", found)?;
            Off::Amount(Amount::new(money.major()))
        }
        (None, Some(found)) => Off::Amount(amount("amount", found)?),
        _ => return Err(format!("coupon {coupon} is neither a percentage nor an amount")),
    };
    Ok(DiscountSpec { id: parse("id", "coupon")?, name: String::new(), off, lines })
}

/// Taxes on all lines, and taxes that stand on single fees.
fn read_taxes(case: &Case, bill: &mut Bill) -> Result<(), String> {
    let rates = case.list("rates").iter().filter_map(Value::as_str);
    for rate in rates.chain(case.text("tax_rate")) {
        bill.taxes.push(tax(rate, BTreeSet::new())?);
    }
    let mut by_rate: Vec<(String, BTreeSet<LineId>)> = Vec::new();
    for (index, fee) in case.list("fees").iter().enumerate() {
        if let Some(rate) = fee.get("tax_rate").and_then(Value::as_str) {
            let line = line_id(index)?;
            match by_rate.iter_mut().find(|(known, _)| known == rate) {
                Some((_, lines)) => {
                    lines.insert(line);
                }
                None => by_rate.push((rate.to_owned(), BTreeSet::from([line]))),
            }
        }
    }
    for (rate, lines) in by_rate {
        bill.taxes.push(tax(&rate, lines)?);
    }
    Ok(())
}

fn tax(rate: &str, lines: BTreeSet<LineId>) -> Result<TaxSpec, String> {
    let percent: Percentage = parse("rate", rate)?;
    Ok(TaxSpec { id: parse("id", "tax")?, name: String::new(), percent, lines })
}

/// Every name under which a case may expect a number of the invoice.
fn results(case: &Case, unit: &Unit, lines: &[Settled], totals: &Totals) -> Got {
    let list = |part: &dyn Fn(&Settled) -> Money| {
        Value::Array(lines.iter().map(|line| unit.text(part(line))).collect())
    };
    let less = |a: Money, b: Money| a.minus(b).unwrap_or(a);
    let mut got = Got::new();
    for (name, value) in [
        ("amount", totals.subtotal),
        ("discount", totals.discount),
        ("discount_total", totals.discount),
        ("coupon_applied", totals.discount),
        ("final", totals.due),
        ("taxable", totals.net),
        ("subtotal_after", totals.net),
        ("subtotal_after_coupon", totals.net),
        ("subtotal", totals.subtotal),
        ("tax", totals.tax),
        ("total_before_credits", totals.total),
        ("credits_applied", totals.credits_applied),
        ("total", totals.due),
    ] {
        got.insert(name.to_owned(), unit.text(value));
    }
    for name in ["fee_shares", "fee_coupons"] {
        got.insert(name.to_owned(), list(&|line| less(line.amount, line.net)));
    }
    got.insert("fee_taxes".to_owned(), list(&|line| less(line.total, line.net)));
    got.insert("credits_per_line".to_owned(), list(&|line| line.paid_by_credits));
    got.insert("due_per_line".to_owned(), list(&|line| less(line.total, line.paid_by_credits)));
    if case.model == "allocation" {
        got.insert("taxable".to_owned(), list(&|line| line.net));
    }
    got
}

/// Largest remainder over weights, which may have decimals: they are scaled to whole numbers.
fn allocation(case: &Case) -> Result<Got, String> {
    let unit = unit(case)?;
    let money = unit.money("amount", case.needed("amount")?)?;
    let mut weights = Vec::new();
    for weight in case.list("weights") {
        let field = |name: &str| weight.get(name).and_then(Value::as_str).unwrap_or_default();
        let mut exact = Decimal::from_str_exact(field("weight")).map_err(|e| e.to_string())?;
        exact.rescale(6);
        let scaled = i64::try_from(exact.mantissa()).map_err(|e| e.to_string())?;
        weights.push((field("key").to_owned(), scaled));
    }
    let scaled: Vec<i64> = weights.iter().map(|(_, weight)| *weight).collect();
    let shares = money.allocate(&scaled).map_err(|e| e.to_string())?;
    let keyed = weights.iter().zip(shares).map(|((key, _), share)| (key.clone(), unit.text(share)));
    Ok(Got::from([("shares".to_owned(), Value::Object(keyed.collect()))]))
}

/// A part of an amount by days, then tax.
fn proration(case: &Case) -> Result<Got, String> {
    let unit = unit(case)?;
    let whole = unit.money("amount", case.needed("amount")?)?;
    let part_days = case.text("unused_days").or_else(|| case.text("covered_days"));
    let (part, days): (u32, u32) = (
        parse("unused_days", part_days.unwrap_or_default())?,
        parse("period_days", case.needed("period_days")?)?,
    );
    let amount = whole.prorated(part, days).map_err(|e| e.to_string())?;
    let taxes = match case.text("tax_rate") {
        Some(rate) => vec![tax(rate, BTreeSet::new())?],
        None => Vec::new(),
    };
    let taxes: Vec<_> =
        taxes.iter().map(|rule| On { rule, lines: [0].into_iter().collect() }).collect();
    let (lines, totals) =
        settle(unit.currency, &[amount], &[], &taxes, &[]).map_err(|e| e.to_string())?;
    let mut got = results(case, &unit, &lines, &totals);
    let cents = i128::from(whole.minor()).saturating_mul(part.into());
    let cents = Decimal::from_i128_with_scale(cents, 0);
    let precise = divide(cents, days.into(), 5, Rounding::Floor).map_err(|e| e.to_string())?;
    got.insert("precise_cents".to_owned(), text(precise));
    Ok(got)
}
