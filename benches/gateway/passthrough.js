/** The limit: a Worker that does nothing but forward. */
export default {
  fetch(request, env) {
    return env.ORIGIN.fetch(request);
  },
};
