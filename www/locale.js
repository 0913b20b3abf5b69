/**
 * How the reader's locale writes numbers, money and times.
 *
 * `Intl` formats through floats, so it never sees an amount: it is asked about constants, and its
 * answers are taken apart; the wasm side writes the digits, every one of them. Instants are whole
 * milliseconds, which `Intl` takes as they are.
 */

/** @typedef {import("./pkg/edgemeter.js").NumberStyle} NumberStyle */
/** @typedef {(decimal: string, style: NumberStyle) => string} Write exact digits in a style */

const SAMPLE = -1234567890.5;

/**
 * @param {Intl.LocalesArgument} locale
 * @returns {NumberStyle}
 */
export function numberStyle(locale) {
  const format = new Intl.NumberFormat(locale);
  const parts = format.formatToParts(SAMPLE);
  const sign = (/** @type {string} */ type, /** @type {string} */ absent) =>
    parts.find((part) => part.type === type)?.value ?? absent;
  const integers = parts.filter(({ type }) => type === "integer");
  const groups = integers.map(({ value }) => [...value].length);
  const digit = new Intl.NumberFormat(locale, { useGrouping: false });
  const groupsFourDigits = format.formatToParts(1234).some((part) => part.type === "group");
  const grouped = groups.length > 1;
  return {
    decimal: sign("decimal", "."),
    group: sign("group", ""),
    minus: beforeDigits(parts),
    digits: Array.from({ length: 10 }, (_, value) => digit.format(value)).join(""),
    primary: grouped ? groups[groups.length - 1] : 3,
    secondary: grouped ? groups[groups.length - 2] : 3,
    minimum: groupsFourDigits ? 1 : 2,
  };
}

/** The minus sign with the mark that some scripts set before it. */
function beforeDigits(/** @type {Intl.NumberFormatPart[]} */ parts) {
  return joined(parts.slice(0, firstDigit(parts)));
}

const NUMERIC = new Set(["integer", "group", "decimal", "fraction"]);

const firstDigit = (/** @type {Intl.NumberFormatPart[]} */ parts) =>
  parts.findIndex(({ type }) => type === "integer");

/** A locale whose numbers are read here, not shown. */
const PLAIN = "en-u-ca-iso8601-nu-latn";
const MINUTE_MS = 60_000;

const part = (/** @type {Intl.DateTimeFormatPart[]} */ parts, /** @type {string} */ type) =>
  Number(parts.find((one) => one.type === type)?.value);

const joined = (/** @type {Intl.NumberFormatPart[]} */ parts) =>
  parts.map(({ value }) => value).join("");

/** Texts of one locale, in one time zone. */
export class Format {
  #locale;
  #write;
  /** @type {string | undefined} */ #zone;
  /** @type {Intl.NumberFormat | undefined} */ #about;
  /** @type {Map<string, Intl.DateTimeFormat>} */ #clocks = new Map();
  /** @type {Map<string, {before: string, after: string, minor: number}>} */ #moneys = new Map();
  /** How the locale writes numbers, for the wasm side. */
  style;

  /**
   * @param {string | readonly string[]} locale
   * @param {Write} write
   */
  constructor(locale, write) {
    this.#locale = locale;
    this.#write = write;
    this.style = numberStyle(locale);
  }

  /** The time zone that dates are written in: the reader's own until a contract says another. */
  get zone() {
    return this.#zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  }

  /** A zone that this browser does not know changes nothing. */
  set zone(/** @type {string} */ name) {
    try {
      new Intl.DateTimeFormat("en", { timeZone: name });
    } catch {
      return;
    }
    this.#zone = name;
    this.#clocks.clear();
  }

  /** A decimal with every digit that it has. */
  number(/** @type {string} */ decimal) {
    return this.#write(decimal, this.style);
  }

  /** A count, which JavaScript holds exactly. */
  count(/** @type {number} */ whole) {
    return this.number(`${whole}`);
  }

  /**
   * An amount of money, with all minor digits of its currency and every digit beyond them.
   *
   * @param {string} decimal
   * @param {string} currency ISO 4217
   */
  money(decimal, currency) {
    const negative = decimal.startsWith("-");
    const { before, after, minor } = this.#moneyStyle(currency, negative);
    const [whole, fraction = ""] = (negative ? decimal.slice(1) : decimal).split(".");
    const digits = fraction.replace(/0+$/, "").padEnd(minor, "0");
    return before + this.number(digits ? `${whole}.${digits}` : whole) + after;
  }

  /** How many digits the currency has after its point. */
  minor(/** @type {string} */ currency) {
    return this.#moneyStyle(currency, false).minor;
  }

  /** What stands around the digits of a currency. */
  #moneyStyle(/** @type {string} */ currency, /** @type {boolean} */ negative) {
    const name = negative ? `-${currency}` : currency;
    const known = this.#moneys.get(name);
    if (known) return known;
    const money = new Intl.NumberFormat(this.#locale, { style: "currency", currency });
    const parts = money.formatToParts(negative ? -1 : 1);
    const made = {
      before: joined(parts.slice(0, firstDigit(parts))),
      after: joined(parts.slice(parts.findLastIndex(({ type }) => NUMERIC.has(type)) + 1)),
      minor: money.resolvedOptions().maximumFractionDigits ?? 0,
    };
    this.#moneys.set(name, made);
    return made;
  }

  /** A part of a hundred: "81.67%". */
  percent(/** @type {string} */ decimal) {
    const parts = new Intl.NumberFormat(this.#locale, { style: "percent" }).formatToParts(0.01);
    const after = parts.slice(parts.findLastIndex(({ type }) => NUMERIC.has(type)) + 1);
    return joined(parts.slice(0, firstDigit(parts))) + this.number(decimal) + joined(after);
  }

  /**
   * Days of a calendar: "Nov 1 – 30, 2026".
   *
   * @param {string} first the first one, as 2026-11-01
   * @param {string} until the first one after
   */
  days(first, until) {
    const last = Date.parse(until) - 86_400_000;
    return this.#clock("days", { dateStyle: "medium" }, this.#locale, "UTC")
      .formatRange(Date.parse(first), last);
  }

  /** The day: "Nov 23, 2026". */
  date(/** @type {number} */ millis) {
    return this.#clock("date", { dateStyle: "medium" }).format(millis);
  }

  /** The time of day to the second: "2:03:05 PM". */
  time(/** @type {number} */ millis) {
    return this.#clock("time", { timeStyle: "medium" }).format(millis);
  }

  /** Day and time of day to the minute: "Nov 23, 2026, 2:03 PM". */
  instant(/** @type {number} */ millis) {
    return this.#clock("instant", { dateStyle: "medium", timeStyle: "short" }).format(millis);
  }

  /** How people say an instant to come: "today 14:00", "Thursday 14:00", or the day alone. */
  ahead(/** @type {number} */ millis, /** @type {number} */ now) {
    const days = Math.round((this.#day(millis) - this.#day(now)) / 86_400_000);
    const hour = this.#clock("hour", { hour: "numeric", minute: "2-digit" }).format(millis);
    if (days === 0) return `today ${hour}`;
    if (days === 1) return `tomorrow ${hour}`;
    if (days < 7) return this.weekday(millis);
    return days < 30 ? this.instant(millis) : this.date(millis);
  }

  /** "Thursday 2:00 PM" */
  weekday(/** @type {number} */ millis) {
    /** @type {Intl.DateTimeFormatOptions} */
    const options = { weekday: "long", hour: "numeric", minute: "2-digit" };
    return this.#clock("weekday", options).format(millis);
  }

  /** A length on an axis, in few digits: "1.2K". Never an amount. */
  about(/** @type {number} */ length) {
    this.#about ??= new Intl.NumberFormat(this.#locale, {
      notation: "compact", maximumSignificantDigits: 3,
    });
    return this.#about.format(length);
  }

  /** @param {number} millis @param {Intl.DateTimeFormatOptions} options @returns {string} */
  custom(millis, options) {
    return this.#clock(JSON.stringify(options), options).format(millis);
  }

  /** When the day of an instant began in the zone. */
  midnight(/** @type {number} */ millis) {
    const start = millis - (millis % MINUTE_MS) - this.#minutes(millis) * MINUTE_MS;
    // The clock may have changed since.
    const over = this.#minutes(start);
    return over > 720 ? start + (1440 - over) * MINUTE_MS : start - over * MINUTE_MS;
  }

  /** Minutes of the day that the clock shows. */
  #minutes(/** @type {number} */ millis) {
    /** @type {Intl.DateTimeFormatOptions} */
    const options = { hour: "numeric", minute: "numeric", hourCycle: "h23" };
    const parts = this.#clock("minutes", options, PLAIN).formatToParts(millis);
    return part(parts, "hour") * 60 + part(parts, "minute");
  }

  /** Midnight in UTC of the day that it is in the zone. */
  #day(/** @type {number} */ millis) {
    /** @type {Intl.DateTimeFormatOptions} */
    const options = { year: "numeric", month: "numeric", day: "numeric" };
    const parts = this.#clock("day", options, PLAIN).formatToParts(millis);
    return Date.UTC(part(parts, "year"), part(parts, "month") - 1, part(parts, "day"));
  }

  /**
   * @param {string} name
   * @param {Intl.DateTimeFormatOptions} options
   * @param {string | readonly string[]} [locale]
   * @param {string} [timeZone]
   */
  #clock(name, options, locale = this.#locale, timeZone = this.#zone) {
    const known = this.#clocks.get(name);
    if (known) return known;
    const made = new Intl.DateTimeFormat(locale, { ...options, timeZone });
    this.#clocks.set(name, made);
    return made;
  }
}
