//! `edgemeter simulate`: credit control under every fault that we know of, seed by seed.
//!
//! ```text
//! seeds ─▶ jobs ─▶ simulation::run ─▶ summary            exit code 0
//!                        └─ violation ─▶ shrink ─▶ story   exit code 1, and how to run it again
//! ```

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use clap::Args;
use edgemeter::simulation::{self, Count, Tally, Violation};

use crate::failure::Failure;
use crate::stopwatch::Stopwatch;
use crate::table;

/// A failure is made smaller for at most so long.
const SHRINK: Duration = Duration::from_secs(20);
/// A terminal sees progress this often, anything else every five seconds.
const PROGRESS: Duration = Duration::from_millis(500);
const PROGRESS_IN_A_LOG: Duration = Duration::from_secs(5);
/// So many violations are listed; the first one is told.
const VIOLATIONS: usize = 20;
/// Stories are told to this length from their end, unless all is asked for.
const STORY_LINES: usize = 200;

/// Options of `edgemeter simulate`.
///
/// Isolates, an account and a network that delays, drops, repeats and reorders, in virtual time:
/// crashes of both between any two statements, clocks that jump, alarms that come late, twice or
/// never. An auditor with a simpler model checks after every step that nothing is overspent,
/// charged twice, refused wrongly or lost beyond the record. A seed gives the same run everywhere.
#[derive(Args)]
pub(crate) struct Simulate {
    /// How many seeds to run.
    #[arg(long, value_name = "N", default_value_t = 100)]
    seeds: u64,
    /// The first seed; the others follow it.
    #[arg(long, value_name = "S", default_value_t = 0)]
    first_seed: u64,
    /// Events of each run.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    steps: usize,
    /// Threads.
    #[arg(long, value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u64).range(1..=256))]
    jobs: u64,
    /// Instead: what the protocol costs and leaves under ordinary traffic, as a table; exit code 1
    /// if a row misses what is asked of it.
    #[arg(long, conflicts_with_all = ["seeds", "steps"])]
    scenarios: bool,
}

impl Simulate {
    /// Runs, and returns what to print.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        if self.scenarios {
            return crate::scenarios::table(self.first_seed);
        }
        let watch = Stopwatch::start();
        let (tally, mut violations) = self.all(&watch);
        let mut text = self.summary(&tally, &watch);
        violations.sort_by_key(|violation| violation.seed);
        let Some(first) = violations.first() else { return Ok(text) };
        text.push('\n');
        for violation in violations.iter().take(VIOLATIONS) {
            text.push_str(&format!("{violation}\n"));
        }
        text.push_str(&self.story(first));
        crate::print(&text)?;
        let seeds: Vec<String> = violations.iter().map(|v| v.seed.to_string()).collect();
        let (count, steps) = (seeds.len(), self.steps);
        Err(Failure::new(format!(
            "{count} of {} seeds broke an invariant: {}\nrun one again: edgemeter simulate \
             --first-seed {} --seeds 1 --steps {steps}",
            self.seeds,
            seeds.join(", "),
            first.seed,
        )))
    }

    /// Every seed, on `jobs` threads.
    fn all(&self, watch: &Stopwatch) -> (Tally, Vec<Violation>) {
        let next = AtomicU64::new(0);
        let (sender, receiver) = mpsc::channel();
        let (mut tally, mut violations, mut done) = (Tally::default(), Vec::new(), 0_u64);
        std::thread::scope(|scope| {
            for _ in 0..self.jobs.min(self.seeds) {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        if index >= self.seeds {
                            break;
                        }
                        let seed = self.first_seed.saturating_add(index);
                        if sender.send(simulation::run(seed, self.steps)).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(sender);
            let mut progress = Progress::new(self.seeds);
            for outcome in receiver {
                done = done.saturating_add(1);
                // Credits of all seeds that leave their range are not worth a failure.
                let _ = tally.add(&outcome.tally);
                violations.extend(outcome.violation);
                progress.show(done, violations.len(), watch);
            }
            progress.end();
        });
        (tally, violations)
    }

    fn summary(&self, tally: &Tally, watch: &Stopwatch) -> String {
        let mut rows = vec![vec!["seeds".to_owned(), self.seeds.to_string()]];
        for count in Count::ALL {
            let fault = match count.fault() {
                0 => String::new(),
                fault => format!("fault {fault}"),
            };
            rows.push(vec![count.text().to_owned(), tally.get(*count).to_string(), fault]);
        }
        rows.push(vec!["credits served".to_owned(), tally.credits.to_string()]);
        rows.push(vec!["seconds".to_owned(), watch.seconds()]);
        table::layout(&rows)
    }

    /// The smallest run that breaks the same, told.
    fn story(&self, violation: &Violation) -> String {
        let (setup, events) = simulation::script(violation.seed, self.steps);
        let watch = Stopwatch::start();
        let mut may_go_on = || watch.elapsed() < SHRINK;
        let (count, outcome) = simulation::shrink(&setup, &events, violation, &mut may_go_on);
        let mut text = format!(
            "\nseed {} again, with {count} of {} events (seconds of virtual time):\n\n",
            violation.seed,
            events.len()
        );
        let skipped = outcome.story.len().saturating_sub(STORY_LINES);
        if skipped > 0 {
            text.push_str(&format!("  … {skipped} lines before …\n"));
        }
        for line in outcome.story.iter().skip(skipped) {
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// Tells how far it is, on standard error.
struct Progress {
    seeds: u64,
    every: Duration,
    last: Duration,
    is_terminal: bool,
    shown: bool,
}

impl Progress {
    fn new(seeds: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let every = if is_terminal { PROGRESS } else { PROGRESS_IN_A_LOG };
        Self { seeds, every, last: Duration::ZERO, is_terminal, shown: false }
    }

    fn show(&mut self, done: u64, violations: usize, watch: &Stopwatch) {
        let elapsed = watch.elapsed();
        if elapsed.saturating_sub(self.last) < self.every {
            return;
        }
        (self.last, self.shown) = (elapsed, true);
        let tenths = done.saturating_mul(10_000);
        let tenths = u128::from(tenths).checked_div(elapsed.as_millis().max(1)).unwrap_or(0);
        let left = u128::from(self.seeds.saturating_sub(done)).saturating_mul(10);
        let left = left.checked_div(tenths.max(1)).unwrap_or(0);
        let (whole, part) = (tenths.div_euclid(10), tenths.rem_euclid(10));
        let line = format!(
            "{done} of {} seeds, {whole}.{part} a second, {left} s to go, {violations} violations",
            self.seeds
        );
        let (before, after) = if self.is_terminal { ("\r", "  ") } else { ("", "\n") };
        // Progress that cannot be shown is no failure.
        let _ = write!(std::io::stderr(), "{before}{line}{after}");
    }

    fn end(&self) {
        if self.is_terminal && self.shown {
            let _ = writeln!(std::io::stderr());
        }
    }
}
