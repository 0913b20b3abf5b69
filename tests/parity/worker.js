/**
 * Answers questions of `wire::rate` with the built Worker's own wasm, a line each. The gateway has
 * no such route: this module stands beside the build in a configuration of its own.
 */
import Rust from "./index.js";

export default {
  /** @param {Request} request */
  async fetch(request, env, ctx) {
    const rust = new Rust(ctx, env);
    const questions = (await request.text()).split("\n");
    return new Response(questions.map((question) => rust.rate(question)).join("\n"));
  },
};
