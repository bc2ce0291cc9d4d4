//! Feeds a session's shell and reads what it says, to its end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sallyport_protocol::envelope::Stream;
use tokio::time::Instant;

use super::dialect::{self, Dialect};
use super::end::{End, LATE, parse_status};
use super::feed::{Feed, Line, Variables};
use super::frame;
use super::job::{Exit, Stop};
use super::marks::Mark;
use super::oneshot::{DRAIN, until};
use super::shell::Shell;
use super::sink::Sink;
use super::stop::{Group, Reach, Stopping};
use crate::redact::{CleanText, Redactor};
use crate::ssh::channel::{Channel, ChannelMsg, ReadHalf, Sig, WriteHalf};
use crate::ssh::transport::Lease;

/// A command that runs for this long is followed by a [`frame::probe`].
const LONG: Duration = Duration::from_secs(2);
/// Why a session ends whose shell went on without its end marks.
const DEAF: &str = "the shell no longer tells when its commands end: something the command defined or switched off \
    stands in the way of its built-in commands (builtin, command, eval, printf)";

/// What the driver works on.
pub struct Driver {
    shell: Arc<Shell>,
    host: Host,
    write: Arc<WriteHalf>,
    redactor: Redactor,
    lease: Arc<Lease>,
    /// Output that came while no command ran.
    late: VecDeque<(Stream, Vec<u8>)>,
    late_bytes: usize,
}

/// What the host says of the shell.
struct Host {
    read: ReadHalf,
    /// The shell's process group, told before anything else.
    group: Leader,
    /// How the shell ended: its exit code, or the signal.
    code: Option<i32>,
    signal: Option<CleanText>,
    /// When a shell that has ended is waited for no longer: a child it left may hold the channel open for ever.
    drained: Option<Instant>,
}

/// Whether the shell has told its process group, and which that is.
enum Leader {
    Awaited(Box<Group>),
    Told(Option<u32>),
}

impl Leader {
    /// Takes output of the shell. What start-up files print before it tells is nobody's: no command ran yet.
    fn take(&mut self, bytes: Vec<u8>) -> Event {
        let Self::Awaited(group) = self else { return Event::Data(Stream::Output, bytes) };
        let (mut output, told) = group.take(bytes);
        match told {
            None => Event::Other,
            Some(told) => {
                *self = Self::Told(told.group);
                output.drain(..told.before);
                Event::Data(Stream::Output, output)
            }
        }
    }

    /// How the shell and what it runs are signalled: by number for an account whose processes sshd does not signal.
    fn reach(&self, lease: &Lease, write: &Arc<WriteHalf>) -> Reach {
        match self {
            Self::Told(Some(group)) if lease.is_root() => Reach::Group(*group),
            _ => Reach::Channel(write.clone()),
        }
    }
}

/// What the host sent.
enum Event {
    Data(Stream, Vec<u8>),
    Other,
    End,
}

impl Driver {
    /// Drives the shell to its end.
    pub async fn run(shell: Arc<Shell>, channel: Channel, lease: Lease, idle: Duration) {
        let mark = Mark::random();
        let group =
            mark.as_ref().map_or(Leader::Told(None), |mark| Leader::Awaited(Box::new(Group::new(mark))));
        let own = lease.transport().own_shell.get().is_some();
        let text = mark.map(|mark| dialect::bootstrap(&mark, own));
        let (read, write) = channel.split();
        let mut driver = Driver {
            redactor: lease.redactor().clone(),
            write: Arc::new(write),
            shell,
            host: Host { read, group, code: None, signal: None, drained: None },
            lease: Arc::new(lease),
            late: VecDeque::new(),
            late_bytes: 0,
        };
        let why = driver.serve(idle, text).await;
        let why = driver.redactor.text(&why);
        // From here on nobody gets a command in; one that is on its way is let go, and its waiters hear that.
        driver.shell.end(why);
        driver.shell.next.close();
        let Driver { host: Host { read, group, .. }, shell, write, lease, .. } = driver;
        // Let go of, so that output nobody reads any more does not hold up the connection, and with it what is sent now.
        drop(read);
        // HUP for the whole process group: the shell must not outlive its session.
        let reach = group.reach(&lease, &write);
        Box::pin(reach.signal(&lease, Sig::Hup)).await;
        Box::pin(reach.end(&lease)).await;
        let _ = Box::pin(write.close()).await;
        shell.leave();
    }

    /// Runs commands until the session ends, and says why it did.
    async fn serve(&mut self, idle: Duration, text: Result<String, getrandom::Error>) -> String {
        let Ok(text) = text else { return "no random bytes".into() };
        // Boxed, as everything that a session does once: each would need its room for as long as it lives.
        if let Err(error) = Box::pin(self.write.exec(text)).await {
            return format!("the shell could not be started: {error}");
        }
        let redactor = self.redactor.clone();
        loop {
            let deadline = Instant::now() + idle;
            let feed = loop {
                tokio::select! {
                    feed = self.shell.next.take() => break feed,
                    event = self.host.next(&redactor) => match event {
                        Event::Data(stream, bytes) => self.keep_late(stream, bytes),
                        Event::Other => {}
                        Event::End => return self.end_text(),
                    },
                    () = self.shell.closing() => return "closed".into(),
                    () = tokio::time::sleep_until(deadline) => return format!("idle for {} seconds", idle.as_secs()),
                }
            };
            // Boxed: what a command needs is many times what a session needs that waits for one.
            if let Some(why) = Box::pin(self.command(*feed)).await {
                self.shell.release();
                return why;
            }
        }
    }

    fn keep_late(&mut self, stream: Stream, bytes: Vec<u8>) {
        self.late_bytes += bytes.len();
        self.late.push_back((stream, bytes));
        while self.late_bytes > LATE {
            let Some((_, oldest)) = self.late.pop_front() else { break };
            self.late_bytes -= oldest.len();
        }
    }

    fn end_text(&self) -> String {
        match (&self.host.code, &self.host.signal, self.lease.transport().closed()) {
            (Some(code), _, _) => format!("the shell exited with code {code}"),
            // sshd has one name for all that have none in RFC 4254: `SIG@openssh.com`.
            (None, Some(signal), _) if signal.as_str().contains('@') => {
                "the shell was ended by a signal that the host does not name".into()
            }
            (None, Some(signal), _) => format!("the shell was ended by SIG{}", signal.as_str()),
            (None, None, Some(why)) => why,
            (None, None, None) => "the host closed the shell".into(),
        }
    }

    /// Runs one command; says why the session ended if it did.
    async fn command(&mut self, feed: Feed) -> Option<String> {
        let Feed { line, mut sink, mut stops, mut cue, variables } = feed;
        let (redactor, write) = (self.redactor.clone(), self.write.clone());
        let Ok(mark) = Mark::random() else {
            sink.end(Exit {
                lost: Some(self.redactor.text("no random bytes for the end mark")),
                ..Exit::default()
            })
            .await;
            return Some("no random bytes".into());
        };
        for (stream, bytes) in std::mem::take(&mut self.late) {
            sink.write(stream, bytes).await;
        }
        self.late_bytes = 0;
        let dialect = self.shell.dialect();
        let frame = match &line {
            Line::Command { text, input }
                if dialect == Dialect::Brief
                    && variables.is_none()
                    && input.is_empty()
                    && text.is_ascii() =>
            {
                frame::brief(text, &mark)
            }
            Line::Command { text, input } => frame::command(text, input, &mark, dialect),
            Line::Own(line) => frame::own(line, &mark, dialect),
        };
        let frame = match variables {
            None => frame,
            Some(Variables { injected, stay }) => {
                let Ok(ready) = Mark::random() else {
                    return Some("no random bytes".into());
                };
                // Behind the end marks, so that the next command finds them gone.
                let passing = if stay { Vec::new() } else { self.shell.passing(&injected.records) };
                let after = match passing.is_empty() {
                    true => frame,
                    false => format!("{frame}unset -v {}\n", passing.join(" ")),
                };
                let (ask, answer) = injected.in_session(&ready, &mark, &after, dialect);
                self.shell.hold(injected.enrolled);
                cue = Some(answer);
                ask
            }
        };
        let send = |bytes: Vec<u8>| -> Pin<Box<dyn Future<Output = bool> + Send>> {
            let write = write.clone();
            Box::pin(async move { write.data_bytes(bytes).await.is_ok() })
        };
        let mut sent = Some(send(frame.into_bytes()));
        // A line of our own may read what follows it.
        let mut probing = matches!(line, Line::Command { .. }).then(|| Instant::now() + LONG);
        let mut stopping = Stopping::default();
        let (mut output, mut error) = (End::new(&mark, true), End::new(&mark, false));
        loop {
            if let (Some(status), Some(_), false) = (output.status(), error.status(), stopping.sending()) {
                let (code, cwd) = parse_status(status);
                let rest = [(Stream::Output, output.rest()), (Stream::ErrorOutput, error.rest())];
                self.shell.stands_in(cwd.clone());
                let cwd = cwd.map(|cwd| self.redactor.text(&cwd));
                // Free before the answer is out: the next command may come right behind it.
                self.shell.release();
                sink.end(Exit { code, cwd, ..Exit::default() }).await;
                for (stream, rest) in rest.into_iter().filter(|(_, rest)| !rest.is_empty()) {
                    self.keep_late(stream, rest);
                }
                return None;
            }
            if output.lost || error.lost {
                let ended = Some(self.redactor.text(DEAF));
                sink.end(Exit { session_ended: ended, ..Exit::default() }).await;
                return Some(DEAF.into());
            }
            let due = sink.deadline().map(Instant::from_std);
            let reach = self.host.group.reach(&self.lease, &write);
            tokio::select! {
                event = self.host.next(&redactor), if !sink.is_busy() => match event {
                    Event::Data(stream, bytes) => {
                        let (bytes, asked) = match &mut cue {
                            Some(cue) => cue.take(stream, bytes),
                            None => (bytes, false),
                        };
                        if asked && let Some(cue) = cue.take() {
                            sent = Some(send(cue.answer.to_vec()));
                        }
                        let end = match stream {
                            Stream::Output => &mut output,
                            Stream::ErrorOutput => &mut error,
                        };
                        sink.write(stream, end.take(bytes)).await;
                    }
                    Event::Other => {}
                    Event::End => {
                        sink.write(Stream::Output, output.held()).await;
                        sink.write(Stream::ErrorOutput, error.held()).await;
                        return Some(self.ended_during(sink).await);
                    }
                },
                done = sending(&mut sent) => {
                    sent = None;
                    if !done {
                        return Some(self.ended_during(sink).await);
                    }
                }
                () = sink.sent(), if sink.is_busy() => self.host.go_on(),
                () = until(due) => sink.tick().await,
                () = until(probing) => {
                    probing = match (&sent, &cue, Mark::random()) {
                        // In order, and not before the variables that are waited for.
                        (None, None, Ok(sign)) => {
                            output.expect(&sign);
                            error.expect(&sign);
                            sent = Some(send(frame::probe(&sign).into_bytes()));
                            None
                        }
                        _ => Some(Instant::now() + LONG),
                    };
                }
                Some(stop) = stops.recv() => {
                    stopping.begin(&stop);
                    if !matches!(stop, Stop::With(_)) {
                        sink.hurry();
                    }
                }
                () = stopping.step(&reach, &self.lease) => {}
                () = self.shell.closing() => {
                    stopping.finish().await;
                    let why = "the session was closed";
                    let ended = Some(self.redactor.text(why));
                    sink.end(Exit { session_ended: ended.clone(), lost: ended, ..Exit::default() }).await;
                    return Some(why.into());
                }
            }
        }
    }

    async fn ended_during(&self, sink: Sink) -> String {
        let why = self.end_text();
        let text = self.redactor.text(&why);
        let (code, signal) = (self.host.code, self.host.signal.clone());
        let known = code.is_some() || signal.is_some();
        let exit = Exit {
            session_ended: Some(text.clone()),
            lost: (!known).then_some(text),
            code,
            signal,
            ..Exit::default()
        };
        sink.end(exit).await;
        why
    }
}

/// Waits until what is being sent is sent; for ever when nothing is.
async fn sending(sent: &mut Option<Pin<Box<dyn Future<Output = bool> + Send>>>) -> bool {
    match sent {
        Some(sent) => sent.await,
        None => std::future::pending().await,
    }
}

impl Host {
    /// It is read from again after a while: what is there to be read is not over.
    fn go_on(&mut self) {
        self.drained = self.drained.map(|_| Instant::now() + DRAIN);
    }

    /// The next thing the host sends. Cancel safe: it only waits.
    async fn next(&mut self, redactor: &Redactor) -> Event {
        let message = tokio::select! {
            biased;
            message = self.read.wait() => message,
            () = until(self.drained) => return Event::End,
        };
        let drain = || Some(Instant::now() + DRAIN);
        match message {
            Some(ChannelMsg::Data { data }) => {
                self.go_on();
                self.group.take(data.into())
            }
            Some(ChannelMsg::Errors { data }) => {
                self.go_on();
                Event::Data(Stream::ErrorOutput, data.into())
            }
            Some(ChannelMsg::ExitStatus { exit_status }) => {
                self.code = i32::try_from(exit_status).ok();
                self.drained = drain();
                Event::Other
            }
            Some(ChannelMsg::ExitSignal { signal_name }) => {
                self.signal = Some(redactor.text(&signal_name));
                self.drained = drain();
                Event::Other
            }
            // The bootstrap was refused: no shell will come.
            Some(ChannelMsg::Failure | ChannelMsg::Close) | None => Event::End,
            Some(_) => Event::Other,
        }
    }
}
