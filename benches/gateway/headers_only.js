/**
 * What every gateway must do that takes a key off and answers for what it did, and nothing else:
 * the request's headers are copied, one is removed and two are set, four are set on the answer.
 * There is no key, no price and no credit behind them: the most that a metering Worker can reach.
 */
const OPERATION = "0123456789abcdef.1l1.";
const POLICY = '"credits";q=1000000000;qu="credits"';
let left = 1_000_000_000;

export default {
  async fetch(request, env) {
    left -= 1;
    const headers = new Headers(request.headers);
    headers.delete("x-api-key");
    headers.set("edgemeter-account", "bench");
    headers.set("edgemeter-operation", OPERATION + left);
    const { method, url } = request;
    const response = await env.ORIGIN.fetch(url, { method, headers, redirect: "manual" });
    const answer = new Response(response.body, response);
    const put = answer.headers;
    put.set("edgemeter-cost", "1");
    put.set("edgemeter-operation", OPERATION + left);
    put.set("ratelimit-policy", POLICY);
    put.set("ratelimit", `"credits";r=${left}`);
    return answer;
  },
};
