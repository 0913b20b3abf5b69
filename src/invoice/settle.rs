//! From lines to an amount due: discounts, tax, credits; every part summing exactly.
//!
//! ```text
//! lines ──▶ subtotal ── discounts ──▶ net ── tax by rate ──▶ total ── credits ──▶ due
//!             Σ amount    in order,     Σ net   on the net,    net + tax   a payment,
//!                         each on what          rounded once               after tax
//!                         remains               a rate
//! ```
//!
//! A discount and a tax are computed once, on the sum of their lines, and shared out to the lines by
//! largest remainder: so that neither a cent is lost nor one made, and a line can be credited on its
//! own later. Invariants (tested): the shares of a discount, a tax or a credit sum to it; no
//! discount takes more than is left; `due = subtotal − discount + tax − credits`.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::plan::{DiscountSpec, Off, TaxSpec};
use crate::units::{Amount, Currency, DiscountId, Inexact, Money, MoneyError, Percentage, TaxId};

/// Why lines have no total. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// Money that does not add up.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// A product that needs more digits than there are.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl SettleError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Money(error) => error.code(),
            Self::Inexact(_) => "amount_not_exact",
        }
    }
}

/// A discount or a tax, and the positions of the lines that it applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct On<'a, Rule> {
    /// What is done.
    pub rule: &'a Rule,
    /// To which lines, counted from 0.
    pub lines: BTreeSet<usize>,
}

/// An amount under a plan's id: one discount's or one tax's share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Share<Id> {
    /// Which discount or tax.
    pub id: Id,
    /// How much of it.
    pub amount: Money,
}

/// What became of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Settled {
    /// Before discounts.
    pub amount: Money,
    /// What each discount took off, in their order; those that took nothing are left out.
    pub discounts: Vec<Share<DiscountId>>,
    /// After discounts: what is taxed.
    pub net: Money,
    /// What each tax put on, in their order; those that put nothing are left out.
    pub taxes: Vec<Share<TaxId>>,
    /// Net and taxes.
    pub total: Money,
    /// The part that credits have paid; they fill lines in order.
    pub paid_by_credits: Money,
}

/// The sums of an invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Sum of the lines' amounts.
    pub subtotal: Money,
    /// What each discount took off.
    pub discounts: Vec<Share<DiscountId>>,
    /// All discounts together.
    pub discount: Money,
    /// After discounts: what is taxed.
    pub net: Money,
    /// What each tax put on.
    pub taxes: Vec<Share<TaxId>>,
    /// All taxes together.
    pub tax: Money,
    /// Net and tax.
    pub total: Money,
    /// How much of each offered credit was used, in the order they were offered.
    pub credits: Vec<Money>,
    /// All credits together.
    pub credits_applied: Money,
    /// What is left to pay; below zero, what the customer is owed.
    pub due: Money,
}

/// Settles lines: discounts in their order, taxes on what is left, credits as payment.
///
/// `amounts` are the rounded amounts of the lines; `credits` are the amounts that may be taken,
/// first to last.
///
/// # Errors
///
/// [`SettleError`].
pub fn settle(
    currency: Currency,
    amounts: &[Money],
    discounts: &[On<'_, DiscountSpec>],
    taxes: &[On<'_, TaxSpec>],
    credits: &[Money],
) -> Result<(Vec<Settled>, Totals), SettleError> {
    let zero = Money::zero(currency);
    let mut settled: Vec<Settled> = amounts
        .iter()
        .map(|amount| Settled {
            amount: *amount,
            discounts: Vec::new(),
            net: *amount,
            taxes: Vec::new(),
            total: *amount,
            paid_by_credits: zero,
        })
        .collect();
    let mut taken_off = Vec::new();
    for discount in discounts {
        let amount = take_off(currency, &mut settled, discount)?;
        taken_off.push(Share { id: discount.rule.id.clone(), amount });
    }
    let mut put_on = Vec::new();
    for tax in taxes {
        let amount = put_tax(currency, &mut settled, tax)?;
        put_on.push(Share { id: tax.rule.id.clone(), amount });
    }
    for line in &mut settled {
        line.total = line.net.plus(sum(currency, &line.taxes)?)?;
    }
    let subtotal = Money::sum(currency, amounts.iter().copied())?;
    let discount = sum(currency, &taken_off)?;
    let net = subtotal.minus(discount)?;
    let tax = sum(currency, &put_on)?;
    let total = net.plus(tax)?;
    let (credits, due) = pay(total, credits)?;
    let credits_applied = Money::sum(currency, credits.iter().copied())?;
    fill(&mut settled, credits_applied)?;
    let (discounts, taxes) = (taken_off, put_on);
    Ok((
        settled,
        Totals {
            subtotal,
            discounts,
            discount,
            net,
            taxes,
            tax,
            total,
            credits,
            credits_applied,
            due,
        },
    ))
}

/// Takes one discount off the lines that it names, and says how much it was.
fn take_off(
    currency: Currency,
    settled: &mut [Settled],
    discount: &On<'_, DiscountSpec>,
) -> Result<Money, SettleError> {
    let zero = Money::zero(currency);
    let nets = scoped(settled, &discount.lines, zero);
    // A line below zero is a correction: it lowers what a discount may take, and takes no part.
    let left = Money::sum(currency, nets.iter().copied())?;
    if left.is_negative() || left.is_zero() {
        return Ok(zero);
    }
    let off = match discount.rule.off {
        Off::Percent(percent) => part_of(percent, left)?,
        Off::Amount(amount) => Money::round(amount, currency)?,
    };
    let off = off.min(left)?;
    let weights: Vec<i64> = nets.iter().map(|net| net.minor().max(0)).collect();
    for (line, share) in settled.iter_mut().zip(off.allocate(&weights)?) {
        if !share.is_zero() {
            line.net = line.net.minus(share)?;
            line.discounts.push(Share { id: discount.rule.id.clone(), amount: share });
        }
    }
    Ok(off)
}

/// Puts one tax on the lines that it names, and says how much it is.
///
/// Charges and corrections are rounded apart, so that a correction gives back exactly what the
/// charge that it takes back was taxed.
fn put_tax(
    currency: Currency,
    settled: &mut [Settled],
    tax: &On<'_, TaxSpec>,
) -> Result<Money, SettleError> {
    let zero = Money::zero(currency);
    let nets = scoped(settled, &tax.lines, zero);
    let mut whole = zero;
    for is_correction in [false, true] {
        let of_side = |net: &Money| if net.is_negative() == is_correction { *net } else { zero };
        let base: Vec<Money> = nets.iter().map(of_side).collect();
        let amount = part_of(tax.rule.percent, Money::sum(currency, base.iter().copied())?)?;
        if amount.is_zero() {
            continue;
        }
        whole = whole.plus(amount)?;
        let weights: Vec<i64> = base.iter().map(|net| net.minor().saturating_abs()).collect();
        for (line, share) in settled.iter_mut().zip(amount.allocate(&weights)?) {
            if !share.is_zero() {
                line.taxes.push(Share { id: tax.rule.id.clone(), amount: share });
            }
        }
    }
    Ok(whole)
}

/// What is left of the lines at these positions; nothing of the others.
fn scoped(settled: &[Settled], lines: &BTreeSet<usize>, zero: Money) -> Vec<Money> {
    let net =
        |(index, line): (usize, &Settled)| if lines.contains(&index) { line.net } else { zero };
    settled.iter().enumerate().map(net).collect()
}

/// A percentage of money, rounded once.
fn part_of(percent: Percentage, whole: Money) -> Result<Money, SettleError> {
    let exact = percent.of(Amount::new(whole.major()))?;
    Ok(Money::round(exact, whole.currency())?)
}

/// Uses credits for a total, first to last; what is left of the total is due.
fn pay(total: Money, offered: &[Money]) -> Result<(Vec<Money>, Money), MoneyError> {
    let mut due = total;
    let mut used = Vec::with_capacity(offered.len());
    for credit in offered {
        let room = if due.is_negative() { Money::zero(due.currency()) } else { due };
        let part = credit.min(room)?;
        due = due.minus(part)?;
        used.push(part);
    }
    Ok((used, due))
}

/// Shows which lines the credits have paid: first to last, each as far as it goes.
fn fill(settled: &mut [Settled], credits: Money) -> Result<(), MoneyError> {
    let mut left = credits;
    for line in settled {
        if !line.total.is_negative() {
            line.paid_by_credits = left.min(line.total)?;
            left = left.minus(line.paid_by_credits)?;
        }
    }
    Ok(())
}

fn sum<Id>(currency: Currency, shares: &[Share<Id>]) -> Result<Money, MoneyError> {
    Money::sum(currency, shares.iter().map(|share| share.amount))
}

#[cfg(test)]
mod tests;
