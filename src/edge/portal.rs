//! The portal document: which sites may show an account, and which plans customers are offered.
//!
//! ```json
//! { "origins": ["https://app.example"], "offers": [{ "plan": "starter", "version": 1 }] }
//! ```
//!
//! An origin is written exactly as browsers send it (RFC 6454), so that asking whether one is
//! listed is a comparison of texts; src/edge/embedding.js does it, and puts the list into the
//! page's Content-Security-Policy. Invariant: nothing in a checked origin means anything else
//! there: no wildcard, no separator, no quote.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use worker::Url;

use super::problem::Problem;
use crate::units::PlanId;

/// Origins of one deployment, at most: all of them go into one header.
const ORIGINS_MAX: usize = 100;
/// Characters of an origin, at most: a host has 253.
const ORIGIN_CHARS_MAX: usize = 280;
/// Plans that are offered, at most: a page loads all of them.
const OFFERS_MAX: usize = 20;
/// What reading all of them takes of a customer's budget: the catalog is everybody's.
pub(super) const OFFERS_BYTES: usize = OFFERS_MAX * super::budget::READ;
/// Where plain HTTP is as good as HTTPS: the browser's own machine.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The document as it is published; nobody may embed and nothing is offered unless it says so.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PortalSpec {
    pub(super) origins: Vec<String>,
    pub(super) offers: Vec<Offer>,
}

/// A plan version that customers may change to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Offer {
    pub(super) plan: PlanId,
    pub(super) version: u32,
}

impl PortalSpec {
    /// Checks everything but whether the plans are published, which the catalog knows.
    ///
    /// # Errors
    ///
    /// A problem that names the field.
    pub(super) fn check(&self) -> Result<(), Problem> {
        most(self.origins.len(), ORIGINS_MAX, "origins")?;
        most(self.offers.len(), OFFERS_MAX, "offers")?;
        let mut origins = BTreeSet::new();
        for (index, origin) in self.origins.iter().enumerate() {
            let at = |problem: Problem| problem.field(&format!("/origins/{index}")).value(origin);
            check_origin(origin)
                .map_err(|detail| at(Problem::new(422, "origin_malformed", detail)))?;
            if !origins.insert(origin) {
                return Err(at(twice()));
            }
        }
        let mut offers = BTreeSet::new();
        for (index, offer) in self.offers.iter().enumerate() {
            if !offers.insert(offer) {
                let name = format!("{} version {}", offer.plan, offer.version);
                return Err(twice().field(&format!("/offers/{index}")).value(&name));
            }
        }
        Ok(())
    }
}

fn most(count: usize, max: usize, what: &str) -> Result<(), Problem> {
    let detail = format!("there are {count} {what}: list at most {max}");
    let problem = || Problem::new(422, &format!("too_many_{what}"), detail);
    if count > max { Err(problem().field(&format!("/{what}"))) } else { Ok(()) }
}

fn twice() -> Problem {
    Problem::new(422, "listed_twice", "this stands in the list before: leave one of them out")
}

/// What is wrong with an origin, and what to write.
fn check_origin(text: &str) -> Result<(), String> {
    let shape = "an origin is scheme://host[:port] and nothing else, as https://app.example";
    let plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:/[]".contains(&byte);
    // "*" and ";" are characters of a host to a URL, and more than that to a policy.
    if text.len() > ORIGIN_CHARS_MAX || !text.bytes().all(plain) {
        return Err(format!("{shape}, in lower case and without wildcards"));
    }
    let url = Url::parse(text).map_err(|_| shape.to_owned())?;
    let host = url.host_str().unwrap_or_default();
    if url.scheme() != "https" && !(url.scheme() == "http" && LOCAL.contains(&host)) {
        return Err(format!("{shape}: https, or http on {}", LOCAL.join(", ")));
    }
    let written = url.origin().ascii_serialization();
    match written == text {
        true => Ok(()),
        false => Err(format!("{shape}: browsers send this one as {written}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_send_them() {
        let table = "
            https://app.example              ok
            https://app.example:8443         ok
            https://xn--bcher-kva.example    ok
            http://localhost:3000            ok
            http://127.0.0.1                 ok
            http://[::1]:5173                ok
            https://[2001:db8::1]            ok
            https://app.example:443          https://app.example
            https://app.example/             https://app.example
            https://app.example/page         https://app.example
            https://app.example//            https://app.example
            https://127.1                    https://127.0.0.1
            https://App.example              lower case
            https://bücher.example           lower case
            https://*.example                wildcards
            https://*                        wildcards
            *                                wildcards
            https://a;sandbox                wildcards
            https://a,b                      wildcards
            https://'self'                   wildcards
            https://user@app.example         wildcards
            https://app.example?a            wildcards
            http://app.example               or http on
            http://localhost.example         or http on
            http://10.0.0.1                  or http on
            ftp://app.example                or http on
            blob:https://app.example         or http on
            null                             scheme://host
            app.example                      scheme://host
            //app.example                    scheme://host
            https://                         scheme://host
            https://app.example:99999        scheme://host
        ";
        for row in table.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let (origin, expected) = row.split_once("  ").unwrap();
            let said = check_origin(origin).err().unwrap_or_else(|| "ok".to_owned());
            assert!(said.contains(expected.trim()), "{row}: {said}");
        }
        assert!(check_origin("https://app example").is_err());
        assert!(check_origin("").is_err());
        assert!(check_origin(&format!("https://{}.example", "a".repeat(280))).is_err());
    }

    #[test]
    fn documents_are_refused_by_field() {
        let many = |what: &str, count: usize| {
            let list: Vec<String> = (0..count).map(|i| what.replace('#', &i.to_string())).collect();
            list.join(",")
        };
        let origin = "\"https://a#.example\"";
        let offer = r##"{"plan":"a","version":#}"##;
        let table = [
            (many(origin, 100), many(offer, 20), ""),
            (many(origin, 101), String::new(), "/origins"),
            (String::new(), many(offer, 21), "/offers"),
            (r#""https://a","https://b","https://a""#.to_owned(), String::new(), "/origins/2"),
            (r#""https://a","https://b/""#.to_owned(), String::new(), "/origins/1"),
            (String::new(), format!("{0},{0}", offer.replace('#', "7")), "/offers/1"),
        ];
        for (origins, offers, field) in table {
            let json = format!(r#"{{"origins":[{origins}],"offers":[{offers}]}}"#);
            let spec: PortalSpec = serde_json::from_str(&json).unwrap();
            let problem = spec.check().err();
            let found = problem.as_ref().and_then(|problem| problem.text("field"));
            assert_eq!(found.unwrap_or_default(), field, "{json}");
        }
    }
}
