//! Cases of kind `aggregation`: events through a meter, and quantities through a conversion.

use std::collections::BTreeMap;

use edgemeter::meter::{Event, Measure, Meter, Tally, Window, converted, parse_rfc3339, rounded};
use edgemeter::plan::{Aggregation, Combination, Conversion, MeterSpec, Operation, Round};
use edgemeter::units::{MILLIS_PER_DAY, Rounding, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::case::{Case, Got, parse, text};

pub(crate) fn run(case: &Case) -> Result<Got, String> {
    match case.model.as_str() {
        "rounding" => rounding(case),
        "unit_conversion" => conversion(case),
        "weighted_sum" => weighted(case),
        "prorated_sum" => prorated(case),
        _ => aggregates(case),
    }
}

fn rounding(case: &Case) -> Result<Got, String> {
    let value: Measure = parse("value", case.needed("value")?)?;
    let places = case.parsed("precision")?.unwrap_or(0);
    let rule = case.text("function").map(direction).transpose()?;
    let value = match rule {
        Some(direction) => {
            rounded(value, Round { direction, places }).map_err(|e| e.to_string())?
        }
        None => value,
    };
    Ok(Got::from([("value".to_owned(), text(value))]))
}

fn conversion(case: &Case) -> Result<Got, String> {
    let value: Measure = parse("quantity", case.needed("quantity")?)?;
    let rule = read_conversion(case.get("convert").ok_or("input has no \"convert\"")?)?;
    let value = converted(value, rule).map_err(|e| e.to_string())?;
    Ok(Got::from([("value".to_owned(), text(value))]))
}

/// The conversion of a case, here and where a price follows it.
pub(crate) fn read_conversion(rule: &Value) -> Result<Conversion, String> {
    let field = |name: &str| rule.get(name).and_then(Value::as_str);
    let operation = match field("op") {
        Some("multiply") => Operation::Multiply,
        Some("divide") => Operation::Divide,
        other => return Err(format!("unknown conversion {other:?}")),
    };
    let factor = parse("factor", field("factor").unwrap_or("1"))?;
    let places = parse("precision", field("precision").unwrap_or("0"))?;
    let rounding = match field("rounding") {
        None | Some("none") => None,
        Some(rule) => Some(Round { direction: direction(rule)?, places }),
    };
    Ok(Conversion { operation, factor, rounding })
}

fn direction(name: &str) -> Result<Rounding, String> {
    match name {
        "round" | "half_up" => Ok(Rounding::HalfUp),
        "ceil" | "ceiling" | "up" => Ok(Rounding::Ceiling),
        "floor" | "down" => Ok(Rounding::Floor),
        other => Err(format!("unknown rounding {other:?}")),
    }
}

/// A level over a window. The source asserts so many places; the same number is taken.
fn weighted(case: &Case) -> Result<Got, String> {
    let instant = |name| {
        parse_rfc3339(case.needed(name)?).ok_or_else(|| format!("{name} is no RFC 3339 time"))
    };
    let window = Window::new(instant("from")?, instant("to_exclusive")?);
    let window = window.map_err(|e| e.to_string())?;
    let initial = case.parsed("initial")?.unwrap_or(Measure::ZERO);
    let change = |event: &Value| {
        let field = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let at = parse_rfc3339(field("at")).ok_or("event without a time")?;
        Ok((at, field("value").to_owned()))
    };
    let changes: Vec<_> = case.list("events").iter().map(change).collect::<Result<_, String>>()?;
    let meter = meter(Aggregation::TimeWeightedSum, "value");
    let value = tallied(&meter, window, initial, &changes)?;
    let wanted = case.expected.get("value").and_then(Value::as_str).unwrap_or_default();
    let places = Decimal::from_str_exact(wanted).map_err(|e| e.to_string())?.scale();
    let places = i8::try_from(places).map_err(|e| e.to_string())?;
    let value = rounded(value, Round { direction: Rounding::HalfUp, places });
    Ok(Got::from([("value".to_owned(), text(value.map_err(|e| e.to_string())?))]))
}

/// A sum prorated by the days that are left is the average of a level; that it is rounded up at
/// five places is the meter's rounding.
fn prorated(case: &Case) -> Result<Got, String> {
    let days = |count: i64| Timestamp::default().plus_millis(count.saturating_mul(MILLIS_PER_DAY));
    let total: i64 = parse("period_days", case.needed("period_days")?)?;
    let window = Window::new(days(0), days(total)).map_err(|e| e.to_string())?;
    let initial = case.parsed("carried_over")?.unwrap_or(Measure::ZERO);
    let change = |event: &Value| {
        let field = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let left: i64 = parse("days_remaining", field("days_remaining"))?;
        Ok((days(total.saturating_sub(left)), field("value").to_owned()))
    };
    let changes: Vec<_> = case.list("events").iter().map(change).collect::<Result<_, String>>()?;
    let mut meter = meter(Aggregation::TimeWeightedSum, "value");
    let rounds_up = case.dialect.as_deref() == Some("lago_ceil5");
    meter.rounding = rounds_up.then_some(Round { direction: Rounding::Ceiling, places: 5 });
    let value = tallied(&meter, window, initial, &changes)?;
    Ok(Got::from([("value".to_owned(), text(value))]))
}

/// The same events under every aggregation that the case expects a value of.
fn aggregates(case: &Case) -> Result<Got, String> {
    let window = Window::new(Timestamp::default(), Timestamp::from_millis(1_000_000));
    let window = window.map_err(|e| e.to_string())?;
    let expected = case.expected.as_object().ok_or("expected is no object")?;
    let mut got = Got::new();
    for name in expected.keys() {
        let of = if name == "value" { case.model.as_str() } else { name };
        let aggregation = aggregation(of)?;
        let property = property(case, aggregation == Aggregation::UniqueCount);
        let meter = meter(aggregation, &property);
        let mut tally = Tally::empty(aggregation, window, None);
        for (second, event) in case.list("events").iter().enumerate() {
            let data = if event.is_object() { event.clone() } else { json!({ "value": event }) };
            let second = i64::try_from(second).map_err(|e| e.to_string())?;
            record(&mut tally, &meter, Timestamp::from_millis(second), &data)?;
        }
        got.insert(name.clone(), text(total(&tally, &meter, &BTreeMap::new())?));
    }
    Ok(got)
}

fn aggregation(name: &str) -> Result<Aggregation, String> {
    match name {
        "avg" | "mean" => Ok(Aggregation::Average),
        "unique" => Ok(Aggregation::UniqueCount),
        name => serde_json::from_value(text(name)).map_err(|e| e.to_string()),
    }
}

/// The first property whose values are names, or numbers, in every event.
fn property(case: &Case, wants_name: bool) -> String {
    let events = case.list("events");
    let is_number = |value: &Value| value.as_str().is_some_and(|v| v.parse::<Measure>().is_ok());
    let fits = |name: &&String| {
        events.iter().filter_map(|e| e.get(name.as_str())).all(|v| is_number(v) != wants_name)
    };
    let names = events.first().and_then(Value::as_object);
    let found = names.and_then(|fields| fields.keys().find(fits));
    found.cloned().unwrap_or_else(|| "value".to_owned())
}

fn meter(aggregation: Aggregation, property: &str) -> MeterSpec {
    MeterSpec {
        id: "m".parse().expect("an id"),
        event_type: "use".to_owned(),
        aggregation,
        property: (aggregation != Aggregation::Count).then(|| format!("/{property}")),
        filters: BTreeMap::new(),
        dimensions: BTreeMap::new(),
        window_ms: None,
        conversion: None,
        rounding: None,
    }
}

fn tallied(
    meter: &MeterSpec,
    window: Window,
    initial: Measure,
    changes: &[(Timestamp, String)],
) -> Result<Measure, String> {
    let mut tally = Tally::empty(meter.aggregation, window, None);
    for (at, value) in changes {
        record(&mut tally, meter, *at, &json!({ "value": value }))?;
    }
    total(&tally, meter, &BTreeMap::from([(Combination::new(), initial)]))
}

fn record(
    tally: &mut Tally,
    meter: &MeterSpec,
    time: Timestamp,
    data: &Value,
) -> Result<(), String> {
    let spec = json!({
        "specversion": "1.0", "id": time.to_string(), "source": "/cases", "type": "use",
        "subject": "acme", "data": data,
    });
    let text = spec.to_string();
    let event = Event::from_json(&text, Some(time)).map_err(|e| e.to_string())?;
    let meter = Meter::new(meter).map_err(|e| e.to_string())?;
    if let Some((dimensions, sample)) = meter.measure(&event).map_err(|e| e.to_string())? {
        tally.record(dimensions, &sample).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn total(
    tally: &Tally,
    meter: &MeterSpec,
    carried: &BTreeMap<Combination, Measure>,
) -> Result<Measure, String> {
    let values = tally.values(meter, carried).map_err(|e| e.to_string())?;
    let sum = values.into_iter().try_fold(Measure::ZERO, |sum, (_, _, value)| sum.plus(value));
    sum.map_err(|e| e.to_string())
}
