//! A row's entries, as far as a check asks for them; read by hand.
//!
//! The ledger's own reader of all kinds of entries, with all that they may hold, is a tenth of a
//! megabyte of code that a customer would have to load. Invariant (tested in `tests/check`): what
//! is read here is what stands in the ledger's own entries.

use std::str::FromStr;

use crate::json::{Json, from_text};
use crate::ledger::{
    Adjustment, Booked, Burn, ClosedPeriod, Debit, Entry, EventLine, Events, Flying, Grant,
    GrantKind, GrantTerms, Invoiced, Operation, Operations, PlanRef, Rolled, Shortfall, Use,
};
use crate::plan::Combination;
use crate::units::{Credits, Timestamp};

type Read<T> = Result<T, String>;

/// The entries of a row's body that tell of plans, grants or use.
///
/// # Errors
///
/// What does not belong there.
pub fn entries(body: &str) -> Result<Vec<Entry>, String> {
    let body: Json = from_text(body).map_err(|error| error.to_string())?;
    let list = list(&body)?;
    let mut found = Vec::with_capacity(list.len());
    for value in list {
        found.extend(entry(Fields::of(value)?)?);
    }
    Ok(found)
}

fn unfit(what: &str) -> String {
    format!("{what} is not what a ledger writes")
}

fn parsed<T: FromStr>(text: &str) -> Read<T> {
    text.parse().map_err(|_| unfit(text))
}

fn text(value: &Json) -> Read<&str> {
    match value {
        Json::Text(text) => Ok(text),
        _ => Err(unfit("a text")),
    }
}

fn list(value: &Json) -> Read<&[Json]> {
    match value {
        Json::List(list) => Ok(list),
        _ => Err(unfit("a list")),
    }
}

fn whole(value: &Json) -> Read<u64> {
    u64::try_from(millis(value)?).map_err(|_| unfit("a number"))
}

fn small(value: &Json) -> Read<u16> {
    u16::try_from(whole(value)?).map_err(|_| unfit("a number"))
}

fn millis(value: &Json) -> Read<i64> {
    match value {
        Json::Integer(number) => Ok(*number),
        _ => Err(unfit("a number")),
    }
}

fn each<T>(values: &[Json], one: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
    values.iter().map(one).collect()
}

/// A list of so many parts.
fn parts<const N: usize>(value: &Json) -> Read<&[Json; N]> {
    list(value)?.try_into().map_err(|_| unfit("a list"))
}

/// An object's members.
#[derive(Clone, Copy)]
struct Fields<'v>(&'v Json);

impl<'v> Fields<'v> {
    fn of(value: &'v Json) -> Read<Self> {
        match value {
            Json::Object(_) => Ok(Self(value)),
            _ => Err(unfit("an object")),
        }
    }

    fn get(self, name: &str) -> Read<&'v Json> {
        self.0.get(name).ok_or_else(|| unfit(name))
    }

    fn text(self, name: &str) -> Read<String> {
        Ok(text(self.get(name)?)?.to_owned())
    }

    fn parse<T: FromStr>(self, name: &str) -> Read<T> {
        parsed(text(self.get(name)?)?)
    }

    /// Zero if it is left out.
    fn amount(self, name: &str) -> Read<Credits> {
        self.0.get(name).map_or(Ok(Credits::ZERO), |value| parsed(text(value)?))
    }

    fn number(self, name: &str) -> Read<Option<u64>> {
        self.0.get(name).map(whole).transpose()
    }

    fn flag(self, name: &str) -> bool {
        self.0.get(name) == Some(&Json::Boolean(true))
    }

    /// Empty if it is left out.
    fn list<T>(self, name: &str, one: impl Fn(&Json) -> Read<T>) -> Read<Vec<T>> {
        self.0.get(name).map_or(Ok(Vec::new()), |value| each(list(value)?, one))
    }

    fn burns(self, name: &str) -> Read<Vec<Burn>> {
        self.list(name, burn)
    }

    fn uses(self, name: &str) -> Read<Vec<Use>> {
        self.list(name, |value| {
            let fields = Fields::of(value)?;
            let of = fields.0.get("of").map_or(Ok(Combination::new()), combination)?;
            Ok(Use { charge: fields.parse("charge")?, of, quantity: fields.parse("quantity")? })
        })
    }

    fn shortfall(self) -> Read<Shortfall> {
        let Some(value) = self.0.get("shortfall") else { return Ok(Shortfall::default()) };
        let fields = Fields::of(value)?;
        Ok(Shortfall { debt: fields.amount("debt")?, unpaid: fields.amount("unpaid")? })
    }

    fn booked(self) -> Read<Booked> {
        let Some(value) = self.0.get("booked") else { return Ok(Booked::default()) };
        let fields = Fields::of(value)?;
        Ok(Booked {
            burns: fields.burns("burns")?,
            returns: fields.burns("returns")?,
            debt: fields.amount("debt")?,
            overage: fields.amount("overage")?,
            unpaid: fields.amount("unpaid")?,
        })
    }

    fn plan(self) -> Read<PlanRef> {
        let plan = Fields::of(self.get("plan")?)?;
        let version = plan.number("version")?.and_then(|version| u32::try_from(version).ok());
        let version = version.ok_or_else(|| unfit("version"))?;
        Ok(PlanRef { id: plan.parse("id")?, version, hash: plan.text("hash")? })
    }
}

fn burn(value: &Json) -> Read<Burn> {
    let fields = Fields::of(value)?;
    Ok(Burn { grant: fields.parse("grant")?, amount: fields.amount("amount")? })
}

fn combination(value: &Json) -> Read<Combination> {
    let Json::Object(members) = value else { return Err(unfit("an object")) };
    let mut of = Combination::new();
    for (name, value) in members {
        of.insert(name.clone(), text(value)?.to_owned());
    }
    Ok(of)
}

fn entry(fields: Fields<'_>) -> Read<Option<Entry>> {
    let entry = match text(fields.get("kind")?)? {
        "account_opened" => Entry::AccountOpened {
            account: fields.parse("account")?,
            plan: fields.plan()?,
            plan_json: fields.text("plan_json")?,
            billing: None,
        },
        "plan_changed" => {
            Entry::PlanChanged { plan: fields.plan()?, plan_json: fields.text("plan_json")? }
        }
        "credits_granted" => Entry::CreditsGranted { grant: grant(fields.get("grant")?)? },
        "grant_expired" => Entry::GrantExpired { lost: burn(fields.get("lost")?)? },
        "grant_refilled" => Entry::GrantRefilled {
            grant: fields.parse("grant")?,
            lost: fields.amount("lost")?,
            added: fields.amount("added")?,
            next: None,
        },
        "grant_terms_changed" => Entry::GrantTermsChanged {
            grant: fields.parse("grant")?,
            terms: terms(fields.get("terms")?)?,
            next: None,
        },
        "adjusted" => {
            let adjustment = Fields::of(fields.get("adjustment")?)?;
            let grant = adjustment.0.get("grant").map(|id| parsed(text(id)?)).transpose()?;
            let (id, amount) = (adjustment.parse("id")?, adjustment.amount("amount")?);
            let adjustment = Adjustment { id, amount, grant, reason: String::new() };
            Entry::Adjusted { adjustment, taken: fields.burns("taken")? }
        }
        "period_closed" => closed(fields)?,
        "period_billed" => Entry::PeriodBilled { closed: sealed(fields.get("closed")?)? },
        "debt_settled" => {
            Entry::DebtSettled { burns: fields.burns("burns")?, overage: fields.amount("overage")? }
        }
        "usage_reported" => reported(fields)?,
        "debited" => debited(fields)?,
        "reservation_settled" => settled(fields)?,
        "reservation_released" => Entry::ReservationReleased { op: fields.text("op")? },
        "events_taken" => {
            Entry::EventsTaken { events: events(fields.get("events")?)?, booked: fields.booked()? }
        }
        "event_corrected" => Entry::EventCorrected {
            id: fields.text("id")?,
            source: fields.text("source")?,
            event: fields.text("event")?,
            terms: fields.number("terms")?.unwrap_or_default(),
            before: fields.uses("before")?,
            uses: fields.uses("uses")?,
            cost: fields.amount("cost")?,
            booked: fields.booked()?,
            paid: fields.burns("paid")?,
        },
        "refunded" => Entry::Refunded {
            op: fields.text("op")?,
            returns: fields.burns("returns")?,
            debt: fields.amount("debt")?,
            overage: fields.amount("overage")?,
            former: fields.list("former", |value| {
                let [terms, amount] = parts(value)?;
                Ok(Invoiced(whole(terms)?, parsed(text(amount)?)?))
            })?,
        },
        _ => return Ok(None),
    };
    Ok(Some(entry))
}

fn sealed(value: &Json) -> Read<ClosedPeriod> {
    let fields = Fields::of(value)?;
    let index = i32::try_from(millis(fields.get("index")?)?).map_err(|_| unfit("index"))?;
    let row = fields.number("row")?.unwrap_or_default();
    Ok(ClosedPeriod { index, invoice: fields.text("invoice")?, row })
}

fn closed(fields: Fields<'_>) -> Read<Entry> {
    let rolled = |value: &Json| {
        let fields = Fields::of(value)?;
        let (lost, added) = (fields.amount("lost")?, fields.amount("added")?);
        Ok(Rolled { grant: fields.parse("grant")?, lost, added })
    };
    Ok(Entry::PeriodClosed {
        id: fields.parse("id")?,
        rolled: fields.list("rolled", rolled)?,
        overage: fields.amount("overage")?,
        forgive_debt: fields.flag("forgive_debt"),
        forgiven: fields.amount("forgiven")?,
        closed: fields.0.get("closed").map(sealed).transpose()?,
    })
}

fn terms(value: &Json) -> Read<GrantTerms> {
    let fields = Fields::of(value)?;
    Ok(GrantTerms {
        id: fields.parse("id")?,
        amount: fields.amount("amount")?,
        kind: GrantKind::Paid,
        priority: 0,
        effective_at: None,
        expires_at: None,
        rollover: None,
        recurrence: None,
    })
}

/// A grant's amounts: who burns first is the statement's to explain.
fn grant(value: &Json) -> Read<Grant> {
    let fields = Fields::of(value)?;
    let none = Timestamp::default();
    let grant = Grant::new(terms(fields.get("terms")?)?, none, none);
    Ok(Grant { given: fields.amount("given")?, left: fields.amount("left")?, ..grant })
}

fn reported(fields: Fields<'_>) -> Read<Entry> {
    let flying = |value: &Json| {
        let fields = Fields::of(value)?;
        Ok(Flying {
            op: fields.text("op")?,
            cost: fields.amount("cost")?,
            burns: fields.burns("burns")?,
            debt: fields.amount("debt")?,
        })
    };
    let packed = Fields::of(fields.get("operations")?)?;
    let operations = Operations {
        from: whole(packed.get("from")?)?,
        at: Timestamp::from_millis(millis(packed.get("at")?)?),
        routes: packed.list("routes", |value| {
            let [path, charge] = parts(value)?;
            Ok((text(path)?.to_owned(), parsed(text(charge)?)?))
        })?,
        keys: packed.list("keys", |value| parsed(text(value)?))?,
        list: packed.list("list", |value| {
            let [route, key, quantity, offset, status] = parts(value)?;
            let quantity = parsed(text(quantity)?)?;
            Ok(Operation(small(route)?, small(key)?, quantity, millis(offset)?, small(status)?))
        })?,
    };
    Ok(Entry::UsageReported {
        lease: fields.text("lease")?,
        terms: fields.number("terms")?,
        used: fields.amount("used")?,
        returned: fields.amount("returned")?,
        operations,
        costs: fields.list("costs", |value| parsed(text(value)?))?,
        shortfall: fields.shortfall()?,
        burns: fields.burns("burns")?,
        flying: fields.list("flying", flying)?,
    })
}

fn debited(fields: Fields<'_>) -> Read<Entry> {
    let debit = Fields::of(fields.get("debit")?)?;
    Ok(Entry::Debited {
        debit: Debit {
            op: debit.text("op")?,
            route: debit.text("route")?,
            charge: debit.parse("charge")?,
            key: debit.parse("key")?,
            quantity: debit.parse("quantity")?,
        },
        terms: fields.number("terms")?,
        cost: fields.amount("cost")?,
        burns: fields.burns("burns")?,
        debt: fields.amount("debt")?,
        restricted: fields.flag("restricted"),
    })
}

fn settled(fields: Fields<'_>) -> Read<Entry> {
    Ok(Entry::ReservationSettled {
        op: fields.text("op")?,
        route: fields.text("route")?,
        key: fields.0.get("key").map(|key| parsed(text(key)?)).transpose()?,
        labels: fields.0.get("labels").map_or(Ok(Combination::new()), combination)?,
        terms: fields.number("terms")?,
        uses: fields.uses("uses")?,
        unpriced: fields.uses("unpriced")?,
        cost: fields.amount("cost")?,
        burns: fields.burns("burns")?,
        shortfall: fields.shortfall()?,
        last: fields.flag("last"),
        status: small(fields.get("status")?)?,
        estimated: fields.flag("estimated"),
    })
}

fn events(value: &Json) -> Read<Events> {
    let index = |value: &Json| u32::try_from(whole(value)?).map_err(|_| unfit("a number"));
    let fields = Fields::of(value)?;
    let late = fields.0.get("late_before").map(millis).transpose()?;
    Ok(Events {
        at: Timestamp::from_millis(millis(fields.get("at")?)?),
        terms: fields.number("terms")?.unwrap_or_default(),
        late_before: late.map(Timestamp::from_millis),
        sources: fields.list("sources", |value| Ok(text(value)?.to_owned()))?,
        of: fields.list("of", |value| {
            let [charge, of] = parts(value)?;
            Ok((parsed(text(charge)?)?, combination(of)?))
        })?,
        list: fields.list("list", |value| {
            let [source, id, offset, uses, cost] = parts(value)?;
            let uses = each(list(uses)?, |value| {
                let [column, quantity] = parts(value)?;
                Ok((index(column)?, parsed(text(quantity)?)?))
            })?;
            let (id, cost) = (text(id)?.to_owned(), parsed(text(cost)?)?);
            Ok(EventLine(index(source)?, id, millis(offset)?, uses, cost))
        })?,
    })
}
