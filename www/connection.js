/**
 * One account, live: the socket's texts through the core's Feed to pictures of the account.
 *
 *   LiveSocket ─ texts ─▶ Feed (wasm) ─▶ onLive(view), at most ten times a second
 *
 * The socket opens while the wasm still loads; what arrives meanwhile waits in order. Messages are
 * taken in as they come and painted together, so that a thousand calls a second do not make the
 * page slow; each second it is painted anyway, because the minute moves on. A token's end is known
 * from the token: a minute before it the host is asked for another one, and halfway to it if the
 * token lives less than two.
 */

import { LiveSocket } from "./socket.js";
import { tokenEnd } from "./session.js";

const PAINT_EVERY_MS = 100;
const TICK_MS = 1000;
/** Before a token's end the host is asked for another one, so early. */
const RENEW_BEFORE_MS = 60_000;

/** @typedef {import("./socket.js").State} SocketState */
/** @typedef {import("./pkg/edgemeter.js").View} Live */

export class Connection {
  #options;
  #session;
  #socket;
  /** @type {import("./pkg/edgemeter.js").Feed | undefined} */ #feed;
  /** @type {string[]} */ #early = [];
  /** @type {number | undefined} */ #tick;
  /** @type {SocketState} */ #state = "connecting";
  /** The account's clock minus this device's, in ms; nothing before the account said what it is.
   * @type {number | undefined} */
  #offset;
  #painting = false;
  /** When the host is asked for another token: nothing once it was. @type {number | undefined} */
  #askAt;

  /**
   * @param {{
   *   source: URL,
   *   session: import("./session.js").Session,
   *   onState: (state: SocketState) => void,
   *   onLive: (live: Live) => void,
   *   onExpiring: (end: number) => void,
   *   onBroken: (error: unknown) => void,
   * }} options
   */
  constructor(options) {
    this.#options = options;
    this.#session = options.session;
    const { account, token } = options.session;
    const url = new URL(`v1/accounts/${encodeURIComponent(account)}/live`, options.source);
    url.protocol = url.protocol.replace("http", "ws");
    this.#socket = new LiveSocket({
      url,
      token,
      onOpen: () => {
        this.#early = [];
        this.#feed?.connected();
      },
      onText: (text) => this.#take(text),
      onState: (state) => this.#became(state),
    });
    this.#expect(token);
  }

  /** The account and its newest token. */
  get session() {
    return this.#session;
  }

  /** The account's clock, in ms. */
  now() {
    return Date.now() + (this.#offset ?? 0);
  }

  open() {
    this.#socket.connect();
    this.#tick = setInterval(() => this.#second(), TICK_MS);
  }

  /**
   * The core is here: what has arrived is read.
   *
   * @param {import("./core.js").Core} core
   * @param {import("./pkg/edgemeter.js").NumberStyle} style
   */
  start(core, style) {
    this.#feed = new core.Feed(this.#session.account, style);
    for (const text of this.#early.splice(0)) this.#take(text);
  }

  /** Goes on with another token of the same account. */
  renew(/** @type {string} */ token) {
    this.#session = { ...this.#session, token };
    this.#expect(token);
    this.#socket.renew(token);
  }

  /** What calls burned today, as the usage report says it. */
  today(/** @type {number} */ since, /** @type {number} */ until, /** @type {string} */ credits) {
    this.#guarded(() => this.#feed?.today(since, until, credits));
  }

  retryNow() {
    this.#socket.retryNow();
  }

  /** The gateway has refused the token. */
  expire() {
    this.#socket.expire();
  }

  stop() {
    clearInterval(this.#tick);
    this.#socket.stop();
    this.#early = [];
    this.#feed?.free();
    this.#feed = undefined;
  }

  #became(/** @type {SocketState} */ state) {
    this.#state = state;
    // What a connection said before it was lost is not what the account says now.
    if (state !== "live") this.#early = [];
    if (state === "expired" || state === "unlisted") clearInterval(this.#tick);
    if (state !== "stopped") this.#options.onState(state);
  }

  #take(/** @type {string} */ text) {
    if (!this.#feed) return void this.#early.push(text);
    this.#guarded(() => {
      const outcome = this.#feed?.receive(text, Date.now());
      if (outcome === "gap") this.#socket.resync();
      if (outcome !== "applied") return;
      const first = this.#state === "connecting";
      this.#socket.settled();
      if (first) this.#paint();
      else this.#paintSoon();
    });
  }

  #paintSoon() {
    if (this.#painting) return;
    this.#painting = true;
    setTimeout(() => requestAnimationFrame(() => this.#paint()), PAINT_EVERY_MS);
  }

  #paint() {
    this.#painting = false;
    this.#guarded(() => {
      const now = Date.now();
      const live = this.#feed?.view(now);
      if (!live) return;
      const isFirst = this.#offset === undefined;
      this.#offset = live.now - now;
      // Until now the token's life went by this device's clock.
      if (isFirst) this.#expect(this.#session.token);
      this.#options.onLive(live);
    });
  }

  #second() {
    // Only a live page knows that a second without calls was one.
    if (this.#state === "live") this.#paintSoon();
    const end = tokenEnd(this.#session.token);
    if (end === undefined) return;
    if (this.now() >= end) return this.#socket.expire();
    if (this.#askAt === undefined || this.now() < this.#askAt) return;
    this.#askAt = undefined;
    this.#options.onExpiring(end);
  }

  /** A token begins: one that ends soon must not be asked for again at once. */
  #expect(/** @type {string} */ token) {
    const [end, now] = [tokenEnd(token), this.now()];
    this.#askAt = end && Math.max(end - RENEW_BEFORE_MS, now + (end - now) / 2);
  }

  /** What cannot be right is not shown: it ends here, with the reason. */
  #guarded(/** @type {() => void} */ action) {
    try {
      action();
    } catch (error) {
      this.stop();
      this.#options.onBroken(error);
    }
  }
}
