//! JSON → [`PlanSpec`]: shapes, words and numbers, field by field in the order of the types.
//!
//! Nothing is compared with anything here; that is [`super::check`]'s work. A field that is `null`
//! is a field left out, so the canonical JSON of a plan reads as that plan.

use std::collections::BTreeSet;

use super::error::{Fault, PlanError};
use super::json::{Fields, Node};
use super::limits::{
    CHARGES_MAX, DIMENSIONS_MAX, EXTRAS_MAX, FEES_MAX, FILTER_VALUES_MAX, METERS_MAX,
    POINTER_BYTES_MAX, POINTER_TOKENS_MAX, TEXT_CHARACTERS_MAX, WINDOW_MS_MAX,
};
use super::meter::{Aggregation, MeterSpec};
use super::read_price::{adjustments, conversion, price, round};
use super::spec::{
    AtZero, BurnOrder, ChargeSpec, ChargeUnit, CommitSpec, CreditRules, DiscountSpec, FeeSpec,
    GrantKind, Off, PlanSpec, PriceEach, Proration, RecurringGrant, Rollover, TaxSpec, Timing,
};
use crate::units::order::set_of;
use crate::units::{Cadence, LineId, Quantity};

const UNITS: [(&str, ChargeUnit); 2] =
    [("credits", ChargeUnit::Credits), ("currency", ChargeUnit::Currency)];

const AGGREGATIONS: [(&str, Aggregation); 8] = [
    ("count", Aggregation::Count),
    ("sum", Aggregation::Sum),
    ("min", Aggregation::Min),
    ("max", Aggregation::Max),
    ("average", Aggregation::Average),
    ("unique_count", Aggregation::UniqueCount),
    ("latest", Aggregation::Latest),
    ("time_weighted_sum", Aggregation::TimeWeightedSum),
];

/// Reads a whole plan.
pub(super) fn plan(node: &Node<'_>) -> Result<PlanSpec, PlanError> {
    let fields = node.object(&[
        "id",
        "version",
        "name",
        "currency",
        "period",
        "meters",
        "charges",
        "fees",
        "commit",
        "discounts",
        "taxes",
        "credits",
    ])?;
    let id: crate::units::PlanId = fields.required("id")?.parse()?;
    let period = fields.or("period", Cadence::MONTHLY, Node::parse)?;
    Ok(PlanSpec {
        version: fields.required("version")?.integer(1, u32::MAX.into())?,
        name: name(&fields, id.as_str())?,
        currency: fields.maybe("currency", Node::parse)?,
        period,
        meters: fields.list("meters", METERS_MAX, meter)?,
        charges: fields.list("charges", CHARGES_MAX, charge)?,
        fees: fields.list("fees", FEES_MAX, |node| fee(node, period))?,
        commit: fields.maybe("commit", commit)?,
        discounts: fields.list("discounts", EXTRAS_MAX, discount)?,
        taxes: fields.list("taxes", EXTRAS_MAX, tax)?,
        credits: fields.maybe("credits", |node| credits(node, period))?,
        id,
    })
}

fn name(fields: &Fields<'_>, id: &str) -> Result<String, PlanError> {
    fields.or("name", id.to_owned(), |node| node.short_text(TEXT_CHARACTERS_MAX))
}

fn lines(fields: &Fields<'_>) -> Result<BTreeSet<LineId>, PlanError> {
    let lines = fields.list("lines", CHARGES_MAX.saturating_add(FEES_MAX), Node::parse)?;
    Ok(set_of(lines))
}

fn meter(node: &Node<'_>) -> Result<MeterSpec, PlanError> {
    let fields = node.object(&[
        "id",
        "event_type",
        "aggregation",
        "property",
        "filters",
        "dimensions",
        "window_ms",
        "conversion",
        "rounding",
    ])?;
    let id: crate::units::MeterId = fields.required("id")?.parse()?;
    let own_type = id.as_str().to_owned();
    let mut spec = MeterSpec {
        event_type: fields
            .or("event_type", own_type, |node| node.short_text(TEXT_CHARACTERS_MAX))?,
        aggregation: fields.required("aggregation")?.one_of(&AGGREGATIONS)?,
        property: fields.maybe("property", pointer)?,
        filters: Default::default(),
        dimensions: Default::default(),
        window_ms: fields.maybe("window_ms", |node| node.integer(1, WINDOW_MS_MAX))?,
        conversion: fields.maybe("conversion", conversion)?,
        rounding: fields.maybe("rounding", round)?,
        id,
    };
    if let Some(filters) = fields.optional("filters") {
        for (name, node) in limited(&filters, DIMENSIONS_MAX)? {
            check_pointer(name, &node)?;
            let values = node.list(FILTER_VALUES_MAX)?;
            if values.is_empty() {
                return node.fail(Fault::EmptyList);
            }
            let values = values.iter().map(|value| value.short_text(TEXT_CHARACTERS_MAX));
            spec.filters.insert(name.to_owned(), values.collect::<Result<_, _>>()?);
        }
    }
    if let Some(dimensions) = fields.optional("dimensions") {
        for (name, node) in limited(&dimensions, DIMENSIONS_MAX)? {
            spec.dimensions.insert(name.to_owned(), pointer(&node)?);
        }
    }
    Ok(spec)
}

/// The entries of an object whose names are data: at most `max`, no name empty or too long.
pub(super) fn limited<'a>(
    node: &Node<'a>,
    max: usize,
) -> Result<Vec<(&'a str, Node<'a>)>, PlanError> {
    let entries = node.entries()?;
    if entries.len() > max {
        return node.fail(Fault::TooMany { count: entries.len(), max });
    }
    for (name, node) in &entries {
        let length = name.chars().count();
        if length == 0 || length > TEXT_CHARACTERS_MAX {
            return node.fail(Fault::TextLength { length, max: TEXT_CHARACTERS_MAX });
        }
    }
    Ok(entries)
}

fn pointer(node: &Node<'_>) -> Result<String, PlanError> {
    let text = node.short_text(TEXT_CHARACTERS_MAX)?;
    check_pointer(&text, node)?;
    Ok(text)
}

/// RFC 6901: tokens after slashes, `~` only before `0` or `1`.
fn check_pointer(text: &str, node: &Node<'_>) -> Result<(), PlanError> {
    let escapes_end = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    let is_short = text.len() <= POINTER_BYTES_MAX
        && text.bytes().filter(|byte| *byte == b'/').count() <= POINTER_TOKENS_MAX;
    if text.starts_with('/') && escapes_end && is_short {
        return Ok(());
    }
    node.fail(Fault::NotAPointer { value: text.to_owned() })
}

fn charge(node: &Node<'_>) -> Result<ChargeSpec, PlanError> {
    let fields = node.object(&[
        "id",
        "name",
        "meter",
        "unit",
        "price",
        "price_each",
        "adjustments",
        "allow_negative",
    ])?;
    let id: crate::units::ChargeId = fields.required("id")?.parse()?;
    let each = [("total", PriceEach::Total), ("window", PriceEach::Window)];
    Ok(ChargeSpec {
        name: name(&fields, id.as_str())?,
        meter: fields.maybe("meter", Node::parse)?,
        unit: fields.required("unit")?.one_of(&UNITS)?,
        price: price(&fields.required("price")?)?,
        price_each: fields.or("price_each", PriceEach::Total, |node| node.one_of(&each))?,
        adjustments: adjustments(&fields)?,
        allow_negative: fields.or("allow_negative", false, Node::boolean)?,
        id,
    })
}

fn fee(node: &Node<'_>, period: Cadence) -> Result<FeeSpec, PlanError> {
    let fields = node.object(&[
        "id",
        "name",
        "amount",
        "unit",
        "quantity",
        "meter",
        "timing",
        "every",
        "proration",
    ])?;
    let id: crate::units::FeeId = fields.required("id")?.parse()?;
    let one = Quantity::ONE;
    let timings = [("advance", Timing::Advance), ("arrears", Timing::Arrears)];
    let prorations = [("days", Proration::Days), ("none", Proration::None)];
    Ok(FeeSpec {
        name: name(&fields, id.as_str())?,
        amount: fields.required("amount")?.amount()?,
        unit: fields.or("unit", ChargeUnit::Currency, |node| node.one_of(&UNITS))?,
        quantity: fields.or("quantity", one, Node::parse)?,
        meter: fields.maybe("meter", Node::parse)?,
        timing: fields.or("timing", Timing::Advance, |node| node.one_of(&timings))?,
        every: fields.or("every", period, Node::parse)?,
        proration: fields.or("proration", Proration::Days, |node| node.one_of(&prorations))?,
        id,
    })
}

fn commit(node: &Node<'_>) -> Result<CommitSpec, PlanError> {
    let fields = node.object(&["amount", "unit", "lines"])?;
    Ok(CommitSpec {
        amount: fields.required("amount")?.amount()?,
        unit: fields.or("unit", ChargeUnit::Currency, |node| node.one_of(&UNITS))?,
        lines: lines(&fields)?,
    })
}

fn discount(node: &Node<'_>) -> Result<DiscountSpec, PlanError> {
    let fields = node.object(&["id", "name", "percent", "amount", "lines"])?;
    let id: crate::units::DiscountId = fields.required("id")?.parse()?;
    let off = match (fields.optional("percent"), fields.optional("amount")) {
        (Some(percent), None) => Off::Percent(percent.parse()?),
        (None, Some(amount)) => Off::Amount(amount.amount()?),
        _ => return node.fail(Fault::ExactlyOneOf { known: "percent, amount" }),
    };
    Ok(DiscountSpec { name: name(&fields, id.as_str())?, off, lines: lines(&fields)?, id })
}

fn tax(node: &Node<'_>) -> Result<TaxSpec, PlanError> {
    let fields = node.object(&["id", "name", "percent", "lines"])?;
    let id: crate::units::TaxId = fields.required("id")?.parse()?;
    Ok(TaxSpec {
        name: name(&fields, id.as_str())?,
        percent: fields.required("percent")?.parse()?,
        lines: lines(&fields)?,
        id,
    })
}

fn credits(node: &Node<'_>, period: Cadence) -> Result<CreditRules, PlanError> {
    let fields = node.object(&["value", "burn_order", "rollover", "at_zero", "grants"])?;
    Ok(CreditRules {
        value: fields.maybe("value", Node::parse)?,
        burn_order: fields.required("burn_order")?.one_of(&[("standard", BurnOrder::Standard)])?,
        rollover: rollover(&fields.required("rollover")?)?,
        at_zero: at_zero(&fields.required("at_zero")?)?,
        grants: fields.list("grants", EXTRAS_MAX, |node| grant(node, period))?,
    })
}

fn rollover(node: &Node<'_>) -> Result<Rollover, PlanError> {
    if node.is_text() {
        return node.one_of(&[("none", Rollover::None)]);
    }
    let fields = node.object(&["min", "max"])?;
    let (min, max) = (fields.required("min")?.parse()?, fields.required("max")?.parse()?);
    Ok(Rollover::Between { min, max })
}

fn at_zero(node: &Node<'_>) -> Result<AtZero, PlanError> {
    if node.is_text() {
        return node.one_of(&[("block", AtZero::Block), ("restrict", AtZero::Restrict)]);
    }
    let fields = node.object(&["grace", "overage"])?;
    match (fields.optional("grace"), fields.optional("overage")) {
        (Some(grace), None) => {
            let fields = grace.object(&["credits"])?;
            Ok(AtZero::Grace { credits: fields.required("credits")?.parse()? })
        }
        (None, Some(overage)) => {
            let fields = overage.object(&["unit_price", "cap"])?;
            Ok(AtZero::Overage {
                unit_price: fields.required("unit_price")?.parse()?,
                cap: fields.maybe("cap", Node::parse)?,
            })
        }
        _ => node.fail(Fault::ExactlyOneOf { known: "grace, overage" }),
    }
}

fn grant(node: &Node<'_>, period: Cadence) -> Result<RecurringGrant, PlanError> {
    let fields = node.object(&["id", "amount", "every", "kind", "priority", "expires_after"])?;
    let kinds = [
        ("paid", GrantKind::Paid),
        ("included", GrantKind::Included),
        ("promotional", GrantKind::Promotional),
    ];
    Ok(RecurringGrant {
        id: fields.required("id")?.parse()?,
        amount: fields.required("amount")?.parse()?,
        every: fields.or("every", period, Node::parse)?,
        kind: fields.or("kind", GrantKind::Included, |node| node.one_of(&kinds))?,
        priority: fields.or("priority", 100, |node| node.integer(0, u8::MAX.into()))?,
        expires_after: fields.maybe("expires_after", Node::parse)?,
    })
}
