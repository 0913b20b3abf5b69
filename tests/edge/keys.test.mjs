/** Keys: forged, cut, foreign, rotated, disabled. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually, ROUTES, sleep, startGateway } from "./harness.mjs";

const OLD = "1:a-secret-of-the-tests-of-32-bytes-!";
const NEW = "2:another-secret-of-at-least-32-bytes";

let gateway;
let key;
before(async () => {
  gateway = await startGateway({ gateways: 2 });
  ({ key } = await gateway.fund("acme", { price: "1", amount: "10000" }));
});
after(() => gateway?.stop());

/** Files of account objects on disk. */
function accountFiles() {
  return readdirSync(join(gateway.dir, "storage"), { recursive: true })
    .map(String)
    .filter((name) => /edgemeter-Account.[0-9a-f]{64}\.sqlite$/.test(name));
}

test("1,000 forged keys are 401 and make no account", async () => {
  const files = accountFiles();
  assert.equal(files.length, 1);
  const letters = "0123456789abcdefghjkmnpqrstvwxyz";
  const letter = () => letters[Math.floor(Math.random() * 32)];
  const mac = () => Array.from({ length: 32 }, letter).join("");
  const forgeries = Array.from({ length: 1_000 }, (_, i) => {
    switch (i % 10) {
      case 0:
        return key.slice(0, i % key.length); // cut
      case 1:
        return key + mac(); // longer
      case 2:
        return key.replace("acme", `acme${i}`); // another account, same MAC
      case 3:
        return key.replace("test", "live"); // another deployment
      case 4:
        return `em_test_new-${i}_k1_3${mac()}`; // a secret that does not exist
      case 5:
        return key.toUpperCase();
      case 6:
        return "x".repeat(8_000);
      case 7:
        return key.replace(/_1[^_]*$/, `_1${mac()}`);
      case 8:
        return key.replace(/.$/, (last) => (last === "0" ? "1" : "0")); // one letter
      default:
        return `em_test_victim-${i}_k1_1${mac()}`;
    }
  });
  for (const forged of forgeries) {
    const answer = await gateway.call(forged, "/words", 0);
    assert.equal(answer.status, 401, `key: ${forged.slice(0, 60)}`);
    assert.match(answer.headers["www-authenticate"], /Bearer/);
  }
  assert.deepEqual(accountFiles(), files);
  assert.equal((await gateway.origin.counts())["GET /words"], undefined);
});

test("the origin sees the account and the operation, and no key", async () => {
  for (const headers of [{ authorization: `Bearer ${key}` }, { "x-api-key": key }]) {
    const answer = await gateway.send(`${gateway.urls[0]}/headers`, { headers });
    const seen = JSON.parse(answer.text);
    assert.equal(answer.status, 200);
    assert.equal(seen["edgemeter-account"], "acme");
    assert.equal(seen["edgemeter-operation"], answer.headers["edgemeter-operation"]);
    assert.ok(!answer.text.includes(key));
  }
  // A header of the client's own is for the origin, and cannot pretend to be the gateway's.
  const own = { authorization: "Basic b3duOm9uZQ==", "edgemeter-account": "x" };
  const headers = { "x-api-key": key, ...own };
  const seen = JSON.parse((await gateway.send(`${gateway.urls[0]}/headers`, { headers })).text);
  assert.equal(seen.authorization, "Basic b3duOm9uZQ==");
  assert.equal(seen["edgemeter-account"], "acme");
  // The other way round: the key where OpenAI's clients put it, the origin's own in x-api-key.
  const other = { authorization: `bearer ${key}`, "x-api-key": "the-origins-own" };
  const answer = await gateway.send(`${gateway.urls[0]}/headers`, { headers: other });
  const passed = JSON.parse(answer.text);
  assert.deepEqual([passed["x-api-key"], passed.authorization], ["the-origins-own", undefined]);
});

test("a disabled key ends within the lease's validity, and others go on", async () => {
  const other = await gateway.must("POST", "/v1/accounts/acme/keys", { id: "second" });
  await gateway.load(other.key, { total: 400, connections: 16 });
  await gateway.must("POST", "/v1/accounts/acme/keys/second/disable");
  const disabled = Date.now();
  let traffic = true;
  const load = gateway.load(key, { total: 1e9, connections: 8, stop: () => !traffic });
  await eventually(async () => {
    const answers = [];
    for (const index of [0, 1]) answers.push(await gateway.call(other.key, "/words", index));
    return answers.every(({ status }) => status === 403);
  }, 15_000);
  const took = Date.now() - disabled;
  traffic = false;
  const answers = await load;
  assert.ok(took < 10_500, `refused after ${took} ms`);
  assert.deepEqual(Object.keys(answers), ["200"]);
  const problem = JSON.parse((await gateway.call(other.key)).text);
  assert.equal(problem.code, "key_disabled");
  // It takes nothing any more: no credits are set aside for its calls.
  const { burned } = await gateway.settled("acme");
  assert.deepEqual(await gateway.load(other.key, { total: 400, connections: 16 }), { 403: 400 });
  const { held, unreported, burned: still } = await gateway.balance("acme");
  assert.deepEqual([held, unreported, still], ["0", "0", burned]);
});

test("secrets rotate: old keys until their secret goes", async () => {
  const restart = async (secrets) => {
    const next = await startGateway({ settings: { EDGEMETER_KEY_SECRETS: secrets } });
    return next;
  };
  const both = await restart(`${OLD},${NEW}`);
  const { key: signed } = await both.fund("acme", { price: "1", amount: "10" });
  assert.match(signed, /_2[^_]{32}$/);
  assert.equal((await both.call(signed)).status, 200);
  // The same account name and key id under the old secret: signed by it, taken as well.
  const old = await gateway.must("POST", "/v1/accounts/acme/keys", { id: "rotated" });
  await both.must("POST", "/v1/accounts/acme/keys", { id: "rotated" });
  assert.equal((await both.call(old.key)).status, 200);
  await both.stop();
  const after = await restart(NEW);
  const funded = await after.fund("acme", { price: "1", amount: "10" });
  assert.equal((await after.call(funded.key)).status, 200);
  assert.equal((await after.call(old.key)).status, 401);
  await after.stop();
});

test("unmatched and ambiguous paths are refused, unmetered ones pass without a key", async () => {
  for (const [path, status] of [
    ["/status", 200],
    ["/nowhere", 404],
    ["/words/", 404],
    ["/words%2f1", 404],
    ["/w%6Frds", 401],
    ["/v1/chat/completions", 404],
  ]) {
    const answer = await gateway.send(gateway.urls[0] + path);
    assert.equal(answer.status, status, path);
  }
  assert.equal((await gateway.call(key, "/unpriced")).status, 403);
  assert.equal((await gateway.call(key, "/words/amber")).status, 200);
  assert.equal((await gateway.call(key, "/words/nothing")).status, 404);
});

test("an isolate that was idle goes by the routes as they are now", async () => {
  const unmetered = { method: "GET", path: "/unpriced", unmetered: true };
  const routes = ROUTES.routes.map((route) => (route.path === "/unpriced" ? unmetered : route));
  assert.equal((await gateway.call(key, "/unpriced", 1)).status, 403);
  await gateway.must("PUT", "/v1/routes", { ...ROUTES, routes });
  await sleep(5_500);
  assert.notEqual((await gateway.call(key, "/unpriced", 1)).status, 403);
});
