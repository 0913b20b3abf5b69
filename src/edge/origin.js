/** The API behind: where a request goes on to, and what of it. */

/** What a client sends must not look as if the gateway had put it on. */
export function unmetered(headers) {
  const own = new Headers(headers);
  own.delete("edgemeter-account");
  own.delete("edgemeter-operation");
  return own;
}

/** The headers of a metered request: the key is taken off, the operation and account are put on. */
export function forwarded({ request, header }, { account, op, restricted, repeated }) {
  const headers = new Headers(request.headers);
  headers.delete(header);
  headers.set("edgemeter-account", account);
  const mark = restricted ? ";restricted" : repeated ? ";repeated" : "";
  headers.set("edgemeter-operation", op + mark);
  return headers;
}

/**
 * A request's body in memory; nothing if it is too long.
 * @param {Request} request
 * @param {number} most bytes
 * @returns {Promise<Uint8Array | undefined>}
 */
export async function whole({ body, headers }, most) {
  if (body === null) return new Uint8Array();
  if (Number(headers.get("content-length") ?? 0) > most) return undefined;
  const parts = [];
  let length = 0;
  for await (const part of body) {
    length += part.length;
    if (length > most) return undefined;
    parts.push(part);
  }
  if (parts.length === 1) return parts[0];
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * To the origin: a service binding, or the address in EDGEMETER_ORIGIN. Redirects are the client's
 * to follow. A request without a body is made anew from its parts, without what the platform hangs
 * on it: to look at `request.cf` alone costs a tenth of all that an isolate can serve.
 * @param {Uint8Array} [read] the body, if it was read before
 * @param {AbortSignal} [signal] tells the origin that nobody waits any more
 */
export function originFetch(request, headers, env, read, signal) {
  const { method, url } = request;
  const [origin, target] = env.ORIGIN === undefined
    ? [globalThis, originUrl(url, env)]
    : [env.ORIGIN, url];
  const isBare = method === "GET" || method === "HEAD";
  const body = read === undefined ? request.body : isBare ? null : read;
  if (body === null || read !== undefined) {
    const init = { method, headers, redirect: "manual" };
    if (signal !== undefined) init.signal = signal;
    if (body !== null) init.body = body;
    if (env.EDGEMETER_FORWARD_CF === "yes" && target === url) init.cf = request.cf;
    return origin.fetch(target, init);
  }
  return origin.fetch(target === url ? request : new Request(target, request), { headers });
}

/** The request's path and query at the origin. */
function originUrl(url, env) {
  const { pathname, search } = new URL(url);
  return new URL(pathname + search, env.EDGEMETER_ORIGIN).href;
}
