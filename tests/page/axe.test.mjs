/**
 * For everybody: no violation that axe-core finds in any view and state, light and dark; all of it
 * by keyboard with the focus seen; nothing to scroll sideways at 360 px; no motion for who asks for
 * none.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/tools.mjs";
import { settled, startScenes, STATES, VIEWS } from "./scenes.mjs";

const AXE = readFileSync(join(ROOT, "node_modules", "axe-core", "axe.min.js"), "utf8");
const PHONE = { width: 360, height: 740 };

let scenes;
before(async () => (scenes = await startScenes()));
after(() => scenes?.close());

/** What axe finds, a line each. */
async function violations(page) {
  await page.evaluate(AXE);
  const { violations: found } = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target}: ${failureSummary}`));
}

for (const name of [...VIEWS, ...STATES]) {
  for (const colorScheme of ["light", "dark"]) {
    test(`axe finds nothing: ${name}, ${colorScheme}`, async () => {
      await scenes.open(name, async (page) => {
        assert.deepEqual(await violations(page), []);
      }, { colorScheme });
    });
  }
  test(`360 px are enough: ${name}`, async () => {
    await scenes.open(name, async (page) => {
      const wide = await page.evaluate(() => {
        const { scrollWidth, clientWidth } = document.documentElement;
        return scrollWidth > clientWidth ? `${scrollWidth} px` : "";
      });
      assert.equal(wide, "");
      assert.deepEqual(await violations(page), []);
    }, { viewport: PHONE });
  });
}

test("axe finds nothing when every view has been opened", async () => {
  await scenes.open("now", async (page) => {
    for (const view of [...VIEWS, ...VIEWS]) {
      await page.locator(`#tab-${view}`).click();
      await settled(page);
      assert.deepEqual(await violations(page), [], view);
    }
  });
});

/** What can be worked with, and is there: a name for each. */
const controls = (page) => page.locator("edge-meter").evaluate(({ shadowRoot }) => {
  const able = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  return [...shadowRoot.querySelectorAll(able)]
    .filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex >= 0)
    // Of radios, Tab reaches the one that is chosen; the arrows go on from there.
    .filter((node) => node.type !== "radio" || node.checked)
    .map((node) => node.dataset.control ??= `${node.tagName} ${node.id} ${node.textContent.trim()}`
      .slice(0, 60) + ` #${Math.floor(performance.now() * 1_000)}`);
});

/** What has the focus, and whether one sees that. */
const focused = (page) => page.evaluate(() => {
  const node = document.querySelector("edge-meter").shadowRoot.activeElement;
  if (!node) return undefined;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const { width, height, bottom, right } = node.getBoundingClientRect();
  const seen = outlineStyle !== "none" && outlineWidth !== "0px";
  const there = width > 0 && height > 0 && bottom > 0 && right > 0;
  return { name: node.dataset.control, seen, there };
});

for (const name of VIEWS) {
  test(`all of it by keyboard: ${name}`, async () => {
    await scenes.open(name, async (page) => {
      const wanted = await controls(page);
      assert.ok(wanted.length > 0);
      const reached = new Map();
      // Backwards and on: from the last one, Tab leaves the page.
      for (let presses = 0; presses < wanted.length + 5; presses++) {
        await page.keyboard.press("Tab");
        const at = await focused(page);
        if (at) reached.set(at.name, at);
      }
      const missed = wanted.filter((control) => !reached.has(control));
      assert.deepEqual(missed, []);
      const unseen = [...reached.values()].filter(({ seen, there }) => !seen || !there);
      assert.deepEqual(unseen, []);
    });
  });
}

test("the arrows go through the views, and Enter is not needed", async () => {
  await scenes.open("now", async (page) => {
    await page.locator("edge-meter [role=tab][aria-selected=true]").focus();
    const shown = () => page.locator("edge-meter [role=tabpanel]:visible").getAttribute("id");
    for (const view of [...VIEWS.slice(1), VIEWS[0]]) {
      await page.keyboard.press("ArrowRight");
      assert.equal(await shown(), `panel-${view}`);
    }
    await page.keyboard.press("End");
    assert.equal(await shown(), `panel-${VIEWS.at(-1)}`);
    await page.keyboard.press("Home");
    assert.equal(await shown(), `panel-${VIEWS[0]}`);
  });
});

for (const name of VIEWS) {
  test(`nothing moves for who asks for that: ${name}`, async () => {
    await scenes.open(name, async (page) => {
      await scenes.call();
      for (let look = 0; look < 10; look++) {
        const moving = await page.locator("edge-meter").evaluate(({ shadowRoot }) =>
          shadowRoot.getAnimations().map(({ playState, effect }) =>
            `${playState} ${effect?.target?.className}`));
        assert.deepEqual(moving, []);
        await page.waitForTimeout(50);
      }
    }, { reducedMotion: "reduce" });
  });
}
