//! A shell session: one POSIX shell on one channel, fed one judged command at a
//! time. Directory, variables and functions live in the shell; standard output
//! and errors stay apart; the end of each command is told by marks on both.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use russh::client::Msg;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use sallyport_policy::ShellState;
use sallyport_protocol::envelope::{Caller, Stream};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::compose;
use super::job::{Exit, Stop};
use super::marks::{Finder, Found, Mark};
use super::oneshot::until;
use super::secrets::Injected;
use super::sink::Sink;
use super::stop::{FirstLine, Ladder, signal, signal_text};
use super::transcript::tap::Tap;
use crate::guard::target::Target;
use crate::redact::{CleanText, Enrollment, Redactor};
use crate::serve::connection::came_true;
use crate::ssh::pool::Lease;

/// Output of background children between commands that is kept for the next one, in bytes.
const LATE: usize = 64 * 1024;
/// The longest tail behind the mark: exit code and directory.
const MAX_STATUS: usize = 8 * 1024;
/// A session without an own idle timeout ends after this time.
pub const IDLE: Duration = Duration::from_secs(3600);

/// One command for the shell.
pub struct Feed {
    /// What runs.
    pub line: Line,
    /// Where its output goes.
    pub sink: Sink,
    /// Its stop button.
    pub stops: mpsc::Receiver<Stop>,
    /// A question to be answered while it runs.
    pub cue: Option<Cue>,
    /// Variables that are set before it runs.
    pub variables: Option<Variables>,
}

/// Variables of `env://` records for a shell.
pub struct Variables {
    /// The values.
    pub injected: Injected,
    /// Whether they are the session's from now on, or this command's alone.
    pub stay: bool,
}

/// What is fed to a shell.
pub enum Line {
    /// A judged command and its standard input: empty, or ending with a newline.
    Command {
        /// The command.
        text: String,
        /// Its input.
        input: String,
    },
    /// A line of our own that may read what we write next.
    Own(String),
}

/// Bytes that are written once a sign was seen, and never otherwise.
pub struct Cue {
    stream: Stream,
    finder: Finder,
    answer: Zeroizing<Vec<u8>>,
    given: Arc<AtomicBool>,
}

impl Cue {
    /// Answers `sign` on `stream` with `answer`, and tells `given`. The sign begins with what no mark begins with,
    /// or is certain to come.
    pub fn new(stream: Stream, sign: Vec<u8>, answer: Zeroizing<Vec<u8>>, given: Arc<AtomicBool>) -> Self {
        Self { stream, finder: Finder::of(sign), answer, given }
    }

    /// Takes a chunk: what is output, and whether the sign was in it.
    fn take(&mut self, stream: Stream, bytes: Vec<u8>) -> (Vec<u8>, bool) {
        if stream != self.stream {
            return (bytes, false);
        }
        match self.finder.push(bytes) {
            Found::Output(bytes) => (bytes, false),
            Found::Mark { mut before, after } => {
                before.extend(after);
                self.given.store(true, Ordering::Relaxed);
                (before, true)
            }
        }
    }
}

/// An open shell session.
pub struct Shell {
    /// Its id.
    pub id: String,
    /// The name its owner gave it.
    pub name: Option<String>,
    /// Who opened it.
    pub owner: Caller,
    /// Where it runs.
    pub target: Target,
    /// When it was opened.
    pub since: StdInstant,
    /// What its commands have changed, as far as the policy knows; held while one command is judged and sent.
    pub state: tokio::sync::Mutex<ShellState>,
    /// SHA-256 fingerprint of the host's key.
    pub fingerprint: String,
    /// Whether the shell takes [`compose::brief_frame`]s.
    brief: AtomicBool,
    /// Recorder and watchers.
    pub tap: Arc<Tap>,
    /// Its directory after the last command, as the host wrote it: for our own use, never for an answer.
    cwd: Mutex<Option<String>>,
    /// Keeps what the shell was given masked while it lives.
    held: Mutex<Vec<Enrollment>>,
    /// The `env://` records attached to it: name, and the variables it set.
    attached: Mutex<Vec<(String, Vec<String>)>>,
    feeds: mpsc::Sender<Feed>,
    busy: Mutex<Option<String>>,
    used: Mutex<StdInstant>,
    ended: watch::Sender<Option<CleanText>>,
    close: watch::Sender<bool>,
}

impl Shell {
    /// Starts the shell on a channel.
    pub fn start(
        id: String,
        name: Option<String>,
        owner: Caller,
        target: Target,
        idle: Duration,
        channel: Channel<Msg>,
        lease: Lease,
    ) -> Arc<Self> {
        let (feeds, inbox) = mpsc::channel(1);
        let (close, closing) = watch::channel(false);
        let shell = Arc::new(Self {
            id,
            name,
            owner,
            target,
            since: StdInstant::now(),
            state: tokio::sync::Mutex::default(),
            fingerprint: lease.transport().fingerprint.clone(),
            brief: AtomicBool::new(false),
            tap: Arc::default(),
            cwd: Mutex::default(),
            held: Mutex::default(),
            attached: Mutex::default(),
            feeds,
            busy: Mutex::default(),
            used: Mutex::new(StdInstant::now()),
            ended: watch::Sender::new(None),
            close,
        });
        tokio::spawn(Driver::run(shell.clone(), channel, lease, inbox, closing, idle));
        shell
    }

    /// Hands the shell a command. The caller has made sure with [`Shell::occupy`] that it is free.
    ///
    /// # Errors
    /// Gives the command back when the session has ended.
    pub async fn feed(&self, feed: Feed) -> Result<(), Feed> {
        self.touch();
        self.feeds.send(feed).await.map_err(|error| error.0)
    }

    /// Takes the shell for one command; the job that has it otherwise.
    pub fn occupy(&self, job: &str) -> Result<(), String> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        match &*busy {
            Some(other) => Err(other.clone()),
            None => {
                *busy = Some(job.to_owned());
                Ok(())
            }
        }
    }

    /// Gives the shell back.
    pub fn release(&self) {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.touch();
    }

    /// From now on it is fed [`compose::brief_frame`]s: its first command has told that it takes them.
    pub fn be_brief(&self) {
        self.brief.store(true, Ordering::Relaxed);
    }

    /// Whether it runs this job.
    pub fn runs(&self, job: &str) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(job)
    }

    /// Whether it runs anything.
    pub fn is_busy(&self) -> bool {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Whether it can still take commands.
    pub fn is_open(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Why it ended, when it has.
    pub fn ended(&self) -> Option<CleanText> {
        self.ended.borrow().clone()
    }

    /// Closes it: the remote shell is told to hang up.
    pub fn close(&self) {
        self.close.send_replace(true);
    }

    /// Waits until it has ended.
    pub async fn closed(&self) {
        let _ = self.ended.subscribe().wait_for(Option::is_some).await;
    }

    /// The directory its last command left it in; not redacted.
    pub fn cwd(&self) -> Option<String> {
        self.cwd.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The `env://` records attached to it.
    pub fn attached(&self) -> MutexGuard<'_, Vec<(String, Vec<String>)>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps secrets masked as long as the session lives.
    pub fn hold(&self, enrolled: Vec<Enrollment>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(enrolled);
    }

    /// Seconds since it was last used.
    pub fn idle_s(&self) -> u64 {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed().as_secs()
    }

    fn touch(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = StdInstant::now();
    }
}

/// What the driver works on.
struct Driver {
    shell: Arc<Shell>,
    read: ChannelReadHalf,
    write: Arc<ChannelWriteHalf<Msg>>,
    redactor: Redactor,
    lease: Lease,
    closing: watch::Receiver<bool>,
    /// Output that came while no command ran.
    late: VecDeque<(Stream, Vec<u8>)>,
    late_bytes: usize,
    /// How the shell ended, as the host said.
    exit: Exit,
    /// The shell's process group, told by its first line.
    first: First,
}

/// The shell's first line of output, and what it told.
enum First {
    Awaited(FirstLine),
    Told(Option<u32>),
}

impl First {
    /// Takes output of the shell; what follows its first line is its commands'.
    fn take(&mut self, bytes: Vec<u8>) -> Event {
        let Self::Awaited(line) = self else { return Event::Data(Stream::Output, bytes) };
        match line.take(&bytes) {
            None => Event::Other,
            Some((group, rest)) => {
                *self = Self::Told(group);
                Event::Data(Stream::Output, rest)
            }
        }
    }

    /// The process group, for an account whose processes sshd does not signal.
    fn group(&self, lease: &Lease) -> Option<u32> {
        match self {
            Self::Told(group) if lease.is_root() => *group,
            _ => None,
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
    async fn run(
        shell: Arc<Shell>,
        channel: Channel<Msg>,
        lease: Lease,
        mut inbox: mpsc::Receiver<Feed>,
        closing: watch::Receiver<bool>,
        idle: Duration,
    ) {
        let (read, write) = channel.split();
        let mut driver = Driver {
            redactor: lease.redactor().clone(),
            write: Arc::new(write),
            shell,
            read,
            lease,
            closing,
            late: VecDeque::new(),
            late_bytes: 0,
            exit: Exit::default(),
            first: First::Awaited(FirstLine::default()),
        };
        let why = driver.serve(&mut inbox, idle).await;
        let why = driver.redactor.text(&why);
        // From here on nobody gets a command in; one that is on its way is let go, and its waiters hear that.
        driver.shell.tap.end(&why);
        driver.shell.ended.send_replace(Some(why));
        inbox.close();
        drop(inbox);
        // HUP for the whole process group: the shell must not outlive its session.
        let group = driver.first.group(&driver.lease);
        for last in [Sig::HUP, Sig::KILL] {
            signal(&driver.lease, &driver.write, group, last).await;
        }
        let _ = driver.write.close().await;
    }

    /// Runs commands until the session ends, and says why it did.
    async fn serve(&mut self, inbox: &mut mpsc::Receiver<Feed>, idle: Duration) -> String {
        if let Err(error) = self.write.exec(true, compose::BOOTSTRAP).await {
            return format!("the shell could not be started: {error}");
        }
        let redactor = self.redactor.clone();
        loop {
            let deadline = Instant::now() + idle;
            let feed = loop {
                tokio::select! {
                    feed = inbox.recv() => match feed {
                        Some(feed) => break feed,
                        None => return "closed".into(),
                    },
                    event = next(&mut self.read, &mut self.exit, &mut self.first, &redactor) => match event {
                        Event::Data(stream, bytes) => self.keep_late(stream, bytes),
                        Event::Other => {}
                        Event::End => return self.end_text(),
                    },
                    () = came_true(&mut self.closing) => return "closed".into(),
                    () = tokio::time::sleep_until(deadline) => return format!("idle for {} seconds", idle.as_secs()),
                }
            };
            if let Some(why) = self.command(feed).await {
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
        match (&self.exit.code, &self.exit.signal, self.lease.transport().closed()) {
            (Some(code), _, _) => format!("the shell exited with code {code}"),
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
        let frame = match &line {
            Line::Command { text, input }
                if self.shell.brief.load(Ordering::Relaxed)
                    && variables.is_none()
                    && input.is_empty()
                    && text.is_ascii() =>
            {
                compose::brief_frame(text, &mark)
            }
            Line::Command { text, input } => compose::frame(text, input, &mark),
            Line::Own(line) => compose::own_frame(line, &mark),
        };
        let frame = match variables {
            None => frame,
            Some(Variables { injected, stay }) => {
                let Ok(ready) = Mark::random() else {
                    return Some("no random bytes".into());
                };
                // Behind the end marks, so that the next command finds them gone.
                let after = match stay {
                    true => frame,
                    false => format!("{frame}unset -v {}\n", injected.names.join(" ")),
                };
                let (ask, answer) = injected.in_session(&ready, &mark, &after);
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
        let mut ladder = Ladder::default();
        let (mut output, mut error) = (End::new(&mark, true), End::new(&mark, false));
        loop {
            if let (Some(status), Some(_)) = (&output.status, &error.status) {
                let (code, cwd) = parse_status(status);
                let rest = std::mem::take(&mut output.rest);
                *self.shell.cwd.lock().unwrap_or_else(PoisonError::into_inner) = cwd.clone();
                let cwd = cwd.map(|cwd| self.redactor.text(&cwd));
                // Free before the answer is out: the next command may come right behind it.
                self.shell.release();
                sink.end(Exit { code, cwd, ..Exit::default() }).await;
                if !rest.is_empty() {
                    self.keep_late(Stream::Output, rest);
                }
                return None;
            }
            let due = sink.deadline().map(Instant::from_std);
            tokio::select! {
                event = next(&mut self.read, &mut self.exit, &mut self.first, &redactor) => match event {
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
                        sink.write(Stream::Output, output.finder.rest()).await;
                        sink.write(Stream::ErrorOutput, error.finder.rest()).await;
                        return Some(self.ended_during(sink).await);
                    }
                },
                done = sending(&mut sent) => {
                    sent = None;
                    if !done {
                        return Some(self.ended_during(sink).await);
                    }
                }
                () = until(due) => sink.tick().await,
                Some(stop) = stops.recv() => ladder.begin(&stop),
                step = ladder.step() => signal(&self.lease, &write, self.first.group(&self.lease), step).await,
                () = came_true(&mut self.closing) => {
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
        let known = self.exit.code.is_some() || self.exit.signal.is_some();
        let exit =
            Exit { session_ended: Some(text.clone()), lost: (!known).then_some(text), ..self.exit.clone() };
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

/// The next thing the host sends. Cancel safe: it only waits on the channel.
async fn next(read: &mut ChannelReadHalf, exit: &mut Exit, first: &mut First, redactor: &Redactor) -> Event {
    match read.wait().await {
        Some(ChannelMsg::Data { data }) => first.take(data.into()),
        Some(ChannelMsg::ExtendedData { data, ext: 1 }) => Event::Data(Stream::ErrorOutput, data.into()),
        Some(ChannelMsg::ExitStatus { exit_status }) => {
            exit.code = i32::try_from(exit_status).ok();
            Event::Other
        }
        Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
            exit.signal = Some(redactor.text(signal_text(&signal_name)));
            Event::Other
        }
        // The bootstrap was refused: no shell will come.
        Some(ChannelMsg::Failure | ChannelMsg::Close) | None => Event::End,
        Some(_) => Event::Other,
    }
}

/// One stream's way to its end mark.
struct End {
    finder: Finder,
    /// Whether exit code and directory follow the mark, up to a NUL.
    tail: bool,
    collecting: bool,
    collected: Vec<u8>,
    /// What followed the mark, once it is whole.
    status: Option<Vec<u8>>,
    /// Output beyond the end: a background child's.
    rest: Vec<u8>,
}

impl End {
    fn new(mark: &Mark, tail: bool) -> Self {
        Self {
            finder: Finder::new(mark),
            tail,
            collecting: false,
            collected: Vec::new(),
            status: None,
            rest: Vec::new(),
        }
    }

    /// Takes a chunk; returns what is output of the command.
    fn take(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        if self.status.is_some() {
            self.rest.extend_from_slice(&bytes);
            return Vec::new();
        }
        if self.collecting {
            self.collect(bytes);
            return Vec::new();
        }
        match self.finder.push(bytes) {
            Found::Output(bytes) => bytes,
            Found::Mark { before, after } if self.tail => {
                self.collecting = true;
                self.collect(after);
                before
            }
            Found::Mark { before, after } => {
                self.status = Some(Vec::new());
                self.rest = after;
                before
            }
        }
    }

    /// Takes what follows the mark, up to a NUL: a directory's name holds none.
    fn collect(&mut self, mut bytes: Vec<u8>) {
        let end = memchr::memchr(0, &bytes);
        if let Some(end) = end {
            self.rest = bytes.split_off(end + 1);
            bytes.pop();
        }
        let room = MAX_STATUS - self.collected.len().min(MAX_STATUS);
        self.collected.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if end.is_some() {
            self.status = Some(std::mem::take(&mut self.collected));
        }
    }
}

/// Reads ` CODE DIRECTORY`.
fn parse_status(status: &[u8]) -> (Option<i32>, Option<String>) {
    let text = String::from_utf8_lossy(status);
    let Some((code, cwd)) = text.strip_prefix(' ').and_then(|rest| rest.split_once(' ')) else {
        return (None, None);
    };
    (code.parse().ok(), Some(cwd.to_owned()))
}
