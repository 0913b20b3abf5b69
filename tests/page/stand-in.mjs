/**
 * An account's end of the live socket that does as the test says: the states of the page need an
 * account that skips a message, goes silent or lies, and the real one does none of these.
 *
 *   GET /edgemeter/…                  www/, with the gateway's Content-Security-Policy
 *   GET /v1/accounts/<id>/live        the socket; `onConnect(connection)` is the script
 */

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";

export const CSP = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
  + "connect-src 'self'; img-src 'self' data:; font-src 'self'; "
  + "require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; "
  + "frame-ancestors 'none'";

const WWW = new URL("../../www/", import.meta.url);
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 §1.3
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

const NO_USAGE = JSON.stringify({ step: "all", by: [], rows: [], next: null });

/** One page's socket, seen from the account. */
class Connection {
  /** Messages of the page, parsed; its signs of life are answered, as the platform does it. */
  received = [];
  /** Whether it does not answer them. */
  deaf = false;
  #socket;
  #bytes = Buffer.alloc(0);
  #waiting = [];

  constructor(socket, protocols) {
    this.#socket = socket;
    this.protocols = protocols;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", () => {});
  }

  /** Sends an object as JSON, or a text as it is. */
  send(message) {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.#frame(1, Buffer.from(text));
  }

  /** Closes with a code. */
  close(code) {
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    this.#frame(8, body);
    this.#socket.end();
  }

  /** Breaks the connection without a word. */
  break() {
    this.#socket.destroy();
  }

  /** The page's next message. */
  next() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #frame(opcode, body) {
    const { length } = body;
    const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
    head[0] = 0x80 | opcode;
    head[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
    if (head.length === 4) head.writeUInt16BE(length, 2);
    if (head.length === 10) head.writeBigUInt64BE(BigInt(length), 2);
    this.#socket.write(Buffer.concat([head, body]));
  }

  /** The page sends short masked text frames only. */
  #read(chunk) {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 6) {
      const length = this.#bytes[1] & 0x7f;
      if (this.#bytes.length < 6 + length) return;
      const opcode = this.#bytes[0] & 0x0f;
      const mask = this.#bytes.subarray(2, 6);
      const body = this.#bytes.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]);
      this.#bytes = this.#bytes.subarray(6 + length);
      if (opcode === 8) return void this.#socket.end();
      const message = JSON.parse(body.toString());
      if (message.type === "ping" && !this.deaf) {
        this.send({ type: "pong" });
        continue;
      }
      this.received.push(message);
      this.#waiting.shift()?.(message);
    }
  }
}

/**
 * Starts a stand-in.
 *
 * @param {(connection: Connection, count: number) => void} onConnect
 * @returns {Promise<{link: string, urls: string[], close: () => void}>} `link` opens the page;
 *   `urls` are all that were asked for, sockets included
 */
export async function startStandIn(onConnect) {
  const urls = [];
  let connections = 0;
  const server = createServer(async (request, response) => {
    urls.push(request.url);
    const { pathname } = new URL(request.url, "http://stand.in");
    const path = pathname.replace("/edgemeter/", "");
    if (pathname === "/v1/accounts/demo/usage") {
      return void response.writeHead(200, { "content-type": "application/json" }).end(NO_USAGE);
    }
    const file = path || "index.html";
    try {
      const body = await readFile(new URL(file, WWW));
      const type = TYPES[extname(file)];
      response.writeHead(200, { "content-type": type, "content-security-policy": CSP }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  const sockets = new Set();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request, socket) => {
    urls.push(request.url);
    const key = createHash("sha1").update(request.headers["sec-websocket-key"] + MAGIC);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      + "Sec-WebSocket-Protocol: edgemeter.v1\r\n"
      + `Sec-WebSocket-Accept: ${key.digest("base64")}\r\n\r\n`);
    const protocols = request.headers["sec-websocket-protocol"].split(", ");
    onConnect(new Connection(socket, protocols), ++connections);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const link = `http://127.0.0.1:${server.address().port}/edgemeter/#account=demo&token=tok.en-1`;
  const close = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  return { link, urls, close };
}

const NOTHING = { count: 0, credits: 0n };

/** An account that counts in tenths of a credit, and what it says. */
export class Account {
  #seq = 0;
  #granted;
  #held;
  #burned = 0n;
  #operations = 0;
  #seconds = new Map();
  #recent = [];
  #changed = { seconds: new Set(), recent: [] };
  atZero = "block";
  /** @type {string | undefined} */ topupUrl;
  /** @type {number | undefined} when the grant ends, in ms */ grantEnds;

  constructor({ granted = 50_000n, held = 50n } = {}) {
    this.#granted = granted;
    this.#held = held;
  }

  /** Charges one call; `at` ms, `cost` in tenths. */
  call({ at = Date.now(), cost = 10n, route = "GET /words", key = "k1", status = 200 } = {}) {
    this.#burned += cost;
    const second = Math.floor(at / 1000);
    const of = this.#seconds.get(second) ?? { routes: new Map(), keys: new Map(), ...NOTHING };
    const { routes, keys } = of;
    const more = ({ count, credits }) => ({ count: count + 1, credits: credits + cost });
    routes.set(route, more(routes.get(route) ?? NOTHING));
    keys.set(key, more(keys.get(key) ?? NOTHING));
    this.#seconds.set(second, { ...of, ...more(of) });
    const operation = `op-${++this.#operations}`;
    const call = { operation, at, route, key, cost: tenths(cost), status };
    this.#changed.seconds.add(second);
    this.#changed.recent.unshift(call);
    this.#recent = [call, ...this.#recent].slice(0, 20);
    return this;
  }

  /** Adds credits, in tenths. */
  grant(amount) {
    this.#granted += amount;
    return this;
  }

  /** Gives back what is held. */
  release() {
    this.#held = 0n;
    return this;
  }

  snapshot() {
    this.#seq += 1;
    return this.#message("snapshot", [...this.#seconds.keys()].slice(-60), this.#recent);
  }

  delta() {
    this.#seq += 1;
    const { seconds, recent } = this.#changed;
    return this.#message("delta", [...seconds], recent.slice(0, 20));
  }

  #message(type, seconds, recent) {
    this.#changed = { seconds: new Set(), recent: [] };
    const left = this.#granted - this.#burned;
    const names = { routes: [], keys: [] };
    const tallies = (side, counts) => [...counts].map(([name, { count, credits }]) => {
      if (!names[side].includes(name)) names[side].push(name);
      return [names[side].indexOf(name), count, tenths(credits)];
    });
    const calls = seconds.map((second) => {
      const { count, credits, routes, keys } = this.#seconds.get(second);
      const sides = [tallies("routes", routes), tallies("keys", keys)];
      return [second, count, tenths(credits), ...sides];
    });
    const balance = {
      available: tenths(left - this.#held),
      held: tenths(this.#held),
      burned: tenths(this.#burned),
      granted: tenths(this.#granted),
      expired: "0",
      balance: tenths(left),
    };
    const plan = { id: "starter", version: 1 };
    const at = Date.now();
    const head = { type, seq: this.#seq, at, account: "demo", plan, unit: "credits" };
    return { ...head, balance, ...this.#terms(left, at), ...names, calls, recent };
  }

  /** What is not about calls: one grant, and what was burned by the calls of ten minutes. */
  #terms(left, at) {
    const since = at - 600_000;
    const recent = [...this.#seconds].filter(([second]) => second * 1000 >= since);
    const burned = recent.reduce((sum, [, { credits }]) => sum + credits, 0n);
    const grant = {
      id: "welcome", kind: "promotional", given: tenths(this.#granted), left: tenths(left),
      starts_at: 0, ends_at: this.grantEnds,
    };
    return {
      zero: { rule: this.atZero, used: "0", left: "0", topup_url: this.topupUrl },
      grants: left > 0n ? [grant] : [],
      lately: { since, credits: tenths(burned) },
    };
  }
}

function tenths(/** @type {bigint} */ amount) {
  const size = amount < 0n ? -amount : amount;
  const fraction = size % 10n === 0n ? "" : `.${size % 10n}`;
  return `${amount < 0n ? "-" : ""}${size / 10n}${fraction}`;
}
