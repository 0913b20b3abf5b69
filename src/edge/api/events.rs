//! `POST /v1/events`, `POST /v1/events/corrections`: events from elsewhere, by account.
//!
//! ```text
//! structured {…} ─┐
//! batched    […] ─┼─▶ each read ─▶ grouped by subject ─▶ a call to each account ─▶ 200
//! binary     ce-… ┘      └ refused by itself                 └ one that is silent     422, 503
//! ```
//!
//! One code path, whatever the mode. An event that is refused refuses no neighbour: the answer says
//! of each what became of it, in their order; the same batch again counts nothing twice.

use std::borrow::Cow;
use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use worker::{Env, Headers, Request};

use super::super::account::Call;
use super::super::events::{Batch, Correction, Outcome, Refusal};
use super::super::problem::Problem;
use super::{Handled, accounts, body, broken, json, rpc};
use crate::ledger::Refused;
use crate::meter::Event;
use crate::units::{AccountId, IdError, Timestamp};

/// Events of one batch, at most.
const EVENTS_MAX: usize = 5_000;
/// Corrections of one call, at most: each may read a row of the journal.
const CORRECTIONS_MAX: usize = 200;
/// Accounts that one call may be about: each is called.
const ACCOUNTS_MAX: usize = 100;

/// What a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Events,
    Corrections,
}

impl Kind {
    fn max(self) -> usize {
        match self {
            Self::Events => EVENTS_MAX,
            Self::Corrections => CORRECTIONS_MAX,
        }
    }

    fn call(self, batch: Batch) -> Call {
        match self {
            Self::Events => Call::Events(batch),
            Self::Corrections => Call::CorrectEvents(batch),
        }
    }

    /// Whose it is, and its own id.
    fn read(self, text: &str, received: Timestamp) -> Result<(AccountId, String), Refusal> {
        let (subject, id) = match self {
            Self::Events => {
                let event = Event::from_json(text, Some(received)).map_err(Refused::from)?;
                (event.subject, event.id.into_owned())
            }
            Self::Corrections => {
                let one = Correction::from_json(text, received)?;
                (one.subject().to_owned().into(), one.id.into_owned())
            }
        };
        let account = subject.parse().map_err(|error: IdError| Refusal {
            code: Cow::Borrowed(error.code()),
            field: "/subject".to_owned(),
            detail: format!("subject {error}: it names the account"),
        });
        Ok((account?, id))
    }
}

/// Takes a list, or one alone.
pub(super) async fn take(env: &Env, kind: Kind, request: &mut Request) -> Handled {
    let text = body::text(request).await?;
    let text = match kind {
        Kind::Events => structured(request.headers(), text)?,
        Kind::Corrections => text,
    };
    let list: Vec<&RawValue> = match text.trim_start().starts_with('[') {
        true => body::parse(&text)?,
        false => vec![body::parse(&text)?],
    };
    if list.len() > kind.max() {
        let detail = format!("{} at once: send at most {}", list.len(), kind.max());
        return Err(Problem::new(413, "batch_too_long", detail).field(""));
    }
    let outcomes = outcomes(env, kind, &list).await?;
    answer(&outcomes)
}

async fn outcomes(env: &Env, kind: Kind, list: &[&RawValue]) -> Result<Vec<Outcome>, Problem> {
    let received = super::super::now();
    let mut outcomes = Vec::with_capacity(list.len());
    let mut groups: BTreeMap<AccountId, Vec<usize>> = BTreeMap::new();
    for (index, raw) in list.iter().enumerate() {
        let mut read = kind.read(raw.get(), received);
        if let Ok((account, _)) = &read
            && !groups.contains_key(account)
            && groups.len() >= ACCOUNTS_MAX
        {
            read = Err(Refusal {
                code: Cow::Borrowed("too_many_accounts"),
                field: "/subject".to_owned(),
                detail: format!("the batch is about more than {ACCOUNTS_MAX} accounts: split it"),
            });
        }
        outcomes.push(match read {
            Ok((account, id)) => {
                groups.entry(account).or_default().push(index);
                Outcome { id: Some(id), ..Outcome::default() }
            }
            Err(refusal) => Outcome::refused(refusal),
        });
    }
    let calls = groups.into_iter().map(|(account, places)| async move {
        let owned = |index: &usize| list.get(*index).map(|raw| (*raw).to_owned());
        let batch = Batch { received, list: places.iter().filter_map(owned).collect() };
        let sent = async {
            let stub = accounts::known(env, &account).await?;
            rpc::send::<Vec<Outcome>>(stub, &kind.call(batch)).await
        };
        (places, sent.await)
    });
    for (places, result) in join_all(calls).await {
        let found = match result {
            Ok(found) => found,
            Err(problem) => vec![Outcome::refused(refusal(&problem)); places.len()],
        };
        for (place, found) in places.into_iter().zip(found) {
            if let Some(slot) = outcomes.get_mut(place) {
                *slot = Outcome { id: slot.id.take(), ..found };
            }
        }
    }
    Ok(outcomes)
}

/// Why an account took none of its events.
fn refusal(problem: &Problem) -> Refusal {
    let text = |name: &str| problem.text(name).unwrap_or_default().to_owned();
    let (code, field) = match problem.status {
        404 => ("account_unknown".to_owned(), "/subject".to_owned()),
        _ => (text("code"), String::new()),
    };
    Refusal { code: Cow::Owned(code), field, detail: text("detail") }
}

fn answer(outcomes: &[Outcome]) -> Handled {
    let codes = || outcomes.iter().filter_map(|outcome| outcome.code.as_deref());
    let events = serde_json::to_value(outcomes).map_err(broken)?;
    let refused = codes().count();
    if refused == 0 {
        return json(200, &serde_json::json!({ "events": events }));
    }
    let silent = codes().any(|code| code == "unavailable");
    let what = format!("{refused} of {} were refused, the others hold", outcomes.len());
    let problem = match silent {
        true => Problem::unavailable(&format!("{what}: send the same again shortly")),
        false => Problem::new(422, "events_refused", format!("{what}: see events")),
    };
    Err(problem.with("events", events))
}

/// The body as JSON, an event or a list of them: in binary mode, the attributes are headers.
fn structured(headers: &Headers, text: String) -> Result<String, Problem> {
    let header = |name: &str| headers.get(name).ok().flatten();
    let kind = header("content-type").unwrap_or_default().to_ascii_lowercase();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let is_json = kind.is_empty() || kind == "application/json" || kind.ends_with("+json");
    if kind.starts_with("application/cloudevents") || header("ce-specversion").is_none() {
        return match is_json || kind == "text/plain" {
            true => Ok(text),
            false => {
                let detail = "send application/cloudevents+json, a batch of them, or \
                     application/json; or the attributes as ce- headers";
                Err(Problem::new(415, "media_type", detail).field("content-type").value(kind))
            }
        };
    }
    let mut event = Map::new();
    for name in ["specversion", "id", "source", "type", "subject", "time"] {
        if let Some(value) = header(&format!("ce-{name}")) {
            event.insert(name.to_owned(), Value::String(attribute(&value, name)?));
        }
    }
    let attributes = serde_json::to_string(&event).map_err(broken)?;
    if text.trim().is_empty() {
        return Ok(attributes);
    }
    if !is_json {
        let detail = "data must be JSON: a meter reads numbers and texts in it";
        return Err(Problem::new(415, "data_not_json", detail).field("content-type").value(kind));
    }
    body::parse::<&RawValue>(&text)?;
    let open = attributes.strip_suffix('}').unwrap_or_default();
    let comma = if event.is_empty() { "" } else { "," };
    Ok(format!("{open}{comma}\"data\":{text}}}"))
}

/// A header's value as the HTTP binding writes it: percent-encoded, perhaps in quotes.
fn attribute(value: &str, name: &str) -> Result<String, Problem> {
    let quoted = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = quoted.unwrap_or(value).bytes();
    while let Some(byte) = rest.next() {
        let decoded = match byte {
            b'\\' if quoted.is_some() => rest.next(),
            b'%' => hex(rest.next()).zip(hex(rest.next())).map(|(high, low)| high << 4 | low),
            plain => Some(plain),
        };
        bytes.push(decoded.ok_or_else(|| malformed(name, value))?);
    }
    String::from_utf8(bytes).map_err(|_| malformed(name, value))
}

fn hex(digit: Option<u8>) -> Option<u8> {
    let digit = char::from(digit?).to_digit(16)?;
    u8::try_from(digit).ok()
}

fn malformed(name: &str, value: &str) -> Problem {
    let detail = format!("ce-{name} is not percent-encoded UTF-8: encode % as %25");
    Problem::new(400, "header_malformed", detail).field(&format!("ce-{name}")).value(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_decoded_as_the_http_binding_says() {
        for (value, expected) in [
            ("plain", Some("plain")),
            ("", Some("")),
            ("Euro%20%E2%82%AC%20%F0%9F%98%80", Some("Euro € 😀")),
            ("%25", Some("%")),
            ("\"a \\\"b\\\" %41\"", Some("a \"b\" A")),
            ("a\\b", Some("a\\b")),
            ("\"", Some("\"")),
            ("100%", None),
            ("%4", None),
            ("%zz", None),
            ("%ff", None),
            ("\"a\\\"", None),
        ] {
            assert_eq!(attribute(value, "id").ok().as_deref(), expected, "{value}");
        }
    }
}
