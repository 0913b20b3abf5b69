/**
 * The page's files: compressed once when they are built, served so to who takes it, and not at all
 * to who has them.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join, relative } from "node:path";
import { after, before, test } from "node:test";
import { brotliDecompressSync } from "node:zlib";
import { ROOT } from "../../scripts/processes.mjs";
import { startGateway } from "./harness.mjs";

const SERVED = join(ROOT, "dist", "www");

let gateway;
before(async () => (gateway = await startGateway()));
after(() => gateway?.stop());

/** An answer's head and bytes as they come over the wire: `fetch` would unpack them. */
function get(path, headers = {}, method = "GET") {
  return new Promise((resolve, reject) => {
    const asked = request(`${gateway.urls[0]}/edgemeter/${path}`, { headers, method }, (answer) => {
      const chunks = [];
      answer.on("data", (chunk) => chunks.push(chunk));
      answer.on("end", () => {
        const { statusCode: status, headers } = answer;
        resolve({ status, headers, bytes: Buffer.concat(chunks) });
      });
    });
    asked.on("error", reject).end();
  });
}

test("every file comes compressed to who takes it, and unpacks to what it is", async () => {
  const entries = readdirSync(SERVED, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".br"));
  assert.ok(files.length > 5);
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    const url = relative(SERVED, path);
    const bytes = readFileSync(path);
    const plain = await get(url);
    const short = await get(url, { "accept-encoding": "gzip, deflate, br" });
    assert.equal(plain.status, 200, url);
    assert.deepEqual(plain.bytes, bytes, url);
    assert.equal(plain.headers["content-encoding"], undefined, url);
    const got = short.headers["content-encoding"] === "br"
      ? brotliDecompressSync(short.bytes)
      : short.bytes;
    assert.deepEqual(got, bytes, url);
    assert.ok(short.bytes.length <= bytes.length, url);
    for (const { headers } of [plain, short]) assert.match(headers.vary, /accept-encoding/i);
    assert.equal(short.headers["content-type"], plain.headers["content-type"], url);
  }
});

test("who does not take brotli gets none", async () => {
  const wasm = "pkg/edgemeter_bg.wasm";
  const coding = async (said) => {
    const headers = said === undefined ? {} : { "accept-encoding": said };
    return (await get(wasm, headers)).headers["content-encoding"];
  };
  for (const said of ["br", "BR", "gzip, br;q=0.5", "br;q=0.001", "x, br ; q=1.0"]) {
    assert.equal(await coding(said), "br", said);
  }
  for (const said of [undefined, "", "gzip", "brotli", "br;q=0", "gzip;q=1, br;q=0.000"]) {
    assert.equal(await coding(said), undefined, said);
  }
  const head = await get(wasm, { "accept-encoding": "br" }, "HEAD");
  assert.deepEqual([head.status, head.headers["content-encoding"]], [200, "br"]);
  assert.equal(head.bytes.length, 0);
  assert.equal((await get("pkg/nothing.js", { "accept-encoding": "br" })).status, 404);
});

test("who has a file is told so, whatever its coding; the page itself always comes", async () => {
  const tagged = ["pkg/edgemeter_bg.wasm", "pkg/bill_bg.wasm", "element.js", "views/now.js"];
  const tags = new Set();
  for (const path of tagged) {
    const { headers: { etag } } = await get(path);
    assert.match(etag, /^W\/"[\w-]{16}"$/, path);
    tags.add(etag);
    const accepts = { "accept-encoding": "br" };
    assert.equal((await get(path, accepts)).headers.etag, etag, path);
    for (const said of [etag, `"x", ${etag}`]) {
      const { status, headers, bytes } = await get(path, { ...accepts, "if-none-match": said });
      assert.deepEqual([status, headers.etag, bytes.length], [304, etag, 0], path);
      assert.equal(headers["cache-control"], "no-cache");
      assert.match(headers["content-security-policy"], /default-src 'none'/);
      assert.equal(headers["access-control-allow-origin"], "*");
    }
    for (const said of ["", '"x"', 'W/"x"', etag.slice(2, -2)]) {
      const { status, bytes } = await get(path, { "if-none-match": said });
      assert.deepEqual([status, bytes.length > 0], [200, true], said);
    }
  }
  assert.equal(tags.size, tagged.length);
  const { headers } = await get("");
  assert.equal(headers.etag, undefined);
  assert.equal((await get("", { "if-none-match": "*" })).status, 200);
});
