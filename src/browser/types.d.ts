/** How a locale writes numbers: `Intl.NumberFormat`'s answer for a constant, taken apart. */
export interface NumberStyle {
  decimal: string;
  /** Empty where digits are not grouped. */
  group: string;
  minus: string;
  /** The ten digits, zero to nine. */
  digits: string;
  /** Digits of the group beside the point. */
  primary: number;
  /** Digits of every other group. */
  secondary: number;
  /** Digits that must stand before the last group. */
  minimum: number;
}

/** What became of a message; after "gap", ask the account for a resync. */
export type Received = "applied" | "gap" | "waiting";

/** What the balance means for the next call. */
export type Gate = "unfunded" | "open" | "closed";

/** Everything on the page. Amounts are texts in the reader's locale, instants UTC milliseconds. */
export interface View {
  account: string;
  plan: string;
  version: number;
  unit: string;
  at: number;
  /** What the account's clock says now. */
  now: number;
  gate: Gate;
  /** The balance's parts as decimals. */
  exact: Record<"balance" | "available" | "held" | "burned" | "granted" | "expired", string>;
  amounts: Record<"balance" | "available" | "held" | "burned" | "granted" | "expired", string>;
  /** Lengths for drawing, in thousandths of what was granted. */
  shares: Record<"available" | "held" | "burned" | "expired", number>;
  minute: Minute;
  /** Newest first. */
  recent: CallView[];
}

/** The last minute's calls. */
export interface Minute {
  calls: string;
  credits: string;
  peak: number;
  /** Sixty, oldest first; the last is the current second. */
  seconds: SecondView[];
}

/** One second of the chart and its table. */
export interface SecondView {
  at: number;
  calls: number;
  calls_text: string;
  credits: string;
}

/** One call of the list. */
export interface CallView {
  operation: string;
  at: number;
  route: string;
  key: string;
  cost: string;
  /** 0 while it is not known. */
  status: number;
}
