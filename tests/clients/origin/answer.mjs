/**
 * What an answer will be, from the request alone: a token is a word, and the words are tok0, tok1,
 * tok2 …, so that a test can work out by itself what an answer says and what it costs.
 *
 *   body                  the protocol's own: prompt, bound, copies, tools
 *   origin-does (header)  what else this answer is to be, as JSON; the members of {@link DOES}
 */

/** What a request may ask of the origin, and what holds if it does not. */
export const DOES = {
  /** Name of the request in the origin's log. */
  id: "",
  /** Visible tokens of one copy that the model would write if nothing bounded it. */
  words: 20,
  /** Tokens that it thinks before that. */
  reasoning: 0,
  /** Tokens of the prompt that were read from a cache, and written to one. */
  cached: 0,
  cache_write: 0,
  /** Calls the request's first tool instead of talking. */
  tool: false,
  /**
   * In the place of a right one: "none"; "malformed", no numbers; "negative"; "repeated", with
   * every event, cumulative; of messages "late", where only the end knows the input, and "brief",
   * where only the start does.
   */
  usage: "",
  /** A status that is not 200, with the protocol's own error. */
  status: 200,
  /** After so many tokens the connection breaks off, or an error event ends the stream. */
  break_at: undefined,
  error_at: undefined,
  /** Goes on for ever, whatever the bound. */
  endless: false,
  /** Before the first byte and between events, in ms. */
  first_ms: 0,
  pause_ms: 0,
  /** Tokens of an event, and events of a write; or bytes of a write, wherever they cut. */
  per_event: 1,
  per_write: 1,
  split: 0,
  gzip: false,
};

/** When all answers were made, in seconds: nothing of an answer depends on the clock. */
export const CREATED = 1_700_000_000;

/** Tokens number `from` up to `to`, each with the space that parts it from the next. */
export function words(from, to) {
  let text = "";
  for (let i = from; i < to; i++) text += `tok${i} `;
  return text;
}

/** Tokens of a text, or of whatever holds texts in the end. */
export function count(content) {
  if (typeof content === "string") return content.split(/\s+/).filter(Boolean).length;
  if (Array.isArray(content)) return content.reduce((sum, part) => sum + count(part), 0);
  return count(content?.text ?? content?.content ?? "");
}

/**
 * @param {{ input: number, bound?: number, copies?: number, tools?: object[], model: string }} read
 *   what the protocol found in the body
 */
export function compose(read, does) {
  const most = does.endless ? Infinity : (read.bound ?? Infinity);
  const reasoning = Math.min(does.reasoning, most);
  const visible = does.endless ? Infinity : Math.min(does.words, most - reasoning);
  const asked = does.tool ? read.tools?.[0] : undefined;
  return {
    id: does.id || "0",
    model: read.model,
    input: read.input,
    cached: does.cached,
    cacheWrite: does.cache_write,
    reasoning,
    visible,
    copies: read.copies ?? 1,
    cut: does.reasoning + does.words > most,
    tool: asked && (asked.function?.name ?? asked.name),
  };
}

/** The events' share of the visible tokens: [from, to) of each. */
export function* shares({ visible }, { per_event }) {
  for (let from = 0; from < visible; from += per_event) {
    yield [from, Math.min(from + per_event, visible)];
  }
}

/** One event of a stream, named or not. */
export const event = (data, name) =>
  `${name === undefined ? "" : `event: ${name}\n`}data: ${JSON.stringify(data)}\n\n`;
