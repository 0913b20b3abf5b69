/**
 * Accounts with something to bill, on the real gateway: the requests of the trace in tests/data as
 * events from elsewhere, under a plan that has of everything an invoice can have.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../scripts/processes.mjs";
import { ROOT, TARGET } from "../../scripts/tools.mjs";
import { startGateway } from "../edge/harness.mjs";

const TRACE = join(ROOT, "tests", "data", "azure_llm_trace_code.csv");
const DAY_MS = 86_400_000;
/** Events of one call, at most. */
const LIST = 1_000;
const AT_ONCE = 4;

const tokens = (id, property) =>
  ({ id, event_type: "llm.completion", aggregation: "sum", property });

/** Tiers, an allowance and a discount in money; credits with a grant and overage; a fee, a commit, a
 * discount and a tax on the invoice. */
export const PLAN = {
  id: "scale",
  version: 1,
  name: "Scale",
  currency: "USD",
  meters: [tokens("input", "/input"), tokens("output", "/output")],
  fees: [{ id: "seats", name: "Seats", amount: "12", quantity: "3" }],
  charges: [
    {
      id: "input",
      name: "Prompt tokens",
      meter: "input",
      unit: "currency",
      price: {
        model: "graduated",
        tiers: [
          { up_to: "10000000", unit_price: "0.000003" },
          { up_to: null, unit_price: "0.0000025" },
        ],
      },
      adjustments: [{ op: "included", units: "1000000" }, { op: "discount", percent: "5" }],
    },
    {
      id: "output",
      name: "Generated tokens",
      meter: "output",
      unit: "credits",
      price: { model: "per_unit", unit_price: "0.015" },
    },
  ],
  commit: { amount: "100" },
  discounts: [{ id: "launch", percent: "10" }],
  taxes: [{ id: "vat", percent: "19" }],
  credits: {
    value: "0.001",
    burn_order: "standard",
    rollover: "none",
    at_zero: { overage: { unit_price: "0.0011" } },
    grants: [{ id: "monthly", amount: "3000" }],
  },
};

/** Requests of the trace: tokens of the prompt and of the answer. */
export function trace() {
  const [, ...lines] = readFileSync(TRACE, "utf8").trim().split("\n");
  return lines.map((line) => line.split(",").slice(1).map(Number));
}

/** The day so many days from now, as 2026-11-23. */
export const day = (from) => new Date(Date.now() + from * DAY_MS).toISOString().slice(0, 10);

/** A gateway with accounts; `stop()` it. */
export async function startBilled() {
  const gateway = await startGateway();
  await gateway.must("POST", "/v1/plans", PLAN);
  const base = gateway.urls[0];

  return {
    gateway,
    base,

    /** Opens an account, so many days ago. @returns {Promise<string>} a portal token */
    async open(id, { daysAgo = 10, plan = PLAN } = {}) {
      const contract = { plan: plan.id, version: plan.version, from: day(-daysAgo) };
      await gateway.must("POST", "/v1/accounts", { id, contract });
      return (await gateway.must("POST", `/v1/accounts/${id}/portal-tokens`, {})).token;
    },

    /** Sends the trace, so many times over. @returns {Promise<number>} events taken */
    async ingest(subject, times = 1) {
      const requests = trace();
      const total = requests.length * times;
      const time = new Date().toISOString();
      let next = 0;
      let taken = 0;
      const client = async () => {
        while (next < total) {
          const [from, to] = [next, Math.min(total, (next += LIST))];
          const list = Array.from({ length: to - from }, (_, at) => {
            const [input, output] = requests[(from + at) % requests.length];
            return {
              specversion: "1.0",
              id: `request-${from + at}`,
              source: "/trace",
              type: "llm.completion",
              subject,
              time,
              data: { input, output },
            };
          });
          const { events } = await gateway.must("POST", "/v1/events", list);
          taken += events.filter(({ status }) => status === "taken").length;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, client));
      return taken;
    },

    link: (account, token, view) =>
      `${base}/edgemeter/#account=${account}&token=${token}&view=${view}`,

    async asCustomer(account, token, path) {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${base}/v1/accounts/${account}/${path}`, { headers });
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
      return answer.json();
    },

    stop: () => gateway.stop(),
  };
}

/** What the command line says of the trace, so many times over, under a plan. */
export async function nativePreview(dir, { times = 1, plan = PLAN, daysAgo = 10 } = {}) {
  await run("cargo", ["build", "--locked", "--features", "cli", "--bin", "edgemeter"]);
  const [planFile, events] = [join(dir, "preview-plan.json"), join(dir, "preview.csv")];
  const time = new Date().toISOString();
  const rows = trace().map(([input, output]) => `${time},${input},${output}\n`).join("");
  writeFileSync(planFile, JSON.stringify(plan));
  writeFileSync(events, `time,input,output\n${rows.repeat(times)}`);
  const flags = ["--events", events, "--event-type", "llm.completion", "--subject", "acme"];
  const args = ["preview", planFile, ...flags, "--from", day(-daysAgo), "--as", "json"];
  const options = { encoding: "utf8", maxBuffer: 1 << 26 };
  return JSON.parse(execFileSync(join(TARGET, "debug", "edgemeter"), args, options));
}

/** The browser's own way of writing a decimal, exact for decimal strings. */
export const oracle = {
  number: (page, decimal) => page.evaluate((value) =>
    new Intl.NumberFormat(undefined, { maximumFractionDigits: 12 }).format(value), decimal),
  money: (page, decimal, currency = "USD") => page.evaluate(([value, of]) =>
    new Intl.NumberFormat(undefined, { style: "currency", currency: of }).format(value),
    [decimal, currency]),
};
