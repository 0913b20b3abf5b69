/** An account's journal, for tests: all of it, and what it says was charged. */
import assert from "node:assert/strict";
import { OPERATOR_TOKEN } from "./harness.mjs";

/** Every row of a journal. */
export async function journal(gateway, account) {
  const { status, text } = await gateway.send(`${gateway.urls[0]}/v1/accounts/${account}/export`, {
    headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
  });
  assert.equal(status, 200, text);
  return text.split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/** What the journal says was burned, by operation; fails if one stands there twice. */
export function operations(rows) {
  const seen = new Set();
  let refunded = 0;
  const add = (op) => {
    assert.ok(!seen.has(op), `operation ${op} was charged twice`);
    seen.add(op);
  };
  for (const entry of rows.flatMap((row) => row.entries)) {
    if (entry.kind === "debited") add(entry.debit.op);
    // A refund of what was never charged is on record too, so that a late copy charges nothing.
    if (entry.kind === "refunded" && entry.returns.length > 0) refunded += 1;
    if (entry.kind === "usage_reported") {
      entry.operations.list.forEach(([, , quantity], index) => {
        if (quantity !== "0") add(`${entry.lease}.${entry.operations.from + index}`);
      });
    }
  }
  return { charged: seen.size, refunded };
}

/** The live audit, all parts of it. */
export async function verify(gateway, account) {
  const parts = [];
  for (let from = 1; from; from = parts.at(-1).next) {
    const path = `/v1/accounts/${account}/verify?from=${from}`;
    const { status, json, text } = await gateway.api("GET", path);
    assert.equal(status, 200, text);
    parts.push(json);
  }
  return parts;
}
