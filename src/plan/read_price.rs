//! JSON → [`PriceSpec`] and [`Adjustment`]s: the part of a charge that says what things cost.

use super::adjust::{Adjustment, Conversion, Operation, Round};
use super::error::PlanError;
use super::json::{Fields, Node};
use super::limits::{ADJUSTMENTS_MAX, DIMENSIONS_MAX, MATRIX_ENTRIES_MAX, TIERS_MAX};
use super::limits::{TEXT_CHARACTERS_MAX, WINDOW_MS_MAX};
use super::price::{MatrixEntry, PercentTierSpec, PercentageSpec, PriceSpec, StepSpec, TierSpec};
use super::read::limited;
use super::spec::Combination;
use crate::units::{Amount, Quantity, Rounding, UnitPrice};

/// Most free events of a percentage price; any number that long-lived use cannot reach will do.
const FREE_EVENTS_MAX: i64 = WINDOW_MS_MAX;

/// Places that a rounding may name, on both sides of the point.
const PLACES_MAX: i64 = 12;

#[derive(Clone, Copy)]
enum Model {
    PerUnit,
    Package,
    Graduated,
    Volume,
    Stairstep,
    Percentage,
    GraduatedPercentage,
    Matrix,
    Dynamic,
}

const MODELS: [(&str, Model); 9] = [
    ("per_unit", Model::PerUnit),
    ("package", Model::Package),
    ("graduated", Model::Graduated),
    ("volume", Model::Volume),
    ("stairstep", Model::Stairstep),
    ("percentage", Model::Percentage),
    ("graduated_percentage", Model::GraduatedPercentage),
    ("matrix", Model::Matrix),
    ("dynamic", Model::Dynamic),
];

/// Reads a price; the model decides which fields there are.
pub(super) fn price(node: &Node<'_>) -> Result<PriceSpec, PlanError> {
    let all: Vec<&str> = node.entries()?.iter().map(|(name, _)| *name).collect();
    let model = node.object(&all)?.required("model")?.one_of(&MODELS)?;
    match model {
        Model::PerUnit => {
            let fields = node.object(&["model", "unit_price"])?;
            Ok(PriceSpec::PerUnit { unit_price: fields.required("unit_price")?.parse()? })
        }
        Model::Package => package(node),
        Model::Graduated => {
            let (tiers, flat_at_zero) = tiers(node, tier)?;
            Ok(PriceSpec::Graduated { tiers, flat_at_zero })
        }
        Model::Volume => {
            let (tiers, flat_at_zero) = tiers(node, tier)?;
            Ok(PriceSpec::Volume { tiers, flat_at_zero })
        }
        Model::Stairstep => {
            let (tiers, flat_at_zero) = tiers(node, step)?;
            Ok(PriceSpec::Stairstep { tiers, flat_at_zero })
        }
        Model::Percentage => percentage(node),
        Model::GraduatedPercentage => {
            let (tiers, flat_at_zero) = tiers(node, percent_tier)?;
            Ok(PriceSpec::GraduatedPercentage { tiers, flat_at_zero })
        }
        Model::Matrix => matrix(node),
        Model::Dynamic => {
            let fields = node.object(&["model", "multiplier"])?;
            let multiplier = fields.or("multiplier", UnitPrice::ONE, Node::parse)?;
            Ok(PriceSpec::Dynamic { multiplier })
        }
    }
}

fn package(node: &Node<'_>) -> Result<PriceSpec, PlanError> {
    let fields = node.object(&["model", "size", "price", "free_units", "rounding"])?;
    let rules = [("ceiling", Rounding::Ceiling), ("floor", Rounding::Floor)];
    Ok(PriceSpec::Package {
        size: fields.required("size")?.parse()?,
        price: fields.required("price")?.parse()?,
        free_units: fields.or("free_units", Quantity::ZERO, Node::parse)?,
        rounding: fields.or("rounding", Rounding::Ceiling, |node| node.one_of(&rules))?,
    })
}

fn tiers<T>(
    node: &Node<'_>,
    read: impl Fn(&Node<'_>) -> Result<T, PlanError>,
) -> Result<(Vec<T>, bool), PlanError> {
    let fields = node.object(&["model", "tiers", "flat_at_zero"])?;
    fields.required("tiers")?;
    let tiers = fields.list("tiers", TIERS_MAX, read)?;
    Ok((tiers, fields.or("flat_at_zero", true, Node::boolean)?))
}

fn tier(node: &Node<'_>) -> Result<TierSpec, PlanError> {
    let fields = node.object(&["up_to", "unit_price", "flat", "block_size", "cap"])?;
    Ok(TierSpec {
        up_to: fields.maybe("up_to", Node::parse)?,
        unit_price: fields.or("unit_price", UnitPrice::ZERO, Node::parse)?,
        flat: fields.or("flat", Amount::ZERO, Node::amount)?,
        block_size: fields.maybe("block_size", Node::parse)?,
        cap: fields.maybe("cap", Node::amount)?,
    })
}

fn step(node: &Node<'_>) -> Result<StepSpec, PlanError> {
    let fields = node.object(&["up_to", "flat"])?;
    let flat = fields.required("flat")?.amount()?;
    Ok(StepSpec { up_to: fields.maybe("up_to", Node::parse)?, flat })
}

fn percent_tier(node: &Node<'_>) -> Result<PercentTierSpec, PlanError> {
    let fields = node.object(&["up_to", "percent", "flat"])?;
    Ok(PercentTierSpec {
        up_to: fields.maybe("up_to", Node::parse)?,
        percent: fields.required("percent")?.parse()?,
        flat: fields.or("flat", Amount::ZERO, Node::amount)?,
    })
}

fn percentage(node: &Node<'_>) -> Result<PriceSpec, PlanError> {
    let fields = node.object(&[
        "model",
        "percent",
        "fixed",
        "free_events",
        "free_value",
        "minimum",
        "maximum",
    ])?;
    Ok(PriceSpec::Percentage(PercentageSpec {
        percent: fields.required("percent")?.parse()?,
        fixed: fields.or("fixed", Amount::ZERO, Node::amount)?,
        free_events: fields.maybe("free_events", |node| node.integer(0, FREE_EVENTS_MAX))?,
        free_value: fields.maybe("free_value", Node::parse)?,
        minimum: fields.maybe("minimum", Node::amount)?,
        maximum: fields.maybe("maximum", Node::amount)?,
    }))
}

fn matrix(node: &Node<'_>) -> Result<PriceSpec, PlanError> {
    let fields = node.object(&["model", "entries", "default"])?;
    fields.required("entries")?;
    let entries = fields.list("entries", MATRIX_ENTRIES_MAX, |node| {
        let fields = node.object(&["when", "unit_price"])?;
        let mut when = Combination::new();
        for (name, value) in limited(&fields.required("when")?, DIMENSIONS_MAX)? {
            when.insert(name.to_owned(), value.short_text(TEXT_CHARACTERS_MAX)?);
        }
        Ok(MatrixEntry { when, unit_price: fields.required("unit_price")?.parse()? })
    })?;
    Ok(PriceSpec::Matrix { entries, default: fields.maybe("default", Node::parse)? })
}

/// Reads a charge's adjustments, in their order.
pub(super) fn adjustments(charge: &Fields<'_>) -> Result<Vec<Adjustment>, PlanError> {
    charge.list("adjustments", ADJUSTMENTS_MAX, adjustment)
}

fn adjustment(node: &Node<'_>) -> Result<Adjustment, PlanError> {
    type Read = fn(&Node<'_>) -> Result<Adjustment, PlanError>;
    let words: [(&str, Read); 7] = [
        ("convert", |node| {
            conversion_of(&node.object(&["op", "operation", "factor", "rounding"])?)
                .map(Adjustment::Convert)
        }),
        ("round", |node| {
            round_of(&node.object(&["op", "direction", "places"])?).map(Adjustment::Round)
        }),
        ("included", |node| {
            let units = node.object(&["op", "units"])?.required("units")?.parse()?;
            Ok(Adjustment::Included { units })
        }),
        ("discount", |node| {
            let percent = node.object(&["op", "percent"])?.required("percent")?.parse()?;
            Ok(Adjustment::Discount { percent })
        }),
        ("maximum", |node| {
            let amount = node.object(&["op", "amount"])?.required("amount")?.amount()?;
            Ok(Adjustment::Maximum { amount })
        }),
        ("minimum", |node| {
            let amount = node.object(&["op", "amount"])?.required("amount")?.amount()?;
            Ok(Adjustment::Minimum { amount })
        }),
        ("round_amount", |node| {
            round_of(&node.object(&["op", "direction", "places"])?).map(Adjustment::RoundAmount)
        }),
    ];
    let all: Vec<&str> = node.entries()?.iter().map(|(name, _)| *name).collect();
    node.object(&all)?.required("op")?.one_of(&words)?(node)
}

/// Reads a conversion that stands in a field of its own.
pub(super) fn conversion(node: &Node<'_>) -> Result<Conversion, PlanError> {
    conversion_of(&node.object(&["operation", "factor", "rounding"])?)
}

fn conversion_of(fields: &Fields<'_>) -> Result<Conversion, PlanError> {
    let operations = [("multiply", Operation::Multiply), ("divide", Operation::Divide)];
    Ok(Conversion {
        operation: fields.required("operation")?.one_of(&operations)?,
        factor: fields.required("factor")?.parse()?,
        rounding: fields.maybe("rounding", round)?,
    })
}

/// Reads a rounding that stands in a field of its own.
pub(super) fn round(node: &Node<'_>) -> Result<Round, PlanError> {
    round_of(&node.object(&["direction", "places"])?)
}

fn round_of(fields: &Fields<'_>) -> Result<Round, PlanError> {
    let directions =
        [("ceiling", Rounding::Ceiling), ("floor", Rounding::Floor), ("half_up", Rounding::HalfUp)];
    Ok(Round {
        direction: fields.required("direction")?.one_of(&directions)?,
        places: fields.or("places", 0, |node| node.integer(-PLACES_MAX, PLACES_MAX))?,
    })
}
