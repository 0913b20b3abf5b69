/**
 * Open-loop load: requests leave at a fixed rate, whether or not the earlier ones were answered,
 * over connections that stay open. What is measured is from sending a request to the end of its
 * answer, as this process sees it; its own share is the same for every contender.
 */
import { Agent, request as httpRequest } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { Hint } from "../scripts/tools.mjs";
import { percentile } from "./figures.mjs";

/** Connections at once, at most: far more than a moderate rate needs. */
const CONNECTIONS_MAX = 64;
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS_MAX });

/** One request, to the end of its answer: the status. */
export function send({ url, headers }, agent) {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(url, { headers, agent }, (answer) => {
      answer.on("error", reject).on("end", () => resolve(answer.statusCode)).resume();
    });
    outgoing.on("error", reject).end();
  });
}

/** The time of one request that must be answered well, in ms. */
async function once(target) {
  const sent = performance.now();
  const status = await send(target, agent);
  if (status < 200 || status > 299) throw new Hint(`${target.url} answered ${status}`);
  return performance.now() - sent;
}

/**
 * @param {{ url: string, headers: object }[]} targets taken in turn
 * @param {{ rate: number, seconds: number }} load requests per second, all targets together
 * @returns {Promise<{ p50: number, p99: number, answers: number }>} in ms
 */
export async function openLoop(targets, { rate, seconds }) {
  const total = rate * seconds;
  const started = performance.now();
  const under = [];
  while (under.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - started) * rate) / 1_000) + 1);
    while (under.length < due) under.push(once(targets[under.length % targets.length]));
    await sleep(1);
  }
  const times = await Promise.all(under);
  return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), answers: times.length };
}
