/**
 * The three builds behind one signature: `ask(questions)` resolves with as many answers.
 *
 *   native     target/debug/edgemeter batch
 *   workerd    build/index_bg.wasm, called by worker.js
 *   chromium   dist/preview/preview_bg.wasm, called by a page
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { build } from "../../scripts/build.mjs";
import { run } from "../../scripts/processes.mjs";
import { npmTool, ROOT, TARGET } from "../../scripts/tools.mjs";
import { COMPATIBILITY_DATE, freePort } from "../../scripts/workerd.mjs";
import { startBrowser } from "../page/browser.mjs";

/** Questions at once: a few megabytes. */
const BATCH = 1_000;

/** Asks in batches, so that no message grows without end. */
async function inBatches(questions, ask) {
  const answers = [];
  for (let start = 0; start < questions.length; start += BATCH) {
    answers.push(...(await ask(questions.slice(start, start + BATCH))));
  }
  return answers;
}

export async function native() {
  await run("cargo", ["build", "--features", "cli", "--bin", "edgemeter"]);
  const program = join(TARGET, "debug", "edgemeter");
  const ask = (questions) =>
    new Promise((resolve, reject) => {
      const child = spawn(program, ["batch"], { stdio: ["pipe", "pipe", 2] });
      const chunks = [];
      child.stdout.on("data", (chunk) => chunks.push(chunk));
      child.on("error", reject);
      child.on("close", (code) => {
        if (code !== 0) return reject(new Error(`edgemeter batch: exit code ${code}`));
        resolve(Buffer.concat(chunks).toString("utf8").trimEnd().split("\n"));
      });
      child.stdin.end(questions.map((question) => `${question}\n`).join(""));
    });
  return { ask, stop: async () => {} };
}

export async function workerd() {
  await build(["edge"]);
  const dir = mkdtempSync(join(tmpdir(), "edgemeter-parity-"));
  const port = await freePort();
  const file = join(dir, "workerd.capnp");
  const embed = (...path) => JSON.stringify(relative(dir, join(ROOT, ...path)));
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "parity", worker = .parity)],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "parity")],
);
const parity :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed ${embed("tests", "parity", "worker.js")}),
    (name = "index.js", esModule = embed ${embed("build", "index.js")}),
    (name = "index_bg.wasm", wasm = embed ${embed("build", "index_bg.wasm")}),
  ],
  compatibilityDate = "${COMPATIBILITY_DATE}",
);
`,
  );
  const args = ["serve", "--experimental", file];
  const child = spawn(npmTool("workerd"), args, { stdio: ["ignore", "inherit", "inherit"] });
  const exited = new Promise((resolve) => child.on("close", resolve));
  const url = `http://127.0.0.1:${port}/`;
  const post = async (questions) => {
    const answer = await fetch(url, { method: "POST", body: questions.join("\n") });
    if (!answer.ok) throw new Error(`workerd: ${answer.status} ${await answer.text()}`);
    return (await answer.text()).split("\n");
  };
  for (const end = Date.now() + 20_000; ; ) {
    const answers = await post(["{}"]).catch((error) => error);
    if (Array.isArray(answers)) break;
    if (child.exitCode !== null || Date.now() > end) throw answers;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const stop = async () => {
    child.kill("SIGTERM");
    await exited;
    rmSync(dir, { recursive: true });
  };
  return { ask: (questions) => inBatches(questions, post), stop };
}

export async function chromium() {
  await build(["preview"]);
  const browser = await startBrowser();
  const page = await browser.newPage();
  const types = { js: "text/javascript", wasm: "application/wasm" };
  await page.route("http://parity.test/**", (route) => {
    const name = new URL(route.request().url()).pathname.slice(1);
    if (name === "") return route.fulfill({ contentType: "text/html", body: "<!doctype html>" });
    const body = readFileSync(join(ROOT, "dist", "preview", name));
    return route.fulfill({ contentType: types[name.split(".").at(-1)], body });
  });
  await page.goto("http://parity.test/");
  const ask = (questions) =>
    page.evaluate(async (questions) => {
      const { default: init, rate } = await import("/preview.js");
      await init();
      const encoder = new TextEncoder();
      return questions.map((question) => rate(encoder.encode(question)));
    }, questions);
  return { ask: (questions) => inBatches(questions, ask), stop: () => browser.close() };
}
