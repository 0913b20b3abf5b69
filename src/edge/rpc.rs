//! How the gateway and the objects call each other: one method, `call(message) → reply`, JSON both
//! ways. `entry.js` gives each object class this method for RPC; in Rust it is synchronous, so that
//! nothing can come between reading, deciding and writing.
//!
//! ```text
//! reply:  { "ok": … }  |  { "problem": { … } }
//! ```

use js_sys::Promise;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::*;
use worker::wasm_bindgen_futures::JsFuture;
use worker::{Env, Stub};

use super::problem::Problem;

#[wasm_bindgen]
extern "C" {
    /// A stub, as JavaScript sees it.
    type Callable;

    #[wasm_bindgen(method, catch)]
    fn call(this: &Callable, message: &str) -> Result<JsValue, JsValue>;
}

/// A reply.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reply<T> {
    Ok(T),
    Problem(Problem),
}

/// Writes a reply.
pub(super) fn reply<T: Serialize>(result: Result<T, Problem>) -> String {
    let reply = match result {
        Ok(value) => Reply::Ok(value),
        Err(problem) => Reply::Problem(problem),
    };
    serde_json::to_string(&reply).unwrap_or_default()
}

/// Reads a reply.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> serde_json::Result<Result<T, Problem>> {
    Ok(match serde_json::from_str(text)? {
        Reply::Ok(value) => Ok(value),
        Reply::Problem(problem) => Err(problem),
    })
}

/// The object of an account.
pub(super) fn account(env: &Env, name: &str) -> Result<Stub, Problem> {
    stub(env, "ACCOUNT", name)
}

/// The one catalog of the deployment.
pub(super) fn catalog(env: &Env) -> Result<Stub, Problem> {
    stub(env, "CATALOG", "catalog")
}

fn stub(env: &Env, binding: &str, name: &str) -> Result<Stub, Problem> {
    let namespace = env.durable_object(binding).map_err(unreachable)?;
    namespace.id_from_name(name).and_then(|id| id.get_stub()).map_err(unreachable)
}

/// Calls an object.
pub(super) async fn send<T: DeserializeOwned>(
    stub: Stub,
    message: &impl Serialize,
) -> Result<T, Problem> {
    let message = serde_json::to_string(message).map_err(unreachable)?;
    let callable: Callable = stub.into_rpc();
    let promise = callable.call(&message).map_err(unreachable)?;
    let value = JsFuture::from(Promise::resolve(&promise)).await.map_err(unreachable)?;
    let text = value.as_string().unwrap_or_default();
    read(&text).map_err(unreachable)?
}

fn unreachable(error: impl std::fmt::Debug) -> Problem {
    worker::console_error!("object call failed: {error:?}");
    Problem::unavailable("a part of edgemeter cannot be reached at the moment: try again shortly")
}
