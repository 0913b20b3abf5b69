/**
 * What every Worker must do that looks at an answer as it passes, and nothing else: each chunk is
 * read and written by script. There is no key, no price and no usage behind it: the most that a
 * Worker can reach which reads tokens out of a stream.
 */
const ROOM_BYTES = 65_536;

export default {
  async fetch(request, env, ctx) {
    const response = await env.ORIGIN.fetch(request);
    const { readable, writable } = new IdentityTransformStream();
    ctx.waitUntil(relay(response.body.getReader({ mode: "byob" }), writable.getWriter()));
    return new Response(readable, response);
  },
};

async function relay(reader, writer) {
  let room = new ArrayBuffer(ROOM_BYTES);
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(room));
    if (done) return writer.close();
    await writer.write(value);
    room = value.buffer;
  }
}
