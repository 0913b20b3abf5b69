//! Typed ids: which characters and how many. A checked id is safe in a key, a URL path, an SQL
//! parameter and a header; nothing else about it is assumed.
//!
//! ```text
//! AccountId  a-z 0-9 -            1..=40    no underscore: it is a part of em_live_<account>_…
//! KeyId      a-z 0-9              1..=24
//! all other ids   A-Z a-z 0-9 - _ . :   1..=64
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Empty or longer than the type allows.
    #[error("has the wrong length: use 1 to {max} characters")]
    Length {
        /// Most characters allowed.
        max: usize,
    },
    /// A character outside the type's set.
    #[error("has a character that is not allowed: use {allowed}")]
    Character {
        /// The allowed set, for people.
        allowed: &'static str,
    },
}

impl IdError {
    /// Stable machine-readable code. Never reworded.
    pub fn code(self) -> &'static str {
        match self {
            Self::Length { .. } => "id_length",
            Self::Character { .. } => "id_character",
        }
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, max: $max:expr, allowed: $allowed:expr, $set:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                Self::try_from(text.to_owned())
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                if text.is_empty() || text.len() > $max {
                    return Err(IdError::Length { max: $max });
                }
                let allowed: fn(u8) -> bool = $set;
                if !text.bytes().all(allowed) {
                    return Err(IdError::Character { allowed: $allowed });
                }
                Ok(Self(text))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

fn is_slug(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')
}

fn is_lower_alphanumeric(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':')
}

id!(
    /// A customer: the unit that owns a balance.
    AccountId, max: 40, allowed: "a-z, 0-9 and -", is_slug
);
id!(
    /// One API key of an account.
    KeyId, max: 24, allowed: "a-z and 0-9", is_lower_alphanumeric
);
id!(
    /// A grant of credits, named by the caller: the same id grants once.
    GrantId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// A plan; with a version it names one immutable price list.
    PlanId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// One priced line of a plan.
    ChargeId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);

id!(
    /// A meter of a plan.
    MeterId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// A recurring fee of a plan.
    FeeId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// A line of a plan's invoices: the id of a charge or of a fee, which share one name space.
    LineId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// A discount on a plan's invoices.
    DiscountId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// A tax on a plan's invoices.
    TaxId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);
id!(
    /// A contract: an account's plan, with its own terms.
    ContractId, max: 64, allowed: "A-Z, a-z, 0-9, -, _, . and :", is_name
);

impl From<&ChargeId> for LineId {
    fn from(id: &ChargeId) -> Self {
        Self(id.0.clone())
    }
}

impl From<&FeeId> for LineId {
    fn from(id: &FeeId) -> Self {
        Self(id.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_take_their_characters_and_lengths_only() {
        assert!("acme-1".parse::<AccountId>().is_ok());
        for bad in ["", "Acme", "a_b", "a/b", "é", &"a".repeat(41)] {
            assert!(bad.parse::<AccountId>().is_err(), "account: {bad:?}");
        }
        assert!("pay_2026:07.1".parse::<GrantId>().is_ok());
        assert!("a b".parse::<GrantId>().is_err());
        assert!("k-1".parse::<KeyId>().is_err());
    }
}
