/**
 * The last row of a journal that this browser has checked, and its hash. A journal that is written
 * anew, with hashes that fit each other, still does not have it.
 */

const keyOf = (/** @type {URL} */ account) => `edge-meter.seen ${account.href}`;

/** @typedef {{row: number, hash: string, at: number}} Seen */

/** @returns {Seen | undefined} */
export function lastSeen(/** @type {URL} */ account) {
  try {
    const { row, hash, at } = JSON.parse(localStorage.getItem(keyOf(account)) ?? "{}");
    const known = Number.isSafeInteger(row) && Number.isSafeInteger(at) && typeof hash === "string";
    return known ? { row, hash, at } : undefined;
  } catch {
    return undefined; // a browser that keeps nothing, or something else under this name
  }
}

export function remember(/** @type {URL} */ account, /** @type {Seen} */ seen) {
  try {
    localStorage.setItem(keyOf(account), JSON.stringify(seen));
  } catch {
    // A browser that keeps nothing: the next check knows less, and is as good as this one.
  }
}
