/** What the entry refuses by itself; every other refusal is written in src/edge/problem.rs. */

function problem(status, code, title, detail, more = {}) {
  const type = `https://edgemeter.dev/problems/${code}`;
  return JSON.stringify({ type, title, status, code, detail, ...more });
}

export const UNDECIDED = problem(503, "unavailable", "Service Unavailable", "try again shortly");
export const NO_ROUTES = problem(
  503,
  "no_routes",
  "Service Unavailable",
  "no routes are published: PUT /v1/routes",
);
export const NO_ORIGIN = problem(
  502,
  "origin_unreachable",
  "Bad Gateway",
  "the API behind this gateway did not answer; the call was not charged",
);
/** The origin has answered, and that it is paid for could not be put on record in time. */
export function unrecorded(operation) {
  const detail = "the call was carried out and may be charged: its record is not confirmed";
  return problem(503, "unrecorded", "Service Unavailable", detail, { operation });
}
export const BODY_BROKEN = problem(
  400,
  "body_broken",
  "Bad Request",
  "the body broke off before its end: send it again",
);
/** A body that must be read before the request can be priced. */
export function tooLarge(most) {
  const detail = `the body is too large to be metered: send at most ${most} bytes`;
  return problem(413, "body_too_large", "Content Too Large", detail);
}
/** A page of another site, or one that asks for more than to read. */
export function originUnlisted(origin) {
  const detail = "this site may not read accounts here: list its origin in PUT /v1/portal; "
    + "other sites can only GET, with a portal token";
  const value = origin.slice(0, 80);
  return problem(403, "origin_unlisted", "Forbidden", detail, { field: "origin", value });
}
export const NO_METHOD = problem(405, "method_not_allowed", "Method Not Allowed", "use GET");
export const NO_PAGE = problem(404, "not_found", "Not Found", "there is no such file");

/** A problem document as an answer (RFC 9457). */
export function refusal(status, body) {
  const headers = { "content-type": "application/problem+json", "cache-control": "no-store" };
  if (status === 503) headers["retry-after"] = "1";
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="edgemeter"';
  return new Response(body, { status, headers });
}
