//! Laws of plans and rating, each next to an oracle that is written differently: in fractions of
//! big integers, tier by tier or unit by unit, from the plan's own JSON.
//!
//! `SEED=n` replays a run, `CASES=n` sets its length. A failure names the seed and the plan.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test may panic, its helpers too"
)]

mod allocation;
mod ceiling;
mod events;
mod explanation;
mod generate;
mod hash;
mod number;
mod oracle;
mod run;
mod totals;

use std::env;

/// SplitMix64: small, seedable, the same on every platform.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for index in (1..list.len()).rev() {
            list.swap(index, self.below(index as u64 + 1) as usize);
        }
    }
}

fn variable(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Runs `law` on many seeds; the first one that panics is named.
fn cases(count: u64, law: impl Fn(&mut Rng)) {
    let first = variable("SEED", 1);
    for seed in first..first + variable("CASES", count) {
        let run = std::panic::AssertUnwindSafe(|| law(&mut Rng(seed)));
        if let Err(panic) = std::panic::catch_unwind(run) {
            println!("replay with SEED={seed} CASES=1");
            std::panic::resume_unwind(panic);
        }
    }
}
