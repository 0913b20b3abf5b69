//! The one function that makes an invoice: of a period that is over, or as a preview of one that
//! goes on. Both are the same function of what is known.
//!
//! ```text
//! closing period  [── stretch: plan A ──)[── stretch: plan B ──)   usage, fees in arrears,
//!                                                                  corrections of fees in advance,
//!                                                                  overage, true-up of the commit
//! period ahead                           [── plan in force then ──) fees in advance
//! ```
//!
//! A change of plan splits the period at its instant: each stretch is rated by its own plan on its
//! own use. A minimum commit is one for the period: its parts by days add up, and all lines count
//! towards it. What an earlier invoice billed in advance is compared with what is due now that the
//! period is known; the difference is a line. Invariant: an invoice is a function of the request.

use std::collections::BTreeSet;

use super::advance::Billed;
use super::commit::Commit;
use super::fees::{FeeLine, FeePrice, Place, fees};
use super::line::{Draft, own_id};
use super::settle::On;
use super::{
    Closing, CreditSummary, Invoice, InvoiceError, InvoiceId, LineKind, Request, Status, Stretch,
    settle,
};
use crate::meter::Window;
use crate::plan::{AtZero, ChargeUnit, DiscountSpec, Plan, TaxSpec, Timing};
use crate::rating::{self, Usage};
use crate::units::order::set_of;
use crate::units::{Amount, Credits, Currency, Inexact, LineId, Money, Quantity, UnitPrice, exact};

/// Makes the invoice of a request: lines, true-up, discounts, tax, credits.
///
/// # Errors
///
/// [`InvoiceError`].
pub fn invoice(request: &Request<'_>) -> Result<Invoice, InvoiceError> {
    let currency = currency(request)?;
    let mut drafts = Vec::new();
    if let Some(taken) = request.credits.iter().find(|credit| credit.amount.is_negative()) {
        return Err(InvoiceError::NegativePayment { id: taken.id.clone() });
    }
    let mut summary = CreditSummary::default();
    if let Some(closing) = &request.closing {
        close(request, closing, currency, &mut drafts, &mut summary)?;
    }
    open_ahead(request, currency, &mut drafts)?;
    let plans = plans(request);
    let (discounts, taxes) = (discounts(&plans, &drafts), taxes(&plans, &drafts));
    let amounts: Vec<Money> = drafts.iter().map(|draft| draft.amount).collect();
    let credits: Vec<Money> = request.credits.iter().map(|credit| credit.amount).collect();
    let (settled, totals) = settle(currency, &amounts, &discounts, &taxes, &credits)?;
    let lines = drafts.into_iter().zip(settled).map(|(draft, of)| draft.settled(of)).collect();
    Ok(Invoice {
        id: InvoiceId {
            contract: request.contract.clone(),
            closes: request.closing.as_ref().map(|closing| closing.period.index),
            opens: request.ahead.as_ref().map(|ahead| ahead.period.index),
        },
        account: request.account.to_owned(),
        zone: request.schedule.zone.name().to_owned(),
        currency,
        period: request.closing.as_ref().map(|closing| closing.period),
        ahead: request.ahead.as_ref().map(|ahead| ahead.period),
        lines,
        credit_ids: request.credits.iter().map(|credit| credit.id.clone()).collect(),
        totals,
        credits: summary,
        status: Status::Draft,
    })
}

/// The plans whose discounts and taxes apply, by the group of their lines.
fn plans<'a>(request: &Request<'a>) -> Vec<&'a Plan> {
    let stretches = request.closing.as_ref().map_or(&[][..], |closing| closing.stretches);
    let closing = stretches.iter().map(|stretch| stretch.plan);
    closing.chain(request.ahead.as_ref().map(|ahead| ahead.plan)).collect()
}

/// The one currency of all plans that have one: what others bill is in credits.
fn currency(request: &Request<'_>) -> Result<Currency, InvoiceError> {
    let (mut found, mut without): (Option<Currency>, _) = (None, None);
    for plan in plans(request) {
        match (plan.spec().currency, found) {
            (Some(other), Some(first)) if first != other => {
                return Err(InvoiceError::CurrencyDiffers { first, other });
            }
            (Some(currency), _) => found = Some(currency),
            (None, _) => without = without.or(Some(plan.id())),
        }
    }
    let none = || match without {
        Some(plan) => InvoiceError::NoCurrency { plan: plan.clone() },
        None => InvoiceError::NothingToBill,
    };
    found.ok_or_else(none)
}

/// The lines of the period that is being closed.
fn close(
    request: &Request<'_>,
    closing: &Closing<'_>,
    currency: Currency,
    drafts: &mut Vec<Draft>,
    summary: &mut CreditSummary,
) -> Result<(), InvoiceError> {
    meet(closing)?;
    let mut ahead = Billed::new(closing.billed_ahead, currency)?;
    let mut commit = Commit::default();
    for (group, stretch) in closing.stretches.iter().enumerate() {
        let part = stretch.window;
        let place = Place {
            schedule: request.schedule,
            period: closing.period,
            part,
            currency: Some(currency),
        };
        let mut used = Credits::ZERO;
        let mut counted = Vec::new();
        for charge in stretch.plan.charges() {
            let draft = usage_line(group, stretch, charge, currency)?;
            used = used.plus(draft.credits.unwrap_or_default())?;
            counted.push((draft.id.clone(), draft.amount, draft.credits));
            drafts.push(draft);
        }
        for timing in [Timing::Arrears, Timing::Advance] {
            for fee in fees(place, stretch.plan, timing, &stretch.usage.seats)? {
                let draft = fee_line(group, stretch.plan, LineKind::Fee, &fee, currency);
                used = used.plus(draft.credits.unwrap_or_default())?;
                counted.push((draft.id.clone(), draft.amount, draft.credits));
                let draft =
                    if timing == Timing::Advance { ahead.less(draft)? } else { Some(draft) };
                drafts.extend(draft);
            }
        }
        summary.used = summary.used.plus(used)?;
        summary.covered = summary.covered.plus(stretch.covered)?;
        if let Some((draft, credits)) = overage(group, stretch, used, currency)? {
            summary.overage = summary.overage.plus(credits)?;
            counted.push((draft.id.clone(), draft.amount, None));
            drafts.push(draft);
        }
        let days = closing.period.days_covered(part, &request.schedule.zone)?;
        commit.add(group, stretch, days, &counted)?;
    }
    ahead.corrections(closing, currency, drafts)?;
    drafts.extend(commit.true_up(closing, currency)?);
    Ok(())
}

/// Stretches lie in their period, one after the other, without a gap.
fn meet(closing: &Closing<'_>) -> Result<(), InvoiceError> {
    let mut previous: Option<Window> = None;
    for stretch in closing.stretches {
        let here = stretch.window;
        let is_inside = closing.period.window.intersect(here) == Some(here);
        let meets = previous.is_none_or(|before| before.end() == here.start());
        if !is_inside || !meets {
            return Err(InvoiceError::Stretches { at: here.start() });
        }
        previous = Some(here);
    }
    Ok(())
}

/// The line of a charge: rounded once if it is in currency, credits if it is in credits.
fn usage_line(
    group: usize,
    stretch: &Stretch<'_>,
    charge: &crate::plan::Charge,
    currency: Currency,
) -> Result<Draft, InvoiceError> {
    let unused = rating::empty(charge);
    let usage = stretch.usage.charges.get(charge.id()).unwrap_or(&unused);
    let rate = |reason| InvoiceError::Rate { charge: charge.id().clone(), reason };
    let explanation = rating::explain(charge, usage).map_err(rate)?;
    let (amount, credits) = match charge.unit() {
        ChargeUnit::Currency => (Money::round(explanation.amount, currency)?, None),
        ChargeUnit::Credits => {
            let credits = explanation.amount.credits().map_err(|_| Inexact)?;
            (Money::zero(currency), Some(credits))
        }
    };
    let name = (LineId::from(charge.id()), charge.name());
    let mut draft = Draft::new(group, stretch.plan, LineKind::Usage, name, stretch.window, amount);
    draft.quantity = quantity(usage);
    draft.credits = credits;
    draft.explanation = Some(explanation);
    Ok(draft)
}

/// The one quantity of a state, if it has one.
pub(super) fn quantity(usage: &Usage) -> Option<Quantity> {
    let mut parts: Box<dyn Iterator<Item = Quantity>> = match usage {
        Usage::Total(total) => return Some(*total),
        Usage::Events(events) => return Some(events.value),
        Usage::Windows(windows) => Box::new(windows.values().copied()),
        Usage::Combinations(combinations) => Box::new(combinations.values().copied()),
    };
    parts.try_fold(Quantity::ZERO, Quantity::plus).ok()
}

fn fee_line(
    group: usize,
    plan: &Plan,
    kind: LineKind,
    fee: &FeeLine<'_>,
    currency: Currency,
) -> Draft {
    let (amount, credits) = match fee.price {
        FeePrice::Currency(amount) => (amount, None),
        FeePrice::Credits(credits) => (Money::zero(currency), Some(credits)),
    };
    let name = (fee.id(), fee.fee.name.as_str());
    let mut draft = Draft::new(group, plan, kind, name, fee.service, amount);
    draft.quantity = Some(fee.quantity);
    draft.credits = credits;
    draft.formula = Some(fee.formula.clone());
    draft
}

/// The fees in advance of the period that is being opened.
fn open_ahead(
    request: &Request<'_>,
    currency: Currency,
    drafts: &mut Vec<Draft>,
) -> Result<(), InvoiceError> {
    let Some(ahead) = &request.ahead else { return Ok(()) };
    let group = request.closing.as_ref().map_or(0, |closing| closing.stretches.len());
    let part = ahead.period.window;
    let (of, currency) = (currency, Some(currency));
    let place = Place { schedule: request.schedule, period: ahead.period, part, currency };
    for fee in fees(place, ahead.plan, Timing::Advance, ahead.seats)? {
        drafts.push(fee_line(group, ahead.plan, LineKind::FeeAhead, &fee, of));
    }
    Ok(())
}

/// The credits that no grant has paid, if the plan sells them at the end of the period.
fn overage(
    group: usize,
    stretch: &Stretch<'_>,
    used: Credits,
    currency: Currency,
) -> Result<Option<(Draft, Credits)>, InvoiceError> {
    let Some(rules) = &stretch.plan.spec().credits else { return Ok(None) };
    let AtZero::Overage { unit_price, cap } = rules.at_zero else { return Ok(None) };
    let short = used.minus(stretch.covered)?;
    let sold = cap.map_or(short, |cap| short.min(cap));
    if sold.is_zero() || sold.is_negative() {
        return Ok(None);
    }
    let exact = in_currency(unit_price, sold)?;
    let amount = Money::round(exact, currency)?;
    let name = (own_id("overage")?, "Credits beyond the balance");
    let mut draft =
        Draft::new(group, stretch.plan, LineKind::Overage, name, stretch.window, amount);
    draft.quantity = Quantity::new(sold.get()).ok();
    draft.formula = Some(format!("{sold} credits × {unit_price}"));
    Ok(Some((draft, sold)))
}

fn in_currency(price: UnitPrice, credits: Credits) -> Result<Amount, Inexact> {
    exact::mul(price.get(), credits.get()).map(Amount::new)
}

/// The discounts of all plans in order; one that two plans share is one.
fn discounts<'a>(plans: &[&'a Plan], drafts: &[Draft]) -> Vec<On<'a, DiscountSpec>> {
    let mut found: Vec<On<'a, DiscountSpec>> = Vec::new();
    for (group, plan) in plans.iter().enumerate() {
        for rule in &plan.spec().discounts {
            add_rule(&mut found, rule, positions(drafts, group, &rule.lines));
        }
    }
    found
}

/// The taxes of all plans in order; one that two plans share is one.
fn taxes<'a>(plans: &[&'a Plan], drafts: &[Draft]) -> Vec<On<'a, TaxSpec>> {
    let mut found: Vec<On<'a, TaxSpec>> = Vec::new();
    for (group, plan) in plans.iter().enumerate() {
        for rule in &plan.spec().taxes {
            add_rule(&mut found, rule, positions(drafts, group, &rule.lines));
        }
    }
    found
}

fn add_rule<'a, Rule: PartialEq>(
    found: &mut Vec<On<'a, Rule>>,
    rule: &'a Rule,
    lines: BTreeSet<usize>,
) {
    match found.iter_mut().find(|on| on.rule == rule) {
        Some(on) => on.lines.extend(lines),
        None => found.push(On { rule, lines }),
    }
}

fn positions(drafts: &[Draft], group: usize, of: &BTreeSet<LineId>) -> BTreeSet<usize> {
    let applies = |draft: &Draft| draft.group == group && (of.is_empty() || of.contains(&draft.id));
    let numbered = drafts.iter().enumerate();
    set_of(numbered.filter(|(_, draft)| applies(draft)).map(|(index, _)| index))
}

#[cfg(test)]
mod tests;
