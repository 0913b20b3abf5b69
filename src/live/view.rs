//! What the page shows, as texts in the reader's locale and small integers for its drawings.
//!
//! ```text
//! Feed, now, NumberStyle ──▶ View { gate, amounts, shares, minute { 60 seconds }, by_route, by_key,
//!                                   grants, runways, recent }
//! ```
//!
//! Amounts leave as texts, because the page has nothing to compute from them. Shares and peaks
//! leave as integers: they are lengths on the screen, and say so.
//!
//! Invariants (tested below): the minute's totals are the sums of the seconds shown; a part of the
//! balance that is not zero has a share that is not zero.

use serde::Serialize;

use super::kept::Kept;
use super::message::{Balance, Call, Message, Span, Zero, ZeroRule};
use super::minute::{Minute, minute};
use super::spending::{self, GrantView, MoreGrantsView, RunwayView, TallyView, ZeroView};
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
    /// What happens past the last credit.
    pub zero: ZeroView<'a>,
    /// The last minute.
    pub minute: Minute,
    /// The last minute's calls by route, the dearest first.
    pub by_route: Vec<TallyView>,
    /// The last minute's calls by key, the dearest first.
    pub by_key: Vec<TallyView>,
    /// What has something left, in burn order.
    pub grants: Vec<GrantView<'a>>,
    /// What those beyond the list have, if there are any.
    pub more_grants: Option<MoreGrantsView>,
    /// How long the credits last, at the rate of each span that is known.
    pub runways: Vec<RunwayView>,
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
    /// None are left, and calls pass for a while: the next credits pay for them.
    Grace,
    /// None are left, and calls pass onto the invoice.
    Overage,
    /// None are left, and calls pass degraded.
    Restricted,
    /// None are left, and calls are refused.
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
        let last = self.current_second(now);
        let window = || self.window(last).filter_map(|(_, kept)| kept);
        let minute = minute(self.window(last), style)?;
        Ok(Some(View {
            account: latest.account.as_str(),
            plan: latest.plan.id.as_str(),
            version: latest.plan.version,
            unit: &latest.unit,
            at: latest.at,
            now: self.clock(now),
            gate: gate(&latest.balance, &latest.zero),
            exact: latest.balance,
            amounts: amounts(&latest.balance, style),
            shares: shares(&latest.balance),
            zero: spending::zero(&latest.zero, style),
            by_route: spending::tallies(window(), |kept| &kept.routes, style)?,
            by_key: spending::tallies(window(), |kept| &kept.keys, style)?,
            grants: spending::grants(latest, self.clock(now), style),
            more_grants: latest.more_grants.as_ref().map(|more| spending::more_grants(more, style)),
            runways: self.runways(latest, last, self.clock(now), style)?,
            minute,
            recent: latest.recent.iter().map(|call| call_view(call, style)).collect(),
        }))
    }

    /// The seconds to show, oldest first; nothing for those without calls.
    fn window(&self, last: i64) -> impl Iterator<Item = (i64, Option<&Kept>)> {
        let seconds = (0..i64::from(WINDOW_SECONDS)).rev();
        seconds.map(move |ago| last.saturating_sub(ago)).map(|at| (at, self.second(at)))
    }

    /// At the rate of the last minute; of the last ten, if more than one is known; of today.
    fn runways(
        &self,
        latest: &Message,
        last: i64,
        now: Timestamp,
        style: &NumberStyle,
    ) -> Result<Vec<RunwayView>, Inexact> {
        let kept = self.window(last).filter_map(|(_, kept)| kept);
        let first = last.saturating_sub(i64::from(WINDOW_SECONDS).saturating_sub(1));
        let minute = Span {
            since: Timestamp::from_millis(first.saturating_mul(1000)),
            credits: Credits::sum(kept.map(|kept| kept.credits))?,
        };
        let lately = Some(latest.lately).filter(|lately| lately.since < minute.since);
        let spans = [
            Some(("minute", minute, now)),
            lately.map(|span| ("lately", span, now)),
            self.told_today().map(|(span, until)| ("today", span, until)),
        ];
        let lasts = |(over, span, until)| spending::lasts(over, latest, span, until, now, style);
        Ok(spans.into_iter().flatten().map(lasts).collect())
    }
}

fn gate(balance: &Balance, zero: &Zero) -> Gate {
    let spent = balance.balance.is_zero() || balance.balance.is_negative();
    let none_beyond = zero.left.is_some_and(|left| left.is_zero());
    match zero.rule {
        _ if !spent => Gate::Open,
        ZeroRule::Restrict => Gate::Restricted,
        ZeroRule::Grace if !none_beyond => Gate::Grace,
        ZeroRule::Overage if !none_beyond => Gate::Overage,
        _ if balance.granted.is_zero() => Gate::Unfunded,
        _ => Gate::Closed,
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
pub(super) fn share(part: Credits, whole: Credits) -> u16 {
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

    /// One second's calls, all of one route and one key.
    fn second(second: i64, calls: u32, credits: &str) -> serde_json::Value {
        json!([second, calls, credits, [[0, calls, credits]], [[0, calls, credits]]])
    }

    /// A feed told at the account's second 1000 by a page whose clock says 400.
    fn feed(balance: [&str; 6], calls: serde_json::Value) -> Feed {
        let [available, held, burned, granted, expired, left] = balance;
        let message = json!({
            "type": "snapshot", "seq": 1, "at": 1_000_250, "account": "demo",
            "plan": {"id": "starter", "version": 1}, "unit": "credits",
            "balance": {"available": available, "held": held, "burned": burned,
                        "granted": granted, "expired": expired, "balance": left},
            "zero": {"rule": "block", "used": "0", "left": "0"}, "grants": [],
            "lately": {"since": 1_000_000, "credits": "0"},
            "routes": ["GET /words"], "keys": ["k1"], "calls": calls,
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
        let calls = json!([
            second(940, 9, "9"),
            second(941, 2, "0.6"),
            second(1000, 1500, "0.000000000001"),
        ]);
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
        let (feed, style) = (feed(FUNDED, json!([second(1000, 1, "1")])), style());
        let view = feed.view(Timestamp::from_millis(400_000), &style).unwrap().unwrap();
        assert_eq!(view.amounts.balance, "4.995");
        assert_eq!(view.recent[0].cost, "1.234,5");
        assert_eq!(view.minute.seconds[59].at, Timestamp::from_millis(1_000_000));
    }

    #[test]
    fn a_minute_beyond_the_range_of_credits_is_an_error() {
        let most = "9999999999999999";
        let feed = feed(FUNDED, json!([second(999, 1, most), second(1000, 1, most)]));
        assert_eq!(feed.view(Timestamp::from_millis(400_000), &style()), Err(Inexact));
    }
}
