//! Plans that a run may have, and what they cost by the auditor's own arithmetic.
//!
//! ```text
//! up to 60: 0.5 │ up to 600: 2 │ beyond: 0.25      cost(before, q) = Σ units of each tier × price
//! ```

use rust_decimal::Decimal;

use super::Broken;
use super::world::made;
use crate::plan::Plan;
use crate::units::{Credits, exact};

/// What a plan does at zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zero {
    Block,
    /// Served on credit, up to so many.
    Grace(&'static str),
    /// Served on the invoice, up to so many in a period, if there is a cap.
    Overage(Option<&'static str>),
    /// Served degraded and free.
    Restrict,
}

/// One version of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tariff {
    /// The last unit of each tier but the last, and credits per unit.
    tiers: &'static [(u64, &'static str)],
    pub zero: Zero,
    /// Credits that come with it, every day.
    included: Option<&'static str>,
    /// Credits per token of each model; nothing: the model is not listed.
    models: [Option<&'static str>; 2],
}

/// Models that tokens are priced by.
pub(super) const MODELS: [&str; 2] = ["small", "large"];

const BEYOND: u64 = u64::MAX;
const TIERED: &[(u64, &str)] = &[(60, "0.5"), (600, "2"), (BEYOND, "0.25")];
const RISING: &[(u64, &str)] = &[(100, "0.1"), (1_000, "1"), (BEYOND, "3")];
const ONE: &[(u64, &str)] = &[(BEYOND, "1")];

const fn tariff(tiers: &'static [(u64, &'static str)], zero: Zero) -> Tariff {
    Tariff { tiers, zero, included: None, models: [Some("0.5"), Some("3")] }
}

const fn with(included: &'static str, tariff: Tariff) -> Tariff {
    Tariff { included: Some(included), ..tariff }
}

const fn tokens(models: [Option<&'static str>; 2], tariff: Tariff) -> Tariff {
    Tariff { models, ..tariff }
}

/// All that there are.
pub(super) const TARIFFS: [Tariff; 12] = [
    tariff(ONE, Zero::Block),
    tariff(&[(BEYOND, "0.3")], Zero::Block),
    tariff(&[(BEYOND, "17.25")], Zero::Block),
    tokens(
        [Some("0.000000000001"), Some("0.000000000003")],
        tariff(&[(BEYOND, "0.000000000001")], Zero::Block),
    ),
    tokens([Some("0.25"), None], tariff(TIERED, Zero::Block)),
    with("40", tokens([None, Some("1.5")], tariff(RISING, Zero::Block))),
    tariff(ONE, Zero::Grace("30")),
    tariff(RISING, Zero::Grace("12.5")),
    with("25", tariff(ONE, Zero::Overage(Some("100")))),
    tariff(TIERED, Zero::Overage(None)),
    tariff(ONE, Zero::Restrict),
    with("30", tokens([Some("2"), Some("0.1")], tariff(&[(BEYOND, "2")], Zero::Block))),
];

impl Tariff {
    pub(super) fn of(index: u8) -> Self {
        TARIFFS.get(usize::from(index)).copied().unwrap_or(tariff(ONE, Zero::Block))
    }

    /// About what a unit costs: top-ups are multiples of it.
    pub(super) fn unit(self) -> &'static str {
        self.tiers.last().map_or("1", |(_, price)| price)
    }

    /// What a quantity costs after `before` units: each unit at its own tier's price.
    pub(super) fn cost(self, before: u64, quantity: u64) -> Result<Credits, Broken> {
        let (mut from, until) = (before, before.saturating_add(quantity));
        let mut cost = Credits::ZERO;
        for (end, price) in self.tiers {
            let to = until.min(*end);
            if to <= from {
                continue;
            }
            let price: Credits = price.parse().map_err(|error| made("a price", &error))?;
            let units = Decimal::from(to.saturating_sub(from));
            let part = Credits::new(exact::mul(price.get(), units)?);
            cost = cost.plus(part.map_err(|error| made("a cost", &error))?)?;
            from = to;
        }
        Ok(cost)
    }

    /// The highest price that a unit may come to cost after `before` units.
    pub(super) fn highest(self, before: u64) -> Result<Credits, Broken> {
        let mut highest = Credits::ZERO;
        for (_, price) in self.tiers.iter().filter(|(end, _)| before <= *end) {
            let price: Credits = price.parse().map_err(|error| made("a price", &error))?;
            highest = highest.max(price);
        }
        Ok(highest)
    }

    /// What a token of a model costs, if it is listed.
    pub(super) fn model(self, model: usize) -> Result<Option<Credits>, Broken> {
        let price = self.models.get(model).copied().flatten();
        price.map(|price| price.parse().map_err(|e| made("a price", &e))).transpose()
    }

    /// What may be owed at most; nothing if there is no bound.
    pub(super) fn limit(self) -> Result<Option<Credits>, Broken> {
        let parse = |text: &str| text.parse::<Credits>().map_err(|e| made("a limit", &e));
        match self.zero {
            Zero::Block => Ok(Some(Credits::ZERO)),
            Zero::Grace(credits) | Zero::Overage(Some(credits)) => parse(credits).map(Some),
            Zero::Overage(None) | Zero::Restrict => Ok(None),
        }
    }

    /// The plan as JSON.
    pub(super) fn json(self, version: u64) -> String {
        let price = match self.tiers {
            [(_, price)] => format!(r#"{{"model":"per_unit","unit_price":"{price}"}}"#),
            tiers => {
                let tier = |(end, price): &(u64, &str)| match *end {
                    BEYOND => format!(r#"{{"unit_price":"{price}"}}"#),
                    end => format!(r#"{{"up_to":"{end}","unit_price":"{price}"}}"#),
                };
                let tiers: Vec<String> = tiers.iter().map(tier).collect();
                format!(r#"{{"model":"graduated","tiers":[{}]}}"#, tiers.join(","))
            }
        };
        let zero = match self.zero {
            Zero::Block => r#""block""#.to_owned(),
            Zero::Restrict => r#""restrict""#.to_owned(),
            Zero::Grace(credits) => format!(r#"{{"grace":{{"credits":"{credits}"}}}}"#),
            Zero::Overage(None) => r#"{"overage":{"unit_price":"0.02"}}"#.to_owned(),
            Zero::Overage(Some(cap)) => {
                format!(r#"{{"overage":{{"unit_price":"0.02","cap":"{cap}"}}}}"#)
            }
        };
        let included = self.included.map_or(String::new(), |amount| {
            format!(r#"{{"id":"free","amount":"{amount}","every":"P1D"}}"#)
        });
        let entry = |(name, price): (&&str, &Option<&str>)| {
            let price = (*price)?;
            Some(format!(r#"{{"when":{{"model":"{name}"}},"unit_price":"{price}"}}"#))
        };
        let models: Vec<String> = MODELS.iter().zip(&self.models).filter_map(entry).collect();
        let models = models.join(",");
        format!(
            r#"{{"id":"p","version":{version},"currency":"USD","charges":[{{"id":"words",
            "unit":"credits","price":{price}}},{{"id":"tokens","unit":"credits",
            "price":{{"model":"matrix","entries":[{models}]}}}}],"credits":{{"burn_order":"standard",
            "rollover":"none","at_zero":{zero},"grants":[{included}]}}}}"#
        )
    }

    pub(super) fn plan(self, version: u64) -> Result<(Plan, String), Broken> {
        let json = self.json(version);
        let plan = Plan::parse(&json).map_err(|error| made("a plan", &error))?;
        Ok((plan, json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiers_are_paid_unit_by_unit() {
        let tiered = tariff(TIERED, Zero::Block);
        for (before, quantity, cost) in
            [(0, 60, "30"), (58, 5, "7"), (0, 601, "1110.25"), (700, 4, "1"), (9, 0, "0")]
        {
            let found = tiered.cost(before, quantity).unwrap();
            assert_eq!(found.to_string(), cost, "{before} {quantity}");
        }
        assert!(TARIFFS.iter().all(|tariff| tariff.plan(1).is_ok()));
    }
}
