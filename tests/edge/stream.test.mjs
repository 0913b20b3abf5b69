/**
 * src/edge/stream.js on workerd: nothing is held back, nothing is kept, and however an exchange
 * ends, its meter hears the right word once, the origin is told, and the client sees what happened.
 */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { createBrotliCompress, createGzip, deflateSync } from "node:zlib";
import { sleep, startRig, within } from "./stream/rig.mjs";

const MB = 1_000_000;
/** How soon is at once, in ms, on a machine that does other things as well. */
const AT_ONCE_MS = 1_000;

let rig;
before(async () => (rig = await startRig()));
after(() => rig.stop());

/** Sends each event when the client has the one before: whoever holds one back waits for ever. */
const pingPong = (events, send = (side, text) => side.send(text)) =>
  async (side, exchange) => {
    let expected = 0;
    for (let i = 0; i < events; i++) {
      const event = `event ${i};`;
      await send(side, event);
      expected += event.length;
      await within(5_000, `event ${i} at the client`, () => exchange.client.bytes >= expected);
    }
    side.end();
  };

test("each chunk reaches the client as soon as the origin sent it", async () => {
  const exchange = rig.ask({ origin: pingPong(200) });
  const { end, text } = await exchange.answer;
  assert.equal(end, "clean");
  assert.equal(text.split(";").length, 201);
  assert.deepEqual((await rig.notes(exchange)).endings, ["whole"]);
});

test("every byte once, as it was, whatever the size of the chunks", async () => {
  const sizes = [1, 7, 4_095, 4_096, 65_535, 65_536, 65_537, 1_000_000, 3];
  const [sent, got] = [createHash("sha256"), createHash("sha256")];
  const exchange = rig.ask({
    keep: false,
    origin: async (side) => {
      for (let round = 0; round < 5; round++) {
        for (const size of sizes) {
          const chunk = Buffer.alloc(size, `${round} ${size} `);
          sent.update(chunk);
          await side.send(chunk);
        }
      }
      side.end();
    },
  });
  exchange.onData = (chunk) => got.update(chunk);
  const { end, bytes } = await exchange.answer;
  const total = 5 * sizes.reduce((sum, size) => sum + size, 0);
  assert.deepEqual([end, bytes], ["clean", total]);
  assert.equal(got.digest("hex"), sent.digest("hex"));
  assert.equal((await rig.notes(exchange)).bytes, total);
});

/** Three events, each its own chunk, and an end. */
const three = pingPong(3);
/** Chunks that nobody needs to take, until somebody ends it. */
const endless = async (side) => {
  for (let i = 0; side.closed === undefined; i++) {
    await side.send(`event ${i};`);
    await sleep(10);
  }
};

for (const [meter, text, ending, origin] of [
  ["upper", "EVENT 0;EVENT 1;EVENT 2;", "whole", three],
  ["add", "event 0;event 1;event 2;added", "whole", three],
  ["drop", "event 0;event 2;", "whole", async (side) => {
    for (let i = 0; i < 3; i++) await side.send(`event ${i};`).then(() => sleep(50));
    side.end();
  }],
  ["stop", "event 0;event 1;the last", "stopped", endless],
  ["stopDumb", "event 0;event 1;", "stopped", endless],
  ["slow", "event 0;event 1;the last", "stopped", async (side) => {
    for (let i = 0; side.closed === undefined; i++) {
      await side.send(`event ${i};`).then(() => sleep(100));
    }
  }],
]) {
  test(`a meter that does "${meter}"`, async () => {
    const exchange = rig.ask({ query: { meter }, origin });
    const answer = await exchange.answer;
    assert.deepEqual([answer.text, answer.end], [text, "clean"]);
    const { endings } = await rig.notes(exchange);
    assert.deepEqual(endings, [ending]);
    await within(AT_ONCE_MS, "the origin's end", () => exchange.origin.closed);
    assert.equal(exchange.origin.whole, ending === "whole");
  });
}

test("a meter that throws breaks the answer off, and the origin is told", async () => {
  const exchange = rig.ask({ query: { meter: "throw" }, origin: endless });
  assert.equal((await exchange.answer).end, "broken");
  assert.deepEqual((await rig.notes(exchange)).endings, ["broken"]);
  await within(AT_ONCE_MS, "the origin's end", () => exchange.origin.closed);
});

for (const [name, length, query] of [
  ["chunked", undefined, {}],
  ["of a stated length", 1_000, {}],
  ["of a stated length that is kept", 1_000, { keeps: "" }],
  ["while it is drained for nobody", undefined, { drain: 5_000 }],
]) {
  test(`an answer that the origin breaks off, ${name}`, async () => {
    const exchange = rig.ask({
      query,
      origin: async (side) => {
        if (length !== undefined) side.response.setHeader("content-length", length);
        await side.send("the beginning");
        await within(5_000, "the beginning", () => exchange.client.bytes === 13);
        if (query.drain) exchange.hangUp("reset");
        await sleep(50);
        side.breakOff();
      },
    });
    const { end, text } = await exchange.answer;
    assert.deepEqual([end, text], ["broken", "the beginning"]);
    const { endings } = await rig.notes(exchange);
    assert.deepEqual(endings, [query.drain ? "gone" : "broken"]);
  });
}

// When a client leaves, by what it is known, and what the policy makes of it. A reset is known at
// once though the origin says nothing; a FIN, and whatever there is no signal for, with the next
// chunk that is written, or the one after: if there is none, everything was sent.
const BEGUN = { "before the headers": 0, "before the first byte": 0, "in the middle": 1 };
const PHASES = [...Object.keys(BEGUN), "after the last token"];
const TOKENS = 6;
const KNOWN = { reset: {}, fin: {}, "reset without signal": { signal: "no" } };
for (const phase of PHASES) {
  for (const [how, query] of Object.entries(KNOWN)) {
    for (const drain of [0, 5_000]) {
      if (how !== "reset" && phase === "before the headers") continue;
      test(`a client gone ${phase}, ${how}, ${drain ? "drain" : "abort"}`, () =>
        leaves(phase, how, { ...query, drain }));
    }
  }
}

async function leaves(phase, how, query) {
  const silent = how === "reset";
  const exchange = rig.ask({
    query,
    origin: async (side) => {
      const begin = BEGUN[phase] ?? TOKENS;
      if (phase !== "before the headers") side.response.flushHeaders();
      for (let i = 0; i < begin; i++) await side.send("token;");
      await within(5_000, "the tokens", () => exchange.client.bytes === 6 * begin);
      const there = () => phase === "before the headers" || exchange.client.status;
      await within(5_000, "the headers", there);
      await sleep(50);
      exchange.hangUp(silent || query.signal ? "reset" : "fin");
      if (query.drain > 0) {
        await sleep(50);
        for (let i = begin; i < TOKENS; i++) await side.send("token;").then(() => sleep(20));
        side.end();
      } else if (!silent) {
        while (side.closed === undefined) await side.send("token;").then(() => sleep(20));
      }
    },
  });
  assert.equal((await exchange.answer).end, "broken");
  const note = await rig.notes(exchange);
  const drained = silent || phase !== "after the last token" ? "drained" : "whole";
  const early = phase === "before the headers" ? "gone before" : "gone";
  const word = query.drain > 0 ? drained : early;
  assert.deepEqual(note.endings, [word]);
  if (query.drain > 0) assert.equal(note.bytes, 6 * TOKENS);
  await within(AT_ONCE_MS, "the origin's end", () => exchange.origin.closed);
  assert.equal(exchange.origin.whole, query.drain > 0);
  assert.ok(exchange.origin.closed - exchange.hungUp < AT_ONCE_MS);
}

test("draining ends when its time is over", async () => {
  const exchange = rig.ask({
    query: { drain: 300 },
    origin: async (side) => {
      await side.send("token;");
      await within(5_000, "the token", () => exchange.client.bytes === 6);
      exchange.hangUp("reset");
    },
  });
  assert.deepEqual((await rig.notes(exchange)).endings, ["gone"]);
  await within(AT_ONCE_MS, "the origin's end", () => exchange.origin.closed);
  assert.ok(exchange.origin.closed - exchange.hungUp >= 250);
});

/** As many bytes as the other side takes. */
const flood = (total) => async (side) => {
  const chunk = Buffer.alloc(65_536, "x");
  while (side.sent < total && side.closed === undefined) {
    await side.send(chunk.subarray(0, Math.min(chunk.length, total - side.sent)));
  }
  side.end();
};

test("200 MB take no more memory than 20, and a slow client slows the origin down", async () => {
  const through = async (total) => {
    const exchange = rig.ask({ keep: false, origin: flood(total) });
    let [seen, peak] = [0, 0];
    exchange.onData = (chunk) => {
      seen += chunk.length;
      if (seen > 10 * MB) [seen, peak] = [0, Math.max(peak, rig.memory())];
    };
    const { bytes, end } = await exchange.answer;
    assert.deepEqual([bytes, end], [total, "clean"]);
    assert.equal((await rig.notes(exchange)).bytes, total);
    return peak;
  };
  const short = await through(20 * MB);
  const long = await through(200 * MB);
  // NaN where memory cannot be read.
  assert.ok(!(long - short > 60), `${short} MB, then ${long} MB`);

  const exchange = rig.ask({ keep: false, origin: flood(200 * MB) });
  let paused = false;
  exchange.onData = () => {
    if (!paused) exchange.client.answer.pause();
    paused = true;
  };
  await within(5_000, "a full pipe", async () => {
    const { sent } = exchange.origin ?? {};
    await sleep(300);
    return sent !== undefined && sent === exchange.origin.sent;
  });
  // What the sockets of two connections hold.
  assert.ok(exchange.origin.sent < 40 * MB, `${exchange.origin.sent} bytes for nobody`);
  assert.ok(!(rig.memory() - long > 60));
  exchange.client.answer.resume();
  assert.deepEqual((await exchange.answer).bytes, 200 * MB);
});

test("a client that leaves while it is slow ends the write that waits for it", async () => {
  const exchange = rig.ask({ keep: false, origin: flood(200 * MB) });
  exchange.onData = () => {
    exchange.client.answer.pause();
    exchange.onData = () => {};
    setTimeout(() => exchange.hangUp("reset"), 300);
  };
  assert.equal((await exchange.answer).end, "broken");
  assert.deepEqual((await rig.notes(exchange)).endings, ["gone"]);
  await within(AT_ONCE_MS, "the origin's end", () => exchange.origin.closed);
});

test("the length is kept if the meter changes nothing, and only then", async () => {
  const cases = [[{ keeps: "" }, "8"], [{}, undefined], [{ meter: "add" }, undefined]];
  for (const [query, length] of cases) {
    const exchange = rig.ask({
      query,
      origin: (side) => {
        side.response.setHeader("content-length", 8);
        side.response.end("answered");
      },
    });
    const { headers, end } = await exchange.answer;
    assert.deepEqual([headers["content-length"], end], [length, "clean"]);
  }
});

test("answers without a body end at once", async () => {
  for (const [method, status] of [["HEAD", 200], ["GET", 204], ["GET", 304]]) {
    const exchange = rig.ask({
      method,
      origin: (side) => {
        side.response.statusCode = status;
        side.end();
      },
    });
    const answer = await exchange.answer;
    assert.deepEqual([answer.status, answer.bytes, answer.end], [status, 0, "clean"]);
    assert.deepEqual((await rig.notes(exchange)).endings, ["whole"]);
  }
});

for (const [encoding, encoder] of [
  ["gzip", () => createGzip()],
  ["br", () => createBrotliCompress()],
]) {
  test(`${encoding} is read plain, and goes out plain as soon as it came`, async () => {
    let zip;
    const origin = pingPong(5, async (side, event) => {
      if (zip === undefined) {
        side.response.setHeader("content-encoding", encoding);
        side.response.setHeader("content-type", "application/x-ndjson");
        zip = encoder();
        zip.pipe(side.response);
        side.end = () => zip.end();
      }
      zip.write(event);
      await new Promise((resolve) => zip.flush(resolve));
    });
    const exchange = rig.ask({ origin, headers: { "accept-encoding": encoding } });
    const { text, headers, end } = await exchange.answer;
    assert.equal(text, "event 0;event 1;event 2;event 3;event 4;");
    assert.deepEqual([headers["content-encoding"], end], [undefined, "clean"]);
    const { plain, bytes } = await rig.notes(exchange);
    assert.deepEqual([plain, bytes], [true, 40]);
  });
}

test("an encoding that workerd does not know goes through, and the meter is told", async () => {
  const exchange = rig.ask({
    origin: (side) => {
      side.response.setHeader("content-encoding", "deflate");
      side.response.end(deflateSync("the answer"));
    },
  });
  const { text, headers } = await exchange.answer;
  assert.equal(headers["content-encoding"], "deflate");
  assert.equal(text, deflateSync("the answer").toString("latin1"));
  assert.equal((await rig.notes(exchange)).plain, false);
});

test("nothing was left unhandled by all of this", async () => {
  assert.deepEqual(await rig.unhandled(), []);
  // workerd itself says of a meter that throws what we say.
  const said = rig.output().split("\n").filter((line) => !line.includes("out of order"));
  assert.doesNotMatch(said.join("\n"), /uncaught|unhandled|internal error/i);
});

// Last: workerd logs whatever reason an answer is broken off for.
test("a client is waited for so long and no longer, whether it reads or not", async () => {
  for (const reads of [true, false]) {
    const exchange = rig.ask({
      query: { most: 400 },
      origin: async (side) => {
        while (side.closed === undefined) {
          await side.send(Buffer.alloc(65_536, "x"));
          await sleep(reads ? 50 : 0);
        }
      },
    });
    if (!reads) exchange.onData = () => exchange.client.answer.pause();
    assert.deepEqual((await rig.notes(exchange)).endings, ["gone"]);
    await within(AT_ONCE_MS, "the origin's end", () => exchange.origin.closed);
    exchange.hangUp("reset");
    assert.equal((await exchange.answer).end, "broken");
  }
});
