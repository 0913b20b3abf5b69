//! What the invoice view and the what-if view call: [`statement`](crate::statement) with JavaScript
//! values at its edges.

use std::collections::BTreeMap;

use serde::Deserialize;
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use super::give;
use crate::plan::Plan;
use crate::script::{read, thrown};
use crate::statement::{self, StatementError};
use crate::units::{Amount, ChargeId, Quantity, Timestamp};

/// Plans that are kept ready, at most; the one that was asked for least lately goes.
const PLANS_MAX: usize = 16;

/// A period as its invoice sees it: see [`statement::Statement`].
#[wasm_bindgen]
#[derive(Debug)]
pub struct Statement {
    statement: statement::Statement,
    /// Other plans by their JSON, checked once: a slider asks again and again.
    plans: Vec<(String, Plan)>,
}

/// What the page asks for: `Scenario` in statement.d.ts.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioSpec {
    plan: Option<String>,
    #[serde(default)]
    factors: BTreeMap<ChargeId, Quantity>,
    #[serde(default = "one")]
    all: Quantity,
    commit: Option<Amount>,
    projected: Option<Timestamp>,
}

fn one() -> Quantity {
    Quantity::ONE
}

#[wasm_bindgen]
impl Statement {
    /// Reads a statement; its plans are checked here, once.
    ///
    /// # Errors
    ///
    /// Its `code` is one of [`StatementError::code`], here and below.
    #[wasm_bindgen(constructor)]
    pub fn new(json: &str) -> Result<Self, JsValue> {
        let statement = statement::Statement::parse(json).map_err(refused)?;
        Ok(Self { statement, plans: Vec::new() })
    }

    /// The bill as it would be written now.
    ///
    /// # Errors
    ///
    /// The period has no invoice.
    #[wasm_bindgen(unchecked_return_type = "Bill")]
    pub fn bill(&self) -> Result<JsValue, JsValue> {
        give(&self.statement.bill().map_err(refused)?)
    }

    /// The bill of the period's end if use goes on as it did until `now` (milliseconds).
    ///
    /// # Errors
    ///
    /// The period has no invoice, or a quantity leaves its range.
    #[wasm_bindgen(unchecked_return_type = "Bill")]
    pub fn projected(
        &self,
        #[wasm_bindgen(unchecked_param_type = "number")] now: &JsValue,
    ) -> Result<JsValue, JsValue> {
        give(&self.statement.projected(read(now)?).map_err(refused)?)
    }

    /// What the period would cost otherwise, beside today's plan.
    ///
    /// # Errors
    ///
    /// The plan does not load or cannot be compared, or a number leaves its range.
    #[wasm_bindgen(unchecked_return_type = "Outcome")]
    pub fn what_if(
        &mut self,
        #[wasm_bindgen(unchecked_param_type = "Scenario")] scenario: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let ScenarioSpec { plan, factors, all, commit, projected } = read(scenario)?;
        if let Some(json) = &plan {
            self.keep(json)?;
        }
        let plan = plan.and_then(|_| self.plans.last()).map(|(_, plan)| plan);
        let scenario = statement::Scenario { plan, factors, all, commit, projected };
        give(&self.statement.what_if(&scenario).map_err(refused)?)
    }

    /// Which pricing model fits, and what each of these plans would cost. `days`: the use of each
    /// day, in one unit.
    ///
    /// # Errors
    ///
    /// A plan does not load, or today's has no costs.
    #[wasm_bindgen(unchecked_return_type = "Fit")]
    pub fn fit(
        &self,
        #[wasm_bindgen(unchecked_param_type = "string[]")] plans: &JsValue,
        #[wasm_bindgen(unchecked_optional_param_type = "string[]")] days: &JsValue,
    ) -> Result<JsValue, JsValue> {
        let texts: Vec<String> = read(plans)?;
        let days: Option<Vec<Quantity>> = read(days)?;
        let plans = texts.iter().map(|json| Plan::parse(json)).collect::<Result<Vec<_>, _>>();
        let plans = plans.map_err(|error| refused(error.into()))?;
        give(&self.statement.fit(&plans, &days.unwrap_or_default()).map_err(refused)?)
    }
}

impl Statement {
    /// Has this plan ready, as the last of those that are kept.
    fn keep(&mut self, json: &str) -> Result<(), JsValue> {
        let known = self.plans.iter().position(|(text, _)| text == json);
        let entry = match known {
            Some(place) => self.plans.remove(place),
            None => {
                let plan = Plan::parse(json).map_err(|error| refused(error.into()))?;
                (json.to_owned(), plan)
            }
        };
        if self.plans.len() == PLANS_MAX {
            self.plans.remove(0);
        }
        self.plans.push(entry);
        Ok(())
    }
}

fn refused(error: StatementError) -> JsValue {
    thrown(error.code(), &error.to_string())
}
