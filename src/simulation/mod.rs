//! The simulator: isolates, an account and a bad network in virtual time, with an auditor.
//!
//! ```text
//! seed ─▶ script: events ─▶ world: isolates ⇄ post ⇄ account ─▶ rows ─▶ books, audit ─▶ Outcome
//!                  ▲                                                            │
//!                  └────────────── shrink: fewer events, the same violation ◀───┘
//! ```
//!
//! It runs the product's own [`Client`](crate::control::Client),
//! [`serve`](crate::control::serve) and [`Session`](crate::ledger::Session); the auditor is a
//! second, simpler model that knows operations and counters and nothing of the protocol. A
//! violation is a value, never a panic; a seed gives the same run on every machine.
//!
//! The faults that it must have among its runs; [`Count::fault`] counts each, and
//! `tests/control_simulation` holds a share of seeds to it.
//!
//! | | fault | here | on the runtime, or elsewhere |
//! |---|---|---|---|
//! | 1 | an answer is lost after its grant is durable | `GrantsUnheard` | |
//! | 2 | messages repeated and reordered | `Repeated`, `Reordered` | |
//! | 3 | an isolate dies with use that it never reported | `CrashesUnreported` | tests/edge/kill |
//! | 4 | the account dies between two statements | `CrashesUndurable` | tests/edge/faults |
//! | 5 | the account restarts while isolates wait | `CrashesUnanswered` | tests/edge/faults, kill |
//! | 6 | a stream's client hangs up | `HungUp` | tests/control/reservations |
//! | 7 | a stream ends without its use | `EndedWithoutUse`, `Parts` | tests/reader |
//! | 8 | many race for the last credit | `Races` | tests/edge/zero |
//! | 9 | a top-up meets a denial, or comes twice | `TopUpsWhileDenied`, `TopUpsRepeated` | |
//! | 10 | clocks are off and jump back | `IsolateClockJumps`, `AccountClockJumps` | |
//! | 11 | a report comes after its lease ended | `LateReports`, `LateReportsAfterReturn` | |
//! | 12 | the same operation is asked for again | `Retried`, `Repeated` | keys of clients: not there |
//! | 13 | alarms late, twice or never | `AlarmsLate`, `AlarmsTwice`, `AlarmsNever` | |
//! | 14 | whoever renews is given up while others wait | `RenewalsGivenUp` | |
//! | 15 | plan, period, grant end under open leases | `PlanChanges`, … | tests/plans: bad prices |

mod account;
mod audit;
mod books;
mod chance;
mod holds;
mod journal;
mod operator;
mod owed;
mod post;
mod request;
mod reserved;
mod scenario;
mod script;
mod set_aside;
mod shrink;
mod story;
mod sums;
mod tally;
mod tariff;
mod world;

use std::fmt;

pub use scenario::{BALANCE, Found, TAIL_MS, Traffic, scenario};
pub use script::{Event, Setup, script};
pub use shrink::shrink;
pub use tally::{Count, Tally};

use world::World;

/// What must hold, by the numbers of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    /// 1: granted = available + held + burned + expired + voided, exactly.
    Conservation,
    /// 2: what is served is burned, or set aside for it.
    NoOverspend,
    /// 3: an operation is burned once, a wish granted once, a payment credited once.
    NoDoubleCharge,
    /// 4: what a crashed isolate had not reported is at most its lease, and on record.
    BoundedLoss,
    /// 5: counters only grow, and used ≤ granted.
    Counters,
    /// 6: only what failed is refunded, and never more than was charged.
    Refund,
    /// 7: a 402 only if the account itself could not pay, lately.
    NoFalseDenial,
    /// 7: a 403 only if the key was not active.
    NoFalseRefusal,
    /// 7: without a crash nothing stays set aside.
    NoStranding,
    /// 8: the client stops spending before the account releases.
    ClientStopsFirst,
    /// 8: a revoked key stops with the lease.
    Revoked,
    /// 6: what is charged is the plan's price, whatever the interleaving.
    Rating,
    /// 9: the journal replays to the live state.
    Replay,
    /// Sums are exact, and what the simulator makes is valid.
    Exact,
}

/// Something that does not hold, found by the auditor.
#[derive(Debug)]
struct Broken {
    invariant: Invariant,
    expected: String,
    found: String,
}

impl Broken {
    fn new(invariant: Invariant, expected: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self { invariant, expected: expected.to_string(), found: found.to_string() }
    }
}

/// A broken invariant and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// The event, from 0; one more than the last if it was found at the end.
    pub step: usize,
    /// What does not hold.
    pub invariant: Invariant,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub found: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, step, invariant, expected, found } = self;
        write!(f, "seed {seed}, step {step}: {invariant:?}: expected {expected}, found {found}")
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What it had in it.
    pub tally: Tally,
    /// What broke, if anything did.
    pub violation: Option<Violation>,
    /// What happened, a line each, if it was to be told.
    pub story: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, steps: usize) -> Outcome {
    let (setup, events) = script(seed, steps);
    play(&setup, &events, false)
}

/// Runs these events, and then lets everything come to rest. `tells`: with a story.
pub fn play(setup: &Setup, events: &[Event], tells: bool) -> Outcome {
    let violation = |step, broken: Broken| {
        let Broken { invariant, expected, found } = broken;
        Some(Violation { seed: setup.seed, step, invariant, expected, found })
    };
    let mut world = match World::new(setup, tells) {
        Ok(world) => world,
        Err(broken) => return Outcome { violation: violation(0, broken), ..Outcome::default() },
    };
    let mut found = None;
    for (step, event) in events.iter().enumerate() {
        world.tally.note(Count::Steps);
        if let Err(broken) = world.step(event) {
            found = violation(step, broken);
            break;
        }
    }
    if found.is_none()
        && let Err(broken) = world.come_to_rest()
    {
        found = violation(events.len(), broken);
    }
    let mut story = world.story.take().unwrap_or_default();
    if tells {
        story.push(format!("           {}", audit::balances(&world.account.ledger)));
        story.extend(found.as_ref().map(Violation::to_string));
    }
    Outcome { tally: world.tally, violation: found, story }
}
