//! What the page shows of spending: by route and by key, from which grants, and for how long.
//!
//! ```text
//! seconds of the window ─▶ tallies, the dearest first, all others last
//! grants, a span of burn ─▶ runway, one per span: the last minute, lately, today
//! ```
//!
//! Invariants (tested below): tallies add up to the window; a quotient that is not exact says so
//! with `≈`, and nothing else here is rounded.

use std::collections::BTreeMap;
use std::rc::Rc;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use super::kept::{Kept, Named};
use super::message::{GrantLeft, Message, MoreGrants, Span, Zero, ZeroRule};
use super::runway::{Runway, Supply, runway};
use super::style::NumberStyle;
use super::view::share;
use crate::ledger::GrantKind;
use crate::units::{Credits, Inexact, Timestamp, exact};

/// Digits of a quotient that is not exact.
const QUOTIENT_DIGITS: u32 = 4;
/// A rate is of at least so many milliseconds.
const RATE_MS_MIN: i64 = 1_000;

/// Calls of one route or one key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TallyView {
    /// Whose; nothing: all others'.
    pub name: Option<String>,
    /// Calls, as text.
    pub calls: String,
    /// Credits, as text.
    pub credits: String,
    /// Credits per call, as text.
    pub per_call: String,
    /// Its part of all credits, in thousandths.
    pub share: u16,
}

/// A grant that has something left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GrantView<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where the credits came from.
    pub kind: GrantKind,
    /// Credits given, as text.
    pub given: String,
    /// Credits left, as text.
    pub left: String,
    /// What is left, in thousandths of what was given.
    pub share: u16,
    /// Whether it burns next, at the time of the view.
    pub burns: bool,
    /// First instant at which it can be spent.
    pub starts_at: Timestamp,
    /// First instant at which it cannot, if there is one.
    pub ends_at: Option<Timestamp>,
    /// When it is given again, if it is.
    pub again_at: Option<Timestamp>,
}

/// Grants beyond those that are listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoreGrantsView {
    /// How many.
    pub count: u16,
    /// Credits left, as text.
    pub left: String,
}

/// What happens past the last credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ZeroView<'a> {
    /// The plan's rule.
    pub rule: ZeroRule,
    /// Credits used past zero, as text; nothing if there are none.
    pub used: Option<String>,
    /// Credits that may still be, as text; nothing: without end.
    pub left: Option<String>,
    /// Where credits are bought, if the operator says so.
    pub topup_url: Option<&'a str>,
}

/// How long the credits last at the rate of one span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunwayView {
    /// `minute`, `lately` or `today`.
    pub over: &'static str,
    /// Where the span begins; it ends now, or where it was told.
    pub since: Timestamp,
    /// Credits burned in it, as text.
    pub credits: String,
    /// Credits a second, as text.
    pub per_second: String,
    /// When they are used up; nothing: not in a hundred years.
    pub until: Option<Timestamp>,
    /// Whether the last ones end unspent.
    pub unspent: bool,
}

/// The window's calls by name, the dearest first, then the most, then by name; all others last.
pub(super) fn tallies<'a>(
    window: impl Iterator<Item = &'a Kept>,
    side: impl Fn(&'a Kept) -> &'a [Named],
    style: &NumberStyle,
) -> Result<Vec<TallyView>, Inexact> {
    let mut sums: BTreeMap<Option<Rc<str>>, (u64, Credits)> = BTreeMap::new();
    for (name, calls, credits) in window.flat_map(side) {
        let sum = sums.entry(name.clone()).or_default();
        *sum = (sum.0.saturating_add((*calls).into()), sum.1.plus(*credits)?);
    }
    let all = Credits::sum(sums.values().map(|(_, credits)| *credits))?;
    let mut sums: Vec<_> = sums.into_iter().collect();
    // Names are in order already, and the sort keeps it.
    sums.sort_by(|(a, x), (b, y)| {
        a.is_none().cmp(&b.is_none()).then(y.1.cmp(&x.1)).then(y.0.cmp(&x.0))
    });
    let view = |(name, (calls, credits)): (Option<Rc<str>>, (u64, Credits))| TallyView {
        name: name.map(|name| name.to_string()),
        calls: style.write(Decimal::from(calls)),
        credits: style.write(credits.get()),
        per_call: quotient(credits, Decimal::from(calls), style),
        share: share(credits, all),
    };
    Ok(sums.into_iter().map(view).collect())
}

/// The grants, and which of them burns next.
pub(super) fn grants<'a>(
    message: &'a Message,
    now: Timestamp,
    style: &NumberStyle,
) -> Vec<GrantView<'a>> {
    let next = message
        .grants
        .iter()
        .position(|grant| grant.starts_at <= now && grant.ends_at.is_none_or(|end| end > now));
    let view = |(index, grant): (usize, &'a GrantLeft)| GrantView {
        id: &grant.id,
        kind: grant.kind,
        given: style.write(grant.given.get()),
        left: style.write(grant.left.get()),
        share: share(grant.left, grant.given),
        burns: next == Some(index),
        starts_at: grant.starts_at,
        ends_at: grant.ends_at,
        again_at: grant.again_at,
    };
    message.grants.iter().enumerate().map(view).collect()
}

pub(super) fn more_grants(more: &MoreGrants, style: &NumberStyle) -> MoreGrantsView {
    MoreGrantsView { count: more.count, left: style.write(more.left.get()) }
}

pub(super) fn zero<'a>(zero: &'a Zero, style: &NumberStyle) -> ZeroView<'a> {
    ZeroView {
        rule: zero.rule,
        used: (!zero.used.is_zero()).then(|| style.write(zero.used.get())),
        left: zero.left.map(|left| style.write(left.get())),
        topup_url: zero.topup_url.as_deref(),
    }
}

/// How long the credits of `message` last at the rate of `span`, which ends at `until`.
pub(super) fn lasts(
    over: &'static str,
    message: &Message,
    span: Span,
    until: Timestamp,
    now: Timestamp,
    style: &NumberStyle,
) -> RunwayView {
    // The rate is that of the span, wherever it ends: seen from now it is one as long.
    let elapsed_ms = until.millis_since(span.since).max(RATE_MS_MIN);
    let from_now = Span { since: now.plus_millis(elapsed_ms.saturating_neg()), ..span };
    let (until, unspent) = match runway(&supplies(message), from_now, now) {
        Runway::Burned(at) => (Some(at), false),
        Runway::Ended(at) => (Some(at), true),
        Runway::Never => (None, false),
    };
    let seconds = exact::ratio(Decimal::from(elapsed_ms), Decimal::ONE_THOUSAND);
    let seconds = seconds.unwrap_or(Decimal::ONE);
    RunwayView {
        over,
        since: span.since,
        credits: style.write(span.credits.get()),
        per_second: quotient(span.credits, seconds, style),
        until,
        unspent,
    }
}

/// Grants beyond the list burn after it, all from the last one's start to the first one's end: they
/// may last longer than this says, never shorter.
fn supplies(message: &Message) -> Vec<Supply> {
    let listed = message.grants.iter().map(|grant| Supply {
        left: grant.left,
        starts_at: grant.starts_at,
        ends_at: grant.ends_at,
    });
    let more = message.more_grants.iter().map(|more| Supply {
        left: more.left,
        starts_at: more.starts_at,
        ends_at: more.ends_at,
    });
    listed.chain(more).collect()
}

/// `credits / by`: every digit if that is exact, else four and a `≈`, half away from zero.
/// 0.6 / 2 = "0.3", 1 / 3 = "≈0.3333", 0 / 0 = "–".
fn quotient(credits: Credits, by: Decimal, style: &NumberStyle) -> String {
    let Ok(quotient) = exact::ratio(credits.get(), by) else { return "–".to_owned() };
    if quotient.scale() <= crate::units::SCALE_MAX
        && exact::mul(quotient, by).is_ok_and(|product| product == credits.get())
    {
        return style.write(quotient);
    }
    let half_up = RoundingStrategy::MidpointAwayFromZero;
    let rounded = quotient.round_sf_with_strategy(QUOTIENT_DIGITS, half_up).unwrap_or(quotient);
    format!("≈{}", style.write(rounded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn style() -> NumberStyle {
        serde_json::from_value(json!({
            "decimal": ".", "group": ",", "minus": "-", "digits": "0123456789",
            "primary": 3, "secondary": 3, "minimum": 1,
        }))
        .unwrap()
    }

    #[test]
    fn a_quotient_is_exact_or_says_that_it_is_not() {
        for (credits, by, expected) in [
            ("0.6", 2, "0.3"),
            ("1", 3, "≈0.3333"),
            ("2", 3, "≈0.6667"),
            ("20000", 3, "≈6,667"),
            ("1", 4096, "0.000244140625"),
            ("1", 8192, "≈0.0001221"), // 13 places: more than credits have
            ("0", 7, "0"),
            ("0", 0, "–"),
            ("9999999999999999.999999999999", 1, "9,999,999,999,999,999.999999999999"),
        ] {
            let text = quotient(credits.parse().unwrap(), Decimal::from(by), &style());
            assert_eq!(text, expected, "{credits} / {by}");
        }
    }

    #[test]
    fn tallies_are_the_windows_sums_the_dearest_first() {
        let name = |text: &str| Some(Rc::from(text));
        let credits = |text: &str| text.parse::<Credits>().unwrap();
        let kept = |routes: Vec<Named>| Kept { routes, ..Kept::default() };
        let window = [
            kept(vec![(name("b"), 2, credits("1")), (None, 9, credits("7"))]),
            kept(vec![(name("a"), 1, credits("1")), (name("c"), 3, credits("0"))]),
            kept(vec![(name("b"), 1, credits("0")), (name("d"), 1, credits("1"))]),
        ];
        let views = tallies(window.iter(), |kept| &kept.routes, &style()).unwrap();
        let shown: Vec<_> = views
            .iter()
            .map(|tally| {
                let TallyView { name, calls, credits, per_call, share } = tally;
                let name = name.as_deref().unwrap_or("others");
                format!("{name}: {calls} {credits} {per_call} {share}")
            })
            .collect();
        let expected = [
            "b: 3 1 ≈0.3333 100",
            "a: 1 1 1 100",
            "d: 1 1 1 100",
            "c: 3 0 0 0",
            "others: 9 7 ≈0.7778 700",
        ];
        assert_eq!(shown, expected);
    }
}
