/**
 * OpenAI's chat completions: https://platform.openai.com/docs/api-reference/chat
 *
 *   stream   chunks without names, the role first; finish_reason in a chunk of its own; the usage
 *            in a last one without choices if `stream_options.include_usage`, and null in the
 *            others; then [DONE]
 */
import { count, CREATED, event, shares, words } from "./answer.mjs";

export const path = "/v1/chat/completions";

export function read(body) {
  return {
    model: body.model,
    input: count(body.messages),
    bound: body.max_completion_tokens ?? body.max_tokens ?? undefined,
    copies: body.n ?? 1,
    tools: body.tools,
    stream: body.stream === true,
    wantsUsage: body.stream_options?.include_usage === true,
  };
}

/** Tokens of all copies; `written`: visible ones of each so far. */
function usage(answer, does, written = answer.visible) {
  if (does.usage === "malformed") {
    return { prompt_tokens: "many", completion_tokens: -7, total_tokens: null };
  }
  if (does.usage === "negative") {
    return { prompt_tokens: -1_000_000, completion_tokens: -7, total_tokens: -1_000_007 };
  }
  const output = (answer.reasoning + written) * answer.copies;
  return {
    prompt_tokens: answer.input,
    completion_tokens: output,
    total_tokens: answer.input + output,
    prompt_tokens_details: {
      cached_tokens: answer.cached,
      cache_write_tokens: answer.cacheWrite,
      audio_tokens: 0,
    },
    completion_tokens_details: {
      reasoning_tokens: answer.reasoning * answer.copies,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

const reason = (answer) => (answer.cut ? "length" : answer.tool ? "tool_calls" : "stop");
const call = (answer, rest) => ({
  id: `call_${answer.id}`,
  type: "function",
  function: { name: answer.tool, arguments: rest },
});
const copies = (answer) => Array.from({ length: answer.copies }, (_, index) => index);

export function whole(answer, does) {
  const text = words(0, answer.visible);
  const message = answer.tool
    ? { role: "assistant", content: null, tool_calls: [call(answer, `{"text":"${text}"}`)] }
    : { role: "assistant", content: text };
  return {
    id: `chatcmpl-${answer.id}`,
    object: "chat.completion",
    created: CREATED,
    model: answer.model,
    choices: copies(answer).map((index) => ({
      index,
      message: { ...message, refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: reason(answer),
    })),
    ...(does.usage === "none" ? {} : { usage: usage(answer, does) }),
    service_tier: "default",
    system_fingerprint: "fp_0",
  };
}

export function* stream(answer, does, { wantsUsage }) {
  let written = 0;
  const repeated = does.usage === "repeated";
  const chunk = (choices, used = null) => {
    const usages = wantsUsage || repeated ? { usage: used } : {};
    return event({
      id: `chatcmpl-${answer.id}`,
      object: "chat.completion.chunk",
      created: CREATED,
      model: answer.model,
      service_tier: "default",
      system_fingerprint: "fp_0",
      choices,
      ...usages,
    });
  };
  const now = () => (repeated ? usage(answer, does, written) : null);
  const choice = (index, delta, finish_reason = null) =>
    chunk([{ index, delta, logprobs: null, finish_reason }], now());
  const piece = (text) =>
    answer.tool ? { tool_calls: [{ index: 0, function: { arguments: text } }] } : { content: text };

  for (const index of copies(answer)) {
    const first = answer.tool
      ? { content: null, tool_calls: [{ index: 0, ...call(answer, "") }] }
      : { content: "" };
    const delta = { role: "assistant", ...first, refusal: null };
    yield { text: choice(index, delta), words: answer.reasoning };
    if (answer.tool) yield { text: choice(index, piece('{"text":"')), words: 0 };
  }
  for (const [from, to] of shares(answer, does)) {
    written = to;
    for (const index of copies(answer)) {
      yield { text: choice(index, piece(words(from, to))), words: to - from };
    }
  }
  for (const index of copies(answer)) {
    if (answer.tool) yield { text: choice(index, piece('"}')), words: 0 };
    yield { text: choice(index, {}, reason(answer)), words: 0 };
  }
  if (wantsUsage && does.usage !== "none") {
    yield { text: chunk([], usage(answer, does)), words: 0 };
  }
  yield { text: "data: [DONE]\n\n", words: 0 };
}

const TYPES = { 400: "invalid_request_error", 401: "authentication_error", 429: "tokens" };

/** The error of a status; in a stream as an event. */
export const error = (status) => ({
  error: {
    message: `failed with ${status}, as asked`,
    type: TYPES[status] ?? "server_error",
    param: null,
    code: status === 429 ? "rate_limit_exceeded" : null,
  },
});
export const errorEvent = () => event(error(500));
