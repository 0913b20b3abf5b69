//! A row of the journal: a list of entries, and the hash that chains it to the one before.
//!
//! ```text
//! hash = SHA-256(hash of n − 1, n, at, body)
//! ```

use sha2::{Digest, Sha256};

use crate::units::Timestamp;

/// One row of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Number, from 1, without gaps.
    pub n: u64,
    /// When it was decided.
    pub at: Timestamp,
    /// JSON array of entries; these very bytes are hashed.
    pub body: String,
    /// Chain hash in hex.
    pub hash: String,
}

/// Hash before the first row.
pub const GENESIS: &str = "";

/// Hash of a row: SHA-256 over the previous hash, the number, the instant and the body, separated
/// by line feeds (none of the first three can hold one).
pub fn chain_hash(previous: &str, n: u64, at: Timestamp, body: &str) -> String {
    let digest = Sha256::digest(format!("{previous}\n{n}\n{at}\n{body}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
