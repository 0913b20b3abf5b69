/**
 * What a call must cost, from what was asked for alone: it shares nothing with the gateway and
 * nothing with the origin but the words of {@link DOES}. Money is whole millionths of a credit.
 */
import { DOES } from "./origin/answer.mjs";

/** A token of each kind, in millionths of a credit: no two sums of a few tokens are alike. */
export const PRICES = {
  input: 3_001n,
  cached_input: 307n,
  cache_write: 3_761n,
  output: 15_013n,
  reasoning: 11_027n,
};

/** The charge of each kind of token. */
export const CHARGES = {
  input: "input-tokens",
  cached_input: "cached-tokens",
  cache_write: "cache-write-tokens",
  output: "output-tokens",
  reasoning: "reasoning-tokens",
};

/** Tokens by kind of a call that goes to its end. */
export function tokens({ input, bound = Infinity, copies = 1, does = {} }) {
  const { words, reasoning, cached, cache_write } = { ...DOES, ...does };
  const thought = Math.min(reasoning, bound);
  return {
    input: input - cached - cache_write,
    cached_input: cached,
    cache_write,
    output: Math.min(words, bound - thought) * copies,
    reasoning: thought * copies,
  };
}

/** Millionths of a credit. */
export function cost(tokens) {
  return Object.entries(tokens).reduce((sum, [kind, n]) => sum + PRICES[kind] * BigInt(n), 0n);
}

/** A sum as accounts write it. */
export function credits(millionths) {
  const digits = String(millionths).padStart(7, "0");
  return `${digits.slice(0, -6)}.${digits.slice(-6)}`.replace(/\.?0+$/, "");
}

/** And back; anything finer than a millionth is no price of ours. */
export function millionths(text) {
  const [whole, part = ""] = text.split(".");
  if (part.length > 6) throw new Error(`${text} credits are finer than a millionth`);
  return BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, "0"));
}

/**
 * What an answer may be charged that ended before it told its usage: no less than the tokens that
 * the client has seen, no more than what the call asked for, its prompt by bytes.
 */
export function estimate({ bytes, seen = 0, bound }) {
  const least = { input: 0, output: seen };
  const most = { input: bytes, output: bound };
  return { least: cost(least), most: cost(most) };
}

/** The text of `n` tokens. */
export const said = (n) => Array.from({ length: n }, (_, i) => `tok${i} `).join("");

/** A prompt of `n` tokens. */
export const prompt = (n) => Array.from({ length: n }, (_, i) => "abcdefghij"[i % 10]).join(" ");

/** Numbers from [0, 1), the same for the same seed (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
