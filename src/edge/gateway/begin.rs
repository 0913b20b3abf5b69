//! Requests that must be read to their end before they are decided: their price is in what they
//! say, or the client has a key for them.

use sha2::{Digest, Sha256};

use super::super::problem::Problem;
use super::super::route::{Match, Priced, Route};
use super::exchanges::{Asking, Exchange, find};
use super::tickets::Manner;
use super::verdict::Verdict;
use super::{Gateway, bearer, key_refused, no_route, path_of};
use crate::control::{Once, Operation};
use crate::reader::ReaderError;
use crate::units::Timestamp;

/// Bytes of a client's key, at most.
const KEY_BYTES_MAX: usize = 255;

/// A request as it came.
pub(super) struct Message<'a> {
    pub(super) method: &'a str,
    pub(super) url: &'a str,
    pub(super) credential: &'a str,
    /// The client's idempotency key, or nothing.
    pub(super) key: &'a str,
    /// A JSON list of pairs.
    pub(super) headers: &'a str,
    pub(super) body: &'a [u8],
}

impl Message<'_> {
    /// The name of the client's key, and what it stands for.
    fn once(&self) -> Result<Option<(String, String)>, Problem> {
        let key = self.key.trim();
        if key.is_empty() {
            return Ok(None);
        }
        if key.len() > KEY_BYTES_MAX {
            let detail = format!("the key has {} bytes: use at most {KEY_BYTES_MAX}", key.len());
            return Err(Problem::new(400, "idempotency_key_invalid", detail)
                .field("idempotency-key")
                .value(key));
        }
        let path = path_of(self.url);
        let name = hash(&[self.method.as_bytes(), path.as_bytes(), key.as_bytes()]);
        let query = self.url.split_once('?').map_or("", |(_, query)| query);
        let fingerprint = hash(&[query.as_bytes(), self.body]);
        Ok(Some((Once::name(&name), fingerprint)))
    }
}

/// The first half of SHA-256 over parts, each with its length before it, in hex.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_string());
        hasher.update([b'\n']);
        hasher.update(part);
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Gateway {
    pub(super) fn begin(&mut self, message: &Message<'_>, now: Timestamp) -> Verdict {
        self.begun(message, now).unwrap_or_else(|problem| Verdict::refuse(&problem))
    }

    fn begun(&mut self, message: &Message<'_>, now: Timestamp) -> Result<Verdict, Problem> {
        let path = path_of(message.url);
        let Some(routes) = &self.routes else { return Ok(Verdict::Routes) };
        let route = match routes.find(message.method, path) {
            Match::Metered(route) => route.clone(),
            Match::Unmetered => return Ok(Verdict::Pass),
            Match::Refused => return Err(no_route(message.method, path)),
        };
        let signed = self.verified.key(&self.config.secrets, bearer(message.credential));
        let signed = signed.ok_or_else(|| key_refused(message.credential))?;
        let Route { name, priced, durable, handling, charges_failed, repeats } = route;
        let manner = Manner { durable, handling, charges_failed, exchange: None };
        let once = message.once()?;
        let account = signed.account;
        match (priced, once) {
            (Priced::Known { charge, quantity }, once) => {
                let operation = Operation { route: name, charge, key: signed.key, quantity };
                let client = self.client(&account);
                let admitted = match once {
                    Some((name, print)) => client.admit_once(operation, &name, print, repeats, now),
                    None => client.admit(operation, now),
                };
                Ok(self.verdict(account, admitted, manner, None, now))
            }
            (Priced::Read(reader), once) => {
                let headers: Vec<(String, String)> =
                    serde_json::from_str(message.headers).unwrap_or_default();
                let found = |name: &str| find(&headers, name);
                let asked = reader.asked(&found, message.body).map_err(|e| unreadable(&e))?;
                let (op, fingerprint) = once.unzip();
                let op = op.unwrap_or_default();
                let asking = Asking { account, route: name.to_string(), key: signed.key, op };
                let exchange = Exchange::new(asking, reader, asked, manner, now);
                Ok(self.reserve(exchange, fingerprint, now))
            }
        }
    }
}

/// 400: what decides about the price cannot be read.
fn unreadable(error: &ReaderError) -> Problem {
    Problem::new(400, error.code(), error.to_string()).field(&error.field)
}
