//! How much to set aside for an isolate, and for how long. Pure arithmetic on the account's state.
//!
//! ```text
//! want  = rate × 2 s − what it still holds         until it asks again
//! low   = max(1 % of granted, n × cost)           n = live leases, this one included
//! fair  = (available − low) / 2n                  half of what is free, shared
//! grant = min(want, fair)     nothing if below two operations: then every one is a direct debit
//! valid = 10 s × available / (4 × low)            within 1 s .. 10 s: near the bottom, credits
//!                                                 must come back soon
//! ```
//!
//! Grants shrink geometrically with what is left; isolates with little traffic never hold any; at
//! the end every credit is spent by direct debit, so none is stranded in a lease.

use rust_decimal::Decimal;

use super::{VALIDITY_MS_MAX, VALIDITY_MS_MIN, Wish};
use crate::units::{Credits, Inexact, exact};

/// What an account can give to one wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Credits to set aside now; may be zero.
    pub amount: Credits,
    /// How long they may be spent, in milliseconds.
    pub validity_ms: i64,
}

/// Sizes a lease.
///
/// | argument      | unit                                      |
/// |---------------|-------------------------------------------|
/// | `available`   | credits that anybody can spend            |
/// | `granted`     | credits of all grants that have started   |
/// | `outstanding` | credits this isolate holds already        |
/// | `leases`      | live leases, this one included            |
pub(super) fn share(
    wish: &Wish,
    available: Credits,
    granted: Credits,
    outstanding: Credits,
    leases: usize,
) -> Result<Share, Inexact> {
    let n = Decimal::from(leases.max(1));
    let floor = exact::mul(wish.cost.get(), n)?;
    let low = exact::floor(exact::ratio(granted.get(), Decimal::ONE_HUNDRED)?, 0).max(floor);
    let validity_ms = validity(available.get(), low)?;
    let nothing = Share { amount: Credits::ZERO, validity_ms };

    let free = exact::sub(available.get(), low)?;
    let want = exact::sub(exact::mul(wish.rate.get(), Decimal::TWO)?, outstanding.get())?;
    let fair = exact::ratio(free, exact::mul(n, Decimal::TWO)?)?;
    // Whole multiples of an operation's cost: a remainder could not be spent anyway. Below zero if
    // nothing is free, or enough is held already.
    let operations = match wish.cost.is_zero() {
        true => return Ok(nothing),
        false => exact::floor(exact::ratio(want.min(fair), wish.cost.get())?, 0),
    };
    if operations < Decimal::TWO {
        return Ok(nothing);
    }
    let amount = exact::mul(operations, wish.cost.get())?;
    Ok(Share { amount: Credits::new(amount).map_err(|_| Inexact)?, validity_ms })
}

fn validity(available: Decimal, low: Decimal) -> Result<i64, Inexact> {
    if low <= Decimal::ZERO || available <= Decimal::ZERO {
        return Ok(VALIDITY_MS_MIN);
    }
    let most = Decimal::from(VALIDITY_MS_MAX);
    let quarters = exact::ratio(available, exact::mul(low, Decimal::from(4))?)?;
    let millis = exact::floor(exact::mul(exact::floor(quarters.min(Decimal::ONE), 6), most)?, 0);
    let millis = i64::try_from(millis).map_err(|_| Inexact)?;
    Ok(millis.clamp(VALIDITY_MS_MIN, VALIDITY_MS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_shrink_with_what_is_left() {
        // rate, cost, available, granted, outstanding, leases → amount, validity
        let table = "
            20   1    20000  20000  0   8    40    10000   // two seconds' worth
            20   1    20000  20000  30  8    10    10000   // it has 30 already
            20   1    20000  20000  50  8    0     10000   // it has more than it needs
            0.2  1    20000  20000  0   200  0     10000   // 0.4 of an operation: pay directly
            0.9  1    20000  20000  0   8    0     10000   // one
            1    1    20000  20000  0   8    2     10000   // two
            900  1    1000   20000  0   8    50    10000   // (1000 - 200) / 16
            900  1    200    20000  0   8    0     2500    // at the low-water mark
            900  1    0      20000  0   8    0     1000
            20   0.3  100    100    0   1    39.9  10000   // 133 × 0.3, not 40
            900  0.3  5      100    0   1    1.8   10000   // (5 - 1) / 2 = 2 → 6 × 0.3
            20   0    100    100    0   1    0     10000   // free operations need no lease
        ";
        for row in table.lines().map(|line| line.split("//").next().unwrap().trim()) {
            let cells: Vec<&str> = row.split_whitespace().collect();
            let [rate, cost, available, granted, outstanding, leases, amount, validity] = cells[..]
            else {
                assert!(row.is_empty(), "malformed row: {row}");
                continue;
            };
            let credits = |text: &str| text.parse::<Credits>().unwrap();
            let (rate, cost) = (credits(rate), credits(cost));
            let wish = Wish { lease: "l".into(), seq: 1, rate, cost, granted: Credits::ZERO };
            let (available, granted) = (credits(available), credits(granted));
            let leases = leases.parse().unwrap();
            let share = share(&wish, available, granted, credits(outstanding), leases).unwrap();
            assert_eq!(share.amount, credits(amount), "row: {row}");
            assert_eq!(share.validity_ms.to_string(), validity, "row: {row}");
        }
    }
}
