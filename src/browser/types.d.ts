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
export type Gate = "unfunded" | "open" | "grace" | "overage" | "restricted" | "closed";

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
  zero: ZeroView;
  minute: Minute;
  /** The last minute's calls, the dearest first; all others, without a name, last. */
  by_route: TallyView[];
  by_key: TallyView[];
  /** In burn order. */
  grants: GrantView[];
  more_grants: { count: number; left: string } | null;
  /** How long the credits last, at the rate of each span that is known. */
  runways: RunwayView[];
  /** Newest first. */
  recent: CallView[];
}

/** What happens past the last credit. */
export interface ZeroView {
  rule: "block" | "grace" | "overage" | "restrict";
  /** Credits used past zero, if there are any. */
  used: string | null;
  /** Credits that may still be; without end if null. */
  left: string | null;
  /** Where credits are bought. Not to be trusted as an address. */
  topup_url: string | null;
}

/** Calls of one route or one key. */
export interface TallyView {
  name: string | null;
  calls: string;
  credits: string;
  per_call: string;
  /** Thousandths of all credits. */
  share: number;
}

/** A grant that has something left. */
export interface GrantView {
  id: string;
  kind: "paid" | "included" | "promotional";
  given: string;
  left: string;
  /** What is left, in thousandths of what was given. */
  share: number;
  /** Whether it burns next. */
  burns: boolean;
  starts_at: number;
  ends_at: number | null;
  again_at: number | null;
}

/** How long the credits last at the rate of one span. */
export interface RunwayView {
  over: "minute" | "lately" | "today";
  since: number;
  credits: string;
  per_second: string;
  /** When they are used up; not in a hundred years if null. */
  until: number | null;
  /** The last ones end unspent. */
  unspent: boolean;
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
