/**
 * What the tests against a scripted account share: a browser, stand-ins that are closed, and a page
 * that is live on one.
 */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { inState, startBrowser, withPage } from "./browser.mjs";
import { startStandIn } from "./stand-in.mjs";

/** @type {import("playwright-core").Browser} */
let started;
/** The file's browser, once its tests run. */
export const browser = () => started;
/** Closed at the end, failed tests' as well. */
const standIns = [];
before(async () => (started = await startBrowser()));
after(async () => {
  for (const standIn of standIns) standIn.close();
  await started?.close();
});

/** A stand-in that is closed at the end. */
export async function stand(onConnect) {
  const standIn = await startStandIn(onConnect);
  standIns.push(standIn);
  return standIn;
}

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Opens the page on an account that sends its snapshot to every connection, and waits until live.
 *
 * @param {Account} account
 * @param {(page, connections: object[], standIn: object) => Promise<void>} use the newest
 *   connection stands first
 */
export async function live(account, use, options) {
  const connections = [];
  const standIn = await stand((connection) => {
    connections.unshift(connection);
    connection.send(account.snapshot());
  });
  const start = async (page) => {
    await inState(page, "live");
    await use(page, connections, standIn);
  };
  await withPage(started, standIn.link, start, options);
}

export const text = (page, id) => page.locator(`#${id}`).textContent();
export const visible = (page, id) => page.locator(`#${id}`).isVisible();

/** Of what has the focus, inside the element. */
export const focused = (page, name) =>
  page.evaluate((of) => document.activeElement.shadowRoot.activeElement[of], name);

export async function eventually(condition, what) {
  for (const started = Date.now(); Date.now() - started < 10_000; await sleep(20)) {
    if (await condition()) return;
  }
  assert.fail(`not within 10 s: ${what}`);
}

/** In the page: how many answers to signs of life it has heard, and acted on. */
export function countPongs() {
  window.pongs = 0;
  window.WebSocket = class extends WebSocket {
    set onmessage(heard) {
      super.onmessage = (event) => {
        heard(event);
        if (event.data === '{"type":"pong"}') window.pongs += 1;
      };
    }
  };
}

/** Until the page, which counts them, has heard the answer to its first sign of life. */
export const answered = (page) =>
  eventually(() => page.evaluate(() => window.pongs === 1), "an answer to a sign of life");
