/**
 * Builds what runs: `node scripts/build.mjs [edge] [browser] [bill] [charts] [page]
 * [preview]`, all without arguments.
 *
 *   edge      src ─ worker-build ─▶ build/index.js, index_bg.wasm ─ esbuild ─▶ build/gateway.js
 *   browser   src ─ wasm-bindgen ─▶ www/pkg/edgemeter.js + edgemeter_bg.wasm: the page's core
 *   bill      src ─ wasm-bindgen ─▶ www/pkg/bill.js + bill_bg.wasm: for its views of bills, later
 *   charts    uPlot ─ esbuild ─▶ www/pkg/uplot.js: the page's only library, for one of its views
 *   page      www ─ copied, and each file compressed once ─▶ dist/www: what is served
 *   preview   src ─ wasm-bindgen ─▶ dist/preview/preview.js + preview_bg.wasm: rating for a host
 *
 * wasm-opt runs once, here, over all files, with the same pinned version.
 */
import { createHash } from "node:crypto";
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { basename, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { brotliCompressSync, constants } from "node:zlib";
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
  await optimize(join(ROOT, "build", "index_bg.wasm"), ["-O3"]);
  const bundle = ["src/edge/entry.js", "--bundle", "--format=esm", "--outfile=build/gateway.js"];
  const external = ["--external:cloudflare:*", "--external:*.wasm", "--log-level=warning"];
  await run(npmTool("esbuild"), [...bundle, ...external]);
}

/** Wasm for a page: the feature of the crate of that name. */
async function wasm(feature, directory, name, passes, env) {
  const bindgen = await wasmBindgen();
  log(`Building the browser's part (${feature}) …`);
  const args = ["build", "--release", "--lib", "--target", "wasm32-unknown-unknown"];
  await run("cargo", [...args, "--features", feature], { env });
  const built = join(TARGET, "wasm32-unknown-unknown", "release", "edgemeter.wasm");
  await run(bindgen, [built, "--target", "web", "--out-dir", directory, "--out-name", name]);
  await optimize(join(ROOT, directory, `${name}_bg.wasm`), passes);
}

/**
 * Size before speed: a customer waits for it, so what counts is how short brotli makes it.
 * Functions that stay apart compress better than those that are written into their only caller,
 * by an eighth: rustc leaves apart what needs a stack, wasm-opt all. Nothing lies in the first
 * kilobyte of memory, the far end of the stack, so an addition before a load may be the load's
 * own offset.
 */
const SMALL_PASSES = ["-Oz", "--one-caller-inline-max-function-size=0", "--low-memory-unused"];
const SMALL_ENV = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "z",
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: "-C llvm-args=-inline-max-stacksize=0",
};
const SMALL = [SMALL_PASSES, SMALL_ENV];
const browser = () => wasm("browser", "www/pkg", "edgemeter", ...SMALL);
const bill = () => wasm("bill", "www/pkg", "bill", ...SMALL);

/** Speed before size: a host loads it once, and then it reads a million events. */
const preview = () =>
  wasm("preview", "dist/preview", "preview", ["-O3"], { CARGO_PROFILE_RELEASE_OPT_LEVEL: "3" });

/**
 * What is served: the page's files, beside each its brotli, if that is shorter, and what each is
 * known by: a browser that has it does not load it again.
 */
function page() {
  rmSync(SERVED, { recursive: true, force: true });
  const isServed = (path) => !/\.d\.ts$|^\./.test(basename(path));
  cpSync(join(ROOT, "www"), SERVED, { recursive: true, filter: isServed });
  const tags = {};
  for (const path of files(SERVED)) {
    const bytes = readFileSync(path);
    const hash = createHash("sha256").update(bytes).digest("base64url");
    tags[`/${relative(SERVED, path).replaceAll(sep, "/")}`] = hash.slice(0, TAG_LENGTH);
    const params = {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length,
    };
    const short = brotliCompressSync(bytes, { params });
    if (short.length < bytes.length) writeFileSync(`${path}.br`, short);
  }
  writeFileSync(join(SERVED, "tags.json"), JSON.stringify(tags));
}

/** The one library of the page, made as small as it gets. */
async function charts() {
  const source = join(ROOT, "node_modules", "uplot", "dist", "uPlot.esm.js");
  const flags = ["--minify", "--format=esm", "--legal-comments=none", "--log-level=warning"];
  const notice = "/*! uPlot, copyright Leon Sorokin, MIT: https://github.com/leeoniya/uPlot */";
  const out = [`--banner:js=${notice}`, "--outfile=www/pkg/uplot.js"];
  await run(npmTool("esbuild"), [source, ...flags, ...out]);
}

async function optimize(file, passes) {
  const strip = ["--strip-debug", "--strip-producers"];
  await run(npmTool("wasm-opt"), [file, ...passes, ...strip, ...WASM_FEATURES, "-o", file]);
}

/** What the gateway serves under /edgemeter/. */
const SERVED = join(ROOT, "dist", "www");
/** Of a hash, in base64: 96 bits tell the builds of a file apart. */
const TAG_LENGTH = 16;

/** What each part was built from. */
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

/** The files of a directory and all below, in order. */
function files(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).sort().flatMap((name) => files(join(path, name)));
}

/** Hash of everything that a build reads, so that an unchanged tree is not built again. */
function hashOf(inputs) {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap((name) => files(join(ROOT, name)))) {
    hash.update(path).update(readFileSync(path));
  }
  return hash.digest("hex");
}

/** What makes a part, the last file that it writes, what it reads, and what it needs before. */
const PARTS = {
  edge: { make: edge, output: "build/gateway.js", inputs: INPUTS },
  browser: { make: browser, output: "www/pkg/edgemeter.js", inputs: INPUTS },
  bill: { make: bill, output: "www/pkg/bill.js", inputs: INPUTS },
  charts: {
    make: charts,
    output: "www/pkg/uplot.js",
    inputs: ["package-lock.json", "scripts/build.mjs"],
  },
  page: {
    make: page,
    output: "dist/www/index.html",
    inputs: ["www", "scripts/build.mjs"],
    after: ["browser", "bill", "charts"],
    // Nothing but Node.
    plain: true,
  },
  preview: { make: preview, output: "dist/preview/preview.js", inputs: INPUTS },
};

async function ensureTools() {
  await checkPrerequisites();
  await ensureTarget();
  await ensurePackages();
  await ensureCrates();
}

/** Builds the named parts unless they are built from these very inputs. */
export async function build(parts = Object.keys(PARTS)) {
  for (const part of parts) {
    if (!Object.hasOwn(PARTS, part)) {
      throw new Hint(`${part}: there are ${Object.keys(PARTS).join(", ")}`);
    }
    const { make, output: name, inputs, after = [], plain } = PARTS[part];
    await build(after);
    const hash = hashOf(inputs);
    const output = join(ROOT, name);
    const stamp = join(STAMPS, part);
    const built = existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === hash;
    if (built) continue;
    if (!plain) await ensureTools();
    await make();
    mkdirSync(STAMPS, { recursive: true });
    writeFileSync(stamp, hash);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const parts = process.argv.slice(2);
  await main(() => build(parts.length > 0 ? parts : undefined));
}
