/**
 * Questions of `wire::rate` from a seed: plans of every model with everything that a plan may have,
 * numbers at the edges of their ranges, and now and then something that must be refused.
 *
 * `SEED=n` replays a run; question i of it has the seed n + i.
 */

/** SplitMix64, as in tests/laws. */
export class Rng {
  #state;

  constructor(seed) {
    this.#state = BigInt(seed);
  }

  #next() {
    this.#state = BigInt.asUintN(64, this.#state + 0x9e3779b97f4a7c15n);
    let z = this.#state;
    z = BigInt.asUintN(64, (z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n);
    z = BigInt.asUintN(64, (z ^ (z >> 27n)) * 0x94d049bb133111ebn);
    return z ^ (z >> 31n);
  }

  below(end) {
    return Number(this.#next() % BigInt(end));
  }

  chance(percent) {
    return this.below(100) < percent;
  }

  pick(list) {
    return list[this.below(list.length)];
  }
}

const WHOLE_MS = 86_400_000;
const JANUARY = Date.UTC(2026, 0, 1);
const MODELS = ["per_unit", "package", "graduated", "volume", "stairstep", "graduated_percentage"];
const ZONE = { name: "Europe/Berlin", offset: 60, changes: [[Date.UTC(2026, 2, 29, 1), 120]] };

const digits = (rng, count) =>
  Array.from({ length: count }, () => String(rng.below(10))).join("");

/** A decimal of at most so many digits before and after its point. */
function decimal(rng, whole, places) {
  const before = rng.chance(20) ? "0" : digits(rng, 1 + rng.below(whole));
  return rng.chance(40) ? before : `${before}.${digits(rng, 1 + rng.below(places))}`;
}

/** As {@link decimal}, above zero. */
const positive = (rng, whole, places) => `${1 + rng.below(9)}${decimal(rng, whole, places)}`;

/** Mostly small; sometimes as large or as fine as a quantity may be. */
function quantity(rng) {
  if (rng.chance(1)) return "9999999999999999";
  if (rng.chance(3)) return decimal(rng, 15, 12);
  return rng.chance(50) ? String(rng.below(2_000)) : decimal(rng, 4, 3);
}

const signed = (rng, text) => (rng.chance(10) ? `-${text}` : text);

function tiers(rng, model) {
  const count = 1 + rng.below(rng.chance(2) ? 200 : 6);
  let end = 0;
  return Array.from({ length: count }, (_, index) => {
    end += 1 + rng.below(300_000);
    const bound = `${Math.floor(end / 1_000)}.${String(end % 1_000).padStart(3, "0")}`;
    const tier = index + 1 < count ? { up_to: bound } : {};
    const takesBlocks = ["graduated", "volume"].includes(model);
    if (model === "graduated_percentage") tier.percent = decimal(rng, 2, 3);
    else if (model !== "stairstep") tier.unit_price = signed(rng, decimal(rng, 2, 6));
    if (model === "stairstep" || rng.chance(30)) tier.flat = decimal(rng, 3, 2);
    if (takesBlocks && rng.chance(10)) tier.block_size = positive(rng, 1, 1);
    if (takesBlocks && rng.chance(10)) tier.cap = decimal(rng, 3, 2);
    return tier;
  });
}

function totalPrice(rng) {
  const model = rng.pick([...MODELS, "dynamic"]);
  if (model === "per_unit") return { model, unit_price: signed(rng, decimal(rng, 3, 12)) };
  if (model === "dynamic") return { model, multiplier: decimal(rng, 2, 6) };
  if (model === "package") {
    const price = { model, size: positive(rng, 3, 3), price: decimal(rng, 3, 4) };
    return { ...price, free_units: decimal(rng, 2, 2), rounding: rng.pick(["ceiling", "floor"]) };
  }
  return { model, tiers: tiers(rng, model), flat_at_zero: rng.chance(50) };
}

const rounding = (rng) => ({
  direction: rng.pick(["ceiling", "floor", "half_up"]),
  places: rng.below(5) - 1,
});

function adjustments(rng) {
  const steps = [];
  if (rng.chance(20)) {
    const operation = rng.pick(["divide", "multiply"]);
    const factor = positive(rng, 1, 1);
    steps.push({ op: "convert", operation, factor, rounding: rounding(rng) });
  }
  if (rng.chance(20)) steps.push({ op: "included", units: decimal(rng, 2, 1) });
  if (rng.chance(20)) steps.push({ op: "discount", percent: String(rng.below(101)) });
  if (rng.chance(20)) steps.push({ op: "maximum", amount: `${100 + rng.below(9_900)}.5` });
  if (rng.chance(20)) steps.push({ op: "minimum", amount: decimal(rng, 2, 2) });
  if (rng.chance(10)) steps.push({ op: "round_amount", ...rounding(rng) });
  return steps;
}

/** A charge of one of the four shapes of use, and a function that makes one use of it. */
function charge(rng, id, unit) {
  const common = { id, unit, allow_negative: true };
  switch (rng.below(6)) {
    case 0: {
      const entry = (value) => ({ when: { a: String(value) }, unit_price: decimal(rng, 2, 4) });
      const price = { model: "matrix", entries: [0, 1, 2].map(entry) };
      if (rng.chance(80)) price.default = decimal(rng, 1, 2);
      const use = () => ({ quantity: quantity(rng), of: { a: String(rng.below(4)) } });
      return { charge: { ...common, meter: "m", price }, use };
    }
    case 1: {
      const price = totalPrice(rng);
      const use = () => ({ quantity: quantity(rng), window: JANUARY + rng.below(3) * 3_600_000 });
      return { charge: { ...common, meter: "m", price_each: "window", price }, use };
    }
    case 2: {
      const price = { model: "percentage", percent: decimal(rng, 1, 2), fixed: decimal(rng, 1, 2) };
      if (rng.chance(40)) price.free_events = rng.below(4);
      if (rng.chance(40)) price.free_value = decimal(rng, 3, 1);
      if (rng.chance(30)) price.minimum = `0.${digits(rng, 2)}`;
      if (rng.chance(30)) price.maximum = `1${digits(rng, 1)}.${digits(rng, 2)}`;
      return { charge: { ...common, price }, use: () => quantity(rng) };
    }
    default:
      return {
        charge: { ...common, price: totalPrice(rng), adjustments: adjustments(rng) },
        use: () => (rng.chance(90) ? quantity(rng) : { quantity: quantity(rng) }),
      };
  }
}

const SEATS = ["max", "latest", "unique_count", "average", "count"];

function planOf(rng, charges) {
  const currency = rng.pick(["USD", "EUR", "JPY", "KWD"]);
  const plan = { id: "p", version: 1 + rng.below(9), currency, charges };
  const use = { id: "m", event_type: "use", aggregation: "sum", property: "/n" };
  plan.meters = [
    { ...use, window_ms: 3_600_000, dimensions: { a: "/a" } },
    { id: "seats", event_type: "seat", aggregation: rng.pick(SEATS), property: "/n" },
  ];
  // A count looks at no value.
  if (plan.meters[1].aggregation === "count") delete plan.meters[1].property;
  plan.credits = { value: "0.01", burn_order: "standard", rollover: "none", at_zero: "block" };
  if (rng.chance(50)) plan.credits.at_zero = { overage: { unit_price: decimal(rng, 1, 4) } };
  if (rng.chance(50)) plan.credits.grants = [{ id: "included", amount: positive(rng, 3, 2) }];
  if (rng.chance(40)) {
    const fee = { id: "seat", amount: decimal(rng, 3, 2), quantity: String(rng.below(20)) };
    if (rng.chance(50)) Object.assign(fee, { quantity: undefined, meter: "seats" });
    plan.fees = [{ ...fee, timing: rng.pick(["arrears", "advance"]) }];
    const pool = { id: "pool", amount: positive(rng, 2, 1), unit: "credits" };
    if (rng.chance(30)) plan.fees.push(pool);
  }
  if (rng.chance(20)) plan.commit = { amount: positive(rng, 3, 2), unit: "currency" };
  if (rng.chance(30)) {
    const percent = { id: "d1", percent: String(rng.below(101)) };
    plan.discounts = [percent, { id: "d2", amount: positive(rng, 1, 1) }];
  }
  if (rng.chance(40)) {
    plan.taxes = [{ id: "t1", percent: decimal(rng, 1, 3) }, { id: "t2", percent: "7.7" }];
  }
  return plan;
}

/** The same question with its events as a table. */
export function inColumns({ events, ...question }) {
  const properties = [...new Set(events.flatMap(({ data }) => Object.keys(data)))];
  const attributes = ["id", "time", "source", "type", "subject"];
  const row = (event) => [
    ...attributes.map((name) => event[name] ?? null),
    ...properties.map((name) => event.data[name] ?? null),
  ];
  return { ...question, table: { columns: [...attributes, ...properties], rows: events.map(row) } };
}

function events(rng) {
  const n = () => (rng.chance(50) ? rng.below(1_000) : decimal(rng, 3, 3));
  const at = () => new Date(JANUARY + rng.below(31) * WHOLE_MS + rng.below(WHOLE_MS));
  return Array.from({ length: rng.below(12) }, () => ({
    specversion: "1.0",
    id: `e${rng.below(20)}`,
    source: "/gateway",
    type: rng.pick(["use", "use", "seat", "other"]),
    subject: "acme",
    time: at().toISOString(),
    data: { n: n(), a: rng.pick(["0", "1", 2, true]) },
  }));
}

/** Spoils a question, so that the three builds must refuse it in the same words. */
function spoiled(rng, question) {
  const text = JSON.stringify(question);
  const at = rng.below(text.length);
  const instead = rng.pick(['"', "-", "9", "}", "é", "null", "1e5", "\\u0000"]);
  return text.slice(0, at) + instead + text.slice(at + 1);
}

/** One question. */
export function randomQuestion(seed) {
  const rng = new Rng(seed);
  const made = Array.from({ length: 1 + rng.below(3) }, (_, index) =>
    charge(rng, `c${index}`, rng.chance(70) ? "currency" : "credits"),
  );
  const plan = planOf(rng, made.map((one) => one.charge));
  const question = { plan, marginals: rng.chance(70) };
  if (rng.chance(25)) {
    question.events = events(rng);
  } else {
    const uses = ({ charge: { id }, use }) => [id, Array.from({ length: rng.below(10) }, use)];
    question.uses = Object.fromEntries(made.map(uses));
    question.seats = { seats: decimal(rng, 2, 1) };
  }
  // Windows of events are those of a period.
  if (rng.chance(question.events ? 95 : 60)) {
    question.invoice = { account: "acme", contract: "c-1", from: "2026-01-01" };
    if (rng.chance(30)) question.invoice.zone = ZONE;
    if (rng.chance(40)) {
      question.invoice.payments = [{ id: "deposit", amount: String(rng.below(500)) }];
    }
  }
  return rng.chance(3) ? spoiled(rng, question) : JSON.stringify(question);
}
