/**
 * Which account the page shows, and the token that opens it.
 *
 *   /edgemeter/#account=<id>&token=<portal token>
 *
 * A fragment never leaves the browser, so the token reaches no log on the way; it is taken out of
 * the address bar at once, so that it is in no screenshot and no bookmark, and kept for this tab
 * only, so that a reload works.
 */

const KEY = "edgemeter.session";
const ACCOUNT = /^[a-z0-9-]{1,40}$/;
/** What may stand in a subprotocol's name, and is in tokens. */
const TOKEN = /^[A-Za-z0-9._~-]{1,1024}$/;

/** @typedef {{account: string, token: string}} Session */

/** @returns {Session | undefined} from the address, else from this tab's storage */
export function takeSession() {
  const session = fromAddress();
  if (location.hash) history.replaceState(null, "", location.pathname + location.search);
  if (session) sessionStorage.setItem(KEY, JSON.stringify(session));
  return session ?? stored();
}

/** Forgets the token: it has ended. */
export function forgetSession() {
  sessionStorage.removeItem(KEY);
}

/** Opens the session of a link that is pasted into the running page. */
export function followNewLinks() {
  addEventListener("hashchange", () => {
    if (fromAddress()) location.reload();
  });
}

function fromAddress() {
  const fields = new URLSearchParams(location.hash.slice(1));
  const account = fields.get("account") ?? "";
  const token = fields.get("token") ?? "";
  return ACCOUNT.test(account) && TOKEN.test(token) ? { account, token } : undefined;
}

function stored() {
  const text = sessionStorage.getItem(KEY);
  return text ? JSON.parse(text) : undefined;
}
