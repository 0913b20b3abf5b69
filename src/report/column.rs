//! Sums of one column of a packed entry: operations of a row are much alike in time, so that a
//! line of the report is looked up once for many of them.

use super::{Ask, Sums};
use crate::units::{Inexact, Timestamp};

/// A bucket's start, what it is of, and what is to be added there.
pub(super) type Told = (Timestamp, Vec<String>, Sums);

/// What adds up to the same line for as long as the bucket is the same.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) of: Vec<String>,
    /// The bucket, the first instant for which it has to be asked again, and its sums.
    open: Option<(Timestamp, Timestamp, Sums)>,
}

impl Column {
    pub(super) fn new(of: Vec<String>) -> Self {
        Self { of, open: None }
    }

    /// Adds to the bucket of `at`; what the one before came to, if that is another.
    pub(super) fn add(
        &mut self,
        ask: &Ask,
        at: Timestamp,
        more: &Sums,
    ) -> Result<Option<Told>, Inexact> {
        if let Some((start, end, sums)) = &mut self.open
            && *start <= at
            && at < *end
        {
            *sums = sums.plus(more)?;
            return Ok(None);
        }
        let Some((start, end)) = ask.bucket(at) else { return Ok(None) };
        if let Some((known, until, sums)) = &mut self.open
            && *known == start
        {
            (*until, *sums) = (end, sums.plus(more)?);
            return Ok(None);
        }
        let before = self.open.replace((start, end, *more));
        Ok(before.map(|(start, _, sums)| (start, self.of.clone(), sums)))
    }

    /// What the last bucket came to.
    pub(super) fn end(self) -> Option<Told> {
        self.open.map(|(start, _, sums)| (start, self.of, sums))
    }
}
