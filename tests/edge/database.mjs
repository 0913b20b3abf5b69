/** An account's database while workerd is stopped: what a test reads there, or damages. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/tools.mjs";

/**
 * Runs one statement on the database of the gateway's only account; what it selects.
 * @param {{dir: string}} gateway stopped
 * @param {string} statement
 * @param {...(string | number)} bound its parameters
 */
export function sql(gateway, statement, ...bound) {
  const folder = join(gateway.dir, "storage", "edgemeter-Account");
  const isOpened = (file) =>
    query(file, "SELECT name FROM sqlite_master WHERE name = 'segment'").length > 0;
  const files = readdirSync(folder).filter((name) => name.endsWith(".sqlite"));
  return query(files.map((name) => join(folder, name)).find(isOpened), statement, ...bound);
}

/** Writes the rows' hashes anew, as somebody would who owns the database. */
export function chainAnew(gateway) {
  let previous = "";
  for (const { n, at, body, hash } of sql(gateway, "SELECT * FROM journal ORDER BY n")) {
    const text = `${previous}\n${n}\n${at}\n${body}`;
    const anew = createHash("sha256").update(text).digest("hex");
    if (anew !== hash) sql(gateway, "UPDATE journal SET hash = ? WHERE n = ?", anew, n);
    previous = anew;
  }
}

/** In a Node.js that has SQLite: the one that runs this may be older. */
function query(file, statement, ...bound) {
  const script = `const { DatabaseSync } = require("node:sqlite");
    const [file, statement, bound] = process.argv.slice(1);
    const rows = new DatabaseSync(file).prepare(statement).all(...JSON.parse(bound));
    console.log(JSON.stringify(rows));`;
  const node = join(ROOT, "node_modules", "node", "bin", "node");
  const args = ["--no-warnings", "-e", script, file, statement, JSON.stringify(bound)];
  return JSON.parse(execFileSync(node, args, { encoding: "utf8", maxBuffer: 1e8 }));
}
