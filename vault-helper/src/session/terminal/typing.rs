//! Typing into a terminal: a size, text, Enter, keys, in this order. Each is in the audit log before it is sent.

use std::time::{Duration, Instant};

use sallyport_policy::Terminal as Rule;
use sallyport_protocol::terminal::{Send, Size};
use sallyport_protocol::{ErrorCode, Failure};

use super::pty::Terminal;
use super::{keys, open};
use crate::audit::{Ending, Intent};
use crate::helper::Helper;
use crate::redact::CleanText;
use crate::session::exec::{Early, millis, no_audit};
use crate::ssh::channel::ChannelError;

/// How long the host may take to accept what is typed.
const PATIENCE: Duration = Duration::from_secs(10);

/// Types what a request says; returns where the terminal's output stood before.
///
/// # Errors
/// What keeps it from being typed, as the answer.
pub async fn run(helper: &Helper, terminal: &Terminal, send: &Send) -> Result<u64, Early> {
    let application = terminal.state().modes.application_cursor;
    let bytes = bytes(send, application)?;
    let size = send.size.map(open::checked).transpose()?;
    if bytes.is_empty() && size.is_none() {
        return Err(Failure::new(
            ErrorCode::InvalidArgument,
            "there is nothing to send",
            "give text, keys, or cols and rows; to look without typing use ssh_session_read",
        )
        .into());
    }
    let now = helper.live.now();
    let principal = terminal.owner.principal.as_str();
    let may = |target| open::rule(&now, &target, principal) != Rule::Deny;
    if !terminal.target.by_now(&now, principal).is_ok_and(may) {
        return Err(open::denied(&terminal.target).into());
    }
    let _turn = terminal.typing.lock().await;
    if let Some(why) = terminal.ended() {
        return Err(ended(terminal, &why).into());
    }
    terminal.touch();
    let shown = shown(helper, terminal, &bytes, size);
    let id = helper.new_id("i");
    let intent = Intent {
        id: id.clone(),
        action: "terminal_send",
        command: shown.as_str().to_owned(),
        ..terminal.intent.clone()
    };
    helper.audit.intent(&intent).await.map_err(|error| no_audit(&error))?;
    let before = terminal.state().ring.total();
    let begun = Instant::now();
    let sent = type_all(terminal, &shown, bytes, size).await;
    let ending = Ending {
        id,
        result: if sent.is_ok() { "sent" } else { "failed" },
        duration_ms: millis(begun.elapsed()),
        ..Ending::default()
    };
    if let Err(error) = helper.audit.ending(&ending).await {
        tracing::error!(%error, "an outcome was not written");
    }
    sent?;
    Ok(before)
}

async fn type_all(
    terminal: &Terminal,
    shown: &CleanText,
    bytes: Vec<u8>,
    size: Option<Size>,
) -> Result<(), Failure> {
    let write = &terminal.write;
    let sending = async {
        if let Some(size) = size {
            write.window_change(u32::from(size.cols), u32::from(size.rows)).await?;
            terminal.resized(size);
        }
        if !bytes.is_empty() {
            terminal.tap.input(shown);
            write.data_bytes(bytes).await?;
        }
        Ok::<_, ChannelError>(())
    };
    match tokio::time::timeout(PATIENCE, sending).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => match terminal.ended() {
            Some(why) => Err(ended(terminal, &why)),
            None => Err(Failure::new(
                ErrorCode::SshConnectionFailed,
                format!("nothing can be typed into {}: {error}", terminal.called()),
                "ssh_session_read has what it printed and why it ended",
            )),
        },
        Err(_) => Err(Failure::new(
            ErrorCode::QuotaExceeded,
            "the host does not take what is typed: a part of it may have arrived",
            "ssh_session_read shows what its program does; ctrl-c may interrupt it",
        )),
    }
}

/// Everything to be typed, as bytes.
fn bytes(send: &Send, application: bool) -> Result<Vec<u8>, Failure> {
    // The Enter key sends CR; so does a line end of text that is pasted.
    let text = send.text.as_ref().map_or("", |text| text.as_str());
    let mut bytes = text.replace("\r\n", "\r").replace('\n', "\r").into_bytes();
    if send.enter {
        bytes.push(b'\r');
    }
    for key in send.keys.iter() {
        bytes.extend(keys::bytes(key, application)?);
    }
    Ok(bytes)
}

/// What is typed, for the audit log and transcripts: masked, and hidden where a password is asked for.
fn shown(helper: &Helper, terminal: &Terminal, bytes: &[u8], size: Option<Size>) -> CleanText {
    let mut text = match asks_for_password(terminal) {
        true => format!("[{} bytes typed at a password prompt]", bytes.len()),
        false => String::from_utf8_lossy(bytes).into_owned(),
    };
    if let Some(size) = size {
        text.push_str(&format!("[size {}x{}]", size.cols, size.rows));
    }
    helper.redactor.text(&text)
}

/// Whether the last line printed looks as if a password were asked for: what is answered then may be one.
fn asks_for_password(terminal: &Terminal) -> bool {
    let state = terminal.state();
    let from = state.ring.total().saturating_sub(256).max(state.ring.start());
    let end = state.ring.read(from, 256).bytes;
    drop(state);
    let line = String::from_utf8_lossy(&end).to_lowercase();
    let line = line.rsplit(['\n', '\r']).next().unwrap_or_default().trim_end();
    let ends_so = line.ends_with([':', '?']) || line.ends_with("\x1b[0m");
    ends_so
        && ["password", "passphrase", "passcode", "pin", "secret", "token", "kennwort"]
            .iter()
            .any(|word| line.contains(word))
}

/// The failure of a terminal that has ended.
pub fn ended(terminal: &Terminal, why: &CleanText) -> Failure {
    Failure::new(
        ErrorCode::SessionNotFound,
        format!("session {} has ended: {}", terminal.called(), why.as_str()),
        "ssh_session_read has the last it printed; open another with ssh_session_open",
    )
}
