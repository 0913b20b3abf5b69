/**
 * Builds what runs: `node scripts/build.mjs [edge] [browser] [charts] [preview]`, all without arguments.
 *
 *   edge      src ─ worker-build ─▶ build/index.js, index_bg.wasm ─ esbuild ─▶ build/gateway.js
 *   browser   src ─ wasm-bindgen ─▶ www/pkg/edgemeter.js + edgemeter_bg.wasm: the page's numbers
 *   charts    uPlot ─ esbuild ─▶ www/pkg/uplot.js: loaded when usage is looked at
 *   preview   src ─ wasm-bindgen ─▶ www/pkg/preview.js + preview_bg.wasm: rating for a page
 *
 * wasm-opt runs once, here, over all files, with the same pinned version.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Hint, log, main, run } from "./processes.mjs";
import {
  checkPrerequisites,
  dropToolsBuild,
  ensureCrates,
  ensurePackages,
  ensureTarget,
  npmTool,
  ROOT,
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
  "--enable-simd",
];

async function edge() {
  const worker = await workerBuild();
  const env = {
    WASM_BINDGEN_BIN: await wasmBindgen(),
    WASM_OPT_BIN: npmTool("wasm-opt"),
    ESBUILD_BIN: npmTool("esbuild"),
  };
  dropToolsBuild();
  log("Building the edge …");
  // Speed before size: an isolate is compiled once and decides thousands of times a second.
  env.CARGO_PROFILE_RELEASE_OPT_LEVEL = "3";
  // Streams are searched for their usage, sixteen bytes at a time.
  env.CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS = "-C target-feature=+simd128";
  await run(worker, ["--release", "--features", "edge"], { env });
  await optimize(join(ROOT, "build", "index_bg.wasm"), "-O3");
  const bundle = ["src/edge/entry.js", "--bundle", "--format=esm", "--outfile=build/gateway.js"];
  const external = ["--external:cloudflare:*", "--external:*.wasm", "--log-level=warning"];
  await run(npmTool("esbuild"), [...bundle, ...external]);
}

/** A part of the page: the feature of the crate of that name. */
async function page(feature, name, level, env = {}) {
  const bindgen = await wasmBindgen();
  log(`Building the browser's part (${feature}) …`);
  const args = ["build", "--release", "--lib", "--target", "wasm32-unknown-unknown"];
  await run("cargo", [...args, "--features", feature], { env });
  const wasm = join(TARGET, "wasm32-unknown-unknown", "release", "edgemeter.wasm");
  await run(bindgen, [wasm, "--target", "web", "--out-dir", "www/pkg", "--out-name", name]);
  await optimize(join(ROOT, "www", "pkg", `${name}_bg.wasm`), level);
}

/** Speed before size: it is loaded when a preview is asked for, and then reads a million events. */
const preview = () =>
  page("preview", "preview", "-O3", { CARGO_PROFILE_RELEASE_OPT_LEVEL: "3" });

/** The one library of the page, made as small as it gets. */
async function charts() {
  const source = join(ROOT, "node_modules", "uplot", "dist", "uPlot.esm.js");
  const flags = ["--minify", "--format=esm", "--legal-comments=none", "--log-level=warning"];
  await run(npmTool("esbuild"), [source, ...flags, "--outfile=www/pkg/uplot.js"]);
}

async function optimize(file, level) {
  const args = [file, level, "--strip-debug", "--strip-producers", ...WASM_FEATURES, "-o", file];
  await run(npmTool("wasm-opt"), args);
}

/** What each part was built from; outside of the parts, since www/ is deployed as it is. */
const STAMPS = join(ROOT, "target", "built");
const INPUTS = [
  "src",
  "Cargo.toml",
  "Cargo.lock",
  "rust-toolchain.toml",
  "scripts/build.mjs",
  "scripts/tools.mjs",
  "package-lock.json",
];

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
  for (const name of INPUTS) visit(join(ROOT, name));
  return hash.digest("hex");
}

/** What makes a part, and the last file that it writes. */
const PARTS = {
  edge: { make: edge, output: "build/gateway.js" },
  browser: { make: () => page("browser", "edgemeter", "-Oz"), output: "www/pkg/edgemeter.js" },
  charts: { make: charts, output: "www/pkg/uplot.js" },
  preview: { make: preview, output: "www/pkg/preview.js" },
};

/** Builds the named parts unless they are built from these very inputs. */
export async function build(parts = Object.keys(PARTS)) {
  const hash = inputs();
  for (const part of parts) {
    if (!Object.hasOwn(PARTS, part)) {
      throw new Hint(`${part}: there are ${Object.keys(PARTS).join(", ")}`);
    }
    const { make, output: name } = PARTS[part];
    const output = join(ROOT, name);
    const stamp = join(STAMPS, part);
    const built = existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
    if (built) continue;
    await checkPrerequisites();
    await ensureTarget();
    await ensurePackages();
    await ensureCrates();
    await make();
    mkdirSync(STAMPS, { recursive: true });
    writeFileSync(stamp, hash);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const parts = process.argv.slice(2);
  await main(() => build(parts.length > 0 ? parts : undefined));
}
