//! A row's entries, read as fast as its bytes allow.
//!
//! ```text
//! [ {"kind":"events_taken", …}, {"kind":"debited", …} ]
//!     packed: straight into place      others: by way of serde's tree
//! ```
//!
//! Serde reads an enum whose tag stands inside by way of a tree of all that follows, since the tag
//! may come last. Two kinds hold thousands of operations in one entry; the tag that this crate
//! writes comes first, so that they are read without the tree. Invariant: what is read is what
//! `Entry`'s own reading gives (tested below).

use serde::Deserialize;
use serde_json::value::RawValue;

use super::entry::Entry;
use super::events::{Booked, Events};
use super::grant::Burn;
use super::operations::{Flying, Operations, Shortfall};
use crate::units::Credits;

/// [`Entry::UsageReported`], without its tag.
#[derive(Deserialize)]
struct UsageReported {
    lease: String,
    #[serde(default)]
    terms: Option<u64>,
    used: Credits,
    returned: Credits,
    operations: Operations,
    #[serde(default)]
    costs: Vec<Credits>,
    #[serde(default)]
    shortfall: Shortfall,
    burns: Vec<Burn>,
    #[serde(default)]
    flying: Vec<Flying>,
}

/// [`Entry::EventsTaken`], without its tag.
#[derive(Deserialize)]
struct EventsTaken {
    events: Events,
    #[serde(default)]
    booked: Booked,
}

/// The entries of a row's body.
///
/// # Errors
///
/// The body is not a JSON array of entries.
pub fn entries(body: &str) -> Result<Vec<Entry>, serde_json::Error> {
    let parts: Vec<&RawValue> = serde_json::from_str(body)?;
    parts.into_iter().map(|part| entry(part.get())).collect()
}

fn entry(text: &str) -> Result<Entry, serde_json::Error> {
    if text.starts_with(r#"{"kind":"events_taken","#) {
        let EventsTaken { events, booked } = serde_json::from_str(text)?;
        return Ok(Entry::EventsTaken { events, booked });
    }
    if !text.starts_with(r#"{"kind":"usage_reported","#) {
        return serde_json::from_str(text);
    }
    let one: UsageReported = serde_json::from_str(text)?;
    Ok(Entry::UsageReported {
        lease: one.lease,
        terms: one.terms,
        used: one.used,
        returned: one.returned,
        operations: one.operations,
        costs: one.costs,
        shortfall: one.shortfall,
        burns: one.burns,
        flying: one.flying,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_entries_are_read_as_all_others() {
        for body in [
            r#"[]"#,
            r#"[{"kind":"lease_ended","lease":"a","unreported":"1"}]"#,
            r#"[{"kind":"events_taken","events":{"at":5,"terms":0,"sources":["/a"],
                "of":[["words",{"model":"a\"b"}]],"list":[[0,"1",-3,[[0,"2.5"]],"5"]]},
                "booked":{"burns":[{"grant":"g","amount":"5"}]}},
               {"kind":"key_created","key":"k1"}]"#,
            r#"[{"kind":"events_taken","events":{"at":5,"terms":0,"sources":[],"of":[],
                "list":[]}}]"#,
            r#"[{"kind":"usage_reported","lease":"a","terms":2,"used":"1","returned":"0",
                "operations":{"from":0,"at":7,"routes":[["GET /","words"]],"keys":["k1"],
                "list":[[0,0,"1",-4,200],[0,0,"0",0,0]]},"costs":["1","0"],
                "shortfall":{"debt":"1","unpaid":"0"},"burns":[],
                "flying":[{"op":"a.1","cost":"0","burns":[],"debt":"0"}]}]"#,
            r#"[{"used":"1","kind":"usage_reported","lease":"a","returned":"0","operations":
                {"from":0,"at":7,"routes":[],"keys":[],"list":[]},"burns":[]}]"#,
        ] {
            let slow: Vec<Entry> = serde_json::from_str(body).unwrap();
            assert_eq!(entries(body).unwrap(), slow, "{body}");
        }
        for body in [
            "{}",
            r#"[{"kind":"events_taken"}]"#,
            r#"[{"kind":"events_taken","events":{"at":5}}]"#,
            r#"[{"kind":"usage_reported","lease":"a"}]"#,
            r#"[{"kind":"nothing_known"}]"#,
            r#"[{"kind":"key_created","key":"k1"}"#,
        ] {
            assert!(serde_json::from_str::<Vec<Entry>>(body).is_err(), "{body}");
            assert!(entries(body).is_err(), "{body}");
        }
    }
}
