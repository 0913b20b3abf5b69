/**
 * Holds what is shipped against a budget: `node scripts/size.mjs`, after a build.
 *
 * Bytes are gzipped at level 9, the way both travel.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Hint, main, ROOT } from "./processes.mjs";

const BUDGETS = [
  {
    file: "build/index_bg.wasm",
    bytes_max: 1_175_000,
    why: "an isolate compiles it before its first answer; Cloudflare's limit is 3 MB",
  },
  {
    file: "www/pkg/edgemeter_bg.wasm",
    bytes_max: 90_000,
    why: "a customer waits for it: at 1.6 Mbit/s, 100,000 bytes are half a second",
  },
  {
    file: "www/pkg/preview_bg.wasm",
    bytes_max: 350_000,
    why: "loaded when a preview is asked for, never before the first live number",
  },
];

await main(() => {
  const over = [];
  for (const { file, bytes_max, why } of BUDGETS) {
    const bytes = gzipSync(readFileSync(join(ROOT, file)), { level: 9 }).length;
    console.log(`${file}: ${bytes} of ${bytes_max} bytes`);
    if (bytes > bytes_max) over.push(`${file} is ${bytes - bytes_max} bytes over budget (${why})`);
  }
  if (over.length > 0) throw new Hint(over.join("; "));
});
