//! The account's end: how it stands, as a message says it.
//!
//! ```text
//! Ledger, Plan, clock ─▶ Standing { account, plan, balance, zero, grants, more_grants }
//! ```
//!
//! Invariant (tested below): the grants of a standing, listed or not, are all that can still be
//! spent, in burn order.

use super::GRANTS_MAX;
use super::message::{Balance, GrantLeft, MoreGrants, PlanVersion, Zero, ZeroRule};
use crate::ledger::{Grant, Ledger};
use crate::plan::{AtZero, Plan};
use crate::units::{AccountId, Credits, Inexact, Timestamp};

/// What a message says of the account, beside its calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whose numbers these are.
    pub account: AccountId,
    /// The plan version in force.
    pub plan: PlanVersion,
    /// The balance.
    pub balance: Balance,
    /// What happens past the last credit.
    pub zero: Zero,
    /// What has something left, in burn order; at most [`GRANTS_MAX`].
    pub grants: Vec<GrantLeft>,
    /// What those beyond have together.
    pub more_grants: Option<MoreGrants>,
}

impl Standing {
    /// How the account stands; its customer buys credits at `topup_url`.
    ///
    /// # Errors
    ///
    /// [`Inexact`] if a sum leaves the range of credits.
    pub fn of(ledger: &Ledger, plan: &Plan, topup_url: Option<&str>) -> Result<Self, Inexact> {
        let balance = ledger.balance()?;
        let (grants, more_grants) = grants(ledger)?;
        Ok(Self {
            account: ledger.account().clone(),
            plan: PlanVersion { id: ledger.plan().id.clone(), version: ledger.plan().version },
            balance: Balance {
                available: balance.available,
                held: balance.held,
                burned: balance.burned,
                granted: balance.granted,
                // To the customer, what was taken back has ended unspent as well.
                expired: balance.expired.plus(balance.voided)?,
                balance: balance.balance,
            },
            zero: zero(plan, balance.debt, balance.overage, topup_url)?,
            grants,
            more_grants,
        })
    }
}

fn zero(
    plan: &Plan,
    debt: Credits,
    overage: Credits,
    topup_url: Option<&str>,
) -> Result<Zero, Inexact> {
    // Overage is below zero where what an earlier invoice holds was refunded.
    let used = debt.plus(overage)?.max(Credits::ZERO);
    let left = |most: Credits, used: Credits| most.minus(used.min(most));
    let at_zero = plan.spec().credits.as_ref().map_or(AtZero::Block, |rules| rules.at_zero);
    let (rule, left) = match at_zero {
        AtZero::Block => (ZeroRule::Block, Some(Credits::ZERO)),
        AtZero::Restrict => (ZeroRule::Restrict, None),
        AtZero::Grace { credits } => (ZeroRule::Grace, Some(left(credits, debt)?)),
        AtZero::Overage { cap, .. } => {
            (ZeroRule::Overage, cap.map(|cap| left(cap, used)).transpose()?)
        }
    };
    Ok(Zero { rule, used, left, topup_url: topup_url.map(str::to_owned) })
}

fn grants(ledger: &Ledger) -> Result<(Vec<GrantLeft>, Option<MoreGrants>), Inexact> {
    let now = ledger.clock();
    let open = |grant: &&Grant| !grant.left.is_zero() && !grant.is_past(now);
    let mut grants: Vec<&Grant> = ledger.grants().values().filter(open).collect();
    grants.sort_by_cached_key(|grant| grant.burn_key());
    let more = grants.split_off(grants.len().min(GRANTS_MAX));
    let listed = |grant: &Grant| GrantLeft {
        id: grant.terms.id.to_string(),
        kind: grant.terms.kind,
        given: grant.given,
        left: grant.left,
        starts_at: grant.effective_at,
        ends_at: end(grant),
        again_at: grant.next_refill,
    };
    let listed = grants.into_iter().map(listed).collect();
    let Ok(count @ 1..) = u16::try_from(more.len()) else { return Ok((listed, None)) };
    let more = MoreGrants {
        count,
        left: Credits::sum(more.iter().map(|grant| grant.left))?,
        starts_at: more.iter().map(|grant| grant.effective_at).max().unwrap_or(now),
        ends_at: more.iter().filter_map(|grant| end(grant)).min(),
    };
    Ok((listed, Some(more)))
}

/// When what is left of it is lost.
fn end(grant: &Grant) -> Option<Timestamp> {
    grant.ends_at().into_iter().chain(grant.lost_at()).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{GrantKind, GrantTerms, Session, open};
    use serde_json::json;

    fn plan(at_zero: serde_json::Value) -> (Plan, String) {
        let json = json!({
            "id": "starter", "version": 3, "currency": "USD",
            "charges": [{ "id": "words", "unit": "credits",
                          "price": { "model": "per_unit", "unit_price": "1" } }],
            "credits": { "burn_order": "standard", "rollover": "none", "at_zero": at_zero },
        })
        .to_string();
        (Plan::parse(&json).unwrap(), json)
    }

    fn ledger(grants: impl IntoIterator<Item = (u16, &'static str, i64, Option<i64>)>) -> Ledger {
        let (plan, json) = plan(json!("block"));
        let now = Timestamp::from_millis(1_000);
        let mut ledger = Ledger::opened(&open("demo".parse().unwrap(), &plan, json), now).unwrap();
        let mut session = Session::start(&mut ledger, now).unwrap();
        for (number, amount, starts_ms, ends_ms) in grants {
            let terms = GrantTerms {
                id: format!("g{number:03}").parse().unwrap(),
                amount: amount.parse().unwrap(),
                kind: GrantKind::Paid,
                priority: 100,
                effective_at: Some(Timestamp::from_millis(starts_ms)),
                expires_at: ends_ms.map(Timestamp::from_millis),
                rollover: None,
                recurrence: None,
            };
            session.grant(terms).unwrap();
        }
        session.finish().unwrap();
        ledger
    }

    #[test]
    fn grants_are_told_in_burn_order_with_their_ends() {
        let (plan, _) = plan(json!("block"));
        let ledger =
            ledger([(1, "5", 0, None), (2, "7", 2_000, Some(9_000)), (3, "1", 0, Some(5_000))]);
        let standing = Standing::of(&ledger, &plan, None).unwrap();
        let told: Vec<_> = standing
            .grants
            .iter()
            .map(|grant| {
                let end = grant.ends_at.map_or(0, Timestamp::millis);
                format!("{} {} {} {end}", grant.id, grant.left, grant.starts_at.millis())
            })
            .collect();
        assert_eq!(told, ["g003 1 0 5000", "g002 7 2000 9000", "g001 5 0 0"]);
        assert_eq!(standing.more_grants, None);
        assert!(standing.balance.adds_up());
    }

    #[test]
    fn grants_beyond_the_list_are_told_together() {
        let (plan, _) = plan(json!("block"));
        let ledger = ledger((0..30).map(|n| (n, "1.5", i64::from(n), Some(10_000 + i64::from(n)))));
        let standing = Standing::of(&ledger, &plan, None).unwrap();
        assert_eq!(standing.grants.len(), GRANTS_MAX);
        let more = MoreGrants {
            count: 10,
            left: "15".parse().unwrap(),
            starts_at: Timestamp::from_millis(29),
            ends_at: Some(Timestamp::from_millis(10_020)),
        };
        assert_eq!(standing.more_grants, Some(more));
    }

    #[test]
    fn past_zero_the_plan_says_how_far() {
        let overage = |cap: Option<&str>| match cap {
            Some(cap) => json!({ "overage": { "unit_price": "1", "cap": cap } }),
            None => json!({ "overage": { "unit_price": "1" } }),
        };
        for (at_zero, debt, overage, rule, used, left) in [
            (json!("block"), "0", "0", ZeroRule::Block, "0", Some("0")),
            (json!("restrict"), "0", "0", ZeroRule::Restrict, "0", None),
            (json!({ "grace": { "credits": "10" } }), "4", "0", ZeroRule::Grace, "4", Some("6")),
            (json!({ "grace": { "credits": "10" } }), "11", "0", ZeroRule::Grace, "11", Some("0")),
            (overage(None), "1", "2.5", ZeroRule::Overage, "3.5", None),
            (overage(Some("5")), "1", "2.5", ZeroRule::Overage, "3.5", Some("1.5")),
            (overage(Some("5")), "0", "-2", ZeroRule::Overage, "0", Some("5")),
        ] {
            let credits = |text: &str| text.parse::<Credits>().unwrap();
            let (plan, _) = plan(at_zero.clone());
            let found = zero(&plan, credits(debt), credits(overage), Some("https://a.example/"));
            let left = left.map(credits);
            let topup_url = Some("https://a.example/".to_owned());
            assert_eq!(found, Ok(Zero { rule, used: credits(used), left, topup_url }), "{at_zero}");
        }
    }
}
