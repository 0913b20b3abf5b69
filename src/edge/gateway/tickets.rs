//! Messages under way to accounts, and what becomes of them.
//!
//! ```text
//! ask ─▶ ticket ─▶ answered(answer)  ─▶ verdict
//!                ├▶ answered(refusal) ─▶ 503: the account is there, and will say the same again
//!                └▶ answered(silence) ─▶ again, paid without an answer, or 503: as the route says
//! ```

use super::super::problem::{JOURNAL_DAMAGED, Problem};
use super::super::rpc;
use super::Gateway;
use super::verdict::Verdict;
use crate::control::{Admission, Answer, FailureHandling, Request, Retry};
use crate::units::{AccountId, Timestamp};

/// Messages under way, at most.
const TICKETS_MAX: usize = 10_000;

/// What the route of a question says of its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// It is held until its burn is on disk.
    pub(super) durable: bool,
    pub(super) handling: FailureHandling,
    /// An answer costs the same if it says that the origin failed.
    pub(super) charges_failed: bool,
    /// What the answer is for, if it is for a request whose cost is in its answer.
    pub(super) exchange: Option<u32>,
}

/// A message that is under way to an account.
pub(super) struct Ticket {
    account: AccountId,
    request: Request,
    sent: Timestamp,
    manner: Manner,
    retries: u32,
}

impl Gateway {
    pub(super) fn ask(
        &mut self,
        account: AccountId,
        request: Request,
        manner: Manner,
        now: Timestamp,
    ) -> Verdict {
        while self.tickets.len() >= TICKETS_MAX {
            // Too many wait: the oldest is given up, and what it may have burned is refunded.
            if let Some((_, Ticket { account, request, sent, manner, .. })) =
                self.tickets.pop_first()
            {
                if let Some(client) = self.clients.get_mut(&account) {
                    let _ = client.unanswered(&request, sent, None, now);
                }
                if let Some(exchange) = manner.exchange {
                    self.not_held(exchange, false);
                }
            }
        }
        self.tickets_made = self.tickets_made.wrapping_add(1);
        let ticket = self.tickets_made;
        let verdict = Verdict::ask(account.as_str(), ticket, &request);
        self.tickets.insert(ticket, Ticket { account, request, sent: now, manner, retries: 0 });
        verdict
    }

    /// Takes the account's reply; an empty one means that there was none.
    pub(super) fn answered(&mut self, ticket: u32, reply: &str, now: Timestamp) -> Verdict {
        let Some(known) = self.tickets.get_mut(&ticket) else {
            return Verdict::refuse(&unreachable_account());
        };
        let reply = Reply::read(reply);
        let handling = known.manner.handling;
        if matches!(reply, Reply::Silence)
            && let Some(Retry { pause_ms, patience_ms }) =
                handling.retry(known.retries, known.sent, now)
        {
            known.retries = known.retries.saturating_add(1);
            let age_ms = now.plus_millis(pause_ms).millis_since(known.sent);
            let is_asked = known.request.debit.is_some() || known.request.reserve.is_some();
            known.request.sent_ms = is_asked.then_some(age_ms);
            return Verdict::again(pause_ms, patience_ms, &known.request);
        }
        let Some(Ticket { account, request, sent, manner, .. }) = self.tickets.remove(&ticket)
        else {
            return Verdict::refuse(&unreachable_account());
        };
        let Some(client) = self.clients.get_mut(&account) else {
            return Verdict::refuse(&unreachable_account());
        };
        let is_final = matches!(reply, Reply::Answer(_));
        let admitted = match reply {
            Reply::Answer(answer) => client.answered(&request, *answer, sent, now),
            Reply::Refusal(why) => {
                worker::console_error!("account {account} refused a message: {why}");
                client.refused(&request, now);
                self.no_exchange(manner, true);
                return Verdict::refuse(&unreachable_account());
            }
            Reply::Silence => match client.unanswered(&request, sent, handling.allowance(), now) {
                Ok(None) => {
                    self.no_exchange(manner, false);
                    return Verdict::refuse(&unreachable_account());
                }
                decided => decided,
            },
        };
        // Asked again, with what an idle lease gave back: it is not over.
        if !matches!(admitted, Ok(Some(Admission::Held(_) | Admission::Ask(_)))) {
            self.no_exchange(manner, is_final);
        }
        match admitted.transpose() {
            None => Verdict::Nothing,
            Some(admitted) => self.verdict(account, admitted, manner, None, now),
        }
    }

    fn no_exchange(&mut self, manner: Manner, is_final: bool) {
        if let Some(exchange) = manner.exchange {
            self.not_held(exchange, is_final);
        }
    }
}

/// What came back of a message.
enum Reply {
    Answer(Box<Answer>),
    /// The account, or what speaks for it, does not take this message, now or later.
    Refusal(String),
    /// Nothing, or a failure that may be over with the next attempt.
    Silence,
}

impl Reply {
    fn read(reply: &str) -> Self {
        if reply.is_empty() {
            return Self::Silence;
        }
        match rpc::read(reply) {
            Ok(Ok(answer)) => Self::Answer(answer),
            Ok(Err(problem)) if problem.status >= 500 && !problem.is(JOURNAL_DAMAGED) => {
                Self::Silence
            }
            Ok(Err(problem)) => Self::Refusal(problem.to_json()),
            Err(error) => Self::Refusal(error.to_string()),
        }
    }
}

pub(super) fn unreachable_account() -> Problem {
    Problem::unavailable("the account cannot be reached at the moment: try again shortly")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"v":1,"balance":{"granted":"1","available":"1","held":"0","burned":"0",
        "expired":"0","voided":"0","balance":"1","scheduled":"0","unreported":"0","debt":"0",
        "overage":"0","unpaid":"0"},"plan":{"id":"p","version":1,"hash":"9f"},
        "of_a_later_version":{"all":[1]}}"#;

    #[test]
    fn a_refusal_is_no_silence() {
        let problem = |status: u16, code: &str| {
            format!(r#"{{"problem":{}}}"#, Problem::new(status, code, "why").to_json())
        };
        for (reply, expected) in [
            (format!(r#"{{"ok":{ANSWER}}}"#), "answer"),
            (String::new(), "silence"),
            (problem(503, "unavailable"), "silence"),
            (problem(500, "internal"), "silence"),
            (problem(503, JOURNAL_DAMAGED), "refusal"),
            (problem(400, "version_unknown"), "refusal"),
            (problem(404, "not_found"), "refusal"),
            (r#"{"ok":{"v":1}}"#.to_owned(), "refusal"),
            ("no JSON".to_owned(), "refusal"),
        ] {
            let found = match Reply::read(&reply) {
                Reply::Answer(_) => "answer",
                Reply::Refusal(_) => "refusal",
                Reply::Silence => "silence",
            };
            assert_eq!(found, expected, "reply: {reply}");
        }
    }
}
