//! One terminal: its channel on the host, what it printed, and its end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use sallyport_protocol::envelope::Caller;
use sallyport_protocol::terminal::Size;
use tokio::sync::watch;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::modes::Modes;
use super::ring::Ring;
use crate::audit::Intent;
use crate::guard::target::Target;
use crate::redact::{Clean, CleanText, Enrollment, Redactor, Screen, StreamRedactor};
use crate::serve::connection::came_true;
use crate::session::marks::{Finder, Found, Mark};
use crate::session::oneshot::until;
use crate::session::transcript::tap::Tap;
use crate::ssh::channel::{ChannelMsg, ReadHalf, Sig, WriteHalf};
use crate::ssh::transport::Lease;

/// What programs are told the terminal is.
pub const TERM: &str = "xterm-256color";
/// After the program's end, output may still be on its way; silence of this length ends the wait.
const DRAIN: Duration = Duration::from_millis(300);
/// The most output kept of a terminal that ended before it began.
const FIRST_WORDS: usize = 4096;

/// A terminal session.
pub struct Terminal {
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
    /// The audit record of its opening, the pattern for those of what is typed.
    pub intent: Intent,
    /// Recorder and watchers.
    pub tap: Tap,
    /// The way in.
    pub write: WriteHalf,
    /// Held while something is typed, so that two calls do not mix.
    pub typing: tokio::sync::Mutex<()>,
    redactor: Redactor,
    _enrolled: Vec<Enrollment>,
    state: Mutex<State>,
    /// Bytes printed so far; changes at the end too.
    grown: watch::Sender<u64>,
    ended: watch::Sender<Option<CleanText>>,
    close: watch::Sender<bool>,
}

/// What changes.
pub struct State {
    /// What it printed.
    pub ring: Ring,
    /// What its program asked for.
    pub modes: Modes,
    /// Its size.
    pub size: Size,
    /// Where the last look without a cursor ended, and in which column.
    pub position: (u64, usize),
    /// When it last printed something.
    pub printed: StdInstant,
    /// Its screen, once it is needed: made from what is kept of the output.
    screen: Option<Screen>,
    /// The screen was asked for, so it is kept after a full-screen program too.
    screen_wanted: bool,
    used: StdInstant,
    redactions: u64,
    ended_at: Option<StdInstant>,
}

impl State {
    /// The screen; made from the kept output when there is none yet.
    pub fn screen(&mut self, redactor: &Redactor) -> &Screen {
        self.screen_wanted = true;
        let (ring, size) = (&self.ring, self.size);
        self.screen.get_or_insert_with(|| replay(ring, size, redactor))
    }

    fn show(&mut self, clean: &Clean, redactor: &Redactor) {
        self.ring.push(clean.as_bytes());
        self.printed = StdInstant::now();
        let was_full = self.modes.full_screen;
        self.modes.feed(clean.as_bytes());
        match (&mut self.screen, self.modes.full_screen) {
            (Some(_), false) if was_full && !self.screen_wanted => self.screen = None,
            (Some(screen), _) => screen.feed(clean.as_bytes()),
            // What a full-screen program drew cannot be told from the end of its output alone.
            (None, true) => self.screen = Some(replay(&self.ring, self.size, redactor)),
            (None, false) => {}
        }
    }
}

fn replay(ring: &Ring, size: Size, redactor: &Redactor) -> Screen {
    let mut screen = redactor.screen(size.rows, size.cols);
    screen.feed(&ring.read(ring.start(), usize::MAX).bytes);
    screen
}

/// What a terminal is opened with.
pub struct Opening {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// Who opens it.
    pub owner: Caller,
    /// Where it runs.
    pub target: Target,
    /// Its size.
    pub size: Size,
    /// It ends when it was not used for this long.
    pub idle: Duration,
    /// The audit record of its opening.
    pub intent: Intent,
    /// What must happen before its shell starts, if anything.
    pub begins: Option<First>,
    /// What it was given, masked while it can be read.
    pub enrolled: Vec<Enrollment>,
}

/// The first output of a terminal, up to a mark: its shell starts behind it.
pub struct First {
    finder: Finder,
    words: Vec<u8>,
    /// What is typed once that mark was seen, and the mark that comes after it.
    then: Option<(Zeroizing<Vec<u8>>, Finder)>,
}

impl First {
    /// Output up to a mark.
    pub fn of(mark: &Mark) -> Self {
        Self { finder: Finder::new(mark), words: Vec::new(), then: None }
    }

    /// Up to a mark that `answer` is written at, and from there to another one.
    pub fn asking(ready: &Mark, answer: Zeroizing<Vec<u8>>, mark: &Mark) -> Self {
        Self { then: Some((answer, Finder::new(mark))), ..Self::of(ready) }
    }
}

/// How a terminal's beginning went: nothing, or the first words of one that ended before it began.
pub type Begun = tokio::sync::oneshot::Receiver<Result<(), Clean>>;

impl Terminal {
    /// Takes over a channel on which a pseudo-terminal and a program were asked for.
    pub fn start(opening: Opening, read: ReadHalf, write: WriteHalf, lease: Lease) -> (Arc<Self>, Begun) {
        let (close, closing) = watch::channel(false);
        let redactor = lease.redactor().with_shapes(opening.target.host.redact_shapes);
        let now = StdInstant::now();
        let state = State {
            ring: Ring::default(),
            modes: Modes::default(),
            size: opening.size,
            position: (0, 0),
            printed: now,
            screen: None,
            screen_wanted: false,
            used: now,
            redactions: 0,
            ended_at: None,
        };
        let terminal = Arc::new(Self {
            id: opening.id,
            name: opening.name,
            owner: opening.owner,
            target: opening.target,
            since: now,
            intent: opening.intent,
            tap: Tap::default(),
            write,
            typing: tokio::sync::Mutex::default(),
            redactor: redactor.clone(),
            _enrolled: opening.enrolled,
            state: Mutex::new(state),
            grown: watch::Sender::new(0),
            ended: watch::Sender::new(None),
            close,
        });
        let (begun, beginning) = tokio::sync::oneshot::channel();
        let driver = Driver {
            stream: redactor.stream(),
            terminal: terminal.clone(),
            lease,
            read,
            closing,
            exit: None,
            first: opening.begins,
            begun: Some(begun),
        };
        tokio::spawn(driver.run(opening.idle));
        (terminal, beginning)
    }

    /// What changes, locked: never across an await.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The redactor, for what is rendered.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Changes whenever something was printed, and at the end.
    pub fn growth(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }

    /// Whether its program runs.
    pub fn is_open(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Why it ended, when it has.
    pub fn ended(&self) -> Option<CleanText> {
        self.ended.borrow().clone()
    }

    /// How long ago it ended.
    pub fn ended_for(&self) -> Option<Duration> {
        self.state().ended_at.map(|at| at.elapsed())
    }

    /// Waits until it has ended.
    pub async fn closed(&self) {
        let _ = self.ended.subscribe().wait_for(Option::is_some).await;
    }

    /// Closes it: its program is told to hang up.
    pub fn close(&self) {
        self.close.send_replace(true);
    }

    /// Somebody uses it.
    pub fn touch(&self) {
        self.state().used = StdInstant::now();
    }

    /// Seconds since it was last used.
    pub fn idle_s(&self) -> u64 {
        self.state().used.elapsed().as_secs()
    }

    /// Bytes printed, after redaction, and secrets masked.
    pub fn printed(&self) -> (u64, u64) {
        let state = self.state();
        (state.ring.total(), state.redactions)
    }

    /// Its name, or its id.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// It has another size now.
    pub fn resized(&self, size: Size) {
        let mut state = self.state();
        state.size = size;
        if let Some(screen) = &mut state.screen {
            screen.resize(size.rows, size.cols);
        }
        drop(state);
        self.tap.resized(size);
    }

    fn show(&self, clean: Clean, redactions: u64) {
        if clean.is_empty() {
            return;
        }
        let mut state = self.state();
        state.show(&clean, &self.redactor);
        state.redactions = redactions;
        let total = state.ring.total();
        drop(state);
        self.tap.output(&clean);
        self.grown.send_replace(total);
    }

    fn end(&self, why: CleanText) {
        let mut state = self.state();
        state.ended_at = Some(StdInstant::now());
        state.screen_wanted |= state.modes.full_screen;
        let total = state.ring.total();
        drop(state);
        self.tap.end(&why);
        self.ended.send_replace(Some(why));
        self.grown.send_replace(total);
    }
}

/// Reads the channel to its end.
struct Driver {
    terminal: Arc<Terminal>,
    stream: StreamRedactor,
    lease: Lease,
    read: ReadHalf,
    closing: watch::Receiver<bool>,
    /// How the program ended, as the host said.
    exit: Option<CleanText>,
    first: Option<First>,
    begun: Option<tokio::sync::oneshot::Sender<Result<(), Clean>>>,
}

impl Driver {
    async fn run(mut self, idle: Duration) {
        if self.first.is_none() {
            self.tell_begun(Ok(()));
        }
        let why = self.serve(idle).await;
        let rest = self.stream.finish();
        self.terminal.show(rest, self.stream.redactions());
        if let Some(First { mut finder, mut words, .. }) = self.first.take() {
            words.extend(finder.rest());
            let words = self.lease.redactor().bytes(&words);
            self.tell_begun(Err(words));
        }
        // Output nobody reads any more must not hold up the connection, and with it what is sent now.
        drop(self.read);
        let write = &self.terminal.write;
        if self.exit.is_none() {
            // Closing the channel hangs up; a program that ignores that is killed, where sshd does it for us.
            for last in [Sig::Hup, Sig::Kill] {
                let _ = write.signal(last).await;
            }
        }
        let _ = write.close().await;
        drop(self.lease);
        self.terminal.end(why);
    }

    fn tell_begun(&mut self, how: Result<(), Clean>) {
        if let Some(begun) = self.begun.take() {
            // Whoever opened it may have gone.
            let _ = begun.send(how);
        }
    }

    /// Shows output until the end, and says why it came.
    async fn serve(&mut self, idle: Duration) -> CleanText {
        let mut drained: Option<Instant> = None;
        let mut look = Instant::now() + idle;
        loop {
            let due = self.stream.deadline().map(Instant::from_std);
            tokio::select! {
                message = self.read.wait() => match message {
                    Some(ChannelMsg::Data { data } | ChannelMsg::Errors { data }) => {
                        self.take(data.into());
                        drained = drained.map(|_| Instant::now() + DRAIN);
                    }
                    Some(ChannelMsg::ExitStatus { exit_status }) => {
                        self.exit = Some(self.lease.redact(&format!("the program exited with code {exit_status}")));
                        drained = Some(Instant::now() + DRAIN);
                    }
                    Some(ChannelMsg::ExitSignal { signal_name }) => {
                        let text = format!("the program was ended by SIG{signal_name}");
                        self.exit = Some(self.lease.redact(&text));
                        drained = Some(Instant::now() + DRAIN);
                    }
                    Some(ChannelMsg::Failure) => return self.lease.redact("the host refused a terminal or a shell on it"),
                    Some(ChannelMsg::Close) | None => {
                        let lost = || self.lease.lost_text("the host closed the terminal");
                        return self.exit.clone().unwrap_or_else(lost);
                    }
                    Some(_) => {}
                },
                () = until(due) => {
                    let clean = self.stream.tick(StdInstant::now());
                    self.terminal.show(clean, self.stream.redactions());
                }
                () = until(drained) => return self.exit.clone().unwrap_or_default(),
                () = came_true(&mut self.closing) => return self.lease.redact("closed"),
                () = tokio::time::sleep_until(look) => {
                    let used: Instant = self.terminal.state().used.into();
                    look = used + idle;
                    if look <= Instant::now() {
                        return self.lease.redact(&format!("not used for {} seconds", idle.as_secs()));
                    }
                }
            }
        }
    }

    fn take(&mut self, mut bytes: Vec<u8>) {
        while let Some(first) = &mut self.first {
            match first.finder.push(bytes) {
                Found::Output(bytes) => {
                    let room = FIRST_WORDS - first.words.len().min(FIRST_WORDS);
                    first.words.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    return;
                }
                Found::Mark { before: _, after } => {
                    bytes = after;
                    match first.then.take() {
                        Some((answer, finder)) => {
                            first.finder = finder;
                            let terminal = self.terminal.clone();
                            // Beside the reading; the host may want to be read before it takes all of it.
                            tokio::spawn(async move { terminal.write.data_bytes(answer.to_vec()).await });
                        }
                        None => {
                            self.first = None;
                            self.tell_begun(Ok(()));
                        }
                    }
                }
            }
        }
        if !bytes.is_empty() {
            let clean = self.stream.push_owned(StdInstant::now(), bytes);
            self.terminal.show(clean, self.stream.redactions());
        }
    }
}
