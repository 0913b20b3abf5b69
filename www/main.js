/**
 * The customer's page: one account, live.
 *
 *   address ─▶ session ─▶ socket ─ texts ─▶ Feed (wasm) ─ view ─▶ painter
 *
 * The socket opens while the wasm still loads; what arrives meanwhile waits in order. Messages are
 * taken in as they come and painted at most ten times a second, so that a thousand calls a second
 * do not make the page slow; each second it is painted anyway, because the minute moves on.
 */

import init, { Feed } from "./pkg/edgemeter.js";
import { clock, numberStyle } from "./locale.js";
import { followNewLinks, forgetSession, takeSession } from "./session.js";
import { LiveSocket } from "./socket.js";
import { Painter, setText } from "./view.js";

const PAINT_EVERY_MS = 100;
const TICK_MS = 1000;
/** A connection lost for less than this is nobody's concern. */
const PATIENCE_MS = 2000;

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
  unopened: {
    pill: "Not open",
    title: "This page opens from a link",
    text: "Ask your provider for the link to your account: it holds the account and a token.",
  },
  broken: { pill: "Stopped", title: "The page has stopped", text: "", action: "Reload" },
};

/** @typedef {keyof typeof STATES} State */

const byId = (/** @type {string} */ id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** @type {number | undefined} */
let noticeTimer;

/** @param {State} state @param {string} [text] instead of the state's own */
function show(state, text) {
  if (document.body.dataset.state === state) return;
  document.body.dataset.state = state;
  const notice = STATES[state];
  setText(byId("state"), notice.pill);
  clearTimeout(noticeTimer);
  const reveal = () => {
    byId("notice").hidden = !("title" in notice);
    if (!("title" in notice)) return;
    setText(byId("notice-title"), notice.title);
    setText(byId("notice-text"), text ?? notice.text);
    byId("notice-action").hidden = !("action" in notice);
    setText(byId("notice-action"), "action" in notice ? notice.action : "");
  };
  if (state === "reconnecting") noticeTimer = setTimeout(reveal, PATIENCE_MS);
  else reveal();
}

/** Stops with a reason; a reload is the way out. */
function stop(/** @type {unknown} */ error) {
  const reason = error instanceof Error ? error.message : String(error);
  show("broken", `If a reload does not help, tell your provider: ${reason}.`);
  byId("notice-action").onclick = () => location.reload();
}

async function run() {
  followNewLinks();
  const session = takeSession();
  if (!session) return show("unopened");
  const { account, token } = session;
  /** @type {string[]} */
  const early = [];
  let take = (/** @type {string} */ text) => void early.push(text);
  let opened = () => {};
  const socket = new LiveSocket({
    url: liveUrl(account),
    token,
    onOpen: () => opened(),
    onText: (text) => take(text),
    onState: (state) => {
      if (state === "expired") forgetSession();
      if (state !== "stopped") show(state);
    },
  });
  byId("notice-action").onclick = () => socket.retryNow();
  socket.connect();

  await init();
  const feed = new Feed(account, numberStyle(navigator.languages));
  const painter = new Painter(clock(navigator.languages));
  let paintDue = false;
  const guarded = (/** @type {() => void} */ action) => {
    try {
      action();
    } catch (error) {
      take = () => {};
      socket.stop();
      stop(error);
    }
  };
  const paint = () => guarded(() => {
    paintDue = false;
    const view = feed.view(Date.now());
    if (view) painter.paint(view);
  });
  const paintSoon = () => {
    if (paintDue) return;
    paintDue = true;
    setTimeout(() => requestAnimationFrame(paint), PAINT_EVERY_MS);
  };
  opened = () => feed.connected();
  take = (text) => guarded(() => {
    const outcome = feed.receive(text, Date.now());
    if (outcome === "gap") socket.resync();
    if (outcome !== "applied") return;
    const first = document.body.dataset.state === "connecting";
    socket.settled();
    if (first) paint();
    else paintSoon();
  });
  for (const text of early.splice(0)) take(text);
  // Only a live page knows that a second without calls was one.
  const following = () => document.body.dataset.state === "live";
  setInterval(() => following() && paintSoon(), TICK_MS);
}

/** Beside the page's own folder, so that a gateway behind a path prefix works. */
function liveUrl(/** @type {string} */ account) {
  const url = new URL(`../v1/accounts/${encodeURIComponent(account)}/live`, document.baseURI);
  url.protocol = url.protocol.replace("http", "ws");
  return url;
}

run().catch(stop);
