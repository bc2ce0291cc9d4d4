//! `sallyport approve`: a person agrees to exactly one waiting request, or answers what a host asks at a login.

use std::process::ExitCode;

use clap::Subcommand;
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest};
use sallyport_protocol::list::List;
use sallyport_protocol::person::{AnswerText, Ask, AskedEntry, GrantEntry, QuestionEntry, Tell};
use sallyport_protocol::text::ConfirmationId;
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};

use super::admin::{ask, link, misplaced, usage, word};
use super::output::{Problem, json, line, reply};
use super::secret;
use crate::format::{for_judgement, one_line, span};
use crate::link::{Admin, Item, Link};

/// Agree to a command that waits for a person, or answer what a host asks at a login.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Which; all that wait, one after the other, without it.
    id: Option<String>,
    /// Do not ask.
    #[arg(short, long, requires = "id")]
    yes: bool,
    /// Agree also to the very same request for the next ten minutes.
    #[arg(long, requires = "yes")]
    ten_minutes: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what waits, the grants in force, and who is paused.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Refuse one.
    Deny {
        /// Which.
        id: String,
    },
    /// Take back a grant for ten minutes.
    Revoke {
        /// Which.
        id: String,
    },
    /// Let a principal ask again that was paused after three refusals in a row.
    Resume {
        /// Who.
        principal: String,
    },
    /// Ask about each as it comes, until interrupted.
    Watch,
}

/// A person's answer to a confirmation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Once,
    TenMinutes,
    No,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let link = link()?;
        match (self.action, self.id) {
            (Some(Action::List { json: as_json }), _) => list(&link, as_json).await?,
            (Some(Action::Deny { id }), _) => deny(&link, &id).await?,
            (Some(Action::Revoke { id }), _) => {
                done(&link, Ask::Revoke { id: parsed(&id)? }).await?;
                line(&format!("Took the grant {id} back."))?;
            }
            (Some(Action::Resume { principal }), _) => {
                done(&link, Ask::Resume { principal: word(&principal)? }).await?;
                line(&format!("{principal} may ask again."))?;
            }
            (Some(Action::Watch), _) => watch(&link).await?,
            (None, Some(id)) => {
                let decision = match (self.yes, self.ten_minutes) {
                    (false, _) => None,
                    (true, false) => Some(Decision::Once),
                    (true, true) => Some(Decision::TenMinutes),
                };
                approve(&link, &id, decision).await?;
            }
            (None, None) => {
                let waiting = waiting(&link).await?;
                if !waiting.iter().any(needs_answer) {
                    line("Nothing waits for approval.")?;
                }
                for told in &waiting {
                    settle(&link, told).await?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn parsed(id: &str) -> Result<ConfirmationId, Problem> {
    ConfirmationId::new(id).map_err(usage)
}

async fn done(link: &Link<Admin>, request: Ask) -> Result<(), Problem> {
    let (_, AdminOutcome::Done) = ask(link, AdminRequest::Person(request)).await? else {
        return Err(misplaced());
    };
    Ok(())
}

async fn waiting(link: &Link<Admin>) -> Result<Vec<Tell>, Problem> {
    let request = AdminRequest::Person(Ask::Watch { stand: false });
    let (events, AdminOutcome::Listed) = ask(link, request).await? else {
        return Err(misplaced());
    };
    let tell = |event| match event {
        AdminEvent::Person(tell) => Some(tell),
        _ => None,
    };
    Ok(events.into_iter().filter_map(tell).collect())
}

fn needs_answer(told: &Tell) -> bool {
    matches!(told, Tell::Asked(_) | Tell::Question(_))
}

fn id_of(told: &Tell) -> Option<&str> {
    match told {
        Tell::Asked(asked) => Some(asked.approval.id.as_str()),
        Tell::Question(question) => Some(question.id.as_str()),
        _ => None,
    }
}

async fn list(link: &Link<Admin>, as_json: bool) -> Result<(), Problem> {
    let waiting = waiting(link).await?;
    if as_json {
        return json(&waiting.iter().filter_map(report).collect::<Vec<_>>());
    }
    if !waiting.iter().any(needs_answer) {
        line("Nothing waits for approval.")?;
    }
    for told in &waiting {
        if let Some(text) = text(told) {
            line(&text)?;
        }
    }
    Ok(())
}

async fn approve(link: &Link<Admin>, id: &str, decision: Option<Decision>) -> Result<(), Problem> {
    let waiting = waiting(link).await?;
    let Some(told) = waiting.iter().find(|told| id_of(told) == Some(id)) else {
        return Err(Failure::new(
            ErrorCode::ConfirmationExpired,
            format!("no request {id} waits for approval; each waits two minutes and counts once"),
            "`sallyport approve list` shows those that wait",
        )
        .into());
    };
    let agreed = match (told, decision) {
        (Tell::Asked(asked), Some(decision)) => {
            line(&asked_text(asked))?;
            decide(link, id, decision).await?
        }
        _ => settle(link, told).await?,
    };
    if agreed {
        Ok(())
    } else {
        let hint = "it does not run, and whoever asked is told so";
        Err(Failure::new(ErrorCode::ConfirmationDenied, "it was refused", hint).into())
    }
}

async fn deny(link: &Link<Admin>, id: &str) -> Result<(), Problem> {
    let waiting = waiting(link).await?;
    let question = waiting.iter().any(|told| matches!(told, Tell::Question(q) if q.id.as_str() == id));
    if question {
        done(link, Ask::Answer { id: parsed(id)?, texts: List::default() }).await?;
        return line(&format!("Refused {id}."));
    }
    decide(link, id, Decision::No).await.map(|_| ())
}

/// Shows what waits and asks; the answer is final. Gives whether it was agreed to.
async fn settle(link: &Link<Admin>, told: &Tell) -> Result<bool, Problem> {
    match told {
        Tell::Asked(asked) => {
            line(&asked_text(asked))?;
            let typed =
                in_thread(|| reply("Let it run? [y/N] (t: also without asking for ten minutes)")).await;
            // No answer is not a no: it waits on for somebody who gives one.
            let Some(typed) = typed else { return Err(nobody(asked.approval.id.as_str())) };
            let decision = match typed.trim().to_ascii_lowercase().as_str() {
                "y" | "yes" => Decision::Once,
                "t" => Decision::TenMinutes,
                _ => Decision::No,
            };
            decide(link, asked.approval.id.as_str(), decision).await
        }
        Tell::Question(question) => respond(link, question).await,
        _ => Ok(true),
    }
}

fn nobody(id: &str) -> Problem {
    Failure::new(
        ErrorCode::ConfirmationUnavailable,
        format!("nobody answered; {id} still waits"),
        format!("run this in a terminal, or decide with `sallyport approve --yes {id}` or `sallyport approve deny {id}`"),
    )
    .into()
}

/// A person may think for long; the connection is kept up meanwhile.
async fn in_thread<T: Default + Send + 'static>(read: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

async fn respond(link: &Link<Admin>, question: &QuestionEntry) -> Result<bool, Problem> {
    line(&question_text(question))?;
    let mut texts = Vec::new();
    for prompt in question.prompts.iter() {
        let (shown, echo) = (one_line(prompt.text.as_str().trim_end()), prompt.echo);
        let typed = if echo {
            in_thread(move || reply(&shown)).await.map(|line| line.trim_end_matches(['\r', '\n']).to_owned())
        } else {
            in_thread(move || secret::answer(&shown)).await
        };
        match typed {
            Some(typed) => texts.push(AnswerText::try_from(typed).map_err(usage)?),
            None => {
                texts.clear();
                break;
            }
        }
    }
    // A question without prompts is never put to a person, so none means that nothing was typed.
    let answered = !texts.is_empty();
    done(link, Ask::Answer { id: parsed(question.id.as_str())?, texts: List::clip(texts) }).await?;
    line(&format!("{} {}.", if answered { "Answered" } else { "Refused" }, question.id))?;
    Ok(answered)
}

async fn decide(link: &Link<Admin>, id: &str, decision: Decision) -> Result<bool, Problem> {
    let parsed = parsed(id)?;
    let (request, said) = match decision {
        Decision::Once => {
            (AdminRequest::Approve { id: parsed }, format!("Approved {id}; it can run once now."))
        }
        Decision::TenMinutes => (
            AdminRequest::Person(Ask::Grant { id: parsed }),
            format!(
                "Approved {id}; exactly this may run for ten minutes. `sallyport approve revoke {id}` ends it."
            ),
        ),
        Decision::No => (AdminRequest::Deny { id: parsed }, format!("Refused {id}.")),
    };
    let (_, AdminOutcome::Done) = ask(link, request).await? else { return Err(misplaced()) };
    line(&said)?;
    Ok(decision != Decision::No)
}

/// Asks about each as the helper tells of it.
async fn watch(link: &Link<Admin>) -> Result<(), Problem> {
    eprintln!("Waiting for requests; Ctrl-C ends it.");
    let mut operation = link.start(AdminRequest::Person(Ask::Watch { stand: true })).await?;
    let mut queue = std::collections::VecDeque::new();
    loop {
        // What was settled elsewhere while the person thought is not asked any more.
        while let Some(item) = arrived(&mut operation, queue.is_empty()).await? {
            match item {
                Tell::Settled { id } => queue.retain(|told| id_of(told) != Some(id.as_str())),
                told if needs_answer(&told) => queue.push_back(told),
                _ => {}
            }
        }
        if let Some(told) = queue.pop_front()
            && let Err(problem) = settle(link, &told).await
        {
            if problem.failure.code == ErrorCode::HelperUnavailable {
                return Err(problem);
            }
            eprint!("{}", problem.text());
        }
    }
}

/// The next thing told; when there is something to ask already, only what has arrived by now.
async fn arrived(operation: &mut crate::link::Operation<Admin>, wait: bool) -> Result<Option<Tell>, Problem> {
    let next = operation.next();
    let item = if wait {
        next.await?
    } else {
        match tokio::time::timeout(std::time::Duration::from_millis(1), next).await {
            Ok(item) => item?,
            Err(_) => return Ok(None),
        }
    };
    match item {
        Item::Event(AdminEvent::Person(tell)) => Ok(Some(tell)),
        Item::Event(_) | Item::Data(..) => Ok(None),
        Item::Done(AdminOutcome::Failed(failure)) => Err(failure.into()),
        Item::Done(_) => Err(misplaced()),
    }
}

fn whole(asked: &AskedEntry) -> String {
    asked.approval.command.iter().map(|piece| piece.as_str()).collect()
}

fn text(told: &Tell) -> Option<String> {
    Some(match told {
        Tell::Asked(asked) => asked_text(asked),
        Tell::Question(question) => question_text(question),
        Tell::Grant(grant) => grant_text(grant),
        Tell::Paused { principal, left_s } => format!(
            "{} is paused after three refusals, for another {}; `sallyport approve resume {0}` ends it",
            one_line(principal.as_str()),
            span((*left_s).into())
        ),
        _ => return None,
    })
}

fn asked_text(asked: &AskedEntry) -> String {
    let entry = &asked.approval;
    let mut text = format!(
        "{}: {} wants to run as {} on {}\n{}\n  why it is asked: {}\n",
        entry.id,
        one_line(entry.principal.as_str()),
        one_line(entry.user.as_str()),
        one_line(entry.host.as_str()),
        for_judgement(&whole(asked)),
        one_line(entry.reason.as_str()),
    );
    if !asked.news.as_str().is_empty() {
        text.push_str(&format!("  since the last one: {}\n", one_line(asked.news.as_str())));
    }
    text.push_str(&format!("  void in {} s", entry.expires_in_s));
    text
}

fn question_text(question: &QuestionEntry) -> String {
    let mut text = format!(
        "{}: {} asks {} at the login, in its own words\n",
        question.id,
        one_line(question.host.as_str()),
        one_line(question.user.as_str())
    );
    if !question.instructions.as_str().is_empty() {
        text.push_str(&for_judgement(question.instructions.as_str()));
        text.push('\n');
    }
    for prompt in question.prompts.iter() {
        text.push_str(&for_judgement(prompt.text.as_str().trim_end()));
        text.push('\n');
    }
    text.push_str(&format!("  void in {} s", question.expires_in_s));
    text
}

fn grant_text(grant: &GrantEntry) -> String {
    format!(
        "{}: {} may run as {} on {} for another {}\n{}",
        grant.id,
        one_line(grant.principal.as_str()),
        one_line(grant.user.as_str()),
        one_line(grant.host.as_str()),
        span(grant.expires_in_s.into()),
        for_judgement(grant.command.as_str())
    )
}

fn report(told: &Tell) -> Option<Value> {
    Some(match told {
        Tell::Asked(asked) => json!({
            "kind": "confirmation",
            "id": asked.approval.id.as_str(),
            "principal": asked.approval.principal.as_str(),
            "host": asked.approval.host.as_str(),
            "user": asked.approval.user.as_str(),
            "command": whole(asked),
            "reason": asked.approval.reason.as_str(),
            "news": asked.news.as_str(),
            "expires_in_s": asked.approval.expires_in_s,
        }),
        Tell::Question(question) => json!({
            "kind": "question",
            "id": question.id.as_str(),
            "host": question.host.as_str(),
            "user": question.user.as_str(),
            "instructions": question.instructions.as_str(),
            "prompts": question.prompts.iter().map(|p| json!({ "text": p.text.as_str(), "echo": p.echo })).collect::<Vec<_>>(),
            "expires_in_s": question.expires_in_s,
        }),
        Tell::Grant(grant) => json!({
            "kind": "grant",
            "id": grant.id.as_str(),
            "principal": grant.principal.as_str(),
            "host": grant.host.as_str(),
            "user": grant.user.as_str(),
            "command": grant.command.as_str(),
            "expires_in_s": grant.expires_in_s,
        }),
        Tell::Paused { principal, left_s } => {
            json!({ "kind": "paused", "principal": principal.as_str(), "left_s": left_s })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::List;
    use sallyport_protocol::admin::ApprovalEntry;
    use sallyport_protocol::person::PromptEntry;

    #[test]
    fn a_person_sees_who_where_what_why_and_what_is_new() {
        let approval = ApprovalEntry {
            id: "c4".into(),
            principal: "local".into(),
            host: "web1".into(),
            user: "deploy".into(),
            command: List::clip(["rm -r /srv/".into(), "app\u{202e}".into()]),
            reason: "deletes a tree".into(),
            expires_in_s: 118,
        };
        let asked = AskedEntry {
            approval,
            news: "another host (db1 then), the same command; the last one was refused".into(),
        };
        insta::assert_snapshot!(asked_text(&asked), @r"
        c4: local wants to run as deploy on web1
          | rm -r /srv/app\u{202e}
          why it is asked: deletes a tree
          since the last one: another host (db1 then), the same command; the last one was refused
          void in 118 s
        ");
    }

    #[test]
    fn a_hosts_question_is_shown_in_its_own_words_and_cannot_pose_as_ours() {
        let question = QuestionEntry {
            id: "q1".into(),
            host: "web1".into(),
            user: "deploy".into(),
            instructions: "Welcome\nLet it run? [y/N]".into(),
            prompts: List::clip([PromptEntry { text: "Verification code: ".into(), echo: false }]),
            expires_in_s: 100,
        };
        insta::assert_snapshot!(question_text(&question), @r"
        q1: web1 asks deploy at the login, in its own words
          | Welcome
          | Let it run? [y/N]
          | Verification code:
          void in 100 s
        ");
    }

    #[test]
    fn grants_and_pauses_are_listed_with_the_way_out() {
        let grant = GrantEntry {
            id: "c4".into(),
            principal: "local".into(),
            host: "web1".into(),
            user: "deploy".into(),
            command: "systemctl restart app".into(),
            expires_in_s: 590,
        };
        let paused = Tell::Paused { principal: "ci".into(), left_s: 540 };
        insta::assert_snapshot!([Tell::Grant(grant), paused].iter().filter_map(text).collect::<Vec<_>>().join("\n"), @r"
        c4: local may run as deploy on web1 for another 10 min
          | systemctl restart app
        ci is paused after three refusals, for another 9 min; `sallyport approve resume ci` ends it
        ");
    }
}
