/*
 * Runs before anything else (package.json: `node -r`), on any Node.js, however old: hence the old
 * syntax. Newer syntax would end in an error that tells nobody what to do.
 */
"use strict";

var wanted = 20;
var version = process.versions.node;

if (parseInt(version, 10) < wanted) {
  process.stderr.write(
    "edgemeter: Node.js " + version + " is too old: install version " + wanted +
      " or newer from https://nodejs.org, then run this again\n"
  );
  process.exit(1);
}
