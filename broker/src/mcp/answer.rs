//! The one shape of all results.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject};
use sallyport_protocol::show::on_screen;
use sallyport_protocol::{ErrorCode, Failure};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    Running,
    Timeout,
    NeedsConfirmation,
    Blocked,
    Error,
}

/// What every answer may hold beside its tool's own fields.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Common {
    /// How the call ended.
    pub status: Status,
    /// On error and blocked: the stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// On error and blocked: what happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// On error and blocked: what to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// On error and blocked: whether the same call can succeed later.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// On needs_confirmation: what to confirm and how.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
}

/// A confirmation that somebody must give.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Confirmation {
    /// To be given as `confirmation_id` by the call that goes on.
    pub id: String,
    /// Why it is asked.
    pub reason: String,
    /// The rules that ask.
    pub rules: Vec<String>,
    /// How long it waits.
    pub expires_in_s: u32,
    /// Who can confirm, and how.
    pub how: String,
}

/// A finished answer.
#[derive(Debug)]
pub struct Answer {
    common: Common,
    own: JsonObject,
    text: String,
}

impl Answer {
    /// An answer of a tool: its own fields, exact, and the text for clients that show only text. Some of them print it
    /// on a terminal, so [`Answer::into_result`] leaves nothing in it that a terminal would act on.
    pub fn new(status: Status, own: &impl Serialize, text: impl Into<String>) -> Self {
        Self { common: Common::of(status), own: map(own), text: text.into() }
    }

    /// Something failed. What the policy forbids is `blocked`, whoever found it out.
    pub fn failed(failure: Failure) -> Self {
        let blocked = failure.code == ErrorCode::PolicyBlocked;
        Self::refused(if blocked { Status::Blocked } else { Status::Error }, failure)
    }

    /// The policy refused; `own` are the tool's fields that tell why.
    pub fn blocked(failure: Failure, own: &impl Serialize) -> Self {
        Self { own: map(own), ..Self::refused(Status::Blocked, failure) }
    }

    fn refused(status: Status, failure: Failure) -> Self {
        let Failure { code, message, hint, retryable } = failure;
        let (message, hint) = (message.into_string(), hint.into_string());
        let word = if status == Status::Blocked { "blocked" } else { "error" };
        let mut text = format!("{word} ({}): {message}", code.as_str());
        if !hint.is_empty() {
            text.push_str("\nhint: ");
            text.push_str(&hint);
        }
        let common = Common {
            code: Some(code.as_str()),
            message: Some(message),
            hint: Some(hint),
            retryable: Some(retryable),
            ..Common::of(status)
        };
        Self { common, own: JsonObject::new(), text }
    }

    /// Somebody must agree first.
    pub fn needs(confirmation: Confirmation) -> Self {
        let text = format!(
            "needs confirmation ({}): {}\n{} It waits {} s.",
            confirmation.id, confirmation.reason, confirmation.how, confirmation.expires_in_s
        );
        let common = Common { confirmation: Some(confirmation), ..Common::of(Status::NeedsConfirmation) };
        Self { common, own: JsonObject::new(), text }
    }

    /// The result as MCP carries it.
    pub fn into_result(self) -> CallToolResult {
        let mut result = CallToolResult::success(vec![ContentBlock::text(on_screen(&self.text))]);
        result.is_error = Some(matches!(self.common.status, Status::Error | Status::Blocked));
        let mut fields = map(&self.common);
        fields.extend(self.own);
        result.structured_content = Some(Value::Object(fields));
        result
    }
}

impl Common {
    fn of(status: Status) -> Self {
        Self { status, code: None, message: None, hint: None, retryable: None, confirmation: None }
    }
}

fn map(value: &impl Serialize) -> JsonObject {
    match serde_json::to_value(value) {
        Ok(Value::Object(map)) => map,
        // Our own field types are structs with string keys.
        _ => JsonObject::new(),
    }
}

/// An outcome that does not belong to what was asked.
pub fn misplaced(asked: &str) -> Failure {
    Failure::new(
        ErrorCode::InternalError,
        format!("the vault helper gave an answer that does not belong to {asked}"),
        "this is a defect in Sallyport; install both programs from one release",
    )
}
