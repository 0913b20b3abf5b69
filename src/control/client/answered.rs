//! What an isolate makes of an answer.

use super::super::DENIAL_MS;
use super::super::admission::{Admission, OnceRefusal, Operation, Paid};
use super::super::message::{Answer, DebitAnswer, Request};
use super::super::prices::Price;
use super::{Client, Denied, RETRY_MS};
use crate::ledger::Debit;
use crate::units::{Credits, Inexact, Timestamp};

impl Client {
    pub(super) fn free(&mut self, request: &Request) {
        if request.is_exclusive() {
            self.under_way = None;
        }
        if request.debit.is_some() || request.reserve.is_some() {
            self.asked = self.asked.saturating_sub(1);
        }
    }

    /// Takes an answer to a request that was sent at `sent`, and decides its debit, if any.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn answered(
        &mut self,
        request: &Request,
        answer: Answer,
        sent: Timestamp,
        now: Timestamp,
    ) -> Result<Option<Admission>, Inexact> {
        self.look_at_clock(now);
        self.as_of = self.as_of.saturating_add(1);
        self.free(request);
        self.refunds.forget(&request.refunds);
        self.reserved.forget(request);
        self.owed.heard();
        self.owed.forget(&request.owed)?;
        self.prices.take(&answer);
        // Answers overtake each other: an older list does not bring a disabled key back.
        if let Some(keys) = answer.keys.filter(|keys| keys.revision > self.keys_revision) {
            self.keys_revision = keys.revision;
            self.keys = keys.active.into_iter().collect();
        }
        self.balance = Some(answer.balance);
        if let (Some(acked), Some(report)) = (answer.acked, &request.report) {
            self.book.acknowledge(&report.lease, acked, report.returned);
        }
        let reported = request.report.as_ref().map(|report| report.lease.as_str());
        let wished = request.wish.as_ref().map(|wish| wish.lease.as_str());
        let is_ours = [reported, wished].contains(&Some(self.book.id()));
        if answer.lease_unknown && is_ours {
            self.new_book();
        } else if let Some(wish) = &request.wish {
            // No time, or a clock that jumped back meanwhile: nothing of it may be spent.
            let is_known = answer.validity_ms > 0 && sent <= now;
            let deadline = if is_known { sent } else { Timestamp::default() };
            let deadline = deadline.plus_millis(answer.validity_ms);
            let got = self.book.grant(wish, answer.granted, deadline)?;
            self.ask_not_before = if got { now } else { now.plus_millis(RETRY_MS) };
        }
        if let Some(reserve) = &request.reserve {
            return self.held(reserve, answer.debit, now);
        }
        let Some(debit) = &request.debit else { return Ok(None) };
        let Some(verdict) = answer.debit else {
            // The account no longer knows whether it was burned before.
            self.refunds.add(&debit.op, now);
            return Ok(None);
        };
        self.verdict(debit, verdict, now).map(Some)
    }

    fn verdict(
        &mut self,
        debit: &Debit,
        verdict: DebitAnswer,
        now: Timestamp,
    ) -> Result<Admission, Inexact> {
        match verdict {
            DebitAnswer::Paid { .. } | DebitAnswer::Restricted => {
                let (cost, restricted) = match verdict {
                    DebitAnswer::Paid { cost } => (cost, false),
                    _ => (Credits::ZERO, true),
                };
                self.rate.note(cost, now)?;
                self.denied = None;
                self.idle = false;
                let left = self.others()?.plus(self.book.spendable()?)?;
                // A lease that came with the answer must be given back some time.
                let flush = !self.book.is_at_rest() && self.start_flushing(now);
                Ok(Admission::Paid(Paid {
                    op: debit.op.clone(),
                    cost,
                    is_exact: true,
                    restricted,
                    repeated: false,
                    left,
                    renew: false,
                    flush,
                }))
            }
            DebitAnswer::KeyRefused => {
                self.refuse_key(&debit.key, now);
                Ok(Admission::KeyRefused)
            }
            DebitAnswer::KeyLimitReached { period, limit, spent } => {
                Ok(Admission::KeyLimited { period, limit, spent })
            }
            DebitAnswer::Repeated { op, cost } => Ok(Admission::Paid(self.repeated(op, cost)?)),
            DebitAnswer::OnceInFlight | DebitAnswer::OnceDiffers | DebitAnswer::OnceSpent => {
                Ok(OnceRefusal::of(&verdict).map_or(Admission::Unpriced, Admission::Once))
            }
            // Only a reservation is held, or ended before.
            DebitAnswer::RatingFailed | DebitAnswer::Held { .. } | DebitAnswer::Ended => {
                Ok(Admission::Unpriced)
            }
            DebitAnswer::CreditLimitReached { required, available } => {
                let operation = Operation::of(debit);
                // A lease may have come meanwhile, or hold a rest that is too small by itself.
                let price = Price { cost: required, is_exact: true };
                let price = self.prices.of(&operation).and_then(Result::ok).unwrap_or(price);
                // But not for a key that the account alone pays for.
                if self.keys.contains(&operation.key)
                    && let Some(paid) = self.pay(&operation, price, now)?
                {
                    return Ok(Admission::Paid(paid));
                }
                if self.may_send(now) && self.book.give_back()? {
                    self.ask_not_before = now.plus_millis(RETRY_MS);
                    return self.ask(operation, required, now);
                }
                let Operation { charge, quantity, .. } = operation;
                let until = now.plus_millis(DENIAL_MS);
                self.denied = Some(Denied { until, required, available, charge, quantity });
                Ok(Admission::Denied { required, available })
            }
        }
    }
}
