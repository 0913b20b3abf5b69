/**
 * `<edge-meter>`: one account's meter, live, on any page.
 *
 *   <edge-meter source="https://gateway.example/" account="acme" token="pt_…"></edge-meter>
 *
 * | attribute | what                                                                    |
 * |-----------|-------------------------------------------------------------------------|
 * | source    | the gateway's base address; default: where this module came from        |
 * | account   | whose numbers                                                           |
 * | token     | a portal token of that account; as a property it stays out of the page  |
 * | locale    | how numbers and dates are written; default: the reader's own            |
 * | view      | now, usage, invoice, what-if or check                                   |
 *
 * Each is a property as well. Events do not bubble; their details are typed in {@link Details}.
 */

import { Api } from "./api.js";
import { Connection } from "./connection.js";
import { loadCore } from "./core.js";
import { Format } from "./locale.js";
import { isSession } from "./session.js";
import { Shell } from "./shell.js";
import { viewName } from "./views/index.js";

/** @typedef {import("./shell.js").StateName} StateName */

/**
 * @typedef {{
 *   "edge-meter-ready": {account: string},
 *   "edge-meter-state": {state: StateName},
 *   "edge-meter-balance": {balance: string, available: string, unit: string,
 *     gate: import("./pkg/edgemeter.js").Gate, text: string},
 *   "edge-meter-view": {view: string},
 *   "edge-meter-token-expiring": {expires_at: number, renew: (token: string) => void},
 *   "edge-meter-error": {code: string, detail: string},
 * }} Details amounts are exact decimals, `text` as the locale writes it, instants UTC milliseconds
 */

const ATTRIBUTES = ["source", "account", "token", "locale", "view"];

/** Where a page beside this module finds its gateway. */
const BESIDE = new URL("../", import.meta.url);

export class EdgeMeter extends HTMLElement {
  static observedAttributes = ATTRIBUTES;

  /** @type {Shell | undefined} */ #shell;
  /** @type {Connection | undefined} */ #connection;
  #token = "";
  /** Of the last start: once it is aborted, what belongs to that start is dropped. */
  #life = new AbortController();
  #starting = false;
  /** What was told of it last; nothing before an account's first numbers. */
  #balance = "";

  get source() {
    return this.getAttribute("source") ?? BESIDE.href;
  }

  set source(/** @type {string} */ address) {
    this.setAttribute("source", address);
  }

  get account() {
    return this.getAttribute("account") ?? "";
  }

  set account(/** @type {string} */ id) {
    this.setAttribute("account", id);
  }

  get token() {
    return this.#token || (this.getAttribute("token") ?? "");
  }

  set token(/** @type {string} */ token) {
    this.#token = token;
    this.#renew(token);
  }

  get locale() {
    return this.getAttribute("locale") ?? "";
  }

  set locale(/** @type {string} */ tag) {
    this.setAttribute("locale", tag);
  }

  get view() {
    return viewName(this.getAttribute("view"));
  }

  set view(/** @type {string} */ name) {
    this.setAttribute("view", viewName(name));
  }

  connectedCallback() {
    this.#shell ??= new Shell(this.shadowRoot ?? this.attachShadow({ mode: "open" }), {
      onView: (name) => {
        this.view = name;
        this.#tell("edge-meter-view", { view: name });
      },
      onRetry: () => this.#connection?.retryNow(),
    });
    this.#startSoon();
  }

  disconnectedCallback() {
    this.#stop();
  }

  /** @param {string} name @param {string | null} old @param {string | null} value */
  attributeChangedCallback(name, old, value) {
    if (old === value || !this.isConnected) return;
    if (name === "view") this.#shell?.select(this.view);
    else if (name === "token") this.token = value ?? "";
    else this.#startSoon();
  }

  /** Attributes that are set one after the other make one start. */
  #startSoon() {
    if (this.#starting) return;
    this.#starting = true;
    queueMicrotask(() => {
      this.#starting = false;
      if (this.isConnected) this.#start();
    });
  }

  #stop() {
    this.#life.abort();
    this.#balance = "";
    this.#connection?.stop();
    this.#connection = undefined;
    this.#shell?.close();
  }

  async #start() {
    this.#stop();
    this.#life = new AbortController();
    const { signal } = this.#life;
    const shell = /** @type {Shell} */ (this.#shell);
    const { account, token } = this;
    if (!isSession(account, token) || !URL.canParse(this.source)) {
      return this.#became("unopened");
    }
    const source = new URL(this.source);
    if (!source.pathname.endsWith("/")) source.pathname += "/";
    this.#became("connecting");
    const connection = new Connection({
      source,
      session: { account, token },
      onState: (state) => this.#became(/** @type {StateName} */ (state)),
      onLive: (live) => this.#live(live),
      onExpiring: (end) => this.#expiring(end),
      onBroken: (error) => this.#broken(error),
    });
    this.#connection = connection;
    connection.open();
    try {
      const core = await loadCore();
      if (signal.aborted) return;
      const format = new Format(this.locale || navigator.languages, core.write);
      const api = new Api(source, () => connection.session, () => connection.expire(), (is) => {
        if (!signal.aborted) shell.waiting(is);
      }, signal);
      await shell.open({ api, format, connection }, this.view);
      if (!signal.aborted) connection.start(core, format.style);
    } catch (error) {
      if (signal.aborted) return;
      connection.stop();
      this.#broken(error);
    }
  }

  #renew(/** @type {string} */ token) {
    if (!this.isConnected) return;
    const open = this.#connection && this.#shell?.stateName !== "expired";
    if (!open || !isSession(this.account, token)) return this.#startSoon();
    this.#connection?.renew(token);
  }

  #became(/** @type {StateName} */ state, /** @type {string} */ text = "") {
    if (this.#shell?.stateName === state) return;
    this.#shell?.became(state, text);
    this.#tell("edge-meter-state", { state });
    if (state === "unlisted") {
      const detail = `${location.origin} is not in the gateway's list: PUT /v1/portal`;
      this.#tell("edge-meter-error", { code: "origin_unlisted", detail });
    }
  }

  #live(/** @type {import("./pkg/edgemeter.js").View} */ live) {
    this.#shell?.live(live);
    const { balance, available } = live.exact;
    const text = `${balance} ${available} ${live.gate}`;
    if (text === this.#balance) return;
    if (!this.#balance) this.#tell("edge-meter-ready", { account: this.account });
    this.#balance = text;
    const { unit, gate, amounts } = live;
    this.#tell("edge-meter-balance", { balance, available, unit, gate, text: amounts.balance });
  }

  #expiring(/** @type {number} */ end) {
    const renew = (/** @type {string} */ token) => {
      this.token = token;
    };
    this.#tell("edge-meter-token-expiring", { expires_at: end, renew });
  }

  #broken(/** @type {unknown} */ error) {
    const detail = error instanceof Error ? error.message : String(error);
    this.#became("broken", `If a reload does not help, tell your provider: ${detail}.`);
    this.#tell("edge-meter-error", { code: "stopped", detail });
  }

  /**
   * @template {keyof Details} Name
   * @param {Name} name
   * @param {Details[Name]} detail
   */
  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

if (!customElements.get("edge-meter")) customElements.define("edge-meter", EdgeMeter);
