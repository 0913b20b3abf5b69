/**
 * What was paid from a lease before: the same again is paid without a string crossing into wasm.
 *
 *   read(request) ─▶ asked ─▶ again() ─▶ paid
 *                       └──▶ admit() ─▶ verdict ─▶ learn() ─▶ paid
 *
 * Only what Rust has verified and paid gets in here, so a forged key takes no memory; a credential
 * is found by its hash, so nothing can be learned from how long it takes. What is kept ends with
 * the next answer of its account (Rust says so), and with new routes.
 */

/** Keys and paths remembered, at most; then all are forgotten. */
const KNOWN_MAX = 10_000;
/** Addresses remembered are at most so long, in characters: a path keeps its address in memory. */
const ADDRESS_MAX = 512;

/**
 * By method and path, then by credential.
 * @type {Map<string, Map<string, { shortcut: number, account: string, lease: string, cost: string,
 *                                  most: boolean, policy: string }>>}
 */
const known = new Map();
let count = 0;

/** Forgets everything: Rust's memory is a new one, or the routes are. */
export function forget() {
  known.clear();
  count = 0;
}

/**
 * What decides about a request, read once.
 * @param {Request} request
 */
export function read(request) {
  const { headers, method, url } = request;
  const key = headers.get("x-api-key");
  // A foreign x-api-key is the origin's business.
  const isOurs = key !== null && key.startsWith("em_");
  const credential = isOurs ? key : headers.get("authorization") ?? key ?? "";
  const start = url.indexOf("/", 8);
  const query = url.indexOf("?", start);
  const path = query < 0 ? url.slice(start) : url.slice(start, query);
  const route = method === "GET" ? path : `${method} ${path}`;
  const header = isOurs ? "x-api-key" : "authorization";
  // The draft is about requests that change something; to look costs as much as the decision.
  const once = method === "GET" || method === "HEAD" ? null : headers.get("idempotency-key");
  return { request, method, url, credential, route, header, once, body: undefined };
}

/**
 * Pays what was paid before; nothing if Rust has to look at it anew.
 * @returns {ReturnType<typeof learn> | undefined}
 */
export function again(gateway, { route, credential, once }, now) {
  // What the client names by a key of its own may have come by another isolate.
  if (once !== null) return undefined;
  const before = known.get(route)?.get(credential);
  if (before === undefined) return undefined;
  const code = gateway.again(before.shortcut, now);
  if (code < 0) return undefined;
  const flags = code % 4;
  const number = (code - flags) / 4;
  const { shortcut, account, lease, cost, most, policy, charged } = before;
  return {
    account,
    op: lease + number,
    cost,
    most,
    policy,
    left: gateway.again_left(),
    renew: (flags & 1) !== 0,
    flush: (flags & 2) !== 0,
    durable: false,
    restricted: false,
    repeated: false,
    charged,
    shortcut,
    number,
  };
}

/**
 * Reads a verdict `paid` or `held`, and keeps what will be the same for the next such request.
 * @param {string} verdict `paid`, flags, account, op, cost, policy, left, shortcut; or `held` …
 *   exchange
 */
export function learn(asked, verdict) {
  const [kind, flags, account, op, cost, policy, left, last] = verdict.split("\n");
  const most = flags.includes("m");
  const charged = flags.includes("c");
  if (kind === "paid" && last !== "" && asked.url.length <= ADDRESS_MAX) {
    const lease = op.slice(0, op.lastIndexOf(".") + 1);
    keep(asked, { shortcut: Number(last), account, lease, cost, most, policy, charged });
  }
  return {
    account,
    op,
    cost,
    most,
    policy,
    left,
    renew: flags.includes("r"),
    flush: flags.includes("f"),
    durable: flags.includes("d"),
    restricted: flags.includes("z"),
    repeated: flags.includes("o"),
    charged,
    drains: flags.includes("g"),
    exchange: Number(last),
    shortcut: 0,
    number: 0,
  };
}

function keep({ route, credential }, kept) {
  if (count >= KNOWN_MAX) forget();
  let byCredential = known.get(route);
  if (byCredential === undefined) known.set(route, byCredential = new Map());
  if (!byCredential.has(credential)) count += 1;
  byCredential.set(credential, kept);
}
