/**
 * A request whose cost is in its answer: credits are set aside for it, and its answer is read on
 * its way to the client.
 *
 *   outgoing() ─▶ origin ─▶ incoming() ─▶ chunk() … finish() ─▶ client
 *                                            └─ slice(): more credits, or the end of them
 *              whatever becomes of it ─▶ ended(), once ─▶ the account
 */
import { ask } from "./calls.js";
import { gateway } from "./isolate.js";
import { forwarded, originFetch } from "./origin.js";
import { NO_ORIGIN, refusal } from "./refusals.js";
import { Client, decode, DRAIN_MS_MAX, pump, Stop } from "./stream.js";

/**
 * How long an exchange may take, in ms: credits are set aside for it for so long (`EXPIRES_MS` in
 * src/edge/gateway/exchanges.rs), and it could not be charged after that, however slowly a client
 * reads. Then it ends as if the client had left.
 */
const EXCHANGE_MS_MAX = 3_600_000;
/** How often a stream looks whether it may go on, while the account decides, in ms. */
const LOOK_MS = 20;

/**
 * @param {ReturnType<import("./known.js").read>} asked
 * @param {ReturnType<import("./known.js").learn>} held
 */
export async function exchanged(asked, held, env, ctx) {
  const { request, body } = asked;
  const { exchange } = held;
  const client = new Client(request.signal, held.drains ? DRAIN_MS_MAX : 0, EXCHANGE_MS_MAX);
  // It left while the account was asked: nothing was served.
  if (client.gone) {
    client.end(false);
    await end(exchange, "unreached", env, ctx);
    return refusal(502, NO_ORIGIN);
  }
  const headers = forwarded(asked, held);
  // What is compressed cannot be read before it is whole.
  headers.set("accept-encoding", "identity");
  headers.delete("content-length");
  // What goes through a socket cannot be read.
  headers.delete("upgrade");
  let response;
  try {
    const sent = gateway.outgoing(exchange, body) ?? body;
    response = await originFetch(request, headers, env, sent, client.origin);
  } catch (error) {
    client.end(false);
    await end(exchange, client.gone ? "gone" : "unreached", env, ctx);
    console.error(`origin: ${error}`);
    return refusal(502, NO_ORIGIN);
  }
  const { status } = response;
  const answerHeaders = JSON.stringify([...response.headers]);
  const watch = gateway.incoming(exchange, status, answerHeaders);
  if (watch === "") {
    // It failed, so it costs nothing, and nobody need look at it.
    client.end(true);
    ctx.waitUntil(end(exchange, "failed", env, ctx));
    return marked(new Response(response.body, response), held, "0");
  }
  const meter = watched(exchange, watch, env, ctx);
  const { body: stream, done } = pump(response, meter, client);
  ctx.waitUntil(done);
  const answer = new Response(stream, response);
  if (!decode(answer.headers)) console.error(`${held.op}: its encoding cannot be read for usage`);
  if (!meter.keeps) answer.headers.delete("content-length");
  return marked(answer, held, undefined);
}

function marked(answer, { op, cost, policy, left }, exact) {
  const put = answer.headers;
  if (exact === undefined) put.set("edgemeter-cost-at-most", cost);
  else put.set("edgemeter-cost", exact);
  put.set("edgemeter-operation", op);
  put.set("ratelimit-policy", policy);
  put.set("ratelimit", `"credits";r=${left}`);
  return answer;
}

/**
 * What looks at each chunk of an answer.
 * @param {string} watch `k`: nothing is changed; `s`: credits are set aside slice by slice
 * @returns {import("./stream.js").Meter}
 */
function watched(exchange, watch, env, ctx) {
  const sliced = watch.includes("s");
  return {
    keeps: watch.includes("k"),
    chunk(bytes) {
      const put = gateway.chunk(exchange, bytes);
      return sliced ? paid(exchange, put ?? bytes, env, ctx) : put;
    },
    end(how) {
      const rest = how === "whole" ? gateway.finish(exchange) : undefined;
      ctx.waitUntil(end(exchange, how, env, ctx));
      return rest;
    },
  };
}

/** A chunk, once credits are set aside for it; the last words of the stream if there are none. */
function paid(exchange, bytes, env, ctx) {
  const verdict = gateway.slice(exchange, Date.now());
  // "start": the isolate's memory is gone, and what was set aside with it.
  if (verdict === "" || verdict === "start") return bytes;
  if (verdict === "over") return new Stop(gateway.last_words(exchange));
  // The next slice is asked for beside the stream, which waits only if it is used up.
  if (verdict.startsWith("ask\n")) {
    ctx.waitUntil(ask(verdict, env, ctx));
    return paid(exchange, bytes, env, ctx);
  }
  return scheduler.wait(LOOK_MS).then(() => paid(exchange, bytes, env, ctx));
}

/**
 * Tells the account what an exchange used. What is not answered is told again by a flusher.
 * @param {string} how an ending of src/edge/stream.js, or `unreached`, or `failed`
 */
async function end(exchange, how, env, ctx) {
  try {
    const verdict = gateway.ended(exchange, how, Date.now());
    if (verdict.startsWith("ask\n")) await ask(verdict, env, ctx);
  } catch (error) {
    console.error(`exchange: ${error}`);
  }
}
