/**
 * Exact sums and differences of decimals, for what the core is not asked about: how far two of its
 * answers are apart.
 */

const DECIMAL = /^(-?)([0-9]+)(?:\.([0-9]+))?$/;

/** @returns {string} `left − right`, without zeros at its end */
export function minus(/** @type {string} */ left, /** @type {string} */ right) {
  const places = Math.max(fraction(left), fraction(right));
  return written(units(left, places) - units(right, places), places);
}

/** @returns {string} `left + right`, without zeros at its end */
export function plus(/** @type {string} */ left, /** @type {string} */ right) {
  return minus(left, negated(right));
}

/** To so many places, a half away from zero. */
export function rounded(/** @type {string} */ decimal, /** @type {number} */ places) {
  const { sign, whole, rest } = parts(decimal);
  if (rest.length <= places) return decimal;
  const size = BigInt(whole + rest.slice(0, places)) + (rest[places] >= "5" ? 1n : 0n);
  return written(sign ? -size : size, places);
}

export const isZero = (/** @type {string} */ decimal) => !/[1-9]/.test(decimal);

/** The decimal with the other sign. */
export function negated(/** @type {string} */ decimal) {
  if (isZero(decimal)) return decimal;
  return decimal.startsWith("-") ? decimal.slice(1) : `-${decimal}`;
}

function parts(/** @type {string} */ decimal) {
  const found = DECIMAL.exec(decimal);
  if (!found) throw new RangeError(`${decimal} is not a decimal`);
  const [, sign, whole, rest = ""] = found;
  return { sign, whole, rest };
}

const fraction = (/** @type {string} */ decimal) => parts(decimal).rest.length;

function units(/** @type {string} */ decimal, /** @type {number} */ places) {
  const { sign, whole, rest } = parts(decimal);
  return BigInt(sign + whole + rest.padEnd(places, "0"));
}

function written(/** @type {bigint} */ count, /** @type {number} */ places) {
  const sign = count < 0n ? "-" : "";
  const digits = `${count < 0n ? -count : count}`.padStart(places + 1, "0");
  const whole = digits.slice(0, digits.length - places);
  const rest = digits.slice(digits.length - places).replace(/0+$/, "");
  return sign + whole + (rest ? `.${rest}` : "");
}
