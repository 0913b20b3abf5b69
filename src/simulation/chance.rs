//! Chance that can be repeated: a seed gives the same numbers on every platform.
//!
//! Each decision of the world draws from a generator of its own, whose seed is mixed from what
//! caused it. So leaving one decision out does not change the others, and a failure can be shrunk.

/// SplitMix64: small, seedable, good enough to choose faults with.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `0..end`; 0 if there is none.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    pub(super) fn millis(&mut self, end: i64) -> i64 {
        i64::try_from(self.below(end.unsigned_abs())).unwrap_or(0)
    }

    pub(super) fn slot(&mut self, slots: u8) -> u8 {
        u8::try_from(self.below(u64::from(slots))).unwrap_or(0)
    }

    pub(super) fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of the choices; the first of an empty list is nobody's, so there is a default.
    pub(super) fn of<T: Copy + Default>(&mut self, choices: &[T]) -> T {
        let len = u64::try_from(choices.len()).unwrap_or(0);
        let index = usize::try_from(self.below(len)).unwrap_or(0);
        choices.get(index).copied().unwrap_or_default()
    }
}

/// A seed of its own for a consequence of `cause`.
pub(super) fn mix(cause: u64, salt: u64) -> u64 {
    Chance(cause ^ salt.wrapping_mul(0xD6E8_FEB8_6659_FD93)).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_the_same_everywhere() {
        let mut chance = Chance::new(7);
        let drawn: Vec<u64> = (0..4).map(|_| chance.below(1_000)).collect();
        let mut again = Chance::new(7);
        assert_eq!(drawn, (0..4).map(|_| again.below(1_000)).collect::<Vec<_>>());
        assert_ne!(mix(7, 1), mix(7, 2));
        assert_eq!(Chance::new(1).below(0), 0);
    }
}
