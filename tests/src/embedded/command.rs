//! One exec channel: a `sh -c` in a process group of its own, its three streams, signals, and how it ended.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg, ChannelReadHalf, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

use super::Place;

/// The stream number of standard error (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// The exit code of a command that could not be started, as shells have it.
const NOT_STARTED: u32 = 126;

/// Serves a session channel from its opening to its close.
pub(super) async fn serve(mut channel: Channel<Msg>, handle: Handle, place: Arc<Place>) {
    let id = channel.id();
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Exec { command, .. } => {
                // A client that left meanwhile needs no answer.
                let _ = handle.channel_success(id).await;
                return run(channel, handle, &place, &command).await;
            }
            ChannelMsg::RequestPty { .. }
            | ChannelMsg::RequestShell { .. }
            | ChannelMsg::RequestSubsystem { .. } => {
                let _ = handle.channel_failure(id).await;
            }
            ChannelMsg::Close => return,
            _ => {}
        }
    }
}

async fn run(channel: Channel<Msg>, handle: Handle, place: &Place, command: &[u8]) {
    let id = channel.id();
    match start(place, command) {
        Ok(mut child) => {
            let status = attend(channel, &handle, &mut child).await;
            report(id, &handle, status).await;
        }
        Err(error) => {
            let _ = handle.extended_data(id, STDERR, format!("cannot start sh: {error}\n")).await;
            let _ = handle.exit_status_request(id, NOT_STARTED).await;
        }
    }
    let _ = handle.eof(id).await;
    let _ = handle.close(id).await;
}

fn start(place: &Place, command: &[u8]) -> io::Result<Child> {
    use std::os::unix::ffi::OsStrExt;
    Command::new("/bin/sh")
        .arg("-c")
        .arg(std::ffi::OsStr::from_bytes(command))
        .env_clear()
        .envs(place.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(&place.home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

/// Carries the streams both ways until the command has ended and its output is through. A client that goes away
/// hangs up on the command.
async fn attend(channel: Channel<Msg>, handle: &Handle, child: &mut Child) -> io::Result<ExitStatus> {
    let id = channel.id();
    let group = child.id().map(|pid| Pid::from_raw(pid as i32));
    // The write half stays until the end: dropping it says nothing to the client.
    let (incoming, _outgoing) = channel.split();
    let stdin = child.stdin.take();
    let listener = tokio::spawn(listen(incoming, stdin, group));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    tokio::join!(carry(stdout, id, None, handle), carry(stderr, id, Some(STDERR), handle));
    let status = child.wait().await;
    listener.abort();
    status
}

/// Data to standard input, signals to the group, until the client closes.
async fn listen(mut incoming: ChannelReadHalf, stdin: Option<ChildStdin>, group: Option<Pid>) {
    // Without bound: a command that does not read must not keep signals from it, and the demo's client is our own.
    let (sender, receiver) = mpsc::unbounded_channel::<Vec<u8>>();
    let mut sender = Some(sender);
    let feeder = tokio::spawn(feed(receiver, stdin));
    loop {
        match incoming.wait().await {
            Some(ChannelMsg::Data { data }) => {
                if let Some(sender) = &sender {
                    // The command may have closed its input.
                    let _ = sender.send(data.to_vec());
                }
            }
            Some(ChannelMsg::Eof) => sender = None,
            Some(ChannelMsg::Signal { signal }) => send(group, translate(&signal)),
            Some(ChannelMsg::Close) | None => break,
            Some(_) => {}
        }
    }
    feeder.abort();
    send(group, Some(Signal::SIGHUP));
}

async fn feed(mut receiver: mpsc::UnboundedReceiver<Vec<u8>>, stdin: Option<ChildStdin>) {
    let Some(mut stdin) = stdin else { return };
    while let Some(data) = receiver.recv().await {
        if stdin.write_all(&data).await.is_err() {
            return;
        }
    }
}

async fn carry(
    stream: Option<impl AsyncRead + Unpin>,
    id: ChannelId,
    extended: Option<u32>,
    handle: &Handle,
) {
    let Some(mut stream) = stream else { return };
    let mut buffer = vec![0; 32 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        let bytes = buffer[..count].to_vec();
        let sent = match extended {
            Some(code) => handle.extended_data(id, code, bytes).await.is_ok(),
            None => handle.data(id, bytes).await.is_ok(),
        };
        if !sent {
            return;
        }
    }
}

async fn report(id: ChannelId, handle: &Handle, status: io::Result<ExitStatus>) {
    let Ok(status) = status else { return };
    // A client that left needs no report.
    let _ = match (status.code(), status.signal()) {
        (Some(code), _) => handle.exit_status_request(id, code as u32).await,
        (None, Some(number)) => {
            let name =
                Signal::try_from(number).map(|signal| signal.as_str().trim_start_matches("SIG").to_owned());
            let name = Sig::Custom(name.unwrap_or_else(|_| number.to_string()));
            handle.exit_signal_request(id, name, status.core_dumped(), String::new(), String::new()).await
        }
        (None, None) => Ok(()),
    };
}

fn translate(signal: &Sig) -> Option<Signal> {
    Some(match signal {
        Sig::ABRT => Signal::SIGABRT,
        Sig::ALRM => Signal::SIGALRM,
        Sig::HUP => Signal::SIGHUP,
        Sig::INT => Signal::SIGINT,
        Sig::KILL => Signal::SIGKILL,
        Sig::PIPE => Signal::SIGPIPE,
        Sig::QUIT => Signal::SIGQUIT,
        Sig::TERM => Signal::SIGTERM,
        Sig::USR1 => Signal::SIGUSR1,
        // The rest are a program's own failures, not wishes of a client.
        _ => return None,
    })
}

fn send(group: Option<Pid>, signal: Option<Signal>) {
    if let (Some(group), Some(signal)) = (group, signal) {
        // The group may be gone.
        let _ = killpg(group, signal);
    }
}
