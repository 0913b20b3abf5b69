/**
 * The live socket: one connection at a time, tried again until the token ends.
 *
 *   connecting ──▶ live ──▶ reconnecting | offline ──▶ live …
 *                       └─▶ expired, unlisted (close codes 4401, 4403)   stopped (by the page)
 *
 * The socket counts as live when the page says that a snapshot arrived, not when it opens. Silence
 * is not trusted: the page gives a sign of life twice a minute, which the platform answers without
 * waking the account; without an answer the connection is lost, whatever the browser believes, and
 * a page without one is gone, whatever the account believes.
 */

/** What ends it for good: the token's end, and a site that the operator does not list. */
const ENDINGS = new Map([[4401, "expired"], [4403, "unlisted"]]);
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30_000;
/** A connection that lived this long was a good one: the next backoff starts over. */
const STEADY_MS = 10_000;
/** From opening or asking to the snapshot. */
const ANSWER_MS = 10_000;
const BEAT_MS = 30_000;
const RESYNC = JSON.stringify({ type: "resync" });
/** As the account's platform knows them, letter by letter. */
const PING = JSON.stringify({ type: "ping" });
const PONG = JSON.stringify({ type: "pong" });

/** @typedef {"connecting" | "live" | "reconnecting" | "offline" | "expired" | "unlisted"
 *   | "stopped"} State */

export class LiveSocket {
  /** @type {WebSocket | undefined} */ #socket;
  /** @type {number | undefined} */ #timer;
  #beat = setInterval(() => this.#ping(), BEAT_MS);
  #pinged = false;
  #failures = 0;
  #openedAt = 0;
  #ended = false;
  #options;
  #token;
  #listening = new AbortController();

  /**
   * @param {{url: URL, token: string, onOpen: () => void, onText: (text: string) => void,
   *   onState: (state: State) => void}} options
   */
  constructor(options) {
    this.#options = options;
    this.#token = options.token;
    const { signal } = this.#listening;
    addEventListener("online", () => this.retryNow(), { signal });
    addEventListener("offline", () => this.#doubt(), { signal });
    document.addEventListener("visibilitychange", () => this.#lookedAt(), { signal });
  }

  connect() {
    const { url, onOpen, onText } = this.#options;
    this.#giveUp();
    const socket = new WebSocket(url, ["edgemeter.v1", `token.${this.#token}`]);
    this.#socket = socket;
    // A socket that was given up may still speak: only the current one is heard.
    const current = () => socket === this.#socket;
    socket.onopen = () => {
      if (!current()) return;
      this.#openedAt = Date.now();
      onOpen();
    };
    socket.onmessage = ({ data }) => {
      if (!current()) return;
      if (data === PONG) this.#answered();
      else onText(data);
    };
    socket.onclose = ({ code }) => current() && this.#closed(code);
    this.#wait(ANSWER_MS, () => this.#drop());
  }

  /** The page has a snapshot, or a delta that continues it. */
  settled() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.#openedAt > STEADY_MS) this.#failures = 0;
    this.#options.onState("live");
    this.#rest();
  }

  /** Asks for a snapshot; without an answer the connection counts as lost. */
  resync() {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(RESYNC);
    this.#wait(ANSWER_MS, () => this.#drop());
  }

  /** Goes on with another token of the same account: the account closes sockets of ended ones. */
  renew(/** @type {string} */ token) {
    if (this.#ended) return;
    this.#token = token;
    this.connect();
  }

  /** Does not wait for the backoff to end. */
  retryNow() {
    if (this.#ended) return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.resync();
    else if (this.#socket?.readyState !== WebSocket.CONNECTING) this.connect();
  }

  /** The token has ended, as far as anybody but the account knows. */
  expire() {
    if (!this.#ended) this.#end("expired");
  }

  /** Ends for good. */
  stop() {
    this.#end("stopped");
  }

  #closed(/** @type {number} */ code) {
    this.#socket = undefined;
    const ending = /** @type {State | undefined} */ (ENDINGS.get(code));
    if (ending) return this.#end(ending);
    this.#options.onState(navigator.onLine ? "reconnecting" : "offline");
    const longest = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    // Half of it is chance, so that the tabs of a restarted account do not come back as one.
    this.#wait(longest * (0.5 + Math.random() / 2), () => this.connect());
  }

  /** Closes without waiting for the other side, which may be gone. */
  #drop() {
    this.#giveUp();
    this.#closed(0);
  }

  #end(/** @type {State} */ state) {
    this.#ended = true;
    this.#listening.abort();
    clearInterval(this.#beat);
    this.#rest();
    this.#giveUp();
    this.#options.onState(state);
  }

  #giveUp() {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close();
  }

  /** The browser lost its network; a gateway on this machine may still answer. */
  #doubt() {
    if (this.#ended) return;
    this.#options.onState("offline");
    this.resync();
  }

  #lookedAt() {
    if (document.visibilityState === "visible") this.resync();
  }

  /** A sign of life, unless another question is on its way. */
  #ping() {
    if (this.#timer !== undefined || this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send(PING);
    this.#wait(ANSWER_MS, () => this.#drop());
    this.#pinged = true;
  }

  #answered() {
    if (this.#pinged) this.#rest();
  }

  #wait(/** @type {number} */ millis, /** @type {() => void} */ then) {
    this.#rest();
    this.#timer = setTimeout(() => {
      this.#rest();
      then();
    }, millis);
  }

  /** Nothing is waited for. */
  #rest() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#pinged = false;
  }
}
