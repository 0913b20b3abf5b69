//! What credits cost in money, and what that money buys.
//!
//! ```text
//! asked × value ── rounded to the minor unit ──▶ money ── ÷ value ──▶ credits
//! 4.399999 × 0.01 EUR = 0.04399999            ──▶ 0.04  ──▶ 4
//! ```
//!
//! Money is what is paid, so the credits follow it and not the wish (as Lago does). Invariant: the
//! credits are never worth more than the money.

use rust_decimal::Decimal;

use crate::units::round::{Rounding, divide};
use crate::units::{Amount, Credits, Currency, Inexact, Money, SCALE_MAX, UnitPrice, exact};

/// A purchase of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// What is paid, in the currency's minor unit.
    pub money: Money,
    /// What it buys, to 12 decimal places.
    pub credits: Credits,
}

/// Why a purchase has no price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PurchaseError {
    /// Credits that are worth nothing cannot be bought.
    #[error("a credit is worth {value}: give it a value above zero")]
    Worthless {
        /// The value.
        value: UnitPrice,
    },
    /// The amounts are too large.
    #[error(transparent)]
    Inexact(#[from] Inexact),
}

impl Purchase {
    /// Prices `asked` credits, of any number of places, at `value` each.
    ///
    /// # Errors
    ///
    /// [`PurchaseError`].
    pub fn of(asked: Decimal, value: UnitPrice, currency: Currency) -> Result<Self, PurchaseError> {
        if value.get() <= Decimal::ZERO {
            return Err(PurchaseError::Worthless { value });
        }
        let money = Money::round(Amount::new(exact::mul(asked, value.get())?), currency)
            .map_err(|_| Inexact)?;
        let places = i32::try_from(SCALE_MAX).map_err(|_| Inexact)?;
        let credits = divide(money.major(), value.get(), places, Rounding::Floor)?;
        Ok(Self { money, credits: Credits::new(credits).map_err(|_| Inexact)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credits_follow_the_money() {
        let table = "
            // asked                     value  currency  money  credits
            4.399999                     1      EUR       4.4    4.4
            4.399999                     0.01   EUR       0.04   4
            4.39999                      1      JPY       4      4
            17.9699999999999988631316    1      EUR       17.97  17.97
            1                            0.03   USD       0.03   1
            1.1                          0.03   USD       0.03   1
            5                            0.003  USD       0.02   6.666666666666   // 0.015 is 0.02
            0.001                        1      USD       0      0
        ";
        for row in table.lines().map(|line| line.split("//").next().unwrap().trim()) {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let [asked, value, currency, money, credits] = cells[..] else { continue };
            let (asked, value) = (asked.parse().unwrap(), value.parse().unwrap());
            let purchase = Purchase::of(asked, value, currency.parse().unwrap()).unwrap();
            assert_eq!(purchase.money.major(), money.parse().unwrap(), "row: {row}");
            assert_eq!(purchase.credits.to_string(), credits, "row: {row}");
        }
        let free = Purchase::of(Decimal::ONE, UnitPrice::ZERO, "USD".parse().unwrap());
        assert_eq!(free, Err(PurchaseError::Worthless { value: UnitPrice::ZERO }));
    }
}
