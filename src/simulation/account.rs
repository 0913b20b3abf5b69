//! The account as `src/edge/account.rs` keeps it: durable rows and a snapshot, and a memory that a
//! crash takes away.
//!
//! ```text
//! visit:  load │ start │ decide │ row │ snapshot, commit │ answer
//!              1       2        3     4                  5        6     a crash at any of them
//! ```
//!
//! A row and its snapshot are stored together or not at all; before that no answer leaves. So up to
//! 4 nothing has happened, and from 5 on it has, whether or not anybody hears of it.

use super::{Broken, Invariant};
use crate::control::Denials;
use crate::ledger::{Entry, Ledger, Position, Replay, Row, Session};
use crate::plan::Plan;
use crate::units::{Inexact, Timestamp};

/// Where an account may die.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Point {
    /// Between two visits, or before the visit does anything.
    #[default]
    BeforeStart,
    /// What was due is done, in memory.
    AfterStart,
    /// All is decided, in memory.
    AfterDecision,
    /// The row is written and not yet committed.
    AfterRow,
    /// Storing the row failed: the memory of the ledger is dropped, the rest stays.
    WriteFails,
    /// The row is durable, and the answer does not leave.
    AfterCommit,
    /// The answer has left.
    AfterAnswer,
}

impl Point {
    pub(super) const ALL: [Self; 7] = [
        Self::BeforeStart,
        Self::AfterStart,
        Self::AfterDecision,
        Self::AfterRow,
        Self::WriteFails,
        Self::AfterCommit,
        Self::AfterAnswer,
    ];

    /// Whether what was decided is kept.
    pub(super) fn is_durable(self) -> bool {
        self >= Self::AfterCommit
    }
}

/// How a visit ended.
#[derive(Debug)]
pub(super) struct Visit<T> {
    /// Nothing if the caller got an error instead.
    pub answer: Option<T>,
    /// What became durable.
    pub entries: Vec<Entry>,
    pub crashed: Option<Point>,
}

/// One account: its storage and its memory.
pub(super) struct Account {
    pub plan: Plan,
    pub rows: Vec<Row>,
    position: Position,
    snapshot: Option<(usize, Position, String)>,
    snapshot_rows: u64,
    /// The journal replayed so far: after each row it is the live ledger, bit for bit.
    replay: Replay,
    pub ledger: Ledger,
    denials: Denials,
    /// Where the next visit crashes.
    pub armed: Option<Point>,
    /// The alarm that memory believes to be set.
    pub alarm: Option<Timestamp>,
}

impl Account {
    pub(super) fn open(
        plan: Plan,
        opened: Entry,
        at: Timestamp,
        snapshot_rows: u64,
    ) -> Result<Self, Broken> {
        let ledger = Ledger::opened(&opened, at)
            .ok_or_else(|| Broken::new(Invariant::Replay, "an opened account", "no account"))?;
        let mut account = Self {
            plan,
            rows: Vec::new(),
            position: Position::default(),
            snapshot: None,
            snapshot_rows,
            replay: Replay::default(),
            ledger,
            denials: Denials::default(),
            armed: None,
            alarm: None,
        };
        account.commit(&[opened])?;
        Ok(account)
    }

    /// One visit, as the account object makes it, with the crash that is armed, if any.
    pub(super) fn visit<T>(
        &mut self,
        now: Timestamp,
        act: impl FnOnce(&mut Session<'_>, &Plan, &mut Denials) -> Result<T, Inexact>,
    ) -> Result<Visit<T>, Broken> {
        let point = self.armed.take();
        let before = point.map(|_| self.ledger.clone());
        let nothing = |crashed| Visit { answer: None, entries: Vec::new(), crashed };
        if point == Some(Point::BeforeStart) {
            self.crash(Point::BeforeStart, before)?;
            return Ok(nothing(point));
        }
        let mut session = Session::start(&mut self.ledger, now)?;
        if point == Some(Point::AfterStart) {
            self.crash(Point::AfterStart, before)?;
            return Ok(nothing(point));
        }
        let answer = act(&mut session, &self.plan, &mut self.denials)?;
        let entries = session.finish()?;
        if let Some(point) = point.filter(|point| !point.is_durable()) {
            self.crash(point, before)?;
            return Ok(nothing(Some(point)));
        }
        if !entries.is_empty() {
            self.commit(&entries)?;
        }
        match point {
            Some(point) => {
                let live = self.ledger.clone();
                self.crash(point, Some(live))?;
                let answer = (point == Point::AfterAnswer).then_some(answer);
                Ok(Visit { answer, entries, crashed: Some(point) })
            }
            None => Ok(Visit { answer: Some(answer), entries, crashed: None }),
        }
    }

    /// The plan that the ledger names.
    fn take_plan(&mut self) -> Result<(), Broken> {
        if self.plan.hash() != self.ledger.plan().hash {
            self.plan = Plan::parse(self.ledger.plan_json())
                .map_err(|error| Broken::new(Invariant::Replay, "a plan", error))?;
        }
        Ok(())
    }

    fn commit(&mut self, entries: &[Entry]) -> Result<(), Broken> {
        self.take_plan()?;
        let at = self.ledger.clock();
        let body = serde_json::to_string(entries).map_err(|error| json(&error))?;
        self.position = self.position.after(at, &body, entries);
        let (n, hash) = (self.position.n, self.position.hash.clone());
        self.rows.push(Row { n, at, body, hash });
        self.replay_last()?;
        if n.checked_rem(self.snapshot_rows) == Some(0) {
            let state = serde_json::to_string(&self.ledger).map_err(|error| json(&error))?;
            self.snapshot = Some((self.rows.len(), self.position.clone(), state));
        }
        Ok(())
    }

    /// Invariant 9, row by row.
    fn replay_last(&mut self) -> Result<(), Broken> {
        if let Some(row) = self.rows.last() {
            let taken = self.replay.take(row);
            taken.map_err(|error| Broken::new(Invariant::Replay, "a row that applies", error))?;
        }
        match self.replay.ledger() {
            Some(found) if *found == self.ledger => Ok(()),
            Some(found) => Err(differs(&self.ledger, found)),
            None => Err(Broken::new(Invariant::Replay, "a ledger", "nothing")),
        }
    }

    /// Memory is gone; what is read back must be what was durable.
    fn crash(&mut self, point: Point, expected: Option<Ledger>) -> Result<(), Broken> {
        self.ledger = self.recovered()?;
        self.take_plan()?;
        self.alarm = None;
        if point != Point::WriteFails {
            self.denials = Denials::default();
        }
        let Some(expected) = expected else { return Ok(()) };
        let mut found = self.ledger.clone();
        found.advance(expected.clock());
        match found == expected {
            true => Ok(()),
            false => Err(differs(&expected, &found)),
        }
    }

    /// The ledger from the snapshot and the rows after it.
    fn recovered(&self) -> Result<Ledger, Broken> {
        let (n, snapshot) = match &self.snapshot {
            Some((n, position, state)) => {
                let ledger: Ledger = serde_json::from_str(state).map_err(|e| json(&e))?;
                (*n, Some((position.clone(), ledger)))
            }
            None => (0, None),
        };
        let mut replay = match snapshot {
            Some((position, ledger)) => Replay::resume(position, ledger),
            None => Replay::default(),
        };
        for row in self.rows.iter().skip(n) {
            replay
                .take(row)
                .map_err(|error| Broken::new(Invariant::Replay, "rows that apply", error))?;
        }
        let (ledger, _) = replay
            .into_parts()
            .ok_or_else(|| Broken::new(Invariant::Replay, "a ledger", "nothing"))?;
        Ok(ledger)
    }

    /// Replays the whole journal, checks its chain and compares.
    pub(super) fn check_replay(&self) -> Result<(), Broken> {
        let mut found = Ledger::replay(&self.rows)
            .map_err(|error| Broken::new(Invariant::Replay, "a journal that replays", error))?;
        found.advance(self.ledger.clock());
        match found == self.ledger {
            true => Ok(()),
            false => Err(differs(&self.ledger, &found)),
        }
    }
}

fn json(error: &serde_json::Error) -> Broken {
    Broken::new(Invariant::Replay, "state that can be stored", error)
}

/// Where two ledgers part, as far as their balances say.
fn differs(expected: &Ledger, found: &Ledger) -> Broken {
    let [expected, found] = [expected, found].map(|ledger| {
        let (leases, debits) = (ledger.leases().len(), ledger.debits().len());
        format!("{:?}, {leases} leases, {debits} debits", ledger.balance())
    });
    Broken::new(Invariant::Replay, expected, found)
}
