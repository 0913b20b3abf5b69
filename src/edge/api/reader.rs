//! Who reads an account: its operator, or its customer with a portal token.
//!
//! A customer reads within a budget, and sees what is its own: docs/api.md says what of an account
//! is the operator's alone. The journal is the customer's evidence: nothing is left out of it.

use serde::de::DeserializeOwned;
use worker::Env;

use super::super::account::Call;
use super::super::description::{CustomerDescription, Description};
use super::super::problem::Problem;
use super::super::rpc;
use super::accounts::known;
use super::{Handled, json};
use crate::units::AccountId;

/// A read of one account.
#[derive(Clone)]
pub(super) struct Reader {
    pub(super) env: Env,
    pub(super) account: AccountId,
    pub(super) is_customer: bool,
}

impl Reader {
    /// Asks the account, if there is one of that name.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: Call) -> Result<T, Problem> {
        let stub = known(&self.env, &self.account).await?;
        self.ask_stub(stub, call).await
    }

    /// Asks an account that is known to be there.
    pub(super) async fn ask_again<T: DeserializeOwned>(&self, call: Call) -> Result<T, Problem> {
        let stub = rpc::account(&self.env, self.account.as_str())?;
        self.ask_stub(stub, call).await
    }

    async fn ask_stub<T: DeserializeOwned>(
        &self,
        stub: worker::Stub,
        call: Call,
    ) -> Result<T, Problem> {
        let call = if self.is_customer { Call::Portal(Box::new(call)) } else { call };
        rpc::send(stub, &call).await
    }

    /// `GET /v1/accounts/{a}`.
    pub(super) async fn describe(&self) -> Handled {
        let whole: Description = self.ask(Call::Describe).await?;
        match self.is_customer {
            true => json(200, &CustomerDescription::from(whole)),
            false => json(200, &whole),
        }
    }
}
