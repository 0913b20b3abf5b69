/**
 * What this isolate has in memory: the gateway in wasm, and how old its routes are. All of it can
 * be lost at any time; what matters is at the accounts.
 */
import Rust from "../../build/index.js";
import { within } from "./calls.js";
import { forget } from "./known.js";

/** No request is decided by routes read longer ago, in ms, unless the catalog is silent. */
export const ROUTES_MS = 5_000;
/** From this age on they are read again beside a request, in ms; the rest is the catalog's time. */
export const REFRESH_MS = 4_000;
/** How long the first request of an isolate waits for routes, in ms. */
const FIRST_MS = 5_000;

/**
 * The exports of src/edge/gateway, or nothing before the first request.
 * @type {Record<string, Function> | undefined}
 */
export let gateway;
/** When routes were last read, or in vain after there were some; 0: there are none. */
export let routesAt = 0;

const EXPORTS = [
  "admit",
  "again",
  "again_left",
  "answered",
  "begin",
  "chunk",
  "ended",
  "finish",
  "flush",
  "incoming",
  "last_words",
  "needs_flusher",
  "outgoing",
  "persist",
  "renew",
  "set_routes",
  "settle",
  "settle_again",
  "slice",
];

/**
 * Starts this isolate's gateway with the settings of its environment.
 * @returns {string} what is wrong, or ""
 */
export function start(env, ctx) {
  // One instance of worker-build's entry point per isolate: its methods are the wasm exports,
  // wrapped so that an isolate recovers from a panic.
  const rust = new Rust(ctx, env);
  const problem = rust.start(
    JSON.stringify({
      key_secrets: env.EDGEMETER_KEY_SECRETS,
      operator_token: env.EDGEMETER_OPERATOR_TOKEN,
      mode: env.EDGEMETER_MODE,
      topup_url: env.EDGEMETER_TOPUP_URL,
    }),
    crypto.randomUUID().replaceAll("-", "").slice(0, 16),
  );
  if (problem === "") {
    gateway = Object.fromEntries(EXPORTS.map((name) => [name, rust[name]]));
    forget();
    routesAt = 0;
  }
  return problem;
}

/**
 * Reads the routes. If the catalog does not answer, those that are known go on, and are asked for
 * again as if they were new: they are what the operator last said here, and an outage of the
 * catalog alone stops nobody. Without any, the request gets 503 `no_routes`.
 */
export async function readRoutes(env) {
  try {
    const stub = env.CATALOG.get(env.CATALOG.idFromName("catalog"));
    const ms = routesAt === 0 ? FIRST_MS : ROUTES_MS - REFRESH_MS;
    const { ok } = JSON.parse(await within(ms, stub.call('"routes"')));
    if (ok) {
      const problem = gateway.set_routes(JSON.stringify(ok));
      if (problem !== "") console.error(`routes: ${problem}`);
      else routesAt = Date.now();
      // What a path meant may have changed.
      forget();
    }
  } catch (error) {
    console.error(`routes: ${error}`);
  }
  if (routesAt !== 0) routesAt = Date.now();
}
