/**
 * The npm package as a stranger uses it: packed, installed from its tarball, and embedded by the
 * example of its README in a page of another origin, against the real gateway.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, test } from "node:test";
import { pack } from "../../scripts/pack.mjs";
import { run } from "../../scripts/processes.mjs";
import { npmTool, ROOT } from "../../scripts/tools.mjs";
import { VIEWS } from "../../www/views/index.js";
import { eventually, sleep, startGateway } from "../edge/harness.mjs";
import { startBrowser, withPage } from "./browser.mjs";

const TYPES = {
  ".js": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

/** A token that ends while the test looks on. */
const SHORT_S = 12;

let browser;
let gateway;
let dir;
let key;
const hosts = [];
before(async () => {
  dir = mkdtempSync(join(tmpdir(), "edgemeter-npm-"));
  writeFileSync(join(dir, "package.json"), '{"private":true}');
  const flags = ["--offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await run("npm", ["install", ...flags, await pack()], { cwd: dir });
  gateway = await startGateway();
  ({ key } = await gateway.fund("acme", { price: "0.3", amount: "5000" }));
  browser = await startBrowser();
});
after(async () => {
  for (const host of hosts) host.close();
  await browser?.close();
  await gateway?.stop();
  if (dir) rmSync(dir, { recursive: true, force: true });
});

const mint = async (ttl_seconds) =>
  (await gateway.must("POST", "/v1/accounts/acme/portal-tokens", { ttl_seconds })).token;
const list = (origins) => gateway.must("PUT", "/v1/portal", { origins, offers: [] });

/** The README's example, its gateway and its module's address changed to those of the test. */
function example(module = "/node_modules/edgemeter/element.js") {
  const readme = readFileSync(join(dir, "node_modules", "edgemeter", "README.md"), "utf8");
  const [, html] = readme.match(/```html\n(.*?)```/s);
  for (const text of ["https://api.example/", '"/node_modules/edgemeter/element.js"']) {
    assert.ok(html.includes(text), text);
  }
  return html
    .replace("https://api.example/", `${gateway.urls[0]}/`)
    .replace('"/node_modules/edgemeter/element.js"', `"${module}"`);
}

/** What the README asks a host's policy for, the gateway's address changed to the test's. */
function rights() {
  const readme = readFileSync(join(dir, "node_modules", "edgemeter", "README.md"), "utf8");
  const [base] = gateway.urls;
  const [, script, connect] = readme.match(/```csp\n *(script-src .*?); (connect-src .*?)\n/);
  const [, served] = readme.match(/`(script-src [^`]*https:\/\/api\.example[^`]*)`/);
  const here = (/** @type {string} */ text) => text
    .replaceAll("https://api.example", base)
    .replaceAll("wss://api.example", base.replace("http", "ws"));
  return { script: here(script), served: here(served), connect: here(connect) };
}

/**
 * A site of its own, with no more rights than the README asks for, but for the icon that browsers
 * ask every site for; `/portal-token` hands out what `hand` gives, told how often it was asked.
 */
async function site(html, hand, script = rights().script) {
  const scripts = [...html.matchAll(/<script[^>]*>(.*?)<\/script>/gs)].map(([, text]) => text);
  const hashes = scripts.map((text) =>
    `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
  const policy = [
    "default-src 'none'",
    `${script} ${hashes.join(" ")}`,
    rights().connect,
    "img-src 'self'",
    "require-trusted-types-for 'script'",
  ].join("; ");
  let asked = 0;
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://host");
    if (pathname === "/") {
      const headers = { "content-type": "text/html", "content-security-policy": policy };
      return response.writeHead(200, headers).end(`<!doctype html><title>Host</title>${html}`);
    }
    if (pathname === "/portal-token") return response.end(await hand(++asked));
    try {
      const body = await readFile(join(dir, pathname));
      response.writeHead(200, { "content-type": TYPES[extname(pathname)] }).end(body);
    } catch {
      response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  hosts.push(server);
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, asked: () => asked };
}

const state = (page) => page.locator("edge-meter .meter").getAttribute("data-state");
const inState = (page, name) =>
  page.locator(`edge-meter .meter[data-state=${name}]`).waitFor({ state: "attached" });
const balance = (page) => page.locator("edge-meter #balance").textContent();

test("the package holds the element, its types and its licence, and nothing else", async () => {
  const installed = join(dir, "node_modules", "edgemeter");
  const { version, license } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
  const crate = readFileSync(join(ROOT, "Cargo.toml"), "utf8");
  assert.ok(crate.includes(`\nversion = "${version}"\n`));
  assert.equal(license, "Apache-2.0");
  assert.match(readFileSync(join(installed, "LICENSE"), "utf8"), /Apache License/);
  const listed = await run("npm", ["pack", "--dry-run", "--json", installed]);
  const paths = JSON.parse(listed.slice(listed.indexOf("["))).at(0).files.map(({ path }) => path);
  const wanted = ["element.js", "element.d.ts", "pkg/bill_bg.wasm", "views/now.js"];
  for (const path of [...wanted, "LICENSE.uplot"]) {
    assert.ok(paths.includes(path), path);
  }
  const known = /\.(js|wasm)$|^(README\.md|LICENSE(\.uplot)?|package\.json|element\.d\.ts)$/;
  const strange = paths.filter((path) => !known.test(path));
  assert.deepEqual(strange, []);
  assert.ok(!paths.some((path) => /index\.html|^page\.|preview/.test(path)), `${paths}`);
});

test("TypeScript reads its types, and they are the element's", async () => {
  const paths = { "www/*": [join(ROOT, "www", "*")] };
  const compilerOptions = {
    noEmit: true,
    strict: true,
    allowJs: true,
    target: "es2022",
    module: "esnext",
    moduleResolution: "bundler",
    lib: ["dom", "dom.iterable", "esnext"],
    types: [],
    paths,
  };
  const config = JSON.stringify({ compilerOptions, files: ["host.ts"] });
  writeFileSync(join(dir, "tsconfig.json"), config);
  const host = readFileSync(join(ROOT, "tests", "page", "package", "host.ts"));
  writeFileSync(join(dir, "host.ts"), host);
  await run(npmTool("tsc"), ["-p", dir]);
  const types = readFileSync(join(ROOT, "npm", "element.d.ts"), "utf8");
  const [, union] = types.match(/type ViewName = (.*);/);
  assert.deepEqual(union.split(" | ").map((name) => JSON.parse(name)), Object.keys(VIEWS));
});

test("the README's example is live on a listed site, and renews its token", async () => {
  const { origin, asked } =
    await site(example(), (count) => mint(count === 1 ? SHORT_S : 3_600));
  await list([origin]);
  await withPage(browser, origin, async (page) => {
    await inState(page, "live");
    assert.equal(await balance(page), "5,000");
    assert.equal((await gateway.call(key)).status, 200);
    await eventually(async () => (await balance(page)) === "4,999.7");
    await eventually(() => asked() === 2);
    await sleep(SHORT_S * 1_000);
    // The first token has ended, and nobody noticed.
    assert.equal(await state(page), "live");
    assert.equal((await gateway.call(key)).status, 200);
    await eventually(async () => (await balance(page)) === "4,999.4");
  });
});

test("it prints its invoice, and nothing of the site around it", async () => {
  const { origin } = await site(`<h1>A shop</h1>${example()}`, () => mint(3_600));
  await list([origin]);
  await sleep(5_000);
  const prepare = (page) => page.addInitScript(() => {
    window.print = () => {
      window.parent.printed = [window === window.parent, document.body.textContent];
    };
  });
  await withPage(browser, origin, async (page) => {
    await inState(page, "live");
    await page.getByRole("tab", { name: "Invoice" }).click();
    await page.locator(".sheet .lines").waitFor();
    await page.getByRole("button", { name: "Print" }).click();
    const [isHost, text] = await page.evaluate(() => window.printed);
    assert.equal(isHost, false);
    assert.match(text, /^Invoice, so far/);
    assert.ok(!text.includes("A shop") && !text.includes("Print"), text);
  }, { prepare });
});

test("the gateway serves the same element to a listed site", async () => {
  const html = example(`${gateway.urls[0]}/edgemeter/element.js`);
  const { origin } = await site(html, () => mint(60), rights().served);
  await list([origin]);
  await sleep(5_000);
  await withPage(browser, origin, (page) => inState(page, "live"));
});

test("a site that is not listed reads nothing, and the element says why", async () => {
  const token = await mint(60);
  const { origin } = await site(example(), () => token);
  await list([]);
  await sleep(5_000);
  const heard = [];
  const errors = [];
  const prepare = (page) => {
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => heard.push(payload)));
    page.on("console", (message) => errors.push(message.text()));
  };
  const use = async (page) => {
    await inState(page, "unlisted");
    const meter = page.locator("edge-meter");
    const said = await meter.evaluate(({ shadowRoot }) => shadowRoot.textContent);
    assert.match(said, /This site may not show this account/);
    assert.ok(!said.includes("per-0.3"));
    assert.equal(await page.locator("edge-meter .panels").isVisible(), false);
    assert.ok(errors.some((text) => text.includes("origin_unlisted")), `${errors}`);
    // Whatever the page's own code tries.
    const read = await page.evaluate(async ([base, token]) => {
      const headers = { authorization: `Bearer ${token}` };
      const ask = (path) => fetch(base + path, { headers }).then(
        (answer) => answer.type,
        (error) => error.name,
      );
      return [await ask("/v1/accounts/acme"), await ask("/v1/accounts/acme/journal")];
    }, [gateway.urls[0], token]);
    assert.deepEqual(read, ["TypeError", "TypeError"]);
  };
  await assert.rejects(
    withPage(browser, origin, use, { prepare }),
    /the page complained: .*origin_unlisted/s,
  );
  assert.deepEqual(heard, []);
});
