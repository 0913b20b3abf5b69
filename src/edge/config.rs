//! The deployment's settings, read once per isolate and refused at once if they are weak.
//!
//! | setting                    | what                                                            |
//! |----------------------------|-----------------------------------------------------------------|
//! | `EDGEMETER_KEY_SECRETS`    | `version:secret[,version:secret]`, oldest first, ≥ 32 bytes each |
//! | `EDGEMETER_OPERATOR_TOKEN` | bearer token of the control API, ≥ 32 characters                |
//! | `EDGEMETER_MODE`           | `live` or `test`: which keys are taken                          |
//! | `EDGEMETER_TOPUP_URL`      | optional: where a customer buys credits, named in each 402      |
//!
//! Where the origin is, entry.js reads for itself: it holds the fetch.

use serde::Deserialize;

use super::key::{Mode, SECRET_BYTES_MIN, Secrets};

/// Settings as entry.js passes them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    key_secrets: Option<String>,
    operator_token: Option<String>,
    mode: Option<String>,
    topup_url: Option<String>,
}

/// Checked settings.
#[derive(Clone)]
pub(super) struct Config {
    pub(super) secrets: Secrets,
    pub(super) operator_token: String,
    pub(super) topup_url: Option<String>,
}

impl Config {
    /// Reads the settings as JSON.
    ///
    /// # Errors
    ///
    /// What is wrong and what to do, for the operator; no secret is repeated.
    pub(super) fn parse(json: &str) -> Result<Self, String> {
        let settings: Settings = serde_json::from_str(json).map_err(|e| e.to_string())?;
        let mode = match settings.mode.as_deref() {
            Some("live") => Mode::Live,
            Some("test") => Mode::Test,
            other => return Err(format!("EDGEMETER_MODE is {other:?}: set live or test")),
        };
        let secrets = settings.key_secrets.ok_or("EDGEMETER_KEY_SECRETS is not set")?;
        let operator_token = settings.operator_token.unwrap_or_default();
        if operator_token.chars().count() < SECRET_BYTES_MIN {
            return Err(format!(
                "EDGEMETER_OPERATOR_TOKEN has {} characters: set at least {SECRET_BYTES_MIN}",
                operator_token.chars().count()
            ));
        }
        let secrets = Secrets::parse(&secrets, mode)?;
        Ok(Self { secrets, operator_token, topup_url: settings.topup_url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_or_missing_settings_name_themselves() {
        let parse = |json: &str| Config::parse(json).err().unwrap_or_default();
        let secret = "1:an-old-secret-of-at-least-32-bytes!";
        let full = format!(
            r#"{{"mode":"live","key_secrets":"{secret}","operator_token":"{}"}}"#,
            "t".repeat(32)
        );
        assert_eq!(parse(&full), "");
        assert!(parse(&full.replace("live", "prod")).contains("EDGEMETER_MODE"));
        assert!(parse(&full.replace(&"t".repeat(32), "short")).contains("OPERATOR_TOKEN"));
        assert!(parse(&full.replace(secret, "1:short")).contains("32"));
        assert!(parse("{}").contains("EDGEMETER_MODE"));
    }
}
