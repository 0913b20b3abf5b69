//! What things cost: a plan, parsed from JSON and checked before anything is rated by it.
//!
//! ```json
//! { "id": "starter", "version": 1,
//!   "charges": [{ "id": "words", "unit": "credits",
//!                 "price": { "model": "per_unit", "unit_price": "0.3" } }],
//!   "credits": { "burn_order": "standard", "rollover": "none", "at_zero": "block" } }
//! ```
//!
//! Immutable, identified by (id, version). Invariant: a [`Plan`] that exists can be rated.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::units::{ChargeId, PlanId, UnitPrice};

/// Charges in a plan, at most.
pub const CHARGES_MAX: usize = 256;

/// Why a plan was refused, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct PlanError {
    /// JSON pointer of the field at fault.
    pub path: String,
    code: &'static str,
    message: String,
}

impl PlanError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What is wrong and what to do.
    pub fn message(&self) -> &str {
        &self.message
    }

    fn new(path: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanSpec {
    id: PlanId,
    version: u32,
    charges: Vec<ChargeSpec>,
    credits: CreditRules,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChargeSpec {
    id: ChargeId,
    unit: ChargeUnit,
    price: Price,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ChargeUnit {
    Credits,
}

/// How a quantity becomes an amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "model", rename_all = "snake_case", deny_unknown_fields)]
pub enum Price {
    /// Every unit costs the same.
    PerUnit {
        /// Credits per unit.
        unit_price: UnitPrice,
    },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CreditRules {
    burn_order: BurnOrder,
    rollover: Rollover,
    at_zero: AtZero,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum BurnOrder {
    Standard,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rollover {
    None,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum AtZero {
    Block,
}

/// One priced line of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// How its quantity becomes credits.
    pub price: Price,
}

/// A checked plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    id: PlanId,
    version: u32,
    hash: String,
    charges: BTreeMap<ChargeId, Charge>,
}

impl Plan {
    /// Parses and checks a plan.
    ///
    /// # Errors
    ///
    /// [`PlanError`] with the path of the first field at fault.
    pub fn parse(json: &str) -> Result<Self, PlanError> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let spec: PlanSpec = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = format!("/{}", error.path().to_string().replace('.', "/"));
            PlanError::new(path, "plan_malformed", error.inner().to_string())
        })?;
        if spec.version == 0 {
            return Err(PlanError::new("/version", "version_zero", "count versions from 1"));
        }
        if spec.charges.is_empty() || spec.charges.len() > CHARGES_MAX {
            let text = format!("name 1 to {CHARGES_MAX} charges");
            return Err(PlanError::new("/charges", "charges_count", text));
        }
        // The meaning is hashed, not the text: spaces and the order of keys do not matter.
        let canonical = serde_json::to_string(&spec)
            .map_err(|e| PlanError::new("/", "plan_malformed", e.to_string()))?;
        let hash = Sha256::digest(canonical).iter().map(|b| format!("{b:02x}")).collect();
        let mut charges = BTreeMap::new();
        for (index, charge) in spec.charges.into_iter().enumerate() {
            let Price::PerUnit { unit_price } = &charge.price;
            if unit_price.get().is_sign_negative() {
                let path = format!("/charges/{index}/price/unit_price");
                return Err(PlanError::new(path, "price_negative", "use a price of zero or more"));
            }
            let checked = Charge { price: charge.price };
            if charges.insert(charge.id.clone(), checked).is_some() {
                let text = format!("{} is named twice: rename one", charge.id);
                return Err(PlanError::new(format!("/charges/{index}/id"), "charge_twice", text));
            }
        }
        Ok(Self { id: spec.id, version: spec.version, hash, charges })
    }

    /// The plan's id.
    pub fn id(&self) -> &PlanId {
        &self.id
    }

    /// The plan's version, from 1.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// SHA-256 of the plan's meaning, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The charge with this id.
    pub fn charge(&self, id: &ChargeId) -> Option<&Charge> {
        self.charges.get(id)
    }
}
