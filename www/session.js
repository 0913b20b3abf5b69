/**
 * Which account the full page shows, and the token that opens it.
 *
 *   /edgemeter/#account=<id>&token=<portal token>&view=<view>
 *
 * A fragment never leaves the browser, so the token reaches no log on the way; it is taken out of
 * the address bar at once, so that it is in no screenshot and no bookmark, and kept for this tab
 * only, so that a reload works; in a browser that keeps nothing, the link is opened once more.
 * Afterwards the fragment names the view: #usage.
 */

const KEY = "edgemeter.session";
const ACCOUNT = /^[a-z0-9-]{1,40}$/;
/** What may stand in a subprotocol's name, and is in tokens. */
const TOKEN = /^[A-Za-z0-9._~-]{1,1024}$/;
/** pt_<mode>_<account>_<end in seconds>_<mac> */
const PORTAL_TOKEN = /^pt_[a-z]+_[a-z0-9-]+_([0-9]{1,12})_/;

/** @typedef {{account: string, token: string}} Session */

/** @returns {Session | undefined} from the address, else from this tab's storage */
export function takeSession() {
  const fields = fragment();
  const session = fromFields(fields);
  if (fields.has("token") || fields.has("account")) {
    const view = fields.get("view");
    history.replaceState(null, "", location.pathname + location.search + (view ? `#${view}` : ""));
  }
  if (session) keepSession(session);
  return session ?? stored();
}

/** Keeps what the link or a renewal gave. */
export function keepSession(/** @type {Session} */ session) {
  storage((tab) => tab.setItem(KEY, JSON.stringify(session)));
}

/** Forgets the token: it has ended. */
export function forgetSession() {
  storage((tab) => tab.removeItem(KEY));
}

/** Whether the address holds a link to an account, pasted into the running page. */
export function hasNewLink() {
  return fromFields(fragment()) !== undefined;
}

/** The view that the address names; "" if there is none, or nobody can read it. */
export function namedView() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

/** Whether an account can have this name and a token look like that. */
export function isSession(/** @type {string} */ account, /** @type {string} */ token) {
  return ACCOUNT.test(account) && TOKEN.test(token);
}

/** When a portal token ends, in ms; nothing for a token that does not say so. */
export function tokenEnd(/** @type {string} */ token) {
  const end = PORTAL_TOKEN.exec(token)?.[1];
  return end === undefined ? undefined : Number(end) * 1000;
}

const fragment = () => new URLSearchParams(location.hash.slice(1));

function fromFields(/** @type {URLSearchParams} */ fields) {
  const account = fields.get("account") ?? "";
  const token = fields.get("token") ?? "";
  return isSession(account, token) ? { account, token } : undefined;
}

/** @returns {Session | undefined} */
const stored = () => storage((tab) => JSON.parse(tab.getItem(KEY) ?? "null") ?? undefined);

/**
 * @template Found
 * @param {(tab: Storage) => Found} use
 * @returns {Found | undefined} nothing in a browser that keeps nothing
 */
function storage(use) {
  try {
    return use(sessionStorage);
  } catch {
    return undefined; // blocked or full: the link still opens the account, a reload does not
  }
}
