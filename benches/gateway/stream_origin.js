/**
 * An API that streams chat completions: how many events, in what pieces, and how long before the
 * first and before each piece, the request's header `stream-origin` says. Its usage is 5 tokens in and an event each out.
 */
const encoder = new TextEncoder();
const chunk = (delta, finish_reason = null) => {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
  return { ...HEAD, choices };
};
const HEAD = {
  id: "chatcmpl-0",
  object: "chat.completion.chunk",
  created: 1_700_000_000,
  model: "bench",
  system_fingerprint: "fp_0",
};
const event = (data) => encoder.encode(`data: ${JSON.stringify(data)}\n\n`);
const TOKEN = event(chunk({ content: "token " }));
const usage = (events) => ({
  prompt_tokens: 5,
  completion_tokens: events,
  total_tokens: 5 + events,
});

/** The same event over and over, as many as a piece holds. */
function repeated(times) {
  const bytes = new Uint8Array(TOKEN.length * times);
  for (let i = 0; i < times; i++) bytes.set(TOKEN, i * TOKEN.length);
  return bytes;
}

export default {
  async fetch(request) {
    const { first_ms, each_ms, events, per_piece } = JSON.parse(request.headers.get("stream-origin"));
    const { stream_options } = await request.json();
    if (first_ms > 0) await scheduler.wait(first_ms);
    const piece = repeated(per_piece);
    let sent = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (sent < events) {
          if (each_ms > 0) await scheduler.wait(each_ms);
          const now = Math.min(per_piece, events - sent);
          sent += now;
          // A copy: what is passed on is taken.
          return controller.enqueue(piece.slice(0, now * TOKEN.length));
        }
        controller.enqueue(event(chunk({}, "stop")));
        if (stream_options?.include_usage) {
          controller.enqueue(event({ ...HEAD, choices: [], usage: usage(events) }));
        }
        controller.enqueue(encoder.encode("data: [DONE]\n\n"));
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
};
