/**
 * What a bill says of a plan that knows credits only: the lines and sums of an invoice, as far as
 * they are in credits, for the same sheet.
 */

import { plus } from "./decimals.js";

/**
 * @param {import("../pkg/bill.js").Bill} bill without an invoice
 * @param {import("../pkg/bill.js").StatementJson} statement
 */
export function withoutMoney({ charges }, { account, contract, period, stretches }) {
  const lines = charges.map(({ stretch, charge, usage, explanation }) => {
    const { plan, from, until } = stretches[stretch];
    const named = /** @type {any} */ (plan).charges.find(({ id }) => id === charge);
    return {
      id: charge,
      kind: "usage",
      name: named?.name || charge,
      plan: plan.id,
      version: plan.version,
      service: { start: from, end: until },
      quantity: "total" in usage ? usage.total : undefined,
      credits: explanation.amount,
      explanation,
      discounts: [],
      taxes: [],
      paid_by_credits: "0",
    };
  });
  const sum = (/** @type {string[]} */ amounts) => amounts.reduce(plus, "0");
  const [used, covered] =
    [sum(lines.map(({ credits }) => credits)), sum(stretches.map((one) => one.covered))];
  return {
    account,
    zone: contract.zone.name,
    period,
    currency: null,
    lines,
    totals: null,
    credits: { used, covered, overage: "0" },
    status: { state: "none" },
  };
}
