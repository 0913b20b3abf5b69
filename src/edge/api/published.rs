//! Control calls on what is published: plans, routes and the portal.

use worker::{Env, Request, Response};

use super::super::catalog::Call;
use super::super::portal::PortalSpec;
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
    text(text_of(env, id, version).await?)
}

/// JSON that is written already.
fn text(json: String) -> Handled {
    let mut response = Response::ok(json).map_err(broken)?;
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

/// `PUT /v1/portal`: who may embed holds everywhere within the refresh time of
/// src/edge/embedding.js; what is offered, at once.
pub(super) async fn publish_portal(env: &Env, request: &mut Request) -> Handled {
    let spec: PortalSpec = body::json(request).await?;
    spec.check()?;
    let () = rpc::send(rpc::catalog(env)?, &Call::PublishPortal(spec.clone())).await?;
    json(200, &spec)
}

/// `GET /v1/portal`.
pub(super) async fn portal(env: &Env) -> Handled {
    let spec: PortalSpec = rpc::send(rpc::catalog(env)?, &Call::Portal).await?;
    json(200, &spec)
}

/// `GET /v1/accounts/{a}/offers`: each plan as it was published.
pub(super) async fn offers(env: &Env) -> Handled {
    let plans: Vec<String> = rpc::send(rpc::catalog(env)?, &Call::Offers).await?;
    text(format!("{{\"plans\":[{}]}}", plans.join(",")))
}
