//! The members of a JSON object with the places where they stand in its text, so that one of them
//! can be changed and every other byte left alone.
//!
//! ```text
//! {"model":"m", "max_tokens": 4096}
//!               ╰────── whole ───╯    value: 4096
//! ```
//!
//! Finding a member in a request is strict: a name that stands twice, or that a lax parser (Go's
//! takes names in any case) could take for the one that is read, would let the client show one
//! number to the meter and another to the origin.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};

use memchr::{memchr, memchr2};

use super::error::{Fault, ReaderError};
use super::tokens::whole;
use crate::meter::BorrowedText;

/// A member of an object.
#[derive(Clone, Debug)]
pub(super) struct Member<'a> {
    pub(super) name: Cow<'a, str>,
    /// From the name's quote to the value's end.
    pub(super) whole: Range<usize>,
    /// The value's text.
    pub(super) value: &'a str,
    /// Where it stands.
    pub(super) place: Range<usize>,
}

/// An object and the pointer to it.
#[derive(Debug)]
pub(super) struct Object<'a> {
    pub(super) members: Vec<Member<'a>>,
    path: String,
    /// Where its first member stands, or would.
    pub(super) start: usize,
}

/// The members of the object that is `text`, spaces around it allowed; none if it is no object.
/// Values are skipped, not checked.
pub(super) fn members(text: &str) -> Option<(usize, Vec<Member<'_>>)> {
    let bytes = text.as_bytes();
    let mut at = skip_space(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = at.checked_add(1)?;
    let start = at;
    let mut found = Vec::new();
    loop {
        at = skip_space(bytes, at);
        if bytes.get(at) == Some(&b'}') && found.is_empty() {
            return Some((start, found));
        }
        let name_at = at;
        at = skip_string(bytes, at)?;
        let name = unquoted(text.get(name_at..at)?)?;
        at = skip_space(bytes, at);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        let value_at = skip_space(bytes, at.checked_add(1)?);
        at = skip_value(bytes, value_at)?;
        let value = text.get(value_at..at)?;
        found.push(Member { name, whole: name_at..at, value, place: value_at..at });
        at = skip_space(bytes, at);
        let end = bytes.get(at)?;
        at = at.checked_add(1)?;
        match end {
            b',' => {}
            b'}' => return Some((start, found)),
            _ => return None,
        }
    }
}

/// The text of a string with its quotes.
fn unquoted(string: &str) -> Option<Cow<'_, str>> {
    if memchr(b'\\', string.as_bytes()).is_some() {
        return serde_json::from_str(string).ok().map(|BorrowedText(text)| text);
    }
    string.strip_prefix('"')?.strip_suffix('"').map(Cow::Borrowed)
}

fn skip_space(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    from.saturating_add(spaces.count())
}

/// The end of the string that begins at `from`.
fn skip_string(bytes: &[u8], from: usize) -> Option<usize> {
    if bytes.get(from) != Some(&b'"') {
        return None;
    }
    let mut at = from.checked_add(1)?;
    loop {
        at = at.checked_add(memchr2(b'"', b'\\', bytes.get(at..)?)?)?;
        let is_escape = bytes.get(at) == Some(&b'\\');
        at = at.checked_add(if is_escape { 2 } else { 1 })?;
        if !is_escape {
            return Some(at);
        }
    }
}

/// The end of the value that begins at `from`.
pub(super) fn skip_value(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    let mut depth = 0_usize;
    loop {
        match bytes.get(at)? {
            b'"' => at = skip_string(bytes, at)?,
            b'{' | b'[' => {
                depth = depth.checked_add(1)?;
                at = at.checked_add(1)?;
            }
            b'}' | b']' => {
                // An end without a beginning is the end of what this value stands in.
                let Some(left) = depth.checked_sub(1) else { break };
                depth = left;
                at = at.checked_add(1)?;
            }
            b',' | b' ' | b'\t' | b'\n' | b'\r' if depth == 0 => break,
            _ => {
                at = at.checked_add(1)?;
                if depth == 0 && bytes.get(at).is_none() {
                    break;
                }
                continue;
            }
        }
        if depth == 0 {
            break;
        }
    }
    (at > from).then_some(at)
}

impl<'a> Object<'a> {
    /// The object that a body is; `text` is known to be JSON.
    pub(super) fn read(text: &'a str) -> Result<Self, ReaderError> {
        let wrong = || ReaderError::new("body", wrong_type("an object", text.trim_start()));
        let (start, members) = members(text).ok_or_else(wrong)?;
        Ok(Self { members, path: String::new(), start })
    }

    fn field(&self, name: &str) -> String {
        format!("{}/{}", self.path, name.replace('~', "~0").replace('/', "~1"))
    }

    /// The member of that name.
    ///
    /// # Errors
    ///
    /// If it stands twice, or beside one that looks like it.
    pub(super) fn get(&self, name: &str) -> Result<Option<&Member<'a>>, ReaderError> {
        let mut found = None;
        for member in self.members.iter().filter(|member| folds_to(&member.name, name)) {
            if member.name != name {
                let fault = Fault::Lookalike { name: name.to_owned() };
                return Err(ReaderError::new(self.field(&member.name), fault));
            }
            if found.replace(member).is_some() {
                return Err(ReaderError::new(self.field(name), Fault::Twice));
            }
        }
        Ok(found)
    }

    /// The member of that name, unless its value is `null`.
    pub(super) fn some(&self, name: &str) -> Result<Option<&Member<'a>>, ReaderError> {
        Ok(self.get(name)?.filter(|member| member.value != "null"))
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ReaderError> {
        let Some(member) = self.some(name)? else { return Ok(None) };
        match serde_json::from_str(member.value) {
            Ok(BorrowedText(text)) => Ok(Some(text.into_owned())),
            Err(_) => Err(self.wrong(name, "a string", member)),
        }
    }

    /// A boolean; false if it is not there.
    pub(super) fn truth(&self, name: &str) -> Result<bool, ReaderError> {
        match self.some(name)? {
            None => Ok(false),
            Some(member) => match member.value {
                "true" => Ok(true),
                "false" => Ok(false),
                _ => Err(self.wrong(name, "true or false", member)),
            },
        }
    }

    /// A whole number in a range.
    pub(super) fn count(
        &self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ReaderError> {
        let Some(member) = self.some(name)? else { return Ok(None) };
        if !member.value.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
            return Err(self.wrong(name, "a whole number", member));
        }
        let out_of_range = || {
            let value = member.value.chars().take(40).collect();
            let (min, max) = (*range.start(), *range.end());
            ReaderError::new(self.field(name), Fault::OutOfRange { value, min, max })
        };
        whole(member.value).filter(|n| range.contains(n)).ok_or_else(out_of_range).map(Some)
    }

    /// An object in this one.
    pub(super) fn object(&self, name: &str) -> Result<Option<Self>, ReaderError> {
        let Some(member) = self.some(name)? else { return Ok(None) };
        let wrong = || self.wrong(name, "an object", member);
        let (start, members) = members(member.value).ok_or_else(wrong)?;
        let start = start.saturating_add(member.place.start);
        Ok(Some(Self { members, path: self.field(name), start }))
    }

    fn wrong(&self, name: &str, expected: &'static str, member: &Member<'_>) -> ReaderError {
        ReaderError::new(self.field(name), wrong_type(expected, member.value))
    }
}

fn wrong_type(expected: &'static str, value: &str) -> Fault {
    let found = match value.bytes().next() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    };
    Fault::WrongType { expected, found }
}

/// Whether a lax parser takes the one name for the other: ASCII case, and the two letters outside
/// ASCII that fold into it.
pub(super) fn folds_to(name: &str, other: &str) -> bool {
    let fold = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(other.chars().map(fold))
}

/// The value at a pointer's tokens in a JSON text, found as strictly as a member.
pub(super) fn at<'a, 't>(
    text: &'a str,
    tokens: impl Iterator<Item = &'t str>,
) -> Result<&'a str, ReaderError> {
    let mut here = text.trim_matches([' ', '\t', '\n', '\r']);
    let mut path = String::new();
    for token in tokens {
        let object =
            members(here).map(|(start, members)| Object { members, path: path.clone(), start });
        let next = match &object {
            Some(object) => object.get(token)?.map(|member| member.value),
            None => element(here, token),
        };
        path = format!("{path}/{}", token.replace('~', "~0").replace('/', "~1"));
        here = next.ok_or_else(|| ReaderError::new(&*path, Fault::Missing))?;
    }
    Ok(here)
}

/// The element of a list at an index (RFC 6901: digits without leading zeros).
fn element<'a>(list: &'a str, index: &str) -> Option<&'a str> {
    let is_index = index == "0" || index.starts_with(|first: char| matches!(first, '1'..='9'));
    let mut left: usize = index.parse().ok().filter(|_| is_index)?;
    let bytes = list.as_bytes();
    if bytes.first() != Some(&b'[') {
        return None;
    }
    let mut from = skip_space(bytes, 1);
    loop {
        let end = skip_value(bytes, from)?;
        if left == 0 {
            return list.get(from..end);
        }
        left = left.checked_sub(1)?;
        let comma = skip_space(bytes, end);
        if bytes.get(comma) != Some(&b',') {
            return None;
        }
        from = skip_space(bytes, comma.checked_add(1)?);
    }
}
