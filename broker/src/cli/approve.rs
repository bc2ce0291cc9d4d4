//! `sallyport approve`: a person agrees to exactly one waiting request.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use sallyport_protocol::admin::{AdminEvent, AdminOutcome, AdminRequest, ApprovalEntry};
use sallyport_protocol::text::ConfirmationId;
use sallyport_protocol::{ErrorCode, Failure};
use serde_json::{Value, json};

use super::admin::{ask, link, misplaced, usage};
use super::output::{Problem, agrees, json, line};
use crate::format::{for_judgement, one_line};
use crate::link::{Admin, Link};

/// How often `watch` looks.
const LOOK: Duration = Duration::from_millis(500);

/// Agree to a command that waits for a person.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    /// Which; all that wait, one after the other, without it.
    id: Option<String>,
    /// Do not ask.
    #[arg(short, long, requires = "id")]
    yes: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List what waits.
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
    /// Ask about each as it comes, until interrupted.
    Watch,
}

impl Args {
    /// Runs the command.
    pub async fn run(self) -> Result<ExitCode, Problem> {
        let link = link()?;
        match (self.action, self.id) {
            (Some(Action::List { json: as_json }), _) => list(&link, as_json).await?,
            (Some(Action::Deny { id }), _) => deny(&link, &id).await?,
            (Some(Action::Watch), _) => watch(&link).await?,
            (None, Some(id)) => approve(&link, &id, self.yes).await?,
            (None, None) => {
                let waiting = waiting(&link).await?;
                if waiting.is_empty() {
                    line("Nothing waits for approval.")?;
                }
                for entry in &waiting {
                    decide(&link, entry).await?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn waiting(link: &Link<Admin>) -> Result<Vec<ApprovalEntry>, Problem> {
    let (events, AdminOutcome::Listed) = ask(link, AdminRequest::ListApprovals).await? else {
        return Err(misplaced());
    };
    let approval = |event| match event {
        AdminEvent::Approval(entry) => Some(entry),
        _ => None,
    };
    Ok(events.into_iter().filter_map(approval).collect())
}

async fn list(link: &Link<Admin>, as_json: bool) -> Result<(), Problem> {
    let waiting = waiting(link).await?;
    if as_json {
        return json(&waiting.iter().map(report).collect::<Vec<_>>());
    }
    if waiting.is_empty() {
        return line("Nothing waits for approval.");
    }
    for entry in &waiting {
        line(&text(entry))?;
    }
    Ok(())
}

async fn approve(link: &Link<Admin>, id: &str, yes: bool) -> Result<(), Problem> {
    let Some(entry) = waiting(link).await?.into_iter().find(|entry| entry.id.as_str() == id) else {
        return Err(Failure::new(
            ErrorCode::ConfirmationExpired,
            format!("no request {id} waits for approval; each waits two minutes and counts once"),
            "`sallyport approve list` shows those that wait",
        )
        .into());
    };
    if yes {
        line(&text(&entry))?;
        return settle(link, id, true).await;
    }
    if decide(link, &entry).await? {
        return Ok(());
    }
    Err(Failure::new(ErrorCode::ConfirmationDenied, "it was refused", "").into())
}

async fn deny(link: &Link<Admin>, id: &str) -> Result<(), Problem> {
    settle(link, id, false).await
}

/// Shows a request and asks; the answer is final. Gives the answer.
async fn decide(link: &Link<Admin>, entry: &ApprovalEntry) -> Result<bool, Problem> {
    line(&text(entry))?;
    let agreed = agrees("Let it run?");
    settle(link, entry.id.as_str(), agreed).await?;
    Ok(agreed)
}

async fn settle(link: &Link<Admin>, id: &str, agreed: bool) -> Result<(), Problem> {
    let parsed = ConfirmationId::new(id).map_err(usage)?;
    let request =
        if agreed { AdminRequest::Approve { id: parsed } } else { AdminRequest::Deny { id: parsed } };
    let (_, AdminOutcome::Done) = ask(link, request).await? else { return Err(misplaced()) };
    line(&if agreed { format!("Approved {id}; it can run once now.") } else { format!("Refused {id}.") })
}

/// The helper tells of new requests only when asked, so this looks now and then.
async fn watch(link: &Link<Admin>) -> Result<(), Problem> {
    eprintln!("Waiting for requests; Ctrl-C ends it.");
    let mut shown: Vec<String> = Vec::new();
    loop {
        let waiting = waiting(link).await?;
        shown.retain(|id| waiting.iter().any(|entry| entry.id.as_str() == id));
        for entry in &waiting {
            if shown.iter().any(|id| id == entry.id.as_str()) {
                continue;
            }
            shown.push(entry.id.as_str().to_owned());
            match decide(link, entry).await {
                // It may have been settled elsewhere while the person thought.
                Err(problem) if problem.failure.code != ErrorCode::HelperUnavailable => {
                    eprint!("{}", problem.text());
                }
                other => {
                    other?;
                }
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn whole(entry: &ApprovalEntry) -> String {
    entry.command.iter().map(|piece| piece.as_str()).collect()
}

fn text(entry: &ApprovalEntry) -> String {
    format!(
        "{}: {} wants to run as {} on {}\n{}\n  why it is asked: {}\n  void in {} s",
        entry.id,
        one_line(entry.principal.as_str()),
        one_line(entry.user.as_str()),
        one_line(entry.host.as_str()),
        for_judgement(&whole(entry)),
        one_line(entry.reason.as_str()),
        entry.expires_in_s
    )
}

fn report(entry: &ApprovalEntry) -> Value {
    json!({
        "id": entry.id.as_str(),
        "principal": entry.principal.as_str(),
        "host": entry.host.as_str(),
        "user": entry.user.as_str(),
        "command": whole(entry),
        "reason": entry.reason.as_str(),
        "expires_in_s": entry.expires_in_s,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sallyport_protocol::List;

    #[test]
    fn a_person_sees_who_where_what_and_why() {
        let entry = ApprovalEntry {
            id: "c4".into(),
            principal: "local".into(),
            host: "web1".into(),
            user: "deploy".into(),
            command: List::clip(["rm -r /srv/".into(), "app\u{202e}".into()]),
            reason: "deletes a tree".into(),
            expires_in_s: 118,
        };
        insta::assert_snapshot!(text(&entry), @r"
        c4: local wants to run as deploy on web1
          | rm -r /srv/app\u{202e}
          why it is asked: deletes a tree
          void in 118 s
        ");
    }
}
