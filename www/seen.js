/**
 * The last row of a journal that this browser has checked, and its hash. A journal that is written
 * anew, with hashes that fit each other, still does not have it.
 */

const KEY = "edge-meter.seen";
const keyOf = (/** @type {string} */ source, /** @type {string} */ account) =>
  `${KEY} ${source} ${account}`;

/** @typedef {{row: number, hash: string, at: number}} Seen */

/** @returns {Seen | undefined} */
export function lastSeen(/** @type {string} */ source, /** @type {string} */ account) {
  try {
    const { row, hash, at } = JSON.parse(localStorage.getItem(keyOf(source, account)) ?? "{}");
    const known = Number.isSafeInteger(row) && Number.isSafeInteger(at) && typeof hash === "string";
    return known ? { row, hash, at } : undefined;
  } catch {
    return undefined; // a browser that keeps nothing, or something else under this name
  }
}

export function remember(
  /** @type {string} */ source,
  /** @type {string} */ account,
  /** @type {Seen} */ seen,
) {
  try {
    localStorage.setItem(keyOf(source, account), JSON.stringify(seen));
    return true;
  } catch {
    return false; // a browser that keeps nothing
  }
}
