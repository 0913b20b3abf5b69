//! What a run had in it: counters that add up over seeds, and which fault each stands for.

use std::collections::BTreeMap;

use crate::units::{Credits, Inexact};

macro_rules! counts {
    ($($name:ident $fault:literal $text:literal)*) => {
        /// Something that happened in a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Count { $(#[doc = $text] $name,)* }

        impl Count {
            /// All of them, in the order in which a summary shows them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// For people.
            pub fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The number of the fault that it stands for, or 0: see [`super`].
            pub fn fault(self) -> u8 {
                match self { $(Self::$name => $fault,)* }
            }
        }
    };
}

counts! {
    Steps 0 "steps"
    Rows 0 "journal rows"
    Replayed 0 "journals replayed"
    Served 0 "operations served"
    ServedFromLease 0 "of them from a lease"
    Owed 0 "of them without an answer of the account"
    Failed 0 "operations that failed"
    Denied 0 "denials"
    DeniedFromMemory 0 "of them from an isolate's memory"
    KeysRefused 0 "keys refused"
    Delivered 0 "messages delivered"
    Dropped 0 "messages dropped"
    Repeated 2 "messages repeated"
    Reordered 2 "messages overtaken"
    TimedOut 0 "messages given up after five seconds"
    GrantsUnheard 1 "grants whose answer was lost"
    IsolateCrashes 0 "isolates crashed"
    CrashesUnreported 3 "of them with use that was not reported"
    AccountCrashes 0 "accounts crashed"
    CrashesUndurable 4 "of them before the row was durable"
    CrashesUnanswered 5 "of them while isolates waited"
    Reserved 0 "reservations and raises asked for"
    Held 0 "of them held"
    Lowered 0 "of them lowered to what there was"
    ReservationsDenied 0 "of them denied"
    Raised 0 "raises asked for"
    Parts 7 "parts told of operations that run"
    HungUp 6 "clients gone before the end"
    EndedWithoutUse 7 "operations that ended without their use"
    ReleasedLate 0 "operations released after they were settled"
    Overran 0 "operations that used more than was reserved"
    Races 8 "last credits raced for"
    TopUps 0 "top-ups"
    TopUpsWhileDenied 9 "of them while an isolate remembers a denial"
    TopUpsRepeated 9 "top-ups told again"
    IsolateClockJumps 10 "isolates' clocks jumped"
    AccountClockJumps 10 "accounts' clocks jumped back"
    LateReports 11 "reports of leases that had ended"
    LateReportsAfterReturn 11 "of them after their credits were returned"
    Retried 12 "messages sent again after an error"
    AlarmsOnTime 0 "alarms on time"
    AlarmsLate 13 "alarms late"
    AlarmsTwice 13 "alarms twice"
    AlarmsNever 13 "alarms never"
    RenewalsGivenUp 14 "renewals given up while others wait"
    ExpiriesWhileHeld 15 "grants ended while credits were held"
    PlanChanges 15 "plans changed"
    PeriodsClosed 15 "periods ended"
    Voids 0 "grants voided"
    Adjustments 0 "adjustments"
    KeysLimited 0 "keys limited"
    KeysAtLimit 0 "operations beyond a key's limit"
    KeysDisabled 0 "keys disabled"
    Forged 0 "reports above what was granted"
    OperatorReturns 0 "returns by the operator"
    ChargedForNobody 0 "refused requests charged by a copy after a crash"
}

/// Counters of one run or of many.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<Count, u64>,
    /// Credits of the operations that were served.
    pub credits: Credits,
}

impl Tally {
    /// How often it happened.
    pub fn get(&self, count: Count) -> u64 {
        self.counts.get(&count).copied().unwrap_or(0)
    }

    pub(super) fn note(&mut self, count: Count) {
        self.note_many(count, 1);
    }

    pub(super) fn note_many(&mut self, count: Count, many: u64) {
        let entry = self.counts.entry(count).or_default();
        *entry = entry.saturating_add(many);
    }

    /// Adds another run.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the credits leave their range; then nothing of them is added.
    pub fn add(&mut self, other: &Self) -> Result<(), Inexact> {
        for (count, many) in &other.counts {
            self.note_many(*count, *many);
        }
        self.credits = self.credits.plus(other.credits)?;
        Ok(())
    }
}
