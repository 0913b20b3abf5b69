//! Why an operation may not go on, as an answer: the same words from the gateway and from
//! `POST /v1/authorize`.

use super::problem::Problem;
use crate::control::OnceRefusal;
use crate::ledger::SpendPeriod;
use crate::units::Credits;

/// 402: the account cannot pay. `plan` is `id@version`, if it is known.
pub(super) fn insufficient(
    required: Credits,
    available: Credits,
    plan: Option<String>,
    topup_url: Option<&str>,
) -> Problem {
    let detail = "the account's credits do not pay for this request: buy credits and try again";
    let mut problem = Problem::new(402, "insufficient_credits", detail)
        .with("balance", available.to_string())
        .with("required", required.to_string())
        .with("unit", "credits")
        .with("retryable", false);
    if let Some(plan) = plan {
        problem = problem.with("plan", plan);
    }
    if let Some(url) = topup_url {
        problem = problem.with("topup_url", url);
    }
    problem
}

/// 402: the key has spent what it may.
pub(super) fn key_limited(period: SpendPeriod, limit: Credits, spent: Credits) -> Problem {
    let period = match period {
        SpendPeriod::Day => "day",
        SpendPeriod::Month => "month",
    };
    let detail = "this key has spent what it may in this period (UTC): wait for the next one, or \
         have its limit raised";
    Problem::new(402, "key_limit_reached", detail)
        .with("period", period)
        .with("limit", limit.to_string())
        .with("spent", spent.to_string())
        .with("unit", "credits")
        .with("retryable", false)
}

/// 409 or 422: what became of the client's idempotency key.
pub(super) fn once(refusal: OnceRefusal) -> Problem {
    let (status, code, detail) = match refusal {
        OnceRefusal::InFlight => (
            409,
            "idempotency_key_in_flight",
            "the same request is under way: wait for its answer, or try again later",
        ),
        OnceRefusal::Differs => (
            422,
            "idempotency_key_differs",
            "this key was used for another request: send the same one, or a new key",
        ),
        OnceRefusal::Spent => (
            409,
            "idempotency_key_spent",
            "this key's request was answered as often as one charge allows: send a new key",
        ),
    };
    Problem::new(status, code, detail).field("idempotency-key")
}

/// 403: the key is not active.
pub(super) fn key_disabled() -> Problem {
    let detail = "this key is disabled or was deleted: use another key of the account";
    Problem::new(403, "key_disabled", detail)
}

/// 403: there is no price.
pub(super) fn unpriced() -> Problem {
    let detail = "the account's plan has no price for this: ask the API's operator";
    Problem::new(403, "rating_failed", detail)
}
