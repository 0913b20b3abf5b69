//! What a check can find, each with a code that never changes, where it is, and a sentence.

use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use crate::units::{ChargeId, Credits, GrantId, Timestamp};

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The journal's row; nothing if it is about the statement or the bill.
    pub row: Option<u64>,
    /// The operation, event or correction.
    pub operation: Option<String>,
    /// What is wrong.
    pub fault: Fault,
}

/// What is wrong. Ordered as a check comes to it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A line of another form.
    #[error("the line is not a row of a journal: {why}")]
    Line {
        /// What is wrong.
        why: String,
    },
    /// The hash does not follow.
    #[error("the row was changed: its hash does not follow from the row before it and its content")]
    RowChanged,
    /// Rows are not there.
    #[error("{count} row(s) from this one on are missing")]
    RowMissing {
        /// How many.
        count: u64,
    },
    /// A row comes twice.
    #[error("the row stands in the journal again")]
    RowRepeated,
    /// A row comes too late.
    #[error("the row stands behind one that comes after it")]
    RowReordered,
    /// Entries that say nothing.
    #[error("the row's entries cannot be read: {why}")]
    RowUnfit {
        /// What is wrong.
        why: String,
    },
    /// Not the row that was seen.
    #[error("the row has another hash than the one that was seen before: {seen}")]
    SeenDiffers {
        /// The hash that was seen.
        seen: String,
    },
    /// The row that was seen is not there.
    #[error("the row that was seen before is not in this journal")]
    SeenMissing,
    /// The journal ends too early.
    #[error("the journal ends here, and the statement says that it goes on to row {rows}")]
    JournalCut {
        /// The last row that there should be.
        rows: u64,
    },
    /// The last row is another one.
    #[error("the last row has another hash than the statement says")]
    EndDiffers,
    /// Time ran backward, or ahead.
    #[error("{at} (milliseconds, UTC) does not fit the time of the rows around it")]
    TimeShifted {
        /// The instant at fault.
        at: Timestamp,
    },
    /// A plan that is not what its hash says.
    #[error("the plan that is written here is not the one of its hash: its prices were changed")]
    PlanChanged,
    /// A plan that does not load.
    #[error("the plan that is written here cannot be read: {why}")]
    PlanUnread {
        /// What is wrong.
        why: String,
    },
    /// The bill is made by another plan.
    #[error("the statement bills by another plan than the journal says: {journal}")]
    PlanDiffers {
        /// The plan of the journal.
        journal: String,
    },
    /// A cost is not what the plan says.
    #[error("{recorded} credits are charged; by the plan it costs {rated}")]
    CostDiffers {
        /// What stands in the journal.
        recorded: Credits,
        /// What the plan says.
        rated: Credits,
    },
    /// Something is charged that has no price.
    #[error("{recorded} credits are charged for what has no price: {why}")]
    Unpriced {
        /// What stands in the journal.
        recorded: Credits,
        /// Why there is no price.
        why: String,
    },
    /// What was paid is not what it costs.
    #[error("it costs {cost} credits, and {paid} were taken for it")]
    PaymentDiffers {
        /// The cost.
        cost: Credits,
        /// Burned, owed and unpaid in all.
        paid: Credits,
    },
    /// An operation was moved to a plan that no row tells of.
    #[error("it is charged by terms {terms}, which are none that it can have been served under")]
    TermsUnknown {
        /// Their number.
        terms: u64,
    },
    /// An operation is charged twice.
    #[error("the operation is charged a second time")]
    OperationRepeated,
    /// Numbers of operations are left out.
    #[error("{count} operation(s) of this lease before it are missing")]
    OperationMissing {
        /// How many.
        count: u64,
    },
    /// A refund is not what was charged.
    #[error("{returned} credits went back, and {charged} were charged")]
    RefundDiffers {
        /// What was charged.
        charged: Credits,
        /// What went back.
        returned: Credits,
    },
    /// A grant is given twice.
    #[error("grant {grant} is given a second time")]
    GrantRepeated {
        /// The grant.
        grant: GrantId,
    },
    /// Credits of a grant that was never given.
    #[error("grant {grant} was never given")]
    GrantUnknown {
        /// The grant.
        grant: GrantId,
    },
    /// More is taken from a grant than it holds.
    #[error("{taken} credits are taken from grant {grant}, which has {left}")]
    GrantOverdrawn {
        /// The grant.
        grant: GrantId,
        /// What it has.
        left: Credits,
        /// What is taken.
        taken: Credits,
    },
    /// A grant stands otherwise in the statement.
    #[error("grant {grant}: {what} is {journal} by the journal, and {statement} in the statement")]
    GrantDiffers {
        /// The grant.
        grant: GrantId,
        /// Amount, left or burned.
        what: &'static str,
        /// By the journal.
        journal: Credits,
        /// In the statement.
        statement: Credits,
    },
    /// The parts of the period are others.
    #[error("the statement cuts the period into other parts than the journal's changes of plan do")]
    StretchDiffers,
    /// Usage is another.
    #[error("usage of {charge} is {journal} by the journal, and {statement} in the statement")]
    UsageDiffers {
        /// The charge.
        charge: ChargeId,
        /// By the journal.
        journal: String,
        /// In the statement.
        statement: String,
    },
    /// What credits paid is another.
    #[error("credits paid {journal} of the use by the journal, and {statement} by the statement")]
    CoveredDiffers {
        /// By the journal.
        journal: Credits,
        /// In the statement.
        statement: Credits,
    },
    /// The balance is another.
    #[error("{what} of the account is {journal} by the journal, and {statement} in the statement")]
    BalanceDiffers {
        /// Which sum.
        what: &'static str,
        /// By the journal.
        journal: Credits,
        /// In the statement.
        statement: Credits,
    },
    /// The bill says something else than the statement gives.
    #[error("the bill says {found} at {path}; from the statement follows {expected}")]
    BillDiffers {
        /// Where, as a JSON pointer.
        path: String,
        /// What follows.
        expected: String,
        /// What the bill says.
        found: String,
    },
    /// The journal holds the hash of another bill.
    #[error("the journal seals another bill of this period than the one at hand")]
    SealDiffers,
    /// Nothing seals a bill that was written.
    #[error(
        "no row after row {rows} closes the period, and the bill is final: read the journal to the \
         row that seals it"
    )]
    SealMissing {
        /// The bill's last row.
        rows: u64,
    },
    /// The check itself cannot go on.
    #[error("a sum leaves the range of exact numbers: {why}")]
    Inexact {
        /// Where.
        why: String,
    },
}

impl Fault {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Line { .. } => "line_unreadable",
            Self::RowChanged => "row_changed",
            Self::RowMissing { .. } => "row_missing",
            Self::RowRepeated => "row_repeated",
            Self::RowReordered => "row_reordered",
            Self::RowUnfit { .. } => "row_unfit",
            Self::SeenDiffers { .. } => "seen_differs",
            Self::SeenMissing => "seen_missing",
            Self::JournalCut { .. } => "journal_cut",
            Self::EndDiffers => "end_differs",
            Self::TimeShifted { .. } => "time_shifted",
            Self::PlanChanged => "plan_changed",
            Self::PlanUnread { .. } => "plan_unread",
            Self::PlanDiffers { .. } => "plan_differs",
            Self::CostDiffers { .. } => "cost_differs",
            Self::Unpriced { .. } => "operation_unpriced",
            Self::PaymentDiffers { .. } => "payment_differs",
            Self::TermsUnknown { .. } => "terms_unknown",
            Self::OperationRepeated => "operation_repeated",
            Self::OperationMissing { .. } => "operation_missing",
            Self::RefundDiffers { .. } => "refund_differs",
            Self::GrantRepeated { .. } => "grant_repeated",
            Self::GrantUnknown { .. } => "grant_unknown",
            Self::GrantOverdrawn { .. } => "grant_overdrawn",
            Self::GrantDiffers { .. } => "grant_differs",
            Self::StretchDiffers => "stretch_differs",
            Self::UsageDiffers { .. } => "usage_differs",
            Self::CoveredDiffers { .. } => "covered_differs",
            Self::BalanceDiffers { .. } => "balance_differs",
            Self::BillDiffers { .. } => "bill_differs",
            Self::SealDiffers => "seal_differs",
            Self::SealMissing { .. } => "seal_missing",
            Self::Inexact { .. } => "amount_not_exact",
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut finding = to.serialize_struct("Finding", 4)?;
        finding.serialize_field("code", self.fault.code())?;
        if let Some(row) = self.row {
            finding.serialize_field("row", &row)?;
        }
        if let Some(operation) = &self.operation {
            finding.serialize_field("operation", operation)?;
        }
        finding.serialize_field("message", &self.fault.to_string())?;
        finding.end()
    }
}
