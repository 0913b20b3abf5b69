/**
 * Control messages that one account object sustains: each reports twenty operations of its lease
 * and wishes for more, as an isolate's does once a second under load. The messages come from some
 * isolates at once, each waiting for its answer, over HTTP through four gateways to the object
 * (benches/gateway/observed.js): what the way costs is part of the figure.
 */
import { Hint } from "../scripts/tools.mjs";
import { percentile, rounded, row } from "./figures.mjs";
import { withPlatform } from "./platform.mjs";

export const about = "control messages per second of one account object";

const GATEWAYS = 4;
const CLIENTS = 16;
const OPERATIONS = 20;
const WARM_UP_SECONDS = 2;
const SECONDS_MIN = 5;

/** An isolate's side of a lease: the messages it would send, and the answers it takes. */
class Isolate {
  #seq = 0;
  #granted = "0";
  #plan = "";
  #keys = 0;
  #spent = 0;

  constructor(lease, key) {
    this.lease = lease;
    this.key = key;
  }

  /** The next message: what was granted last is spent by now. */
  message() {
    this.#seq += 1;
    const wish = { lease: this.lease, seq: this.#seq, rate: String(OPERATIONS), cost: "1" };
    const request = { v: 1, plan: this.#plan, keys: this.#keys };
    request.wish = { ...wish, granted: this.#granted };
    if (this.#seq > 1) request.report = this.#report();
    return JSON.stringify({ control: request });
  }

  #report() {
    const list = Array.from({ length: OPERATIONS }, (_, i) => [0, 0, "1", i * 50, 200]);
    const routes = [["GET /words", "words"]];
    const from = this.#spent;
    this.#spent += OPERATIONS;
    return {
      lease: this.lease,
      used: String(this.#spent),
      returned: "0",
      operations: { from, at: Date.now(), routes, keys: [this.key], list },
    };
  }

  /** Takes an answer; it must have burned what was reported, and granted as much again. */
  take(reply) {
    const { ok } = JSON.parse(reply);
    const good = ok !== undefined && (ok.acked ?? 0) === this.#spent &&
      Number(ok.granted) >= this.#spent + OPERATIONS;
    if (!good) throw new Hint(`the account answered ${reply.slice(0, 500)}`);
    this.#granted = ok.granted;
    this.#plan = ok.plan.hash;
    this.#keys = ok.keys?.revision ?? this.#keys;
  }

  get spent() {
    return this.#spent;
  }
}

export async function run({ seconds }) {
  return withPlatform({ isolates: GATEWAYS, observed: true }, async (platform) => {
    const { id: key } = platform.key;
    const isolates = Array.from({ length: CLIENTS }, (_, i) => new Isolate(`bench${i}l1`, key));
    await drive(isolates, platform.urls, WARM_UP_SECONDS);
    const length = Math.max(seconds, SECONDS_MIN);
    const started = performance.now();
    const times = await drive(isolates, platform.urls, length);
    const elapsed = (performance.now() - started) / 1_000;
    const { balance, audit } = await platform.account();
    const spent = isolates.reduce((sum, isolate) => sum + isolate.spent, 0);
    if (audit !== "ok" || Number(balance.burned) !== spent) {
      throw new Hint(`${spent} operations reported, ${balance.burned} burned, audit ${audit}`);
    }
    return summary(times, elapsed);
  });
}

/** Each isolate sends, waits and sends again; the times of all messages in ms. */
async function drive(isolates, urls, seconds) {
  const times = [];
  const end = performance.now() + seconds * 1_000;
  const one = async (isolate, i) => {
    const url = `${urls[i % urls.length]}/bench/object`;
    while (performance.now() < end) {
      const sent = performance.now();
      const answer = await fetch(url, { method: "POST", body: isolate.message() });
      isolate.take(await answer.text());
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(isolates.map(one));
  return times;
}

function summary(times, elapsed) {
  const figures = {
    operations: OPERATIONS,
    messages_per_second: Math.round(times.length / elapsed),
    p50_ms: rounded(percentile(times, 0.5), 3),
    p99_ms: rounded(percentile(times, 0.99), 3),
  };
  const lines = [
    row([`${CLIENTS} isolates`, "messages/s", "p50 ms", "p99 ms"]),
    row(["account", figures.messages_per_second, figures.p50_ms, figures.p99_ms]),
  ];
  return { figures, text: lines.join("\n") };
}
