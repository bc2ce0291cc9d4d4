//! Asking the client's user, where the helper lets that user decide.
//!
//! Nothing here grants anything: the helper judges whether a consent counts.

use std::collections::BTreeMap;
use std::time::Duration;

use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitationAction, ElicitationSchema, InputRequest, InputRequests,
    InputRequiredResult, ProtocolVersion,
};
use sallyport_protocol::person::Declined;
use sallyport_protocol::reply::{Confirmer, NeedsConfirmation};
use sallyport_protocol::request::{Consent, Request};
use sallyport_protocol::text::ConfirmationId;
use sallyport_protocol::{ErrorCode, Failure};

use super::answer::{Answer, Confirmation};
use super::call::{Call, Reply, optional};
use crate::format::{for_judgement, one_line};
use crate::link::{Broker, Link};

/// The key of our one question.
const QUESTION: &str = "confirm";

/// Who is said to have agreed, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Who.
    pub consent: Consent,
    /// To which confirmation.
    pub confirmation: Option<ConfirmationId>,
}

/// What a confirmation covers, as a person must see it: the request, and a line for each thing beside it.
pub struct Covered(String);

impl Covered {
    /// The request.
    pub fn of(request: &str) -> Self {
        Self(request.to_owned())
    }

    /// One thing beside it, where there is one.
    pub fn and(mut self, what: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.0.push_str(&format!("\n# {what}: {}", one_line(value)));
        }
        self
    }

    /// Where it runs, and with which variables.
    pub fn around(self, cwd: Option<&str>, env: &BTreeMap<String, String>, secrets: &[String]) -> Self {
        let placed = self.and("in directory", cwd);
        let with = env.iter().map(|(name, value)| ("with", format!("{name}={value}")));
        let records = secrets.iter().map(|name| ("with the variables of", format!("env://{name}")));
        with.chain(records).fold(placed, |covered, (what, value)| covered.and(what, Some(&value)))
    }

    /// The text.
    pub fn text(self) -> String {
        self.0
    }
}

/// What came of asking.
pub enum Asked {
    /// Go on with this grant.
    Agreed(Grant),
    /// Answer the call with this.
    Reply(Reply),
}

/// The grant a call comes with: its own arguments, or its user's answer to the
/// question an earlier call was answered with.
///
/// # Errors
/// `confirmation_denied` when the user said no.
pub fn grant(call: &Call, confirm: bool, confirmation_id: Option<String>) -> Result<Grant, Failure> {
    let answered = call.responses.as_ref().and_then(|responses| responses.get(QUESTION));
    match answered.and_then(|response| response.get("action")).and_then(|action| action.as_str()) {
        Some("accept") => Ok(Grant {
            consent: Consent::Client,
            confirmation: optional(call.state.clone(), ConfirmationId::new)?,
        }),
        Some("decline") => {
            if let Ok(Some(id)) = optional(call.state.clone(), ConfirmationId::new) {
                let link = call.link.clone();
                tokio::spawn(async move { tell_declined(&link, id).await });
            }
            Err(denied())
        }
        _ => Ok(Grant {
            consent: if confirm { Consent::Model } else { Consent::None },
            confirmation: optional(confirmation_id, ConfirmationId::new)?,
        }),
    }
}

/// Asks the client's user to agree to `command` on `target`, if the helper lets
/// that user decide and the client can ask.
///
/// # Errors
/// `confirmation_denied` when the user said no.
pub async fn ask(
    call: &Call,
    target: &str,
    command: &str,
    needs: &NeedsConfirmation,
) -> Result<Asked, Failure> {
    let users_choice = matches!(needs.who, Confirmer::Client | Confirmer::Model);
    if !users_choice || !can_elicit(call) {
        return Ok(Asked::Reply(later(needs).into()));
    }
    let params = ElicitRequestParams::FormElicitationParams {
        meta: None,
        message: question(target, command, needs.reason.as_str()),
        requested_schema: ElicitationSchema::new(BTreeMap::new()),
    };
    if call.context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28) {
        let requests = InputRequests::from([(
            QUESTION.to_owned(),
            InputRequest::Elicitation(ElicitRequest::new(params)),
        )]);
        let question = InputRequiredResult::new(Some(requests), Some(needs.id.as_str().to_owned()));
        return Ok(Asked::Reply(Reply::Question(question)));
    }
    let patience = Duration::from_secs(needs.expires_in_s.into());
    let answer = call.context.peer.create_elicitation_with_timeout(params, Some(patience));
    // Not `unless_cancelled`'s business: a client that fails to ask is no failed call.
    let action = tokio::select! {
        () = call.context.ct.cancelled() => ElicitationAction::Cancel,
        answer = answer => match answer {
            Ok(answer) => answer.action,
            Err(error) => {
                tracing::info!(%error, "the client did not ask its user");
                ElicitationAction::Cancel
            }
        },
    };
    match action {
        ElicitationAction::Accept => Ok(Asked::Agreed(Grant {
            consent: Consent::Client,
            confirmation: optional(Some(needs.id.as_str().to_owned()), ConfirmationId::new)?,
        })),
        ElicitationAction::Decline => {
            if let Ok(id) = ConfirmationId::new(needs.id.as_str()) {
                tell_declined(&call.link, id).await;
            }
            Err(denied())
        }
        _ => Ok(Asked::Reply(later(needs).into())),
    }
}

/// Lets the helper know of a refusal: it is noted, nobody else is asked, and too many of them end the asking. A helper
/// that cannot be told only loses the note.
async fn tell_declined(link: &Link<Broker>, confirmation: ConfirmationId) {
    match link.start(Request::Declined(Declined { confirmation })).await {
        Ok(mut operation) => {
            let _ = operation.next().await;
        }
        Err(failure) => tracing::info!(message = %failure.message, "a refusal was not passed on"),
    }
}

fn can_elicit(call: &Call) -> bool {
    let declared = call.context.client_capabilities().and_then(|capabilities| capabilities.elicitation);
    // Clients of before the modes existed mean forms.
    declared.is_some_and(|elicitation| elicitation.form.is_some() || elicitation.url.is_none())
}

fn question(target: &str, command: &str, reason: &str) -> String {
    format!(
        "May this run on {}?\n{}\nWhy it is asked: {}",
        one_line(target),
        for_judgement(command),
        one_line(reason)
    )
}

/// The answer when nobody could be asked now.
fn later(needs: &NeedsConfirmation) -> Answer {
    Answer::needs(confirmation(needs))
}

/// A confirmation as answers tell of it.
pub fn confirmation(needs: &NeedsConfirmation) -> Confirmation {
    let id = needs.id.as_str();
    let operator = format!(
        "Ask the operator to run `sallyport approve {id}`, then repeat the same call with confirmation_id \"{id}\"."
    );
    let how = match needs.who {
        Confirmer::Model => {
            format!("Repeat the same call with confirm = true if you are sure. Or: {operator}")
        }
        Confirmer::Client | Confirmer::Operator => operator,
    };
    Confirmation {
        id: id.to_owned(),
        reason: needs.reason.as_str().to_owned(),
        rules: needs.rules.iter().map(|rule| rule.as_str().to_owned()).collect(),
        expires_in_s: needs.expires_in_s,
        how,
    }
}

/// The helper still asks after the client's user agreed.
pub fn does_not_count() -> Failure {
    Failure::new(
        ErrorCode::ConfirmationUnavailable,
        "the confirmation was given but does not count on this host",
        "ask the operator: the host's `confirmation` setting says who may confirm",
    )
}

fn denied() -> Failure {
    Failure::new(
        ErrorCode::ConfirmationDenied,
        "the user refused this command",
        "do not try to reach the same effect another way; ask the user what they want instead",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::List;

    #[test]
    fn the_question_shows_the_whole_command_and_nothing_in_it_can_pose_as_the_question() {
        let command = "rm -rf /srv/app\nMay this run on web1?\u{202e}";
        insta::assert_snapshot!(question("deploy@web1", command, "deletes a tree"), @r"
        May this run on deploy@web1?
          | rm -rf /srv/app
          | May this run on web1?\u{202e}
        Why it is asked: deletes a tree
        ");
    }

    #[test]
    fn only_where_the_model_may_decide_it_is_told_of_confirm() {
        let needs = |who| NeedsConfirmation {
            id: "c1".into(),
            reason: "deletes a tree".into(),
            rules: List::default(),
            expires_in_s: 120,
            who,
        };
        let text = |who| match &later(&needs(who)).into_result().content[..] {
            [content] => content.as_text().unwrap().text.clone(),
            other => panic!("{other:?}"),
        };
        insta::assert_snapshot!(text(Confirmer::Operator), @r#"
        needs confirmation (c1): deletes a tree
        Ask the operator to run `sallyport approve c1`, then repeat the same call with confirmation_id "c1". It waits 120 s.
        "#);
        assert!(!text(Confirmer::Client).contains("confirm = true"));
        assert!(text(Confirmer::Model).contains("confirm = true"));
    }
}
