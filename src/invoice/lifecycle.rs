//! What happens to an invoice after it is written, and how a mistake on it is made good.
//!
//! ```text
//! draft ── finalize ──▶ finalized ── pay ──▶ paid
//!                           │ void
//!                           ▼              a draft is not voided: it is written again
//!                         void             what is paid is not voided: a credit note gives back
//! ```
//!
//! A finalized invoice never changes; a credit note corrects it line by line. Invariant (tested):
//! notes of one invoice never give back more than a line's net, and when they have given back all of
//! it, they have given back exactly its taxes.

use serde::Serialize;

use super::{Invoice, InvoiceId, Share};
use crate::units::round::{Rounding, divide_integers};
use crate::units::{LineId, Money, MoneyError, TaxId, Timestamp};

/// Where an invoice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    /// Written, and written again as long as the period goes on.
    Draft,
    /// Sent: it does not change any more.
    Finalized {
        /// When, UTC milliseconds.
        at: Timestamp,
    },
    /// Paid in full.
    Paid {
        /// When, UTC milliseconds.
        at: Timestamp,
    },
    /// Sent by mistake: nobody has to pay it.
    Void {
        /// When, UTC milliseconds.
        at: Timestamp,
    },
}

impl Status {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Finalized { .. } => "finalized",
            Self::Paid { .. } => "paid",
            Self::Void { .. } => "void",
        }
    }
}

/// Why an invoice cannot do what is asked. Ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LifecycleError {
    /// A step that does not exist.
    #[error("a {from} invoice cannot become {to}")]
    Step {
        /// Where it stands.
        from: &'static str,
        /// What was asked.
        to: &'static str,
    },
    /// There is nothing to correct on it yet, or any more.
    #[error("a {status} invoice has no credit note: correct a finalized or a paid one")]
    NotCreditable {
        /// Where it stands.
        status: &'static str,
    },
    /// A position behind the last line.
    #[error("invoice has no line {index}: lines count from 0")]
    NoSuchLine {
        /// The position at fault.
        index: usize,
    },
    /// More than is left of the line, or nothing, or of the other sign.
    #[error("line {index} has {left} left to credit, not {asked}: credit at most that, above zero")]
    Amount {
        /// The line's position.
        index: usize,
        /// What was asked.
        asked: Money,
        /// What is left of its net.
        left: Money,
    },
    /// Money that does not add up.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl LifecycleError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Step { .. } => "invoice_step",
            Self::NotCreditable { .. } => "invoice_not_creditable",
            Self::NoSuchLine { .. } => "invoice_no_such_line",
            Self::Amount { .. } => "credit_note_amount",
            Self::Money(error) => error.code(),
        }
    }
}

/// A part of one line that is given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreditedLine {
    /// Position of the line on the invoice, from 0.
    pub index: usize,
    /// Its id.
    pub id: LineId,
    /// How much of its net.
    pub net: Money,
    /// How much of its taxes.
    pub taxes: Vec<Share<TaxId>>,
}

/// The correction of a finalized invoice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreditNote {
    /// The invoice that it corrects.
    pub invoice: InvoiceId,
    /// Position among that invoice's notes, from 0.
    pub index: usize,
    /// When, UTC milliseconds.
    pub at: Timestamp,
    /// Why, in the customer's words.
    pub reason: String,
    /// What is given back.
    pub lines: Vec<CreditedLine>,
    /// Sum of the nets.
    pub net: Money,
    /// Sum of the taxes.
    pub tax: Money,
    /// Net and tax.
    pub total: Money,
}

impl Invoice {
    /// Closes a draft: it is sent, and does not change any more.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Step`] unless it is a draft.
    pub fn finalize(self, at: Timestamp) -> Result<Self, LifecycleError> {
        let may = self.status == Status::Draft;
        self.step(may, Status::Finalized { at })
    }

    /// Records that it was paid in full.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Step`] unless it is finalized.
    pub fn pay(self, at: Timestamp) -> Result<Self, LifecycleError> {
        let may = matches!(self.status, Status::Finalized { .. });
        self.step(may, Status::Paid { at })
    }

    /// Takes it back as a whole, before it was paid.
    ///
    /// # Errors
    ///
    /// [`LifecycleError::Step`] unless it is finalized.
    pub fn void(self, at: Timestamp) -> Result<Self, LifecycleError> {
        let may = matches!(self.status, Status::Finalized { .. });
        self.step(may, Status::Void { at })
    }

    fn step(self, may: bool, to: Status) -> Result<Self, LifecycleError> {
        if !may {
            return Err(LifecycleError::Step { from: self.status.name(), to: to.name() });
        }
        Ok(Self { status: to, ..self })
    }

    /// Gives back parts of lines: positions and nets. `earlier` are all notes of this invoice.
    ///
    /// # Errors
    ///
    /// [`LifecycleError`].
    pub fn credit(
        &self,
        earlier: &[CreditNote],
        parts: &[(usize, Money)],
        reason: &str,
        at: Timestamp,
    ) -> Result<CreditNote, LifecycleError> {
        if !matches!(self.status, Status::Finalized { .. } | Status::Paid { .. }) {
            return Err(LifecycleError::NotCreditable { status: self.status.name() });
        }
        let mut lines: Vec<CreditedLine> = Vec::with_capacity(parts.len());
        for &(index, net) in parts {
            let before = earlier.iter().flat_map(|note| &note.lines).chain(&lines);
            let line = self.credited(index, net, before.filter(|line| line.index == index))?;
            lines.push(line);
        }
        let net = Money::sum(self.currency, lines.iter().map(|line| line.net))?;
        let taxes = lines.iter().flat_map(|line| &line.taxes).map(|share| share.amount);
        let tax = Money::sum(self.currency, taxes)?;
        Ok(CreditNote {
            invoice: self.id.clone(),
            index: earlier.len(),
            at,
            reason: reason.to_owned(),
            lines,
            net,
            tax,
            total: net.plus(tax)?,
        })
    }

    /// A part of one line: its taxes are those of all that is given back so far, less those that
    /// earlier notes gave back.
    fn credited<'a>(
        &self,
        index: usize,
        net: Money,
        before: impl Iterator<Item = &'a CreditedLine> + Clone,
    ) -> Result<CreditedLine, LifecycleError> {
        let line = self.lines.get(index).ok_or(LifecycleError::NoSuchLine { index })?;
        let credited = Money::sum(self.currency, before.clone().map(|part| part.net))?;
        let left = line.settled.net.minus(credited)?;
        // Of a line below zero, a note takes a part below zero.
        let fits = net.minor().signum() == left.minor().signum()
            && net.minor().unsigned_abs() <= left.minor().unsigned_abs();
        if net.is_zero() || !fits {
            return Err(LifecycleError::Amount { index, asked: net, left });
        }
        let all = credited.plus(net)?;
        let mut taxes = Vec::with_capacity(line.settled.taxes.len());
        for (position, tax) in line.settled.taxes.iter().enumerate() {
            let given = before.clone().filter_map(|part| part.taxes.get(position));
            let given = Money::sum(self.currency, given.map(|share| share.amount))?;
            let due = share_of(tax.amount, all, line.settled.net)?;
            taxes.push(Share { id: tax.id.clone(), amount: due.minus(given)? });
        }
        Ok(CreditedLine { index, id: line.id.clone(), net, taxes })
    }
}

/// `amount × part / whole`, rounded once.
fn share_of(amount: Money, part: Money, whole: Money) -> Result<Money, MoneyError> {
    let product = i128::from(amount.minor()).checked_mul(part.minor().into());
    let share = product
        .and_then(|product| divide_integers(product, whole.minor().into(), Rounding::HalfUp).ok())
        .and_then(|share| i64::try_from(share).ok());
    Money::from_minor(share.ok_or(MoneyError::TooLarge)?, amount.currency())
}

#[cfg(test)]
mod tests;
