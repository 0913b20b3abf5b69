/**
 * The core, compiled to wasm: loaded once, when the first element asks for it.
 */

/** @typedef {typeof import("./pkg/edgemeter.js")} Core */

/** @type {Promise<Core> | undefined} */
let loaded;

/** @returns {Promise<Core>} */
export function loadCore() {
  loaded ??= load().catch((error) => {
    loaded = undefined;
    throw error;
  });
  return loaded;
}

async function load() {
  const core = await import("./pkg/edgemeter.js");
  await core.default();
  return core;
}
