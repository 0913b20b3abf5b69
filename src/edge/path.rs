//! Paths as routes match them: patterns, and what of a request's path can be read in one way only.
//!
//! ```text
//! /words/{id}   /files/{*rest}   pattern ── matchit_pattern ──▶ /words/:id   /files/*rest
//! /w%6Frds      ── readable ──▶ /words          /a%2Fb, //a, /a/.. ── readable ──▶ nothing
//! ```

/// Whether a segment of a pattern is plain, `{name}` or `{*rest}`.
pub(super) fn is_segment(segment: &str) -> bool {
    let plain = |text: &str| text.bytes().all(is_plain);
    match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(name) => {
            let name = name.strip_prefix('*').unwrap_or(name);
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        }
        None => plain(segment),
    }
}

/// Unreserved characters and those that have no meaning in a path (RFC 3986 pchar without `:*`,
/// which the matcher reads as names).
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()+,=@".contains(&byte)
}

pub(super) fn matchit_pattern(path: &str) -> String {
    path.replace("{*", "*").replace('{', ":").replace('}', "")
}

/// The path with unreserved characters decoded; nothing if it could be read in two ways.
pub(super) fn readable(path: &str) -> Option<String> {
    let decoded = match path.contains('%') {
        true => decode_unreserved(path)?,
        false => path.to_owned(),
    };
    let odd = decoded.contains("//") || decoded.contains('\\') || decoded.contains(';');
    let dots = decoded.split('/').any(|segment| segment == "." || segment == "..");
    (!odd && !dots).then_some(decoded)
}

/// Decodes `%41` and the like. Encoded slashes, backslashes, controls and bad escapes are refused;
/// other escapes stay as they are.
fn decode_unreserved(path: &str) -> Option<String> {
    let mut out = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let digits = after.get(..2)?;
        let byte = u8::from_str_radix(digits, 16).ok()?;
        match byte {
            b'/' | b'\\' | b'%' | b';' | 0..=31 | 127 => return None,
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push_str(digits);
            }
        }
        rest = after.get(2..)?;
    }
    out.push_str(rest);
    Some(out)
}
