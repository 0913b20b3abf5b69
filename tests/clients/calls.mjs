/**
 * Calls of the unmodified SDKs, and what the caller sees of each:
 *
 *   { texts, finish, usage: { input, cached, written, output, reasoning }, tool, raw }
 *
 * `raw` is everything that the SDK gave, event by event.
 */
import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";
import { prompt } from "./oracle.mjs";

/** What the origin is to do, beside the body. */
export const told = (does, more = {}) => ({ ...more, "origin-does": JSON.stringify(does) });

export const openai = ({ base, key }, folder = "") =>
  new OpenAI({ apiKey: key, baseURL: `${base}${folder}/v1`, maxRetries: 0 });
export const anthropic = ({ base, key }, folder = "") =>
  new Anthropic({ apiKey: key, baseURL: `${base}${folder}`, maxRetries: 0 });

const FUNCTION = { name: "write", description: "", parameters: { type: "object", properties: {} } };
const WRITE = {
  chat: { tools: [{ type: "function", function: FUNCTION }] },
  responses: { tools: [{ type: "function", ...FUNCTION, strict: false }] },
  messages: { tools: [{ name: "write", input_schema: { type: "object" } }] },
};

const asked = (input) => [{ role: "user", content: prompt(input) }];
/** A body of each protocol with a prompt of so many tokens. */
export const BODIES = {
  chat: (input) => ({ model: "listed", messages: asked(input) }),
  responses: (input) => ({ model: "listed", input: prompt(input) }),
  messages: (input) => ({ model: "listed", max_tokens: 1_000, messages: asked(input) }),
};
export const tools = (protocol) => WRITE[protocol];

const chatUsage = (usage) =>
  usage && {
    input: usage.prompt_tokens,
    cached: usage.prompt_tokens_details?.cached_tokens,
    written: usage.prompt_tokens_details?.cache_write_tokens,
    output: usage.completion_tokens,
    reasoning: usage.completion_tokens_details?.reasoning_tokens,
  };
const responsesUsage = (usage) =>
  usage && {
    input: usage.input_tokens,
    cached: usage.input_tokens_details?.cached_tokens,
    written: usage.input_tokens_details?.cache_write_tokens,
    output: usage.output_tokens,
    reasoning: usage.output_tokens_details?.reasoning_tokens,
  };
/** Anthropic counts cached tokens beside the others. */
const messagesUsage = (usage) => ({
  input:
    usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens,
  cached: usage.cache_read_input_tokens,
  written: usage.cache_creation_input_tokens,
  output: usage.output_tokens,
  reasoning: usage.output_tokens_details?.thinking_tokens ?? 0,
});

function chatView(completion, raw = completion) {
  const { choices, usage } = completion;
  const call = choices[0].message.tool_calls?.[0]?.function;
  return {
    texts: choices.map(({ message }) => message.content),
    finish: choices[0].finish_reason,
    usage: chatUsage(usage),
    tool: call && { name: call.name, text: JSON.parse(call.arguments).text },
    raw,
  };
}

/** What a caller makes of chunks by hand. */
function chatChunks(chunks) {
  const view = { texts: [], finish: undefined, usage: undefined, tool: undefined, raw: chunks };
  let [name, json] = ["", ""];
  for (const { choices, usage } of chunks) {
    if (usage) view.usage = chatUsage(usage);
    for (const { index, delta, finish_reason } of choices) {
      view.texts[index] = (view.texts[index] ?? "") + (delta.content ?? "");
      view.finish ??= finish_reason ?? undefined;
      name += delta.tool_calls?.[0]?.function?.name ?? "";
      json += delta.tool_calls?.[0]?.function?.arguments ?? "";
    }
  }
  if (name === "") return view;
  return { ...view, texts: [null], tool: { name, text: JSON.parse(json).text } };
}

function responseView(response, raw = response) {
  const call = response.output.find(({ type }) => type === "function_call");
  return {
    texts: [call ? null : response.output_text],
    finish: response.incomplete_details?.reason ?? response.status,
    usage: responsesUsage(response.usage),
    tool: call && { name: call.name, text: JSON.parse(call.arguments).text },
    raw,
  };
}

function messageView(message, raw = message) {
  const text = message.content.find(({ type }) => type === "text");
  const call = message.content.find(({ type }) => type === "tool_use");
  return {
    texts: [text?.text ?? null],
    finish: message.stop_reason,
    usage: messagesUsage(message.usage),
    tool: call && { name: call.name, text: call.input.text },
    raw,
  };
}

async function all(stream) {
  const events = [];
  for await (const event of await stream) events.push(event);
  return events;
}

/** What a caller makes of Anthropic's events by hand: the last usage counts. */
function messageEvents(events) {
  const { message } = events.find(({ type }) => type === "message_start");
  const content = [];
  const json = [];
  for (const event of events) {
    const { type, index, delta } = event;
    if (type === "content_block_start") content[index] = { ...event.content_block };
    if (delta?.type === "text_delta") content[index].text += delta.text;
    const part = delta?.type === "input_json_delta" ? delta.partial_json : undefined;
    if (part !== undefined) json[index] = (json[index] ?? "") + part;
    if (type === "message_delta") {
      Object.assign(message, delta, { usage: { ...message.usage, ...event.usage } });
    }
  }
  json.forEach((text, index) => (content[index].input = JSON.parse(text)));
  return messageView({ ...message, content }, events);
}

/** What a stream's event adds to the text, or to a tool's arguments. */
function pieceOf({ choices, type, delta }) {
  if (choices) {
    const said = choices[0]?.delta;
    return said?.content || said?.tool_calls?.[0]?.function?.arguments || "";
  }
  if (typeof delta === "string") return delta;
  return (type === "content_block_delta" && (delta.text ?? delta.partial_json)) || "";
}

/**
 * Streams, and gives up as soon as `enough(tokens, event)` says so.
 * @returns {Promise<number>} tokens that the caller has seen
 */
export async function hangUp(protocol, client, body, headers, enough) {
  const controller = new AbortController();
  const options = { headers, signal: controller.signal };
  const asked = { ...body, stream: true };
  const stream = await {
    chat: () => client.chat.completions.create(asked, options),
    responses: () => client.responses.create(asked, options),
    messages: () => client.messages.create(asked, options),
  }[protocol]();
  let seen = 0;
  for await (const event of stream) {
    if (controller.signal.aborted) continue;
    seen += pieceOf(event).match(/tok\d+/g)?.length ?? 0;
    if (enough(seen, event)) controller.abort();
  }
  return seen;
}

const STREAM = { stream: true };
const COUNTED = { ...STREAM, stream_options: { include_usage: true } };

/** Each way to call, by name: `(client, body, options) → view`; `sees`: whether usage is told. */
export const CALLS = {
  chat: {
    "create": async (client, body, options) =>
      chatView(await client.chat.completions.create(body, options)),
    "stream": async (client, body, options) =>
      chatChunks(await all(client.chat.completions.create({ ...body, ...STREAM }, options))),
    "stream with usage": async (client, body, options) =>
      chatChunks(await all(client.chat.completions.create({ ...body, ...COUNTED }, options))),
    "stream helper": async (client, body, options) => {
      const stream = client.chat.completions.stream({ ...body, ...COUNTED }, options);
      return chatView(await stream.finalChatCompletion());
    },
  },
  responses: {
    "create": async (client, body, options) =>
      responseView(await client.responses.create(body, options)),
    "stream": async (client, body, options) => {
      const events = await all(client.responses.create({ ...body, ...STREAM }, options));
      const { response } = events.at(-1);
      const text = events.filter(({ type }) => type === "response.output_text.delta");
      return responseView({ ...response, output_text: text.map((e) => e.delta).join("") }, events);
    },
    "stream helper": async (client, body, options) =>
      responseView(await client.responses.stream(body, options).finalResponse()),
  },
  messages: {
    "create": async (client, body, options) =>
      messageView(await client.messages.create(body, options)),
    "stream": async (client, body, options) =>
      messageEvents(await all(client.messages.create({ ...body, ...STREAM }, options))),
    "stream helper": async (client, body, options) =>
      messageView(await client.messages.stream(body, options).finalMessage()),
  },
};
