/**
 * Anthropic's messages: https://docs.anthropic.com/en/api/messages-streaming
 *
 *   stream   message_start (usage of the input) ─▶ content_block_start, deltas,
 *            content_block_stop, a block at a time, with pings ─▶ message_delta (usage so far,
 *            cumulative, any number of them) ─▶ message_stop; every event is named
 *
 * `input_tokens` are those that no cache was read or written for.
 */
import { count, event, shares, words } from "./answer.mjs";

export const path = "/v1/messages";

export function read(body) {
  return {
    model: body.model,
    input: count(body.system) + count(body.messages),
    bound: body.max_tokens,
    tools: body.tools,
    stream: body.stream === true,
  };
}

function usage(answer, does, output) {
  if (does.usage === "none") return {};
  if (does.usage === "malformed") return { usage: { input_tokens: {}, output_tokens: "3 or so" } };
  if (does.usage === "negative") return { usage: { input_tokens: -1_000_000, output_tokens: -7 } };
  const details = answer.reasoning > 0 ? { thinking_tokens: answer.reasoning } : null;
  return {
    usage: {
      input_tokens: answer.input - answer.cached - answer.cacheWrite,
      cache_creation_input_tokens: answer.cacheWrite,
      cache_read_input_tokens: answer.cached,
      output_tokens: output,
      output_tokens_details: details,
      service_tier: "standard",
    },
  };
}

const reason = (answer) => (answer.cut ? "max_tokens" : answer.tool ? "tool_use" : "end_turn");
const total = (answer) => answer.reasoning + answer.visible;
const toolUse = (answer, input) =>
  ({ type: "tool_use", id: `toolu_${answer.id}`, name: answer.tool, input });

const message = (answer, more) => ({
  id: `msg_${answer.id}`,
  type: "message",
  role: "assistant",
  model: answer.model,
  stop_sequence: null,
  ...more,
});

export function whole(answer, does) {
  const text = words(0, answer.visible);
  const said = answer.tool ? toolUse(answer, { text }) : { type: "text", text };
  const thought = { type: "thinking", thinking: "thought", signature: "c2lnbmVk" };
  return message(answer, {
    content: answer.reasoning > 0 ? [thought, said] : [said],
    stop_reason: reason(answer),
    ...usage(answer, does, total(answer)),
  });
}

export function* stream(answer, does) {
  const named = (data, words = 0) => ({ text: event(data, data.type), words });
  const delta = (index, delta, words) =>
    named({ type: "content_block_delta", index, delta }, words);
  const soFar = (stop_reason, output_tokens) => {
    const brief = { usage: { output_tokens } };
    const used = does.usage === "brief" ? brief : usage(answer, does, output_tokens);
    const delta = { stop_reason, stop_sequence: null };
    return named({ type: "message_delta", delta, ...used });
  };
  const start = message(answer, { content: [], stop_reason: null, ...usage(answer, does, 1) });
  if (does.usage === "late") Object.assign(start.usage, { input_tokens: 0, output_tokens: 0 });
  yield named({ type: "message_start", message: start });
  let index = 0;
  if (answer.reasoning > 0) {
    const content_block = { type: "thinking", thinking: "", signature: "" };
    yield named({ type: "content_block_start", index, content_block });
    yield delta(index, { type: "thinking_delta", thinking: "thought" }, answer.reasoning);
    yield delta(index, { type: "signature_delta", signature: "c2lnbmVk" });
    yield named({ type: "content_block_stop", index });
    index += 1;
  }
  const content_block = answer.tool ? toolUse(answer, {}) : { type: "text", text: "" };
  yield named({ type: "content_block_start", index, content_block });
  yield named({ type: "ping" });
  const piece = (text) =>
    answer.tool ? { type: "input_json_delta", partial_json: text } : { type: "text_delta", text };
  if (answer.tool) yield delta(index, piece('{"text":"'));
  for (const [from, to] of shares(answer, does)) {
    yield delta(index, piece(words(from, to)), to - from);
    if (does.usage === "repeated") yield soFar(null, answer.reasoning + to);
  }
  if (answer.tool) yield delta(index, piece('"}'));
  yield named({ type: "content_block_stop", index });
  yield soFar(reason(answer), total(answer));
  yield named({ type: "message_stop" });
}

const TYPES = {
  400: "invalid_request_error",
  401: "authentication_error",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

export const error = (status) => ({
  type: "error",
  error: { type: TYPES[status] ?? "api_error", message: `failed with ${status}, as asked` },
  request_id: null,
});
export const errorEvent = () => event(error(529), "error");
