/**
 * Names that a stranger chose, full of markup: they show as text in every view, no element comes of
 * them, and the Content-Security-Policy has nothing to stop.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, startGateway } from "../edge/harness.mjs";
import { startBrowser, withPage } from "./browser.mjs";
import { openCustomer, startModel } from "./customer.mjs";
import { settled, VIEWS } from "./scenes.mjs";
import { Account, startStandIn } from "./stand-in.mjs";

const MARKUP = [
  "<img src=x onerror=hit()>",
  "<script>hit()</script>",
  "\"><svg onload=hit()>",
  "</td></table><b onclick=hit()>",
  "{{hit()}}${hit()}",
  "javascript:hit()",
  "<!--",
  "&lt;i&gt;&#60;",
  "\u202Egnp.exe",
];
/** Each text becomes one full of markup, another one each. */
function say(text) {
  const sum = [...text].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return `${text} ${MARKUP[sum % MARKUP.length]}`;
}
/** And one of the routes, as far as a path goes. */
const ROUTE = "/v1/agents/{agent}/run'onclick=hit()";

let browser;
let gateway;
let token;
before(async () => {
  gateway = await startGateway({ origin: await startModel() });
  const customer = await openCustomer(gateway, "acme", { say, route: ROUTE });
  for (let calls = 0; calls < 12; calls++) await customer.call();
  ({ token } = await gateway.must("POST", "/v1/accounts/acme/portal-tokens", {}));
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

/** Runs in the page before anything of it: what markup would do, and what the policy stops. */
const watch = (page) => page.addInitScript(() => {
  globalThis.hits = [];
  globalThis.hit = () => globalThis.hits.push("hit");
  addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
    globalThis.hits.push(`${violatedDirective} ${blockedURI}`));
});

/** Elements that nobody here makes, attributes that run, and what happened. */
const harm = (page) => page.evaluate(() => {
  const { shadowRoot } = document.querySelector("edge-meter");
  const nodes = [...shadowRoot.querySelectorAll("*")];
  const strange = nodes.filter((node) =>
    /^(img|script|iframe|object|embed|style|link|meta|base|form)$/i.test(node.localName)
    || [...node.attributes].some(({ name }) => /^(on|srcdoc$)/i.test(name))
    || /^javascript:/i.test(node.getAttribute("href") ?? ""));
  return [...globalThis.hits, ...strange.map((node) => node.outerHTML.slice(0, 200))];
});
const shown = (page) =>
  page.locator("edge-meter").evaluate(({ shadowRoot }) => shadowRoot.textContent);

const WANTED = {
  now: [ROUTE],
  usage: [say("scribe-small")],
  invoice: [say("UTC"), say("Prompt tokens"), say("Platform")],
  "what-if": [say("Prompt tokens"), say("Pay as you go"), say("Scale")],
  check: [],
};

for (const view of VIEWS) {
  test(`markup shows as text: ${view}`, async () => {
    const link = `${gateway.urls[0]}/edgemeter/#account=acme&token=${token}&view=${view}`;
    await withPage(browser, link, async (page) => {
      await settled(page);
      if (view === "usage") {
        await page.locator("edge-meter #usage-by").selectOption("model");
        await page.locator("edge-meter #panel-usage", { hasText: "scribe-small" }).waitFor();
      }
      // Everything that opens is opened.
      await page.locator("edge-meter").evaluate(({ shadowRoot }) => {
        for (const details of shadowRoot.querySelectorAll("details")) details.open = true;
      });
      await eventually(async () => {
        const text = await shown(page);
        for (const wanted of WANTED[view]) assert.ok(text.includes(wanted), `${wanted} in ${text}`);
        return true;
      });
      assert.deepEqual(await harm(page), []);
    }, { prepare: watch });
  });
}

test("an account that lies puts no markup in either", async () => {
  const account = new Account();
  const standIn = await startStandIn((connection) => connection.send(account.snapshot()));
  try {
    for (const [at, text] of MARKUP.entries()) {
      account.call({ route: `GET /${text}`, key: text, cost: BigInt(at + 1) });
    }
    await withPage(browser, standIn.link, async (page) => {
      await settled(page);
      const text = await shown(page);
      for (const wanted of MARKUP) assert.ok(text.includes(`GET /${wanted}`), wanted);
      assert.deepEqual(await harm(page), []);
    }, { prepare: watch });
  } finally {
    standIn.close();
  }
});

test("neither do the address and the attributes", async () => {
  const attributes = { account: "<b>", token: "\"><img src=x onerror=hit()>", view: "<svg>" };
  const fragment = new URLSearchParams(attributes);
  await withPage(browser, `${gateway.urls[0]}/edgemeter/#${fragment}`, async (page) => {
    await page.locator("edge-meter .meter[data-state=unopened]").waitFor({ state: "attached" });
    await page.locator("edge-meter").evaluate((meter, values) => {
      for (const [name, value] of Object.entries(values)) meter.setAttribute(name, value);
      meter.setAttribute("source", "javascript:hit()");
      meter.setAttribute("locale", "<i>");
    }, attributes);
    await page.waitForTimeout(300);
    assert.deepEqual(await harm(page), []);
  }, { prepare: watch });
});
