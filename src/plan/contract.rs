//! A contract: which plan an account is on, from when to when, with which terms of its own.
//!
//! ```text
//! starts_at ─────────── phase 1 ──────────── phase 2 ──────────── ends_at
//!    │ plan + set          │ plan + set + set    │ other plan + set    │ half-open
//! ```
//!
//! An override is a path in the plan's JSON and a value:
//! `"/charges/words/price/unit_price": "0.2"`. Elements of lists are named by their id, elements
//! without one by their index. A null takes a list's element away, or a field back to its default;
//! a new element is put at the end. The result is checked like any plan, so an override cannot make
//! a plan that does not load.
//!
//! Invariant: the effective plan at an instant is a function of contract, plans and instant alone,
//! and its hash covers the overrides.

use super::error::{Fault, PlanError};
use super::json::{Node, document, join};
use super::limits::{OVERRIDES_MAX, PHASES_MAX, PLAN_BYTES_MAX};
use super::{Plan, check, read};
use crate::json::Json;
use crate::units::{ContractId, PlanId, Timestamp};

/// Instants that a contract may name: 285 thousand years, what JSON integers hold everywhere.
const INSTANT_MAX: i64 = 9_007_199_254_740_991;

/// One version of a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PlanRef {
    /// Which plan.
    pub id: PlanId,
    /// Which version of it.
    pub version: u32,
}

/// An account's plan, with its own terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contract {
    id: ContractId,
    ends_at: Option<Timestamp>,
    phases: Vec<Phase>,
}

/// A stretch of a contract with the same terms: `[starts_at, next phase or end)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// When it begins.
    pub starts_at: Timestamp,
    /// The plan it is on.
    pub plan: PlanRef,
    set: Vec<(String, Json)>,
}

/// What holds at an instant, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The plan with all overrides in it.
    pub plan: Plan,
    /// Since when.
    pub from: Timestamp,
    /// Until when, exclusive; none: open.
    pub until: Option<Timestamp>,
}

/// Why there is no effective plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContractError {
    /// Before the start, or at the end or later.
    #[error("the contract is not in force at {at}: it runs from its start until before its end")]
    NotInForce {
        /// The instant asked for.
        at: Timestamp,
    },
    /// The catalog does not have this plan.
    #[error("plan {} version {} is not in the catalog: add it first", plan.id, plan.version)]
    NoSuchPlan {
        /// The plan.
        plan: PlanRef,
    },
    /// The overrides do not fit the plan.
    #[error(transparent)]
    Override(#[from] PlanError),
}

impl ContractError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotInForce { .. } => "contract_not_in_force",
            Self::NoSuchPlan { .. } => "no_such_plan",
            Self::Override(error) => error.code(),
        }
    }
}

impl Contract {
    /// Reads a contract.
    ///
    /// ```json
    /// { "id": "acme-2026", "plan": { "id": "starter", "version": 1 },
    ///   "starts_at": 1767225600000, "ends_at": null,
    ///   "set": { "/charges/words/price/unit_price": "0.2" },
    ///   "phases": [ { "starts_at": 1775001600000, "set": { "/commit/amount": "500" } } ] }
    /// ```
    ///
    /// A phase's plan defaults to the contract's; its `set` goes on top of the contract's.
    ///
    /// # Errors
    ///
    /// [`PlanError`]: the first fault in reading order, with the path of its field.
    pub fn parse(json: &str) -> Result<Self, PlanError> {
        let document = document(json, PLAN_BYTES_MAX)?;
        let node = Node::root(&document);
        let fields = node.object(&["id", "plan", "starts_at", "ends_at", "set", "phases"])?;
        let first = Phase {
            starts_at: instant(&fields.required("starts_at")?)?,
            plan: plan_ref(&fields.required("plan")?)?,
            set: fields.or("set", Vec::new(), overrides)?,
        };
        let ends_at = fields.maybe("ends_at", instant)?;
        let mut phases = vec![first.clone()];
        let mut previous = first.starts_at;
        for node in fields.or("phases", Vec::new(), |node| node.list(PHASES_MAX))? {
            let fields = node.object(&["starts_at", "plan", "set"])?;
            let starts = fields.required("starts_at")?;
            let starts_at = instant(&starts)?;
            after(&starts, starts_at, previous)?;
            previous = starts_at;
            let mut set = first.set.clone();
            set.extend(fields.or("set", Vec::new(), overrides)?);
            let plan = fields.or("plan", first.plan.clone(), plan_ref)?;
            phases.push(Phase { starts_at, plan, set });
        }
        if let (Some(ends_at), Some(node)) = (ends_at, fields.optional("ends_at")) {
            after(&node, ends_at, previous)?;
        }
        Ok(Self { id: fields.required("id")?.parse()?, ends_at, phases })
    }

    /// Which contract.
    pub fn id(&self) -> &ContractId {
        &self.id
    }

    /// The first instant in force.
    pub fn starts_at(&self) -> Timestamp {
        self.phases.first().map_or(Timestamp::default(), |phase| phase.starts_at)
    }

    /// The first instant no longer in force; none: open.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ends_at
    }

    /// The phases in order; the first one is the contract's own terms.
    pub fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// What holds at `at`; `catalog` gives a plan by its version.
    ///
    /// # Errors
    ///
    /// [`ContractError`].
    pub fn effective<'a>(
        &self,
        at: Timestamp,
        catalog: impl FnOnce(&PlanRef) -> Option<&'a Plan>,
    ) -> Result<Effective, ContractError> {
        let index = self.phases.partition_point(|phase| phase.starts_at <= at);
        let is_over = self.ends_at.is_some_and(|end| at >= end);
        let phase = index.checked_sub(1).and_then(|index| self.phases.get(index));
        let phase = phase.filter(|_| !is_over).ok_or(ContractError::NotInForce { at })?;
        let plan = catalog(&phase.plan)
            .ok_or_else(|| ContractError::NoSuchPlan { plan: phase.plan.clone() })?;
        let next = self.phases.get(index).map(|phase| phase.starts_at);
        let plan = phase.overridden(plan)?;
        Ok(Effective { plan, from: phase.starts_at, until: next.or(self.ends_at) })
    }
}

impl Phase {
    fn overridden(&self, plan: &Plan) -> Result<Plan, PlanError> {
        if self.set.is_empty() {
            return Ok(plan.clone());
        }
        let mut document = document(&plan.to_json()?, usize::MAX)?;
        for (pointer, value) in &self.set {
            apply(&mut document, pointer, value)
                .map_err(|fault| PlanError::new(join("/set", pointer), fault))?;
        }
        check::plan(read::plan(&Node::root(&document))?)
    }
}

fn instant(node: &Node<'_>) -> Result<Timestamp, PlanError> {
    node.integer(-INSTANT_MAX, INSTANT_MAX).map(Timestamp::from_millis)
}

fn after(node: &Node<'_>, at: Timestamp, previous: Timestamp) -> Result<(), PlanError> {
    if at > previous {
        return Ok(());
    }
    node.fail(Fault::InstantNotAfter { at: at.millis(), previous: previous.millis() })
}

fn plan_ref(node: &Node<'_>) -> Result<PlanRef, PlanError> {
    let fields = node.object(&["id", "version"])?;
    let version = fields.required("version")?.integer(1, u32::MAX.into())?;
    Ok(PlanRef { id: fields.required("id")?.parse()?, version })
}

fn overrides(node: &Node<'_>) -> Result<Vec<(String, Json)>, PlanError> {
    let entries = node.entries()?;
    if entries.len() > OVERRIDES_MAX {
        return node.fail(Fault::TooMany { count: entries.len(), max: OVERRIDES_MAX });
    }
    for (pointer, node) in &entries {
        if !pointer.starts_with('/') {
            return node.fail(Fault::NotAPointer { value: (*pointer).to_owned() });
        }
        if ["/id", "/version"].contains(pointer) {
            return node.fail(Fault::NotOverridable);
        }
    }
    Ok(entries.into_iter().map(|(pointer, node)| (pointer.to_owned(), node.json())).collect())
}

/// Puts `value` where `pointer` points.
fn apply(document: &mut Json, pointer: &str, value: &Json) -> Result<(), Fault> {
    let tokens = pointer.split('/').skip(1);
    let mut tokens: Vec<String> =
        tokens.map(|token| token.replace("~1", "/").replace("~0", "~")).collect();
    let last = tokens.pop().ok_or(Fault::NothingThere)?;
    let mut place = document;
    for token in &tokens {
        place = child(place, token).ok_or(Fault::NothingThere)?;
    }
    let removes = *value == Json::Null;
    match place {
        Json::Object(fields) => {
            // A field at its default may be left out; the reader refuses one that does not exist.
            fields.retain(|(name, _)| *name != last);
            fields.push((last, value.clone()));
        }
        Json::List(elements) => match (position(elements, &last), removes) {
            (Some(index), true) => {
                elements.remove(index);
            }
            (Some(index), false) => {
                let slot = elements.get_mut(index).ok_or(Fault::NothingThere)?;
                *slot = value.clone();
            }
            (None, false) if value.has_id(&last) => elements.push(value.clone()),
            (None, _) => return Err(Fault::NothingThere),
        },
        _ => return Err(Fault::NothingThere),
    }
    Ok(())
}

fn child<'a>(place: &'a mut Json, token: &str) -> Option<&'a mut Json> {
    match place {
        Json::Object(fields) => {
            fields.iter_mut().find(|(name, _)| name == token).map(|(_, value)| value)
        }
        Json::List(elements) => {
            let index = position(elements, token)?;
            elements.get_mut(index)
        }
        _ => None,
    }
}

/// By id if an element has it, else by index.
fn position(elements: &[Json], token: &str) -> Option<usize> {
    let by_index = || token.parse().ok().filter(|index| *index < elements.len());
    elements.iter().position(|element| element.has_id(token)).or_else(by_index)
}

impl Json {
    fn has_id(&self, id: &str) -> bool {
        let Json::Object(fields) = self else { return false };
        fields.iter().any(|(name, value)| name == "id" && *value == Json::Text(id.to_owned()))
    }
}
