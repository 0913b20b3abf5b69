//! Control calls on what is published: plans and routes.

use worker::{Env, Request, Response};

use super::super::catalog::Call;
use super::super::problem::Problem;
use super::super::route::{Routes, RoutesSpec};
use super::{Handled, body, broken, json, no_store, rpc};
use crate::ledger::PlanRef;
use crate::plan::Plan;

/// `POST /v1/plans`: 201 for a new version, 200 for one that is published already.
pub(super) async fn publish_plan(env: &Env, request: &mut Request) -> Handled {
    let text = body::text(request).await?;
    // JSON that is none gets the body's problem, not the plan's; a bad plan is refused here, before
    // the catalog is called.
    body::parse::<serde_json::Value>(&text)?;
    Plan::parse(&text)?;
    let call = Call::PublishPlan { json: text };
    let (new, plan): (bool, PlanRef) = rpc::send(rpc::catalog(env)?, &call).await?;
    json(if new { 201 } else { 200 }, &plan)
}

/// `GET /v1/plans`.
pub(super) async fn plans(env: &Env) -> Handled {
    let plans: Vec<PlanRef> = rpc::send(rpc::catalog(env)?, &Call::Plans).await?;
    json(200, &plans)
}

/// `GET /v1/plans/{id}/{version}`: the bytes that were published.
pub(super) async fn plan(env: &Env, id: &str, version: &str) -> Handled {
    let text = text_of(env, id, version).await?;
    let mut response = Response::ok(text).map_err(broken)?;
    response.headers_mut().set("content-type", "application/json").map_err(broken)?;
    no_store(response)
}

async fn text_of(env: &Env, id: &str, version: &str) -> Result<String, Problem> {
    let unknown = || Problem::not_found("plan", &format!("{id} version {version}"));
    let id = id.parse().map_err(|_| unknown())?;
    let version = version.parse().map_err(|_| unknown())?;
    rpc::send(rpc::catalog(env)?, &Call::Plan { id, version }).await
}

/// `PUT /v1/routes`: takes effect at every isolate within its refresh time.
pub(super) async fn publish_routes(env: &Env, request: &mut Request) -> Handled {
    let spec: RoutesSpec = body::json(request).await?;
    Routes::check(&spec)?;
    let () = rpc::send(rpc::catalog(env)?, &Call::PublishRoutes(spec.clone())).await?;
    json(200, &spec)
}

/// `GET /v1/routes`.
pub(super) async fn routes(env: &Env) -> Handled {
    let routes: Option<RoutesSpec> = rpc::send(rpc::catalog(env)?, &Call::Routes).await?;
    match routes {
        Some(routes) => json(200, &routes),
        None => Err(Problem::not_found("routes document", "/v1/routes")),
    }
}
