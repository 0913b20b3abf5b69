/**
 * One Chromium for a test file, and pages that fail the test when they complain.
 */

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { chromiumPath } from "../../scripts/chromium.mjs";

const BUILT = new URL("../../www/pkg/edgemeter_bg.wasm", import.meta.url);

/** Lost connections are part of the tests; the browser logs each of them. */
const EXPECTED = /WebSocket|ERR_INTERNET_DISCONNECTED/;

/** Starts Chromium; `close()` it after the tests. */
export async function startBrowser() {
  if (!existsSync(BUILT)) throw new Error("www/pkg is not built: run 'npm run build'");
  const root = process.getuid?.() === 0;
  return chromium.launch({
    executablePath: chromiumPath(),
    // As root, Chromium refuses its sandbox.
    args: root ? ["--no-sandbox"] : [],
  });
}

/**
 * Opens a page in a context of its own and gives it to `use`. Whatever the page logs as an error,
 * throws or is refused by its Content-Security-Policy fails the test.
 *
 * @param {import("playwright-core").Browser} browser
 * @param {string} url
 * @param {(page: import("playwright-core").Page) => Promise<void>} use
 * @param {import("playwright-core").BrowserContextOptions & {prepare?: Function,
 *   expected?: RegExp}} [options] `prepare(page)` runs before the page is opened; `expected`: what
 *   the browser may log, since the test makes it so
 */
export async function withPage(browser, url, use, { prepare, expected, ...options } = {}) {
  const context = await browser.newContext({ locale: "en-US", timezoneId: "UTC", ...options });
  const complaints = [];
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(10_000);
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      const text = message.text();
      const wanted = EXPECTED.test(text) || expected?.test(text);
      if (message.type() === "error" && !wanted) complaints.push(text);
    });
    await prepare?.(page);
    await page.goto(url);
    await use(page);
  } finally {
    await context.close();
  }
  if (complaints.length > 0) throw new Error(`the page complained: ${complaints.join("; ")}`);
}

/** Waits until the page is in `state`: live, reconnecting, … */
export function inState(page, state) {
  return page.locator(`.meter[data-state=${state}]`).waitFor({ state: "attached" });
}

/** Waits until the element `#id` shows exactly `text`. */
export async function shows(page, id, text) {
  const read = () => page.locator(`#${id}`).textContent();
  for (const started = Date.now(); Date.now() - started < 10_000;) {
    if ((await read()) === text) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`#${id} shows ${JSON.stringify(await read())}, not ${JSON.stringify(text)}`);
}
