/**
 * The build's tools, all inside the project: cargo's in target/tools, npm's in node_modules.
 *
 * worker-build would download wasm-bindgen, wasm-opt and esbuild by itself; it is handed these
 * instead, so that a build needs crates.io and npm only, with the versions that are pinned here
 * and in package.json.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const TOOLS = join(ROOT, "target", "tools");

/** Must equal the version of the wasm-bindgen crate in Cargo.toml. */
const WASM_BINDGEN = "0.2.129";
const WORKER_BUILD = "0.8.7";
const RUST_HELP = "install Rust from https://rustup.rs, then run this again";

/** An error whose message says what to do; printed as one line. */
export class Hint extends Error {}

export function log(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs a command with its output in sight; rejects with a Hint if it fails. */
export function run(command, args, { hint, env, quiet = false, cwd = ROOT } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = quiet ? ["ignore", "pipe", "pipe"] : ["ignore", 2, 2];
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio });
    let output = "";
    child.stdout?.on("data", (chunk) => (output += chunk));
    child.stderr?.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => reject(new Hint(`${command}: ${error.message}; ${hint ?? ""}`)));
    child.on("close", (code, signal) => {
      if (code === 0) return resolve(output);
      if (quiet) process.stderr.write(output);
      reject(new Hint(hint ?? `${command} ${args.join(" ")} failed (${signal ?? code})`));
    });
  });
}

function version(command, args = ["--version"]) {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Node and Rust, or a Hint. */
export function checkPrerequisites() {
  const [major] = process.versions.node.split(".").map(Number);
  if (major < 20) {
    throw new Hint(`Node.js ${process.versions.node} is too old: install 20 or newer`);
  }
  if (version("cargo") === undefined) {
    if (version("rustup") === undefined) throw new Hint(`Rust was not found: ${RUST_HELP}`);
    log("Installing the Rust toolchain that rust-toolchain.toml names …");
    const installed = spawnSync("rustup", ["toolchain", "install"], { cwd: ROOT, stdio: [0, 2, 2] });
    if (installed.status !== 0) throw new Hint("rustup could not install Rust: is there a network?");
  }
}

/** The wasm32 target of the toolchain in use. */
export function ensureTarget() {
  const sysroot = version("rustc", ["--print", "sysroot"]);
  if (sysroot === undefined) throw new Hint(`rustc does not run: ${RUST_HELP}`);
  if (existsSync(join(sysroot, "lib", "rustlib", "wasm32-unknown-unknown", "lib"))) return;
  log("Adding the wasm32 target with rustup …");
  const added = spawnSync("rustup", ["target", "add", "wasm32-unknown-unknown"], {
    cwd: ROOT,
    stdio: [0, 2, 2],
  });
  if (added.status !== 0) {
    throw new Hint("rustup could not add wasm32-unknown-unknown: is there a network?");
  }
}

/** npm's packages; `dev` for the tests' ones as well. */
export async function ensurePackages({ dev = false } = {}) {
  const wanted = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const names = { ...wanted.dependencies, ...(dev ? wanted.devDependencies : {}) };
  const missing = Object.entries(names).filter(([name, version]) => {
    const manifest = join(ROOT, "node_modules", name, "package.json");
    return !existsSync(manifest) || JSON.parse(readFileSync(manifest)).version !== version;
  });
  if (missing.length === 0) return;
  log(`Installing from npm: ${missing.map(([name]) => name).join(", ")} …`);
  const hint = "npm could not install the packages: is there a network?";
  const omit = dev ? [] : ["--omit=dev"];
  await run("npm", ["ci", "--no-audit", "--no-fund", ...omit], { hint, quiet: true });
}

/** A cargo tool in target/tools, compiled without optimization: it runs for seconds only. */
async function ensureCargoTool(name, bin, version) {
  const path = join(TOOLS, `${name}-${version}`, "bin", bin);
  if (existsSync(path)) return path;
  log(`Compiling ${name} ${version} (once) …`);
  mkdirSync(TOOLS, { recursive: true });
  const env = {
    CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "256",
    CARGO_PROFILE_RELEASE_LTO: "off",
    CARGO_PROFILE_RELEASE_DEBUG: "0",
    CARGO_TARGET_DIR: join(TOOLS, "build"),
  };
  const root = join(TOOLS, `${name}-${version}`);
  const args = ["install", "--locked", "--root", root, "--bin", bin, `${name}@${version}`];
  await run("cargo", args, { env, hint: `cargo could not install ${name}: is there a network?` });
  return path;
}

export const wasmBindgen = () => ensureCargoTool("wasm-bindgen-cli", "wasm-bindgen", WASM_BINDGEN);
export const workerBuild = () => ensureCargoTool("worker-build", "worker-build", WORKER_BUILD);
export const npmTool = (name) => join(ROOT, "node_modules", ".bin", name);
