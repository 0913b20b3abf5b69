/**
 * The inputs of tests/cases as questions of `wire::rate`: every price, quantity, event, discount,
 * tax and payment that a case names. A use has no sign, so corrections are asked as events, and
 * negative money is a quantity at a negative price. What is right is the conformance runner's
 * business; here the same question must have the same answer everywhere.
 */
import { readFileSync } from "node:fs";

/** Kinds whose cases have something to rate; credits are the ledger's. */
const KINDS = ["rating", "aggregation", "invoice"];

/** @returns {{ name: string, text: string }[]} at least one question of every case */
export function questionsOfCases() {
  return KINDS.flatMap((kind) => {
    const file = new URL(`../cases/${kind}.json`, import.meta.url);
    return JSON.parse(readFileSync(file, "utf8")).flatMap((found) => {
      const questions = kind === "aggregation" ? metered(found) : rated(found);
      return questions.map((question) => ({ name: found.id, text: JSON.stringify(question) }));
    });
  });
}

const INVOICE = { account: "acme", contract: "case", from: "2026-01-01" };
const HOUR_MS = 3_600_000;

/** A number without its sign. */
const size = (text) => text.replace(/^-/, "");
const list = (value) => value ?? [];

function planOf(charges, more = {}) {
  return { id: "case", version: 1, currency: "USD", charges, ...more };
}

const chargeOf = (price, more = {}) => ({
  id: "c",
  unit: "currency",
  allow_negative: true,
  price,
  ...more,
});

function tiersOf(tiers, model) {
  return tiers.map((tier, index) => {
    const { up_to, unit, rate, flat, block_size, cap } = tier;
    const price = { unit_price: unit, percent: rate, flat, block_size, cap };
    if (model === "stairstep") delete price.unit_price;
    // Plans end with an open tier.
    return index + 1 === tiers.length ? price : { up_to, ...price };
  });
}

/** The price of a case's input, or of its base. */
function priceOf(input, model) {
  switch (model) {
    case "package":
      return { model, size: input.package_size, price: input.price, free_units: input.free_units };
    case "graduated":
    case "graduated_prorated":
    case "volume":
    case "stairstep":
    case "graduated_percentage": {
      const of = model === "graduated_prorated" ? "graduated" : model;
      return { model: of, tiers: tiersOf(input.tiers, of) };
    }
    case "percentage":
      return {
        model,
        percent: input.rate,
        fixed: input.fixed_amount,
        free_events: input.free_units_per_events && Number(input.free_units_per_events),
        free_value: input.free_units_per_total_aggregation,
        minimum: input.per_transaction_min,
        maximum: input.per_transaction_max,
      };
    case "dynamic":
      return { model, multiplier: input.multiplier ?? "0.01" };
    default:
      return { model: "per_unit", unit_price: input.unit_price ?? "1" };
  }
}

const DIRECTIONS = { ceil: "ceiling", up: "ceiling", floor: "floor", down: "floor" };
const direction = (name) => DIRECTIONS[name] ?? (name === "ceiling" ? name : "half_up");

function conversionOf({ op, factor, rounding, precision }) {
  const rule = { operation: op, factor: factor ?? "1" };
  if (rounding && rounding !== "none") {
    rule.rounding = { direction: direction(rounding), places: Number(precision ?? 0) };
  }
  return rule;
}

function adjustmentsOf(input) {
  const { convert, usage_discount, maximum, minimum, base } = input;
  const steps = [];
  if (convert) steps.push({ op: "convert", ...conversionOf(convert) });
  if (usage_discount) steps.push({ op: "included", units: usage_discount });
  if (maximum) steps.push({ op: "maximum", amount: maximum });
  if (minimum && base) steps.push({ op: "minimum", amount: minimum });
  return steps;
}

/** Every amount of money of an input, under whatever name. */
function moneyOf(input) {
  const names = ["amount", "price", "subtotal", "taxable", "old_amount", "new_amount"];
  names.push("originally_paid", "potential_credit", "already_credited", "used", "used_units");
  const found = names.map((name) => input[name]).filter((value) => typeof value === "string");
  // Days alone: of one unit of money.
  if (input.to_exclusive) found.push("1");
  for (const line of [...list(input.lines), ...list(input.fees), ...list(input.weights)]) {
    found.push(typeof line === "string" ? line : (line.amount ?? line.weight));
  }
  return found;
}

function discountsOf(input) {
  const { percent_off, amount_off, discount, coupon, coupon_amount, coupon_remaining } = input;
  const named = [coupon_remaining ?? coupon_amount, amount_off, discount, coupon];
  const rules = named.filter(Boolean).map((amount) => ({ amount }));
  if (percent_off) rules.unshift({ percent: percent_off });
  for (const rule of list(input.line_coupons)) {
    const { line, amount, percent, rate } = rule;
    rules.push({ amount, percent: percent ?? rate, lines: [`line-${line ?? 0}`] });
  }
  for (const { amount, percent, rate, percentage } of [
    ...list(input.coupons),
    ...list(input.invoice_coupons),
  ]) {
    rules.push({ amount, percent: percent ?? rate ?? percentage });
  }
  return rules.map((rule, index) => ({ id: `discount-${index}`, ...rule }));
}

function taxesOf(input) {
  const rates = [...list(input.rates), input.tax_rate].filter(Boolean);
  const taxes = rates.map((percent) => ({ percent }));
  list(input.fees).forEach(({ tax_rate }, index) => {
    if (tax_rate) taxes.push({ percent: tax_rate, lines: [`line-${index}`] });
  });
  return taxes.map((rule, index) => ({ id: `tax-${index}`, ...rule }));
}

/** Money is lines of a whole invoice; a case in cents is one in a currency of whole units. */
function billed(input) {
  const amounts = moneyOf(input);
  const charges = amounts.map((amount, index) =>
    chargeOf(
      { model: "per_unit", unit_price: amount.startsWith("-") ? "-1" : "1" },
      { id: `line-${index}` },
    ),
  );
  const currency = input.unit === "cents" ? "JPY" : (input.currency ?? "USD");
  const plan = planOf(charges, { currency, discounts: discountsOf(input), taxes: taxesOf(input) });
  const minimum = input.minimum ?? input.minimum_units;
  if (minimum) plan.commit = { amount: minimum, unit: "currency" };
  const usage = amounts.map((amount, index) => [`line-${index}`, { total: size(amount) }]);
  const payments = [...list(input.credits), input.prepaid_credits]
    .filter(Boolean)
    .map((amount, index) => ({ id: `payment-${index}`, amount }));
  const invoice = { ...INVOICE, from: input.from ?? INVOICE.from, payments };
  return { plan, usage: Object.fromEntries(usage), invoice };
}

const isCorrection = (quantity) => quantity.startsWith("-");

/**
 * Uses of the charge c. If one of them takes back what another one had used, they are events, which
 * may come to less than nothing: then there is no amount, so the same without signs is asked too.
 */
function asUses(about, quantities) {
  const plain = { ...about, uses: { c: quantities.map(size) } };
  if (!quantities.some(isCorrection)) return [plain];
  const start = Date.parse(INVOICE.from);
  const events = quantities.map((quantity, i) => eventOf("c", i, start + i, { quantity }));
  return [{ ...about, events }, plain];
}

const eventOf = (type, index, time, data) => ({
  specversion: "1.0",
  id: `event-${index}`,
  source: "/cases",
  type,
  subject: "acme",
  time: new Date(time).toISOString(),
  data,
});

/** The questions of one case of rating or of an invoice. */
function rated({ model, input }) {
  const base = input.base ?? {};
  const alike = Object.keys(input.units ?? {}).map((unit) => {
    const tiers = input.tiers.map(({ price: flat, max }) => ({ up_to: max[unit], flat }));
    return [{ model, tiers: tiersOf(tiers, model) }, input.units[unit]];
  });
  for (const { unit_price, usage } of list(input.windows)) {
    alike.push([priceOf({ unit_price }), usage]);
  }
  const about = { marginals: true, invoice: INVOICE };
  if (alike.length > 0) {
    const charges = alike.map(([of], index) => chargeOf(of, { id: `c${index}` }));
    const uses = alike.map(([, quantity], index) => [`c${index}`, [quantity]]);
    return [{ ...about, plan: planOf(charges), uses: Object.fromEntries(uses) }];
  }
  const price = priceOf({ ...input, ...base }, base.model ?? model);
  about.plan = planOf([chargeOf(price, { adjustments: adjustmentsOf(input) })]);
  if (model === "bucketed") {
    const charge = { ...about.plan.charges[0], meter: "m", price_each: "window" };
    const meter = { id: "m", aggregation: "max", property: "/value", window_ms: HOUR_MS };
    const uses = input.buckets.map((quantity, hour) => ({ quantity, window: hour * HOUR_MS }));
    return [{ ...about, plan: planOf([charge], { meters: [meter] }), uses: { c: uses } }];
  }
  if (input.parts) {
    const entries = input.parts.map(({ filter, unit_price }) => ({ when: { filter }, unit_price }));
    const uses = input.parts.map(({ filter, quantity }) => ({ quantity, of: { filter } }));
    const matrix = planOf([chargeOf({ model: "matrix", entries })]);
    return [{ ...about, plan: matrix, uses: { c: uses } }];
  }
  if (input.cumulative_quantities) {
    return input.cumulative_quantities.map((total) => ({ ...about, usage: { c: { total } } }));
  }
  const uses = input.events ?? input.event_total_cents ?? input.event_units;
  if (uses) return asUses(about, uses);
  const quantity = base.quantity ?? input.quantity;
  const questions = moneyOf(input).length > 0 ? [billed(input)] : [];
  if (quantity === undefined) return questions;
  const before = input.quantity_before ?? "0";
  if (isCorrection(quantity)) return [...questions, ...asUses(about, [before, quantity])];
  return [...questions, { ...about, usage: { c: { total: before } }, uses: { c: [quantity] } }];
}

const AGGREGATIONS = ["count", "sum", "min", "max", "average", "unique_count", "latest"];

/** The questions of one case of metering: its events under every aggregation. */
function metered({ model, input }) {
  const meter = { id: "m", event_type: "use", property: "/value" };
  const { convert, precision, value, quantity } = input;
  if (convert) meter.conversion = conversionOf(convert);
  if (model === "rounding") {
    meter.rounding = { direction: direction(input.function), places: Number(precision ?? 0) };
  }
  const start = Date.parse(input.from ?? "2026-01-01T00:00:00Z");
  const level = input.initial ?? input.carried_over;
  const days = Number(input.period_days ?? 0);
  const events = list(input.events).map((found) => {
    const data = typeof found === "string" ? { value: found } : { ...found };
    const { at, days_remaining, pageviews } = data;
    data.value ??= pageviews;
    const day = days - Number(days_remaining ?? days);
    const time = at ? Date.parse(at) : start + day * 24 * HOUR_MS;
    return { time, data };
  });
  if (value ?? quantity) events.push({ time: start, data: { value: value ?? quantity } });
  if (level) events.unshift({ time: start, data: { value: level } });
  const weighted = ["weighted_sum", "prorated_sum"].includes(model);
  const aggregations = weighted ? ["time_weighted_sum"] : AGGREGATIONS;
  // A count does not look at values.
  const { property: _, ...count } = meter;
  return aggregations.map((aggregation) => ({
    plan: planOf([chargeOf({ model: "per_unit", unit_price: "1" }, { meter: "m" })], {
      meters: [{ ...(aggregation === "count" ? count : meter), aggregation }],
    }),
    events: events.map(({ time, data }, index) => eventOf("use", index, time, data)),
    invoice: { ...INVOICE, from: new Date(start).toISOString().slice(0, 10) },
  }));
}
