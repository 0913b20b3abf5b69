/**
 * An answer's body on its way from the origin to the client, looked at chunk by chunk.
 *
 *   origin ─▶ reader ─▶ meter.chunk() ─▶ writer ─▶ client
 *                └── whole, broken, stopped, client gone ─▶ meter.end(), once
 *
 * One chunk is under way at a time: the next is read when the client's side has taken the last. So
 * nothing is held back, a slow client slows the origin down, and an answer of any length takes one
 * buffer.
 *
 *   const client = new Client(request.signal, drainMs);
 *   const response = await fetch(url, { signal: client.origin });
 *   const { body, done } = pump(response, meter, client);
 *   ctx.waitUntil(done);
 *   return new Response(body, response);
 *
 * Facts of workerd that this rests on:
 *
 *   - Once the client has gone, only what was given to `ctx.waitUntil` goes on, for 30 s. A handler
 *     that waits for the origin is dropped where it stands: its promise has to be given as well.
 *   - `request.signal` (flag `enable_request_signal`) tells of a reset connection at once. A mere
 *     FIN may be a client that only ends its own half: it shows when the next chunk is written. If
 *     there is none, everything was sent: the answer is whole.
 *   - Each read costs about 50 µs and gives at most what one frame of the connection holds; without
 *     a buffer of one's own, 4 KiB. To wait for more (`readAtLeast`) would hold chunks back.
 *   - Bodies encoded with gzip and br are read decoded, others as they are. What is written under
 *     `content-encoding` is encoded anew, and held back unless it is an event stream.
 */

/** Bytes of the first read; of one that fills its buffer, the next has four times as many. */
const ROOM_BYTES_MIN = 4_096;
/** More gains nothing: frames are smaller. */
const ROOM_BYTES_MAX = 65_536;

/** How long an origin may be read for nobody, in ms: `ctx.waitUntil` ends after 30 s. */
export const DRAIN_MS_MAX = 25_000;

/** What workerd logs if a client was waited for long enough, and is still there. */
const LEFT = new Error("nobody waits for this answer any more");

/** The client of one answer: whether it is still there, and what the origin is told if not. */
export class Client {
  gone = false;
  #drainMs;
  #timer;
  #limit;
  #writer;
  #ended = false;
  #abort = new AbortController();
  #signal;
  #leave = () => this.leave();

  /**
   * @param {AbortSignal | undefined} signal the request's
   * @param {number} drainMs how long the origin is read on for after the client has gone; 0: it
   *   is told at once
   * @param {number} [mostMs] how long the client is waited for; then it has gone
   */
  constructor(signal, drainMs, mostMs) {
    this.#drainMs = Math.min(drainMs, DRAIN_MS_MAX);
    this.#signal = signal;
    signal?.addEventListener("abort", this.#leave);
    if (mostMs !== undefined) this.#limit = setTimeout(this.#leave, mostMs);
    if (signal?.aborted) this.leave();
  }

  /** For the origin's fetch: aborted when nobody wants the answer any more. */
  get origin() {
    return this.#abort.signal;
  }

  /** @param {WritableStreamDefaultWriter} writer its side of the answer */
  takes(writer) {
    this.#writer = writer;
    writer.closed.catch(this.#leave);
    if (this.gone) writer.abort(LEFT).catch(ignored);
  }

  leave() {
    if (this.gone || this.#ended) return;
    this.gone = true;
    // A write that waits for the client ends by this.
    this.#writer?.abort(LEFT).catch(ignored);
    if (this.#drainMs > 0) this.#timer = setTimeout(() => this.#abort.abort(), this.#drainMs);
    else this.#abort.abort();
  }

  /**
   * The exchange is over: from now on nothing is a departure. `pump` calls it; without an answer
   * to pump it is the caller's.
   * @param {boolean} whole whether the origin has ended by itself; else it is told
   */
  end(whole) {
    this.#ended = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#limit);
    this.#signal?.removeEventListener("abort", this.#leave);
    if (!whole) this.#abort.abort();
  }
}

/** What a meter says to end the answer: these bytes are the last the client gets. */
export class Stop {
  /** @param {Uint8Array} [bytes] */
  constructor(bytes) {
    this.bytes = bytes;
  }
}

/**
 * How an answer ended:
 *
 *   whole    the origin sent it to its end
 *   broken   the origin broke off; the client sees that
 *   stopped  the meter stopped it; the client sees a clean end
 *   gone     the client went away, and the rest is not known
 *   drained  the client went away, and the meter saw the answer to its end all the same
 *
 * @typedef {"whole" | "broken" | "stopped" | "gone" | "drained"} Ending
 *
 * @typedef {Uint8Array | Stop | undefined} Put bytes in the place of a chunk; undefined: itself
 *
 * @typedef {{
 *   keeps?: boolean,
 *   chunk(bytes: Uint8Array): Put | Promise<Put>,
 *   end(how: Ending): Uint8Array | undefined,
 * }} Meter
 *   `keeps`: it changes nothing and never stops, so the length that the origin stated holds.
 *   `chunk` sees each chunk once; the bytes are there until it has answered. A promise holds the
 *   answer up, and the origin too. A meter that throws breaks the answer off. What `end` gives for
 *   a whole answer is put behind it.
 */

/**
 * Sets an answer going.
 * @param {Response} response the origin's; its fetch was given `client.origin`
 * @param {Meter} meter
 * @param {Client} client
 * @returns {{ body: ReadableStream | null, done: Promise<Ending> }} `done` is for
 *   `ctx.waitUntil`; it never rejects
 */
export function pump(response, meter, client) {
  if (response.body === null) return { body: null, done: Promise.resolve(nothing(meter, client)) };
  const length = meter.keeps ? statedLength(response.headers) : undefined;
  const { readable, writable } =
    length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length);
  return { body: readable, done: carry(response.body, writable.getWriter(), meter, client) };
}

function nothing(meter, client) {
  const how = client.gone ? "drained" : "whole";
  client.end(true);
  tell(meter, how);
  return how;
}

async function carry(source, writer, meter, client) {
  client.takes(writer);
  const write = async (bytes) => {
    if (bytes.length === 0 || client.gone) return;
    await writer.write(bytes).catch(() => client.leave());
  };
  let how, reason;
  try {
    how = await relay(source, meter, write);
  } catch (error) {
    [how, reason] = ["broken", error];
    if (!client.gone) console.error(`answer broken off: ${error}`);
  }
  if (client.gone) how = how === "whole" ? "drained" : "gone";
  client.end(how === "whole" || how === "drained");
  const more = tell(meter, how);
  if (how === "whole" && more !== undefined) await write(more);
  if (how === "broken") await writer.abort(reason).catch(ignored);
  else if (!client.gone) await writer.close().catch(ignored);
  return how;
}

/** Reads until the origin or the meter ends it; an origin that breaks off throws. */
async function relay(source, meter, write) {
  const reader = source.getReader({ mode: "byob" });
  reader.closed.catch(ignored);
  let room = new ArrayBuffer(ROOM_BYTES_MIN);
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(room));
    if (done) return "whole";
    const put = await meter.chunk(value);
    if (put instanceof Stop) {
      if (put.bytes !== undefined) await write(put.bytes);
      return "stopped";
    }
    await write(put ?? value);
    room = value.buffer;
    if (value.length === room.byteLength && room.byteLength < ROOM_BYTES_MAX) {
      room = new ArrayBuffer(4 * room.byteLength);
    }
  }
}

/**
 * Makes an answer's headers say what a read of its body gives: not encoded, if it was by gzip or
 * br. A body of any other encoding no meter can read; the request should ask for `identity`.
 * @param {Headers} headers of the answer to the client, changed in place
 * @returns {boolean} whether the body is read as plain bytes
 */
export function decode(headers) {
  const encoding = headers.get("content-encoding")?.trim().toLowerCase();
  if (encoding === undefined || encoding === "identity") return true;
  if (encoding !== "gzip" && encoding !== "br") return false;
  headers.delete("content-encoding");
  headers.delete("content-length");
  return true;
}

/** Of the bytes that are read here: encoded ones had another. */
function statedLength(headers) {
  const length = headers.get("content-length");
  const plain = !headers.has("content-encoding") && /^\d{1,15}$/.test(length ?? "");
  return plain ? Number(length) : undefined;
}

/** Whatever goes wrong at a meter's end, the client gets its answer. */
function tell(meter, how) {
  try {
    return meter.end(how);
  } catch (error) {
    console.error(`meter: ${error}`);
    return undefined;
  }
}

/** It was said elsewhere, or there is nobody left to tell. */
const ignored = () => {};
