//! The catalog object: what is published. Plans by (id, version), the routes, the accounts' names.
//!
//! ```text
//! plan(id, version, hash, json)   immutable: the same version with another meaning is refused
//! routes(id = 1, json)            the whole document, replaced at once
//! portal(id = 1, json)            likewise: who may embed the page, which plans are offered
//! account(id)                     so that a wrong name never makes an empty account object
//! ```

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;
use worker::{
    DurableObject, Env, Error, Request, Response, Result, SqlStorage, State, WebSocket,
    WebSocketIncomingMessage, durable_object,
};

use super::portal::PortalSpec;
use super::problem::Problem;
use super::route::{Routes, RoutesSpec};
use super::rpc;
use crate::ledger::PlanRef;
use crate::plan::Plan;
use crate::units::{AccountId, PlanId};

/// Entries of one listing, at most.
const LIST_MAX: u32 = 1_000;

/// What the catalog can be asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    PublishPlan { json: String },
    Plan { id: PlanId, version: u32 },
    Plans,
    PublishRoutes(RoutesSpec),
    Routes,
    PublishPortal(PortalSpec),
    Portal,
    Offers,
    AddAccount { account: AccountId },
    HasAccount { account: AccountId },
    Accounts { after: String },
}

/// What is published.
#[durable_object]
pub struct Catalog {
    sql: SqlStorage,
}

impl DurableObject for Catalog {
    fn new(state: State, _env: Env) -> Self {
        Self { sql: state.storage().sql() }
    }

    async fn fetch(&self, _request: Request) -> Result<Response> {
        Problem::new(404, "not_found", "the catalog is called by RPC only").into_response()
    }

    async fn alarm(&self) -> Result<Response> {
        Response::empty()
    }

    async fn websocket_message(
        &self,
        _socket: WebSocket,
        _message: WebSocketIncomingMessage,
    ) -> Result<()> {
        Ok(())
    }

    async fn websocket_close(
        &self,
        _socket: WebSocket,
        _code: usize,
        _reason: String,
        _clean: bool,
    ) -> Result<()> {
        Ok(())
    }

    async fn websocket_error(&self, _socket: WebSocket, _error: Error) -> Result<()> {
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err(Error::RustError("the catalog takes no TCP connections".to_owned()))
    }
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

#[wasm_bindgen]
impl Catalog {
    /// Answers one message; see [`Call`].
    pub fn call(&self, message: &str) -> String {
        let call: Call = match serde_json::from_str(message) {
            Ok(call) => call,
            Err(error) => {
                let detail = format!("message is not understood: {error}");
                return rpc::reply::<()>(Err(Problem::new(400, "message_malformed", detail)));
            }
        };
        match call {
            Call::PublishPlan { json } => rpc::reply(self.publish_plan(&json)),
            Call::Plan { id, version } => rpc::reply(self.plan(&id, version)),
            Call::Plans => rpc::reply(self.plans()),
            Call::PublishRoutes(spec) => rpc::reply(self.publish_routes(&spec)),
            Call::Routes => rpc::reply(self.routes()),
            Call::PublishPortal(spec) => rpc::reply(self.publish_portal(&spec)),
            Call::Portal => rpc::reply(self.portal()),
            Call::Offers => rpc::reply(self.offers()),
            Call::AddAccount { account } => rpc::reply(self.add_account(&account)),
            Call::HasAccount { account } => rpc::reply(self.has_account(&account)),
            Call::Accounts { after } => rpc::reply(self.accounts(&after)),
        }
    }
}

impl Catalog {
    fn create(&self) -> std::result::Result<(), Problem> {
        let tables = "
            CREATE TABLE IF NOT EXISTS plan (
                id TEXT NOT NULL, version INTEGER NOT NULL, hash TEXT NOT NULL, json TEXT NOT NULL,
                PRIMARY KEY (id, version)
            ) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS routes (
                id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL
            );
            CREATE TABLE IF NOT EXISTS portal (
                id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL
            );
            CREATE TABLE IF NOT EXISTS account (id TEXT PRIMARY KEY) WITHOUT ROWID;";
        self.sql.exec(tables, None).map(|_| ()).map_err(failed)
    }

    fn texts(&self, query: &str, bindings: &[&str]) -> std::result::Result<Vec<String>, Problem> {
        self.create()?;
        let bindings: Vec<_> = bindings.iter().map(|text| (*text).into()).collect();
        let rows = self.sql.exec(query, bindings).map_err(failed)?;
        let rows = rows.to_array::<Text>().map_err(failed)?;
        Ok(rows.into_iter().map(|row| row.text).collect())
    }

    /// Returns the plan's reference and whether it is new.
    fn publish_plan(&self, json: &str) -> std::result::Result<(bool, PlanRef), Problem> {
        let plan = Plan::parse(json)?;
        let (id, version) = (plan.id().clone(), plan.version());
        let reference = PlanRef { id, version, hash: plan.hash().to_owned() };
        let (id, version) = (reference.id.as_str(), version.to_string());
        let query = "SELECT hash AS text FROM plan WHERE id = ? AND version = CAST(? AS INTEGER)";
        if let Some(hash) = self.texts(query, &[id, &version])?.first() {
            let detail = format!("{id} version {version} is published and differs: raise /version");
            return match *hash == reference.hash {
                true => Ok((false, reference)),
                false => Err(Problem::new(409, "plan_differs", detail).field("/version")),
            };
        }
        let insert =
            "INSERT INTO plan (id, version, hash, json) VALUES (?, CAST(? AS INTEGER), ?, ?)";
        self.texts(insert, &[id, &version, &reference.hash, json])?;
        Ok((true, reference))
    }

    fn plan(&self, id: &PlanId, version: u32) -> std::result::Result<String, Problem> {
        let query = "SELECT json AS text FROM plan WHERE id = ? AND version = CAST(? AS INTEGER)";
        let found = self.texts(query, &[id.as_str(), &version.to_string()])?;
        let name = format!("{id} version {version}");
        found.into_iter().next().ok_or_else(|| Problem::not_found("plan", &name).field("/plan"))
    }

    fn plans(&self) -> std::result::Result<Vec<PlanRef>, Problem> {
        let query = format!(
            "SELECT json_object('id', id, 'version', version, 'hash', hash) AS text
             FROM plan ORDER BY id, version LIMIT {LIST_MAX}"
        );
        let rows = self.texts(&query, &[])?;
        rows.iter().map(|row| serde_json::from_str(row).map_err(failed)).collect()
    }

    fn publish_routes(&self, spec: &RoutesSpec) -> std::result::Result<(), Problem> {
        Routes::check(spec)?;
        let json = serde_json::to_string(spec).map_err(failed)?;
        self.texts("INSERT OR REPLACE INTO routes (id, json) VALUES (1, ?)", &[&json])?;
        Ok(())
    }

    fn routes(&self) -> std::result::Result<Option<RoutesSpec>, Problem> {
        let rows = self.texts("SELECT json AS text FROM routes", &[])?;
        rows.first().map(|json| serde_json::from_str(json).map_err(failed)).transpose()
    }

    fn publish_portal(&self, spec: &PortalSpec) -> std::result::Result<(), Problem> {
        spec.check()?;
        for (index, offer) in spec.offers.iter().enumerate() {
            let published = self.plan(&offer.plan, offer.version);
            published.map_err(|problem| problem.field(&format!("/offers/{index}")))?;
        }
        let json = serde_json::to_string(spec).map_err(failed)?;
        self.texts("INSERT OR REPLACE INTO portal (id, json) VALUES (1, ?)", &[&json])?;
        Ok(())
    }

    fn portal(&self) -> std::result::Result<PortalSpec, Problem> {
        let rows = self.texts("SELECT json AS text FROM portal", &[])?;
        rows.first()
            .map_or(Ok(PortalSpec::default()), |json| serde_json::from_str(json).map_err(failed))
    }

    /// The plans that are offered, as they were published.
    fn offers(&self) -> std::result::Result<Vec<String>, Problem> {
        let offers = self.portal()?.offers;
        offers.iter().map(|offer| self.plan(&offer.plan, offer.version)).collect()
    }

    fn add_account(&self, account: &AccountId) -> std::result::Result<(), Problem> {
        self.texts("INSERT OR IGNORE INTO account (id) VALUES (?)", &[account.as_str()])?;
        Ok(())
    }

    fn has_account(&self, account: &AccountId) -> std::result::Result<bool, Problem> {
        let query = "SELECT id AS text FROM account WHERE id = ?";
        Ok(!self.texts(query, &[account.as_str()])?.is_empty())
    }

    fn accounts(&self, after: &str) -> std::result::Result<Vec<String>, Problem> {
        let query =
            format!("SELECT id AS text FROM account WHERE id > ? ORDER BY id LIMIT {LIST_MAX}");
        self.texts(&query, &[after])
    }
}

fn failed(error: impl std::fmt::Debug) -> Problem {
    worker::console_error!("catalog storage: {error:?}");
    Problem::unavailable("the catalog's storage failed: nothing was changed, try again shortly")
}
