/**
 * OpenAI's responses: https://platform.openai.com/docs/api-reference/responses-streaming
 *
 *   stream   response.created, response.in_progress ─▶ an item at a time: added, its parts and
 *            their deltas, done ─▶ response.completed, or response.incomplete where the bound cut
 *            it, with the whole response and its usage; every event is named and numbered, none
 *            says [DONE]
 */
import { count, CREATED, event, shares, words } from "./answer.mjs";

export const path = "/v1/responses";

export function read(body) {
  return {
    model: body.model,
    input: count(body.instructions ?? "") + count(body.input),
    bound: body.max_output_tokens ?? undefined,
    tools: body.tools,
    stream: body.stream === true,
  };
}

function usage(answer, does, written) {
  if (does.usage === "none") return null;
  if (does.usage === "malformed") return { input_tokens: null, output_tokens: 1e30 };
  if (does.usage === "negative") return { input_tokens: -1_000_000, output_tokens: -7 };
  const output = answer.reasoning + written;
  return {
    input_tokens: answer.input,
    input_tokens_details: {
      cached_tokens: answer.cached,
      cache_write_tokens: answer.cacheWrite,
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: answer.reasoning },
    total_tokens: answer.input + output,
  };
}

const status = (answer) => (answer.cut ? "incomplete" : "completed");

function response(answer, status, output, usage) {
  const cut = status === "incomplete";
  return {
    id: `resp_${answer.id}`,
    object: "response",
    created_at: CREATED,
    status,
    error: null,
    incomplete_details: cut ? { reason: "max_output_tokens" } : null,
    instructions: null,
    metadata: {},
    model: answer.model,
    output,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: "auto",
    tools: [],
    top_p: 1,
    usage,
  };
}

const part = (text) => ({ type: "output_text", text, annotations: [], logprobs: [] });
const thought = (answer) => ({ id: `rs_${answer.id}`, type: "reasoning", summary: [] });

/** The item that is said, or the call that is made. */
const item = (answer, status, text) =>
  answer.tool
    ? {
        id: `fc_${answer.id}`,
        type: "function_call",
        status,
        call_id: `call_${answer.id}`,
        name: answer.tool,
        arguments: text,
      }
    : {
        id: `msg_${answer.id}`,
        type: "message",
        status,
        role: "assistant",
        content: text === "" ? [] : [part(text)],
      };

/** All that is said in the end. */
const said = (answer) => {
  const text = words(0, answer.visible);
  return answer.tool ? `{"text":"${text}"}` : text;
};

function output(answer) {
  const last = item(answer, status(answer), said(answer));
  return answer.reasoning > 0 ? [thought(answer), last] : [last];
}

export const whole = (answer, does) =>
  response(answer, status(answer), output(answer), usage(answer, does, answer.visible));

export function* stream(answer, does) {
  let sequence_number = 0;
  const named = (type, data, words = 0) => {
    const numbered = { type, sequence_number: sequence_number++, ...data };
    return { text: event(numbered, type), words };
  };
  const so = (written) => {
    const used = written === undefined ? null : usage(answer, does, written);
    return response(answer, "in_progress", [], used);
  };
  yield named("response.created", { response: so() });
  yield named("response.in_progress", { response: so() });
  let output_index = 0;
  if (answer.reasoning > 0) {
    const item = thought(answer);
    yield named("response.output_item.added", { output_index, item }, answer.reasoning);
    yield named("response.output_item.done", { output_index, item });
    output_index += 1;
  }
  const open = item(answer, "in_progress", "");
  const place = { item_id: open.id, output_index, ...(answer.tool ? {} : { content_index: 0 }) };
  const kind = answer.tool ? "response.function_call_arguments" : "response.output_text";
  const logprobs = answer.tool ? {} : { logprobs: [] };
  const delta = (text, words) =>
    named(`${kind}.delta`, { ...place, delta: text, ...logprobs }, words);
  yield named("response.output_item.added", { output_index, item: open });
  if (answer.tool) yield delta('{"text":"', 0);
  else yield named("response.content_part.added", { ...place, part: part("") });
  for (const [from, to] of shares(answer, does)) {
    yield delta(words(from, to), to - from);
    if (does.usage === "repeated") yield named("response.in_progress", { response: so(to) });
  }
  if (answer.tool) yield delta('"}', 0);
  const text = said(answer);
  const done = answer.tool ? { name: answer.tool, arguments: text } : { text, ...logprobs };
  yield named(`${kind}.done`, { ...place, ...done });
  if (!answer.tool) yield named("response.content_part.done", { ...place, part: part(text) });
  const closed = item(answer, status(answer), text);
  yield named("response.output_item.done", { output_index, item: closed });
  yield named(`response.${status(answer)}`, { response: whole(answer, does) });
}

export const error = (status) => ({
  error: {
    message: `failed with ${status}, as asked`,
    type: status === 429 ? "tokens" : status < 500 ? "invalid_request_error" : "server_error",
    param: null,
    code: status === 429 ? "rate_limit_exceeded" : null,
  },
});
export const errorEvent = () => {
  const message = "failed, as asked";
  return event({ type: "error", code: "server_error", message, param: null }, "error");
};
