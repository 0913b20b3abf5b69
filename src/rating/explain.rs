//! The explanation of an amount: steps from which a person can redo the sum by hand.
//!
//! ```text
//! convert     1500000 × 0.001                     = 1500
//! graduated   10 + 4                              = 14
//!   tier 1    (0, 1000]      1000 × 0.01          = 10
//!   tier 2    (1000, ∞)      500 × 0.008          = 4
//! discount    14 − 14 × 0.1                       = 12.6
//! ```
//!
//! Each formula is plain arithmetic on the numbers that are shown: `+ − × /`, brackets, `min`,
//! `max`, and `ceiling`, `floor`, `half_up` of a value to so many places.
//!
//! Invariant (a law in `tests/laws.rs`): every formula gives its result, and the last result is
//! [`super::amount`].

use std::fmt::Display;

use rust_decimal::Decimal;
use serde::Serialize;

use super::graduated::is_free_zero;
use super::usage::{EventUsage, Usage};
use super::{Period, RateError, adjust, amount, of_total, percentage, shape_error};
use crate::plan::{
    AmountStep, Charge, ChargeUnit, Combination, Ladder, Package, PercentageSpec, Price, PriceEach,
    QuantityStep, Round, Rung,
};
use crate::units::{Amount, ChargeId, Currency, Inexact, Money, Quantity, exact};

/// How an amount came about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Which charge.
    pub charge: ChargeId,
    /// What the amount is counted in.
    pub unit: ChargeUnit,
    /// The currency, if it is counted in one.
    pub currency: Option<Currency>,
    /// From the quantity to the amount, in order.
    pub steps: Vec<Step>,
    /// The exact amount.
    pub amount: Amount,
    /// The amount on the invoice, if it is in currency.
    pub rounded: Option<Money>,
    /// What the rounding added: rounded − amount.
    pub residue: Option<Amount>,
}

/// One line of the sum.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The rule that applied: an adjustment, a model, `tier`, `window` or `combination`.
    pub rule: &'static str,
    /// What it applied to: the tier's range, the combination, the window's start.
    pub about: String,
    /// Arithmetic on the numbers it shows.
    pub formula: String,
    /// What the formula gives: a quantity before the price, an amount from it on.
    pub result: Amount,
    /// The steps whose results the formula adds up.
    pub parts: Vec<Step>,
}

/// Explains [`amount`], step by step.
///
/// # Errors
///
/// As [`amount`]; [`RateError::Inexact`] too if the rounded amount is beyond the range of money.
pub fn explain(charge: &Charge, usage: &Usage) -> Result<Explanation, RateError> {
    let exact_amount = amount(charge, usage)?;
    let mut steps = match (charge.price(), usage) {
        (Price::Percentage(spec), Usage::Events(events)) => vec![of_events(spec, events)?],
        (Price::Matrix(_), Usage::Combinations(combinations)) => {
            let parts = combinations
                .iter()
                .map(|(combination, quantity)| of_combination(charge, combination, *quantity));
            vec![sum("matrix", parts.collect::<Result<_, _>>()?)?]
        }
        (_, Usage::Windows(windows)) => {
            let parts = windows.iter().map(|(start, quantity)| {
                let mut parts = of_quantity(charge, *quantity)?;
                let result = parts.pop().ok_or(Inexact)?;
                parts.push(result.clone());
                let about = start.to_string();
                let formula = result.result.to_string();
                Ok(Step { rule: "window", about, formula, result: result.result, parts })
            });
            vec![sum(charge.price().model(), parts.collect::<Result<_, RateError>>()?)?]
        }
        (_, Usage::Total(total)) if charge.price_each() == PriceEach::Total => {
            of_quantity(charge, *total)?
        }
        _ => return Err(shape_error(charge, usage)),
    };
    for step in charge.amount_steps() {
        let before = steps.last().map_or(Decimal::ZERO, |step| step.result.get());
        steps.push(of_amount_step(step, before)?);
    }
    let rounded = charge.currency().map(|currency| Money::round(exact_amount, currency));
    let rounded = rounded.transpose().map_err(|_| Inexact)?;
    let residue =
        rounded.map(|money| Amount::new(money.major()).minus(exact_amount)).transpose()?;
    Ok(Explanation {
        charge: charge.id().clone(),
        unit: charge.unit(),
        currency: charge.currency(),
        steps,
        amount: exact_amount,
        rounded,
        residue,
    })
}

fn step(rule: &'static str, formula: String, result: Decimal) -> Step {
    Step { rule, about: String::new(), formula, result: Amount::new(result), parts: Vec::new() }
}

/// A step that adds up its parts.
fn sum(rule: &'static str, parts: Vec<Step>) -> Result<Step, Inexact> {
    let mut result = Amount::ZERO;
    for part in &parts {
        result = result.plus(part.result)?;
    }
    let terms: Vec<String> = parts.iter().map(|part| part.result.to_string()).collect();
    let formula = if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") };
    Ok(Step { rule, about: String::new(), formula, result, parts })
}

/// Quantity steps and the price of one quantity.
fn of_quantity(charge: &Charge, metered: Quantity) -> Result<Vec<Step>, RateError> {
    let mut steps = Vec::new();
    let billed = quantity_steps(charge, metered, &mut steps)?;
    steps.push(of_price(charge.price(), billed)?);
    Ok(steps)
}

fn quantity_steps(
    charge: &Charge,
    metered: Quantity,
    steps: &mut Vec<Step>,
) -> Result<Decimal, Inexact> {
    let mut quantity = metered.get();
    for this in charge.quantity_steps() {
        let (rule, formula) = match this {
            QuantityStep::Times(factor) => ("convert", format!("{quantity} × {factor}")),
            QuantityStep::Over(by, round) => {
                ("convert", rounding(round, format!("{quantity} / {by}")))
            }
            QuantityStep::Round(round) => ("round", rounding(round, quantity)),
            QuantityStep::Included(units) => ("included", format!("max(0, {quantity} − {units})")),
        };
        quantity = adjust::quantity_after(this, quantity)?.normalize();
        steps.push(step(rule, formula, quantity));
    }
    Ok(quantity)
}

fn rounding(round: &Round, value: impl Display) -> String {
    format!("{}({value}, {})", round.direction.name(), round.places)
}

fn of_price(price: &Price, billed: Decimal) -> Result<Step, Inexact> {
    let result = of_total(price, billed, Period::Over)?;
    let simple = |formula| step(price.model(), formula, result);
    Ok(match price {
        Price::PerUnit(unit) => simple(format!("{billed} × {unit}")),
        Price::Dynamic(multiplier) => simple(format!("{billed} × {multiplier}")),
        Price::Package(package) => simple(of_package(package, billed)),
        Price::Graduated(ladder) | Price::GraduatedPercentage(ladder) => {
            of_graduated(price.model(), ladder, billed)?
        }
        Price::Volume(ladder) | Price::Stairstep(ladder) => {
            let mut parts = Vec::new();
            if !is_free_zero(ladder, billed, Period::Over) {
                let index = ladder.index_of(billed);
                let rung = ladder.rung_of(billed)?;
                parts.push(of_tier(ladder, index, rung, billed)?);
            }
            sum(price.model(), parts)?
        }
        // They have no total; `explain` has answered before.
        Price::Percentage(_) | Price::Matrix(_) => return Err(Inexact),
    })
}

fn of_package(package: &Package, billed: Decimal) -> String {
    let rule = package.rounding.name();
    let (free, size, price) = (package.free_units, package.size, package.price);
    format!("{rule}(max(0, {billed} − {free}) / {size}, 0) × {price}")
}

/// Every tier that was entered, with its units.
fn of_graduated(model: &'static str, ladder: &Ladder, billed: Decimal) -> Result<Step, Inexact> {
    let mut parts = Vec::new();
    if !is_free_zero(ladder, billed, Period::Over) {
        let entered = ladder.index_of(billed).saturating_add(1);
        for (index, rung) in ladder.rungs().iter().enumerate().take(entered) {
            let end = ladder.bounds().get(index).copied().unwrap_or(billed).min(billed);
            parts.push(of_tier(ladder, index, rung, exact::sub(end, rung.above)?)?);
        }
    }
    sum(model, parts)
}

fn of_tier(ladder: &Ladder, index: usize, rung: &Rung, units: Decimal) -> Result<Step, Inexact> {
    let units = units.normalize();
    let mut formula = match rung.block {
        Some(block) => format!("ceiling({units} / {block}, 0) × {}", rung.unit),
        None => format!("{units} × {}", rung.unit),
    };
    if !rung.flat.is_zero() {
        formula = format!("{formula} + {}", rung.flat);
    }
    if let Some(cap) = rung.cap {
        formula = format!("min({formula}, {cap})");
    }
    let about = match ladder.bounds().get(index) {
        Some(bound) => format!("({}, {bound}]", rung.above),
        None => format!("({}, ∞)", rung.above),
    };
    Ok(Step { about, ..step("tier", formula, rung.cost(units)?) })
}

fn of_combination(
    charge: &Charge,
    combination: &Combination,
    metered: Quantity,
) -> Result<Step, RateError> {
    let Price::Matrix(matrix) = charge.price() else { return Err(Inexact.into()) };
    let mut parts = Vec::new();
    let billed = quantity_steps(charge, metered, &mut parts)?;
    let no_price = || RateError::NoPrice { combination: combination.clone() };
    let unit = matrix.unit_price(combination).ok_or_else(no_price)?;
    let about: Vec<String> =
        combination.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let result = exact::mul(billed, unit.get())?;
    let this = step("combination", format!("{billed} × {unit}"), result);
    Ok(Step { about: about.join(", "), parts, ..this })
}

fn of_events(spec: &PercentageSpec, usage: &EventUsage) -> Result<Step, RateError> {
    let EventUsage { value, events, free_value, free_events, raised, cut } = usage;
    let (percent, fixed) = (spec.percent.fraction(), spec.fixed);
    let formula = format!(
        "({value} − {free_value}) × {percent} + ({events} − {free_events}) × {fixed} \
         + {raised} − {cut}"
    );
    Ok(step("percentage", formula, percentage::amount(spec, usage)?))
}

fn of_amount_step(this: &AmountStep, before: Decimal) -> Result<Step, Inexact> {
    let (rule, formula) = match this {
        AmountStep::Discount(fraction) => ("discount", format!("{before} − {before} × {fraction}")),
        AmountStep::Maximum(bound) => ("maximum", format!("min({before}, {bound})")),
        AmountStep::Minimum(bound) => ("minimum", format!("max({before}, {bound})")),
        AmountStep::Round(round) => ("round_amount", rounding(round, before)),
    };
    Ok(step(rule, formula, adjust::amount_after(this, before, Period::Over)?))
}
