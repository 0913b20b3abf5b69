//! JSON pointers (RFC 6901): where in an event's data a value stands.
//!
//! ```text
//! "/usage/tokens"  →  ["usage", "tokens"]      "/a~1b"  →  ["a/b"]      "/a~0b"  →  ["a~b"]
//! ```
//!
//! Invariant: the tokens are those of the text, and printing gives the text back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::plan::limits::{POINTER_BYTES_MAX, POINTER_TOKENS_MAX};

/// Why a text is not a pointer. Ordered by precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// The whole data is an object, which is no value to meter.
    #[error("is empty: name a property, like \"/tokens\"")]
    Empty,
    /// RFC 6901: a pointer begins with a slash.
    #[error("does not begin with a slash: write \"/tokens\" or \"/usage/tokens\"")]
    NoSlash,
    /// Longer than [`POINTER_BYTES_MAX`] or deeper than [`POINTER_TOKENS_MAX`].
    #[error("is too long: at most 256 bytes and 8 tokens")]
    TooLong,
    /// `~` stands before `0` or `1` only.
    #[error("has a lone `~`: write `~0` for `~` and `~1` for `/`")]
    Escape,
}

impl PointerError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "pointer_empty",
            Self::NoSlash => "pointer_no_slash",
            Self::TooLong => "pointer_too_long",
            Self::Escape => "pointer_escape",
        }
    }
}

/// A checked JSON pointer with at least one token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer {
    text: String,
    tokens: Vec<String>,
}

impl Pointer {
    /// The unescaped tokens, outermost first; at least one.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.tokens.iter().map(String::as_str)
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        if text.is_empty() {
            return Err(PointerError::Empty);
        }
        let path = text.strip_prefix('/').ok_or(PointerError::NoSlash)?;
        let tokens: Vec<&str> = path.split('/').collect();
        if text.len() > POINTER_BYTES_MAX || tokens.len() > POINTER_TOKENS_MAX {
            return Err(PointerError::TooLong);
        }
        let tokens = tokens.into_iter().map(unescape).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), tokens })
    }
}

/// Undoes `~1` and `~0` in one pass, so that `~01` is the token `~1`.
fn unescape(token: &str) -> Result<String, PointerError> {
    let mut plain = String::with_capacity(token.len());
    let mut characters = token.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '~' => match characters.next() {
                Some('0') => '~',
                Some('1') => '/',
                _ => return Err(PointerError::Escape),
            },
            other => other,
        });
    }
    Ok(plain)
}

impl TryFrom<String> for Pointer {
    type Error = PointerError;

    fn try_from(text: String) -> Result<Self, PointerError> {
        text.parse()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> Self {
        pointer.text
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointers_are_those_of_rfc_6901() {
        let long = format!("/{}", "a".repeat(POINTER_BYTES_MAX));
        let longest = format!("/{}", "a".repeat(POINTER_BYTES_MAX - 1));
        for (text, expected) in [
            ("/tokens", Ok(vec!["tokens"])),
            ("/usage/0/tokens", Ok(vec!["usage", "0", "tokens"])),
            ("/a~1b/m~0n", Ok(vec!["a/b", "m~n"])),
            ("/~01", Ok(vec!["~1"])),
            ("/", Ok(vec![""])),
            ("/1/2/3/4/5/6/7/8", Ok(vec!["1", "2", "3", "4", "5", "6", "7", "8"])),
            ("/1/2/3/4/5/6/7/8/9", Err("pointer_too_long")),
            (&long, Err("pointer_too_long")),
            (&longest, Ok(vec![longest.strip_prefix('/').unwrap()])),
            ("", Err("pointer_empty")),
            ("tokens", Err("pointer_no_slash")),
            ("/a~", Err("pointer_escape")),
            ("/a~2", Err("pointer_escape")),
        ] {
            let pointer = text.parse::<Pointer>();
            let tokens = pointer.as_ref().map(|p| p.tokens().collect::<Vec<_>>());
            assert_eq!(tokens.map_err(|e| e.code()), expected, "text: {text:?}");
            if let Ok(pointer) = pointer {
                assert_eq!(pointer.to_string(), text);
                assert_eq!(String::from(pointer), text);
            }
        }
    }
}
