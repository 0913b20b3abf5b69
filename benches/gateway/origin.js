/** The API behind all three contenders: a small answer from memory, and a count of those given. */
let served = 0;

export default {
  fetch(request) {
    if (request.url.endsWith("/served")) return Response.json(served);
    served += 1;
    return Response.json({ words: ["amber", "basalt", "cedar"] });
  },
};
