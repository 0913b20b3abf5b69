/**
 * Packs the element for npm: `npm run pack` ─▶ target/npm/edgemeter-<version>.tgz
 *
 *   www/   the modules that the page is made of, without the page itself
 *   npm/   package.json, types, README; and the licence of the library that is in it
 *
 * The version is Cargo.toml's. What is packed runs in browsers as it is.
 */
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "./build.mjs";
import { log, main, ROOT, run } from "./processes.mjs";

const OUT = join(ROOT, "target", "npm");
/** Of the page alone, or for the gateway's way of serving it. */
const OURS = /^(\..*|index\.html|page\.(js|css)|icon\.svg|.*\.br|.*\.d\.ts|preview.*)$/;

/** @returns {Promise<string>} the tarball */
export async function pack() {
  await build(["browser", "bill", "charts"]);
  const [, version] = readFileSync(join(ROOT, "Cargo.toml"), "utf8").match(/^version = "(.+)"$/m);
  const stage = join(OUT, "package");
  rmSync(OUT, { recursive: true, force: true });
  mkdirSync(stage, { recursive: true });
  const filter = (path) => !OURS.test(basename(path));
  cpSync(join(ROOT, "www"), stage, { recursive: true, filter });
  for (const name of ["README.md", "element.d.ts"]) {
    cpSync(join(ROOT, "npm", name), join(stage, name));
  }
  cpSync(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
  cpSync(join(ROOT, "node_modules", "uplot", "LICENSE"), join(stage, "LICENSE.uplot"));
  const manifest = JSON.parse(readFileSync(join(ROOT, "npm", "package.json"), "utf8"));
  const { name, ...rest } = manifest;
  const text = JSON.stringify({ name, version, ...rest }, null, 2);
  writeFileSync(join(stage, "package.json"), `${text}\n`);
  await run("npm", ["pack", stage, "--pack-destination", OUT, "--ignore-scripts"]);
  return join(OUT, readdirSync(OUT).find((file) => file.endsWith(".tgz")));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(async () => log(`packed ${await pack()}`));
}
