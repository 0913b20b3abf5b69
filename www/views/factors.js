/**
 * Factors of a slider, from a tenth to ten times: 0.10, 0.11, … 1, 1.1, … 10. Round numbers, so
 * that what is asked is what is written, spaced nearly as logarithms are.
 *
 *   position   0 … 35 … 70
 *   factor   0.1 …  1 … 10
 */

/** Of one decade: from 1 to 2 in tenths, to 5 in fifths, to 10 in halves. In hundredths. */
const DECADE = [
  ...Array.from({ length: 10 }, (_, step) => 100 + step * 10),
  ...Array.from({ length: 15 }, (_, step) => 200 + step * 20),
  ...Array.from({ length: 10 }, (_, step) => 500 + step * 50),
];

/** The last position. */
export const LAST = 2 * DECADE.length;
/** The position of 1. */
export const UNCHANGED = DECADE.length;

/** The factor at a position, as a decimal. */
export function factorAt(/** @type {number} */ position) {
  if (position >= LAST) return "10";
  const digits = DECADE[position % DECADE.length];
  const below = position < UNCHANGED;
  const text = (digits / (below ? 1000 : 100)).toFixed(below ? 3 : 2);
  return text.replace(/\.?0+$/, "");
}

/** The position of a factor that the scale has. */
export function positionOf(/** @type {string} */ factor) {
  for (let position = 0; position <= LAST; position += 1) {
    if (factorAt(position) === factor) return position;
  }
  throw new RangeError(`no position has the factor ${factor}`);
}
