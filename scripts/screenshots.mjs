/**
 * Takes the pictures of the page that stand in docs/: `npm run screenshots`
 *
 *   page-<view>.png    each view, light
 *   page-dark.png      the views, dark
 *   page-phone.png     the views on a phone of 390 px
 *   page-states.png    nothing yet, loading, nothing left, offline, expired, stopped
 *
 * The account is that of tests/page/customer.mjs: the same numbers every time, but for the clock.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { startBrowser } from "../tests/page/browser.mjs";
import { startScenes, VIEWS } from "../tests/page/scenes.mjs";
import { Hint, log, main, ROOT } from "./processes.mjs";

const BYTES_MAX = 150_000;
const WIDE = { width: 1180, height: 900 };
const PHONE = { width: 390, height: 844 };
const STATES = ["empty", "loading", "zero", "offline", "expired", "broken"];

const file = (name) => join(ROOT, "docs", `page-${name}.png`);

/** Many pictures on one sheet, `columns` beside each other, each `width` px wide. */
async function sheet(browser, name, pictures, { columns, width, dark = false }) {
  const gap = 16;
  const page = await browser.newPage({
    viewport: { width: columns * (width + gap) + gap, height: 400 },
    colorScheme: dark ? "dark" : "light",
  });
  const address = (png) => `data:image/png;base64,${png.toString("base64")}`;
  const images = pictures.map((png) => `<img src="${address(png)}">`);
  await page.setContent(`<style>
    body { margin: 0; padding: ${gap}px; display: grid; gap: ${gap}px; align-items: start;
      grid-template-columns: repeat(${columns}, ${width}px);
      background: ${dark ? "#000" : "#dfe3df"}; }
    img { width: 100%; border-radius: 8px; }
  </style>${images.join("")}`);
  await page.screenshot({ path: file(name), fullPage: true });
  await page.close();
  return name;
}

await main(async () => {
  const scenes = await startScenes();
  const browser = await startBrowser();
  const picture = async (name, options, how) => {
    let png;
    await scenes.open(name, async (page) => {
      for (let calls = 0; calls < 6 && VIEWS.includes(name); calls++) await scenes.call();
      await page.waitForTimeout(1_500);
      png = await page.screenshot(how);
    }, options);
    return png;
  };
  try {
    const made = [];
    for (const view of VIEWS) {
      await picture(view, { viewport: WIDE }, { path: file(view), fullPage: true });
      made.push(view);
    }
    const all = async (names, options) => {
      const pictures = [];
      for (const name of names) pictures.push(await picture(name, options));
      return pictures;
    };
    const dark = await all(VIEWS.slice(0, 4), { viewport: WIDE, colorScheme: "dark" });
    made.push(await sheet(browser, "dark", dark, { columns: 2, width: 590, dark: true }));
    const phones = await all(VIEWS, { viewport: PHONE });
    made.push(await sheet(browser, "phone", phones, { columns: 5, width: 240 }));
    const states = await all(STATES, { viewport: { width: 900, height: 640 } });
    made.push(await sheet(browser, "states", states, { columns: 3, width: 400 }));
    const large = made.filter((name) => statSync(file(name)).size > BYTES_MAX);
    if (large.length > 0) throw new Hint(`over ${BYTES_MAX} bytes: ${large.join(", ")}`);
    log(`took ${made.map((name) => `docs/page-${name}.png`).join(", ")}`);
  } finally {
    await browser.close();
    await scenes.close();
  }
});
