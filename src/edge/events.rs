//! Events from elsewhere, at the account: which are new, what they cost, what became of each.
//!
//! ```text
//! { received, list: [ CloudEvent, … ] }                                    ─▶ [ Outcome, … ]
//! { received, list: [ { id, void: {subject, source, id} }, { id, amend: CloudEvent }, … ] }
//! ```
//!
//! One visit, one row of the journal, and the keys of what it tells of, whatever the length.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::account::{Account, closed, storage};
use super::problem::Problem;
use crate::ledger::{
    Change, Entry, EventCorrection, EventKey, EventPlace, EventRecord, LedgerError, Refused,
};
use crate::meter::{ATTRIBUTE_BYTES_MAX, Event, EventError};
use crate::units::{Inexact, Timestamp};

/// What is to be counted or corrected.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Batch {
    /// Stands in for the time of an event that has none.
    pub(super) received: Timestamp,
    pub(super) list: Vec<Box<RawValue>>,
}

/// What became of one of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Outcome {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) status: Cow<'static, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) code: Option<Cow<'static, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) field: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

/// Why one was refused.
pub(super) struct Refusal {
    pub(super) code: Cow<'static, str>,
    pub(super) field: String,
    pub(super) detail: String,
}

impl Outcome {
    pub(super) fn refused(Refusal { code, field, detail }: Refusal) -> Self {
        let (status, code) = (Cow::Borrowed("refused"), Some(code));
        Self { id: None, status, code, field: Some(field), detail: Some(detail) }
    }

    fn of<T: Serialize>(result: Result<T, Refused>) -> Self {
        match result {
            Ok(done) => {
                let status = serde_json::to_value(done).unwrap_or_default();
                let status = status.as_str().unwrap_or_default().to_owned();
                Self { status: Cow::Owned(status), ..Self::default() }
            }
            Err(refused) => Self::refused(refused.into()),
        }
    }
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        let (code, field) = (Cow::Borrowed(refused.code()), refused.field());
        Self { code, field, detail: refused.to_string() }
    }
}

/// One correction, unchecked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CorrectionSpec<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    void: Option<Named<'a>>,
    #[serde(borrow)]
    amend: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named<'a> {
    #[serde(borrow)]
    subject: Cow<'a, str>,
    #[serde(borrow)]
    source: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// A checked correction.
pub(super) struct Correction<'a> {
    pub(super) id: Cow<'a, str>,
    change: Asked<'a>,
}

enum Asked<'a> {
    Void(Named<'a>),
    Amend(Event<'a>),
}

impl<'a> Correction<'a> {
    /// Reads one.
    pub(super) fn from_json(text: &'a str, received: Timestamp) -> Result<Self, Refusal> {
        let malformed = |field: &str, detail: String| Refusal {
            code: Cow::Borrowed("correction_malformed"),
            field: field.to_owned(),
            detail,
        };
        let CorrectionSpec { id, void, amend } =
            serde_json::from_str(text).map_err(|error| malformed("", error.to_string()))?;
        if id.is_empty() || id.len() > ATTRIBUTE_BYTES_MAX {
            return Err(malformed("/id", format!("id has {} bytes: use 1 to 256", id.len())));
        }
        let change = match (void, amend) {
            (Some(named), None) => Asked::Void(named),
            (None, Some(event)) => {
                let event = Event::from_json(event.get(), Some(received));
                let within = |refusal: Refusal| Refusal {
                    field: format!("/amend{}", refusal.field),
                    ..refusal
                };
                Asked::Amend(event.map_err(|e: EventError| within(Refused::from(e).into()))?)
            }
            _ => {
                let detail = "say void, with the event's subject, source and id, or amend, with \
                     the event as it should be; one of them";
                return Err(malformed("", detail.to_owned()));
            }
        };
        Ok(Self { id, change })
    }

    /// The account.
    pub(super) fn subject(&self) -> &str {
        match &self.change {
            Asked::Void(named) => &named.subject,
            Asked::Amend(event) => &event.subject,
        }
    }

    fn decided(&self) -> EventCorrection<'_> {
        let (source, event, change) = match &self.change {
            Asked::Void(named) => (&named.source, &named.id, Change::Void),
            Asked::Amend(event) => (&event.source, &event.id, Change::Amend(event.clone())),
        };
        EventCorrection { id: &self.id, source, event, change }
    }
}

fn inexact(error: Inexact) -> Problem {
    LedgerError::from(error).into()
}

impl Account {
    pub(super) fn take_events(&self, batch: &Batch) -> Result<Vec<Outcome>, Problem> {
        let read = batch.list.iter().map(|raw| {
            let event = Event::from_json(raw.get(), Some(batch.received));
            event.map_err(|error| Problem::new(422, error.code(), error.to_string()))
        });
        // The gateway has read them all before, by the same rules.
        let events = read.collect::<Result<Vec<Event<'_>>, _>>()?;
        let key = |event: &Event<'_>| EventKey::of(&event.source, &event.id);
        let keys: Vec<EventKey> = events.iter().map(key).collect();
        self.visit(|session, plan| {
            let known = self.store.known(session.now(), &keys).map_err(storage)?;
            let taken = session.take_events(plan, &events, |index| known.contains_key(&index));
            Ok(taken.map_err(inexact)?.into_iter().map(Outcome::of).collect())
        })
    }

    pub(super) fn correct_events(&self, batch: &Batch) -> Result<Vec<Outcome>, Problem> {
        let read = batch.list.iter().map(|raw| {
            let correction = Correction::from_json(raw.get(), batch.received);
            correction.map_err(|refusal| Problem::new(422, &refusal.code, refusal.detail))
        });
        let corrections = read.collect::<Result<Vec<Correction<'_>>, _>>()?;
        let corrections: Vec<EventCorrection<'_>> =
            corrections.iter().map(Correction::decided).collect();
        let own = |one: &EventCorrection<'_>| EventKey::of_correction(one.id);
        let own: Vec<EventKey> = corrections.iter().map(own).collect();
        self.visit(|session, plan| {
            let done = self.store.known(session.now(), &own).map_err(storage)?;
            let records = self.records(session.now(), &corrections)?;
            let is_done = |index| done.contains_key(&index);
            let corrected = session.correct_events(plan, &corrections, is_done, records);
            Ok(corrected.map_err(inexact)?.into_iter().map(Outcome::of).collect())
        })
    }

    /// What the journal says of the events that are to be corrected; each row is read once.
    fn records(
        &self,
        now: Timestamp,
        corrections: &[EventCorrection<'_>],
    ) -> Result<BTreeMap<EventKey, EventRecord>, Problem> {
        let key = |one: &EventCorrection<'_>| EventKey::of(one.source, one.event);
        let keys: Vec<EventKey> = corrections.iter().map(key).collect();
        let known = self.store.known(now, &keys).map_err(storage)?;
        let mut by_row: BTreeMap<u64, Vec<(usize, u64)>> = BTreeMap::new();
        for (index, EventPlace { n, i }) in known {
            by_row.entry(n).or_default().push((index, i));
        }
        let mut records = BTreeMap::new();
        for (n, places) in by_row {
            let row = self.store.page(n.saturating_sub(1), 1, 0).map_err(closed)?;
            let body = row.first().map_or("", |row| row.body.as_str());
            let entries: Vec<Entry> =
                serde_json::from_str(body).map_err(|error| storage(error.to_string()))?;
            for (index, i) in places {
                let Some(one) = corrections.get(index) else { continue };
                let record = EventRecord::read(&entries, i, one.source, one.event);
                // The keys lie beside the journal, which is what counts.
                let fits = record.map_err(inexact)?.ok_or_else(|| storage("event's key"))?;
                records.insert(key(one), fits);
            }
        }
        Ok(records)
    }
}
