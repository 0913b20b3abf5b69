/**
 * `npm test`: everything that must hold, one step after the other, and a summary.
 *
 *   npm test                      all steps
 *   npm test -- --only edge       one; --only may be repeated
 *   npm test -- --list            their names
 *
 * A step's output is shown only if it fails; of one that passes, the counting lines of its test
 * runners. A failed step does not stop the others.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.mjs";
import { Failure, Hint, log, main, ROOT, run } from "./processes.mjs";
import {
  cargoDeny,
  checkPrerequisites,
  dropToolsBuild,
  ensurePackages,
  ensureTarget,
} from "./tools.mjs";

const OUT = join(ROOT, "target", "npm-test");
const WASM = ["--lib", "--target", "wasm32-unknown-unknown"];

const cargo = (...args) => run("cargo", args);
const clippy = (...args) => cargo("clippy", "--locked", ...args, "--", "-D", "warnings");

/** Name → what must not throw; what it returns is searched for counting lines. */
const STEPS = {
  fmt: () => cargo("fmt", "--check"),
  lint: () => clippy("--all-targets"),
  "lint-cli": () => clippy("--all-targets", "--features", "cli"),
  "lint-edge": () => clippy("--all-targets", "--features", "edge"),
  "lint-all": () => clippy("--all-targets", "--all-features"),
  "lint-edge-wasm": () => clippy(...WASM, "--features", "edge"),
  "lint-browser-wasm": () => clippy(...WASM, "--features", "browser"),
  "lint-bill-wasm": () => clippy(...WASM, "--features", "bill"),
  "lint-preview-wasm": () => clippy(...WASM, "--features", "preview"),
  core: corePurity,
  deny,
  test: () => cargo("test", "--locked"),
  "test-all": () => cargo("test", "--locked", "--all-features"),
  build: () => build(),
  size: () => built("scripts/size.mjs"),
  edge: () => nodeTests("edge"),
  clients: () => nodeTests("clients"),
  page: () => chromiumTests("page"),
  parity: () => chromiumTests("parity"),
  deploy,
};

/** Cargo's, and those of Node's runner in TAP. */
const COUNTS = /^(test result: .*|# (tests|pass|fail|cancelled|skipped|todo) \d+)$/gm;
/** What cargo says while all goes well. */
const CHATTER =
  /^( +(Checking|Compiling|Downloaded|Downloading|Finished|Locking) .*|test .* \.\.\. ok)\n/gm;

await main(async () => {
  const names = chosen();
  if (names.length === 0) return;
  await checkPrerequisites();
  await ensureTarget();
  await ensurePackages({ dev: true });
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(OUT, { recursive: true });
  const results = [];
  for (const name of names) results.push(await attempt(name));
  summarize(results);
});

function chosen() {
  const all = Object.keys(STEPS);
  const options = { only: { type: "string", multiple: true }, list: { type: "boolean" } };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new Hint(`${error.message.split(". ")[0]}: use --only NAME or --list`);
  }
  if (values.list) console.log(all.join("\n"));
  const unknown = values.only?.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    throw new Hint(`no step is called "${unknown}": use one of ${all.join(", ")}`);
  }
  return values.list ? [] : (values.only ?? all);
}

/** One step, with a line on how it went. */
async function attempt(name) {
  log(`${name} …`);
  const started = Date.now();
  let failure;
  let output = "";
  try {
    output = (await STEPS[name]()) ?? "";
  } catch (error) {
    failure = error;
    output = error.output ?? "";
  }
  const result = { name, ok: failure === undefined, ms: Date.now() - started };
  if (failure !== undefined) {
    console.log(output.replace(CHATTER, "").trimEnd());
    console.log(failure instanceof Hint ? failure.message : failure.stack);
  } else {
    for (const line of output.match(COUNTS) ?? []) console.log(line);
  }
  console.log(line(result));
  return result;
}

function line({ name, ok, ms }) {
  return `${ok ? "ok    " : "FAILED"}  ${name.padEnd(18)} ${(ms / 1_000).toFixed(1).padStart(6)} s`;
}

function summarize(results) {
  const failed = results.filter(({ ok }) => !ok).length;
  console.log(`\n${results.map(line).join("\n")}`);
  console.log(`${results.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

/** The core runs anywhere: without features, nothing of JavaScript is linked. */
async function corePurity() {
  const tree = await cargo("tree", "--locked", "-e", "normal", "--prefix", "none");
  const found = tree.match(/^(wasm-bindgen|js-sys|web-sys|worker)\b.*/gm);
  if (found) throw new Failure(`the core links ${found.join(", ")}`, tree);
}

async function deny() {
  const args = ["--offline", "--locked", "check", "bans", "licenses", "sources"];
  await run("cargo", ["fetch", "--locked"], { download: "the crates that Cargo.lock names" });
  const program = await cargoDeny();
  dropToolsBuild();
  return run(program, args);
}

/** A script that needs what is built. */
async function built(script, ...args) {
  await build();
  return run(process.execPath, [script, ...args]);
}

/** The test files of one folder; where there are none, something is wrong. */
async function nodeTests(folder) {
  const within = join("tests", folder);
  const files = readdirSync(join(ROOT, within)).filter((name) => name.endsWith(".test.mjs"));
  if (files.length === 0) throw new Hint(`${within} has no tests`);
  await build();
  const counts = join(OUT, `${folder}.tap`);
  // For people, and for the counting lines.
  const reporters = ["spec", "stdout", "tap", counts];
  const flags = reporters.map((value, i) =>
    i % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  );
  const paths = files.sort().map((name) => join(within, name));
  const tap = () => readFileSync(counts, "utf8").match(COUNTS)?.join("\n");
  try {
    await run(process.execPath, ["--test", ...flags, ...paths]);
    return tap();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    throw new Failure(error.message, `${error.output}\n${tap() ?? ""}`);
  }
}

/** Test files that open pages. */
async function chromiumTests(folder) {
  await run(process.execPath, ["scripts/chromium.mjs"]);
  return nodeTests(folder);
}

/** What `npx wrangler deploy` would send: built by the same command, but not sent. */
async function deploy() {
  await build();
  const builtAt = () => statSync(join(ROOT, "build", "gateway.js")).mtimeMs;
  const before = builtAt();
  const out = join(OUT, "deploy");
  // wrangler needs a newer Node.js than the rest.
  const node = join(ROOT, "node_modules", "node", "bin", "node");
  const wrangler = join(ROOT, "node_modules", "wrangler", "bin", "wrangler.js");
  const env = { WRANGLER_SEND_METRICS: "false", CI: "true", XDG_CONFIG_HOME: OUT };
  const output = await run(node, [wrangler, "deploy", "--dry-run", "--outdir", out], { env });
  const bundle = readFileSync(join(out, "entry.js"), "utf8");
  const [, exports] = bundle.match(/^export \{([^}]*)\};$/m) ?? ["", ""];
  const missing = [
    ["the entry", /\bas default\b/.test(exports)],
    ["class Account", /\bAccount\b/.test(exports)],
    ["class Catalog", /\bCatalog\b/.test(exports)],
    ["the wasm module", readdirSync(out).some((name) => name.endsWith(".wasm"))],
    ["the binding ACCOUNT", output.includes("env.ACCOUNT")],
    ["the binding CATALOG", output.includes("env.CATALOG")],
    ["the page", output.includes("env.ASSETS")],
    ["the build that was there", builtAt() === before],
  ].filter(([, there]) => !there);
  if (missing.length > 0) {
    throw new Failure(`the deployment lacks ${missing.map(([what]) => what).join(", ")}`, output);
  }
}
