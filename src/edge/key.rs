//! API keys and portal tokens: checked by a MAC, without I/O.
//!
//! ```text
//! em_<live|test>_<account>_<key id>_<mac>     API key
//! pt_<live|test>_<account>_<end>_<mac>        portal token: reads one account until `end` (s)
//! mac = version, then 32 characters of base32 (160 bits of HMAC-SHA256 over the rest)
//! ```
//!
//! The version says which secret signed, so that secrets can be rotated: add the new one, create
//! new keys, take the old one away. Invariant: a text that this deployment did not sign is refused
//! before any account is touched, in constant time as far as its MAC goes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::units::{AccountId, KeyId, Timestamp};

/// Characters of a key or token, at most: 3 + 5 + 40 + 1 + 24 + 1 + 33, and room to spare.
const LENGTH_MAX: usize = 128;
/// Bytes of the HMAC that are kept: 160 bits.
const MAC_BYTES: usize = 20;
/// Bytes of a secret, at least.
pub(super) const SECRET_BYTES_MIN: usize = 32;
/// Crockford's alphabet: no i, l, o, u; 32 letters, so that five bits are one letter.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Keys for production, or for trying out: a key of one is refused by the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Live,
    Test,
}

impl Mode {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// The deployment's secrets, by version.
#[derive(Clone)]
pub(super) struct Secrets {
    mode: Mode,
    /// Oldest first; the last one signs.
    versions: Vec<(char, Hmac<Sha256>)>,
}

/// A key that this deployment signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SignedKey {
    pub(super) account: AccountId,
    pub(super) key: KeyId,
}

/// A portal token that this deployment signed, and that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Portal {
    pub(super) account: AccountId,
    /// From here on it opens nothing.
    pub(super) end: Timestamp,
}

impl Secrets {
    /// Reads `version:secret` pairs separated by commas, oldest first, for example `1:…,2:…`.
    ///
    /// # Errors
    ///
    /// What is wrong with the setting, for the operator.
    pub(super) fn parse(setting: &str, mode: Mode) -> Result<Self, String> {
        let mut versions: Vec<(char, Hmac<Sha256>)> = Vec::new();
        for part in setting.split(',').map(str::trim) {
            let wrong = || "EDGEMETER_KEY_SECRETS must read version:secret[,version:secret]";
            let (version, secret) = part.split_once(':').ok_or_else(wrong)?;
            let mut characters = version.chars();
            let (Some(version), None) = (characters.next(), characters.next()) else {
                return Err("EDGEMETER_KEY_SECRETS: a version is one letter or digit".to_owned());
            };
            if !version.is_ascii_alphanumeric() || versions.iter().any(|(v, _)| *v == version) {
                return Err(format!("EDGEMETER_KEY_SECRETS: version {version} is wrong or twice"));
            }
            if secret.len() < SECRET_BYTES_MIN {
                return Err(format!(
                    "EDGEMETER_KEY_SECRETS: {version} has {} bytes, use at least {SECRET_BYTES_MIN}",
                    secret.len()
                ));
            }
            let hmac = Hmac::new_from_slice(secret.as_bytes()).map_err(|e| e.to_string())?;
            versions.push((version, hmac));
        }
        Ok(Self { mode, versions })
    }

    /// Signs a new key.
    pub(super) fn sign_key(&self, account: &AccountId, key: &KeyId) -> String {
        self.signed(&format!("em_{}_{account}_{key}", self.mode.as_str()))
    }

    /// Signs a portal token for one account, valid before `end`, in whole seconds.
    pub(super) fn sign_portal(&self, account: &AccountId, end_seconds: i64) -> String {
        self.signed(&format!("pt_{}_{account}_{end_seconds}", self.mode.as_str()))
    }

    /// Reads a key, if this deployment signed it.
    pub(super) fn key(&self, text: &str) -> Option<SignedKey> {
        let [account, key] = self.parts("em", text)?;
        Some(SignedKey { account: account.parse().ok()?, key: key.parse().ok()? })
    }

    /// Reads a portal token, if this deployment signed it and it has not ended.
    pub(super) fn portal(&self, text: &str, now: Timestamp) -> Option<Portal> {
        let [account, end] = self.parts("pt", text)?;
        let seconds: i64 = end.parse().ok()?;
        let end = Timestamp::from_millis(seconds.saturating_mul(1_000));
        (now < end).then_some(Portal { account: account.parse().ok()?, end })
    }

    /// The two parts between mode and MAC, if the MAC is right.
    fn parts<'text>(&self, kind: &str, text: &'text str) -> Option<[&'text str; 2]> {
        if text.len() > LENGTH_MAX {
            return None;
        }
        let (signed, mac) = text.rsplit_once('_')?;
        let version = mac.chars().next()?;
        let (_, hmac) = self.versions.iter().find(|(known, _)| *known == version)?;
        let expected = mac_text(version, hmac, signed);
        if !bool::from(expected.as_bytes().ct_eq(mac.as_bytes())) {
            return None;
        }
        let mut parts = signed.split('_');
        let (prefix, mode) = (parts.next()?, parts.next()?);
        let found = [parts.next()?, parts.next()?];
        let whole = prefix == kind && mode == self.mode.as_str() && parts.next().is_none();
        whole.then_some(found)
    }

    fn signed(&self, text: &str) -> String {
        let newest = self.versions.last();
        let mac = newest.map(|(version, hmac)| mac_text(*version, hmac, text)).unwrap_or_default();
        format!("{text}_{mac}")
    }
}

fn mac_text(version: char, hmac: &Hmac<Sha256>, text: &str) -> String {
    let mut hmac = hmac.clone();
    hmac.update(text.as_bytes());
    let digest = hmac.finalize().into_bytes();
    let mut out = String::with_capacity(33);
    out.push(version);
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in digest.iter().take(MAC_BYTES) {
        bits = (bits << 8) | u32::from(*byte);
        count = count.saturating_add(8);
        while count >= 5 {
            count = count.saturating_sub(5);
            let index = usize::try_from((bits >> count) & 31).unwrap_or(0);
            out.push(char::from(ALPHABET.get(index).copied().unwrap_or(b'0')));
        }
    }
    out
}

/// Compares two secrets without telling by its time where they differ.
pub(super) fn same_secret(a: &str, b: &str) -> bool {
    bool::from(a.as_bytes().ct_eq(b.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "1:an-old-secret-of-at-least-32-bytes!";
    const BOTH: &str = "1:an-old-secret-of-at-least-32-bytes!,2:a-new-secret-of-at-least-32-bytes!";

    fn secrets(text: &str) -> Secrets {
        Secrets::parse(text, Mode::Live).unwrap()
    }

    fn sign(secrets: &Secrets) -> String {
        secrets.sign_key(&"acme".parse().unwrap(), &"k1".parse().unwrap())
    }

    #[test]
    fn a_signed_key_is_read_and_every_change_of_one_byte_is_refused() {
        let secrets = secrets(OLD);
        let key = sign(&secrets);
        assert_eq!(secrets.key(&key).unwrap().account.as_str(), "acme");
        assert_eq!(key.len(), "em_live_acme_k1_".len() + 33);
        for position in 0..key.len() {
            let mut bytes = key.clone().into_bytes();
            bytes[position] = if bytes[position] == b'x' { b'y' } else { b'x' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(secrets.key(&forged), None, "forged: {forged}");
            let cut: String = key.chars().take(position).collect();
            assert_eq!(secrets.key(&cut), None, "cut at {position}");
        }
        assert_eq!(secrets.key(&format!("{key}0")), None);
        assert_eq!(secrets.key(&"em_".repeat(10_000)), None);
    }

    #[test]
    fn keys_outlive_a_rotation_and_end_with_their_secret() {
        let (old, both) = (sign(&secrets(OLD)), sign(&secrets(BOTH)));
        assert!(secrets(BOTH).key(&old).is_some(), "the old secret still verifies");
        assert!(secrets(OLD).key(&both).is_none(), "new keys are signed by the new secret");
        let new_only = secrets("2:a-new-secret-of-at-least-32-bytes!");
        assert!(new_only.key(&old).is_none() && new_only.key(&both).is_some());
        let other_deployment = secrets("1:somebody-elses-secret-of-32-bytes-!");
        assert!(other_deployment.key(&old).is_none());
        let test = Secrets::parse(OLD, Mode::Test).unwrap();
        assert!(test.key(&old).is_none(), "a live key is not a test key");
    }

    #[test]
    fn portal_tokens_end_and_are_not_keys() {
        let secrets = secrets(OLD);
        let token = secrets.sign_portal(&"acme".parse().unwrap(), 100);
        let at = |ms| secrets.portal(&token, Timestamp::from_millis(ms)).is_some();
        assert_eq!([0, 99_999, 100_000].map(at), [true, true, false]);
        let portal = secrets.portal(&token, Timestamp::default()).unwrap();
        assert_eq!((portal.account.as_str(), portal.end.millis()), ("acme", 100_000));
        assert!(secrets.key(&token).is_none());
        assert!(secrets.portal(&sign(&secrets), Timestamp::default()).is_none());
    }

    #[test]
    fn weak_settings_are_refused() {
        for bad in
            ["", "1", "1:short", "12:an-old-secret-of-at-least-32-bytes!", &format!("{OLD},{OLD}")]
        {
            assert!(Secrets::parse(bad, Mode::Live).is_err(), "setting: {bad}");
        }
    }
}
