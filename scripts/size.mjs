/**
 * Holds what is shipped against a budget: `node scripts/size.mjs`, after a build.
 *
 * The edge's wasm is counted gzipped at level 9, as its platform counts it; the page's files as
 * they are served, compressed once when they were built. What its first view loads is what
 * index.html names and what that imports; tests/page/weight.test.mjs holds a browser to the same
 * budgets.
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, extname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { Hint, main, ROOT } from "./processes.mjs";

export const BUDGETS = [
  {
    what: "build/index_bg.wasm",
    bytes: (path) => gzipSync(readFileSync(path), { level: 9 }).length,
    bytes_max: 1_354_000,
    why: "an isolate compiles it before its first answer; statements, invoices that close by "
      + "themselves and reports of use took it from 1,175,000; Cloudflare's limit is 3 MB",
  },
  {
    what: "dist/www/pkg/edgemeter_bg.wasm",
    bytes: served,
    bytes_max: 68_000,
    why: "a customer waits for it: at 1.6 Mbit/s, 100,000 bytes are half a second",
  },
  {
    what: "dist/www/index.html",
    bytes: firstView,
    bytes_max: 105_000,
    why: "everything that the page loads until it shows numbers, its wasm included",
  },
  {
    what: "dist/www/pkg/bill_bg.wasm",
    bytes: served,
    bytes_max: 197_000,
    why: "loaded by the first view of a bill, once; still more than the 120,000 aimed at for all "
      + "wasm of the page",
  },
  {
    what: "dist/preview/preview_bg.wasm",
    bytes: (path) => gzipSync(readFileSync(path), { level: 9 }).length,
    bytes_max: 350_000,
    why: "a host loads it before its first preview",
  },
];

/** Bytes of a file as it is served to who takes brotli. */
function served(path) {
  return statSync(existsSync(`${path}.br`) ? `${path}.br` : path).size;
}

/** A page's own names of its parts, and a module's of what it cannot run without. */
const NAMED = {
  ".html": /\b(?:href|src)="([^"#:]+)"/g,
  ".js": /^(?:import|export)\b[^"]*?\bfrom "(\.[^"]+)"|^import "(\.[^"]+)"/gm,
};

/** Bytes, as they are served, of a page and all that it loads by itself. */
function firstView(page) {
  const found = new Set([page]);
  for (const path of found) {
    const names = NAMED[extname(path)];
    if (names === undefined) continue;
    for (const [, ...name] of readFileSync(path, "utf8").matchAll(names)) {
      found.add(join(dirname(path), name.find(Boolean)));
    }
  }
  return [...found].reduce((sum, path) => sum + served(path), 0);
}

function holdAll() {
  const over = [];
  for (const { what, bytes: count, bytes_max, why } of BUDGETS) {
    const bytes = count(join(ROOT, what));
    console.log(`${what}: ${bytes} of ${bytes_max} bytes`);
    if (bytes > bytes_max) over.push(`${what} is ${bytes - bytes_max} bytes over budget (${why})`);
  }
  if (over.length > 0) throw new Hint(over.join("; "));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) await main(holdAll);
