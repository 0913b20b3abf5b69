/**
 * A small API of its own, to put the gateway in front of: `node server.mjs [port]`.
 *
 *   GET  /words?n=3      n random words (1 to 100)
 *   GET  /words/{word}   what is known of a word
 *   POST /echo           the body, back
 *   GET  /status         unmetered: "ok"
 *   GET  /fail           500, for seeing that a failed call costs nothing
 *
 * It knows nothing of edgemeter, except that it reads the headers which the gateway puts on. It
 * counts what reaches it, on a port of its own, so that tests can hold the ledger against it:
 *
 *   GET  http://127.0.0.1:<port + 1>/counts     { "GET /words": 5, … }
 */
import { createServer } from "node:http";

const WORDS = (
  "amber basalt cedar delta ember fjord garnet harbor indigo juniper kestrel lagoon meadow " +
  "nectar opal prairie quartz river saffron tundra umber valley willow xenon yarrow zephyr"
).split(" ");

const counts = new Map();

function answer(response, status, body) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain" : "application/json";
  response.writeHead(status, { "content-type": type, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

const api = createServer((request, response) => {
  const [path, query = ""] = request.url.split("?");
  const name = `${request.method} ${path}`;
  counts.set(name, (counts.get(name) ?? 0) + 1);
  if (name === "GET /words") {
    const n = Math.min(Math.max(Number(new URLSearchParams(query).get("n")) || 1, 1), 100);
    const pick = () => WORDS[Math.floor(Math.random() * WORDS.length)];
    return answer(response, 200, { words: Array.from({ length: n }, pick) });
  }
  if (request.method === "GET" && path.startsWith("/words/")) {
    const word = decodeURIComponent(path.slice("/words/".length));
    const known = WORDS.includes(word);
    return answer(response, known ? 200 : 404, { word, known, letters: word.length });
  }
  if (name === "POST /echo") {
    response.writeHead(200, { "content-type": "application/octet-stream" });
    return request.pipe(response);
  }
  if (name === "GET /status") return answer(response, 200, "ok");
  if (name === "GET /headers") return answer(response, 200, request.headers);
  if (name === "GET /fail") return answer(response, 500, { error: "failed, as asked" });
  answer(response, 404, { error: "no such path" });
});

const counter = createServer((_request, response) => {
  answer(response, 200, Object.fromEntries(counts));
});

const port = Number(process.argv[2] ?? 8788);
api.keepAliveTimeout = 60_000;
api.listen(port, "127.0.0.1", () => {
  counter.listen(port + 1, "127.0.0.1", () => console.log(`origin ready on ${port}`));
});
