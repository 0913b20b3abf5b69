//! Where an export is broken: a chain says that a row is not what was hashed; this says which byte.
//!
//! ```text
//! the number   fits the hash if it is the one expected
//! the hash     the next row follows from what it should be, or it is off by a digit or two
//! a byte       of `at` or `entries`: with one byte put right, the hash is right
//! the JSON     where it ends to be JSON
//! else         the range of the fields: more than one byte was changed
//! ```

use edgemeter::ledger::{
    Line, LineFault as Fault, Position, ReplayError, chain_hash, shown_byte as shown,
};
use edgemeter::units::Timestamp;
use sha2::{Digest, Sha256};

/// Bytes to hash while looking for the one that was changed: a second or two.
const SEARCH_BYTES_MAX: usize = 1_000_000_000;

/// Looks for the reason why `line` does not follow `before`.
pub(super) fn find(
    before: &Position,
    line: &Line<'_>,
    ahead: Option<&Line<'_>>,
    error: &ReplayError,
) -> Fault {
    match error {
        ReplayError::Gap { expected, .. } => number(before, line, *expected),
        ReplayError::Changed { n } => changed(before, line, ahead, *n),
        other => {
            let (at, what) = (line.body_range.start, other.to_string());
            Fault { at, field: "entries", what }
        }
    }
}

fn hash_of(previous: &str, n: u64, line: &Line<'_>) -> String {
    chain_hash(previous, n, Timestamp::from_millis(line.at), line.body)
}

fn number(before: &Position, line: &Line<'_>, expected: u64) -> Fault {
    let found = line.n;
    let what = if hash_of(&before.hash, expected, line) == line.hash {
        format!("the number was changed: {found} stands where {expected} was expected")
    } else if found < expected {
        format!("row {found} stands here again, or out of order: row {expected} was expected")
    } else {
        let last = found.saturating_sub(1);
        format!("rows {expected} to {last} are missing, or out of order: row {found} stands here")
    };
    Fault { at: line.n_range.start, field: "n", what }
}

fn changed(before: &Position, line: &Line<'_>, ahead: Option<&Line<'_>>, n: u64) -> Fault {
    let right = hash_of(&before.hash, n, line);
    let follows = |hash: &str| {
        ahead.is_some_and(|next| hash_of(hash, n.saturating_add(1), next) == next.hash)
    };
    let off = right.bytes().zip(line.hash.bytes()).filter(|(a, b)| a != b).count();
    if off <= 2 || follows(&right) {
        let first = right.bytes().zip(line.hash.bytes()).position(|(a, b)| a != b).unwrap_or(0);
        let at = line.hash_range.start.saturating_add(first);
        return Fault { at, field: "hash", what: format!("{right} was expected") };
    }
    let fault = changed_at(before, line, n)
        .or_else(|| changed_byte(before, line, n))
        .or_else(|| not_json(line));
    fault.unwrap_or_else(|| {
        let (start, end) = (line.at_range.start, line.body_range.end);
        let what = format!(
            "bytes of at or entries were changed, in the {} from here on: the hash of the row \
             would be {right}",
            end.saturating_sub(start)
        );
        Fault { at: start, field: "at, entries", what }
    })
}

/// Where the entries stop being JSON: what was cut out or put in often shows there.
fn not_json(line: &Line<'_>) -> Option<Fault> {
    let error = serde_json::from_str::<&serde_json::value::RawValue>(line.body).err()?;
    let at = line.body_range.start.saturating_add(error.column().saturating_sub(1));
    let what = format!("the bytes were changed before this one: {error}");
    Some(Fault { at, field: "entries", what })
}

/// One other digit of the instant.
fn changed_at(before: &Position, line: &Line<'_>, n: u64) -> Option<Fault> {
    let text = line.at.to_string();
    for index in 0..text.len() {
        for digit in "-0123456789".chars() {
            let mut other = text.clone();
            other.replace_range(index..index.saturating_add(1), digit.encode_utf8(&mut [0; 4]));
            let Ok(at) = other.parse() else { continue };
            if chain_hash(&before.hash, n, Timestamp::from_millis(at), line.body) == line.hash {
                let what = format!("{text} stands where {at} was expected");
                let at = line.at_range.start.saturating_add(index);
                return Some(Fault { at, field: "at", what });
            }
        }
    }
    None
}

/// One other byte in the entries: first those that one flipped bit makes, then, if there is time,
/// all others.
fn changed_byte(before: &Position, line: &Line<'_>, n: u64) -> Option<Fault> {
    let body = line.body.as_bytes();
    let wanted: Vec<u8> = line.hash.as_bytes().chunks(2).filter_map(hex).collect();
    let start = Sha256::new_with_prefix(format!("{}\n{n}\n{}\n", before.hash, line.at));
    let per_byte = body.len().saturating_mul(body.len()) / 2;
    let bits: Vec<u8> = (0..8).map(|bit| 1 << bit).collect();
    let others = (0..=255_u8).filter(|mask| mask.count_ones() > 1).collect();
    for masks in [bits, others] {
        if per_byte.saturating_mul(masks.len()) > SEARCH_BYTES_MAX {
            return None;
        }
        let mut prefix = start.clone();
        for (index, byte) in body.iter().enumerate() {
            let rest = body.get(index.saturating_add(1)..).unwrap_or_default();
            for mask in &masks {
                let right = byte ^ mask;
                let hash = prefix.clone().chain_update([right]).chain_update(rest).finalize();
                if hash.as_slice() == wanted {
                    let (found, right) = (shown(*byte), shown(right));
                    let what = format!("{found} stands where {right} was expected");
                    let at = line.body_range.start.saturating_add(index);
                    return Some(Fault { at, field: "entries", what });
                }
            }
            prefix.update([*byte]);
        }
    }
    None
}

fn hex(digits: &[u8]) -> Option<u8> {
    u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
