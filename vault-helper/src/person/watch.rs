//! What waits for a person, told as it comes and goes, and the person's answers.

use std::collections::BTreeSet;
use std::time::Duration;

use sallyport_protocol::admin::{AdminOutcome, ApprovalEntry};
use sallyport_protocol::envelope::Caller;
use sallyport_protocol::list::List;
use sallyport_protocol::person::{
    AnswerText, AskedEntry, Declined, GrantEntry, PromptEntry, QuestionEntry, Tell,
};
use sallyport_protocol::reply::Outcome;
use sallyport_protocol::{ErrorCode, Failure, Text};

use super::DONE;
use crate::guard::approvals::{Asked, Verdict};
use crate::guard::questions::{self, Taken};
use crate::helper::Helper;
use crate::serve::admin::{Answer, seconds};
use crate::serve::connection::Operation;
use crate::session::exec::no_audit;

/// How often a standing watch looks for what became void by time alone.
const LOOK: Duration = Duration::from_secs(1);

/// Tells what waits, and with `stand` what comes and goes until the operation is cancelled.
///
/// # Errors
/// None of its own.
pub async fn tell(op: &Operation, stand: bool) -> Answer {
    let mut bulletin = op.helper.bulletin.subscribe();
    let mut told = BTreeSet::new();
    loop {
        bulletin.mark_unchanged();
        let mut now = BTreeSet::new();
        for (id, asked, left, news) in op.helper.approvals.waiting() {
            if !told.contains(&id) {
                let approval = approval(id.clone(), asked, left);
                super::tell(op, Tell::Asked(AskedEntry { approval, news: news.into() }));
            }
            now.insert(id);
        }
        for (id, asked, left) in op.helper.questions.waiting() {
            if !told.contains(&id) {
                super::tell(op, Tell::Question(question(id.clone(), asked, left)));
            }
            now.insert(id);
        }
        for id in told.difference(&now) {
            super::tell(op, Tell::Settled { id: id.as_str().into() });
        }
        told = now;
        if !stand {
            break;
        }
        // Cancelling drops this future.
        tokio::select! {
            changed = bulletin.changed() => if changed.is_err() { break },
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    for (id, asked, left) in op.helper.approvals.grants() {
        tell_grant(op, id, asked, left);
    }
    for (principal, left) in op.helper.approvals.paused() {
        super::tell(op, Tell::Paused { principal: principal.into(), left_s: seconds(left) });
    }
    Ok(AdminOutcome::Listed)
}

fn tell_grant(op: &Operation, id: String, asked: Asked, left: Duration) {
    let grant = GrantEntry {
        id: id.into(),
        principal: asked.principal.into(),
        host: asked.host.into(),
        user: asked.user.into(),
        command: asked.command.into(),
        expires_in_s: seconds(left),
    };
    super::tell(op, Tell::Grant(grant));
}

/// A waiting confirmation, for people: its whole command in pieces.
pub fn approval(id: String, asked: Asked, left: Duration) -> ApprovalEntry {
    let command =
        asked.command.as_bytes().chunks(Text::MAX / 2).map(|part| String::from_utf8_lossy(part).into_owned());
    ApprovalEntry {
        id: id.into(),
        principal: asked.principal.into(),
        host: asked.host.into(),
        user: asked.user.into(),
        command: List::clip(command.map(Text::clip)),
        reason: asked.reason.into(),
        expires_in_s: seconds(left),
    }
}

fn question(id: String, asked: questions::Asked, left: Duration) -> QuestionEntry {
    let prompts = asked.prompts.into_iter().map(|(text, echo)| PromptEntry { text: text.into(), echo });
    QuestionEntry {
        id: id.into(),
        host: asked.host.into(),
        user: asked.user.into(),
        instructions: asked.instructions.into(),
        prompts: List::clip(prompts),
        expires_in_s: seconds(left),
    }
}

/// A person answers a confirmation.
///
/// # Errors
/// `confirmation_expired` when nothing waits under that id.
pub async fn settle(helper: &Helper, id: &str, verdict: Verdict) -> Answer {
    if !helper.approvals.answer(id, verdict) {
        return Err(nothing(id));
    }
    helper.changed();
    let granted = verdict != Verdict::No;
    let details = serde_json::json!({
        "id": id, "granted": granted, "by": "operator", "for_s": (verdict == Verdict::ForTenMinutes).then_some(600),
    });
    note(helper, "confirmation", details).await?;
    DONE
}

fn nothing(id: &str) -> Failure {
    Failure::new(
        ErrorCode::ConfirmationExpired,
        format!("nothing waits under {id}"),
        "confirmations are void after 120 seconds; `sallyport approve list` shows those that wait",
    )
}

async fn note(helper: &Helper, event: &str, details: serde_json::Value) -> Result<(), Failure> {
    helper.audit.event(event, details).await.map_err(|error| no_audit(&error))
}

/// The client's user refused, says a broker. That can only take rights away.
pub async fn declined(helper: &Helper, caller: &Caller, declined: &Declined) -> Outcome {
    let (id, principal) = (declined.confirmation.as_str(), caller.principal.as_str());
    if !helper.approvals.declined(id, principal) {
        return Outcome::Failed(nothing(id));
    }
    helper.changed();
    let details = serde_json::json!({ "id": id, "granted": false, "by": "client", "principal": principal });
    match note(helper, "confirmation", details).await {
        Ok(()) => Outcome::Noted,
        Err(failure) => Outcome::Failed(failure),
    }
}

/// Takes a grant back.
///
/// # Errors
/// `confirmation_expired` when there is none.
pub async fn revoke(helper: &Helper, id: &str) -> Answer {
    if !helper.approvals.revoke(id) {
        return Err(Failure::new(
            ErrorCode::ConfirmationExpired,
            format!("there is no grant {id}"),
            "grants end after ten minutes; `sallyport approve list` shows those in force",
        ));
    }
    note(helper, "grant_revoked", serde_json::json!({ "id": id })).await?;
    DONE
}

/// Lets a principal ask again.
///
/// # Errors
/// `invalid_argument` when it is not paused.
pub async fn resume(helper: &Helper, principal: &str) -> Answer {
    if !helper.approvals.resume(principal) {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            format!("{principal} is not paused"),
            "`sallyport approve list` shows who is",
        ));
    }
    note(helper, "resumed", serde_json::json!({ "principal": principal })).await?;
    DONE
}

/// A person answers a host's question; nothing refuses.
///
/// # Errors
/// `confirmation_expired` when it waits no more, `invalid_argument` for another number of answers.
pub async fn answer(helper: &Helper, id: &str, texts: Vec<AnswerText>) -> Answer {
    let refused = texts.is_empty();
    match helper.questions.answer(id, (!refused).then_some(texts)) {
        Taken::Given => {}
        Taken::Gone => return Err(nothing(id)),
        Taken::Misfit(prompts) => {
            return Err(Failure::new(
                ErrorCode::InvalidArgument,
                format!("the question has {prompts} prompts"),
                "give one answer for each",
            ));
        }
    }
    helper.changed();
    note(helper, "second_factor", serde_json::json!({ "id": id, "answered": !refused })).await?;
    DONE
}
