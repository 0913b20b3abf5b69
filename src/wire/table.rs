//! Events as a table: what they have in common stands once above them, so that a million events
//! are a third of the bytes.
//!
//! ```text
//! { "columns": ["id", "time", "tokens"],                names of the cells
//!   "rows": [["op-1", 1767225600000, "0.526"], …],      an event a row
//!   "source": "/gateway", "type": "completion", "subject": "acme" }
//! ```
//!
//! The columns `id`, `time`, `source`, `type` and `subject` are the attributes of a CloudEvent; all
//! others are properties of its data, read by `/name`, as in a CSV file. An attribute without a
//! column stands beside the columns and holds for all rows. A time is RFC 3339 text or whole UTC
//! milliseconds; a cell may be any JSON value. Invariant (`tests/parity`): a table and the list of
//! the same CloudEvents have the same answer; data that has an attribute's name has no column.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::WireError;
use crate::meter::{BorrowedText, Data, EVENT_BYTES_MAX, Event, EventError, parse_rfc3339};
use crate::units::Timestamp;

/// Columns of a table, at most.
const COLUMNS_MAX: usize = 64;
/// Characters of a cell that an error repeats, at most.
const FOUND_CHARS_MAX: usize = 40;

/// Events in columns.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table<'a> {
    columns: Vec<String>,
    #[serde(borrow)]
    rows: Rows<'a>,
    source: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    subject: Option<String>,
}

/// Where the rows have the attributes of their events.
struct Roles<'t> {
    id: usize,
    time: usize,
    source: Role<'t>,
    kind: Role<'t>,
    subject: Role<'t>,
}

/// A column, or one text for all rows.
#[derive(Clone, Copy)]
enum Role<'t> {
    Column(usize),
    All(&'t str),
}

impl Table<'_> {
    /// Number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.cells.len().checked_div(self.rows.width).unwrap_or(0)
    }

    /// The events, in order; each is an event or says why not.
    ///
    /// # Errors
    ///
    /// [`WireError::Columns`] if the columns are not those of events, or not those of the rows.
    pub(super) fn events(
        &self,
    ) -> Result<impl Iterator<Item = Result<Event<'_>, EventError>>, WireError> {
        let roles = self.roles().map_err(|reason| WireError::Columns { reason })?;
        let rows = self.rows.cells.chunks(self.columns.len());
        Ok(rows.map(move |cells| event(&self.columns, &roles, cells)))
    }

    fn roles(&self) -> Result<Roles<'_>, String> {
        let (columns, width) = (self.columns.len(), self.rows.width);
        if columns > COLUMNS_MAX {
            return Err(format!("there are {columns} columns: use at most {COLUMNS_MAX}"));
        }
        if !self.rows.cells.is_empty() && width != columns {
            return Err(format!("{columns} columns over rows of {width} cells: make them as many"));
        }
        let mut names = self.columns.iter().enumerate();
        if let Some((_, name)) = names.find(|(index, name)| self.column(name) != Some(*index)) {
            return Err(format!("column {name:?} stands twice: leave one out"));
        }
        let (Some(id), Some(time)) = (self.column("id"), self.column("time")) else {
            return Err("events need the columns \"id\" and \"time\"".to_owned());
        };
        let source = self.role("source", self.source.as_deref())?;
        let kind = self.role("type", self.kind.as_deref())?;
        let subject = self.role("subject", self.subject.as_deref())?;
        Ok(Roles { id, time, source, kind, subject })
    }

    fn role<'t>(&self, name: &str, all: Option<&'t str>) -> Result<Role<'t>, String> {
        match (self.column(name), all) {
            (Some(column), None) => Ok(Role::Column(column)),
            (None, Some(text)) => Ok(Role::All(text)),
            (Some(_), Some(_)) => {
                Err(format!("{name:?} is a column and said for all rows: leave one out"))
            }
            (None, None) => Err(format!("{name:?} is missing: make it a column, or say it once")),
        }
    }

    fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }
}

/// A function of its own, as `Reader::take` is.
#[inline(never)]
fn event<'t>(
    names: &'t [String],
    roles: &Roles<'t>,
    cells: &'t [&'t RawValue],
) -> Result<Event<'t>, EventError> {
    let bytes = cells.iter().map(|cell| cell.get().len()).sum();
    if bytes > EVENT_BYTES_MAX {
        return Err(EventError::TooLong { bytes });
    }
    // Every row has a cell for each column.
    let cell = |column: usize| cells.get(column).map_or("null", |cell| cell.get());
    let text = |role, name| match role {
        Role::All(text) => Ok(Cow::Borrowed(text)),
        Role::Column(column) => string(name, cell(column)),
    };
    let is_null = |role| matches!(role, Role::Column(column) if cell(column) == "null");
    let event = Event {
        id: string("id", cell(roles.id))?,
        source: text(roles.source, "source")?,
        kind: text(roles.kind, "type")?,
        time: instant(cell(roles.time))?,
        subject: match is_null(roles.subject) {
            true => return Err(EventError::NoSubject),
            false => text(roles.subject, "subject")?,
        },
        data: Data::Row { names, cells },
    };
    event.checked()
}

fn string<'t>(name: &str, cell: &'t str) -> Result<Cow<'t, str>, EventError> {
    match serde_json::from_str(cell) {
        Ok(BorrowedText(text)) => Ok(text),
        Err(_) => {
            let found: String = cell.chars().take(FOUND_CHARS_MAX).collect();
            Err(EventError::Json { reason: format!("{name} is {found}: write a text") })
        }
    }
}

fn instant(cell: &str) -> Result<Timestamp, EventError> {
    if let Ok(millis) = cell.parse() {
        return Ok(Timestamp::from_millis(millis));
    }
    match cell.bytes().next() {
        Some(b'"') => {
            let text = string("time", cell)?;
            parse_rfc3339(&text).ok_or_else(|| EventError::Time { found: text.into_owned() })
        }
        Some(b'-' | b'0'..=b'9') => Err(EventError::Time { found: cell.to_owned() }),
        _ if cell == "null" => Err(EventError::NoTime),
        _ => string("time", cell).and(Err(EventError::NoTime)),
    }
}

/// The cells of all rows, one after the other; every row has as many.
#[derive(Default)]
struct Rows<'a> {
    width: usize,
    cells: Vec<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Rows<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(RowsVisitor)
    }
}

struct RowsVisitor;

impl<'de> Visitor<'de> for RowsVisitor {
    type Value = Rows<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of rows")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut rows = Rows::default();
        while let Some(width) = list.next_element_seed(Row(&mut rows.cells))? {
            if rows.width == 0 {
                rows.width = width;
            }
            if width == 0 || width != rows.width {
                let first = rows.width;
                let index = rows.cells.len().checked_div(first).unwrap_or(0);
                return Err(A::Error::custom(match (width, first) {
                    (_, 0) => "row 0 has no cells: give each event a row".to_owned(),
                    _ => format!("row {index} has {width} cells, row 0 has {first}"),
                }));
            }
        }
        Ok(rows)
    }
}

/// Reads one row after the others; gives its number of cells.
struct Row<'r, 'de>(&'r mut Vec<&'de RawValue>);

impl<'de> DeserializeSeed<'de> for Row<'_, 'de> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<usize, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Row<'_, 'de> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of cells")
    }

    #[inline(never)]
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<usize, A::Error> {
        let before = self.0.len();
        while let Some(cell) = list.next_element()? {
            self.0.push(cell);
        }
        Ok(self.0.len().saturating_sub(before))
    }
}
