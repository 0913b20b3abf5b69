//! Messages under way to accounts, and what becomes of them.
//!
//! ```text
//! ask ─▶ ticket ─▶ answered(reply) ─▶ verdict
//!                └▶ answered("")    ─▶ again, paid without an answer, or 503: as the route says
//! ```

use super::super::problem::Problem;
use super::Gateway;
use super::verdict::Verdict;
use crate::control::{Answer, FailureHandling, Request, Retry};
use crate::units::{AccountId, Timestamp};

/// Messages under way, at most.
const TICKETS_MAX: usize = 10_000;

/// What the route of a question says of its answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Manner {
    /// It is held until its burn is on disk.
    pub(super) durable: bool,
    pub(super) handling: FailureHandling,
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
            if let Some((_, Ticket { account, request, sent, .. })) = self.tickets.pop_first()
                && let Some(client) = self.clients.get_mut(&account)
            {
                let _ = client.unanswered(&request, sent, None, now);
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
        let answer = read_reply(reply);
        let handling = known.manner.handling;
        if answer.is_none()
            && let Some(Retry { pause_ms, patience_ms }) =
                handling.retry(known.retries, known.sent, now)
        {
            known.retries = known.retries.saturating_add(1);
            let age_ms = now.plus_millis(pause_ms).millis_since(known.sent);
            known.request.sent_ms = known.request.debit.is_some().then_some(age_ms);
            return Verdict::again(pause_ms, patience_ms, &known.request);
        }
        let Some(Ticket { account, request, sent, manner, .. }) = self.tickets.remove(&ticket)
        else {
            return Verdict::refuse(&unreachable_account());
        };
        let Some(client) = self.clients.get_mut(&account) else {
            return Verdict::refuse(&unreachable_account());
        };
        let admitted = match answer {
            Some(answer) => client.answered(&request, answer, sent, now),
            None => match client.unanswered(&request, sent, handling.allowance(), now) {
                Ok(None) => return Verdict::refuse(&unreachable_account()),
                decided => decided,
            },
        };
        match admitted.transpose() {
            None => Verdict::Nothing,
            Some(admitted) => self.verdict(account, admitted, manner, None, now),
        }
    }
}

fn read_reply(reply: &str) -> Option<Answer> {
    #[derive(serde::Deserialize)]
    struct Reply {
        ok: Answer,
    }
    serde_json::from_str::<Reply>(reply).ok().map(|reply| reply.ok)
}

pub(super) fn unreachable_account() -> Problem {
    Problem::unavailable("the account cannot be reached at the moment: try again shortly")
}
