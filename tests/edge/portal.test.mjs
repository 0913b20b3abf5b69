/**
 * Portal tokens attacked: of one account, read only, until their end; and from listed sites only.
 * The calls are those of docs/api.md, so that one that is added there is tried here.
 */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ROOT } from "../../scripts/tools.mjs";
import { eventually, OPERATOR_TOKEN, plan, sleep, startGateway } from "./harness.mjs";
import { openSocket } from "./socket.mjs";

const LISTED = "https://app.example";
const LOCAL = "http://localhost:3000";
const STRANGER = "https://evil.example";
/** A list is in force everywhere within this, in ms. */
const LIST_MS = 5_000;

let gateway;
let key;
let token;
let other;
const mint = async (account, ttl_seconds = 3_600) => {
  const path = `/v1/accounts/${account}/portal-tokens`;
  return (await gateway.must("POST", path, { ttl_seconds })).token;
};
before(async () => {
  gateway = await startGateway();
  ({ key } = await gateway.fund("acme", { amount: "100" }));
  await gateway.fund("other", { amount: "100" });
  const offers = [{ plan: "per-1", version: 1 }];
  await gateway.must("PUT", "/v1/portal", { origins: [LISTED, LOCAL], offers });
  token = await mint("acme");
  other = await mint("other");
});
after(() => {
  for (const socket of sockets) socket.destroy();
  return gateway?.stop();
});

/** Every call of docs/api.md: `{ method, path, portal }`, `…` written out, names filled in. */
const CALLS = (() => {
  const names = { a: "acme", k: "k1", g: "first", t: "t1", id: "per-1", version: "1", index: "0" };
  const text = readFileSync(join(ROOT, "docs", "api.md"), "utf8");
  const calls = [];
  for (const [, cell] of text.matchAll(/^\| (`(?:GET|POST|PUT|PATCH|DELETE) [^|]*?) \|/gm)) {
    let method;
    for (const [, verb, path] of cell.matchAll(/`(?:([A-Z]+) )?([^`\s]+)`/g)) {
      method = verb ?? method;
      const [whole] = path.replace("…/", "/v1/accounts/{a}/").split("?");
      const filled = whole.replace(/\{(\w+)\}/g, (_, name) => names[name] ?? `no-${name}`);
      calls.push({ method, path: filled, portal: cell.includes("¹") });
    }
  }
  return calls;
})();
const isSpecial = ({ path }) => path === "/v1/health" || path.endsWith("/live");
const READS = CALLS.filter((call) => call.portal);
const OTHERS = CALLS.filter((call) => !call.portal && !isSpecial(call));

const sockets = [];
async function open(account, credential, options) {
  const socket = await openSocket(gateway.urls[0], account, credential, options);
  sockets.push(socket);
  return socket;
}

const bearer = (credential, more = {}) => ({ authorization: `Bearer ${credential}`, ...more });
const ask = (method, path, headers, body) =>
  gateway.send(gateway.urls[0] + path, { method, headers, body });
const code = ({ text }) => JSON.parse(text).code;
const cors = ({ headers }) =>
  Object.keys(headers).filter((name) => name.startsWith("access-control-"));

/** What must not change: the account's journal, and what is published. */
async function state() {
  const { journal_rows, journal_hash } = await gateway.account("acme");
  const published = [];
  for (const path of ["/v1/plans", "/v1/routes", "/v1/portal", "/v1/accounts"]) {
    published.push(await gateway.must("GET", path));
  }
  return { journal_rows, journal_hash, published };
}

function accountFiles() {
  return readdirSync(join(gateway.dir, "storage"), { recursive: true })
    .map(String)
    .filter((name) => /edgemeter-Account.[0-9a-f]{64}\.sqlite$/.test(name));
}

test("the calls of the manual are found", () => {
  assert.ok(READS.length >= 5 && OTHERS.length >= 25, `${READS.length}, ${OTHERS.length}`);
  const paths = READS.map(({ method, path }) => `${method} ${path}`);
  for (const path of ["", "/balance", "/journal", "/export", "/offers"]) {
    assert.ok(paths.includes(`GET /v1/accounts/acme${path}`), path);
  }
});

test("a token reads its own account, and what it is offered", async () => {
  for (const { method, path } of READS) {
    const answer = await ask(method, path, bearer(token));
    assert.ok(answer.status === 200 || (path.endsWith("/0") && answer.status === 404), path);
    assert.equal(answer.headers["cache-control"], "no-store", path);
  }
  const published = await gateway.api("GET", "/v1/plans/per-1/1");
  const offers = await ask("GET", "/v1/accounts/acme/offers", bearer(token));
  assert.equal(offers.text, `{"plans":[${published.text}]}`);
});

test("nothing that writes, and nothing that is the operator's, takes a token", async () => {
  const before = await state();
  for (const { method, path } of OTHERS) {
    for (const body of ["{}", '{"id":"x","amount":"1000000"}']) {
      const headers = bearer(token, { "content-type": "application/json" });
      const answer = await ask(method, path, headers, method === "GET" ? undefined : body);
      assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
      assert.equal(code(answer), "operator_only", `${method} ${path}`);
    }
  }
  // What may be read may not be written, by whatever method it is tried.
  for (const { path } of READS) {
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      const answer = await ask(method, path, bearer(token), method === "DELETE" ? undefined : "{}");
      assert.equal(answer.status, 403, `${method} ${path}: ${answer.text}`);
    }
  }
  const headers = bearer(token, { "x-http-method-override": "POST", "x-method-override": "POST" });
  await ask("GET", "/v1/accounts/acme/keys", headers);
  assert.deepEqual(await state(), before);
});

test("another's account, and one that does not exist, are closed and stay asleep", async () => {
  const files = accountFiles();
  for (const { path } of READS) {
    for (const account of ["other", "nobody", "ACME", "acme.", "acme%00", "%61cme2"]) {
      const foreign = path.replace("acme", account);
      const answer = await ask("GET", foreign, bearer(token));
      assert.ok([403, 404, 422].includes(answer.status), `${foreign}: ${answer.status}`);
    }
    const twisted = path.replace("acme", "acme/../other");
    assert.notEqual((await ask("GET", twisted, bearer(token))).status, 200);
  }
  const double = ["//v1/accounts/other", "/v1//accounts/other", "/v1/accounts//other/balance"];
  for (const path of double) {
    assert.notEqual((await ask("GET", path, bearer(token))).status, 200, path);
  }
  assert.deepEqual(accountFiles(), files);
});

test("altered tokens, tokens as keys and keys as tokens open nothing", async () => {
  const [, , , end, mac] = token.split("_");
  const forged = [
    ...Array.from(token, (letter, at) =>
      token.slice(0, at) + (letter === "x" ? "y" : "x") + token.slice(at + 1),
    ),
    token.replace("_acme_", "_other_"),
    token.replace(end, `${Number(end) + 1}`),
    token.replace(end, `${end}0`),
    token.replace(end, `0${end}`),
    token.replace(end, `+${end}`),
    token.replace("pt_test", "pt_live"),
    token.replace(/^pt_/, "em_"),
    token.replace(mac, mac.toUpperCase()),
    other.replace(other.split("_").pop(), mac),
    `${token}0`,
    `${token}_`,
    `${token} ${token}`,
    token.slice(0, -1),
    key,
    key.replace(/^em_/, "pt_"),
    "pt_",
    "null",
  ];
  for (const text of forged) {
    const answer = await ask("GET", "/v1/accounts/acme/balance", bearer(text));
    assert.equal(answer.status, 401, text);
    assert.equal(code(answer), "token_invalid");
  }
  const path = "/v1/accounts/acme/balance";
  for (const headers of [{}, { "x-api-key": token }, { cookie: `token=${token}` }]) {
    assert.equal((await ask("GET", path, headers)).status, 401);
  }
  assert.equal((await ask("GET", `${path}?token=${token}`)).status, 401);
  for (const headers of [bearer(token), { "x-api-key": token }]) {
    const answer = await ask("GET", "/words", headers);
    assert.equal(answer.status, 401);
    assert.match(code(answer), /^key_/);
  }
  for (const wrong of [key, OPERATOR_TOKEN, other, token.slice(0, -1), ""]) {
    const socket = await open("acme", wrong);
    assert.equal(await socket.next(), undefined);
    assert.equal(await socket.closed, 4401, wrong);
  }
});

test("nothing after its end: calls are 401, and open sockets are closed at it", async () => {
  // Two at once: the second goes on when the first one ends.
  const [short, long] = [await mint("acme", 2), await mint("acme", 5)];
  const ends = [short, long].map((text) => Number(text.split("_")[3]) * 1_000);
  const both = [await open("acme", short), await open("acme", long)];
  const closings = both.map(async ({ closed }) => [await closed, Date.now()]);
  for (const socket of both) assert.equal((await socket.next()).type, "snapshot");

  const [first, firstAt] = await closings[0];
  assert.equal(first, 4401);
  assert.ok(firstAt >= ends[0] && firstAt < ends[0] + 1_000, `${firstAt - ends[0]} ms after`);
  for (const { path } of READS) {
    const answer = await ask("GET", path, bearer(short));
    assert.deepEqual([answer.status, code(answer)], [401, "token_invalid"], path);
  }
  const late = await open("acme", short);
  assert.equal(await late.closed, 4401);
  await gateway.must("POST", "/v1/accounts/acme/grants", { id: "while-one", amount: "1" });
  assert.equal((await both[1].next()).type, "delta");
  both[1].resync();
  assert.equal((await both[1].next()).type, "snapshot");

  const [second, secondAt] = await closings[1];
  assert.equal(second, 4401);
  assert.ok(secondAt >= ends[1] && secondAt < ends[1] + 1_000, `${secondAt - ends[1]} ms after`);
});

test("a socket of an account that hibernated is closed at its end as well", async () => {
  // workerd takes an object that nobody called for ten seconds out of memory.
  const text = await mint("other", 14);
  const end = Number(text.split("_")[3]) * 1_000;
  const socket = await open("other", text);
  assert.equal((await socket.next()).type, "snapshot");
  assert.equal(await socket.closed, 4401);
  const after = Date.now() - end;
  assert.ok(after >= 0 && after < 2_000, `${after} ms after`);
});

test("a listed site may read, and nobody else", async () => {
  for (const { path } of READS) {
    for (const origin of [LISTED, LOCAL]) {
      const answer = await ask("GET", path, bearer(token, { origin }));
      assert.notEqual(answer.status, 403, path);
      assert.equal(answer.headers["access-control-allow-origin"], origin);
      assert.equal(answer.headers.vary, "origin");
      assert.equal(answer.headers["access-control-allow-credentials"], undefined);
    }
    const near = [`${LISTED}.evil.example`, `${LISTED}:8443`, "http://app.example", "null", "x"];
    for (const origin of [STRANGER, ...near]) {
      const answer = await ask("GET", path, bearer(token, { origin }));
      assert.deepEqual([answer.status, code(answer)], [403, "origin_unlisted"], origin);
      assert.deepEqual(cors(answer), []);
    }
  }
  // The gateway's own page, and programs, which say no origin.
  for (const headers of [{ origin: gateway.urls[0] }, {}]) {
    const answer = await ask("GET", "/v1/accounts/acme/balance", bearer(token, headers));
    assert.deepEqual([answer.status, cors(answer)], [200, []]);
  }
  // A refusal can be read as well: it says what is wrong.
  const origin = LISTED;
  const refused = await ask("GET", "/v1/accounts/acme", bearer(other, { origin }));
  assert.deepEqual([refused.status, code(refused)], [403, "other_account"]);
  assert.equal(refused.headers["access-control-allow-origin"], LISTED);
});

test("no other site is let near a write or an operator's call", async () => {
  const preflight = (path, method, origin, asked = "authorization") =>
    ask("OPTIONS", path, {
      origin,
      "access-control-request-method": method,
      "access-control-request-headers": asked,
    });
  for (const { path } of READS) {
    const good = await preflight(path, "GET", LISTED);
    assert.equal(good.status, 204, path);
    assert.equal(good.headers["access-control-allow-origin"], LISTED);
    assert.equal(good.headers["access-control-allow-methods"], "GET");
    assert.equal(good.headers["access-control-allow-headers"], "authorization");
    assert.equal(good.headers.vary, "origin");
    for (const [method, origin, asked] of [
      ["GET", STRANGER],
      ["GET", "null"],
      ["GET", LISTED, "authorization,x-api-key"],
      ["POST", LISTED],
      ["PUT", LISTED],
      ["DELETE", LISTED],
    ]) {
      const bad = await preflight(path, method, origin, asked);
      assert.equal(bad.status, 403, `${method} ${origin} ${asked}`);
      assert.deepEqual(cors(bad), []);
    }
  }
  for (const { method, path } of OTHERS) {
    if (method === "GET") continue;
    const answer = await preflight(path, method, LISTED, "authorization,content-type");
    assert.ok(answer.status >= 400, `${method} ${path}: ${answer.status}`);
    assert.deepEqual(cors(answer), [], `${method} ${path}`);
  }
  const before = await state();
  for (const { method, path } of OTHERS) {
    const body = method === "GET" ? undefined : "{}";
    const answer = await ask(method, path, bearer(token, { origin: LISTED }), body);
    assert.equal(answer.status, 403, `${method} ${path}`);
  }
  assert.deepEqual(await state(), before);
  for (const path of ["/v1/accounts/acme/balance", "/v1/plans", "/v1/portal"]) {
    const answer = await ask("GET", path, bearer(OPERATOR_TOKEN, { origin: LISTED }));
    assert.deepEqual([answer.status, cors(answer)], [200, []], path);
  }
});

test("live sockets are for listed sites, this page and programs", async () => {
  for (const origin of [LISTED, LOCAL, gateway.urls[0], undefined]) {
    const socket = await open("acme", token, { origin });
    assert.equal((await socket.next()).type, "snapshot", origin);
  }
  for (const origin of [STRANGER, "null", "http://app.example"]) {
    const socket = await open("acme", token, { origin });
    assert.equal(await socket.next(), undefined, origin);
    assert.equal(await socket.closed, 4403, origin);
  }
});

test("any site may load the page's parts, and listed ones may frame the page", async () => {
  const page = await ask("GET", "/edgemeter/");
  const policy = page.headers["content-security-policy"];
  assert.match(policy, /; frame-ancestors https:\/\/app\.example http:\/\/localhost:3000$/);
  assert.match(policy, /^default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; /);
  assert.match(policy, /; style-src 'self'; .*; require-trusted-types-for 'script'; /);
  assert.ok(!/unsafe-inline|'unsafe-eval'|\*/.test(policy), policy);
  assert.deepEqual(cors(page), []);
  for (const path of ["pkg/edgemeter.js", "pkg/edgemeter_bg.wasm", "icon.svg"]) {
    const part = await ask("GET", `/edgemeter/${path}`, { origin: STRANGER });
    assert.equal(part.headers["access-control-allow-origin"], "*", path);
    assert.match(part.headers["content-security-policy"], /frame-ancestors 'none'$/);
  }
});

test("a changed list holds within five seconds, and a bad one changes nothing", async () => {
  const read = (origin) => ask("GET", "/v1/accounts/acme/balance", bearer(token, { origin }));
  const offers = [{ plan: "per-1", version: 1 }];
  const put = (body) => gateway.api("PUT", "/v1/portal", body);
  for (const [body, status, field] of [
    ["", 400, ""],
    [{ origins: [] }, 422, "/offers"],
    [{ origins: ["https://*.example"], offers }, 422, "/origins/0"],
    [{ origins: [LISTED, "http://app.example"], offers }, 422, "/origins/1"],
    [{ origins: [], offers: [{ plan: "per-1", version: 2 }] }, 404, "/offers/0"],
    [{ origins: [], offers: [{ plan: "unknown", version: 1 }] }, 404, "/offers/0"],
    [{ origins: [], offers, colour: "red" }, 422, "/colour"],
  ]) {
    const answer = await put(body);
    assert.deepEqual([answer.status, answer.json.field], [status, field], JSON.stringify(body));
  }
  assert.deepEqual(await gateway.must("GET", "/v1/portal"), { origins: [LISTED, LOCAL], offers });

  await gateway.must("POST", "/v1/plans", plan("second", "2"));
  await gateway.must("PUT", "/v1/portal", {
    origins: [STRANGER],
    offers: [...offers, { plan: "second", version: 1 }],
  });
  const started = Date.now();
  await eventually(async () => (await read(LISTED)).status === 403);
  assert.equal((await read(STRANGER)).status, 200);
  assert.ok(Date.now() - started < LIST_MS + 500, `${Date.now() - started} ms`);
  const { plans } = JSON.parse((await ask("GET", "/v1/accounts/acme/offers", bearer(token))).text);
  assert.deepEqual(plans.map(({ id }) => id), ["per-1", "second"]);

  await gateway.must("PUT", "/v1/portal", { origins: [], offers: [] });
  await sleep(LIST_MS);
  const policy = (await ask("GET", "/edgemeter/")).headers["content-security-policy"];
  assert.match(policy, /frame-ancestors 'none'$/);
});
