//! Sharing out money: the parts sum to the whole, and none is a minor unit off its exact share.

use edgemeter::units::{Currency, Money};
use num_traits::Signed;

use super::cases;
use super::number::fraction;

#[test]
fn parts_sum_to_the_whole_and_are_nearest() {
    cases(3000, |rng| {
        let currency: Currency = rng.pick(&["JPY", "USD", "KWD"]).parse().unwrap();
        let total = rng.below(100_000) as i64 - 30_000;
        let count = 1 + rng.below(8);
        let mut weights: Vec<i64> = (0..count).map(|_| rng.below(50) as i64).collect();
        weights[0] += 1;
        let money = Money::from_minor(total, currency).unwrap();
        let parts = money.allocate(&weights).unwrap();
        let minor: Vec<i64> = parts.iter().map(|part| part.minor()).collect();
        assert_eq!(minor.iter().sum::<i64>(), total, "{weights:?}");

        let sum = fraction(&weights.iter().sum::<i64>().to_string());
        for (index, (part, weight)) in minor.iter().zip(&weights).enumerate() {
            let share = fraction(&total.to_string()) * fraction(&weight.to_string()) / &sum;
            let off = fraction(&part.to_string()) - &share;
            assert!(off.abs() < fraction("1"), "{total} by {weights:?}: {minor:?}");
            // Largest remainder: who got a unit more had no smaller remainder than who did not.
            let remainder = share.abs().fract();
            let got_more = part.unsigned_abs() > weight_floor(&share);
            for (other, (theirs, weight)) in minor.iter().zip(&weights).enumerate() {
                let share = fraction(&total.to_string()) * fraction(&weight.to_string()) / &sum;
                let they_did_not = theirs.unsigned_abs() == weight_floor(&share);
                let ahead = share.abs().fract() > remainder
                    || (share.abs().fract() == remainder && other < index);
                assert!(!(got_more && they_did_not && ahead), "{total} by {weights:?}: {minor:?}");
            }
        }
    });
}

fn weight_floor(share: &super::number::Fraction) -> u64 {
    share.abs().floor().to_integer().try_into().unwrap()
}
