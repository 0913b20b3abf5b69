//! `edgemeter backtest`: the same events under several plans, side by side.
//!
//! ```text
//! customer     starter 1    scale 2            what each customer would have paid; the first plan
//! acme             12.30      11.00  -1.30     is what the others are compared with
//! ```
//!
//! A customer's cost is the total of the invoice, and the value of the credits that the plan does
//! not include and does not sell afterwards: those have to be bought before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use edgemeter::calendar::{Period, Schedule};
use edgemeter::invoice::{Book, Closing, CreditSummary, Request, Stretch, covered, invoice};
use edgemeter::plan::Plan;
use edgemeter::units::{Amount, Currency, Date, Money, exact};
use serde::Serialize;

use crate::events::Source;
use crate::failure::Failure;
use crate::{input, table, zones};

/// Options of `edgemeter backtest`.
#[derive(Args)]
pub(crate) struct Backtest {
    /// A plan file (JSON); give it several times. The first one is what is compared with.
    #[arg(long = "plan", value_name = "FILE", required = true)]
    plans: Vec<PathBuf>,
    #[command(flatten)]
    source: Source,
    /// First day of the period.
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Time zone of the period.
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    zone: String,
    /// How to write it.
    #[arg(long = "as", value_enum, default_value = "text")]
    form: Form,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
}

/// One plan of the comparison.
struct Candidate<'a> {
    file: &'a Path,
    plan: Plan,
    schedule: Schedule,
    period: Period,
}

/// The comparison.
#[derive(Serialize)]
struct Report {
    currency: Currency,
    events: u64,
    repeated: u64,
    outside: u64,
    /// Plans as `id version`, the first one being what the others are compared with.
    plans: Vec<String>,
    customers: BTreeMap<String, Vec<Money>>,
    totals: Vec<Money>,
    changes: Vec<Change>,
}

/// How customers fare under one plan, against the first one.
#[derive(Serialize)]
struct Change {
    plan: String,
    difference: Money,
    winners: usize,
    losers: usize,
    /// The change of the customer who wins most, of the one in the middle, of who loses most.
    least: Money,
    median: Money,
    most: Money,
}

impl Backtest {
    /// Compares, and returns what to print.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let candidates = self.candidates()?;
        let report = self.report(&candidates)?;
        match self.form {
            Form::Text => Ok(text(&report)),
            Form::Json => {
                let json = serde_json::to_string_pretty(&report).map_err(Failure::new)?;
                Ok(format!("{json}\n"))
            }
        }
    }

    fn candidates(&self) -> Result<Vec<Candidate<'_>>, Failure> {
        let zone = zones::zone(&self.zone)?;
        let mut candidates: Vec<Candidate<'_>> = Vec::new();
        for file in &self.plans {
            let plan = input::plan(file)?;
            let cadence = plan.spec().period;
            let schedule = Schedule { anchor: self.from, cadence, zone: zone.clone() };
            let period = schedule.period(0).map_err(Failure::new)?;
            let Some(currency) = plan.spec().currency else {
                return Err(Failure::of_file(file, "has no currency: give it one to compare"));
            };
            if let Some(first) = candidates.first() {
                if first.plan.spec().currency != Some(currency) {
                    let message = format!("is in {currency}, the first plan is not: compare like");
                    return Err(Failure::of_file(file, message));
                }
                if first.period.window != period.window {
                    let message = "has another period than the first plan: compare like with like";
                    return Err(Failure::of_file(file, message));
                }
            }
            candidates.push(Candidate { file, plan, schedule, period });
        }
        Ok(candidates)
    }

    fn report(&self, candidates: &[Candidate<'_>]) -> Result<Report, Failure> {
        let mut books: BTreeMap<String, Vec<Book<'_>>> = BTreeMap::new();
        let mut outside = 0_u64;
        let count = self.source.each(|event| {
            let is_inside =
                |candidate: &Candidate<'_>| candidate.period.window.contains(event.time);
            if !candidates.first().is_some_and(is_inside) {
                outside = outside.saturating_add(1);
                return Ok(());
            }
            if !books.contains_key(event.subject.as_ref()) {
                let mut opened = Vec::new();
                for candidate in candidates {
                    let book = Book::open(&candidate.plan, candidate.period.window);
                    opened.push(book.map_err(|error| error.to_string())?);
                }
                books.insert(event.subject.to_string(), opened);
            }
            for book in books.get_mut(event.subject.as_ref()).into_iter().flatten() {
                book.record(event).map_err(|error| error.to_string())?;
            }
            Ok(())
        })?;
        let mut customers = BTreeMap::new();
        for (customer, books) in &books {
            let mut costs = Vec::new();
            for (candidate, book) in candidates.iter().zip(books) {
                costs.push(candidate.cost(customer, book)?);
            }
            customers.insert(customer.clone(), costs);
        }
        let currency = candidates.first().and_then(|c| c.plan.spec().currency);
        let currency = currency.ok_or_else(|| Failure::new("no plan: give --plan FILE"))?;
        let plans: Vec<String> = candidates.iter().map(Candidate::name).collect();
        let totals = (0..plans.len())
            .map(|index| Money::sum(currency, column(&customers, index)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Failure::new)?;
        let changes = (1..plans.len())
            .map(|index| change(&plans, &customers, index, currency))
            .collect::<Result<_, _>>()?;
        let (events, repeated) = (count.events.saturating_sub(outside), count.repeated);
        Ok(Report { currency, events, repeated, outside, plans, customers, totals, changes })
    }
}

impl Candidate<'_> {
    fn name(&self) -> String {
        format!("{} {}", self.plan.id(), self.plan.version())
    }

    /// What the customer pays for the period under this plan.
    fn cost(&self, customer: &str, book: &Book<'_>) -> Result<Money, Failure> {
        let here = |error: &dyn std::fmt::Display| {
            Failure::of_file(self.file, format!("customer {customer}: {error}"))
        };
        let usage = book.usage(&Default::default()).map_err(|error| here(&error))?;
        let window = self.period.window;
        let covered = covered(&self.plan, &self.schedule, self.period, window, &usage)
            .map_err(|error| here(&error))?;
        let stretches = [Stretch { window, plan: &self.plan, usage: &usage, covered }];
        let closing = Closing { period: self.period, stretches: &stretches, billed_ahead: &[] };
        let request = Request {
            account: customer,
            contract: "backtest".parse().map_err(Failure::new)?,
            schedule: &self.schedule,
            closing: Some(closing),
            ahead: None,
            credits: &[],
        };
        let invoice = invoice(&request).map_err(|error| here(&error))?;
        let bought = self.bought(invoice.credits)?;
        let bought = Money::round(bought, invoice.currency).map_err(|error| here(&error))?;
        invoice.totals.total.plus(bought).map_err(|error| here(&error))
    }

    /// The value of credits that are neither included nor sold afterwards.
    fn bought(&self, credits: CreditSummary) -> Result<Amount, Failure> {
        let CreditSummary { used, covered, overage } = credits;
        let short = used.minus(covered).and_then(|left| left.minus(overage));
        let short = short.map_err(Failure::new)?;
        if short.is_zero() {
            return Ok(Amount::ZERO);
        }
        let value = self.plan.spec().credits.as_ref().and_then(|rules| rules.value);
        let value = value.ok_or_else(|| {
            Failure::of_file(self.file, "credits have no value: say what one is worth to compare")
        })?;
        exact::mul(value.get(), short.get()).map(Amount::new).map_err(Failure::new)
    }
}

fn column(
    customers: &BTreeMap<String, Vec<Money>>,
    index: usize,
) -> impl Iterator<Item = Money> + '_ {
    customers.values().filter_map(move |costs| costs.get(index).copied())
}

fn change(
    plans: &[String],
    customers: &BTreeMap<String, Vec<Money>>,
    index: usize,
    currency: Currency,
) -> Result<Change, Failure> {
    let pairs = column(customers, index).zip(column(customers, 0));
    let mut differences = pairs
        .map(|(new, old)| new.minus(old))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failure::new)?;
    differences.sort_by_key(|difference| difference.minor());
    let zero = Money::zero(currency);
    let middle = differences.len().saturating_sub(1).checked_div(2).unwrap_or(0);
    Ok(Change {
        plan: plans.get(index).cloned().unwrap_or_default(),
        difference: Money::sum(currency, differences.iter().copied()).map_err(Failure::new)?,
        winners: differences.iter().filter(|difference| difference.is_negative()).count(),
        losers: differences.iter().filter(|d| !d.is_negative() && !d.is_zero()).count(),
        least: differences.first().copied().unwrap_or(zero),
        median: differences.get(middle).copied().unwrap_or(zero),
        most: differences.last().copied().unwrap_or(zero),
    })
}

fn text(report: &Report) -> String {
    let Report { currency, events, repeated, outside, .. } = report;
    let mut text = format!(
        "{events} events of {} customers, {repeated} repeated, {outside} outside the period; {currency}\n\n",
        report.customers.len()
    );
    let mut rows = vec![[vec!["customer".to_owned()], report.plans.clone()].concat()];
    for (customer, costs) in &report.customers {
        rows.push(with_costs(customer, costs));
    }
    rows.push(with_costs("total", &report.totals));
    text.push_str(&table::layout(&rows));
    if report.changes.is_empty() {
        return text;
    }
    let header = ["against the first", "total", "winners", "losers", "least", "median", "most"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    for change in &report.changes {
        let money = [change.difference, change.least, change.median, change.most].map(signed);
        let [difference, least, median, most] = money;
        let (winners, losers) = (change.winners.to_string(), change.losers.to_string());
        rows.push(vec![change.plan.clone(), difference, winners, losers, least, median, most]);
    }
    text.push('\n');
    text.push_str(&table::layout(&rows));
    text
}

fn with_costs(name: &str, costs: &[Money]) -> Vec<String> {
    std::iter::once(name.to_owned()).chain(costs.iter().map(Money::to_string)).collect()
}

/// A change with its sign, so that a loss is seen.
fn signed(money: Money) -> String {
    if money.is_negative() || money.is_zero() { money.to_string() } else { format!("+{money}") }
}
