//! Why a page refuses a message: what cannot be right is not shown.

use crate::units::AccountId;

/// Why a message was refused. Variants are ordered by precedence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// More bytes than [`MESSAGE_BYTES_MAX`].
    #[error("the message has {bytes} bytes: at most 131072 are read")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// Not a [`Message`].
    #[error("the message is not one that this page knows: {reason}")]
    Unreadable {
        /// What the reader said, with the place.
        reason: String,
    },
    /// Another account's numbers.
    #[error("the message is about account {other}, the page shows {account}")]
    OtherAccount {
        /// The page's account.
        account: AccountId,
        /// The message's.
        other: AccountId,
    },
    /// More of something than a message may have.
    #[error("the message has {count} {what}: at most {most} are read")]
    TooMany {
        /// Which list.
        what: &'static str,
        /// Its entries.
        count: usize,
        /// As many are read.
        most: usize,
    },
    /// A second's calls by route, or by key, are not all of its calls, or name what is not listed.
    #[error("second {second} of message {seq} does not add up: its calls are not their parts")]
    Unsorted {
        /// The message's number.
        seq: u64,
        /// The second.
        second: i64,
    },
    /// The balance's parts are not its sum.
    #[error("the balance of message {seq} does not add up: granted is not left + burned + expired")]
    Unbalanced {
        /// The message's number.
        seq: u64,
    },
}

impl FeedError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong { .. } => "message_too_long",
            Self::Unreadable { .. } => "message_unreadable",
            Self::OtherAccount { .. } => "other_account",
            Self::TooMany { .. } => "too_many_entries",
            Self::Unsorted { .. } => "second_does_not_add_up",
            Self::Unbalanced { .. } => "balance_does_not_add_up",
        }
    }
}
