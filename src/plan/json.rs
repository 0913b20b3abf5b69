//! A cursor on a JSON document that knows its path, so that every fault says where it is.
//!
//! ```text
//! Node "/charges/0" ── object(&["id", …]) ──▶ Fields ── required("id") ──▶ Node "/charges/0/id"
//! ```

use std::collections::BTreeSet;
use std::str::FromStr;

use super::error::{Fault, PlanError};
use crate::json::Json;
use crate::units::{Amount, CadenceError, IdError, NumberError, UnitPrice, UnknownCurrency};

/// Reads a document of at most `bytes_max` bytes.
pub(super) fn document(text: &str, bytes_max: usize) -> Result<Json, PlanError> {
    let fault = if text.len() > bytes_max {
        Fault::DocumentTooLong { bytes: text.len(), max: bytes_max }
    } else {
        match serde_json::from_str(text) {
            Ok(json) => return Ok(json),
            Err(error) => Fault::NotJson {
                line: error.line(),
                column: error.column(),
                reason: error.to_string(),
            },
        }
    };
    Err(PlanError::new(String::new(), fault))
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    json: &'a Json,
    path: String,
}

/// The fields of an object, all of them known, none twice.
pub(super) struct Fields<'a> {
    fields: &'a [(String, Json)],
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(json: &'a Json) -> Self {
        Self { json, path: String::new() }
    }

    /// The value itself.
    pub(super) fn json(&self) -> Json {
        self.json.clone()
    }

    pub(super) fn fail<T>(&self, fault: Fault) -> Result<T, PlanError> {
        Err(PlanError::new(self.path.clone(), fault))
    }

    fn wrong_type<T>(&self, expected: &'static str) -> Result<T, PlanError> {
        self.fail(Fault::WrongType { expected, found: self.json.kind() })
    }

    /// An object with fields from `known` only.
    pub(super) fn object(&self, known: &[&str]) -> Result<Fields<'a>, PlanError> {
        let fields = self.entries()?;
        for entry in &fields {
            if !known.contains(&entry.0) {
                let known = known.join(", ");
                return entry.1.fail(Fault::UnknownField { known });
            }
        }
        let Json::Object(fields) = self.json else { return self.wrong_type("an object") };
        Ok(Fields { fields, path: self.path.clone() })
    }

    /// The fields of an object whose names are data.
    pub(super) fn entries(&self) -> Result<Vec<(&'a str, Node<'a>)>, PlanError> {
        let Json::Object(fields) = self.json else { return self.wrong_type("an object") };
        let mut entries: Vec<(&str, Node<'_>)> = Vec::with_capacity(fields.len());
        let mut names = BTreeSet::new();
        for (name, json) in fields {
            let node = Node { json, path: join(&self.path, name) };
            if !names.insert(name.as_str()) {
                return node.fail(Fault::DuplicateField);
            }
            entries.push((name, node));
        }
        Ok(entries)
    }

    /// A list of at most `max` elements.
    pub(super) fn list(&self, max: usize) -> Result<Vec<Node<'a>>, PlanError> {
        let Json::List(elements) = self.json else { return self.wrong_type("a list") };
        if elements.len() > max {
            return self.fail(Fault::TooMany { count: elements.len(), max });
        }
        let node = |(index, json)| Node { json, path: format!("{}/{index}", self.path) };
        Ok(elements.iter().enumerate().map(node).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, PlanError> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => self.wrong_type("a string"),
        }
    }

    /// A text of 1 to `max` characters.
    pub(super) fn short_text(&self, max: usize) -> Result<String, PlanError> {
        let text = self.text()?;
        let length = text.chars().count();
        if length == 0 || length > max {
            return self.fail(Fault::TextLength { length, max });
        }
        Ok(text.to_owned())
    }

    pub(super) fn boolean(&self) -> Result<bool, PlanError> {
        match self.json {
            Json::Boolean(value) => Ok(*value),
            _ => self.wrong_type("true or false"),
        }
    }

    /// An integer in `min ..= max`, as any type that holds those.
    pub(super) fn integer<T: TryFrom<i64>>(&self, min: i64, max: i64) -> Result<T, PlanError> {
        let Json::Integer(value) = *self.json else { return self.wrong_type("a whole number") };
        let in_range = (min..=max).contains(&value);
        match in_range.then(|| T::try_from(value).ok()).flatten() {
            Some(value) => Ok(value),
            None => self.fail(Fault::IntegerOutOfRange { value, min, max }),
        }
    }

    /// A string that reads as `T`.
    pub(super) fn parse<T>(&self) -> Result<T, PlanError>
    where
        T: FromStr,
        T::Err: IntoFault,
    {
        let text = match self.json {
            Json::Integer(_) | Json::Fraction => {
                return self.wrong_type("it as a string: a JSON number may have been a float");
            }
            _ => self.text()?,
        };
        text.parse().or_else(|error: T::Err| self.fail(error.into_fault(text.to_owned())))
    }

    /// An amount of as many digits as a price may have.
    pub(super) fn amount(&self) -> Result<Amount, PlanError> {
        self.parse::<UnitPrice>().map(Amount::from)
    }

    /// A word from a fixed list.
    pub(super) fn one_of<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, PlanError> {
        let text = self.text()?;
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, value)) => Ok(*value),
            None => self.fail(Fault::NotOneOf {
                value: text.to_owned(),
                known: words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    pub(super) fn is_text(&self) -> bool {
        matches!(self.json, Json::Text(_))
    }
}

impl<'a> Fields<'a> {
    /// The field; `null` counts as left out.
    pub(super) fn optional(&self, name: &str) -> Option<Node<'a>> {
        let (_, json) = self.fields.iter().find(|(other, _)| other == name)?;
        (*json != Json::Null).then(|| Node { json, path: join(&self.path, name) })
    }

    /// The field.
    pub(super) fn required(&self, name: &str) -> Result<Node<'a>, PlanError> {
        self.optional(name)
            .ok_or_else(|| PlanError::new(join(&self.path, name), Fault::MissingField))
    }

    /// The field read by `read`, or the default.
    pub(super) fn or<T>(
        &self,
        name: &str,
        default: T,
        read: impl FnOnce(&Node<'a>) -> Result<T, PlanError>,
    ) -> Result<T, PlanError> {
        self.optional(name).map_or(Ok(default), |node| read(&node))
    }

    /// The field read by `read`, if it is there.
    pub(super) fn maybe<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Node<'a>) -> Result<T, PlanError>,
    ) -> Result<Option<T>, PlanError> {
        self.optional(name).map(|node| read(&node)).transpose()
    }

    /// Every element of a list of at most `max`, read by `read`; an empty list if it is left out.
    pub(super) fn list<T>(
        &self,
        name: &str,
        max: usize,
        read: impl Fn(&Node<'a>) -> Result<T, PlanError>,
    ) -> Result<Vec<T>, PlanError> {
        let elements = self.or(name, Vec::new(), |node| node.list(max))?;
        elements.iter().map(read).collect()
    }
}

/// A pointer one level deeper; RFC 6901 escapes `~` and `/`.
pub(super) fn join(path: &str, name: &str) -> String {
    format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// An error of parsing a text, with that text.
pub(super) trait IntoFault {
    fn into_fault(self, value: String) -> Fault;
}

impl IntoFault for NumberError {
    fn into_fault(self, value: String) -> Fault {
        Fault::Number { value, reason: self }
    }
}

impl IntoFault for IdError {
    fn into_fault(self, value: String) -> Fault {
        Fault::Id { value, reason: self }
    }
}

impl IntoFault for UnknownCurrency {
    fn into_fault(self, value: String) -> Fault {
        Fault::Currency { value, reason: self }
    }
}

impl IntoFault for CadenceError {
    fn into_fault(self, value: String) -> Fault {
        Fault::Cadence { value, reason: self }
    }
}
