/**
 * Starts other programs, shows that they are getting on, and leaves none of them behind.
 *
 *   run       a command to its end; its output only if it fails
 *   start     a command that goes on, in a process group of its own
 *   stopAll   ends whatever was started; SIGINT, SIGTERM and SIGHUP do it as well
 *
 * Groups, because cargo and npm start others: a signal to the parent alone would orphan them.
 */
import { spawn } from "node:child_process";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Between two signs of life, in ms, where they cannot be written over each other. */
const SIGN_MS = 15_000;
/** How long a group may take to end before it is killed, in ms. */
const PATIENCE_MS = 5_000;
const OUTPUT_CHARS_MAX = 200_000;
const NO_NETWORK = new RegExp(
  [
    "ENOTFOUND|EAI_AGAIN|ENETUNREACH|ECONNREFUSED|ECONNRESET|ETIMEDOUT|network request",
    "could not resolve host|could not connect|failed to connect|couldn't connect",
    "connection refused|timed out|network failure|spurious network|dns error|error sending request",
  ].join("|"),
  "i",
);

/** An error whose message says what to do; printed as one line. */
export class Hint extends Error {}

/** A {@link Hint} about a command that failed: what it wrote is worth reading. */
export class Failure extends Hint {
  constructor(message, output) {
    super(message);
    this.output = output;
  }
}

export function log(text) {
  process.stderr.write(`${text}\n`);
}

/** Runs a script's body; a {@link Hint} becomes one line and exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    await stopAll();
    if (!(error instanceof Hint)) throw error;
    if (error.output) process.stderr.write(`${error.output.trimEnd()}\n`);
    log(`edgemeter: ${error.message}`);
    process.exitCode = 1;
  }
}

/** Processes that run now, each the leader of its group. */
const running = new Set();
let stopping = false;

/** Starts a command in a group of its own; options as for node's `spawn`. */
export function start(command, args, options = {}) {
  const child = spawn(command, args, { cwd: ROOT, ...options, detached: true });
  running.add(child);
  child.ended = new Promise((resolve) => {
    const end = (code, signal) => {
      running.delete(child);
      resolve(signal ?? code);
    };
    child.on("error", (error) => end(error.message));
    child.on("close", end);
  });
  return child;
}

/** Signals a whole group; one that is gone already is no error. */
export function signalGroup(child, signal) {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Ends all that was started: asks first, and insists after {@link PATIENCE_MS}. */
export async function stopAll() {
  const all = [...running];
  for (const child of all) signalGroup(child, "SIGTERM");
  const insist = setTimeout(() => {
    for (const child of running) signalGroup(child, "SIGKILL");
  }, PATIENCE_MS);
  await Promise.all(all.map((child) => child.ended));
  clearTimeout(insist);
}

for (const [signal, number] of Object.entries({ SIGHUP: 1, SIGINT: 2, SIGTERM: 15 })) {
  process.on(signal, async () => {
    if (stopping) return;
    stopping = true;
    await stopAll();
    process.exit(process.exitCode ?? 128 + number);
  });
}
process.on("exit", () => {
  for (const child of running) signalGroup(child, "SIGKILL");
});

/** Whether the user has asked to stop: what ends now has not failed. */
export const isStopping = () => stopping;

/**
 * Runs a command to its end and gives its output.
 * @param {string} command
 * @param {string[]} args
 * @param {{ hint?: string, download?: string, env?: object, cwd?: string }} [options]
 *   `hint`: what to do if it fails; `download`: what cannot be had without a network
 * @throws {Failure}
 */
export async function run(command, args, { hint, download, env, cwd = ROOT } = {}) {
  const stdio = ["ignore", "pipe", "pipe"];
  const child = start(command, args, { cwd, env: { ...process.env, ...env }, stdio });
  let output = "";
  const progress = new Progress(basename(command));
  const take = (chunk) => {
    output = (output + chunk).slice(-OUTPUT_CHARS_MAX);
    progress.show(output);
  };
  child.stdout.setEncoding("utf8").on("data", take);
  child.stderr.setEncoding("utf8").on("data", take);
  const end = await child.ended;
  progress.end();
  // Whoever pressed Ctrl-C knows why this ended; the process is about to exit.
  if (stopping) await new Promise(() => {});
  if (end === 0) return output;
  if (download !== undefined && NO_NETWORK.test(output)) {
    const remedy = "connect to the network, then run this again";
    throw new Hint(`${download} could not be downloaded: ${remedy}`);
  }
  throw new Failure(hint ?? `'${[command, ...args].join(" ")}' failed (${end})`, output);
}

/** The last line of a command's output: in place on a terminal, else now and then. */
class Progress {
  #started = Date.now();
  #shown = Date.now();
  #line;
  #timer = setInterval(() => this.#draw(), 1_000);

  constructor(line) {
    this.#line = line;
  }

  show(output) {
    this.#line = output.trimEnd().slice(-400).split(/[\r\n]/).at(-1).trim();
  }

  #draw() {
    const seconds = Math.round((Date.now() - this.#started) / 1_000);
    const text = `  ${String(seconds).padStart(3)} s  ${this.#line}`;
    if (process.stderr.isTTY) {
      process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns || 80) - 1)}`);
    } else if (Date.now() - this.#shown >= SIGN_MS) {
      this.#shown = Date.now();
      log(text.slice(0, 100));
    }
  }

  end() {
    clearInterval(this.#timer);
    if (process.stderr.isTTY) process.stderr.write("\r\x1b[2K");
  }
}
