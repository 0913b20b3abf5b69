/**
 * The customer's page, under /edgemeter/: files of www/, with a policy that lets nothing else run.
 *
 * The page itself may stand in frames of listed origins only. Its parts are the same for everybody
 * and hold no account's data, so any site may load them: what an element can read there, the
 * account's calls decide.
 *
 * Each file was compressed when it was built; the platform is told to leave it as it is. What a
 * browser has already it asks for by its tag, and loads again only if the build was another one.
 */
import { listed } from "./embedding.js";
import { NO_METHOD, NO_PAGE, refusal } from "./refusals.js";

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

/** @param {string[]} ancestors who may show the page in a frame */
const policy = (ancestors) => [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  // No text becomes markup: nothing on the page may set innerHTML and the like.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  `frame-ancestors ${ancestors.length > 0 ? ancestors.join(" ") : "'none'"}`,
].join("; ");

/**
 * Whether who asks takes brotli.
 *
 * Cloudflare rewrites the header and unpacks for who does not; what the client said is in `cf`.
 *
 * @param {Request} request
 */
function takesBrotli(request) {
  const said = request.cf?.clientAcceptEncoding ?? request.headers.get("accept-encoding") ?? "";
  return said.split(",").some((part) => {
    const [name, ...parameters] = part.split(";").map((word) => word.trim().toLowerCase());
    return name === "br" && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter));
  });
}

/**
 * What a file is known by, from the build: a hash of its bytes, the same for each coding.
 *
 * @returns {Promise<string | undefined>}
 */
async function tagOf(path, env) {
  const tags = await env.ASSETS.fetch(new Request("https://assets/tags.json"));
  if (!tags.ok) return undefined;
  const tag = new Map(Object.entries(await tags.json())).get(path);
  return tag && `W/"${tag}"`;
}

/**
 * Whether who asks has the file of this tag; a coding does not make it another one.
 *
 * @param {Request} request
 */
function has(request, tag) {
  const said = request.headers.get("if-none-match") ?? "";
  return tag !== undefined && said.split(",").some((one) => one.trim() === tag);
}

/** A file of the page, compressed if there is such a one and who asks takes it. */
async function file(path, compressed, env) {
  if (compressed) {
    const found = await env.ASSETS.fetch(new Request(`https://assets${path}.br`));
    if (found.ok) return { found, coded: true };
  }
  return { found: await env.ASSETS.fetch(new Request(`https://assets${path}`)), coded: false };
}

/** @param {Request} request */
export async function page(request, env) {
  const url = new URL(request.url);
  const { pathname } = url;
  if (pathname === "/edgemeter") {
    url.pathname += "/";
    return Response.redirect(url.href, 308);
  }
  if (request.method !== "GET" && request.method !== "HEAD") return refusal(405, NO_METHOD);
  const path = pathname.slice("/edgemeter".length).replace(/\/$/, "/index.html");
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  const isPage = type === TYPES.html;
  // The page itself is short, and its policy is always today's.
  const tag = isPage ? undefined : await tagOf(path, env);
  const headers = {
    ...(tag ? { etag: tag } : {}),
    "vary": "accept-encoding",
    "cache-control": "no-cache",
    "content-security-policy": policy(isPage ? await listed(env) : []),
    ...(isPage ? {} : { "access-control-allow-origin": "*" }),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
  if (has(request, tag)) return new Response(null, { status: 304, headers });
  const { found, coded } = await file(path, takesBrotli(request), env);
  if (!found.ok) return refusal(404, NO_PAGE);
  return new Response(request.method === "HEAD" ? null : found.body, {
    ...(coded ? { encodeBody: "manual" } : {}),
    headers: { ...headers, ...(coded ? { "content-encoding": "br" } : {}), "content-type": type },
  });
}
