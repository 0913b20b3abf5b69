/**
 * Rust that panics takes the isolate's memory with it, and the next call has a new one. Whoever is
 * in the middle of a synchronous call gets the error; whoever waits for a promise of Rust's would
 * wait for ever: the future that should fulfil it is forgotten.
 */

/** How often one that waits looks whether it is still remembered, in ms. */
const LOOK_MS = 100;

/** Panics of this isolate so far. */
let panics = 0;

/** Counts a panic; of other errors, nothing. */
export function note(error) {
  if (error instanceof WebAssembly.RuntimeError) panics += 1;
}

/** A synchronous call into Rust: its panic is the caller's to know, and everyone's who waits. */
export function noted(call) {
  try {
    return call();
  } catch (error) {
    note(error);
    throw error;
  }
}

/** A promise of Rust's, for `ms` at most, and not after a panic. */
export async function remembered(promise, ms) {
  const before = panics;
  const end = Date.now() + ms;
  let answered = false;
  const forgotten = async () => {
    while (!answered && panics === before && Date.now() < end) await scheduler.wait(LOOK_MS);
    throw new Error("forgotten by Rust, or no answer in time");
  };
  return Promise.race([promise, forgotten()]).finally(() => (answered = true));
}
