/**
 * The same question has the same answer, byte for byte, natively, in workerd and in Chromium: all
 * inputs of tests/cases, and random ones.
 *
 *   SEED=n    first seed (default 1)      CASES=n    how many random questions (default 10,000)
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as start from "./builds.mjs";
import { questionsOfCases } from "./cases.mjs";
import { inColumns, randomQuestion } from "./random.mjs";

const SEED = Number(process.env.SEED ?? 1);
const CASES = Number(process.env.CASES ?? 10_000);
/** Percent of the random questions that must have an amount: refusals alone would prove little. */
const ANSWERED_PERCENT_MIN = 80;

/** Questions of cases without an amount: they ask for a refusal, or say what no plan can. */
const REFUSED_CASES_MAX = 20;

const builds = {};

before(async () => {
  for (const [name, of] of Object.entries(start)) builds[name] = await of();
});

after(async () => {
  for (const build of Object.values(builds)) await build.stop();
});

const isRefusal = (answer) => answer.startsWith('{"error":');

/** Asks all builds; returns the one answer that each question has. */
async function asked(questions) {
  const texts = questions.map(({ text }) => text);
  const [expected, ...others] = await Promise.all(
    Object.values(builds).map((build) => build.ask(texts)),
  );
  assert.equal(expected.length, questions.length);
  Object.keys(builds).slice(1).forEach((name, index) => {
    assert.equal(others[index].length, questions.length, name);
    const at = expected.findIndex((answer, place) => answer !== others[index][place]);
    if (at < 0) return;
    const message = `${name} answers ${questions[at].name} otherwise: ${texts[at]}`;
    assert.equal(others[index][at], expected[at], message);
  });
  return expected;
}

test("every case has one answer", { timeout: 600_000 }, async (t) => {
  const questions = questionsOfCases();
  const answers = await asked(questions);
  const refused = answers.filter(isRefusal).length;
  const cases = new Set(questions.map(({ name }) => name)).size;
  assert.ok(refused <= REFUSED_CASES_MAX, `${refused} questions of cases were refused`);
  t.diagnostic(`${questions.length} questions of ${cases} cases, ${refused} of them refused`);
});

test("every random question has one answer", { timeout: 900_000 }, async (t) => {
  const questions = Array.from({ length: CASES }, (_, index) => {
    const seed = SEED + index;
    return { name: `SEED=${seed} CASES=1`, text: randomQuestion(seed) };
  });
  const answers = await asked(questions);
  const refused = answers.filter(isRefusal).length;
  t.diagnostic(`${CASES} random questions from SEED=${SEED}, ${refused} of them refused`);
  assert.ok(refused * 100 <= CASES * (100 - ANSWERED_PERCENT_MIN), `${refused} were refused`);
});

/** Whether an event has all that a row says of it. */
const isWhole = ({ specversion, data, ...attributes }) =>
  specversion === "1.0" && data && ["id", "source", "type", "subject", "time"].every((name) => {
    return typeof attributes[name] === "string";
  });

test("a table has the answer of its events", { timeout: 300_000 }, async (t) => {
  const listed = Array.from({ length: CASES }, (_, index) => SEED + index).flatMap((seed) => {
    const text = randomQuestion(seed);
    return text.includes('"events":[{') ? [{ name: `SEED=${seed} CASES=1`, text }] : [];
  });
  const whole = listed.flatMap((question) => {
    try {
      const parsed = JSON.parse(question.text);
      if (!parsed.events.every(isWhole)) return [];
      return [{ ...question, table: JSON.stringify(inColumns(parsed)) }];
    } catch {
      // A few questions are spoiled.
      return [];
    }
  });
  const expected = await asked(whole);
  const answers = await asked(whole.map(({ name, table }) => ({ name, text: table })));
  const place = (answer) => answer.replaceAll("/table/rows", "/events");
  answers.forEach((answer, index) => {
    const { name, text } = whole[index];
    // One that is no question at all is so at another column.
    if (expected[index].includes('"code":"request_not_json"')) return;
    assert.equal(place(answer), expected[index], `${name}: as a table: ${text}`);
  });
  assert.ok(whole.length * 10 >= CASES, `only ${whole.length} questions have events`);
  t.diagnostic(`${whole.length} questions of events, asked as tables too`);
});
