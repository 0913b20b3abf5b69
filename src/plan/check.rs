//! [`PlanSpec`] → [`Plan`]: everything that takes two fields to see.
//!
//! Names that are mentioned exist, ids differ, what is in currency has one, credits have rules. The
//! price of each charge is checked in [`super::check_price`].

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::adjust::{Conversion, Operation};
use super::check_price::charge;
use super::error::{Fault, PlanError};
use super::json::join;
use super::meter::{Aggregation, MeterSpec};
use super::price::PriceSpec;
use super::spec::{
    AtZero, ChargeUnit, CommitSpec, CreditRules, DiscountSpec, FeeSpec, Off, PlanSpec, Rollover,
};
use crate::units::order::sorted;
use crate::units::round::{Rounding, divide};
use crate::units::{Amount, Credits, LineId, MeterId, SCALE_MAX, exact};
use rust_decimal::Decimal;

/// A fault at a path.
pub(super) fn fail<T>(path: impl Into<String>, fault: Fault) -> Result<T, PlanError> {
    Err(PlanError::new(path.into(), fault))
}

/// Checks a plan and makes its prices ready.
pub(super) fn plan(mut spec: PlanSpec) -> Result<Plan, PlanError> {
    let meters = meters(&spec.meters)?;
    let lines = line_ids(&spec)?;
    let mut charges = Vec::with_capacity(spec.charges.len());
    for (index, charge_spec) in spec.charges.iter().enumerate() {
        let path = format!("/charges/{index}");
        in_unit(&spec, charge_spec.unit, join(&path, "unit"))?;
        let meter = match &charge_spec.meter {
            Some(id) => Some(*meters.get(id).ok_or_else(|| no_such_meter(&path, id))?),
            None => None,
        };
        charges.push(charge(charge_spec, meter, spec.currency, &path)?);
    }
    for (index, fee_spec) in spec.fees.iter().enumerate() {
        fee(&spec, fee_spec, &meters, &format!("/fees/{index}"))?;
    }
    if let Some(commit_spec) = &spec.commit {
        commit(&spec, commit_spec, &lines)?;
    }
    discounts_and_taxes(&spec, &lines)?;
    if let Some(rules) = &spec.credits {
        credits(&spec, rules)?;
    }
    // Orders that say nothing: one plan, one canonical text.
    spec.meters = sorted(spec.meters, |a, b| a.id.cmp(&b.id));
    if let Some(rules) = &mut spec.credits {
        let grants = std::mem::take(&mut rules.grants);
        rules.grants = sorted(grants, |a, b| a.id.cmp(&b.id));
    }
    for (charge_spec, charge) in spec.charges.iter_mut().zip(&mut charges) {
        if let PriceSpec::Matrix { entries, .. } = &mut charge_spec.price {
            *entries = sorted(std::mem::take(entries), |a, b| a.when.cmp(&b.when));
        }
        charge.spec.clone_from(charge_spec);
    }
    Plan::of_checked(spec, charges)
}

fn no_such_meter(path: &str, id: &MeterId) -> PlanError {
    let fault = Fault::NoSuchMeter { id: id.to_string() };
    PlanError::new(join(path, "meter"), fault)
}

fn meters(specs: &[MeterSpec]) -> Result<BTreeMap<&MeterId, &MeterSpec>, PlanError> {
    let mut by_id = BTreeMap::new();
    for (index, meter) in specs.iter().enumerate() {
        let path = format!("/meters/{index}");
        let is_count = meter.aggregation == Aggregation::Count;
        match (&meter.property, is_count) {
            (None, false) => return fail(join(&path, "property"), Fault::PropertyMissing),
            (Some(_), true) => return fail(join(&path, "property"), Fault::PropertyUnused),
            _ => {}
        }
        if let Some(conversion) = &meter.conversion {
            check_conversion(conversion, &join(&path, "conversion"))?;
        }
        if by_id.insert(&meter.id, meter).is_some() {
            let fault = Fault::DuplicateId { id: meter.id.to_string() };
            return fail(join(&path, "id"), fault);
        }
    }
    Ok(by_id)
}

/// What to multiply with; what to divide by if the quotient is rounded. Above zero; without a
/// rounding a quotient must always end.
pub(super) fn check_conversion(conversion: &Conversion, path: &str) -> Result<Decimal, PlanError> {
    let factor = conversion.factor.get();
    if factor <= Decimal::ZERO {
        return fail(join(path, "factor"), Fault::NotPositive);
    }
    if conversion.operation == Operation::Multiply || conversion.rounding.is_some() {
        return Ok(factor);
    }
    let never_ends = Fault::DivisionNeverEnds { factor: factor.to_string() };
    inverse(factor).map_or_else(|| fail(join(path, "factor"), never_ends), Ok)
}

/// `1 / divisor`, if it ends within [`SCALE_MAX`] places.
fn inverse(divisor: Decimal) -> Option<Decimal> {
    let places = i32::try_from(SCALE_MAX).ok()?;
    let inverse = divide(Decimal::ONE, divisor, places, Rounding::Floor).ok()?;
    (exact::mul(inverse, divisor).ok()? == Decimal::ONE).then_some(inverse)
}

fn line_ids(spec: &PlanSpec) -> Result<BTreeSet<LineId>, PlanError> {
    let mut lines = BTreeSet::new();
    let charges = spec.charges.iter().enumerate();
    let charges = charges.map(|(i, charge)| (LineId::from(&charge.id), format!("/charges/{i}/id")));
    let fees = spec.fees.iter().enumerate();
    let fees = fees.map(|(i, fee)| (LineId::from(&fee.id), format!("/fees/{i}/id")));
    for (id, path) in charges.chain(fees) {
        if !lines.insert(id.clone()) {
            return fail(path, Fault::DuplicateId { id: id.to_string() });
        }
    }
    Ok(lines)
}

/// Whether the plan says what this unit is.
fn in_unit(spec: &PlanSpec, unit: ChargeUnit, path: String) -> Result<(), PlanError> {
    match unit {
        ChargeUnit::Currency if spec.currency.is_none() => fail(path, Fault::CurrencyMissing),
        ChargeUnit::Credits if spec.credits.is_none() => fail(path, Fault::CreditRulesMissing),
        _ => Ok(()),
    }
}

fn not_negative(amount: Amount, path: String) -> Result<(), PlanError> {
    if amount.is_negative() {
        return fail(path, Fault::NegativeAmount { value: amount.to_string() });
    }
    Ok(())
}

fn positive(amount: Decimal, path: String) -> Result<(), PlanError> {
    if amount <= Decimal::ZERO {
        return fail(path, Fault::NotPositive);
    }
    Ok(())
}

fn fee(
    spec: &PlanSpec,
    fee: &FeeSpec,
    meters: &BTreeMap<&MeterId, &MeterSpec>,
    path: &str,
) -> Result<(), PlanError> {
    not_negative(fee.amount, join(path, "amount"))?;
    in_unit(spec, fee.unit, join(path, "unit"))?;
    match &fee.meter {
        Some(id) if !meters.contains_key(id) => Err(no_such_meter(path, id)),
        _ => Ok(()),
    }
}

/// Checks the commit of a plan whose other fields are checked.
pub(super) fn commit_of(spec: &PlanSpec) -> Result<(), PlanError> {
    let lines = line_ids(spec)?;
    spec.commit.as_ref().map_or(Ok(()), |of| commit(spec, of, &lines))
}

fn commit(spec: &PlanSpec, commit: &CommitSpec, lines: &BTreeSet<LineId>) -> Result<(), PlanError> {
    positive(commit.amount.get(), "/commit/amount".to_owned())?;
    in_unit(spec, commit.unit, "/commit/unit".to_owned())?;
    let value = spec.credits.as_ref().and_then(|rules| rules.value);
    if commit.unit == ChargeUnit::Credits && value.is_none() {
        return fail("/commit/unit".to_owned(), Fault::CreditValueMissing);
    }
    known_lines(&commit.lines, lines, "/commit")
}

fn known_lines(
    mentioned: &BTreeSet<LineId>,
    lines: &BTreeSet<LineId>,
    path: &str,
) -> Result<(), PlanError> {
    match mentioned.iter().find(|id| !lines.contains(*id)) {
        Some(id) => fail(join(path, "lines"), Fault::NoSuchLine { id: id.to_string() }),
        None => Ok(()),
    }
}

fn discounts_and_taxes(spec: &PlanSpec, lines: &BTreeSet<LineId>) -> Result<(), PlanError> {
    let mut ids = BTreeSet::new();
    for (index, discount) in spec.discounts.iter().enumerate() {
        let path = format!("/discounts/{index}");
        check_discount(spec, discount, &path)?;
        known_lines(&discount.lines, lines, &path)?;
        if !ids.insert(&discount.id) {
            let fault = Fault::DuplicateId { id: discount.id.to_string() };
            return fail(join(&path, "id"), fault);
        }
    }
    let mut ids = BTreeSet::new();
    for (index, tax) in spec.taxes.iter().enumerate() {
        let path = format!("/taxes/{index}");
        if spec.currency.is_none() {
            return fail(join(&path, "percent"), Fault::CurrencyMissing);
        }
        known_lines(&tax.lines, lines, &path)?;
        if !ids.insert(&tax.id) {
            return fail(join(&path, "id"), Fault::DuplicateId { id: tax.id.to_string() });
        }
    }
    Ok(())
}

fn check_discount(spec: &PlanSpec, discount: &DiscountSpec, path: &str) -> Result<(), PlanError> {
    match discount.off {
        Off::Percent(percent) if percent.get() > Decimal::ONE_HUNDRED => {
            let fault = Fault::AboveAllOfIt { value: percent.to_string() };
            fail(join(path, "percent"), fault)
        }
        Off::Percent(_) if spec.currency.is_none() => {
            fail(join(path, "percent"), Fault::CurrencyMissing)
        }
        Off::Percent(_) => Ok(()),
        Off::Amount(amount) => {
            not_negative(amount, join(path, "amount"))?;
            in_unit(spec, ChargeUnit::Currency, join(path, "amount"))
        }
    }
}

fn credits(spec: &PlanSpec, rules: &CreditRules) -> Result<(), PlanError> {
    if let Some(value) = rules.value {
        positive(value.get(), "/credits/value".to_owned())?;
        in_unit(spec, ChargeUnit::Currency, "/credits/value".to_owned())?;
    }
    if let Rollover::Between { min, max } = rules.rollover {
        not_negative(min.into(), "/credits/rollover/min".to_owned())?;
        if min > max {
            let fault =
                Fault::MinimumAboveMaximum { minimum: min.to_string(), maximum: max.to_string() };
            return fail("/credits/rollover/min", fault);
        }
    }
    match rules.at_zero {
        AtZero::Block | AtZero::Restrict => {}
        AtZero::Grace { credits } => {
            positive(credits.get(), "/credits/at_zero/grace/credits".to_owned())?;
        }
        AtZero::Overage { unit_price, cap } => {
            let path = "/credits/at_zero/overage";
            not_negative(unit_price.into(), join(path, "unit_price"))?;
            in_unit(spec, ChargeUnit::Currency, join(path, "unit_price"))?;
            positive(cap.unwrap_or(Credits::ONE).get(), join(path, "cap"))?;
        }
    }
    let mut ids = BTreeSet::new();
    for (index, grant) in rules.grants.iter().enumerate() {
        let path = format!("/credits/grants/{index}");
        positive(grant.amount.get(), join(&path, "amount"))?;
        if !ids.insert(&grant.id) {
            return fail(join(&path, "id"), Fault::DuplicateId { id: grant.id.to_string() });
        }
    }
    Ok(())
}
