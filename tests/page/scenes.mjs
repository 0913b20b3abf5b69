/**
 * What can be seen of the page, each view and each state, on the real gateway: the same every time.
 *
 *   const scenes = await startScenes();
 *   await scenes.open("usage", async (page) => …, { colorScheme: "dark" });
 */
import { eventually, sleep, startGateway } from "../edge/harness.mjs";
import { openCustomer, startModel } from "./customer.mjs";
import { startBrowser, withPage } from "./browser.mjs";
import { startStandIn } from "./stand-in.mjs";

export const VIEWS = ["now", "usage", "invoice", "what-if", "check"];
export const STATES = ["loading", "empty", "zero", "unopened", "expired", "offline", "broken"];

/** An account that stops at zero, with or without credits. */
async function openSmall(gateway, id, amount) {
  const price = { model: "per_unit", unit_price: "0.3" };
  await gateway.must("POST", "/v1/plans", {
    id: "starter",
    version: 1,
    name: "Starter",
    charges: [{ id: "input", unit: "credits", price }],
    credits: { burn_order: "standard", rollover: "none", at_zero: "block" },
  });
  await gateway.must("POST", "/v1/accounts", { id, contract: { plan: "starter", version: 1 } });
  const grants = `/v1/accounts/${id}/grants`;
  await gateway.must("POST", grants, { id: "first", amount: amount ?? "7" });
  if (amount !== undefined) return;
  await gateway.must("POST", `/v1/accounts/${id}/adjustments`, {
    id: "all",
    amount: "-7",
    reason: "spent elsewhere",
  });
  await eventually(async () => (await gateway.balance(id)).available === "0");
}

const inState = (page, state) =>
  page.locator(`edge-meter .meter[data-state=${state}]`).waitFor({ state: "attached" });

/** The view has what it waits for. */
export async function settled(page) {
  await inState(page, "live");
  await page.waitForFunction(() => {
    const { shadowRoot } = document.querySelector("edge-meter");
    const waiting = shadowRoot.querySelectorAll(".bone, [aria-busy=true]");
    return ![...waiting].some((node) => node.checkVisibility());
  });
}

export async function startScenes() {
  const gateway = await startGateway({ origin: await startModel() });
  const acme = await openCustomer(gateway, "acme");
  await openSmall(gateway, "empty", "5000");
  await openSmall(gateway, "zero");
  const browser = await startBrowser();
  const silent = await startStandIn(() => {});
  const liar = await startStandIn((connection) => connection.send("{"));
  const mint = async (account, ttl_seconds = 3_600) =>
    (await gateway.must("POST", `/v1/accounts/${account}/portal-tokens`, { ttl_seconds })).token;
  const link = async (account, view = "now", ttl_seconds) => {
    const token = await mint(account, ttl_seconds);
    return `${gateway.urls[0]}/edgemeter/#account=${account}&token=${token}&view=${view}`;
  };
  for (let calls = 0; calls < 24; calls++) await acme.call();
  /** Where a scene is, and how one gets there. */
  const SCENES = {
    loading: async () => [silent.link, (page) => inState(page, "connecting")],
    empty: async () => [await link("empty")],
    zero: async () => [await link("zero")],
    unopened: async () => [`${gateway.urls[0]}/edgemeter/`, (page) => inState(page, "unopened")],
    expired: async () => {
      const address = await link("acme", "now", 1);
      await sleep(1_100);
      return [address, (page) => inState(page, "expired")];
    },
    offline: async () => [await link("acme"), async (page) => {
      await settled(page);
      await page.context().setOffline(true);
      await inState(page, "offline");
    }],
    broken: async () => [liar.link, (page) => inState(page, "broken")],
  };

  return {
    gateway,
    /** A call of the account that the views are about. */
    call: () => acme.call(),
    link,

    /** Opens a view or a state, and gives it to `use` once it is all there. */
    async open(name, use, options) {
      const [address, wait = settled] = VIEWS.includes(name)
        ? [await link("acme", name)]
        : await SCENES[name]();
      await withPage(browser, address, async (page) => {
        await wait(page);
        await use(page);
      }, options);
    },

    async close() {
      silent.close();
      liar.close();
      await browser.close();
      await gateway.stop();
    },
  };
}
