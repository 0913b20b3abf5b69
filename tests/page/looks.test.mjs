/**
 * How the views look, with the numbers of a real account: at 360 px no number is broken over two
 * lines and nothing sticks out of its card; empty charts, newest bars, names of grants.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually } from "../edge/harness.mjs";
import { settled, startScenes, VIEWS } from "./scenes.mjs";

let scenes;
before(async () => (scenes = await startScenes()));
after(() => scenes?.close());

/** Numbers that begin on one line and end on another, and what stands outside of its card. */
const misfits = (page) => page.locator("edge-meter").evaluate(({ shadowRoot }) => {
  const found = [];
  const walker = document.createTreeWalker(shadowRoot, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement?.checkVisibility() || node.parentElement.closest(".unseen, code")) {
      continue;
    }
    for (const match of node.data.matchAll(/\d[\d.,]*/g)) {
      const range = new Range();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top)));
      if (lines.size > 1) found.push(`broken: ${match[0]} of ${node.data}`);
      const { left, right } = range.getBoundingClientRect();
      const card = node.parentElement.closest(".card, .sheet")?.getBoundingClientRect();
      const scrolls = node.parentElement.closest(".scroll");
      if (card && !scrolls && (left < card.left + 8 || right > card.right - 8)) {
        found.push(`outside: ${match[0]} of ${node.data}`);
      }
    }
  }
  return found;
});

/** The widths at which a table has the least room for its columns. */
const WIDTHS = [
  ...VIEWS.map((view) => [view, 360]), ["now", 760], ["usage", 760], ["what-if", 640],
  ["what-if", 1_000],
];
for (const [view, width] of WIDTHS) {
  test(`numbers stay in one piece at ${width} px: ${view}`, async () => {
    await scenes.open(view, async (page) => {
      await scenes.call();
      await page.waitForTimeout(500);
      if (view === "what-if") await page.getByRole("slider", { name: "All use" }).press("End");
      if (view === "invoice") {
        for (const line of await page.locator(".disclose").all()) await line.click();
      }
      if (view === "check") {
        await page.getByRole("button", { name: "Check this bill" }).click();
        await page.locator(".verdict").waitFor();
      }
      await page.waitForTimeout(200);
      assert.deepEqual(await misfits(page), []);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= width, `${wide} px wide`);
    }, { viewport: { width, height: 740 } });
  });
}

/** How the elements in sight of a view look, by where they stand in it: all ways that there are. */
const looks = (page, view) => page.locator(`#panel-${view}`).evaluate((panel) => {
  const sides = ["top", "right", "bottom", "left"];
  const told = [
    "display", "color", "opacity", "font-size", "font-weight", "text-align", "white-space-collapse",
    "text-wrap-mode", "overflow-wrap", "list-style-type", "background-color",
    ...sides.flatMap((side) => [`margin-${side}`, `padding-${side}`, `border-${side}-width`]),
  ];
  const found = {};
  const walk = (node, where) => {
    if (!node.checkVisibility()) return;
    const place = `${where} > ${node.localName}.${node.getAttribute("class") ?? ""}`;
    const style = node.computedStyleMap();
    const look = told.map((name) => `${name}: ${style.get(name)}`).join("; ");
    found[place] = [...new Set([...found[place] ?? [], look])];
    for (const child of node.children) walk(child, place);
  };
  walk(panel.firstElementChild, "");
  return found;
});

for (const view of VIEWS) {
  test(`a view looks the same whichever others were opened before: ${view}`, async () => {
    await scenes.open(view, async (page) => {
      const alone = await looks(page, view);
      for (const other of [...VIEWS.filter((name) => name !== view), view]) {
        await page.locator(`#tab-${other}`).click();
        await settled(page);
      }
      // Now goes on meanwhile: a row may have come or gone.
      const then = Object.entries(await looks(page, view)).filter(([place]) => alone[place]);
      assert.ok(then.length > 5, `${then.length} places`);
      const changed = then.flatMap(([place, all]) =>
        all.filter((look) => !alone[place].includes(look)).map((look) => [place, look]));
      assert.deepEqual(changed, []);
      const twice = await page.locator("edge-meter").evaluate(({ shadowRoot }) => {
        const ids = [...shadowRoot.querySelectorAll("[id]")].map(({ id }) => id);
        return ids.filter((id, at) => ids.indexOf(id) !== at);
      });
      assert.deepEqual(twice, []);
    }, { reducedMotion: "reduce" });
  });
}

test("while it loads, every card at 360 px has the shapes of what comes", async () => {
  await scenes.open("loading", async (page) => {
    const visible = (name) => page.locator(`edge-meter ${name} >> visible=true`).count();
    await eventually(async () => {
      const [bones, cards] = [await visible(".bone"), await visible(".card")];
      assert.ok(bones >= 2 * (cards - 2), `${bones} bones in ${cards} cards`);
      return true;
    });
  }, { viewport: { width: 360, height: 740 } });
});

test("the arrows begin at the newest bar, and an empty period has no axis", async () => {
  await scenes.open("usage", async (page) => {
    const readout = page.locator("#usage-readout");
    await page.locator(".chart").focus();
    await page.keyboard.press("ArrowLeft");
    const today = await page.evaluate(() =>
      new Intl.DateTimeFormat("en-US", { dateStyle: "medium" }).format(Date.now()));
    await page.waitForFunction((text) => document.querySelector("edge-meter").shadowRoot
      .querySelector("#usage-readout").textContent.startsWith(`${text}: `), today);
    assert.doesNotMatch(await readout.textContent(), /: 0 credits/);
    await page.keyboard.press("ArrowLeft");
    assert.doesNotMatch(await readout.textContent(), new RegExp(`^${today}`));
    await page.keyboard.press("Escape");
    await page.keyboard.press("ArrowRight");
    assert.match(await readout.textContent(), new RegExp(`^${today}`));
  });
  await scenes.open("empty", async (page) => {
    await page.getByRole("tab", { name: "Usage" }).click();
    await page.getByText("Nothing was used in this period yet").waitFor();
    assert.equal(await page.locator(".chart").isVisible(), false);
  });
});

test("grants are called what they are to the customer", async () => {
  await scenes.open("now", async (page) => {
    const names = page.locator("#grants .kind");
    const said = await names.allInnerTexts();
    assert.deepEqual(said, ["Included with your plan", "Bought credits order-1017"]);
    assert.match(await names.first().getAttribute("title"), /^plan:/);
  });
  await scenes.open("invoice", async (page) => {
    const rows = await page.locator(".burned tbody tr").allInnerTexts();
    assert.match(rows[0], /Gift\s*welcome · ends \w+ \d+, \d{4}\s+First in line/);
    assert.match(rows[1], /Included with your plan\s*ends \w+ \d+, \d{4}\s+\w.*: after no\. 1/);
    assert.match(rows[2], /Bought credits\s*order-1017 · does not end/);
    assert.ok(!rows.join().includes("plan:"), rows.join());
  });
});
