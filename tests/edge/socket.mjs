/**
 * An account's live socket as a program opens it, which can say any Origin:
 *
 *   const socket = await openSocket(url, "acme", token, { origin: "https://app.example" });
 *   const snapshot = await socket.next();
 *   const code = await socket.closed;
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";

const TEXT = 1;
const CLOSE = 8;

/** Frames of less than 64 kB, as a server sends them: not masked, not split. */
function* frames(bytes) {
  for (let at = 0; at + 2 <= bytes.length;) {
    const short = bytes[at + 1] < 126;
    const start = at + (short ? 2 : 4);
    if (start > bytes.length) return;
    const end = start + (short ? bytes[at + 1] : bytes.readUInt16BE(at + 2));
    if (end > bytes.length) return;
    yield { opcode: bytes[at] & 0x0f, body: bytes.subarray(start, end), end };
    at = end;
  }
}

/**
 * @param {string} gateway its address
 * @param {{ origin?: string, protocols?: string }} options without an origin, as no browser does it
 */
export async function openSocket(gateway, account, token, options = {}) {
  const { origin, protocols = `edgemeter.v1, token.${token}` } = options;
  const headers = {
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": randomBytes(16).toString("base64"),
    "sec-websocket-protocol": protocols,
    ...(origin === undefined ? {} : { origin }),
  };
  const asked = get(`${gateway}/v1/accounts/${account}/live`, { headers });
  const answered = once(asked, "response").then(([{ statusCode }]) => {
    throw new Error(`no socket: ${statusCode}`);
  });
  const [, socket, head] = await Promise.race([once(asked, "upgrade"), answered]);
  const messages = [];
  const waiting = [];
  let bytes = head;
  let ended;
  const closed = new Promise((resolve) => (ended = resolve));
  const read = (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    let rest = 0;
    for (const { opcode, body, end } of frames(bytes)) {
      rest = end;
      if (opcode === CLOSE) ended(body.readUInt16BE(0));
      if (opcode !== TEXT) continue;
      const message = JSON.parse(body.toString());
      if (waiting.length > 0) waiting.shift()(message);
      else messages.push(message);
    }
    bytes = bytes.subarray(rest);
  };
  const say = (message) => {
    const body = Buffer.from(JSON.stringify(message));
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]));
  };
  socket.on("data", read);
  socket.on("error", () => {});
  socket.on("close", () => ended(1006));
  read(Buffer.alloc(0));
  return {
    /** The close code; 1006 if the connection broke. */
    closed,
    /** The next message, or nothing once it is closed. */
    next: () => {
      if (messages.length > 0) return Promise.resolve(messages.shift());
      return Promise.race([
        new Promise((resolve) => waiting.push(resolve)),
        closed.then(() => undefined),
      ]);
    },
    /** Says something short, as a page does: one masked frame. */
    say,
    /** Asks for a snapshot. */
    resync: () => say({ type: "resync" }),
    destroy: () => socket.destroy(),
  };
}
