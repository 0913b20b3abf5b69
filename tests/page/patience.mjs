/**
 * How long a test of a time waits on a machine that does other things too: other work slows a
 * browser of several processes down, and an answer is not late because of that.
 */

import { availableParallelism, loadavg } from "node:os";

/** A time is that of the best of so many attempts. */
export const ATTEMPTS = 3;

/** And if there is more work than cores, it takes as much longer. */
export const busy = () => Math.max(1, loadavg()[0] / availableParallelism());
