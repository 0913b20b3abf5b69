/**
 * The full page around one `<edge-meter>`: the account comes from the link, the view stands in the
 * address, the title says what is left.
 */

import "./element.js";
import { forgetSession, hasNewLink, keepSession, namedView, takeSession } from "./session.js";

/** A title that changes more often cannot be read. */
const TITLE_EVERY_MS = 1000;

const meter = /** @type {import("./element.js").EdgeMeter} */ (
  document.querySelector("edge-meter")
);

const session = takeSession();
if (namedView()) meter.view = namedView();
if (session) {
  meter.account = session.account;
  meter.token = session.token;
}

addEventListener("hashchange", () => {
  if (hasNewLink()) location.reload();
  else meter.view = namedView();
});
meter.addEventListener("edge-meter-view", () => {
  location.hash = meter.view;
});
meter.addEventListener("edge-meter-state", (event) => {
  const { state } = /** @type {CustomEvent} */ (event).detail;
  document.body.dataset.state = state;
  if (state === "expired") forgetSession();
});
// A reload goes on with what a renewal gave.
addEventListener("pagehide", () => {
  if (document.body.dataset.state === "live") {
    keepSession({ account: meter.account, token: meter.token });
  }
});

/** @type {number | undefined} */
let titled;
let title = "";
meter.addEventListener("edge-meter-balance", (event) => {
  const { text, unit } = /** @type {CustomEvent} */ (event).detail;
  title = `${text} ${unit} · edgemeter`;
  titled ??= setTimeout(() => {
    titled = undefined;
    document.title = title;
  }, TITLE_EVERY_MS);
});
