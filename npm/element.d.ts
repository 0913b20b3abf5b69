/**
 * `<edge-meter>`, for TypeScript. Importing the package defines the element.
 *
 * Amounts are exact decimals as texts, instants UTC milliseconds.
 */

export type ViewName = "now" | "usage" | "invoice" | "what-if" | "check";

export type StateName =
  /** Nothing has come yet. */
  | "connecting"
  /** What is shown is what the account says, less than a second old. */
  | "live"
  /** The connection is lost, and tried again. */
  | "reconnecting"
  | "offline"
  /** The token has ended: set another one. */
  | "expired"
  /** The gateway does not list the origin of this page. */
  | "unlisted"
  /** No account or no token is set. */
  | "unopened"
  /** Something that cannot be right came, and is not shown. */
  | "broken";

export type GateName =
  /** No credits were ever granted: calls are refused. */
  | "unfunded"
  | "open"
  /** Nothing is left, and calls pass: owed, and paid by the next credits; */
  | "grace"
  /** onto the invoice; */
  | "overage"
  /** free, but with less of a service. */
  | "restricted"
  /** Nothing is left: calls are refused. */
  | "closed";

/** What `event.detail` is, by the event's name. */
export interface EdgeMeterDetails {
  /** The first numbers are shown. */
  "edge-meter-ready": { account: string };
  "edge-meter-state": { state: StateName };
  /** `text` is the balance as the locale writes it. */
  "edge-meter-balance": {
    balance: string;
    available: string;
    unit: string;
    gate: GateName;
    text: string;
  };
  /** The reader chose another view. */
  "edge-meter-view": { view: string };
  /** The token ends in a minute or less: give `renew` another one of this account. */
  "edge-meter-token-expiring": { expires_at: number; renew: (token: string) => void };
  "edge-meter-error": { code: string; detail: string };
}

export type EdgeMeterEvents = {
  [Name in keyof EdgeMeterDetails]: CustomEvent<EdgeMeterDetails[Name]>;
};

/** Each property is an attribute as well; the token is better set as a property. */
export class EdgeMeter extends HTMLElement {
  /** The gateway's base address; by default, where this module was loaded from. */
  source: string;
  account: string;
  /** A portal token of the account. */
  token: string;
  /** How numbers and dates are written, as "de-DE"; by default, as the reader's browser says. */
  locale: string;
  view: ViewName;

  addEventListener<Name extends keyof EdgeMeterEvents>(
    type: Name,
    listener: (this: EdgeMeter, event: EdgeMeterEvents[Name]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "edge-meter": EdgeMeter;
  }
}
