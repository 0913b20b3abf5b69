//! What the page shows, as texts in the reader's locale and small integers for its drawings.
//!
//! ```text
//! Feed, now, NumberStyle ──▶ View { gate, amounts, shares, minute { 60 seconds }, recent }
//! ```
//!
//! Amounts leave as texts, because the page has nothing to compute from them. Shares and peaks
//! leave as integers: they are lengths on the screen, and say so.
//!
//! Invariants (tested below): the minute's totals are the sums of the seconds shown; a part of the
//! balance that is not zero has a share that is not zero.

use rust_decimal::Decimal;
use serde::Serialize;

use super::message::{Balance, Call, Second};
use super::style::NumberStyle;
use super::{Feed, WINDOW_SECONDS};
use crate::units::{Credits, Inexact, Timestamp};

/// A share of the whole bar.
const SHARE_WHOLE: i128 = 1000;

/// Everything on the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View<'a> {
    /// The account's id.
    pub account: &'a str,
    /// The plan's id.
    pub plan: &'a str,
    /// The plan's version.
    pub version: u32,
    /// What the plan counts in.
    pub unit: &'a str,
    /// When the account said all this.
    pub at: Timestamp,
    /// What the account's clock says now.
    pub now: Timestamp,
    /// Whether calls pass.
    pub gate: Gate,
    /// The balance as decimals.
    pub exact: Balance,
    /// The balance as texts.
    pub amounts: Amounts,
    /// The balance as lengths.
    pub shares: Shares,
    /// The last minute.
    pub minute: Minute,
    /// The newest calls, newest first.
    pub recent: Vec<CallView<'a>>,
}

/// What the balance means for the next call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// Nothing has ever been granted: nothing can pass.
    Unfunded,
    /// Credits are left.
    Open,
    /// None are left.
    Closed,
}

/// The balance's parts, each as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Amounts {
    /// What is left: available and held.
    pub balance: String,
    /// Free to be spent.
    pub available: String,
    /// Set aside.
    pub held: String,
    /// Spent.
    pub burned: String,
    /// Ever granted.
    pub granted: String,
    /// Ended unspent.
    pub expired: String,
}

/// Lengths of the balance's parts, in thousandths of what was granted, cut off to whole ones; at
/// least one for a part above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shares {
    /// Free to be spent.
    pub available: u16,
    /// Set aside.
    pub held: u16,
    /// Spent.
    pub burned: u16,
    /// Ended unspent.
    pub expired: u16,
}

/// The last minute's calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Minute {
    /// All calls, as text.
    pub calls: String,
    /// All credits they burned, as text.
    pub credits: String,
    /// Most calls in one second.
    pub peak: u32,
    /// [`WINDOW_SECONDS`] entries, oldest first; the last is the current second.
    pub seconds: Vec<SecondView>,
}

/// One second of the chart and its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecondView {
    /// When it begins.
    pub at: Timestamp,
    /// Calls, for the bar.
    pub calls: u32,
    /// Calls, as text.
    pub calls_text: String,
    /// Credits burned, as text.
    pub credits: String,
}

/// One call of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CallView<'a> {
    /// The operation's id.
    pub operation: &'a str,
    /// When it was charged.
    pub at: Timestamp,
    /// The plan's route.
    pub route: &'a str,
    /// The key that made it.
    pub key: &'a str,
    /// Credits, as text.
    pub cost: String,
    /// The origin's HTTP status; 0 while it is not known.
    pub status: u16,
}

impl Feed {
    /// What to show when the page's clock says `now`; nothing before the first snapshot.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if the credits of a minute leave the range of credits.
    pub fn view(&self, now: Timestamp, style: &NumberStyle) -> Result<Option<View<'_>>, Inexact> {
        let Some(latest) = self.latest() else { return Ok(None) };
        let seconds = self.window(now);
        Ok(Some(View {
            account: latest.account.as_str(),
            plan: latest.plan.id.as_str(),
            version: latest.plan.version,
            unit: &latest.unit,
            at: latest.at,
            now: self.clock(now),
            gate: gate(&latest.balance),
            exact: latest.balance,
            amounts: amounts(&latest.balance, style),
            shares: shares(&latest.balance),
            minute: minute(&seconds, style)?,
            recent: latest.recent.iter().map(|call| call_view(call, style)).collect(),
        }))
    }

    /// The seconds to show, oldest first, silent ones included.
    fn window(&self, now: Timestamp) -> Vec<Second> {
        let end = self.current_second(now);
        (0..i64::from(WINDOW_SECONDS))
            .rev()
            .map(|ago| end.saturating_sub(ago))
            .map(|second| {
                let silent = Second { second, calls: 0, credits: Credits::ZERO };
                self.second(second).unwrap_or(silent)
            })
            .collect()
    }
}

fn gate(balance: &Balance) -> Gate {
    if balance.granted.is_zero() {
        Gate::Unfunded
    } else if balance.balance.is_zero() || balance.balance.is_negative() {
        Gate::Closed
    } else {
        Gate::Open
    }
}

fn amounts(balance: &Balance, style: &NumberStyle) -> Amounts {
    let text = |credits: Credits| style.write(credits.get());
    Amounts {
        balance: text(balance.balance),
        available: text(balance.available),
        held: text(balance.held),
        burned: text(balance.burned),
        granted: text(balance.granted),
        expired: text(balance.expired),
    }
}

fn shares(balance: &Balance) -> Shares {
    let of = |part: Credits| share(part, balance.granted);
    Shares {
        available: of(balance.available),
        held: of(balance.held),
        burned: of(balance.burned),
        expired: of(balance.expired),
    }
}

/// Thousandths of `whole` in `part`: 0 → 0, 0.0001 of 1 → 1, 0.5 of 1 → 500, 2 of 1 → 1000.
fn share(part: Credits, whole: Credits) -> u16 {
    if part.is_zero() || part.is_negative() {
        return 0;
    }
    // At one scale, 28 digits each: the product stays far below an i128.
    let scaled = |credits: Credits| {
        let mut value = credits.get();
        value.rescale(crate::units::SCALE_MAX);
        value.mantissa()
    };
    let thousandths = scaled(part).saturating_mul(SHARE_WHOLE).checked_div(scaled(whole));
    let shown = thousandths.unwrap_or(SHARE_WHOLE).clamp(1, SHARE_WHOLE);
    u16::try_from(shown).unwrap_or(1)
}

fn minute(seconds: &[Second], style: &NumberStyle) -> Result<Minute, Inexact> {
    let calls: u64 = seconds.iter().map(|second| u64::from(second.calls)).sum();
    let credits = Credits::sum(seconds.iter().map(|second| second.credits))?;
    let second_view = |second: &Second| SecondView {
        at: Timestamp::from_millis(second.second.saturating_mul(1000)),
        calls: second.calls,
        calls_text: style.write(Decimal::from(second.calls)),
        credits: style.write(second.credits.get()),
    };
    Ok(Minute {
        calls: style.write(Decimal::from(calls)),
        credits: style.write(credits.get()),
        peak: seconds.iter().map(|second| second.calls).max().unwrap_or(0),
        seconds: seconds.iter().map(second_view).collect(),
    })
}

fn call_view<'a>(call: &'a Call, style: &NumberStyle) -> CallView<'a> {
    CallView {
        operation: &call.operation,
        at: call.at,
        route: &call.route,
        key: &call.key,
        cost: style.write(call.cost.get()),
        status: call.status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn style() -> NumberStyle {
        serde_json::from_value(json!({
            "decimal": ",", "group": ".", "minus": "-", "digits": "0123456789",
            "primary": 3, "secondary": 3, "minimum": 1,
        }))
        .unwrap()
    }

    /// A feed told at the account's second 1000 by a page whose clock says 400.
    fn feed(balance: [&str; 6], calls: serde_json::Value) -> Feed {
        let [available, held, burned, granted, expired, left] = balance;
        let message = json!({
            "type": "snapshot", "seq": 1, "at": 1_000_250, "account": "demo",
            "plan": {"id": "starter", "version": 1}, "unit": "credits",
            "balance": {"available": available, "held": held, "burned": burned,
                        "granted": granted, "expired": expired, "balance": left},
            "calls": calls,
            "recent": [{"operation": "op1", "at": 1_000_100, "route": "GET /words", "key": "k1",
                        "cost": "1234.5", "status": 200}],
        });
        let mut feed = Feed::new("demo".parse().unwrap());
        feed.receive(&message.to_string(), Timestamp::from_millis(400_000)).unwrap();
        feed
    }

    const FUNDED: [&str; 6] = ["4990", "5", "5", "5000", "0", "4995"];

    #[test]
    fn nothing_is_shown_before_the_first_snapshot() {
        let feed = Feed::new("demo".parse().unwrap());
        assert_eq!(feed.view(Timestamp::default(), &style()), Ok(None));
    }

    #[test]
    fn the_gate_and_the_lengths_follow_the_balance() {
        let shares = |available, held, burned, expired| Shares { available, held, burned, expired };
        for (balance, gate, lengths) in [
            (["0", "0", "0", "0", "0", "0"], Gate::Unfunded, shares(0, 0, 0, 0)),
            (FUNDED, Gate::Open, shares(998, 1, 1, 0)),
            (["0", "0.2", "4.8", "5", "0", "0.2"], Gate::Open, shares(0, 40, 960, 0)),
            (["0", "0", "3", "5", "2", "0"], Gate::Closed, shares(0, 0, 600, 400)),
            (["-2", "0", "7", "5", "0", "-2"], Gate::Closed, shares(0, 0, 1000, 0)),
            (
                [
                    "9999999999999998",
                    "0.999999999999",
                    "0.000000000001",
                    "9999999999999999",
                    "0",
                    "9999999999999998.999999999999",
                ],
                Gate::Open,
                shares(999, 1, 1, 0),
            ),
        ] {
            let feed = feed(balance, json!([]));
            let style = style();
            let view = feed.view(Timestamp::default(), &style).unwrap().unwrap();
            assert_eq!((view.gate, view.shares), (gate, lengths), "balance: {balance:?}");
        }
    }

    #[test]
    fn the_minute_runs_on_the_accounts_clock_and_adds_up() {
        let calls = json!([[940, 9, "9"], [941, 2, "0.6"], [1000, 1500, "0.000000000001"]]);
        let (feed, style) = (feed(FUNDED, calls), style());
        for (page_clock_ms, calls, credits, peak) in [
            (399_000, "1.502", "0,600000000001", 1500), // set back: the newest message counts
            (400_000, "1.502", "0,600000000001", 1500), // 941 is the oldest of the 60 shown
            (401_000, "1.500", "0,000000000001", 1500),
            (459_700, "1.500", "0,000000000001", 1500),
            (459_800, "0", "0", 0),
        ] {
            let now = Timestamp::from_millis(page_clock_ms);
            let minute = feed.view(now, &style).unwrap().unwrap().minute;
            let told = (minute.calls.as_str(), minute.credits.as_str(), minute.peak);
            assert_eq!(told, (calls, credits, peak), "page clock: {page_clock_ms}");
            assert_eq!(minute.seconds.len(), 60);
        }
    }

    #[test]
    fn amounts_leave_as_the_reader_writes_them() {
        let (feed, style) = (feed(FUNDED, json!([[1000, 1, "1"]])), style());
        let view = feed.view(Timestamp::from_millis(400_000), &style).unwrap().unwrap();
        assert_eq!(view.amounts.balance, "4.995");
        assert_eq!(view.recent[0].cost, "1.234,5");
        assert_eq!(view.minute.seconds[59].at, Timestamp::from_millis(1_000_000));
    }

    #[test]
    fn a_minute_beyond_the_range_of_credits_is_an_error() {
        let most = "9999999999999999";
        let feed = feed(FUNDED, json!([[999, 1, most], [1000, 1, most]]));
        assert_eq!(feed.view(Timestamp::from_millis(400_000), &style()), Err(Inexact));
    }
}
