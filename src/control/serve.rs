//! The account's side: one request in, one answer out, everything decided at one instant.

use std::collections::BTreeMap;

use super::denials::Denials;
use super::message::DebitAnswer::{KeyLimitReached, KeyRefused, RatingFailed};
use super::message::{Answer, DebitAnswer, KeyList, Report, Request, VERSION, Wish};
use super::sizing::{Share, share};
use crate::ledger::{
    Debited, Ledger, LedgerError, RESERVATIONS_MAX, Reported, Reserve, Session, inline,
};
use crate::plan::{Charge, Plan};
use crate::units::{ChargeId, Credits, Inexact, Quantity};

/// Decides a request in a session; the caller writes the session's entries as one journal row
/// before the answer leaves, and keeps `denials` from one request to the next.
///
/// Order: ends (what was set aside comes back), report (it frees and burns what the isolate held),
/// refunds, what is owed, debit or reservation, wish.
/// The debit comes before the wish, so that a lease never takes the credits an operation is waiting
/// for. What is owed was served already: that its debit was refused meanwhile changes nothing.
///
/// # Errors
///
/// [`Inexact`] if a sum leaves the range of credits; nothing of the request may be used then.
pub fn serve(
    session: &mut Session<'_>,
    plan: &Plan,
    denials: &mut Denials,
    request: &Request,
) -> Result<Answer, Inexact> {
    let mut answer = blank(session.ledger(), request)?;
    end(session, plan, request)?;
    if let Some(report) = &request.report {
        let Report { ref lease, terms, used, returned, ref operations } = *report;
        let reported = Reported { terms, used, returned, operations: operations.clone() };
        match session.report(plan, lease, reported) {
            Ok(acked) => answer.acked = Some(acked),
            Err(LedgerError::Inexact(error)) => return Err(error),
            Err(_) => answer.lease_unknown = true,
        }
    }
    for op in &request.refunds {
        session.refund(op)?;
    }
    if !request.owed.is_empty() {
        session.owe(plan, &request.owed)?;
    }
    if let Some(debit) = &request.debit
        // An operation that may have been burned, and forgotten since, is not burned again.
        && !session.ledger().may_have_forgotten_debit(&debit.op, request.sent_ms)
    {
        answer.debit = Some(decided(denials, &debit.op, || session.debit(plan, debit.clone()))?);
    }
    if let Some(reserve) = &request.reserve {
        answer.debit = reserved(session, plan, denials, reserve, request.sent_ms)?;
    }
    if let Some(wish) = &request.wish {
        // A key that may not be used, or a charge without a price, is no traffic to set credits
        // aside for; and a lease that is not remembered must not begin anew under its name.
        let refused =
            matches!(answer.debit, Some(KeyRefused | RatingFailed | KeyLimitReached { .. }));
        let is_known = session.ledger().leases().contains_key(&wish.lease);
        answer.lease_unknown |= !is_known && !wish.granted.is_zero();
        if !refused && !answer.lease_unknown && !denials.has_wish(wish) {
            grant(session, wish, &mut answer)?;
        }
        if answer.validity_ms == 0 {
            // It got nothing, and whatever the lease has is told.
            denials.note_wish(wish);
            let lease = session.ledger().leases().get(&wish.lease);
            answer.granted = lease.map(|lease| lease.granted);
        }
    }
    answer.balance = session.ledger().balance()?;
    answer.usage = usage(session.ledger(), plan);
    Ok(answer)
}

/// Ends reserved operations. One that is not remembered was given up long ago: what was set aside
/// for it is unreported, for the operator to see.
fn end(session: &mut Session<'_>, plan: &Plan, request: &Request) -> Result<(), Inexact> {
    for settle in &request.settles {
        if let Err(LedgerError::Inexact(error)) = session.settle(plan, settle) {
            return Err(error);
        }
    }
    request.releases.iter().try_for_each(|op| session.release(op))
}

/// Sets credits aside for an operation; nothing if it may have ended, and been forgotten since, or
/// if the account holds as many as it may.
fn reserved(
    session: &mut Session<'_>,
    plan: &Plan,
    denials: &mut Denials,
    reserve: &Reserve,
    sent_ms: Option<i64>,
) -> Result<Option<DebitAnswer>, Inexact> {
    let ledger = session.ledger();
    let is_held = ledger.reservations().contains_key(&reserve.op);
    let is_full = ledger.reservations().len() >= RESERVATIONS_MAX;
    if !is_held && (is_full || ledger.may_have_forgotten_debit(&reserve.op, sent_ms)) {
        return Ok(None);
    }
    let ask = || match session.reserve(plan, reserve) {
        Ok(decided) => Ok(decided),
        Err(LedgerError::Inexact(error)) => Err(error),
        // Of a kind that no isolate asks for.
        Err(_) => Ok(Debited::Unpriced),
    };
    // More of what is held may be asked for again after it was refused: a copy that comes late
    // gives nothing to nobody.
    let mut forgotten = Denials::default();
    let denials = if is_held { &mut forgotten } else { denials };
    let answer = decided(denials, &reserve.op, ask)?;
    if answer == DebitAnswer::Restricted {
        // It is served for nothing: a copy that comes late sets nothing aside for it.
        denials.note_debit(&reserve.op, answer.clone());
    }
    Ok(Some(answer))
}

/// Asks for an operation, unless it was refused lately.
fn decided(
    denials: &mut Denials,
    op: &str,
    ask: impl FnOnce() -> Result<Debited, Inexact>,
) -> Result<DebitAnswer, Inexact> {
    if let Some(refused) = denials.debit(op) {
        return Ok(refused.clone());
    }
    let refused = match ask()? {
        Debited::Paid { cost } => return Ok(DebitAnswer::Paid { cost }),
        Debited::Held { amount, most } => return Ok(DebitAnswer::Held { amount, most }),
        Debited::Ended => return Ok(DebitAnswer::Ended),
        Debited::Restricted => return Ok(DebitAnswer::Restricted),
        Debited::Short { required, available } => {
            DebitAnswer::CreditLimitReached { required, available }
        }
        Debited::KeyRefused => DebitAnswer::KeyRefused,
        Debited::KeyLimited { period, limit, spent } => {
            DebitAnswer::KeyLimitReached { period, limit, spent }
        }
        Debited::Unpriced => DebitAnswer::RatingFailed,
    };
    denials.note_debit(op, refused.clone());
    Ok(refused)
}

/// What isolates need to bound the price of an operation.
fn usage(ledger: &Ledger, plan: &Plan) -> BTreeMap<ChargeId, Quantity> {
    let depends = |charge: &&Charge| !inline::is_constant(charge) && inline::is_leasable(charge);
    let charges = plan.charges().iter().filter(depends);
    charges.map(|charge| (charge.id().clone(), ledger.usage(charge.id()))).collect()
}

fn blank(ledger: &Ledger, request: &Request) -> Result<Answer, Inexact> {
    let news = request.keys != ledger.keys_revision();
    let leasable = || ledger.keys().iter().filter(|(_, key)| key.is_leasable());
    let active = || leasable().map(|(id, _)| id.clone());
    let list = || KeyList { revision: ledger.keys_revision(), active: active().collect() };
    Ok(Answer {
        v: VERSION,
        acked: None,
        lease_unknown: false,
        granted: None,
        validity_ms: 0,
        debit: None,
        balance: ledger.balance()?,
        plan: ledger.plan().clone(),
        terms: ledger.terms(),
        usage: BTreeMap::new(),
        plan_json: (request.plan != ledger.plan().hash).then(|| ledger.plan_json().to_owned()),
        keys: news.then(list),
    })
}

fn grant(session: &mut Session<'_>, wish: &Wish, answer: &mut Answer) -> Result<(), Inexact> {
    let lease = session.ledger().leases().get(&wish.lease).cloned();
    if lease.as_ref().is_some_and(|lease| lease.ended_at.is_some() || lease.seq >= wish.seq) {
        // Ended, or asked before: no second grant, and no more time.
        return Ok(());
    }
    let granted = lease.as_ref().map_or(Credits::ZERO, |lease| lease.granted);
    let outstanding = lease.as_ref().map_or(Ok(Credits::ZERO), |lease| lease.outstanding())?;
    let balance = session.ledger().balance()?;
    let others = session.ledger().leases().iter().filter(|(id, lease)| {
        lease.ended_at.is_none()
            && **id != wish.lease
            && lease.outstanding().is_ok_and(|left| !left.is_zero())
    });
    let leases = others.count().saturating_add(1);
    let Share { amount, validity_ms } =
        share(wish, balance.available, balance.granted, outstanding, leases)?;
    if amount.is_zero() && outstanding.is_zero() {
        return Ok(());
    }
    // Never sooner than promised before: the isolate goes on spending until the later deadline.
    let promised = lease.as_ref().map_or(session.now(), |lease| lease.release_at);
    let release_at = session.now().plus_millis(validity_ms.saturating_mul(2)).max(promised);
    match session.grant_lease(&wish.lease, wish.seq, amount, release_at) {
        Ok(()) => {
            answer.granted = Some(granted.plus(amount)?);
            answer.validity_ms = validity_ms;
        }
        Err(LedgerError::Inexact(error)) => return Err(error),
        // A full table of leases: the isolate goes on by direct debit.
        Err(_) => {}
    }
    Ok(())
}
