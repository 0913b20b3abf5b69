/**
 * Checks a bill against the journal that it was made from, as the journal arrives.
 *
 *   GET …/journal?after=n ── pages, the next one asked for while this one is checked
 *        └─ slices of bytes ──▶ core.BillCheck ──▶ progress … finding | verdict
 *
 * It works in the page's own thread, in slices that end before a frame does: a worker would have to
 * come from the page's own origin, which an element on somebody else's page cannot promise.
 */

const PAGE_ROWS = 1000;
const SLICE_BYTES = 16_384;
/** A slice's worth of work; what is left of a frame is the page's. */
const SLICE_MS = 8;
const NEWLINE = 10;

/** @typedef {{rows: number, operations: number, finding?: import("./pkg/edgemeter.js").Finding}} Taken */

/**
 * @param {object} context
 * @param {import("./api.js").Api} context.api
 * @param {import("./pkg/edgemeter.js").BillCheck} context.check freed here
 * @param {{after: number, rows: number}} context.journal rows of the bill: (after, rows]
 * @param {(progress: Taken & {part: number}) => void} context.onProgress
 * @param {AbortSignal} context.signal
 * @returns {Promise<import("./pkg/edgemeter.js").Verdict | undefined>} nothing if it was given up
 */
export async function checkJournal({ api, check, journal, onProgress, signal }) {
  const { after: start, rows: last } = journal;
  const page = async (/** @type {number} */ after) => {
    const limit = Math.min(PAGE_ROWS, last - after);
    const stream = await api.stream(`journal?after=${after}&limit=${limit}`, signal);
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  try {
    let after = start;
    let next = after < last ? page(after) : undefined;
    while (next) {
      const bytes = await next;
      const count = lines(bytes);
      const from = after;
      after += count;
      next = count > 0 && after < last ? page(after) : undefined;
      next?.catch(() => {}); // it is awaited in the next round, unless this one finds something
      for await (const [taken, done] of slices(check, bytes)) {
        if (signal.aborted) return undefined;
        onProgress({ ...taken, part: (from - start + count * done) / (last - start) });
        if (taken.finding) return check.finish();
      }
    }
    return check.finish();
  } finally {
    check.free();
  }
}

/** Gives the bytes to the check, and the page its frames. */
async function* slices(check, /** @type {Uint8Array} */ bytes) {
  let began = performance.now();
  let taken;
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    taken = check.take(bytes.subarray(at, at + SLICE_BYTES));
    if (!taken.finding && performance.now() - began < SLICE_MS) continue;
    yield [taken, Math.min(1, (at + SLICE_BYTES) / bytes.length)];
    if (taken.finding) return;
    await breath();
    began = performance.now();
  }
  if (taken) yield [taken, 1];
}

/** Lets the page paint and react; a timer would be slowed down in a tab that nobody looks at. */
function breath() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve(undefined);
    };
    port2.postMessage(undefined);
  });
}

function lines(/** @type {Uint8Array} */ bytes) {
  let count = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count += 1;
  return count;
}
