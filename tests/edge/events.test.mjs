/**
 * Events from elsewhere, on workerd: three modes of CloudEvents, an answer for each event,
 * corrections, periods, and what is remembered for how long.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { calls, told, words } from "./events.mjs";
import { startGateway } from "./harness.mjs";
import { verify } from "./journal.mjs";

let gateway;
before(async () => (gateway = await startGateway({ entry: "faults/entry.js" })));
after(() => gateway?.stop());

const { open, post, correct, burned, order } = calls(() => gateway);

test("structured, batched and binary events are one and the same", async () => {
  await open("modes");
  const json = (kind) => ({ "content-type": kind });
  const kind = "application/cloudevents+json; charset=utf-8";
  const single = await post(words("modes", "1"), json(kind));
  assert.equal(single.status, 200, single.text);
  assert.deepEqual(single.json, { events: [{ id: "1", status: "taken" }] });
  assert.deepEqual(told(await post([words("modes", "1"), words("modes", "2")])), [
    "duplicate",
    "taken",
  ]);
  const list = [words("modes", "3"), words("modes", "2")];
  assert.deepEqual(told(await post(list, json("application/json"))), ["taken", "duplicate"]);
  assert.deepEqual(told(await post(list, {})), ["duplicate", "duplicate"]);
  const attributes = (id, more = {}) => ({
    "ce-specversion": "1.0",
    "ce-id": id,
    "ce-source": "/tests",
    "ce-type": "words",
    "ce-subject": "modes",
    "content-type": "application/json",
    ...more,
  });
  assert.deepEqual(told(await post({ quantity: 5 }, attributes("4"))), ["taken"]);
  assert.deepEqual(told(await post({ quantity: 5 }, attributes("3"))), ["duplicate"]);
  assert.deepEqual(told(await post("", attributes("no-data"))), ["taken"]);
  // The same name, percent-encoded and plain.
  const odd = "é €\"%\\ 😀";
  const encoded = attributes(encodeURIComponent(odd), { "ce-time": new Date().toISOString() });
  assert.deepEqual(told(await post("", encoded)), ["taken"]);
  assert.deepEqual(told(await post(words("modes", odd))), ["duplicate"]);
  assert.equal(await burned("modes"), "10");
  const alias = await gateway.api("POST", "/api/v1/events", [words("modes", "6")]);
  assert.deepEqual(told(alias), ["taken"]);

  for (const [body, headers, status, code] of [
    ["<a/>", { "content-type": "application/xml" }, 415, "media_type"],
    ["<a/>", attributes("7", { "content-type": "application/xml" }), 415, "data_not_json"],
    ["{", attributes("7"), 400, "body_not_json"],
    ["{}{}", attributes("7"), 400, "body_not_json"],
    ["", attributes("100%"), 400, "header_malformed"],
    ["", {}, 400, "body_empty"],
    ["[1", {}, 400, "body_not_json"],
    [Array(5_001).fill(1), {}, 413, "batch_too_long"],
    [`[${" ".repeat(1_048_576)}]`, {}, 413, "body_too_large"],
  ]) {
    const answer = await post(body, headers);
    assert.deepEqual([answer.status, answer.json.code], [status, code], answer.text.slice(0, 200));
  }
  const nobody = await gateway.send(`${gateway.urls[0]}/v1/events`, { method: "POST" });
  assert.equal(nobody.status, 401);
  assert.equal((await gateway.api("GET", "/v1/events")).status, 405);
  const { token } = await gateway.must("POST", "/v1/accounts/modes/portal-tokens", {});
  const portal = await post([], { authorization: `Bearer ${token}` });
  assert.equal(portal.json.code, "operator_only");
  assert.deepEqual((await post([])).json, { events: [] });
  const routes = { unmatched: "refuse", routes: [{ method: "POST", path: "/api/v1/events" }] };
  assert.equal((await gateway.api("PUT", "/v1/routes", routes)).json.code, "path_reserved");
});

test("a batch answers for each event, and what is refused refuses no neighbour", async () => {
  await open("answers");
  await open("neighbour");
  const at = (ms) => ({ time: new Date(Date.now() + ms).toISOString() });
  const call = (id, data) => ({ ...words("answers", id), type: "call", data });
  const events = [
    [words("answers", "1", 2), "taken"],
    [words("neighbour", "1", 3), "taken"],
    [words("answers", "1", 9), "duplicate"],
    [words("nobody", "1"), "account_unknown", "/subject"],
    [words("No Body", "1"), "id_character", "/subject"],
    [words("answers", "2", 1, { subject: undefined }), "event_no_subject", "/subject"],
    [words("answers", "", 1), "event_attribute_length", "/id"],
    [words("answers", 7), "event_not_json", ""],
    [7, "event_not_json", ""],
    [words("answers", "3", 1, { specversion: "0.3" }), "event_specversion", "/specversion"],
    [words("answers", "4", 1, { time: "yesterday" }), "event_time", "/time"],
    [words("answers", "5", 1, at(-35 * 86_400_000)), "event_too_old", "/time"],
    [words("answers", "6", 1, at(600_000)), "event_ahead", "/time"],
    [words("answers", "7", 1, at(-33 * 86_400_000)), "taken"],
    [words("answers", "8", 1, { type: "verbs" }), "event_unmetered", "/type"],
    [words("answers", "9", 1, { type: "load", data: { n: 1 } }), "meter_not_inline", "/type"],
    [words("answers", "10", "x"), "not_a_decimal", "/data/quantity"],
    [words("answers", "11", -1), "event_negative", "/data"],
    [call("12", { tokens: 100, model: "small" }), "taken"],
    [call("13", { tokens: 100, model: "huge" }), "no_price", "/data"],
    [call("14", { model: "small" }), "property_missing", "/data/tokens"],
    [words("answers", "15", 1, { data_base64: "AA==" }), "event_binary", "/data_base64"],
    [words("answers", "16", 4), "taken"],
  ];
  const answer = await post(events.map(([event]) => event));
  assert.equal(answer.status, 422);
  assert.equal(answer.json.code, "events_refused");
  assert.equal(answer.headers["content-type"], "application/problem+json");
  assert.deepEqual(told(answer), events.map(([, expected]) => expected));
  answer.json.events.forEach(({ field, detail, status }, index) => {
    const [, expected, at] = events[index];
    assert.equal(field, at, expected);
    if (status === "refused") assert.ok(detail.length > 10, expected);
  });
  assert.equal(await burned("neighbour"), "3");
  // 2 + 1 + 4 words, a call of 2, and 100 tokens.
  assert.equal(await burned("answers"), "9.1");
  // What was refused is not remembered.
  assert.deepEqual(told(await post(words("answers", "8"))), ["taken"]);
});

test("voids and amendments book the difference, each once", async () => {
  await open("fixed", "20");
  const named = (id) => ({ subject: "fixed", source: "/tests", id });
  const grant = (id, amount) =>
    gateway.must("POST", "/v1/accounts/fixed/grants", { id, amount, priority: 200 });
  await grant("second", "10");
  await post([words("fixed", "a", 15), words("fixed", "b", 10), words("fixed", "c", 10)]);
  const sums = async () => {
    const { balance, grants } = await gateway.account("fixed");
    return [balance.burned, balance.debt, ...grants.map(({ left }) => left)].join(" ");
  };
  assert.equal(await sums(), "30 5 0 0");
  const amend = (id, event) => ({ id, amend: event });
  for (const [correction, expected, state] of [
    [{ id: "1", void: named("c") }, "voided", "25 0 0 5"],
    [{ id: "1", void: named("c") }, "duplicate", "25 0 0 5"],
    [{ id: "2", void: named("a") }, "voided", "10 0 15 5"],
    [{ id: "3", void: named("a") }, "voided", "10 0 15 5"],
    [amend("4", words("fixed", "b", 4)), "amended", "4 0 20 6"],
    [amend("5", words("fixed", "b", 24)), "amended", "24 0 0 6"],
    [amend("6", words("fixed", "a", 1)), "amended", "25 0 0 5"],
    [amend("7", words("fixed", "d", 2)), "amended", "27 0 0 3"],
    [{ id: "8", void: named("e") }, "noted", "27 0 0 3"],
    [{ id: "9", void: { subject: "nobody", source: "/tests", id: "e" } }, "account_unknown"],
    [{ id: "10" }, "correction_malformed"],
    [{ id: "10", void: named("b"), amend: words("fixed", "b") }, "correction_malformed"],
    [{ id: "", void: named("b") }, "correction_malformed"],
    [{ id: "10", void: named("b"), more: 1 }, "correction_malformed"],
    [amend("10", words("fixed", "b", 1, { type: "verbs" })), "event_unmetered"],
    [amend("10", words("fixed", "b", -1)), "event_negative"],
    [amend("10", words("fixed", "b", 1, { time: 5 })), "event_not_json"],
  ]) {
    const answer = await correct(correction);
    assert.deepEqual(told(answer), [expected], answer.text);
    if (state) assert.equal(await sums(), state, JSON.stringify(correction));
  }
  // Both came after their corrections.
  assert.deepEqual(told(await post([words("fixed", "d", 9), words("fixed", "e", 9)])), [
    "duplicate",
    "duplicate",
  ]);
  const many = [{ id: "11", void: named("a") }, { id: "12", void: named("b") }];
  many.push(amend("13", words("fixed", "a", 2)), { id: "11", void: named("a") });
  assert.deepEqual(told(await correct(many)), ["voided", "voided", "amended", "duplicate"]);
  assert.equal(await sums(), "4 0 18 8");
  assert.equal((await correct(Array(201).fill({ id: "x", void: named("a") }))).status, 413);
  await verify(gateway, "fixed");
});

test("late events count in the open period; corrections in the one they counted in", async () => {
  await open("late", undefined, { periods: "operator" });
  const data = { tokens: 0, model: "small" };
  const calls = (ids, time) =>
    ids.map((id) => ({ ...words("late", id), type: "call", time, data }));
  const then = new Date().toISOString();
  const ids = Array.from({ length: 1_001 }, (_, i) => `a${i}`);
  await post(calls(ids, then));
  assert.equal(await burned("late"), "2001");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await gateway.must("POST", "/v1/accounts/late/periods/close", { id: "one" });
  assert.deepEqual(told(await post(calls(["b"], then))), ["late"]);
  assert.equal(await burned("late"), "2003");
  // It was the last of 1,001 in its period, and the first of this one.
  const named = (id) => ({ subject: "late", source: "/tests", id });
  assert.deepEqual(told(await correct({ id: "1", void: named("a0") })), ["voided"]);
  assert.equal(await burned("late"), "2002");
  assert.deepEqual(told(await correct({ id: "2", void: named("b") })), ["voided"]);
  assert.equal(await burned("late"), "2000");
  await verify(gateway, "late");
});

test("what is forgotten after 35 days is too old to come again", async () => {
  await open("months");
  const generation = 35 * 86_400_000;
  const next = (Math.floor(Date.now() / generation) + 1) * generation - Date.now() + 3_600_000;
  const at = (shift) => ({ time: new Date(Date.now() + shift).toISOString() });
  const [a, b, c] = [0, next, next + generation].map((shift, i) =>
    words("months", `${i}`, 1, at(shift)),
  );
  assert.deepEqual(told(await post([a])), ["taken"]);
  await order({ shift: next });
  assert.deepEqual(told(await post([a, b])), ["duplicate", "taken"]);
  await order({ shift: next + generation });
  assert.deepEqual(told(await post([c])), ["taken"]);
  assert.deepEqual(told(await post([a, b, c])), ["event_too_old", "duplicate", "duplicate"]);
  await order({ account: "months", evict: true });
  assert.deepEqual(told(await post([a, b, c])), ["event_too_old", "duplicate", "duplicate"]);
  assert.equal(await burned("months"), "3");
  await order({ shift: 0 });
});

test("what leaves the range of numbers is refused, and the account goes on", async () => {
  await open("limit");
  const call = (id, tokens) => ({
    ...words("limit", id),
    type: "call",
    data: { tokens, model: "large" },
  });
  const many = words("limit", "a", "9999999999999999");
  assert.deepEqual(told(await post([many, words("limit", "b", 1)])), ["taken", "amount_not_exact"]);
  // Each has a price; both together are more than can be owed.
  await open("other");
  const both = [call("c", 1_000_000_000_000), words("other", "a")];
  assert.deepEqual(told(await post(both)), ["amount_not_exact", "taken"]);
  assert.deepEqual(told(await post([call("d", 1)])), ["taken"]);
  const { balance, audit } = await gateway.account("limit");
  assert.deepEqual([balance.debt, audit], ["9999999999000001.03", "ok"]);
  await verify(gateway, "limit");
});

test("a batch is about so many accounts and not one more", async () => {
  const batch = Array.from({ length: 101 }, (_, n) => words(`nobody-${n}`, "1"));
  const codes = told(await post([...batch, batch[0]]));
  assert.deepEqual(codes.slice(0, 100), Array(100).fill("account_unknown"));
  assert.deepEqual(codes.slice(100), ["too_many_accounts", "account_unknown"]);
});
