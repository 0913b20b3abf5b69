/**
 * What the gateway answers about one account: `api.get("usage?step=hour")`.
 *
 * The token travels in a header, never in an address. Paths are relative to the account; errors
 * are {@link ApiError}s with the gateway's own code and words.
 */

/** How long an answer may take to begin, in ms. */
const ANSWER_MS = 30_000;
/** And how long the gateway may ask to wait before an account is read on, in s. */
const WAIT_S_MAX = 60;

/** A question that got no answer: `status` 0 if nobody was reached. */
export class ApiError extends Error {
  /** @param {number} status @param {string} code stable @param {string} detail for people */
  constructor(status, code, detail) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
  }
}

export class Api {
  #source;
  #session;
  #onRefused;
  #onWaiting;
  #ends;
  /** Questions that the gateway has asked to wait. */
  #waiting = 0;

  /**
   * @param {URL} source the gateway's base, with a slash at its end
   * @param {() => {account: string, token: string}} session as it is now: tokens are renewed
   * @param {() => void} onRefused called when the gateway does not take the token any more
   * @param {(is: boolean) => void} onWaiting called when questions begin and end to wait, since
   *   much of the account was read just now
   * @param {AbortSignal} ends no question outlives it
   */
  constructor(source, session, onRefused, onWaiting, ends) {
    this.#source = source;
    this.#session = session;
    this.#onRefused = onRefused;
    this.#onWaiting = onWaiting;
    this.#ends = ends;
  }

  /**
   * The address of something of the account: "" is the account itself.
   *
   * @param {string} path relative, with its query
   */
  url(path) {
    const account = `v1/accounts/${encodeURIComponent(this.#session().account)}`;
    return new URL(path ? `${account}/${path}` : account, this.#source);
  }

  /** @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>} the JSON */
  async get(path, signal) {
    return (await this.#ask(path, signal)).json();
  }

  /** @param {string} path @param {AbortSignal} [signal] */
  async text(path, signal) {
    return (await this.#ask(path, signal)).text();
  }

  /**
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @returns {Promise<ReadableStream<Uint8Array>>}
   */
  async stream(path, signal) {
    const { body } = await this.#ask(path, signal);
    return body ?? new Blob([]).stream();
  }

  /** @param {string} path @param {AbortSignal} [asker] */
  async #ask(path, asker) {
    const signal = asker ? AbortSignal.any([asker, this.#ends]) : this.#ends;
    let response = await this.#fetch(path, signal);
    if (response.status === 429) response = await this.#again(response, path, signal);
    if (response.ok) return response;
    if (response.status === 401) this.#onRefused();
    const problem = await response.json().catch(() => ({}));
    const detail = typeof problem.detail === "string"
      ? problem.detail
      : `the gateway answered with ${response.status}`;
    throw new ApiError(response.status, `${problem.code ?? `http_${response.status}`}`, detail);
  }

  /**
   * The answer that comes once the gateway does not ask to wait any more.
   *
   * @param {Response} response @param {string} path @param {AbortSignal} signal
   */
  async #again(response, path, signal) {
    this.#waits(1);
    try {
      while (response.status === 429) {
        await pause(Number(response.headers.get("retry-after")), signal);
        response = await this.#fetch(path, signal);
      }
      return response;
    } finally {
      this.#waits(-1);
    }
  }

  #waits(/** @type {1 | -1} */ change) {
    const before = this.#waiting > 0;
    this.#waiting += change;
    const is = this.#waiting > 0;
    if (is !== before) this.#onWaiting(is);
  }

  /** @param {string} path @param {AbortSignal} signal */
  async #fetch(path, signal) {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), ANSWER_MS);
    const headers = { authorization: `Bearer ${this.#session().token}` };
    try {
      return await fetch(this.url(path), {
        headers,
        signal: AbortSignal.any([signal, patience.signal]),
        credentials: "omit",
        cache: "no-store",
      });
    } catch (error) {
      if (signal.aborted) throw error;
      throw new ApiError(0, "unreachable", "the gateway was not reached: check the connection");
    } finally {
      clearTimeout(timer);
    }
  }
}

/**
 * As long as the gateway asks for, or until it is not wanted any more.
 *
 * @param {number} seconds @param {AbortSignal} signal
 */
async function pause(seconds, signal) {
  const millis = Math.min(Math.max(seconds || 1, 1), WAIT_S_MAX) * 1000;
  await new Promise((resolve) => {
    const timer = setTimeout(resolve, millis);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(undefined);
    }, { once: true });
  });
  signal.throwIfAborted();
}
