/** The hand-written gateway with a network between it and its object: half the way each way. */
import gateway, { Wallet as Near } from "./handwritten.js";

export class Wallet extends Near {
  async burn(cost) {
    const half = Number(this.env.BENCH_DELAY_MS) / 2;
    await scheduler.wait(half);
    const left = super.burn(cost);
    await scheduler.wait(half);
    return left;
  }
}

export default gateway;
