/** The unmodified `@anthropic-ai/sdk` from npm: what its caller sees, and what is charged. */
import { everyCall } from "./each.mjs";

everyCall(["messages"]);
