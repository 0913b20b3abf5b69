/**
 * The core, compiled to wasm, in two files: live numbers, which the first element asks for, and
 * bills, which take four times as much and wait for the first view of one. Each is loaded once.
 */

/** @typedef {typeof import("./pkg/edgemeter.js")} Core */
/** @typedef {typeof import("./pkg/bill.js")} Bill */

export const loadCore = once(async () => {
  const core = await import("./pkg/edgemeter.js");
  await core.default();
  return core;
});

export const loadBill = once(async () => {
  const bill = await import("./pkg/bill.js");
  await bill.default();
  return bill;
});

/**
 * The same answer for everybody who asks; a failure is forgotten, so that it can be tried again.
 *
 * @template T
 * @param {() => Promise<T>} load
 * @returns {() => Promise<T>}
 */
function once(load) {
  /** @type {Promise<T> | undefined} */
  let loaded;
  return () => loaded ??= load().catch((error) => {
    loaded = undefined;
    throw error;
  });
}
