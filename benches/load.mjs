/**
 * Load on one address for some seconds: requests per second and latencies.
 *
 * wrk where it is, or where Debian's packages can be installed: it takes the least of a small
 * machine away from what is measured. Else autocannon, fetched by npx, with a message.
 */
import { execFile, spawnSync } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { Hint, log, ROOT } from "../scripts/tools.mjs";

const AUTOCANNON = "autocannon@8.0.0";
const REPORT = join(ROOT, "benches", "report.lua");
const execute = promisify(execFile);

const has = (program) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

function install() {
  if (!has("apt-get")) return false;
  log("Installing wrk from Debian's packages …");
  const sudo = process.getuid?.() === 0 ? [] : ["sudo", "-n"];
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const apt = (...args) => {
    const apt = ["apt-get", "-o", "DPkg::Lock::Timeout=600", "-qq", ...args];
    const [program, ...rest] = [...sudo, ...apt];
    return spawnSync(program, rest, { env, stdio: "ignore" }).status === 0;
  };
  const wanted = ["install", "-y", "--no-install-recommends", "wrk"];
  return apt(...wanted) || (apt("update") && apt(...wanted));
}

/**
 * The generator of this machine.
 * @returns {(target: { url: string, headers?: Record<string, string> },
 *            settings: { seconds: number, connections: number }) => Promise<Measured>}
 * @typedef {{ rps: number, p50: number, p99: number, answers: number, errors: number }} Measured
 *          latencies in ms; errors are broken connections and answers outside 2xx
 */
export function loadGenerator() {
  if (has("wrk") || install()) return wrk;
  log(`wrk was not found and could not be installed: using ${AUTOCANNON}, which costs more CPU`);
  return autocannon;
}

async function wrk({ url, headers = {} }, { seconds, connections }) {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const load = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", REPORT, ...lines];
  const { stdout } = await execute("wrk", [...load, url]);
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  if (line === undefined) throw new Hint(`wrk reported nothing:\n${stdout}`);
  const { requests, micros, errors, p50, p99 } = JSON.parse(line);
  return {
    rps: (requests * 1e6) / micros,
    p50: p50 / 1_000,
    p99: p99 / 1_000,
    answers: requests,
    errors,
  };
}

async function autocannon({ url, headers = {} }, { seconds, connections }) {
  const lines = Object.entries(headers).flatMap(([name, value]) => ["-H", `${name}=${value}`]);
  const load = ["-j", "-n", "-c", String(connections), "-d", String(seconds), ...lines];
  const { stdout } = await execute("npx", ["--yes", AUTOCANNON, ...load, url]);
  const { requests, duration, latency, errors, timeouts, non2xx } = JSON.parse(stdout);
  return {
    rps: requests.total / duration,
    p50: latency.p50,
    p99: latency.p99,
    answers: requests.total,
    errors: errors + timeouts + non2xx,
  };
}
