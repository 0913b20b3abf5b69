/**
 * Many events, twice, shuffled, corrected, and while the storage fails: the state is that of the
 * clean set.
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { calls, told, words } from "./events.mjs";
import { startGateway } from "./harness.mjs";
import { journal, verify } from "./journal.mjs";

/** Events of the long run. */
const EVENTS = Number(process.env.EVENTS ?? 20_000);

let gateway;
before(async () => (gateway = await startGateway({ entry: "faults/entry.js" })));
after(() => gateway?.stop());

const { open, post, correct, burned, order } = calls(() => gateway);

/** Numbers that are the same in every run. */
function random(seed) {
  let state = seed >>> 0;
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

function shuffled(list, below) {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = below(i + 1);
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

test(`${EVENTS} events twice, shuffled, 1 % voided, 1 % amended: the clean set`, async () => {
  await open("many", "100000");
  const below = random(7);
  const time = new Date().toISOString();
  const event = (n, tokens) => ({
    ...words("many", `event-${n}`),
    time,
    source: `/region/${n % 4}`,
    type: "call",
    data: { tokens, model: n % 3 === 0 ? "large" : "small" },
  });
  const all = Array.from({ length: EVENTS }, (_, n) => ({ n, tokens: below(1_000) }));
  const send = async (list, size) => {
    const counted = {};
    for (let from = 0; from < list.length; from += size) {
      const batch = list.slice(from, from + size).map(({ n, tokens }) => event(n, tokens));
      for (const what of told(await post(batch))) counted[what] = (counted[what] ?? 0) + 1;
    }
    return counted;
  };
  const half = shuffled(all, below);
  const copies = shuffled([...all, ...half.slice(0, EVENTS / 2)], below);
  const first = await send([...half.slice(0, EVENTS / 2), ...copies.slice(0, EVENTS)], 1_000);
  const corrections = [];
  for (const one of shuffled(all, below).slice(0, EVENTS / 50)) {
    const { source, id, subject } = event(one.n);
    const id_ = `fix-${one.n}`;
    if (corrections.length % 2 === 0) {
      corrections.push({ id: id_, void: { source, id, subject } });
      one.voided = true;
    } else {
      one.amended = below(1_000);
      corrections.push({ id: id_, amend: event(one.n, one.amended) });
    }
  }
  for (let from = 0; from < corrections.length; from += 100) {
    const batch = corrections.slice(from, from + 100);
    for (const _ of [1, 2]) assert.equal((await correct(batch)).status, 200);
  }
  const second = await send(copies.slice(EVENTS), 700);
  const sum = (name) => (first[name] ?? 0) + (second[name] ?? 0);
  assert.equal(sum("taken") + sum("duplicate"), 2 * EVENTS);

  // Thousandths of credits, in whole numbers.
  const clean = all.filter(({ voided }) => !voided);
  let cost = 0;
  for (const { n, tokens, amended } of clean) cost += (amended ?? tokens) * (n % 3 === 0 ? 30 : 1);
  cost += (Math.min(clean.length, 1_000) * 2 + Math.max(0, clean.length - 1_000)) * 1_000;
  const { balance, audit } = await gateway.account("many");
  assert.equal(Math.round(Number(balance.burned) * 1_000), cost < 1e8 ? cost : 1e8);
  assert.equal(Math.round(Number(balance.debt) * 1_000), Math.max(0, cost - 1e8));
  assert.equal(audit, "ok");
  await verify(gateway, "many");
  const rows = await journal(gateway, "many");
  const entries = rows.flatMap(({ entries }) => entries);
  const batches = entries.filter(({ kind }) => kind === "events_taken");
  const taken = batches.reduce((count, { events }) => count + events.list.length, 0);
  assert.ok(taken <= EVENTS && taken + corrections.length >= EVENTS, `${taken} lines`);
});

for (const kind of ["throw-before", "throw-after", "panic-before", "panic-after"]) {
  for (const matches of ["INSERT INTO journal", "INTO event", "SELECT k.key"]) {
    const account = `${kind}-${matches.split(" ").at(-1).replace(".", "-")}`;
    test(`${kind} ${matches}: all of a batch counts, once`, async () => {
      await open(account);
      const named = (id) => ({ subject: account, source: "/tests", id });
      const insist = async (send) => {
        await order({ account, kind, matches, every: 3 });
        for (let attempt = 0; attempt < 20; attempt++) {
          const answer = await send();
          if (answer.status === 200) return answer;
          assert.equal(answer.status, 503, answer.text);
        }
        throw new Error("never taken");
      };
      for (let round = 0; round < 6; round++) {
        const batch = Array.from({ length: 50 }, (_, i) => words(account, `${round}.${i}`, 2));
        await insist(() => post(batch));
        await insist(() => post(batch.slice(25)));
        const fix = [{ id: `v${round}`, void: named(`${round}.0`) }];
        fix.push({ id: `a${round}`, amend: words(account, `${round}.1`, 5) });
        await insist(() => correct(fix));
        if (round % 2 === 1) await order({ account, forget: true });
      }
      await order({ account, kind: "", matches: "", every: 1 });
      // 48 of 2 words, one of 5, in each of six rounds.
      assert.equal(await burned(account), String(6 * (48 * 2 + 5)));
      await verify(gateway, account);
      await order({ account, evict: true });
      const again = await post([words(account, "5.7", 2), words(account, "6.0", 2)]);
      assert.deepEqual(told(again), ["duplicate", "taken"]);
    });
  }
}
