/**
 * Which pricing model fits this use: the core's points and numbers, in plain words; and what every
 * plan would cost with a tenth of it, with it, and with a spike of ten times.
 */

import { h } from "../dom.js";

const MODELS = {
  metered: ["Metered", "pay for what was used"],
  credits: ["Prepaid credits", "buy ahead, burn, stop at zero"],
  access: ["Recurring access", "the same every period"],
  hybrid: ["Hybrid", "a floor, with use on top"],
};

/** @type {Record<string, (value: string, bound: string) => string>} */
const REASONS = {
  spread_wide: (value) =>
    `The busiest day has ${value} times the use of the quietest: paying by use is fair.`,
  spread_very_wide: (value, bound) =>
    `Days differ by more than ${bound} times (${value}): `
      + "use carries the cost better than a flat price.",
  spread_narrow: (value) =>
    `The busiest day has only ${value} times the use of the quietest: a flat price is simple.`,
  spike_costs: (value) =>
    `A spike of ten times the use would cost ${value} times as much: a limit is worth having.`,
  spike_is_flat: (value) =>
    `A spike of ten times the use would cost only ${value} times as much: it is flat already.`,
  commit_used: (value) => `${value} of the minimum commit is used: the floor fits.`,
  commit_unused: (value) => `Only ${value} of the minimum commit is used: the floor is too high.`,
  fees_lead: (value) => `${value} of the invoice are fees: access is what is paid for.`,
  many_prices: (value) => `${value} prices are in use: one unit for all is easier to plan with.`,
  credits_burned: (value) => `${value} of the period's credits were burned: they are needed.`,
  credits_idle: (value) => `Only ${value} of the period's credits were burned: they lie idle.`,
};

/** Reasons whose value is a part of a hundred. */
const PERCENTS = new Set([
  "commit_used", "commit_unused", "fees_lead", "credits_burned", "credits_idle",
]);

const PROBLEMS = {
  no_credit_value: "nothing says what a credit is worth",
};

/**
 * @param {import("../pkg/bill.js").Fit} fit
 * @param {import("../locale.js").Format} format
 * @param {string | null} currency
 */
export function fitted(fit, format, currency) {
  const models = [...fit.models].sort((one, other) => other.points - one.points);
  return [
    h("ol", { class: "models" }, ...models.map((model) => modelItem(model, fit, format))),
    plans(fit.plans, format, currency),
  ];
}

function modelItem({ model, points }, { recommended, reasons }, format) {
  const [name, what] = MODELS[model] ?? [model, ""];
  const mine = reasons.filter((reason) => reason.model === model);
  const best = model === recommended && points > 0;
  return h("li", { class: best ? "model best" : "model" },
    h("h3", {}, name, h("span", { class: "quiet" }, what),
      best && h("span", { class: "tag good" }, "Fits best")),
    mine.length > 0
      ? h("ul", {}, ...mine.map((reason) => h("li", {}, reasonWords(reason, format))))
      : h("p", { class: "quiet" }, "Nothing in this use asks for it."));
}

function reasonWords({ code, value, bound }, format) {
  const words = Object.hasOwn(REASONS, code) ? REASONS[code] : (number) => `${code}: ${number}`;
  const write = (/** @type {string} */ number) =>
    PERCENTS.has(code) ? format.percent(number) : format.number(number);
  return words(write(value), write(bound));
}

/** Every plan at a tenth, at this use and at ten times. */
function plans(candidates, format, currency) {
  const written = (/** @type {string} */ text, /** @type {string} */ unit) =>
    unit === "credits" || currency === null
      ? `${format.number(text)} cr`
      : format.money(text, currency);
  const number = (/** @type {string} */ text, wide = false) =>
    h("td", { class: wide ? "number wide" : "number" }, text);
  const rows = candidates.map(({ plan, model, costs, problem }) => h("tr", {},
    h("th", { scope: "row" },
      h("span", { class: "name" }, plan.name), h("span", { class: "quiet" }, MODELS[model]?.[0])),
    ...(costs
      ? [
        number(written(costs.tenth, costs.unit), true),
        number(written(costs.spend, costs.unit)),
        number(written(costs.spike, costs.unit)),
      ]
      : [h("td", { class: "quiet", colspan: 3 },
        `Not comparable: ${PROBLEMS[problem] ?? problem}`)])));
  const head = (/** @type {string} */ text, wide = false) =>
    h("th", { scope: "col", class: wide ? "number wide" : "number" }, text);
  return h("table", { class: "candidates" },
    h("caption", { class: "quiet" }, "To the period's end, before tax, with bought credits"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Plan"),
      head("A tenth of it", true), head("This use"), head("A spike of ×10"))),
    h("tbody", {}, ...rows));
}
