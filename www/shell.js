/**
 * The frame of the element: who, the connection's state, tabs, notices, and one panel per view.
 *
 *   ┌ brand · account · plan ───────────── state ┐
 *   │ Now  Usage  Invoice  What if  Check        │   tablist: arrows, Home, End
 *   ├ notice of the connection ──────────────────┤
 *   │ the view                                   │
 *   └────────────────────────────────────────────┘
 */

import { h, s, setChildren, setText } from "./dom.js";
import { adopt } from "./styles.js";
import { FIRST_VIEW, VIEWS } from "./views/index.js";

/** A connection lost for less than this is nobody's concern. */
const PATIENCE_MS = 2000;
const BUSY = "Much was read just now: the rest follows in a moment.";

/** @typedef {{pill: string, title?: string, text?: string, action?: string}} StateWords */

/** @type {Record<"connecting" | "live" | "reconnecting" | "offline" | "expired" | "unlisted"
 *   | "unopened" | "broken", StateWords>} */
const STATES = {
  connecting: { pill: "Connecting" },
  live: { pill: "Live" },
  reconnecting: {
    pill: "Reconnecting",
    title: "The connection is lost",
    text: "The page tries again by itself; until then, nothing here is new.",
    action: "Try now",
  },
  offline: {
    pill: "Offline",
    title: "This device is offline",
    text: "The page goes on when the network is back; until then, nothing here is new.",
    action: "Try now",
  },
  expired: {
    pill: "Link expired",
    title: "This link has expired",
    text: "Links open one account for a short time. Ask your provider for a new one.",
  },
  unlisted: {
    pill: "Not allowed here",
    title: "This site may not show this account",
    text: "Your provider has to allow this site first.",
  },
  unopened: {
    pill: "Not open",
    title: "This page opens from a link",
    text: "Ask your provider for the link to your account.",
  },
  broken: { pill: "Stopped", title: "The page has stopped", text: "", action: "Reload" },
};

/** @typedef {keyof typeof STATES} StateName */
/** @typedef {import("./views/index.js").View} View */
/** @typedef {import("./pkg/edgemeter.js").View} Live */
/** @typedef {Omit<import("./views/index.js").Context, "state" | "root">
 *   & {connection: import("./connection.js").Connection}} Parts */

export class Shell {
  #root;
  #options;
  #frame;
  /** @type {import("./views/index.js").State} */
  #state = { name: "connecting", live: undefined, now: () => Date.now(), today: () => {} };
  /** @type {Parts | undefined} */ #parts;
  /** Those that are loaded, by name. @type {Map<string, View>} */ #views = new Map();
  #selected = FIRST_VIEW;
  /** Rises when everything is closed: what was loaded for before is dropped. */
  #era = 0;
  /** @type {number | undefined} */ #timer;
  /** Whether a number has been shown: the browser's own record says when. */
  #painted = false;

  /**
   * @param {ShadowRoot} root
   * @param {{onView: (name: string) => void, onRetry: () => void}} options
   */
  constructor(root, options) {
    this.#root = root;
    this.#options = options;
    this.#frame = buildFrame();
    adopt(root);
    root.append(this.#frame.meter);
    const { tablist, action } = this.#frame;
    tablist.addEventListener("click", (event) => this.#clicked(event));
    tablist.addEventListener("keydown", (event) => this.#pressed(event));
    action.addEventListener("click", () => this.#acted());
  }

  /** The connection's state. */
  get stateName() {
    return this.#state.name;
  }

  /** The core is here: views can be shown. Resolves when the first one is. */
  async open(/** @type {Parts} */ parts, /** @type {string} */ view) {
    const { connection } = parts;
    this.#parts = parts;
    this.#state.now = () => connection.now();
    this.#state.today = (since, until, credits) => connection.today(since, until, credits);
    await this.select(view);
  }

  /** Another account, or none: nothing of the last one stays. */
  close() {
    this.#era += 1;
    this.#views.get(this.#selected)?.hide();
    for (const view of this.#views.values()) view.close?.();
    this.#views.clear();
    this.#parts = undefined;
    this.#state.live = undefined;
    this.#frame.meter.dataset.gate = "unknown";
    this.#frame.who.hidden = true;
    this.waiting(false);
    for (const panel of Object.values(this.#frame.panels)) setChildren(panel, skeleton());
  }

  became(/** @type {StateName} */ name, /** @type {string} */ text = "") {
    this.#state.name = name;
    const { meter, pill, notice, title, words, action } = this.#frame;
    const state = STATES[name];
    meter.dataset.state = name;
    setText(pill, state.pill);
    clearTimeout(this.#timer);
    const reveal = () => {
      notice.hidden = !state.title;
      setText(title, state.title ?? "");
      setText(words, text || (state.text ?? ""));
      action.hidden = !state.action;
      setText(action, state.action ?? "");
    };
    if (name === "reconnecting") this.#timer = setTimeout(reveal, PATIENCE_MS);
    else reveal();
  }

  /** Whether what was asked for has to wait, since much was read just now. */
  waiting(/** @type {boolean} */ is) {
    setText(this.#frame.busy, is ? BUSY : "");
  }

  live(/** @type {Live} */ live) {
    this.#state.live = live;
    const { meter, who, account, plan } = this.#frame;
    meter.dataset.gate = live.gate;
    who.hidden = false;
    setText(account, live.account);
    setText(plan, `${live.plan} v${live.version}`);
    const view = this.#views.get(this.#selected);
    if (view) this.#paint(view, live);
  }

  /** @param {View} view @param {Live} live */
  #paint(view, live) {
    view.live(live);
    if (this.#painted) return;
    this.#painted = true;
    performance.mark("edge-meter:live");
  }

  /** Shows the view of that name; resolves when it is loaded. */
  async select(/** @type {string} */ name) {
    const { tabs, panels } = this.#frame;
    if (name !== this.#selected) this.#views.get(this.#selected)?.hide();
    this.#selected = name;
    for (const [other, tab] of Object.entries(tabs)) {
      const chosen = other === name;
      tab.setAttribute("aria-selected", `${chosen}`);
      tab.tabIndex = chosen ? 0 : -1;
      panels[other].hidden = !chosen;
    }
    this.#reveal(tabs[name]);
    await this.#show(name);
  }

  /** Moves the tabs alone: scrollIntoView would move the page around the element as well. */
  #reveal(/** @type {HTMLElement} */ tab) {
    const { tablist } = this.#frame;
    const [of, seen] = [tab, tablist].map((node) => node.getBoundingClientRect());
    const [before, after] = [of.left - seen.left, of.right - seen.right];
    tablist.scrollLeft += Math.min(before, Math.max(after, 0));
  }

  async #show(/** @type {string} */ name) {
    if (!this.#parts) return;
    const era = this.#era;
    let view = this.#views.get(name);
    if (!view) {
      const made = await this.#load(name, this.#parts);
      view = this.#views.get(name);
      // Nobody waits for it any more, or somebody else was quicker.
      if (era !== this.#era || view) made?.close?.();
      if (era !== this.#era || !made) return;
      view ??= made;
      this.#views.set(name, view);
      setChildren(this.#frame.panels[name], view.element);
    }
    if (this.#selected !== name) return;
    view.show();
    if (this.#state.live) this.#paint(view, this.#state.live);
  }

  /** @param {string} name @param {Parts} parts @returns {Promise<View | undefined>} */
  async #load(name, parts) {
    const panel = this.#frame.panels[name];
    try {
      const Class = await VIEWS[name].load();
      if (Class.look) adopt(this.#root, Class.look);
      const { api, format } = parts;
      return new Class({ api, format, state: this.#state, root: this.#root });
    } catch (error) {
      const again = h("button", { class: "button", type: "button" }, "Try again");
      again.addEventListener("click", () => void this.#show(name));
      setChildren(panel, h("section", { class: "notice", role: "alert" },
        h("h2", {}, "This view could not be loaded"),
        h("p", {}, error instanceof Error ? error.message : String(error)),
        again));
      return undefined;
    }
  }

  #clicked(/** @type {Event} */ { target }) {
    const tab = target instanceof Element ? target.closest("[role=tab]") : null;
    if (tab instanceof HTMLElement && tab.dataset.view) this.#options.onView(tab.dataset.view);
  }

  /** One tab stop for all tabs; the arrows choose, as the APG's tabs do. */
  #pressed(/** @type {KeyboardEvent} */ event) {
    const names = Object.keys(VIEWS);
    const at = names.indexOf(this.#selected);
    /** @type {Record<string, number>} */
    const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 };
    const to = moves[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const name = names[(to + names.length) % names.length];
    this.#options.onView(name);
    this.#frame.tabs[name].focus();
  }

  #acted() {
    if (this.#state.name === "broken") location.reload();
    else this.#options.onRetry();
  }
}

function buildFrame() {
  /** @type {Record<string, HTMLButtonElement>} */ const tabs = {};
  /** @type {Record<string, HTMLElement>} */ const panels = {};
  for (const [name, { title }] of Object.entries(VIEWS)) {
    const [tab, panel] = [`tab-${name}`, `panel-${name}`];
    tabs[name] = h("button", {
      id: tab, type: "button", role: "tab", "aria-controls": panel, "data-view": name, part: "tab",
    }, title);
    panels[name] = h("div", {
      id: panel, class: "panel", role: "tabpanel", "aria-labelledby": tab, part: "panel",
      hidden: name !== FIRST_VIEW,
    }, skeleton());
  }
  const account = h("span", { id: "account" });
  const plan = h("span", { id: "plan", class: "quiet" });
  const who = h("p", { id: "who", hidden: true }, account, plan);
  const pill = h("p", { id: "state", class: "state", role: "status" }, "Connecting");
  const tablist = h("div", { class: "tabs", role: "tablist", "aria-label": "Views" },
    ...Object.values(tabs));
  const title = h("h2", { id: "notice-title" });
  const words = h("p", { id: "notice-text" });
  const action = h("button", {
    id: "notice-action", class: "button", type: "button", hidden: true,
  });
  const notice = h("section", { id: "notice", class: "notice", role: "alert", hidden: true },
    title, words, action);
  const busy = h("p", { id: "busy", class: "quiet", role: "status" });
  const meter = h("div", {
    class: "meter", part: "meter", lang: "en", "data-state": "connecting", "data-gate": "unknown",
  },
  h("header", { part: "header" }, h("slot", { name: "brand" }, brand()), who, pill),
  h("div", { class: "bar" }, tablist),
  notice,
  busy,
  h("div", { id: "numbers", class: "panels" }, ...Object.values(panels)));
  return {
    meter, who, account, plan, pill, tablist, tabs, panels, notice, busy, title, words, action,
  };
}

function brand() {
  return h("p", { class: "brand", part: "brand" },
    s("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" },
      s("path", { class: "arc", d: "M4 17a8.5 8.5 0 1 1 16 0" }),
      s("path", { class: "needle", d: "M12 15.5 16.2 9" })),
    "edgemeter");
}

/** Shapes of what will be there. */
function skeleton() {
  const bars = (/** @type {string[]} */ ...classes) =>
    h("div", { class: "card" }, ...classes.map((name) => h("span", { class: `bone ${name}` })));
  return h("div", { class: "grid", "aria-hidden": "true" },
    bars("short", "tall", "wide"), bars("short", "wide", "wide"), bars("short", "wide", "wide"));
}
