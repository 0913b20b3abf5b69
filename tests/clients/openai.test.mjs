/** The unmodified `openai` from npm: what its caller sees, and what the account is charged. */
import { everyCall } from "./each.mjs";

everyCall(["chat", "responses"]);
