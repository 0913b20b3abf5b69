/**
 * The build's tools, all inside the project: cargo's in target/tools, npm's in node_modules.
 *
 * worker-build would download wasm-bindgen, wasm-opt and esbuild by itself; it is handed these
 * instead, so that a build needs crates.io and npm only, with the versions that are pinned here
 * and in package.json.
 */
import "./node-version.cjs";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Hint, log, ROOT, run } from "./processes.mjs";

export { Hint, log, ROOT };
export const TARGET = process.env.CARGO_TARGET_DIR ?? join(ROOT, "target");
const TOOLS = join(ROOT, "target", "tools");
/** What the tools have in common is compiled once. */
const TOOLS_BUILD = join(TOOLS, "build");

/** Must equal the version of the wasm-bindgen crate in Cargo.toml. */
const WASM_BINDGEN = "0.2.129";
const WORKER_BUILD = "0.8.7";
const CARGO_DENY = "0.20.2";
const WASM = "wasm32-unknown-unknown";
const RUSTUP = "https://rustup.rs";
const AGAIN = "then run this again";

function version(command, args = ["--version"]) {
  const { status, stdout } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Rust and what its build scripts are linked with, or a Hint. */
export async function checkPrerequisites() {
  if (version("cargo") === undefined) {
    if (version("rustup") === undefined) {
      throw new Hint(`Rust was not found: install it from ${RUSTUP}, open a new shell, ${AGAIN}`);
    }
    log("Installing the Rust toolchain that rust-toolchain.toml names …");
    await run("rustup", ["toolchain", "install"], { download: "the Rust toolchain" });
  }
  const manifest = readFileSync(join(ROOT, "Cargo.toml"), "utf8");
  const [, wanted] = manifest.match(/^rust-version = "(.+)"$/m);
  const [, found] = version("rustc")?.match(/^rustc (\S+)/) ?? [];
  if (found === undefined || found.localeCompare(wanted, "en", { numeric: true }) < 0) {
    const what = `Rust ${found ?? "(which does not run)"} was found, ${wanted} is needed`;
    throw new Hint(`${what}: install it from ${RUSTUP}, ${AGAIN}`);
  }
  if (version("cc") === undefined) {
    throw new Hint(`no C compiler to link with was found: install gcc or clang, ${AGAIN}`);
  }
}

/** The wasm32 target of the toolchain in use. */
export async function ensureTarget() {
  const sysroot = version("rustc", ["--print", "sysroot"]);
  if (existsSync(join(sysroot, "lib", "rustlib", WASM, "lib"))) return;
  if (version("rustup") === undefined) {
    const what = `this Rust has no ${WASM} target and no rustup to add it`;
    throw new Hint(`${what}: install Rust from ${RUSTUP}, ${AGAIN}`);
  }
  log(`Adding Rust's ${WASM} target …`);
  await run("rustup", ["target", "add", WASM], { download: `Rust's ${WASM} target` });
}

/** The crates of Cargo.lock. */
export async function ensureCrates() {
  await run("cargo", ["fetch", "--target", WASM], { download: "the crates that Cargo.lock names" });
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
  // npm's own pauses between attempts add up to more than a minute where there is no network.
  const args = ["ci", "--no-audit", "--no-fund", "--fetch-retry-mintimeout=2000"];
  args.push("--fetch-retry-maxtimeout=5000", ...(dev ? [] : ["--omit=dev"]));
  const hint = "npm could not install the packages";
  await run("npm", args, { download: "npm's packages", hint });
}

/** A cargo tool in target/tools, compiled without optimization: it runs for seconds only. */
async function ensureCargoTool(name, bin, version, check = () => {}) {
  const root = join(TOOLS, `${name}-${version}`);
  const path = join(root, "bin", bin);
  if (existsSync(path)) return path;
  check();
  log(`Compiling ${name} ${version} (once) …`);
  const env = {
    CARGO_PROFILE_RELEASE_OPT_LEVEL: "0",
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "256",
    CARGO_PROFILE_RELEASE_LTO: "off",
    CARGO_PROFILE_RELEASE_DEBUG: "0",
    CARGO_TARGET_DIR: TOOLS_BUILD,
  };
  const crate = `${name}@${version}`;
  const args = ["install", "--locked", "--root", root, "--bin", bin, crate];
  await run("cargo", args, { env, download: `${name} ${version}` });
  return path;
}

/** worker-build downloads with OpenSSL, which it takes from the system. */
function checkOpenSsl() {
  if (process.platform !== "linux" || process.env.OPENSSL_DIR) return;
  if (version("pkg-config", ["--modversion", "openssl"]) !== undefined) return;
  const packages = "pkg-config and libssl-dev (Fedora: openssl-devel)";
  throw new Hint(`OpenSSL's headers were not found: install ${packages}, ${AGAIN}`);
}

export const wasmBindgen = () => ensureCargoTool("wasm-bindgen-cli", "wasm-bindgen", WASM_BINDGEN);
export const workerBuild = () =>
  ensureCargoTool("worker-build", "worker-build", WORKER_BUILD, checkOpenSsl);
export const cargoDeny = () => ensureCargoTool("cargo-deny", "cargo-deny", CARGO_DENY);
/** The tools are there: what they were made from is a gigabyte. */
export const dropToolsBuild = () => rmSync(TOOLS_BUILD, { recursive: true, force: true });
export const npmTool = (name) => join(ROOT, "node_modules", ".bin", name);
