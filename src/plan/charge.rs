//! A checked charge: its price and its steps, ready to be applied.
//!
//! Invariant: for every quantity with at most `quantity_places` decimal places, every product that
//! rating makes has a finite number of places: at most 12 at the end if the charge is in credits.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::adjust::Round;
use super::ladder::Ladder;
use super::lines::Lines;
use super::price::PercentageSpec;
use super::spec::{ChargeSpec, ChargeUnit, Combination, PriceEach};
use crate::units::{Amount, ChargeId, Currency, MeterId, Quantity, Rounding, UnitPrice};

/// One priced line of a plan, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    pub(super) spec: ChargeSpec,
    pub(super) price: Price,
    pub(super) quantity_steps: Vec<QuantityStep>,
    pub(super) amount_steps: Vec<AmountStep>,
    pub(super) quantity_places: u32,
    pub(super) currency: Option<Currency>,
    pub(super) lines: Option<Lines>,
}

/// A price, ready to be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Price {
    /// Every unit costs the same.
    PerUnit(UnitPrice),
    /// Units are sold by the package.
    Package(Package),
    /// Every unit costs what its tier says.
    Graduated(Ladder),
    /// All units cost what the tier of the total says.
    Volume(Ladder),
    /// The tier of the total has one price: a volume ladder whose units are free.
    Stairstep(Ladder),
    /// A part of each event's value, plus a fixed amount.
    Percentage(PercentageSpec),
    /// Every part of the value costs what its tier says; unit prices are fractions.
    GraduatedPercentage(Ladder),
    /// A unit price per combination.
    Matrix(Matrix),
    /// The priced value comes with the events, times this.
    Dynamic(UnitPrice),
}

/// A package price, ready to be applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// Units in a package; above zero.
    pub size: Quantity,
    /// Price of a package.
    pub price: UnitPrice,
    /// The first units are free.
    pub free_units: Quantity,
    /// What a package that was begun counts.
    pub rounding: Rounding,
}

/// A matrix price, ready to be looked up: for each set of dimension names, most of them first, the
/// prices of their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix {
    pub(super) shapes: Vec<Shape>,
    pub(super) default: Option<UnitPrice>,
}

/// Dimension names in order, and the price of each tuple of their values.
pub(super) type Shape = (Vec<String>, BTreeMap<Vec<String>, UnitPrice>);

/// A step from the metered to the billed quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuantityStep {
    /// Times a factor, exactly.
    Times(Decimal),
    /// Over a divisor, rounded once.
    Over(Decimal, Round),
    /// Rounded.
    Round(Round),
    /// Less the first units of the period.
    Included(Quantity),
}

/// A step from the price to the amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountStep {
    /// Less this fraction.
    Discount(Decimal),
    /// Never more than this.
    Maximum(Amount),
    /// At least this much at the end of the period.
    Minimum(Amount),
    /// The running amount is rounded.
    Round(Round),
}

impl Charge {
    /// Which line.
    pub fn id(&self) -> &ChargeId {
        &self.spec.id
    }

    /// The customer's words for it.
    pub fn name(&self) -> &str {
        &self.spec.name
    }

    /// The meter its quantity comes from; without one it is what is reported under its own id.
    pub fn meter(&self) -> Option<&MeterId> {
        self.spec.meter.as_ref()
    }

    /// What its amount is counted in.
    pub fn unit(&self) -> ChargeUnit {
        self.spec.unit
    }

    /// The plan's currency, if the amount is counted in it.
    pub fn currency(&self) -> Option<Currency> {
        self.currency
    }

    /// Whether windows are priced on their own.
    pub fn price_each(&self) -> PriceEach {
        self.spec.price_each
    }

    /// The charge as written.
    pub fn spec(&self) -> &ChargeSpec {
        &self.spec
    }

    /// The price.
    pub fn price(&self) -> &Price {
        &self.price
    }

    /// The steps before the price, in order.
    pub fn quantity_steps(&self) -> &[QuantityStep] {
        &self.quantity_steps
    }

    /// The steps after the price, in order.
    pub fn amount_steps(&self) -> &[AmountStep] {
        &self.amount_steps
    }

    /// The price in integers, if it has that form.
    pub(crate) fn lines(&self) -> Option<&Lines> {
        self.lines.as_ref()
    }

    /// Decimal places that a metered quantity may have; a finer one would make a product too fine.
    pub fn quantity_places(&self) -> u32 {
        self.quantity_places
    }
}

impl Matrix {
    /// The unit price of a combination: the entry with the most dimensions that all match; the
    /// default if none does.
    pub fn unit_price(&self, combination: &Combination) -> Option<UnitPrice> {
        for (names, prices) in &self.shapes {
            let values = names.iter().map(|name| combination.get(name).cloned());
            let Some(values) = values.collect::<Option<Vec<_>>>() else { continue };
            if let Some(price) = prices.get(&values) {
                return Some(*price);
            }
        }
        self.default
    }

    /// The dimensions that prices depend on; some may come twice.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.shapes.iter().flat_map(|(names, _)| names).map(String::as_str)
    }

    /// Every unit price that a combination may have, the default last.
    pub fn unit_prices(&self) -> impl Iterator<Item = UnitPrice> {
        self.shapes.iter().flat_map(|(_, prices)| prices.values().copied()).chain(self.default)
    }
}

impl Price {
    /// The name of the model.
    pub fn model(&self) -> &'static str {
        match self {
            Self::PerUnit(_) => "per_unit",
            Self::Package(_) => "package",
            Self::Graduated(_) => "graduated",
            Self::Volume(_) => "volume",
            Self::Stairstep(_) => "stairstep",
            Self::Percentage(_) => "percentage",
            Self::GraduatedPercentage(_) => "graduated_percentage",
            Self::Matrix(_) => "matrix",
            Self::Dynamic(_) => "dynamic",
        }
    }
}
