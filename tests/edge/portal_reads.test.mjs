/**
 * What a customer's reads may cost, what they see, and pages that never say goodbye.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { calls, words } from "./events.mjs";
import { eventually, sleep, startGateway } from "./harness.mjs";
import { openSocket } from "./socket.mjs";

const READS = [
  "", "/balance", "/statement", "/usage", "/invoices", "/invoices/preview", "/export", "/offers",
];
/** As in src/edge/sockets.rs. */
const SOCKETS_MAX = 64;
const SILENT_MS = 150_000;
/** As in src/edge/pages.rs. */
const SNAPSHOT_MS = 250;

let gateway;
before(async () => (gateway = await startGateway({ entry: "faults/entry.js" })));
after(() => {
  for (const socket of sockets) socket.destroy();
  return gateway?.stop();
});

const { open: openAccount, post } = calls(() => gateway);
const mint = async (account, ttl_seconds = 3_600) => {
  const path = `/v1/accounts/${account}/portal-tokens`;
  return (await gateway.must("POST", path, { ttl_seconds })).token;
};
const read = (account, path, token) =>
  gateway.send(`${gateway.urls[0]}/v1/accounts/${account}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
const fault = (order) =>
  gateway.send(gateway.urls[0], { headers: { "x-fault": JSON.stringify(order) } });

const sockets = [];
async function open(account, token) {
  const socket = await openSocket(gateway.urls[0], account, token);
  sockets.push(socket);
  return socket;
}

/** As many as an account may have, at once. */
const openAll = (account, token) =>
  Promise.all(Array.from({ length: SOCKETS_MAX }, () => open(account, token)));

/** What comes within a time, or nothing. */
const within = (ms, promise) => Promise.race([promise, sleep(ms)]);

test("who reads too much waits, by the clock, and nobody else does", async () => {
  await openAccount("reader", "100000");
  const { key } = await gateway.fund("reader-too", { amount: "100" });
  for (let batch = 0; batch < 8; batch++) {
    const list = Array.from({ length: 1_000 }, (_, i) => words("reader", `${batch}-${i}`));
    assert.equal((await post(JSON.stringify(list))).status, 200);
  }
  const token = await mint("reader");
  let bytes = 0;
  let refused;
  let isOver = false;
  const hammer = async () => {
    while (!isOver) {
      const answer = await read("reader", "/journal?limit=1000", token);
      if (answer.status !== 200) refused ??= answer;
      else if (!refused) bytes += answer.text.length;
    }
  };
  const hammering = Array.from({ length: 8 }, hammer);
  try {
    await eventually(() => refused, 60_000);
    assert.equal(refused.status, 429);
    assert.ok(bytes > 30_000_000, `${bytes} bytes`);
    const { code, retry_after: seconds } = JSON.parse(refused.text);
    assert.deepEqual([code, refused.headers["retry-after"]], ["too_many_reads", `${seconds}`]);
    // Whatever is asked, and with whichever token of the account.
    const another = await mint("reader");
    for (const path of READS) {
      await eventually(async () => (await read("reader", path, another)).status === 429);
    }
    // The operator, metering, and other accounts go on.
    for (let again = 0; again < 20; again++) {
      assert.equal((await gateway.api("GET", "/v1/accounts/reader/journal")).status, 200);
      const event = words("reader", `more-${again}`);
      assert.equal((await post(JSON.stringify([event]))).status, 200);
      assert.equal((await gateway.call(key)).status, 200);
    }
    assert.equal((await read("reader-too", "", await mint("reader-too"))).status, 200);
  } finally {
    isOver = true;
    await Promise.all(hammering);
  }
  const last = await read("reader", "", token);
  const wait = 1_000 * Number(last.headers["retry-after"] ?? 0);
  assert.ok(wait <= 3_000, `${wait} ms`);
  await sleep(wait);
  assert.equal((await read("reader", "", token)).status, 200);
});

test("however often pages ask, they share a few snapshots", async () => {
  await gateway.fund("asked", { amount: "100" });
  const token = await mint("asked");
  const [one, two] = [await open("asked", token), await open("asked", token)];
  for (const socket of [one, two]) assert.equal((await socket.next()).type, "snapshot");
  const started = Date.now();
  const heard = [0, 0];
  let asks = 0;
  const listen = async (socket, at) => {
    for (;;) {
      const message = await socket.next();
      if (message === undefined) return;
      assert.equal(message.type, "snapshot");
      heard[at] += 1;
    }
  };
  const listening = [listen(one, 0), listen(two, 1)];
  while (Date.now() - started < 1_500) {
    one.resync();
    two.resync();
    asks += 2;
    await sleep(5);
  }
  await sleep(2 * SNAPSHOT_MS);
  const most = Math.ceil((Date.now() - started) / SNAPSHOT_MS) + 2;
  for (const count of heard) assert.ok(count >= 4 && count <= most, `${heard} of ${asks}, ${most}`);
  one.destroy();
  two.destroy();
  await Promise.all(listening);
});

test("a page that opens between two snapshots has one a moment later", async () => {
  await gateway.fund("opened", { amount: "100" });
  const token = await mint("opened");
  const opened = await Promise.all(Array.from({ length: 8 }, () => open("opened", token)));
  const started = Date.now();
  const first = await Promise.all(opened.map((socket) => socket.next()));
  assert.ok(first.every(({ type }) => type === "snapshot"));
  assert.ok(Date.now() - started < 1_000, `${Date.now() - started} ms`);
});

test("a sign of life is answered, and asks nothing of the account", async () => {
  await gateway.fund("alive", { amount: "100" });
  const socket = await open("alive", await mint("alive"));
  assert.equal((await socket.next()).type, "snapshot");
  socket.say({ type: "ping" });
  assert.deepEqual(await socket.next(), { type: "pong" });
  socket.say({ type: "resync" });
  assert.equal((await socket.next()).type, "snapshot");
});

test("closed sockets whose pages say nothing do not count", async () => {
  await gateway.fund("gone", { amount: "100" });
  const all = await openAll("gone", await mint("gone", 15));
  // These clients never answer the close frame.
  assert.deepEqual([...new Set(await Promise.all(all.map(({ closed }) => closed)))], [4401]);
  const token = await mint("gone");
  const again = await openAll("gone", token);
  assert.equal((await again.at(-1).next()).type, "snapshot");
  await assert.rejects(open("gone", token), /no socket: 409/);
});

test("silent sockets make room once there are too many, others stay", async () => {
  await gateway.fund("full", { amount: "100" });
  const token = await mint("full");
  const all = await openAll("full", token);
  await assert.rejects(open("full", token), /no socket: 409/);
  try {
    await fault({ shift: SILENT_MS + 1_000 });
    const [awake, ...silent] = all;
    awake.resync();
    await eventually(async () => (await awake.next()).type === "snapshot");
    const more = await open("full", token);
    assert.equal((await more.next()).type, "snapshot");
    const codes = await Promise.all(silent.map(({ closed }) => closed));
    assert.deepEqual([...new Set(codes)], [4408]);
    assert.equal(await within(300, awake.closed), undefined);
  } finally {
    await fault({ shift: 0 });
  }
});

test("a customer sees what is its own, and not how the account is run", async () => {
  await gateway.fund("seen", { amount: "100" });
  const rule = { threshold: "200", target: "500", cool_off_ms: 60_000 };
  await gateway.must("POST", "/v1/accounts/seen/top-up-rule", { rule });
  const whole = await gateway.account("seen");
  assert.equal(whole.audit, "ok");
  assert.deepEqual(whole.top_ups.rule, rule);
  const own = JSON.parse((await read("seen", "", await mint("seen"))).text);
  const { audit, top_ups: { pending, ...operators }, ...rest } = whole;
  assert.deepEqual(own, { ...rest, top_ups: { pending } });
  assert.deepEqual(Object.keys(operators).sort(), ["asked", "last", "rule"]
    .filter((name) => name in operators));
});
