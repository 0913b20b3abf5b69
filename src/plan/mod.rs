//! What things cost: plans as JSON, checked once, then rated for ever.
//!
//! ```text
//! JSON text ── read ──▶ PlanSpec ── check ──▶ Plan { spec, charges, hash }
//! Plan + overrides + phases + an instant ── Contract ──▶ effective Plan
//! ```
//!
//! A plan that loads can be rated: tiers are in order and open at the end, every product fits,
//! every name that is mentioned exists. Everything else is refused with the path of the field. The
//! format is described by `docs/plan.schema.json`.

mod adjust;
mod charge;
mod check;
mod check_price;
mod contract;
mod error;
mod json;
mod ladder;
pub mod limits;
pub(crate) mod lines;
mod meter;
mod places;
mod price;
mod read;
mod read_price;
mod spec;

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

pub use adjust::{Adjustment, Conversion, Operation, Round};
pub use charge::{AmountStep, Charge, Matrix, Package, Price, QuantityStep};
pub use contract::{Contract, ContractError, Effective, Phase, PlanRef};
pub use error::{Fault, PlanError};
pub use ladder::{Ladder, Rung};
pub use meter::{Aggregation, MeterSpec};
pub use price::{MatrixEntry, PercentTierSpec, PercentageSpec, PriceSpec, StepSpec, TierSpec};
pub use spec::{
    AtZero, BurnOrder, ChargeSpec, ChargeUnit, Combination, CommitSpec, CreditRules, DiscountSpec,
    FeeSpec, GrantKind, Off, PlanSpec, PriceEach, Proration, RecurringGrant, Rollover, TaxSpec,
    Timing,
};

use crate::json::Json;
use crate::units::{Amount, ChargeId, MeterId, PlanId};

/// A checked plan. Immutable: a new price is a new version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    spec: PlanSpec,
    charges: Vec<Charge>,
    hash: String,
}

impl Plan {
    /// Reads and checks a plan.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: the first fault in reading order, with the path of its field.
    ///
    /// # Examples
    ///
    /// ```
    /// let plan = edgemeter::plan::Plan::parse(
    ///     r#"{ "id": "starter", "version": 1,
    ///          "charges": [ { "id": "words", "unit": "credits",
    ///                         "price": { "model": "per_unit", "unit_price": "0,3" } } ] }"#,
    /// );
    /// let error = plan.unwrap_err();
    /// assert_eq!(error.path, "/charges/0/price/unit_price");
    /// assert_eq!(error.code(), "not_a_decimal");
    /// ```
    pub fn parse(json: &str) -> Result<Self, PlanError> {
        Self::read(&json::document(json, limits::PLAN_BYTES_MAX)?)
    }

    /// Checks a plan that stands in a larger document.
    pub(crate) fn read(document: &Json) -> Result<Self, PlanError> {
        check::plan(read::plan(&json::Node::root(document))?)
    }

    fn of_checked(spec: PlanSpec, charges: Vec<Charge>) -> Result<Self, PlanError> {
        let mut plan = Self { spec, charges, hash: String::new() };
        let digest = Sha256::digest(plan.to_json()?.as_bytes());
        plan.hash = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(plan)
    }

    /// The plan with another minimum of a period, in the unit of its commit, or in its currency if
    /// it has none. Zero takes the commit away.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: a minimum below zero, or one without a currency.
    pub fn with_commit(&self, least: Amount) -> Result<Self, PlanError> {
        let mut spec = self.spec.clone();
        spec.commit = if least.is_zero() {
            None
        } else {
            let (unit, lines) = (ChargeUnit::Currency, BTreeSet::new());
            let none = CommitSpec { amount: least, unit, lines };
            Some(CommitSpec { amount: least, ..spec.commit.unwrap_or(none) })
        };
        check::commit_of(&spec)?;
        Self::of_checked(spec, self.charges.clone())
    }

    /// Which plan.
    pub fn id(&self) -> &PlanId {
        &self.spec.id
    }

    /// Which version of it, from 1.
    pub fn version(&self) -> u32 {
        self.spec.version
    }

    /// SHA-256 of the canonical JSON, in hexadecimal: equal for two texts exactly if they mean the
    /// same. The words that a customer reads are part of the meaning.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The plan as written, with all defaults filled in.
    pub fn spec(&self) -> &PlanSpec {
        &self.spec
    }

    /// All charges, in the order of their lines.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// The charge of this id.
    pub fn charge(&self, id: &ChargeId) -> Option<&Charge> {
        self.charges.iter().find(|charge| charge.id() == id)
    }

    /// The meter of this id.
    pub fn meter(&self, id: &MeterId) -> Option<&MeterSpec> {
        self.spec.meters.iter().find(|meter| meter.id == *id)
    }

    /// The canonical JSON: every field written out, numbers in their shortest form. It reads as
    /// this plan.
    ///
    /// # Errors
    ///
    /// Never for a plan that was checked: it has nothing that JSON cannot say.
    pub fn to_json(&self) -> Result<String, PlanError> {
        serde_json::to_string(&self.spec).map_err(|error| {
            let fault = Fault::NotJson { line: 0, column: 0, reason: error.to_string() };
            PlanError::new(String::new(), fault)
        })
    }
}
