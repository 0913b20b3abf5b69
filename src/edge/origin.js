/** The API behind: where a request goes on to, and what of it. */

/** What a client sends must not look as if the gateway had put it on. */
export function unmetered(headers) {
  const own = new Headers(headers);
  own.delete("edgemeter-account");
  own.delete("edgemeter-operation");
  return own;
}

/**
 * To the origin: a service binding, or the address in EDGEMETER_ORIGIN. Redirects are the client's
 * to follow. A request without a body is made anew from its parts, without what the platform hangs
 * on it: to look at `request.cf` alone costs a tenth of all that an isolate can serve.
 */
export function originFetch(request, headers, env) {
  const { method, url, body } = request;
  const [origin, target] = env.ORIGIN === undefined
    ? [globalThis, originUrl(url, env)]
    : [env.ORIGIN, url];
  if (body === null) {
    const init = { method, headers, redirect: "manual" };
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
