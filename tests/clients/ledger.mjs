/** What an account's journal says of exchanges: reserved first, settled at the end. */
import assert from "node:assert/strict";
import { journal } from "../edge/journal.mjs";
import { millionths } from "./oracle.mjs";

/**
 * @typedef {{ reserved: number, ended: number, released: number, cost: bigint,
 *             estimated: boolean }} Exchange
 * `ended`: settled for good, or released, which is to be 1 in the end; cost in millionths
 * @returns {Promise<Map<string, Exchange>>} by operation
 */
export async function exchanges(gateway, account) {
  const found = new Map();
  const at = (op) => {
    if (!found.has(op)) {
      found.set(op, { reserved: 0, ended: 0, released: 0, cost: 0n, estimated: false });
    }
    return found.get(op);
  };
  for (const entry of (await journal(gateway, account)).flatMap((row) => row.entries)) {
    switch (entry.kind) {
      case "reserved":
        at(entry.op).reserved += 1;
        break;
      case "reservation_settled": {
        const exchange = at(entry.op);
        exchange.cost += millionths(entry.cost);
        exchange.estimated ||= entry.estimated === true;
        if (entry.last) exchange.ended += 1;
        break;
      }
      case "reservation_released":
        at(entry.op).ended += 1;
        at(entry.op).released += 1;
        break;
      case "reservation_expired":
        assert.fail(`nobody settled ${entry.op}`);
    }
  }
  return found;
}

/** Each was reserved, and ended once. */
export function settledOnce(found) {
  for (const [op, { reserved, ended }] of found) {
    assert.ok(reserved >= 1, `${op} was settled and never reserved`);
    assert.equal(ended, 1, `${op} ended ${ended} times`);
  }
}
