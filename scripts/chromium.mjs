/**
 * Finds a Chromium for the page's tests, and installs Debian's where there is none.
 *
 *   node scripts/chromium.mjs      prints its path
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { fileURLToPath } from "node:url";

const CANDIDATES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];
const REMEDY = "install Chromium or Chrome, or set CHROMIUM to the path of one";

/**
 * @returns {string} the path of a Chromium that can be started
 * @throws {Error} saying what to do
 */
export function chromiumPath() {
  if (process.env.CHROMIUM && !runs(process.env.CHROMIUM)) {
    throw new Error(`CHROMIUM=${process.env.CHROMIUM} is not a program: ${REMEDY}`);
  }
  return find() ?? install();
}

function find() {
  return CANDIDATES.find((path) => path && runs(path));
}

function install() {
  if (!runs("/usr/bin/apt-get")) throw new Error(`no Chromium found: ${REMEDY}`);
  console.error("no Chromium found: installing Debian's (apt-get install chromium)");
  const root = process.getuid?.() === 0;
  // Test files run side by side: whoever comes second waits for the lock, then finds it installed.
  const steps = [
    ["update", "-qq"],
    ["install", "-y", "-qq", "--no-install-recommends", "chromium"],
  ];
  for (const step of steps) {
    const command = ["apt-get", "-o", "DPkg::Lock::Timeout=600", ...step];
    if (!root) command.unshift("sudo", "-n");
    const { status, error } = spawnSync(command[0], command.slice(1), {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    if (error || status !== 0) throw new Error(`'${command.join(" ")}' failed: ${REMEDY}`);
  }
  const found = find();
  if (!found) throw new Error(`apt-get installed no Chromium: ${REMEDY}`);
  return found;
}

function runs(/** @type {string} */ path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(chromiumPath());
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
