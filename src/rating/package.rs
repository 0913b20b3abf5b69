//! Package: units are sold by the package. `⌈(q − free) / size⌉ × price`
//!
//! Free units come off first. At zero there is no package; a package that was begun is billed,
//! unless the plan rounds down.

use rust_decimal::Decimal;

use super::adjust::above;
use crate::plan::Package;
use crate::units::round::divide;
use crate::units::{Inexact, exact};

/// The price of a billed quantity.
pub(super) fn amount(package: &Package, billed: Decimal) -> Result<Decimal, Inexact> {
    exact::mul(packages(package, billed)?, package.price.get())
}

/// How many packages a billed quantity takes.
pub(super) fn packages(package: &Package, billed: Decimal) -> Result<Decimal, Inexact> {
    let paid = above(billed, package.free_units.get())?;
    divide(paid, package.size.get(), 0, package.rounding)
}
