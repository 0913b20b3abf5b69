/**
 * Holds what is shipped against a budget: `node scripts/size.mjs`, after a build.
 *
 * The edge's wasm is counted gzipped at level 9, as its platform counts it; the page's files as
 * they are served, compressed once when they were built.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Hint, main, ROOT } from "./processes.mjs";

const BUDGETS = [
  {
    what: "build/index_bg.wasm",
    bytes: (path) => gzipSync(readFileSync(path), { level: 9 }).length,
    bytes_max: 1_260_000,
    why: "an isolate compiles it before its first answer; Cloudflare's limit is 3 MB",
  },
  {
    what: "dist/www/pkg/edgemeter_bg.wasm",
    bytes: served,
    bytes_max: 120_000,
    why: "a customer waits for it: at 1.6 Mbit/s, 100,000 bytes are half a second",
  },
  {
    what: "dist/www",
    bytes: all,
    bytes_max: 200_000,
    why: "everything that the page loads, its wasm included",
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

/** Bytes of all files of a directory as they are served. */
function all(directory) {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(".br"));
  return files.reduce((sum, { parentPath, name }) => sum + served(join(parentPath, name)), 0);
}

await main(() => {
  const over = [];
  for (const { what, bytes: count, bytes_max, why } of BUDGETS) {
    const bytes = count(join(ROOT, what));
    console.log(`${what}: ${bytes} of ${bytes_max} bytes`);
    if (bytes > bytes_max) over.push(`${what} is ${bytes - bytes_max} bytes over budget (${why})`);
  }
  if (over.length > 0) throw new Hint(over.join("; "));
});
