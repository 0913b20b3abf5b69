//! What a route says of an account that does not answer, as it is published.
//!
//! ```json
//! { "failure_handling": "continue", "allowance": "25" }
//! ```
//!
//! `terminate` (the default), `retry_and_terminate`, or `continue` with an allowance in credits:
//! see [`FailureHandling`].

use serde::{Deserialize, Serialize};

use crate::control::FailureHandling;
use crate::units::Credits;

/// By the names of RFC 8506.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Named {
    Terminate,
    Continue,
    RetryAndTerminate,
}

/// A field that does not fit: its name, a code, what is wrong and what to do, its value.
#[derive(Debug)]
pub(super) struct Misfit {
    pub(super) field: &'static str,
    pub(super) code: &'static str,
    pub(super) detail: &'static str,
    pub(super) value: String,
}

/// Checks what a route says. `durable`: its answers are held until they are paid for.
pub(super) fn check(
    named: Option<Named>,
    allowance: Option<Credits>,
    durable: bool,
) -> Result<FailureHandling, Misfit> {
    let misfit = |field, code, detail, value: &str| {
        Err(Misfit { field, code, detail, value: value.to_owned() })
    };
    let handling = match (named.unwrap_or(Named::Terminate), allowance) {
        (Named::Terminate, None) => FailureHandling::Terminate,
        (Named::RetryAndTerminate, None) => FailureHandling::RetryAndTerminate,
        (Named::Continue, Some(allowance)) if allowance > Credits::ZERO => {
            FailureHandling::Continue { allowance }
        }
        (Named::Continue, Some(allowance)) => {
            let detail = "allowance is not above zero: name credits, or terminate";
            let value = allowance.to_string();
            return misfit("allowance", "allowance_not_positive", detail, &value);
        }
        (Named::Continue, None) => {
            let detail = "a route that continues needs an allowance: name the credits that one \
                 isolate may serve of one account without its answer";
            return misfit("allowance", "allowance_missing", detail, "continue");
        }
        (Named::Terminate | Named::RetryAndTerminate, Some(allowance)) => {
            let detail = "only a route that continues has an allowance: leave it out, or say \
                 \"failure_handling\": \"continue\"";
            return misfit("allowance", "allowance_unused", detail, &allowance.to_string());
        }
    };
    if durable && handling.allowance().is_some() {
        let detail = "answers that wait for their burn cannot leave without one: terminate, or \
             leave the durability out";
        return misfit("failure_handling", "continue_durable", detail, "continue");
    }
    Ok(handling)
}

#[cfg(test)]
mod tests {
    use super::Named::{Continue, RetryAndTerminate, Terminate};
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_by_field() {
        let allowance = Credits::ONE;
        let table = [
            (None, None, true, Ok(FailureHandling::Terminate)),
            (Some(Terminate), None, false, Ok(FailureHandling::Terminate)),
            (Some(RetryAndTerminate), None, true, Ok(FailureHandling::RetryAndTerminate)),
            (Some(Continue), Some("1"), false, Ok(FailureHandling::Continue { allowance })),
            (Some(Continue), Some("1"), true, Err(("failure_handling", "continue_durable"))),
            (Some(Continue), Some("0"), false, Err(("allowance", "allowance_not_positive"))),
            (Some(Continue), Some("-1"), true, Err(("allowance", "allowance_not_positive"))),
            (Some(Continue), None, false, Err(("allowance", "allowance_missing"))),
            (Some(Terminate), Some("1"), false, Err(("allowance", "allowance_unused"))),
            (Some(RetryAndTerminate), Some("1"), false, Err(("allowance", "allowance_unused"))),
            (None, Some("1"), false, Err(("allowance", "allowance_unused"))),
        ];
        for (named, allowance, durable, expected) in table {
            let parsed = allowance.map(|text| text.parse().unwrap());
            let found = check(named, parsed, durable).map_err(|misfit| (misfit.field, misfit.code));
            assert_eq!(found, expected, "{named:?} {allowance:?} {durable}");
        }
    }
}
