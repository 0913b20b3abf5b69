/**
 * Which other sites may show an account: the origins of the portal document, in this isolate's
 * memory. Metered traffic never comes by here.
 *
 *   preflight of a read ─▶ 204 to a listed origin, else 403
 *   read, portal token  ─▶ the answer, readable by a listed origin, else 403
 *   live socket         ─▶ opened for a listed origin, else closed with 4403
 *   the page in a frame ─▶ frame-ancestors: the listed origins, or none
 *
 * A request without an Origin is no other site's; neither is one whose Origin is this very host. An
 * operator's call and a write get no header of this kind, whoever sends them. There are no cookies
 * here and so no credentials: a foreign page can do only what its token can, and this list is what
 * keeps a stolen token from being of use in a stranger's page.
 */
import { within } from "./calls.js";
import { originUnlisted, refusal } from "./refusals.js";

/** No list is older than this when it decides, in ms, unless the catalog is silent. */
const LIST_MS = 5_000;
/** How long the catalog may take, in ms. */
const CATALOG_MS = 1_000;
/** How long a browser may remember a preflight, in s; the read that follows is judged anew. */
const PREFLIGHT_S = 600;
/** The close code of an origin that is not listed; the page knows it. */
const CODE_UNLISTED = 4403;
/** What a portal token can read; src/edge/api decides what of it there is. */
const READABLE = /^\/v1\/accounts\/[^/]+(\/|$)/;
const PORTAL_TOKEN = /^bearer pt_/i;

/** @type {string[]} */
let origins = [];
let listedAt = 0;

/** The list. Without an answer of the catalog, the last one that there was; at first, nobody. */
export async function listed(env) {
  const now = Date.now();
  if (now - listedAt < LIST_MS) return origins;
  try {
    const stub = env.CATALOG.get(env.CATALOG.idFromName("catalog"));
    const { ok } = JSON.parse(await within(CATALOG_MS, stub.call('"portal"')));
    if (ok) [origins, listedAt] = [ok.origins, now];
  } catch (error) {
    console.error(`origins: ${error}`);
  }
  return origins;
}

/**
 * Answers a control call, by `answer` if its origin does not forbid it.
 * @param {Request} request
 * @param {() => Promise<Response>} answer
 */
export async function embedded(request, env, answer) {
  const origin = request.headers.get("origin");
  const { host, pathname } = new URL(request.url);
  if (origin === null || hostOf(origin) === host || !READABLE.test(pathname)) return answer();
  const isListed = async () => (await listed(env)).includes(origin);
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket") {
    return (await isListed()) ? answer() : closed();
  }
  if (request.method === "OPTIONS") {
    return isRead(request.headers) && (await isListed()) ? preflight(origin) : unlisted(origin);
  }
  const token = request.headers.get("authorization") ?? "";
  if (request.method !== "GET" || !PORTAL_TOKEN.test(token)) return answer();
  return (await isListed()) ? readable(await answer(), origin) : unlisted(origin);
}

/** TLS may have ended before this, so that the scheme is not ours to compare. */
function hostOf(origin) {
  return URL.canParse(origin) ? new URL(origin).host : undefined;
}

/** Whether a preflight asks for what a page sends: GET, with its token. */
function isRead(headers) {
  const asked = headers.get("access-control-request-headers") ?? "";
  return headers.get("access-control-request-method") === "GET"
    && /^\s*(authorization)?\s*$/i.test(asked);
}

function preflight(origin) {
  const headers = {
    "access-control-allow-origin": origin,
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "authorization",
    "access-control-max-age": `${PREFLIGHT_S}`,
    vary: "origin",
  };
  return new Response(null, { status: 204, headers });
}

/** The same answer, for a listed origin to read; refusals as well, since they say what is wrong. */
function readable(response, origin) {
  const answer = new Response(response.body, response);
  answer.headers.set("access-control-allow-origin", origin);
  // How far a journal goes, for who checks it.
  const exposed = "edgemeter-journal-rows, edgemeter-journal-hash, retry-after";
  answer.headers.set("access-control-expose-headers", exposed);
  answer.headers.append("vary", "origin");
  return answer;
}

function unlisted(origin) {
  const answer = refusal(403, originUnlisted(origin));
  answer.headers.set("vary", "origin");
  return answer;
}

/** A refused handshake tells a browser nothing; a close code does. */
function closed() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.close(CODE_UNLISTED, "this site's origin is not listed");
  const headers = { "sec-websocket-protocol": "edgemeter.v1" };
  return new Response(null, { status: 101, webSocket: client, headers });
}
