//! `edgemeter rate`: what a quantity, or a file of events, costs under a plan.

use std::path::PathBuf;

use clap::Args;
use edgemeter::calendar::Schedule;
use edgemeter::invoice::{Book, CollectError, PeriodUsage};
use edgemeter::meter::Window;
use edgemeter::plan::{Charge, Plan};
use edgemeter::rating::{self, Explanation, Step, Usage};
use edgemeter::units::{Date, Quantity};

use crate::events::Source;
use crate::failure::Failure;
use crate::{input, table, zones};

/// Options of `edgemeter rate`.
#[derive(Args)]
pub(crate) struct Rate {
    /// Plan file (JSON).
    plan: PathBuf,
    /// Rate this many units.
    #[arg(long, value_name = "NUMBER", conflicts_with = "file")]
    quantity: Option<String>,
    /// Rate this charge only.
    #[arg(long, value_name = "ID")]
    charge: Option<String>,
    #[command(flatten)]
    source: Source,
    /// First day of the period whose events are rated; without it all events are one period.
    #[arg(long, value_name = "DATE", requires = "file")]
    from: Option<Date>,
    /// Time zone of the period.
    #[arg(long, value_name = "NAME", default_value = "UTC")]
    zone: String,
    /// Show every step, so that the sum can be redone by hand.
    #[arg(long)]
    explain: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl Rate {
    /// Rates, and returns what to print.
    pub(crate) fn run(&self) -> Result<String, Failure> {
        let plan = input::plan(&self.plan)?;
        let charges = self.charges(&plan)?;
        let mut explanations = Vec::new();
        if let Some(text) = &self.quantity {
            let quantity: Quantity = text
                .parse()
                .map_err(|error| Failure::new(format!("--quantity {text:?} {error}")))?;
            for charge in charges {
                explanations.push(explain(charge, &of_quantity(charge, quantity)?)?);
            }
        } else {
            let usage = self.collect(&plan)?;
            for charge in charges {
                let unused = rating::empty(charge);
                let usage = usage.charges.get(charge.id()).unwrap_or(&unused);
                explanations.push(explain(charge, usage)?);
            }
        }
        if self.json {
            let text = serde_json::to_string_pretty(&explanations).map_err(Failure::new)?;
            return Ok(format!("{text}\n"));
        }
        Ok(self.text(&plan, &explanations))
    }

    fn charges<'p>(&self, plan: &'p Plan) -> Result<Vec<&'p Charge>, Failure> {
        let Some(id) = &self.charge else { return Ok(plan.charges().iter().collect()) };
        let found = plan.charges().iter().find(|charge| charge.id().as_str() == id);
        found.map(|charge| vec![charge]).ok_or_else(|| {
            let known: Vec<&str> = plan.charges().iter().map(|c| c.id().as_str()).collect();
            let remedy = format!("use one of {}", known.join(", "));
            Failure::of_file(&self.plan, format!("has no charge {id:?}: {remedy}"))
        })
    }

    /// All events of the file, of whomever they are.
    fn collect(&self, plan: &Plan) -> Result<PeriodUsage, Failure> {
        if self.source.file.is_none() {
            return Err(Failure::new("nothing to rate: give --quantity NUMBER or --events FILE"));
        }
        let window = self.window(plan)?;
        let book = window.map_or_else(|| Book::over_all_time(plan), |w| Book::open(plan, w));
        let mut book = book.map_err(|error| match error {
            CollectError::NoPeriod { .. } => {
                Failure::of_file(&self.plan, format!("{error} with --from"))
            }
            other => Failure::of_file(&self.plan, other),
        })?;
        self.source.each(|event| {
            if window.is_some_and(|window| !window.contains(event.time)) {
                return Ok(());
            }
            book.record(event).map(drop).map_err(|error| error.to_string())
        })?;
        book.usage(&Default::default()).map_err(|e| Failure::of_file(&self.plan, e))
    }

    /// The first period from --from, if that is given.
    fn window(&self, plan: &Plan) -> Result<Option<Window>, Failure> {
        let Some(anchor) = self.from else { return Ok(None) };
        let zone = zones::zone(&self.zone)?;
        let schedule = Schedule { anchor, cadence: plan.spec().period, zone };
        schedule.period(0).map(|period| Some(period.window)).map_err(Failure::new)
    }

    fn text(&self, plan: &Plan, explanations: &[Explanation]) -> String {
        let cells = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let mut rows = vec![cells(["charge", "exact", "billed", "unit"])];
        for of in explanations {
            let unit = of.currency.map_or("credits", |currency| currency.code());
            let billed = of.rounded.map_or(of.amount.to_string(), |money| money.to_string());
            rows.push(cells([of.charge.as_str(), &of.amount.to_string(), &billed, unit]));
        }
        let mut text = format!("{} version {}\n\n", plan.spec().name, plan.version());
        text.push_str(&table::layout(&rows));
        if self.explain {
            for of in explanations {
                text.push_str(&format!("\n{}\n", of.charge));
                let mut rows = Vec::new();
                steps(&of.steps, 1, &mut rows);
                text.push_str(&table::layout(&rows));
            }
        }
        text
    }
}

/// The state of one quantity; models that read events or dimensions cannot say what one is.
fn of_quantity(charge: &Charge, quantity: Quantity) -> Result<Usage, Failure> {
    match rating::empty(charge) {
        Usage::Total(_) => Ok(Usage::Total(quantity)),
        Usage::Events(_) => {
            let event = rating::Event::Use(quantity);
            rating::after(charge, &rating::empty(charge), &event).map_err(Failure::new)
        }
        other => {
            let message = format!(
                "charge {} is priced by {}: give --events FILE, or another --charge",
                charge.id(),
                other.shape()
            );
            Err(Failure::new(message))
        }
    }
}

fn explain(charge: &Charge, usage: &Usage) -> Result<Explanation, Failure> {
    rating::explain(charge, usage)
        .map_err(|error| Failure::new(format!("charge {}: {error}", charge.id())))
}

/// Rule, formula and result of each step, parts indented below their sum.
pub(crate) fn steps(of: &[Step], depth: usize, rows: &mut Vec<Vec<String>>) {
    for step in of {
        let rule = format!("{}{} {}", "  ".repeat(depth), step.rule, step.about);
        let sum = format!("{} = {}", step.formula, step.result);
        rows.push(vec![rule.trim_end().to_owned(), sum]);
        steps(&step.parts, depth.saturating_add(1), rows);
    }
}
