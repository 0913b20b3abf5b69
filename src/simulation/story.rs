//! What happened, in words: one line a thing.

use crate::control::Request;
use crate::ledger::{Burn, Entry, Operations};

/// A request in short.
pub(super) fn request(request: &Request) -> String {
    let mut parts = Vec::new();
    if let Some(report) = &request.report {
        let (lease, used, returned) = (&report.lease, report.used, report.returned);
        let operations = range(&report.operations);
        parts.push(format!("report {lease}: used {used}, returned {returned}, {operations}"));
    }
    if !request.refunds.is_empty() {
        parts.push(format!("refund {}", request.refunds.join(", ")));
    }
    for owed in &request.owed {
        parts.push(format!("owes {}: {} words", owed.debit.op, owed.debit.quantity));
    }
    if let Some(debit) = &request.debit {
        parts.push(format!("debit {}: {} words, {}", debit.op, debit.quantity, debit.key));
    }
    if let Some(reserve) = &request.reserve {
        let most = reserve.most.as_ref().map_or(0.into(), |most| most.bounded.quantity.get());
        let (op, held) = (&reserve.op, reserve.held);
        parts.push(format!(
            "reserve {op}: {} uses, at most {most} more, over {held}",
            reserve.uses.len()
        ));
    }
    parts.extend(request.settles.iter().map(|settle| {
        let used: Vec<String> = settle.uses.iter().map(|one| one.quantity.to_string()).collect();
        format!(
            "settle {}: {}{}",
            settle.op,
            used.join(" + "),
            if settle.last { "" } else { " so far" }
        )
    }));
    parts.extend(request.releases.iter().map(|op| format!("release {op}")));
    if let Some(wish) = &request.wish {
        parts.push(format!("wish {} no. {}: {} a second", wish.lease, wish.seq, wish.rate));
    }
    if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
}

/// A journal entry in short.
pub(super) fn entry(entry: &Entry) -> String {
    match entry {
        Entry::CreditsGranted { grant } => {
            let ends = grant.terms.expires_at.map(|at| format!(" until {at}")).unwrap_or_default();
            format!("{} granted as {}{ends}", grant.terms.amount, grant.terms.id)
        }
        Entry::GrantExpired { lost } => format!("{} of {} expired", lost.amount, lost.grant),
        Entry::LeaseGranted { lease, seq, amount, .. } => {
            format!("{amount} set aside for {lease}, wish no. {seq}")
        }
        Entry::UsageReported { lease, used, returned, operations, shortfall, burns, .. } => {
            let (operations, burns) = (range(operations), self::burns(burns));
            let short = match shortfall.is_empty() {
                true => String::new(),
                false => format!(", {} owed, {} unpaid", shortfall.debt, shortfall.unpaid),
            };
            format!("{lease} used {used}, returned {returned}, {operations}; {burns}{short}")
        }
        Entry::LeaseEnded { lease, unreported } => {
            format!("{lease} ended, {unreported} unreported")
        }
        Entry::UnreportedReturned { amount, .. } => format!("{amount} unreported returned"),
        Entry::Debited { debit, cost, burns, debt, .. } => {
            format!("{} debited {cost}; {}, {debt} owed", debit.op, self::burns(burns))
        }
        Entry::Reserved { op, amount, beyond, .. } => {
            format!("{amount} more set aside for {op}, {beyond} beyond the credits")
        }
        Entry::ReservationSettled { op, cost, burns, last, shortfall, .. } => {
            let (burns, end) = (self::burns(burns), if *last { "for good" } else { "so far" });
            format!("{op} settled {end}, {cost}; {burns}, {} owed", shortfall.debt)
        }
        Entry::ReservationReleased { op } => format!("{op} released"),
        Entry::ReservationExpired { op } => format!("{op} expired"),
        Entry::Refunded { op, returns, .. } => format!("{op} refunded; {}", burns(returns)),
        Entry::PlanChanged { plan, .. } => format!("plan is version {}", plan.version),
        Entry::PeriodClosed { id, overage, .. } => format!("{id} closed, {overage} overage"),
        Entry::KeyCreated { key } => format!("{key} created"),
        Entry::KeyDisabled { key } => format!("{key} disabled"),
        other => format!("{other:?}"),
    }
}

fn range(operations: &Operations) -> String {
    match operations.list.len() {
        0 => "no operations".to_owned(),
        count => format!("{count} operations from no. {}", operations.from),
    }
}

fn burns(burns: &[Burn]) -> String {
    let parts: Vec<String> = burns.iter().map(|b| format!("{} of {}", b.amount, b.grant)).collect();
    if parts.is_empty() { "nothing burned".to_owned() } else { parts.join(" + ") }
}
