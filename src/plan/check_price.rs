//! One charge: its price and its adjustments, checked and made ready.
//!
//! Order of the checks: signs, then tiers and entries, then adjustments, then whether every product
//! stays exact.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::adjust::{Adjustment, Operation};
use super::charge::{AmountStep, Charge, Matrix, Package, Price, QuantityStep};
use super::check::{check_conversion, fail};
use super::error::{Fault, PlanError};
use super::json::join;
use super::ladder::{Climb, Ladder, Tier};
use super::lines::Lines;
use super::meter::{Aggregation, MeterSpec};
use super::places::quantity_places;
use super::price::{MatrixEntry, PercentageSpec, PriceSpec, TierSpec};
use super::spec::{ChargeSpec, ChargeUnit, PriceEach};
use crate::units::order::sorted;
use crate::units::{Currency, UnitPrice};

/// Checks a charge of a meter, if it names one.
pub(super) fn charge(
    spec: &ChargeSpec,
    meter: Option<&MeterSpec>,
    currency: Option<Currency>,
    path: &str,
) -> Result<Charge, PlanError> {
    let price_path = join(path, "price");
    if !spec.allow_negative {
        no_negative_price(&spec.price, &price_path)?;
    }
    let price = price(&spec.price, meter, &price_path)?;
    // It takes events one by one, each with its own value.
    let by_event = [Aggregation::Sum, Aggregation::Count];
    if let (Price::Percentage(_), Some(meter)) = (&price, meter)
        && !by_event.contains(&meter.aggregation)
    {
        let meter = meter.id.to_string();
        return fail(join(path, "meter"), Fault::NotByEvent { meter });
    }
    let is_total = !matches!(price, Price::Percentage(_) | Price::Matrix(_));
    let has_windows = meter.is_some_and(|meter| meter.window_ms.is_some());
    if spec.price_each == PriceEach::Window && !(is_total && has_windows) {
        return fail(join(path, "price_each"), Fault::WindowsMissing);
    }
    let (quantity_steps, amount_steps) =
        steps(&spec.adjustments, &price, &join(path, "adjustments"))?;
    let mut charge = Charge {
        spec: spec.clone(),
        price,
        quantity_steps,
        amount_steps,
        quantity_places: 0,
        currency: if spec.unit == ChargeUnit::Currency { currency } else { None },
        lines: None,
    };
    charge.quantity_places = quantity_places(&charge).or_else(|fine| {
        fail(&price_path, Fault::ProductTooFine { places: fine.places, max: fine.max })
    })?;
    let is_plain = charge.quantity_steps.is_empty() && charge.amount_steps.is_empty();
    if is_plain && charge.spec.price_each == PriceEach::Total {
        charge.lines = Lines::of(&charge.price, charge.quantity_places);
    }
    Ok(charge)
}

fn no_negative_price(price: &PriceSpec, path: &str) -> Result<(), PlanError> {
    let check = |value: Decimal, path: String| {
        if value < Decimal::ZERO {
            return fail(path, Fault::NegativePrice { value: value.to_string() });
        }
        Ok(())
    };
    let tier_path = |index: usize| format!("{path}/tiers/{index}");
    match price {
        PriceSpec::PerUnit { unit_price } => check(unit_price.get(), join(path, "unit_price")),
        PriceSpec::Package { price, .. } => check(price.get(), join(path, "price")),
        PriceSpec::Graduated { tiers, .. } | PriceSpec::Volume { tiers, .. } => {
            tiers.iter().enumerate().try_for_each(|(index, tier)| {
                check(tier.unit_price.get(), join(&tier_path(index), "unit_price"))?;
                check(tier.flat.get(), join(&tier_path(index), "flat"))
            })
        }
        PriceSpec::Stairstep { tiers, .. } => tiers
            .iter()
            .enumerate()
            .try_for_each(|(index, t)| check(t.flat.get(), join(&tier_path(index), "flat"))),
        PriceSpec::GraduatedPercentage { tiers, .. } => tiers
            .iter()
            .enumerate()
            .try_for_each(|(index, tier)| check(tier.flat.get(), join(&tier_path(index), "flat"))),
        PriceSpec::Percentage(spec) => check(spec.fixed.get(), join(path, "fixed")),
        PriceSpec::Matrix { entries, default } => {
            entries.iter().enumerate().try_for_each(|(index, entry)| {
                check(entry.unit_price.get(), format!("{path}/entries/{index}/unit_price"))
            })?;
            check(default.unwrap_or(UnitPrice::ZERO).get(), join(path, "default"))
        }
        PriceSpec::Dynamic { multiplier } => check(multiplier.get(), join(path, "multiplier")),
    }
}

fn price(spec: &PriceSpec, meter: Option<&MeterSpec>, path: &str) -> Result<Price, PlanError> {
    Ok(match spec {
        PriceSpec::PerUnit { unit_price } => Price::PerUnit(*unit_price),
        PriceSpec::Package { size, price, free_units, rounding } => {
            if size.is_zero() {
                return fail(join(path, "size"), Fault::NotPositive);
            }
            let (size, price, free_units, rounding) = (*size, *price, *free_units, *rounding);
            Price::Package(Package { size, price, free_units, rounding })
        }
        PriceSpec::Graduated { tiers, flat_at_zero } => {
            Price::Graduated(unit_ladder(tiers, Climb::EachTier, *flat_at_zero, path)?)
        }
        PriceSpec::Volume { tiers, flat_at_zero } => {
            Price::Volume(unit_ladder(tiers, Climb::TopTier, *flat_at_zero, path)?)
        }
        PriceSpec::Stairstep { tiers, flat_at_zero } => {
            let tiers = tiers.iter().map(|tier| Tier {
                up_to: tier.up_to.map(|up_to| up_to.get()),
                unit: Decimal::ZERO,
                flat: tier.flat.get(),
                block: None,
                cap: None,
            });
            Price::Stairstep(ladder(tiers, Climb::TopTier, *flat_at_zero, path)?)
        }
        PriceSpec::GraduatedPercentage { tiers, flat_at_zero } => {
            let tiers = tiers.iter().map(|tier| Tier {
                up_to: tier.up_to.map(|up_to| up_to.get()),
                unit: tier.percent.fraction(),
                flat: tier.flat.get(),
                block: None,
                cap: None,
            });
            Price::GraduatedPercentage(ladder(tiers, Climb::EachTier, *flat_at_zero, path)?)
        }
        PriceSpec::Percentage(spec) => percentage(spec, path)?,
        PriceSpec::Matrix { entries, default } => matrix(entries, *default, meter, path)?,
        PriceSpec::Dynamic { multiplier } => Price::Dynamic(*multiplier),
    })
}

fn unit_ladder(
    tiers: &[TierSpec],
    climb: Climb,
    flat_at_zero: bool,
    path: &str,
) -> Result<Ladder, PlanError> {
    for (index, tier) in tiers.iter().enumerate() {
        let path = format!("{path}/tiers/{index}");
        if tier.block_size.is_some_and(|size| size.is_zero()) {
            return fail(join(&path, "block_size"), Fault::NotPositive);
        }
        if let Some(cap) = tier.cap.filter(|cap| cap.is_negative()) {
            return fail(join(&path, "cap"), Fault::NegativeAmount { value: cap.to_string() });
        }
    }
    let tiers = tiers.iter().map(|tier| Tier {
        up_to: tier.up_to.map(|up_to| up_to.get()),
        unit: tier.unit_price.get(),
        flat: tier.flat.get(),
        block: tier.block_size.map(|size| size.get()),
        cap: tier.cap.map(|cap| cap.get()),
    });
    ladder(tiers, climb, flat_at_zero, path)
}

fn ladder(
    tiers: impl Iterator<Item = Tier>,
    climb: Climb,
    flat_at_zero: bool,
    path: &str,
) -> Result<Ladder, PlanError> {
    let tiers: Vec<Tier> = tiers.collect();
    Ladder::new(&tiers, climb, flat_at_zero).or_else(|(index, field, fault)| {
        let tiers = join(path, "tiers");
        let at = index.map_or(tiers.clone(), |index| format!("{tiers}/{index}"));
        fail(if field.is_empty() { at } else { join(&at, field) }, fault)
    })
}

fn percentage(spec: &PercentageSpec, path: &str) -> Result<Price, PlanError> {
    for (amount, field) in [(spec.minimum, "minimum"), (spec.maximum, "maximum")] {
        if let Some(amount) = amount.filter(|amount| amount.is_negative()) {
            return fail(join(path, field), Fault::NegativeAmount { value: amount.to_string() });
        }
    }
    if let (Some(minimum), Some(maximum)) = (spec.minimum, spec.maximum)
        && minimum > maximum
    {
        let (minimum, maximum) = (minimum.to_string(), maximum.to_string());
        return fail(join(path, "minimum"), Fault::MinimumAboveMaximum { minimum, maximum });
    }
    Ok(Price::Percentage(*spec))
}

fn matrix(
    entries: &[MatrixEntry],
    default: Option<UnitPrice>,
    meter: Option<&MeterSpec>,
    path: &str,
) -> Result<Price, PlanError> {
    if entries.is_empty() {
        return fail(join(path, "entries"), Fault::EmptyList);
    }
    let mut shapes: BTreeMap<Vec<String>, BTreeMap<Vec<String>, UnitPrice>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        let when = format!("{path}/entries/{index}/when");
        if let Some(meter) = meter {
            let unknown = entry.when.keys().find(|name| !meter.dimensions.contains_key(*name));
            if let Some(name) = unknown {
                let meter = meter.id.to_string();
                let fault = Fault::NoSuchDimension { name: name.clone(), meter };
                return fail(join(&when, name), fault);
            }
        }
        if let Some(other) = rival(entries, index) {
            return fail(when, Fault::AmbiguousEntry { other });
        }
        let names = entry.when.keys().cloned().collect();
        let values = entry.when.values().cloned().collect();
        shapes.entry(names).or_default().insert(values, entry.unit_price);
    }
    let shapes = sorted(shapes.into_iter().collect(), |a, b| b.0.len().cmp(&a.0.len()));
    Ok(Price::Matrix(Matrix { shapes, default }))
}

/// An earlier entry that matches some combination as well as this one, if no entry for both
/// decides between them.
fn rival(entries: &[MatrixEntry], index: usize) -> Option<usize> {
    let entry = entries.get(index)?;
    entries.iter().take(index).position(|other| {
        let as_specific = other.when.len() == entry.when.len();
        let compatible = entry
            .when
            .iter()
            .all(|(name, value)| other.when.get(name).is_none_or(|theirs| theirs == value));
        if !(as_specific && compatible) {
            return false;
        }
        let mut both = entry.when.clone();
        both.extend(other.when.clone());
        both.len() == entry.when.len() || !entries.iter().any(|third| third.when == both)
    })
}

type Steps = (Vec<QuantityStep>, Vec<AmountStep>);

fn steps(adjustments: &[Adjustment], price: &Price, path: &str) -> Result<Steps, PlanError> {
    let (mut on_quantity, mut on_amount) = (Vec::new(), Vec::new());
    let (mut minimum, mut maximum) = (None, None);
    for (index, adjustment) in adjustments.iter().enumerate() {
        let path = format!("{path}/{index}");
        match adjustment {
            Adjustment::Convert(_) | Adjustment::Round(_) | Adjustment::Included { .. } => {
                quantity_step(adjustment, price, &path, &mut on_quantity)?;
                if !on_amount.is_empty() {
                    return fail(path, Fault::AdjustmentOutOfOrder);
                }
            }
            Adjustment::Discount { percent } => {
                let fraction = percent.fraction();
                if fraction > Decimal::ONE {
                    let fault = Fault::AboveAllOfIt { value: percent.to_string() };
                    return fail(join(&path, "percent"), fault);
                }
                on_amount.push(AmountStep::Discount(fraction));
            }
            Adjustment::Maximum { amount } | Adjustment::Minimum { amount } => {
                if amount.is_negative() {
                    let fault = Fault::NegativeAmount { value: amount.to_string() };
                    return fail(join(&path, "amount"), fault);
                }
                if matches!(adjustment, Adjustment::Maximum { .. }) {
                    maximum = Some(*amount);
                    on_amount.push(AmountStep::Maximum(*amount));
                } else {
                    minimum = Some(*amount);
                    on_amount.push(AmountStep::Minimum(*amount));
                }
                if let (Some(minimum), Some(maximum)) = (minimum, maximum)
                    && minimum > maximum
                {
                    let (minimum, maximum) = (minimum.to_string(), maximum.to_string());
                    let fault = Fault::MinimumAboveMaximum { minimum, maximum };
                    return fail(join(&path, "amount"), fault);
                }
            }
            Adjustment::RoundAmount(round) => on_amount.push(AmountStep::Round(*round)),
        }
    }
    Ok((on_quantity, on_amount))
}

fn quantity_step(
    adjustment: &Adjustment,
    price: &Price,
    path: &str,
    steps: &mut Vec<QuantityStep>,
) -> Result<(), PlanError> {
    let is_included = matches!(adjustment, Adjustment::Included { .. });
    let has_no_total =
        matches!(price, Price::Percentage(_)) || (matches!(price, Price::Matrix(_)) && is_included);
    if has_no_total {
        return fail(path, Fault::AdjustmentNeedsTotal { model: price.model() });
    }
    match adjustment {
        Adjustment::Convert(conversion) => {
            let factor = check_conversion(conversion, path)?;
            match (conversion.operation, conversion.rounding) {
                (Operation::Divide, Some(round)) => steps.push(QuantityStep::Over(factor, round)),
                (_, round) => {
                    steps.push(QuantityStep::Times(factor));
                    steps.extend(round.map(QuantityStep::Round));
                }
            }
        }
        Adjustment::Round(round) => steps.push(QuantityStep::Round(*round)),
        Adjustment::Included { units } => steps.push(QuantityStep::Included(*units)),
        _ => {}
    }
    Ok(())
}
