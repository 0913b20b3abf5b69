/**
 * A Worker around src/edge/stream.js on workerd, between an origin and clients of Node.js, which
 * do as each test says.
 *
 *   const exchange = rig.ask({ origin: async ({ send, end }) => …, query: { meter: "stop" } });
 *   const { text, end } = await exchange.answer;
 *   const { endings } = await rig.notes(exchange);
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, createServer, request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "../../../scripts/tools.mjs";
import { freePort, startWorkerd } from "../../../scripts/workerd.mjs";

const MODULES = [
  join(ROOT, "tests", "edge", "stream", "worker.js"),
  join(ROOT, "src", "edge", "stream.js"),
];

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves with what `check` finds, or rejects after `ms`. */
export async function within(ms, what, check) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(5);
  }
}

/** What an origin can do, and what becomes of its connection. */
function originSide(request, response) {
  const side = { sent: 0, closed: undefined, whole: false, method: request.method, response };
  response.socket.setNoDelay(true);
  response.on("error", () => {});
  response.on("close", () => {
    side.closed = Date.now();
    side.whole = response.writableFinished;
    wake();
  });
  let wake = () => {};
  response.on("drain", () => wake());
  /** Resolves when there is room for more; never waits for a connection that is gone. */
  side.send = async (bytes) => {
    if (side.closed !== undefined) return;
    const room = response.write(bytes);
    side.sent += bytes.length;
    if (!room) await new Promise((resolve) => (wake = resolve));
  };
  side.end = () => response.end();
  side.breakOff = () => response.socket.destroy();
  return side;
}

export async function startRig() {
  const dir = mkdtempSync(join(tmpdir(), "edgemeter-stream-"));
  const acts = new Map();
  const origin = createServer(async (request, response) => {
    const id = new URL(request.url, "http://origin").searchParams.get("id");
    const exchange = acts.get(id);
    exchange.origin = originSide(request, response);
    await exchange.act(exchange.origin, exchange);
  });
  await new Promise((resolve) => origin.listen(0, "127.0.0.1", resolve));
  const port = await freePort();
  const workerd = await startWorkerd({
    dir,
    ports: [],
    origin: `127.0.0.1:${origin.address().port}`,
    settings: {},
    beside: [{ name: "stream", port, modules: MODULES }],
  });
  const base = `http://127.0.0.1:${port}`;
  const json = async (path) => (await fetch(base + path)).json();
  const up = () => json("/unhandled").then(() => true, () => false);
  await within(10_000, "workerd listens", up);
  const agent = new Agent({ keepAlive: false });
  let last = 0;

  return {
    /**
     * Starts one exchange.
     * @param {{ origin: Function, query?: object, method?: string, headers?: object,
     *           keep?: boolean }} told `origin`: what the origin does; `keep`: the answer's text
     */
    ask({ origin, query = {}, method = "GET", headers = {}, keep = true }) {
      const id = String((last += 1));
      const exchange = { id, act: origin, client: { bytes: 0, text: "" } };
      acts.set(id, exchange);
      const { client } = exchange;
      const url = `${base}/?${new URLSearchParams({ id, ...query })}`;
      exchange.answer = new Promise((resolve) => {
        const done = (end) => resolve({ ...client, end });
        const sent = httpRequest(url, { method, headers, agent }, (answer) => {
          Object.assign(client, { status: answer.statusCode, headers: answer.headers, answer });
          answer.on("data", (chunk) => {
            client.bytes += chunk.length;
            if (keep) client.text += chunk.toString("latin1");
            exchange.onData?.(chunk);
          });
          answer.on("end", () => done("clean"));
          answer.on("error", () => done("broken"));
        });
        sent.on("error", () => done("broken"));
        sent.end();
        exchange.hangUp = (how) => {
          exchange.hungUp = Date.now();
          // A reset is what a killed program leaves, a FIN what a closed one does.
          if (how === "reset") sent.socket.resetAndDestroy();
          else sent.destroy();
        };
      });
      return exchange;
    },
    /** What the Worker's meter saw, once its exchange is over. */
    notes: ({ id }, ms = 5_000) =>
      within(ms, `exchange ${id} ends`, async () => {
        const note = await json(`/notes?id=${id}`);
        return note.endings?.length > 0 ? note : undefined;
      }),
    unhandled: () => json("/unhandled"),
    output: () => workerd.output(),
    /** Memory of workerd in MB; NaN where there is no /proc. */
    memory() {
      try {
        const status = readFileSync(`/proc/${workerd.pid}/status`, "utf8");
        return Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1_024;
      } catch {
        return Number.NaN;
      }
    },
    async stop() {
      agent.destroy();
      await workerd.stop();
      origin.closeAllConnections();
      origin.close();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
