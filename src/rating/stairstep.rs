//! Stairstep: the tier that the total falls in has one price, whatever the quantity in it.
//!
//! A volume price whose units are free.

pub(super) use super::volume::amount;
