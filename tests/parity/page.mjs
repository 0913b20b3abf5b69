/**
 * The page's bills in this Node: what a browser would load, from dist/www.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "../../scripts/build.mjs";
import { ROOT } from "../../scripts/tools.mjs";

export async function pageBill() {
  await build(["page"]);
  const pkg = join(ROOT, "dist", "www", "pkg");
  const bill = await import(join(pkg, "bill.js"));
  bill.initSync({ module: readFileSync(join(pkg, "bill_bg.wasm")) });
  return bill;
}

const ZERO = Object.fromEntries(
  [
    "granted", "available", "held", "burned", "expired", "voided", "balance", "scheduled",
    "unreported", "debt", "overage", "unpaid",
  ].map((name) => [name, "0"]),
);

/**
 * The statement of the period that a question asks an invoice of, with the use that it was answered
 * with; nothing if the answer does not say all of it.
 *
 * @param {any} question
 * @param {any} answer
 */
export function statementOf(question, answer) {
  const { invoice } = answer;
  if (invoice == null) return undefined;
  const { contract, from, zone, payments = [] } = question.invoice;
  const { index, first, until, window } = invoice.period;
  const metered = (question.plan.fees ?? []).map(({ meter }) => meter).filter(Boolean);
  const seats = question.seats ?? {};
  // What a meter of events counts for a fee stands in no answer.
  if (metered.some((meter) => seats[meter] === undefined)) return undefined;
  const usage = answer.charges.map(({ explanation, usage }) => [explanation.charge, usage]);
  return {
    account: invoice.account,
    at: window.end,
    contract: { id: contract, from, zone: zone ?? { name: "UTC", offset: 0 } },
    period: { index, first, until, ...window },
    stretches: [{
      from: window.start,
      until: window.end,
      plan: question.plan,
      usage: Object.fromEntries(usage),
      seats,
      covered: invoice.credits.covered,
    }],
    grants: [],
    billed_ahead: [],
    payments,
    balance: ZERO,
    journal: { after: 0, rows: 0, hash: "" },
  };
}
