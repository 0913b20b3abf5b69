/** A row of the journal that the customer saw before. */
export interface Seen {
  row: number;
  /** 64 hex digits. */
  hash: string;
}

/** Something that does not hold. */
export interface Finding {
  /** Stable: `row_changed`, `cost_differs`, … */
  code: string;
  /** The journal's row; none if it is about the statement or the bill. */
  row?: number;
  /** The operation, event or correction. */
  operation?: string;
  /** A sentence for people. */
  message: string;
}

/** How far a check is. */
export interface CheckProgress {
  /** Rows read. */
  rows: number;
  /** The last row, by the statement. */
  of: number;
  /** Operations rated again. */
  operations: number;
  /** The first thing that does not hold. */
  finding?: Finding;
}

/** What a check came to. */
export interface Verdict {
  clean: boolean;
  /** In the order in which they were found; 20 of a kind at most. */
  findings: Finding[];
  /** How many more there are. */
  more: number;
  account: string;
  /** The first and the last row that were read. */
  first: number;
  last: number;
  /** The last one's hash: to keep, and to give as `seen` next time. */
  hash: string;
  rows: number;
  operations: number;
  /** Operations whose bill is an earlier one: who paid was checked, not what they cost. */
  earlier: number;
  /** Credits that they were charged. */
  unrated: string;
  refunds: number;
  grants: number;
  stretches: number;
  /** The invoice's total, if the plan has a currency. */
  total?: string;
  currency?: string;
  /** Whether a bill was compared. */
  billed: boolean;
  /** Whether the row that was seen before was found again. */
  seen: boolean;
}
