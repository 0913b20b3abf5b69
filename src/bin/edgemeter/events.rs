//! Event files: CSV, JSON lines and CloudEvents batches, read as a stream.
//!
//! ```text
//! *.csv     a header, then a row an event: columns are properties (/name)
//! *.json    a CloudEvents batch: a JSON array
//! others    JSON lines: a CloudEvent a line; `-` is standard input
//! ```
//!
//! Every event is given to a function with its line. The first one that cannot be used ends the
//! reading: half of a bill is no bill. Repeated events (same source and id) are counted once.

use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use edgemeter::meter::{Data, Event, Seen, parse_rfc3339, parse_without_offset};
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::newline::Newlines;

/// Events between two reports of progress.
const PROGRESS_EVERY: u64 = 100_000;

/// Where events come from and how rows become events.
#[derive(Args, Clone)]
pub(crate) struct Source {
    /// File with events: .csv, .json (a CloudEvents batch) or JSON lines; - for standard input.
    #[arg(long = "events", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// What the file holds, if its name does not say.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// CSV: column of the time, RFC 3339 or without an offset (then UTC).
    #[arg(long, value_name = "COLUMN", default_value = "time")]
    time_column: String,
    /// CSV: column of the customer.
    #[arg(long, value_name = "COLUMN", default_value = "subject")]
    subject_column: String,
    /// CSV: column of the event's id; without it each row is an event of its own.
    #[arg(long, value_name = "COLUMN", default_value = "id")]
    id_column: String,
    /// CSV: the type of all events, if there is no column `type`.
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// CSV: the customer of all events, if there is no column of it.
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Report progress on standard error.
    #[arg(long, value_enum, default_value = "auto")]
    progress: Progress,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
    Jsonl,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Progress {
    /// If standard error is a terminal.
    Auto,
    Always,
    Never,
}

/// What was read.
#[derive(Clone, Copy, Default)]
pub(crate) struct Count {
    /// Events that were given on.
    pub(crate) events: u64,
    /// Events that had been seen before.
    pub(crate) repeated: u64,
}

/// Counts, tells repeated events apart and reports progress, for every format alike.
struct Intake<'a> {
    file: &'a Path,
    seen: Seen<'static>,
    read: Count,
    reports: bool,
    take: &'a mut dyn FnMut(&Event<'_>) -> Result<(), String>,
}

impl Source {
    /// The file, or why there is none.
    pub(crate) fn path(&self) -> Result<&Path, Failure> {
        self.file.as_deref().ok_or_else(|| Failure::new("no events: give --events FILE"))
    }

    /// Gives each event to `take`, in the order of the file.
    pub(crate) fn each(
        &self,
        mut take: impl FnMut(&Event<'_>) -> Result<(), String>,
    ) -> Result<Count, Failure> {
        let file = self.path()?;
        let reports = match self.progress {
            Progress::Always => true,
            Progress::Never => false,
            Progress::Auto => std::io::stderr().is_terminal(),
        };
        let (seen, read) = (Seen::default(), Count::default());
        let mut intake = Intake { file, seen, read, reports, take: &mut take };
        let input = open(file)?;
        match self.format_of(file) {
            Format::Csv => self.csv(input, &mut intake)?,
            Format::Json => batch(input, &mut intake)?,
            Format::Jsonl => lines(input, &mut intake)?,
        }
        if reports {
            intake.report();
        }
        Ok(intake.read)
    }

    fn format_of(&self, file: &Path) -> Format {
        self.format.unwrap_or_else(|| match file.extension().and_then(|e| e.to_str()) {
            Some("csv") => Format::Csv,
            Some("json") => Format::Json,
            _ => Format::Jsonl,
        })
    }

    fn csv(&self, input: Box<dyn Read>, intake: &mut Intake<'_>) -> Result<(), Failure> {
        let file = intake.file;
        let mut reader = csv::Reader::from_reader(Newlines::new(input));
        let header = reader.headers().map_err(|error| Failure::of_file(file, error))?.clone();
        let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
        let time = column(&self.time_column).ok_or_else(|| {
            let name = &self.time_column;
            Failure::at(file, 1, format!("no column {name:?}: name the time with --time-column"))
        })?;
        let subject = column(&self.subject_column);
        if subject.is_none() && self.subject.is_none() {
            let name = &self.subject_column;
            let remedy = "name the customer with --subject-column, or with --subject for all rows";
            return Err(Failure::at(file, 1, format!("no column {name:?}: {remedy}")));
        }
        let kind = column("type");
        if kind.is_none() && self.event_type.is_none() {
            let remedy = "say what all rows are with --event-type";
            return Err(Failure::at(file, 1, format!("no column \"type\": {remedy}")));
        }
        let (id, source) = (column(&self.id_column), column("source"));
        let mut row = csv::StringRecord::new();
        loop {
            let more =
                reader.read_record(&mut row).map_err(|error| Failure::of_file(file, error))?;
            if !more {
                return Ok(());
            }
            let line = line_of(&reader, &row);
            let cell = |index: Option<usize>| index.and_then(|i| row.get(i));
            let text = cell(Some(time)).unwrap_or_default();
            let at = parse_rfc3339(text).or_else(|| parse_without_offset(text));
            let at = at.ok_or_else(|| {
                let remedy = "write it like 2026-01-31T23:59:59Z";
                Failure::at(file, line, format!("time {text:?} is no time: {remedy}"))
            })?;
            let own_id = format!("row-{line}");
            let names = header.iter().map(str::to_owned);
            let event = Event {
                id: cell(id).unwrap_or(&own_id).into(),
                source: cell(source).unwrap_or("csv").into(),
                kind: cell(kind).or(self.event_type.as_deref()).unwrap_or_default().into(),
                subject: cell(subject).or(self.subject.as_deref()).unwrap_or_default().into(),
                time: at,
                data: Data::Fields(names.zip(row.iter().map(str::to_owned)).collect()),
            };
            let event = event.checked().map_err(|error| Failure::at(file, line, error))?;
            // Rows without an id are told apart by their line: no need to remember them.
            intake.event(line, &event, id.is_some())?;
        }
    }
}

/// The line on which a row begins. The reader knows the line after the row; a row has as many
/// lines more than one as its fields have line ends.
fn line_of<R: Read>(reader: &csv::Reader<R>, row: &csv::StringRecord) -> u64 {
    let ends = row.iter().flat_map(str::bytes).filter(|byte| *byte == b'\n').count();
    let ends = u64::try_from(ends).unwrap_or(0);
    reader.position().line().saturating_sub(1).saturating_sub(ends)
}

/// JSON lines: an event a line, empty lines aside.
fn lines(input: Box<dyn Read>, intake: &mut Intake<'_>) -> Result<(), Failure> {
    for (line, text) in (1_u64..).zip(BufReader::new(input).lines()) {
        let text = text.map_err(|error| Failure::at(intake.file, line, error))?;
        if !text.trim().is_empty() {
            intake.json(line, &text)?;
        }
    }
    Ok(())
}

/// A CloudEvents batch: the whole array is read at once, as the format demands.
fn batch(mut input: Box<dyn Read>, intake: &mut Intake<'_>) -> Result<(), Failure> {
    let mut text = String::new();
    input.read_to_string(&mut text).map_err(|error| Failure::of_file(intake.file, error))?;
    let events: Vec<&RawValue> = serde_json::from_str(&text).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or(1);
        let remedy = "a .json file holds an array of CloudEvents; use .jsonl for one a line";
        Failure::at(intake.file, line, format!("{error}: {remedy}"))
    })?;
    let (mut line, mut counted) = (1_u64, 0_usize);
    for event in events {
        let start = (event.get().as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        let between = text.bytes().skip(counted).take(start.saturating_sub(counted));
        let more = between.filter(|byte| *byte == b'\n').count();
        line = line.saturating_add(u64::try_from(more).unwrap_or(0));
        counted = start;
        intake.json(line, event.get())?;
    }
    Ok(())
}

fn open(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if file == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    match File::open(file) {
        Ok(open) => Ok(Box::new(open)),
        Err(error) => {
            let message = format!("cannot be read: {error}: give the path of a file with events");
            Err(Failure::of_file(file, message))
        }
    }
}

impl Intake<'_> {
    fn json(&mut self, line: u64, text: &str) -> Result<(), Failure> {
        let event =
            Event::from_json(text, None).map_err(|error| Failure::at(self.file, line, error))?;
        self.event(line, &event, true)
    }

    fn event(&mut self, line: u64, event: &Event<'_>, has_id: bool) -> Result<(), Failure> {
        let at = |message: &dyn std::fmt::Display| Failure::at(self.file, line, message);
        let mut is_new = || self.seen.is_new(&event.source, event.id.to_string().into());
        if has_id && !is_new().map_err(|error| at(&error))? {
            self.read.repeated = self.read.repeated.saturating_add(1);
            return Ok(());
        }
        (self.take)(event).map_err(|error| at(&error))?;
        self.read.events = self.read.events.saturating_add(1);
        if self.reports && self.read.events.is_multiple_of(PROGRESS_EVERY) {
            self.report();
        }
        Ok(())
    }

    fn report(&self) {
        let Count { events, repeated } = self.read;
        let line = format!("{}: {events} events, {repeated} repeated\n", self.file.display());
        // Progress is a courtesy: a closed standard error is no reason to stop.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
