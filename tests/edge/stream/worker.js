/**
 * A Worker around src/edge/stream.js, told by each request's query what its meter does:
 *
 *   id          of the exchange; `/notes?id=` says what its meter saw
 *   meter       what it does, a key of METERS; `keeps` if it says so
 *   drain       for how many ms the origin is read on for after the client has gone
 *   most        for how many ms the client is waited for
 *   signal=no   without the request's signal
 */
// On workerd, modules stand side by side under the names of their files.
import { Client, decode, pump, Stop } from "./stream.js";

const bytes = (text) => new TextEncoder().encode(text);

/** What a meter answers to its chunk number `n`, counted from 1. */
const METERS = {
  count: () => undefined,
  upper: (chunk) => bytes(new TextDecoder().decode(chunk).toUpperCase()),
  drop: (_, n) => (n === 2 ? new Uint8Array(0) : undefined),
  stop: (_, n) => (n === 3 ? new Stop(bytes("the last")) : undefined),
  stopDumb: (_, n) => (n === 3 ? new Stop() : undefined),
  slow: async (_, n) => {
    await scheduler.wait(50);
    return n === 3 ? new Stop(bytes("the last")) : undefined;
  },
  throw: (_, n) => {
    if (n === 3) throw new Error("the meter is out of order");
  },
  add: () => undefined,
};

/** What the meters saw, by id of the exchange. */
const notes = new Map();
const unhandled = [];
addEventListener("unhandledrejection", (event) => unhandled.push(String(event.reason)));

async function answer(request, env, ctx) {
  const { searchParams: asked } = new URL(request.url);
  const note = { endings: [], chunks: 0, bytes: 0 };
  notes.set(asked.get("id"), note);
  const kind = asked.get("meter") ?? "count";
  const meter = {
    keeps: asked.has("keeps"),
    chunk(chunk) {
      note.chunks += 1;
      note.bytes += chunk.length;
      return METERS[kind](chunk, note.chunks);
    },
    end(how) {
      note.endings.push(how);
      return kind === "add" ? bytes("added") : undefined;
    },
  };
  const signal = asked.get("signal") === "no" ? undefined : request.signal;
  const most = asked.has("most") ? Number(asked.get("most")) : undefined;
  const client = new Client(signal, Number(asked.get("drain") ?? 0), most);
  let response;
  try {
    const { method } = request;
    response = await env.ORIGIN.fetch(request.url, { method, signal: client.origin });
  } catch (error) {
    note.endings.push(client.gone ? "gone before" : `no origin: ${error}`);
    client.end(false);
    return new Response(null, { status: 502 });
  }
  const headers = new Headers(response.headers);
  note.plain = decode(headers);
  const { body, done } = pump(response, meter, client);
  ctx.waitUntil(done.then((how) => (note.done = how)));
  return new Response(body, { status: response.status, headers });
}

export default {
  fetch(request, env, ctx) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/notes") return Response.json(notes.get(searchParams.get("id")) ?? {});
    if (pathname === "/unhandled") return Response.json(unhandled);
    const answering = answer(request, env, ctx);
    // Else it would end where it stands when the client goes away.
    ctx.waitUntil(answering);
    return answering;
  },
};
