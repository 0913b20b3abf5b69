//! The keys that this isolate has verified: a key's MAC is computed once, not with every request.
//!
//! ```text
//! em_live_acme_k1 _ 1mac…
//! └── looked up ──┘ └─ compared in constant time, on a hit as on a miss
//! ```
//!
//! Invariants: only what the deployment signed gets in, so forged keys take no memory; what gets
//! out is what [`Secrets::key`] would say. The secrets of an isolate never change: a deployment
//! with others starts new isolates.

use std::collections::BTreeMap;

use super::super::key::{Secrets, SignedKey, same_secret};

/// Keys remembered, at most; then all are forgotten, and verified again one by one.
const VERIFIED_MAX: usize = 10_000;

struct Verified {
    mac: String,
    key: SignedKey,
}

/// Verified keys by the part of their text that is no secret.
#[derive(Default)]
pub(super) struct VerifiedKeys {
    known: BTreeMap<String, Verified>,
}

impl VerifiedKeys {
    /// Reads a key, if the deployment signed it.
    pub(super) fn key(&mut self, secrets: &Secrets, text: &str) -> Option<SignedKey> {
        let (name, mac) = text.rsplit_once('_')?;
        if let Some(known) = self.known.get(name).filter(|known| same_secret(&known.mac, mac)) {
            return Some(known.key.clone());
        }
        // Never seen, forged, or signed by another version of the secret than last time.
        let key = secrets.key(text)?;
        if self.known.len() >= VERIFIED_MAX {
            self.known.clear();
        }
        self.known.insert(name.to_owned(), Verified { mac: mac.to_owned(), key: key.clone() });
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::key::Mode;
    use super::*;

    const BOTH: &str = "1:an-old-secret-of-at-least-32-bytes!,2:a-new-secret-of-at-least-32-bytes!";

    fn secrets(text: &str) -> Secrets {
        Secrets::parse(text, Mode::Live).unwrap()
    }

    fn sign(secrets: &Secrets, key: &str) -> String {
        secrets.sign_key(&"acme".parse().unwrap(), &key.parse().unwrap())
    }

    #[test]
    fn remembered_keys_are_judged_as_new_ones() {
        let (old, both) =
            BOTH.split_once(',').map(|(old, _)| (secrets(old), secrets(BOTH))).unwrap();
        let mut keys = VerifiedKeys::default();
        let (first, second) = (sign(&old, "k1"), sign(&both, "k1"));
        let mut texts = vec![first.clone(), second.clone(), first.clone(), second.clone()];
        texts.extend([format!("{first}0"), format!("{first}_"), String::new(), "_".to_owned()]);
        for position in 0..first.len() {
            let mut bytes = first.clone().into_bytes();
            bytes[position] ^= 1;
            texts.push(String::from_utf8(bytes).unwrap());
            texts.push(first.chars().take(position).collect());
        }
        texts.extend([first, second]);
        for text in texts {
            assert_eq!(keys.key(&both, &text), both.key(&text), "key: {text}");
        }
        assert_eq!(keys.known.len(), 1, "one key, and nothing forged");
    }

    #[test]
    fn memory_is_bounded() {
        let (secrets, mut keys) = (secrets(BOTH), VerifiedKeys::default());
        for i in 0..=VERIFIED_MAX {
            let key =
                SignedKey { account: "acme".parse().unwrap(), key: i.to_string().parse().unwrap() };
            keys.known.insert(i.to_string(), Verified { mac: String::new(), key });
        }
        assert!(keys.key(&secrets, &sign(&secrets, "k1")).is_some());
        assert_eq!(keys.known.len(), 1);
    }
}
