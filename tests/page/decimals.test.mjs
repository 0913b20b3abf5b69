/**
 * The page's own arithmetic, without a browser: exact sums against big.js, the scale of factors,
 * and words of formulas.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import Big from "big.js";
import { isZero, minus, negated, plus, rounded } from "../../www/views/decimals.js";
import { factorAt, LAST, positionOf, UNCHANGED } from "../../www/views/factors.js";
import { ruleWords, signed, sumWords } from "../../www/views/words.js";

/** Numbers below `end` that are the same for a seed. */
function chance(seed) {
  let state = seed;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

test("sums and differences are exact, to any length", () => {
  for (let seed = 1; seed <= 2_000; seed += 1) {
    const below = chance(seed);
    const digits = (count) => Array.from({ length: count }, () => below(10)).join("");
    const decimal = () => {
      const fraction = below(3) === 0 ? "" : `.${digits(1 + below(12))}`;
      return `${below(2) === 0 ? "" : "-"}${below(10)}${digits(below(20))}${fraction}`;
    };
    const [left, right] = [decimal(), decimal()];
    const exact = (text) => Big(text).toFixed();
    const expected = { plus: Big(left).plus(right), minus: Big(left).minus(right) };
    assert.equal(exact(plus(left, right)), exact(expected.plus), `SEED=${seed}`);
    assert.equal(exact(minus(left, right)), exact(expected.minus), `SEED=${seed}`);
    assert.equal(exact(negated(left)), exact(Big(left).times(-1)), `SEED=${seed}`);
    assert.equal(isZero(minus(left, left)), true, `SEED=${seed}`);
    const places = below(8);
    const nearest = Big(left).round(places, Big.roundHalfUp).toFixed();
    assert.equal(exact(rounded(left, places)), exact(nearest), `SEED=${seed}`);
  }
  assert.throws(() => minus("1e3", "0"), /1e3 is not a decimal/);
});

test("factors rise from a tenth to ten, one in the middle, each at its position", () => {
  const factors = Array.from({ length: LAST + 1 }, (_, position) => factorAt(position));
  assert.deepEqual([factors[0], factors[UNCHANGED], factors[LAST]], ["0.1", "1", "10"]);
  factors.forEach((factor, position) => {
    assert.equal(positionOf(factor), position);
    if (position > 0) assert.ok(Big(factor).gt(factors[position - 1]), factor);
    // Nearly logarithmic: no further than a tenth of a decade from where the logarithm stands.
    const exact = UNCHANGED * (1 + Math.log10(Number(factor)));
    assert.ok(Math.abs(exact - position) < UNCHANGED / 10, factor);
  });
});

const format = {
  number: (text) => new Intl.NumberFormat("de-DE", { maximumFractionDigits: 12 }).format(text),
  instant: (millis) => `at ${millis}`,
};

test("formulas are written as the reader writes numbers", () => {
  for (const [formula, expected] of [
    ["1500000 × 0.001", "1.500.000 × 0,001"],
    ["max(0, 18059974 − 1000000)", "max(0; 18.059.974 − 1.000.000)"],
    ["ceiling(max(0, 1500.5 − 0) / 1000, 0)", "round up(max(0; 1.500,5 − 0) / 1.000; 0)"],
    ["half_up(-3.25, 1)", "round(-3,25; 1)"],
    ["12 × 3 × 15/30 days", "12 × 3 × 15/30 days"],
  ]) {
    assert.equal(sumWords(formula, format), expected);
  }
  assert.equal(signed("0.5", format.number), "+0,5");
  assert.equal(signed("-0.5", format.number), "-0,5");
  assert.equal(signed("0", format.number), "0");
});

test("rules are said in words, and an unknown one is not hidden", () => {
  for (const [rule, about, expected] of [
    ["tier", "(0, 1000]", "The first 1.000 units"],
    ["tier", "(1000, 5000]", "Units from 1.000 to 5.000"],
    ["tier", "(1000, ∞)", "Units above 1.000"],
    ["tier", "(0, ∞)", "All units"],
    ["window", "1700000000000", "Window of at 1700000000000"],
    ["combination", "model=<b>, kind=input", "model=<b>, kind=input"],
    ["included", "", "Included units taken off"],
    ["a_new_rule", "", "a new rule"],
  ]) {
    assert.equal(ruleWords({ rule, about }, format), expected);
  }
});
