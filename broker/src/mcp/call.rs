//! One tool call: its arguments, its cancellation, and the way to the helper.

use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{CallToolRequestParams, InputRequiredResult, InputResponses, JsonObject};
use rmcp::service::RequestContext;
use sallyport_protocol::reply::{Event, Outcome};
use sallyport_protocol::request::Request;
use sallyport_protocol::text::TextError;
use sallyport_protocol::{ErrorCode, Failure};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::answer::Answer;
use crate::config::MOST_ANSWER_CHARS;
use crate::forward::Forwards;
use crate::link::{Broker, Item, Link, Operation};

/// How a handler answers: with a result, or with a question for the client's
/// user that a later call of the same tool will bring back answered.
pub enum Reply {
    /// The result.
    Answer(Answer),
    /// The question.
    Question(InputRequiredResult),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// What a handler gives back; a failure becomes an `error` answer.
pub type Handled = Result<Reply, Failure>;

/// A tool call.
pub struct Call {
    arguments: JsonObject,
    /// What the client's user answered to an earlier question of ours.
    pub responses: Option<InputResponses>,
    /// What we said with that question, echoed by the client.
    pub state: Option<String>,
    /// The MCP side of the call.
    pub context: RequestContext<RoleServer>,
    /// The way to the helper.
    pub link: Link<Broker>,
    /// The forwards of this client.
    pub forwards: Arc<Forwards>,
    answer_chars: u32,
}

impl Call {
    /// Takes a call apart. `answer_chars` is the size of answers by default.
    pub fn new(
        params: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        link: Link<Broker>,
        forwards: Arc<Forwards>,
        answer_chars: u32,
    ) -> Self {
        Self {
            // Many clients send null for what they leave out.
            arguments: params
                .arguments
                .unwrap_or_default()
                .into_iter()
                .filter(|(_, v)| !v.is_null())
                .collect(),
            responses: params.input_responses,
            state: params.request_state,
            context,
            link,
            forwards,
            answer_chars,
        }
    }

    /// How many characters of output the answer holds, given what the call asks
    /// for; asking for more than there can be is no error: the rest stays readable.
    pub fn answer_chars(&self, asked: Option<u32>) -> u32 {
        asked.unwrap_or(self.answer_chars).clamp(1, MOST_ANSWER_CHARS)
    }

    /// The arguments.
    ///
    /// # Errors
    /// `invalid_argument` for an unknown field, a missing one or a wrong type.
    pub fn arguments<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_value(Value::Object(self.arguments.clone())).map_err(|error| {
            invalid(format!("the arguments do not fit the tool: {}", plain(&error.to_string())))
        })
    }

    /// The names of the arguments.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.arguments.keys().map(String::as_str)
    }

    /// Runs `future` unless the client cancels the call first.
    ///
    /// # Errors
    /// When it does; the client has stopped listening by then.
    pub async fn unless_cancelled<T>(
        &self,
        future: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            () = self.context.ct.cancelled() => {
                Err(Failure::new(ErrorCode::InternalError, "the call was cancelled by the client", ""))
            }
            result = future => result,
        }
    }

    /// Asks the helper and gathers the events on the way. For requests whose
    /// answers are small; a cancelled call cancels the operation.
    ///
    /// # Errors
    /// As the helper says, or `helper_unavailable`.
    pub async fn ask(&self, request: Request) -> Result<(Vec<Event>, Outcome), Failure> {
        self.unless_cancelled(async {
            let operation = self.link.start(request).await?;
            gather(operation).await
        })
        .await
    }
}

/// Waits for an operation with few events.
///
/// # Errors
/// As the helper says, or `helper_unavailable`.
pub(super) async fn gather(mut operation: Operation<Broker>) -> Result<(Vec<Event>, Outcome), Failure> {
    let mut events = Vec::new();
    loop {
        match operation.next().await? {
            Item::Event(event) => events.push(event),
            Item::Data(..) => {}
            Item::Done(Outcome::Failed(failure)) => return Err(failure),
            Item::Done(outcome) => return Ok((events, outcome)),
        }
    }
}

/// serde's words for types of numbers in those of the schema.
fn plain(error: &str) -> String {
    ["u16", "u32", "u64", "usize"].iter().fold(error.to_owned(), |text, kind| {
        text.replace(&format!("expected {kind}"), "expected a whole number within the schema's bounds")
    })
}

/// The arguments make no sense.
pub fn invalid(message: impl Into<String>) -> Failure {
    Failure::new(ErrorCode::InvalidArgument, message.into(), "see the tool's input schema")
}

/// A text argument outside its bounds.
pub fn bounds(error: TextError) -> Failure {
    match error {
        TextError::TooLong(..) => Failure::new(
            ErrorCode::TooLarge,
            error.to_string(),
            "send less at once: put long input into `stdin` or a file",
        ),
        TextError::Empty(_) | TextError::Alphabet(_) => invalid(error.to_string()),
    }
}

/// An optional text argument.
///
/// # Errors
/// When it is given and outside its bounds.
pub fn optional<T>(
    value: Option<String>,
    new: impl Fn(String) -> Result<T, TextError>,
) -> Result<Option<T>, Failure> {
    value.map(new).transpose().map_err(bounds)
}
