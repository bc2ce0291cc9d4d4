//! A dialog for confirmations on desktops: pinentry, asked by `CONFIRM` (its Assuan protocol) where the person who
//! last unlocked sits. Opened when `confirm_dialog` is set, for hosts whose confirmation is `operator`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use sallyport_protocol::show::{for_judgement, one_line};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use super::watch;
use crate::guard::approvals::{Asked, Verdict};
use crate::helper::Helper;

/// The longest line of the Assuan protocol, in bytes; what needs more is left to `approve`.
const MAX_LINE: usize = 1000;
/// How a pinentry says that the person pressed "no" (`GPG_ERR_NOT_CONFIRMED` from pinentry).
const NOT_CONFIRMED: &str = "83886194";

/// Opens a dialog for each confirmation that only an operator may give, one after the other, for ever.
pub async fn stand(helper: Arc<Helper>) {
    let mut bulletin = helper.bulletin.subscribe();
    let mut seen = BTreeSet::new();
    loop {
        bulletin.mark_unchanged();
        let waiting = helper.approvals.waiting();
        seen.retain(|id| waiting.iter().any(|(waits, ..)| waits == id));
        let next = waiting.into_iter().find(|(id, asked, ..)| asked.operator && !seen.contains(id));
        let Some((id, asked, left, news)) = next else {
            if bulletin.changed().await.is_err() {
                return;
            }
            continue;
        };
        seen.insert(id.clone());
        let settled = async {
            loop {
                if bulletin.changed().await.is_err()
                    || !helper.approvals.waiting().iter().any(|(w, ..)| *w == id)
                {
                    return;
                }
            }
        };
        let answer = tokio::select! {
            answer = ask(&helper, &asked, &news, left) => answer,
            // Answered elsewhere: the dialog goes away with its process.
            () = settled => Ok(None),
        };
        match answer {
            Ok(None) => {}
            Ok(Some(verdict)) => {
                if let Err(failure) = watch::settle(&helper, &id, verdict).await {
                    tracing::warn!(message = %failure.message, "a dialog's answer was not taken");
                }
            }
            Err(error) => tracing::warn!(%error, "no dialog could be shown"),
        }
    }
}

/// Asks; none when the dialog was closed without an answer.
async fn ask(helper: &Helper, asked: &Asked, news: &str, left: Duration) -> std::io::Result<Option<Verdict>> {
    let redacted = helper.redactor.text(&description(asked, news));
    let lines = script(redacted.as_str(), left);
    if lines.iter().any(|line| line.len() > MAX_LINE) {
        return Err(std::io::Error::other(
            "the command is too long for a dialog; `sallyport approve` shows it",
        ));
    }
    let program =
        program(helper.home.as_deref()).ok_or_else(|| std::io::Error::other("no pinentry is installed"))?;
    let person = helper.person.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut child = Command::new(program)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(helper.home.as_ref().map(|home| ("HOME", home)))
        .envs(person.variables())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let gone = || std::io::Error::other("the pinentry ended");
    let mut to = child.stdin.take().ok_or_else(gone)?;
    let mut from = BufReader::new(child.stdout.take().ok_or_else(gone)?).lines();
    // Its greeting, then one answer a line.
    from.next_line().await?.ok_or_else(gone)?;
    let mut last = String::new();
    for line in lines {
        to.write_all(format!("{line}\n").as_bytes()).await?;
        last = from.next_line().await?.ok_or_else(gone)?;
    }
    let _ = to.write_all(b"BYE\n").await;
    Ok(match last.split(' ').collect::<Vec<_>>().as_slice() {
        ["OK", ..] => Some(Verdict::Once),
        ["ERR", code, ..] if *code == NOT_CONFIRMED => Some(Verdict::No),
        _ => None,
    })
}

/// What the person reads. Nothing in the command can pose as the dialog's own words.
fn description(asked: &Asked, news: &str) -> String {
    let mut text = format!(
        "{} wants to run as {} on {}:\n{}\nWhy it is asked: {}",
        one_line(&asked.principal),
        one_line(&asked.user),
        one_line(&asked.host),
        for_judgement(&asked.command),
        one_line(&asked.reason),
    );
    if !news.is_empty() {
        text.push_str(&format!("\nSince the last one: {}", one_line(news)));
    }
    text
}

fn script(description: &str, left: Duration) -> [String; 6] {
    [
        "SETTITLE Sallyport".into(),
        format!("SETDESC {}", escaped(description)),
        "SETOK Run it once".into(),
        "SETNOTOK Refuse".into(),
        format!("SETTIMEOUT {}", left.as_secs().max(1)),
        "CONFIRM".into(),
    ]
}

/// Percent escapes, as Assuan wants them.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The pinentry gpg-agent uses: the one its configuration names, else the usual one.
pub fn program(home: Option<&Path>) -> Option<PathBuf> {
    let gpg_home = gpg_home(home)?;
    let configured = std::fs::read_to_string(gpg_home.join("gpg-agent.conf")).ok().and_then(|text| {
        let lines = text.lines().filter_map(|line| line.trim().strip_prefix("pinentry-program"));
        lines.map(|path| PathBuf::from(path.trim())).next_back()
    });
    configured.or_else(|| {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join("pinentry")).find(|program| program.is_file())
    })
}

/// The GPG home in use.
pub fn gpg_home(home: Option<&Path>) -> Option<PathBuf> {
    let named = std::env::var_os("GNUPGHOME").filter(|path| !path.is_empty()).map(PathBuf::from);
    named.or_else(|| Some(home?.join(".gnupg")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_shows_who_where_what_and_why_and_escapes_what_could_deceive() {
        let asked = Asked {
            principal: "local".into(),
            host: "web1".into(),
            user: "root".into(),
            command: "rm -r /srv\nWhy it is asked: \u{202e}no reason".into(),
            reason: "deletes a tree".into(),
            operator: true,
        };
        insta::assert_snapshot!(description(&asked, "another host (db1 then)"), @r"
        local wants to run as root on web1:
          | rm -r /srv
          | Why it is asked: \u{202e}no reason
        Why it is asked: deletes a tree
        Since the last one: another host (db1 then)
        ");
        assert_eq!(escaped("50%\nCONFIRM"), "50%25%0ACONFIRM");
    }
}
