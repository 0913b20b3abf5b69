//! `edgemeter preview`: the invoice of one customer for one period, as it would be written now.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use edgemeter::calendar::{Period, Schedule};
use edgemeter::invoice::{
    Book, Closing, Invoice, Levels, Line, PeriodUsage, Request, Stretch, covered, invoice,
};
use edgemeter::meter::{Event, Window, parse_rfc3339};
use edgemeter::plan::Plan;
use edgemeter::units::Date;

use crate::events::Source;
use crate::failure::Failure;
use crate::{html, input, rate, table, zones};

/// Options of `edgemeter preview`.
#[derive(Args)]
pub(crate) struct Preview {
    /// Plan file (JSON).
    plan: PathBuf,
    #[command(flatten)]
    source: Source,
    /// The customer; needed if the file has events of several.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// First day of the contract, from which periods are counted.
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Which period of the contract, from 0.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    index: i32,
    /// Time zone of the account.
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    zone: String,
    /// Another plan from an instant on: 2026-01-16T12:00:00Z=FILE.
    #[arg(long, value_name = "TIME=FILE")]
    change: Option<String>,
    /// How to write it.
    #[arg(long = "as", value_enum, default_value = "text")]
    form: Form,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Text,
    Json,
    Html,
}

/// One plan and the part of the period in which it is in force.
struct Part {
    plan: Plan,
    window: Window,
}

impl Preview {
    /// Writes the invoice, and returns it.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let plan = input::plan(&self.plan)?;
        let zone = zones::zone(&self.zone)?;
        let schedule = Schedule { anchor: self.from, cadence: plan.spec().period, zone };
        let period = schedule.period(self.index).map_err(Failure::new)?;
        let parts = self.parts(plan, period)?;
        let (account, usages) = self.collect(&parts, period)?;
        let invoice = bill(&account, &schedule, period, &parts, &usages)?;
        match self.form {
            Form::Text => Ok(text(&invoice)),
            Form::Html => Ok(html::page(&invoice)),
            Form::Json => {
                let json = serde_json::to_string_pretty(&invoice).map_err(Failure::new)?;
                Ok(format!("{json}\n"))
            }
        }
    }

    /// The plan, or the two plans of a change within the period.
    fn parts(&self, plan: Plan, period: Period) -> Result<Vec<Part>, Failure> {
        let whole = period.window;
        let Some(change) = &self.change else {
            return Ok(vec![Part { plan, window: whole }]);
        };
        let wrong = |reason: &str| {
            Failure::new(format!("--change {change:?} {reason}: write 2026-01-16T12:00:00Z=FILE"))
        };
        let (at, file) = change.split_once('=').ok_or_else(|| wrong("names no file"))?;
        let at = parse_rfc3339(at).ok_or_else(|| wrong("has no RFC 3339 time"))?;
        let next = input::plan(Path::new(file))?;
        let outside = |_| wrong("is not inside the period");
        let before = Window::new(whole.start(), at).map_err(outside)?;
        let after = Window::new(at, whole.end()).map_err(outside)?;
        Ok(vec![Part { plan, window: before }, Part { plan: next, window: after }])
    }

    /// The customer's use under each plan; the events of other customers and periods are passed
    /// over.
    fn collect(
        &self,
        parts: &[Part],
        period: Period,
    ) -> Result<(String, Vec<PeriodUsage>), Failure> {
        let mut before = self.before(parts, period)?;
        let mut books = Vec::new();
        for part in parts {
            let book = Book::open(&part.plan, part.window);
            books.push(book.map_err(|error| Failure::of_file(&self.plan, error))?);
        }
        let mut account = self.account.clone();
        if self.source.file.is_some() {
            self.source.each(|event| {
                let earlier = before.as_mut().filter(|(window, _)| window.contains(event.time));
                let is_here = earlier.is_some() || period.window.contains(event.time);
                if !is_here || !is_of(&mut account, self, event)? {
                    return Ok(());
                }
                let here = parts.iter().position(|part| part.window.contains(event.time));
                let book = here.and_then(|index| books.get_mut(index));
                let book = earlier.map(|(_, book)| book).or(book);
                book.map_or(Ok(()), |book| {
                    book.record(event).map(drop).map_err(|error| error.to_string())
                })
            })?;
        }
        let failed = |error| Failure::of_file(&self.plan, error);
        let (mut usages, mut levels) = (Vec::new(), Levels::new());
        if let Some((_, book)) = &before {
            levels = book.levels_after(&levels).map_err(failed)?;
        }
        for book in &books {
            usages.push(book.usage(&levels).map_err(failed)?);
            levels = book.levels_after(&levels).map_err(failed)?;
        }
        Ok((account.unwrap_or_else(|| "nobody".to_owned()), usages))
    }

    /// The time before the period, if a level may have come from there.
    fn before<'p>(
        &self,
        parts: &'p [Part],
        period: Period,
    ) -> Result<Option<(Window, Book<'p>)>, Failure> {
        let Some(Part { plan, .. }) = parts.first() else { return Ok(None) };
        if self.index == 0 {
            return Ok(None);
        }
        let zone = zones::zone(&self.zone)?;
        let schedule = Schedule { anchor: self.from, cadence: plan.spec().period, zone };
        let first = schedule.period(0).map_err(Failure::new)?;
        let window = Window::new(first.window.start(), period.window.start());
        let window = window.map_err(Failure::new)?;
        let book = Book::levels_only(plan, window);
        let book = book.map_err(|error| Failure::of_file(&self.plan, error))?;
        Ok(book.map(|book| (window, book)))
    }
}

/// Whether the event is of the customer; without --account there may be only one.
fn is_of(
    account: &mut Option<String>,
    options: &Preview,
    event: &Event<'_>,
) -> Result<bool, String> {
    let known = account.get_or_insert_with(|| event.subject.to_string());
    if *known == event.subject || options.account.is_some() {
        return Ok(*known == event.subject);
    }
    let (first, second) = (known, &event.subject);
    Err(format!("events of {first:?} and of {second:?}: choose one with --account"))
}

/// One invoice by the core's own function; credits that the plans include pay first.
fn bill(
    account: &str,
    schedule: &Schedule,
    period: Period,
    parts: &[Part],
    usages: &[PeriodUsage],
) -> Result<Invoice, Failure> {
    let mut stretches = Vec::new();
    for (part, usage) in parts.iter().zip(usages) {
        let covered =
            covered(&part.plan, schedule, period, part.window, usage).map_err(Failure::new)?;
        stretches.push(Stretch { window: part.window, plan: &part.plan, usage, covered });
    }
    let request = Request {
        account,
        contract: "preview".parse().map_err(Failure::new)?,
        schedule,
        closing: Some(Closing { period, stretches: &stretches, billed_ahead: &[] }),
        ahead: None,
        credits: &[],
    };
    invoice(&request).map_err(Failure::new)
}

fn text(invoice: &Invoice) -> String {
    let mut text = format!("Invoice of {}, {}\n", invoice.account, invoice.status.name());
    if let Some(period) = invoice.period {
        let (first, until) = (period.first, period.until);
        text.push_str(&format!(
            "{first} up to {until}, {} ({})\n\n",
            invoice.zone, invoice.currency
        ));
    }
    let mut rows = vec![row(["line", "quantity", "credits", "amount"])];
    for line in &invoice.lines {
        rows.push(line_row(line));
        let mut details = Vec::new();
        if let Some(explanation) = &line.explanation {
            rate::steps(&explanation.steps, 1, &mut details);
        }
        details.extend(line.formula.iter().map(|sum| vec![format!("  {sum}")]));
        rows.extend(details.into_iter().map(|cells| vec![cells.join(": ")]));
    }
    rows.push(Vec::new());
    for (name, amount) in html::sums(invoice) {
        rows.push(row([&name, "", "", &amount]));
    }
    text.push_str(&table::layout(&rows));
    text
}

fn line_row(line: &Line) -> Vec<String> {
    let quantity = line.quantity.map_or(String::new(), |quantity| quantity.to_string());
    let credits = line.credits.map_or(String::new(), |credits| credits.to_string());
    row([&line.name, &quantity, &credits, &line.settled.amount.to_string()])
}

fn row(cells: [&str; 4]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}
