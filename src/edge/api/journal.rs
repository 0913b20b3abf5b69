//! Control calls on an account's journal: a page of it, all of it, and whether it is sound.

use std::time::Duration;

use futures_util::stream;
use worker::{Delay, Env, Request, Response};

use super::super::account::Call;
use super::super::audit::{JOURNAL_ROWS_MAX, JournalPage, JournalRow};
use super::super::problem::Problem;
use super::super::store::Verified;
use super::accounts::{known, number};
use super::reader::Reader;
use super::{Handled, broken, json, no_store, rpc};
use crate::units::AccountId;

/// `GET …/journal?after=n&limit=n`: rows as JSON lines.
pub(super) async fn page(reader: &Reader, request: &Request) -> Handled {
    let (after, limit) = (number(request, "after", 0)?, number(request, "limit", 100)?);
    if limit == 0 || limit > JOURNAL_ROWS_MAX {
        let detail = format!("limit must be 1 to {JOURNAL_ROWS_MAX}");
        return Err(Problem::new(422, "limit_range", detail)
            .field("limit")
            .value(&limit.to_string()));
    }
    let page: JournalPage = reader.ask(Call::Journal { after, limit }).await?;
    answer(Response::ok(lines(&page.rows)?).map_err(broken)?, &page)
}

/// `GET …/export`: all rows up to the last one there is now, as JSON lines; read from the account
/// page by page, while the caller takes them, and no faster than it may.
pub(super) async fn export(reader: &Reader) -> Handled {
    let call = Call::Journal { after: 0, limit: JOURNAL_ROWS_MAX };
    let first: JournalPage = reader.ask(call).await?;
    let (reader, last) = (reader.clone(), first.last);
    let text = lines(&first.rows)?;
    let after = first.rows.last().map_or(last, |row| row.n);
    let rest = stream::try_unfold(after, move |after| {
        let reader = reader.clone();
        async move {
            if after >= last {
                return Ok(None);
            }
            let limit = last.saturating_sub(after).min(JOURNAL_ROWS_MAX);
            let page = patiently(&reader, after, limit).await.map_err(cut)?;
            let Some(end) = page.rows.last().map(|row| row.n) else { return Ok(None) };
            Ok(Some((lines(&page.rows).map_err(cut)?.into_bytes(), end)))
        }
    });
    let head = stream::once(async move { Ok::<_, worker::Error>(text.into_bytes()) });
    let all = futures_util::StreamExt::chain(head, rest);
    answer(Response::from_stream(all).map_err(broken)?, &first)
}

/// One page of an answer that has begun: who reads too fast waits.
async fn patiently(reader: &Reader, after: u64, limit: u64) -> Result<JournalPage, Problem> {
    loop {
        let page: Result<JournalPage, Problem> =
            reader.ask_again(Call::Journal { after, limit }).await;
        match page {
            Err(problem) if problem.status == 429 => {
                let seconds = problem.number("retry_after").unwrap_or(1);
                Delay::from(Duration::from_secs(seconds)).await;
            }
            page => return page,
        }
    }
}

/// `GET …/verify?from=n`: the part that row `from` is in.
pub(super) async fn verify(env: &Env, account: &AccountId, request: &Request) -> Handled {
    let call = Call::Verify { from: number(request, "from", 1)? };
    let verified: Verified = rpc::send(known(env, account).await?, &call).await?;
    json(200, &verified)
}

/// The answer is on its way already: it ends in the middle, and the caller sees that it did.
fn cut(problem: Problem) -> worker::Error {
    worker::Error::RustError(problem.to_json())
}

/// `entries` are the very bytes that were hashed, so the lines are the ones to verify.
fn lines(rows: &[JournalRow]) -> Result<String, Problem> {
    let mut text = String::new();
    for row in rows {
        text.push_str(&serde_json::to_string(row).map_err(broken)?);
        text.push('\n');
    }
    Ok(text)
}

/// Says where the journal ended, so that what was taken can be held against it.
fn answer(mut response: Response, page: &JournalPage) -> Handled {
    let headers = response.headers_mut();
    let set = [
        ("content-type", "application/jsonl"),
        ("edgemeter-journal-rows", &page.last.to_string()),
        ("edgemeter-journal-hash", &page.hash),
    ];
    for (name, value) in set {
        headers.set(name, value).map_err(broken)?;
    }
    no_store(response)
}
