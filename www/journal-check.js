/**
 * Checks a bill against the journal that it was made from, as the journal arrives.
 *
 *   GET …/journal?after=n ── pages, the next one asked for while this one is checked
 *        └─ slices of bytes ──▶ bill.BillCheck ──▶ progress … verdict
 *
 * It works in the page's own thread, in slices that end before a frame does: a worker would have to
 * come from the page's own origin, which an element on somebody else's page cannot promise.
 */

const PAGE_ROWS = 1000;
const SLICE_BYTES = 16_384;
/** A slice's worth of work; what is left of a frame is the page's. */
const SLICE_MS = 8;
const NEWLINE = 10;

/** @typedef {import("./pkg/bill.js").CheckProgress} CheckProgress */
/** @typedef {CheckProgress & {part: number}} Progress `part` of the rows */
/** @typedef {{after: number, last: number}} Rows those after the first, up to the second */

/**
 * The rows that a check needs: those that it asks for; all up to the one that seals a bill that
 * was written; and all between them and a row that was seen before.
 *
 * @param {number} after what the check asks for
 * @param {number} last the bill's last row
 * @param {{sealed?: number, seen?: {row: number}}} options `sealed`: by which row
 * @returns {Rows}
 */
export function rowsFor(after, last, { sealed, seen }) {
  const end = sealed ?? last;
  if (!seen) return { after, last: end };
  return { after: Math.min(after, seen.row - 1), last: Math.max(end, seen.row) };
}

/**
 * @param {object} context
 * @param {import("./api.js").Api} context.api
 * @param {import("./pkg/bill.js").BillCheck} context.check finished here
 * @param {Rows} context.rows
 * @param {(progress: Progress) => void} context.onProgress
 * @param {AbortSignal} context.signal
 * @returns {Promise<import("./pkg/bill.js").Verdict>}
 */
export async function checkJournal({ api, check, rows, onProgress, signal }) {
  const { after: start, last } = rows;
  const page = async (/** @type {number} */ after) => {
    const limit = Math.min(PAGE_ROWS, last - after);
    const stream = await api.stream(`journal?after=${after}&limit=${limit}`, signal);
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  let after = start;
  let next = after < last ? page(after) : undefined;
  while (next) {
    const bytes = await next;
    const [from, count] = [after, lines(bytes)];
    after += count;
    next = count > 0 && after < last ? page(after) : undefined;
    next?.catch(() => {}); // it is awaited in the next round, unless this one is given up
    for await (const [progress, done] of slices(check, bytes)) {
      signal.throwIfAborted();
      onProgress({ ...progress, part: (from - start + count * done) / (last - start) });
    }
  }
  return check.finish();
}

/**
 * Gives the bytes to the check, and the page its frames.
 *
 * @param {import("./pkg/bill.js").BillCheck} check
 * @param {Uint8Array} bytes
 * @returns {AsyncGenerator<[CheckProgress, number]>} and the part that is done
 */
async function* slices(check, bytes) {
  let began = performance.now();
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) {
    const progress = check.take(bytes.subarray(at, at + SLICE_BYTES));
    const isLast = at + SLICE_BYTES >= bytes.length;
    if (!isLast && performance.now() - began < SLICE_MS) continue;
    yield [progress, Math.min(1, (at + SLICE_BYTES) / bytes.length)];
    await breath();
    began = performance.now();
  }
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
