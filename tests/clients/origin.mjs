/**
 * A local API that speaks the protocols of OpenAI and Anthropic, with faults on demand, and keeps a
 * log of what reached it and what left it: the independent witness of a test.
 *
 *   POST …/v1/chat/completions, …/v1/responses, …/v1/messages      anywhere below the root
 *
 * What an answer will be is in the request alone: see origin/answer.mjs. The log has an entry for
 * each request, in the order in which they came:
 *
 *   { id, path, headers, body, operation, model, bound, wantsUsage, does,
 *     words    tokens of output that were written to the connection
 *     end      "whole"; "broken" by the origin as asked; "aborted" from the other side }
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { constants, createGzip } from "node:zlib";
import { compose, DOES } from "./origin/answer.mjs";
import * as chat from "./origin/chat.mjs";
import * as messages from "./origin/messages.mjs";
import * as responses from "./origin/responses.mjs";

const PROTOCOLS = [chat, messages, responses];

function asked(headers) {
  const does = JSON.parse(headers["origin-does"] ?? "{}");
  const unknown = Object.keys(does).filter((name) => !Object.hasOwn(DOES, name));
  if (unknown.length > 0) throw new Error(`origin-does: no such thing as ${unknown}`);
  return { ...DOES, ...does };
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

/** Where an answer is written to: the connection, or a compressor before it. */
function sink(response, { gzip }) {
  if (!gzip) return response;
  // Each write can be read at once, as a streaming origin does it.
  const zip = createGzip({ flush: constants.Z_SYNC_FLUSH });
  zip.pipe(response);
  return zip;
}

/** The bytes of one write, cut where it hurts: every `split` bytes, or not at all. */
function* pieces(bytes, split) {
  if (split === 0) return yield bytes;
  for (let at = 0; at < bytes.length; at += split) yield bytes.subarray(at, at + split);
}

async function write(out, response, text, { split }) {
  for (const piece of pieces(Buffer.from(text), split)) {
    if (response.destroyed) return;
    const room = out.write(piece);
    // A piece of its own on the wire, not glued to the next.
    if (split > 0) await new Promise((resolve) => setImmediate(resolve));
    if (!room) await Promise.race([once(out, "drain"), once(response, "close")]);
  }
}

/** Writes a stream's events, and does to it what was asked. */
async function deliver(response, protocol, frames, entry) {
  const { does } = entry;
  const out = sink(response, does);
  const ends = does.break_at ?? does.error_at ?? Infinity;
  let [pending, waiting, pendingWords] = ["", 0, 0];
  const flush = async () => {
    if (pending !== "") await write(out, response, pending, does);
    if (!response.destroyed) entry.words += pendingWords;
    [pending, waiting, pendingWords] = ["", 0, 0];
  };
  let generated = 0;
  for (const { text, words } of frames) {
    if (response.destroyed) return;
    if (words > 0 && generated >= ends) break;
    generated += words;
    pending += text;
    pendingWords += words;
    waiting += 1;
    if (waiting < does.per_write) continue;
    await flush();
    if (does.pause_ms > 0) await sleep(does.pause_ms);
    // An answer without end leaves room for whoever wants to end it.
    else if (does.endless) await new Promise((resolve) => setImmediate(resolve));
  }
  await flush();
  if (does.break_at !== undefined) return broken(response, out, entry);
  if (does.error_at !== undefined) await write(out, response, protocol.errorEvent(), does);
  out.end();
}

/** What was written arrives, and then the connection is gone. */
async function broken(response, out, entry) {
  entry.end = "broken";
  if (out !== response) await new Promise((resolve) => out.flush(resolve));
  await new Promise((resolve) => response.write("", resolve));
  await sleep(5);
  response.destroy();
}

function refuse(response, status, protocol) {
  response.writeHead(status, { "content-type": "application/json", "request-id": "req_0" });
  response.end(JSON.stringify(protocol.error(status)));
}

async function answer(request, response, log) {
  const protocol = PROTOCOLS.find(({ path }) => request.url.split("?")[0].endsWith(path));
  if (protocol === undefined) return response.writeHead(404).end();
  const does = asked(request.headers);
  const body = await bodyOf(request);
  const read = protocol.read(body);
  const made = compose(read, does);
  const { operation, bound, wantsUsage, model } = {
    operation: request.headers["edgemeter-operation"],
    ...read,
  };
  const entry = { id: does.id, path: request.url, headers: request.headers, body, operation };
  Object.assign(entry, { model, bound, wantsUsage, does, words: 0, end: undefined });
  log.push(entry);
  response.on("close", () => (entry.end ??= response.writableFinished ? "whole" : "aborted"));
  if (does.first_ms > 0) await sleep(does.first_ms);
  if (does.status !== 200) return refuse(response, does.status, protocol);
  const encoding = does.gzip ? { "content-encoding": "gzip" } : {};
  if (read.stream) {
    const type = "text/event-stream; charset=utf-8";
    response.writeHead(200, { "content-type": type, "cache-control": "no-cache", ...encoding });
    return deliver(response, protocol, protocol.stream(made, does, read), entry);
  }
  response.writeHead(200, { "content-type": "application/json", ...encoding });
  const text = JSON.stringify(protocol.whole(made, does));
  entry.words = (made.reasoning + made.visible) * made.copies;
  if (does.break_at !== undefined) {
    await write(response, response, text.slice(0, text.length >> 1), does);
    return broken(response, response, entry);
  }
  const out = sink(response, does);
  await write(out, response, text, does);
  out.end();
}

/** Starts it on a free port. */
export async function startOrigin() {
  const log = [];
  const server = createServer((request, response) => {
    answer(request, response, log).catch((error) => {
      if (response.headersSent) response.destroy(error);
      else response.writeHead(500, { "content-type": "text/plain" }).end(`origin: ${error.stack}`);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${server.address().port}`;
  return {
    address,
    url: `http://${address}`,
    log,
    /** The one request of that id. */
    entry: (id) => log.find((entry) => entry.id === id),
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
