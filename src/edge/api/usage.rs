//! `GET …/usage`: what was used, by time and dimension.

use worker::Request;

use super::super::account::Call;
use super::super::problem::Problem;
use super::super::usage::{Asked, UsagePage};
use super::accounts::query;
use super::reader::Reader;
use super::{Handled, json};
use crate::report::{AskError, Dimension, Step};
use crate::units::Timestamp;

/// `GET …/usage?from=&to=&step=hour|day|all&by=charge,route,key,…&after=`: one page; its rows are
/// to be added to those of the other pages.
pub(super) async fn page(reader: &Reader, request: &Request) -> Handled {
    let refused = |field: &'static str, value: &str| {
        let value = value.to_owned();
        move |error: AskError| {
            Problem::new(422, error.code(), error.to_string()).field(field).value(&value)
        }
    };
    let step = query(request, "step").unwrap_or_else(|| "day".to_owned());
    let step: Step = step.parse().map_err(refused("step", &step))?;
    let by = query(request, "by").unwrap_or_default();
    let by = Dimension::list(&by).map_err(refused("by", &by))?;
    let now = super::super::now();
    let from = instant(request, "from")?;
    let to = instant(request, "to")?.unwrap_or_else(|| now.plus_millis(1));
    let after = match query(request, "after") {
        Some(_) => Some(super::accounts::number(request, "after", 0)?),
        None => None,
    };
    let call = Call::Usage { asked: Asked { from, to, step, by }, after };
    let page: UsagePage = reader.ask(call).await?;
    json(200, &page)
}

fn instant(request: &Request, name: &'static str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = query(request, name) else { return Ok(None) };
    let near = |ms: &i64| ms.unsigned_abs() < (1 << 53);
    let ms = text.parse().ok().filter(near).ok_or_else(|| {
        let detail = format!("{name} must be an instant: whole milliseconds since 1970, UTC");
        Problem::new(422, "not_an_instant", detail).field(name).value(&text)
    })?;
    Ok(Some(Timestamp::from_millis(ms)))
}
