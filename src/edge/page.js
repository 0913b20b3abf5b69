/**
 * The customer's page, under /edgemeter/: files of www/, with a policy that lets nothing else run.
 */
import { NO_METHOD, NO_PAGE, refusal } from "./refusals.js";

const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  wasm: "application/wasm",
};

const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

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
  const found = await env.ASSETS.fetch(new Request(`https://assets${path}`));
  if (!found.ok) return refusal(404, NO_PAGE);
  const type = TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
  return new Response(request.method === "HEAD" ? null : found.body, {
    headers: {
      "content-type": type,
      "cache-control": "no-cache",
      "content-security-policy": PAGE_POLICY,
      "referrer-policy": "no-referrer",
      "x-content-type-options": "nosniff",
    },
  });
}
