//! Routes: method and path pattern → charge and quantity. Which requests are metered, and as what.
//!
//! ```json
//! { "unmatched": "refuse",
//!   "routes": [{ "method": "GET", "path": "/words/{id}", "charge": "words", "quantity": "1" },
//!              { "method": "POST", "path": "/orders", "charge": "orders",
//!                "durability": "before_response", "failure_handling": "retry_and_terminate" },
//!              { "method": "GET", "path": "/status", "unmetered": true }] }
//! ```
//!
//! `{name}` matches one segment, `{*rest}` one or more to the end; a literal segment wins over a
//! name, a name over the rest. `HEAD` is metered as `GET` unless it has a route of its own.
//!
//! Invariant: no request is free that is not declared so. A path is matched after unreserved
//! characters are decoded (RFC 3986 §6.2.2.2), since the origin will decode them as well; a path
//! that could be read in two ways (encoded slashes, empty segments, backslashes) matches nothing,
//! and is refused even where unmatched paths pass.

use std::collections::BTreeMap;
use std::rc::Rc;

use matchit::Router;
use serde::{Deserialize, Serialize};

use super::failure::{self, Misfit, Named};
use super::path::{is_segment, matchit_pattern, readable};
use super::problem::Problem;
use crate::control::{FailureHandling, REPEATS_MAX};
use crate::reader::{Reader, ReaderSpec};
use crate::units::{ChargeId, Credits, Quantity};

/// Routes of one deployment, at most.
const ROUTES_MAX: usize = 1_000;
/// Characters of a pattern, at most.
const PATTERN_CHARS_MAX: usize = 256;
/// First segments that the gateway answers itself; `/v1` has others beside them for the origin.
const RESERVED: [&str; 11] = [
    "/v1/plans",
    "/v1/routes",
    "/v1/portal",
    "/v1/accounts",
    "/v1/health",
    "/v1/events",
    "/api/v1/events",
    "/v1/authorize",
    "/v1/settle",
    "/v1/release",
    "/edgemeter",
];
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "*"];

/// What happens to a path that no route names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unmatched {
    /// 404.
    Refuse,
    /// To the origin, unmetered, without a key.
    Pass,
}

/// The document as it is published.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoutesSpec {
    unmatched: Unmatched,
    routes: Vec<RouteSpec>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteSpec {
    method: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    charge: Option<ChargeId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    quantity: Option<Quantity>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unmetered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<ReaderSpec>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    durability: Option<Durability>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure_handling: Option<Named>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    allowance: Option<Credits>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failed_upstream: Option<FailedUpstream>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeats: Option<u32>,
}

/// What an answer costs by which the origin says that it failed. None at all never costs anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailedUpstream {
    /// Nothing. The default.
    Free,
    /// What any other would.
    Charged,
}

/// When an answer may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Durability {
    /// As soon as it is there; what it cost is reported within two and a half seconds. The default.
    Lease,
    /// Once the account has burned what it cost: the report leaves with the request.
    BeforeResponse,
}

/// A metered route.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// Method and pattern, as people read them.
    pub(super) name: Rc<str>,
    pub(super) priced: Priced,
    /// Whether the answer is held until its burn is on disk.
    pub(super) durable: bool,
    /// What happens when the account does not answer.
    pub(super) handling: FailureHandling,
    /// Whether an answer costs the same if it says that the origin failed.
    pub(super) charges_failed: bool,
    /// How often one charge serves a request that is sent again under a key of the client's.
    pub(super) repeats: u32,
}

/// What an operation uses.
#[derive(Clone, Debug)]
pub(super) enum Priced {
    /// So much of one charge.
    Known { charge: ChargeId, quantity: Quantity },
    /// What its request and its answer say.
    Read(Reader),
}

/// What a request is.
#[derive(Clone, Debug)]
pub(super) enum Match<'routes> {
    Metered(&'routes Route),
    Unmetered,
    Refused,
}

/// Checked routes.
pub(super) struct Routes {
    unmatched: Unmatched,
    by_method: BTreeMap<String, Router<Option<Route>>>,
}

impl Routes {
    /// Checks a document.
    ///
    /// # Errors
    ///
    /// A problem that names the field.
    pub(super) fn check(spec: &RoutesSpec) -> Result<Self, Problem> {
        if spec.routes.len() > ROUTES_MAX {
            let detail = format!("there are {} routes: at most {ROUTES_MAX}", spec.routes.len());
            return Err(Problem::new(422, "too_many_routes", detail).field("/routes"));
        }
        let mut by_method: BTreeMap<String, Router<Option<Route>>> = BTreeMap::new();
        for (index, route) in spec.routes.iter().enumerate() {
            let checked = check_route(route, index)?;
            let router = by_method.entry(route.method.clone()).or_default();
            router.insert(matchit_pattern(&route.path), checked).map_err(|error| {
                let detail = format!("path collides with an earlier route: {error}");
                refuse(index, "path", "route_collides", &detail, &route.path)
            })?;
        }
        Ok(Self { unmatched: spec.unmatched, by_method })
    }

    /// What a request is. `path` is the URL's path without the query.
    pub(super) fn find(&self, method: &str, path: &str) -> Match<'_> {
        let Some(path) = readable(path) else { return Match::Refused };
        let head = if method == "HEAD" { "GET" } else { method };
        for method in [method, head, "*"] {
            let found = self.by_method.get(method).and_then(|router| router.at(&path).ok());
            if let Some(found) = found {
                return match found.value {
                    Some(route) => Match::Metered(route),
                    None => Match::Unmetered,
                };
            }
        }
        match self.unmatched {
            Unmatched::Refuse => Match::Refused,
            Unmatched::Pass => Match::Unmetered,
        }
    }
}

/// Whether the gateway itself answers this path.
pub(super) fn is_reserved(path: &str) -> bool {
    let under = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    RESERVED.iter().any(|prefix| under(prefix))
}

fn refuse(index: usize, field: &str, code: &str, detail: &str, value: &str) -> Problem {
    Problem::new(422, code, detail).field(&format!("/routes/{index}/{field}")).value(value)
}

fn check_route(route: &RouteSpec, index: usize) -> Result<Option<Route>, Problem> {
    let wrong = |field: &str, code: &str, detail: &str, value: &str| {
        Err(refuse(index, field, code, detail, value))
    };
    if !METHODS.contains(&route.method.as_str()) {
        let detail = format!("method is not known: use one of {}", METHODS.join(", "));
        return wrong("method", "method_unknown", &detail, &route.method);
    }
    if !route.path.starts_with('/') || route.path.len() > PATTERN_CHARS_MAX {
        let detail = format!("path must start with / and have at most {PATTERN_CHARS_MAX} bytes");
        return wrong("path", "path_malformed", &detail, &route.path);
    }
    if !route.path.split('/').skip(1).all(is_segment) || route.path.contains("//") {
        let detail = "path has a segment that is neither plain nor {name} nor {*rest}";
        return wrong("path", "path_malformed", detail, &route.path);
    }
    if is_reserved(&route.path) {
        let detail = format!("path is answered by the gateway itself: {}", RESERVED.join(", "));
        return wrong("path", "path_reserved", &detail, &route.path);
    }
    let durable = route.durability == Some(Durability::BeforeResponse);
    let handling = failure::check(route.failure_handling, route.allowance, durable);
    let handling = handling.map_err(|Misfit { field, code, detail, value }| {
        refuse(index, field, code, detail, &value)
    })?;
    let says_more = route.durability.is_some()
        || route.failure_handling.is_some()
        || route.failed_upstream.is_some()
        || route.repeats.is_some();
    let charges_failed = route.failed_upstream == Some(FailedUpstream::Charged);
    let repeats = route.repeats.unwrap_or(0);
    if repeats > REPEATS_MAX || (repeats > 0 && route.usage.is_some()) {
        let detail = format!(
            "repeats is 0 to {REPEATS_MAX}, and 0 with usage: another answer would cost something \
             else"
        );
        return wrong("repeats", "repeats_range", &detail, &repeats.to_string());
    }
    let name = || format!("{} {}", route.method, route.path).into();
    match (&route.charge, route.quantity, &route.usage, route.unmetered) {
        (None, None, None, true) if !says_more => Ok(None),
        (Some(charge), quantity, None, false) => {
            let quantity = quantity.unwrap_or_else(one);
            let priced = Priced::Known { charge: charge.clone(), quantity };
            Ok(Some(Route { name: name(), priced, durable, handling, charges_failed, repeats }))
        }
        (None, None, Some(usage), false) => {
            if durable || handling.allowance().is_some() {
                let detail = "a route with usage reserves before and settles after the answer: \
                     leave \"before_response\" and \"continue\" out";
                return wrong("usage", "usage_unfit", detail, &route.path);
            }
            let reader = Reader::check(usage).map_err(|error| {
                let field = format!("usage{}", error.field);
                refuse(index, &field, error.code(), &format!("usage{error}"), &route.path)
            })?;
            let priced = Priced::Read(reader);
            Ok(Some(Route { name: name(), priced, durable, handling, charges_failed, repeats }))
        }
        _ => {
            let detail = "name a charge, or say how usage is read, or say \"unmetered\": true and \
                 nothing else: one of the three";
            wrong("charge", "route_unpriced", detail, &route.path)
        }
    }
}

fn one() -> Quantity {
    Quantity::new(rust_decimal::Decimal::ONE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(unmatched: &str) -> Routes {
        let json = format!(
            r#"{{"unmatched":"{unmatched}","routes":[
            {{"method":"GET","path":"/words","charge":"words"}},
            {{"method":"GET","path":"/words/{{id}}","charge":"word","quantity":"2"}},
            {{"method":"GET","path":"/words/today","charge":"today"}},
            {{"method":"*","path":"/files/{{*rest}}","charge":"files"}},
            {{"method":"GET","path":"/status","unmetered":true}}]}}"#
        );
        Routes::check(&serde_json::from_str(&json).unwrap()).unwrap()
    }

    #[test]
    fn requests_find_their_routes() {
        let table = "
            GET    /words            words
            GET    /words/1          word
            GET    /words/today      today
            GET    /w%6Frds          words     # the origin would read it as /words
            GET    /words/%C3%A9     word
            GET    /words%2F1        refused   # one segment or two?
            GET    /words//1         refused
            GET    /words/           refused
            GET    /words;a=1        refused
            GET    /words/%2e%2e     refused
            GET    /words/%zz        refused
            GET    /words/%2         refused
            HEAD   /words            words     # as GET: it reaches the origin as well
            POST   /words            refused
            DELETE /files/a/b        files
            GET    /status           unmetered
            GET    /elsewhere        refused
        ";
        check(&routes("refuse"), table);
        check(
            &routes("pass"),
            "
            GET    /elsewhere        unmetered
            POST   /words            unmetered
            GET    /w%6frds          words
            GET    //words           refused   # would be free otherwise
            GET    /%2fwords         refused
            GET    /a/%2e%2e/words   refused
        ",
        );
    }

    fn check(routes: &Routes, table: &str) {
        for row in table.lines().map(|line| line.split('#').next().unwrap().trim()) {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let [method, path, expected] = cells[..] else {
                assert!(row.is_empty(), "malformed row: {row}");
                continue;
            };
            let got = match routes.find(method, path) {
                Match::Metered(route) => match &route.priced {
                    Priced::Known { charge, .. } => charge.to_string(),
                    Priced::Read(_) => "read".to_owned(),
                },
                Match::Unmetered => "unmetered".to_owned(),
                Match::Refused => "refused".to_owned(),
            };
            assert_eq!(got, expected, "row: {row}");
        }
    }

    #[test]
    fn bad_routes_are_refused_by_field() {
        let table = [
            (r#"{"method":"get","path":"/a","charge":"a"}"#, "/routes/0/method"),
            (r#"{"method":"GET","path":"a","charge":"a"}"#, "/routes/0/path"),
            (r#"{"method":"GET","path":"/a//b","charge":"a"}"#, "/routes/0/path"),
            (r#"{"method":"GET","path":"/a/{}","charge":"a"}"#, "/routes/0/path"),
            (r#"{"method":"GET","path":"/{*r}/b","charge":"a"}"#, "/routes/0/path"),
            (r#"{"method":"GET","path":"/v1/accounts/x","charge":"a"}"#, "/routes/0/path"),
            (r#"{"method":"GET","path":"/a"}"#, "/routes/0/charge"),
            (
                r#"{"method":"GET","path":"/a","unmetered":true,"durability":"lease"}"#,
                "/routes/0/charge",
            ),
            (r#"{"method":"GET","path":"/a","charge":"a","unmetered":true}"#, "/routes/0/charge"),
            (
                r#"{"method":"GET","path":"/a","unmetered":true,"failure_handling":"terminate"}"#,
                "/routes/0/charge",
            ),
            (
                r#"{"method":"GET","path":"/a","unmetered":true,"allowance":"1"}"#,
                "/routes/0/allowance",
            ),
            (
                r#"{"method":"GET","path":"/a","charge":"a","failure_handling":"continue",
                    "allowance":"1","durability":"before_response"}"#,
                "/routes/0/failure_handling",
            ),
            (r#"{"method":"GET","path":"/a","charge":"a","repeats":4}"#, "/routes/0/repeats"),
            (
                r#"{"method":"POST","path":"/a","repeats":1,"usage":{"reader":"openai_chat",
                    "charges":{"input":"i","output":"o"},"output_max":"10"}}"#,
                "/routes/0/repeats",
            ),
            (r#"{"method":"GET","path":"/a","unmetered":true,"repeats":0}"#, "/routes/0/charge"),
            (
                r#"{"method":"GET","path":"/a","unmetered":true,"failed_upstream":"charged"}"#,
                "/routes/0/charge",
            ),
        ];
        for (route, field) in table {
            let json = format!(r#"{{"unmatched":"refuse","routes":[{route}]}}"#);
            let checked = Routes::check(&serde_json::from_str(&json).unwrap());
            let problem = checked.err().unwrap();
            assert!(problem.to_json().contains(&format!("\"field\":\"{field}\"")), "{route}");
        }
    }
}
