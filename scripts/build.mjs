/**
 * Builds what runs: `node scripts/build.mjs [edge] [browser]`, both without arguments.
 *
 *   edge      src ─ worker-build ─▶ build/index.js + index_bg.wasm ─ esbuild ─▶ build/gateway.js
 *   browser   src ─ wasm-bindgen ─▶ www/pkg/edgemeter.js + edgemeter_bg.wasm, at once with the page
 *                                   www/pkg/preview.js + preview_bg.wasm, when previews are asked
 *
 * wasm-opt runs once, here, over all files, with the same pinned version.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  checkPrerequisites,
  ensurePackages,
  ensureTarget,
  Hint,
  log,
  npmTool,
  ROOT,
  run,
  TARGET,
  wasmBindgen,
  workerBuild,
} from "./tools.mjs";

const WASM_FEATURES = [
  "--enable-bulk-memory",
  "--enable-mutable-globals",
  "--enable-nontrapping-float-to-int",
  "--enable-sign-ext",
  "--enable-reference-types",
  "--enable-multivalue",
  "--enable-exception-handling",
];

async function edge() {
  const worker = await workerBuild();
  const env = {
    WASM_BINDGEN_BIN: await wasmBindgen(),
    WASM_OPT_BIN: npmTool("wasm-opt"),
    ESBUILD_BIN: npmTool("esbuild"),
  };
  log("Building the edge …");
  await run(worker, ["--release", "--features", "edge"], { env, quiet: true });
  await optimize(join(ROOT, "build", "index_bg.wasm"), "-O3");
  const bundle = ["src/edge/entry.js", "--bundle", "--format=esm", "--outfile=build/gateway.js"];
  const external = ["--external:cloudflare:*", "--external:*.wasm", "--log-level=warning"];
  await run(npmTool("esbuild"), [...bundle, ...external]);
}

/** The page's two parts: a feature of the crate each. */
async function browser() {
  log("Building the browser's part …");
  await page("browser", "edgemeter", "-Oz");
  await page("preview", "preview", "-O3");
}

async function page(feature, name, level) {
  const bindgen = await wasmBindgen();
  const args = ["build", "--release", "--lib", "--target", "wasm32-unknown-unknown"];
  await run("cargo", [...args, "--features", feature], { quiet: true });
  const wasm = join(TARGET, "wasm32-unknown-unknown", "release", "edgemeter.wasm");
  await run(bindgen, [wasm, "--target", "web", "--out-dir", "www/pkg", "--out-name", name]);
  await optimize(join(ROOT, "www", "pkg", `${name}_bg.wasm`), level);
}

async function optimize(file, level) {
  const args = [file, level, "--strip-debug", "--strip-producers", ...WASM_FEATURES, "-o", file];
  await run(npmTool("wasm-opt"), args, { quiet: true });
}

/** Hash of everything that a build reads, so that an unchanged tree is not built again. */
function inputs() {
  const hash = createHash("sha256");
  const visit = (path) => {
    if (statSync(path).isDirectory()) {
      for (const name of readdirSync(path).sort()) visit(join(path, name));
    } else {
      hash.update(path).update(readFileSync(path));
    }
  };
  for (const name of ["src", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml", "scripts", "package-lock.json"])
    visit(join(ROOT, name));
  return hash.digest("hex");
}

/** Builds the named parts unless they are built from these very inputs. */
export async function build(parts = ["edge", "browser"]) {
  const hash = inputs();
  for (const part of parts) {
    const output = join(ROOT, part === "edge" ? "build/gateway.js" : "www/pkg/edgemeter.js");
    const stamp = join(ROOT, part === "edge" ? "build" : "www/pkg", ".inputs");
    const built = existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
    if (built) continue;
    checkPrerequisites();
    ensureTarget();
    await ensurePackages();
    await (part === "edge" ? edge() : browser());
    writeFileSync(stamp, hash);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const parts = process.argv.slice(2);
  try {
    await build(parts.length > 0 ? parts : undefined);
  } catch (error) {
    if (!(error instanceof Hint)) throw error;
    log(`edgemeter: ${error.message}`);
    process.exitCode = 1;
  }
}
