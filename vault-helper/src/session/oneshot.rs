//! One command on a channel of its own.

use std::sync::Arc;
use std::time::Duration;

use sallyport_protocol::envelope::Stream;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::compose;
use super::job::{Exit, Stop};
use super::marks::Mark;
use super::sink::Sink;
use super::stop::{Group, Reach, Stopping};
use super::sudo::Elevation;
use super::sudo::text::Errand;
use crate::ssh::channel::{Channel, ChannelMsg};
use crate::ssh::transport::Lease;

/// After the command's end, output may still be on its way; a child it left in the
/// background may hold the stream open for ever. Silence of this length ends the wait.
pub const DRAIN: Duration = Duration::from_millis(300);

/// What runs on a channel.
pub struct Command {
    /// Its text, for a POSIX shell.
    pub text: String,
    /// Its standard input, then end of file.
    pub input: Vec<u8>,
    /// Who runs it, when that is another user than the account's.
    pub elevation: Option<Elevation>,
}

/// Runs a command to its end.
pub async fn run(
    channel: Channel,
    lease: Lease,
    command: Command,
    mut sink: Sink,
    mut stops: mpsc::Receiver<Stop>,
) {
    let (mut read, write);
    let mut exit = Exit::default();
    let Command { text, input, elevation } = command;
    let lease = Arc::new(lease);
    let mut supervised = None;
    let mut group = None;
    // What sudo was seen to start was taken.
    let mut taken = elevation.is_some();
    if let Some(elevation) = elevation {
        let errand = Errand::Run { command: &text, input: input.len() };
        match Box::pin(elevation.start(channel, &lease, errand, &mut stops)).await {
            Ok((from, to, begun)) => {
                (read, write) = (from, Arc::new(to));
                sink.job().hold(begun.enrolled);
                sink.write(Stream::Output, begun.output).await;
                sink.write(Stream::ErrorOutput, begun.error).await;
                supervised =
                    begun.supervisor.map(|supervisor| Reach::Sudo(Arc::new((elevation, supervisor))));
            }
            Err(failure) => {
                // Those who read the output later must learn it as well.
                sink.write(Stream::ErrorOutput, format!("{}\n", failure.message).into_bytes()).await;
                sink.end(Exit { refused: Some(failure), ..exit }).await;
                return;
            }
        }
    } else {
        let (from, to) = channel.split();
        (read, write) = (from, Arc::new(to));
        // Root's processes are signalled by number: see `stop`.
        let mark = if lease.is_root() { Mark::random().ok() } else { None };
        group = mark.as_ref().map(Group::new);
        let text = mark.map_or_else(|| text.clone(), |mark| compose::with_pid(&text, &mark));
        if let Err(error) = write.exec(compose::for_login_shell(&text, lease.login_shell())).await {
            exit.lost = Some(lease.lost_text(&error.to_string()));
            sink.end(exit).await;
            return;
        }
    }
    let feed = async {
        if !input.is_empty() {
            // A command that closes its input early is no error.
            let _ = write.data_bytes(input).await;
        }
        let _ = write.eof().await;
    };
    tokio::pin!(feed);
    let mut fed = false;
    let mut stopping = Stopping::default();
    let mut reach = supervised.unwrap_or_else(|| Reach::Channel(write.clone()));
    let mut drained: Option<Instant> = None;
    let (mut ended, mut stopped, mut held) = (false, false, true);
    loop {
        let due = sink.deadline().map(Instant::from_std);
        tokio::select! {
            message = read.wait(), if !sink.is_busy() => match message {
                Some(ChannelMsg::Data { data }) => {
                    let (output, told) = match &mut group {
                        None => (data.into(), None),
                        Some(group) => group.take(data.into()),
                    };
                    if let Some(told) = told {
                        reach = told.group.map_or_else(|| reach.clone(), Reach::Group);
                        group = None;
                    }
                    sink.write(Stream::Output, output).await;
                    drained = drained.map(|_| Instant::now() + DRAIN);
                }
                Some(ChannelMsg::Errors { data }) => {
                    sink.write(Stream::ErrorOutput, data.into()).await;
                    drained = drained.map(|_| Instant::now() + DRAIN);
                }
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    exit.code = i32::try_from(exit_status).ok();
                    ended = true;
                    drained = Some(Instant::now() + DRAIN);
                }
                Some(ChannelMsg::ExitSignal { signal_name }) => {
                    exit.signal = Some(lease.redact(&signal_name));
                    ended = true;
                    drained = Some(Instant::now() + DRAIN);
                }
                Some(ChannelMsg::Failure) => {
                    exit.lost = Some(lease.redact("the host refused to run the command"));
                    break;
                }
                Some(ChannelMsg::Success) => taken = true,
                // Nobody holds its output any more.
                Some(ChannelMsg::Eof) => held = false,
                Some(ChannelMsg::Close) => {
                    held = false;
                    if !taken && !ended {
                        exit.lost = Some(lease.redact("the host closed the channel and never said that it took the command"));
                    }
                    break;
                }
                None => {
                    if !ended {
                        exit.lost = Some(lease.lost_text("the channel closed"));
                    }
                    break;
                }
            },
            () = &mut feed, if !fed => fed = true,
            // Nothing was read meanwhile: what is there to be read is not over.
            () = sink.sent(), if sink.is_busy() => drained = drained.map(|_| Instant::now() + DRAIN),
            () = until(due) => sink.tick().await,
            () = until(drained), if !sink.is_busy() => break,
            Some(stop) = stops.recv() => {
                stopped |= !matches!(stop, Stop::With(_));
                stopping.begin(&stop);
                if stopped {
                    sink.hurry();
                }
            }
            () = stopping.step(&reach, &lease) => {}
        }
    }
    // As in a session: see `driver`.
    drop(read);
    // A signal on its way has its channel closed before another one wants it.
    stopping.finish().await;
    if let Some(mut group) = group {
        sink.write(Stream::Output, group.rest()).await;
    }
    if stopped {
        // What ignored INT and outlived the command, a background child for example: as a group it can still be reached.
        match reach {
            Reach::Channel(_) => exit.outlived = ended && held,
            _ => reach.end(&lease).await,
        }
    }
    let _ = write.close().await;
    drop(lease);
    sink.end(exit).await;
}

/// Sleeps until a moment; for ever without one.
pub async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
