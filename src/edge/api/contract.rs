//! Control calls on a contract's time: opening an account with it, its statement and its invoices.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use worker::{Env, Request, Response};

use super::super::account::Call;
use super::super::contract::OpeningTerms;
use super::super::problem::Problem;
use super::super::rpc;
use super::super::store::KeptInvoice;
use super::accounts::{known, query};
use super::corrections::Contract;
use super::reader::Reader;
use super::{Handled, broken, json, no_store};
use crate::calendar::Zone;
use crate::ledger::Periods;
use crate::statement::{InvoiceSummary, Statement};
use crate::units::{AccountId, Date, PlanId};

/// Invoices of one answer, at most.
const INVOICES_MAX: u64 = 100;

/// The body that opens an account.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    pub(super) id: AccountId,
    pub(super) contract: OpeningContract,
}

/// A plan, and how time is cut under it.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpeningContract {
    plan: PlanId,
    version: u32,
    #[serde(default)]
    from: Option<Date>,
    #[serde(default = "Zone::utc", deserialize_with = "zone")]
    zone: Zone,
    #[serde(default)]
    periods: Periods,
}

impl OpeningContract {
    pub(super) fn parts(self) -> (Contract, OpeningTerms) {
        let Self { plan, version, from, zone, periods } = self;
        (Contract { plan, version }, OpeningTerms { from, zone, periods })
    }
}

/// `"UTC"`, or a zone with its offsets.
fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<Zone, D::Error> {
    struct Named;
    impl<'de> Visitor<'de> for Named {
        type Value = Zone;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(r#""UTC", or a zone as {"name","offset","changes"}"#)
        }

        fn visit_str<E: Error>(self, name: &str) -> Result<Zone, E> {
            match name {
                "UTC" => Ok(Zone::utc()),
                _ => Err(E::custom(
                    r#"is only a name: send "UTC", or its offsets as {"name","offset","changes"}"#,
                )),
            }
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Zone, A::Error> {
            Zone::deserialize(MapAccessDeserializer::new(map))
        }
    }
    from.deserialize_any(Named)
}

/// `GET …/statement`.
pub(super) async fn statement(reader: &Reader) -> Handled {
    text(reader.ask(Call::Statement).await?)
}

/// `GET …/invoices?before=n`: newest first.
pub(super) async fn invoices(reader: &Reader, request: &Request) -> Handled {
    let before = match query(request, "before") {
        Some(text) => index_of(&text, "before")?,
        None => i32::MAX,
    };
    let call = Call::Invoices { before, limit: INVOICES_MAX.saturating_add(1) };
    let mut all: Vec<InvoiceSummary> = reader.ask(call).await?;
    let most = usize::try_from(INVOICES_MAX).unwrap_or_default();
    let is_more = all.len() > most;
    all.truncate(most);
    let next = all.last().filter(|_| is_more).map(|last| last.index);
    match next {
        Some(next) => json(200, &serde_json::json!({ "invoices": all, "next": next })),
        None => json(200, &serde_json::json!({ "invoices": all })),
    }
}

/// `GET …/invoices/preview`: the bill as it would be written now; `?projected`: at the end.
pub(super) async fn preview(reader: &Reader, request: &Request) -> Handled {
    let asked: String = reader.ask(Call::Statement).await?;
    let statement = Statement::parse(&asked)?;
    let bill = match query(request, "projected") {
        Some(_) => statement.projected(statement.at)?,
        None => statement.bill()?,
    };
    json(200, &bill)
}

/// `GET …/invoices/{index}`: what was written at the period's end, and its hash.
pub(super) async fn invoice(reader: &Reader, index: &str) -> Handled {
    let call = Call::Invoice { index: index_of(index, "index")? };
    let kept: KeptInvoice = reader.ask(call).await?;
    // The very bytes that were hashed, with the hash and its row in the same object.
    let KeptInvoice { body, hash, row } = &kept;
    let body = body.strip_suffix('}').unwrap_or(body);
    text(format!("{body},\"row\":{row},\"hash\":\"{hash}\"}}"))
}

/// `POST …/invoices/{index}/retry`: the invoice of a closed period that has none.
pub(super) async fn retry(env: &Env, account: &AccountId, index: &str) -> Handled {
    let call = Call::RetryInvoice { index: index_of(index, "index")? };
    let summary: InvoiceSummary = rpc::send(known(env, account).await?, &call).await?;
    json(200, &summary)
}

fn index_of(text: &str, field: &str) -> Result<i32, Problem> {
    text.parse().ok().filter(|index: &i32| *index >= 0).ok_or_else(|| {
        let detail = format!("{field} must be the position of a period: a whole number from 0");
        Problem::new(422, "not_a_number", detail).field(field).value(text)
    })
}

fn text(json: String) -> Handled {
    let mut response = Response::ok(json).map_err(broken)?;
    response.headers_mut().set("content-type", "application/json").map_err(broken)?;
    no_store(response)
}
