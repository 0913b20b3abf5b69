/** An API that takes some time over its small answer, as a real one does. */
const MS = 10;

export default {
  async fetch() {
    await scheduler.wait(MS);
    return Response.json({ words: ["amber", "basalt", "cedar"] });
  },
};
