/** A decimal as text: exact, never a float. */
export type Decimal = string;

/** What went wrong, thrown by every function here: `code` is stable, the message is for people. */
export interface CoreError extends Error {
  code: string;
}

/** `[start, end)`, UTC milliseconds. */
export interface Span {
  start: number;
  end: number;
}

/** What was used of one charge. */
export type Usage =
  | { total: Decimal }
  /** By the window's start, UTC milliseconds. */
  | { windows: Record<string, Decimal> }
  | { combinations: [Record<string, string>, Decimal][] }
  | {
      events: {
        value: Decimal;
        events: number;
        free_value: Decimal;
        free_events: number;
        raised: Decimal;
        cut: Decimal;
      };
    };

export type GrantKind = "promotional" | "included" | "paid";

/** `GET …/statement`: everything that the period's invoice is a function of. */
export interface StatementJson {
  account: string;
  at: number;
  contract: {
    id: string;
    from: string;
    zone: { name: string; offset: number; changes?: [number, number][] };
  };
  period: { index: number; first: string; until: string; start: number; end: number };
  stretches: {
    from: number;
    until: number;
    plan: { id: string; version: number; name: string; currency: string | null } & Record<
      string,
      unknown
    >;
    usage: Record<string, Usage>;
    seats: Record<string, Decimal>;
    covered: Decimal;
  }[];
  grants: {
    id: string;
    kind: GrantKind;
    priority: number;
    amount: Decimal;
    left: Decimal;
    burned: Decimal;
    effective_at: number;
    expires_at?: number;
    of_plan?: string;
  }[];
  billed_ahead: {
    id: string;
    name: string;
    plan: string;
    version: number;
    service: Span;
    amount: Decimal;
    credits?: Decimal;
  }[];
  /** Index of the period whose fees in advance the invoice bills. */
  ahead?: number;
  payments: { id: string; amount: Decimal }[];
  balance: Record<string, Decimal>;
  journal: { after: number; terms: number; rows: number; hash: string };
}

/** One step of an explanation; `formula` is arithmetic on the numbers it shows. */
export interface Step {
  /** An adjustment, a model, `tier`, `window` or `combination`. */
  rule: string;
  /** What it applied to: the tier's range, the combination, the window's start. */
  about: string;
  formula: string;
  result: Decimal;
  parts: Step[];
}

/** How an amount came about. */
export interface Explanation {
  charge: string;
  unit: "credits" | "currency";
  currency: string | null;
  steps: Step[];
  amount: Decimal;
  /** On the invoice, if it is in currency. */
  rounded: Decimal | null;
  /** What the rounding added. */
  residue: Decimal | null;
}

export type LineKind = "usage" | "fee" | "fee_ahead" | "fee_correction" | "overage" | "true_up";

/** A discount's or a tax's part. */
export interface Share {
  id: string;
  amount: Decimal;
}

/** One line of an invoice. */
export interface Line {
  id: string;
  kind: LineKind;
  name: string;
  plan: string;
  version: number;
  service: Span;
  quantity?: Decimal;
  credits?: Decimal;
  formula?: string;
  explanation?: Explanation;
  amount: Decimal;
  discounts: Share[];
  net: Decimal;
  taxes: Share[];
  total: Decimal;
  paid_by_credits: Decimal;
}

export interface Totals {
  subtotal: Decimal;
  discounts: Share[];
  discount: Decimal;
  net: Decimal;
  taxes: Share[];
  tax: Decimal;
  total: Decimal;
  credits: Decimal[];
  credits_applied: Decimal;
  due: Decimal;
}

export interface Period {
  index: number;
  first: string;
  until: string;
  window: Span;
}

export interface Invoice {
  id: { contract: string; closes: number | null; opens: number | null };
  account: string;
  zone: string;
  currency: string;
  period: Period | null;
  ahead: Period | null;
  lines: Line[];
  credit_ids: string[];
  totals: Totals;
  credits: { used: Decimal; covered: Decimal; overage: Decimal };
  status: { state: "draft" | "finalized" | "paid" | "void"; at?: number };
}

/** An invoice and where every digit of it comes from. */
export interface Bill {
  /** Null if the period has none: `no_invoice` says why. */
  invoice: Invoice | null;
  no_invoice?: { code: string; message: string };
  /** By stretch, in the plan's order. */
  charges: {
    stretch: number;
    charge: string;
    usage: Usage;
    /** What the use costs while the period goes on. */
    running: Decimal;
    /** What it costs more because the period ends. */
    closing: Decimal;
    explanation: Explanation;
  }[];
  /** In burn order. */
  grants: {
    id: string;
    burned: Decimal;
    left: Decimal;
    /** The first rule of the burn order by which it differs from the grant before it. */
    why: {
      rule: "first" | "priority" | "expiry" | "kind" | "effective_at" | "id";
      after?: string;
    };
  }[];
}

/** What is to be otherwise; what is left out stays as it is. */
export interface Scenario {
  /** A plan's JSON, for the whole period. Checked once for each text. */
  plan?: string;
  /** Charge → how many times as much of it is used. */
  factors?: Record<string, Decimal>;
  /** The same for every other charge; "1" if it is left out. */
  all?: Decimal;
  /** What the period costs at least; "0" takes the commit away. */
  commit?: Decimal;
  /** The use of the whole period, if it goes on as it did until then (milliseconds). */
  projected?: number;
}

/** What the period would cost under a plan. */
export interface Side {
  plan: { id: string; version: number; name: string };
  /** Null if the plan knows credits only; its sums are null then, and its lines have no amount. */
  currency: string | null;
  lines: {
    id: string;
    kind: LineKind;
    name: string;
    quantity?: Decimal;
    credits?: Decimal;
    /** Before discounts and taxes. */
    amount?: Decimal;
    /** In the line's unit: credits, or the currency. Rounded half up to 12 places. */
    unit_price?: Decimal;
  }[];
  totals: Totals | null;
  credits: {
    used: Decimal;
    covered: Decimal;
    overage: Decimal;
    /** To be bought so that nothing is refused. */
    needed: Decimal;
    free: Decimal;
    bought: Decimal;
  };
  /**
   * Before tax, with the value of bought credits; null without a currency, or if nothing says what
   * a credit is worth.
   */
  spend: Decimal | null;
}

/** The same use under today's plan and otherwise. */
export interface Outcome {
  today: Side;
  other: Side;
  /** What the other costs more, before tax. */
  difference: Decimal | null;
  /** Charges of today whose use the other plan has no price for. */
  unpriced: string[];
  /** Charges of the other plan of which today's plan counts nothing. */
  unmeasured: string[];
}

export type Model = "metered" | "credits" | "access" | "hybrid";

export type ReasonCode =
  | "spread_wide"
  | "spread_very_wide"
  | "spread_narrow"
  | "spike_costs"
  | "spike_is_flat"
  | "commit_used"
  | "commit_unused"
  | "fees_lead"
  | "many_prices"
  | "credits_burned"
  | "credits_idle";

/** Which pricing model fits this use, and why. */
export interface Fit {
  recommended: Model;
  models: { model: Model; points: number }[];
  /** `value`: a ratio, a percentage or a count; `bound`: what it reaches, or stays under. */
  reasons: { code: ReasonCode; model: Model; points: number; value: Decimal; bound: Decimal }[];
  /** Of the days that saw use; null if they were not given. */
  spread: { heaviest: Decimal; lightest: Decimal; times: Decimal } | null;
  /** Today's plan, then the others. `problem`: why it has no costs. */
  plans: {
    plan: { id: string; version: number; name: string };
    model: Model;
    costs: {
      /** Credits if the plan knows nothing else. */
      unit: "credits" | "currency";
      /** With this use; with a tenth; with ten times of it. */
      spend: Decimal;
      tenth: Decimal;
      spike: Decimal;
      /** Credits to be bought for ten times the use. */
      spike_needs: Decimal;
    } | null;
    problem: string | null;
  }[];
}
