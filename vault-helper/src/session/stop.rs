//! Stopping a remote process group: INT, TERM and KILL in turn, until the command
//! is seen to be gone.
//!
//! SSH has a request for it (RFC 4254, 6.9) and sshd answers it for ordinary
//! accounts. For root it has no process that could ("session signalling requires
//! privilege separation"), so there the group's number is learned when the command
//! starts and `kill` is run on a channel of its own.
//!
//! What such a channel answers comes over the same connection as the command's output, behind
//! it. So a signal is sent beside the reading of that output, never instead of it: a command
//! that prints without end would hold up its own end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use sallyport_protocol::request::Signal;
use tokio::time::Instant;

use super::job::Stop;
use super::marks::{Finder, Found, Mark};
use super::sudo::Elevation;
use super::sudo::stop::Supervisor;
use crate::ssh::channel::{Sig, WriteHalf};
use crate::ssh::transport::Lease;

/// How often the last signal is sent to a host that does not take it: for half a minute.
const LAST_TRIES: usize = 6;

/// How a command is signalled.
#[derive(Clone)]
pub enum Reach {
    /// By SSH's own request.
    Channel(Arc<WriteHalf>),
    /// As the process group with this number.
    Group(u32),
    /// Through sudo.
    Sudo(Arc<(Elevation, Supervisor)>),
}

impl Reach {
    /// Sends a signal, and says whether it arrived, as far as one can know. One that did not is followed by the next one,
    /// and the end of the ladder says so.
    pub async fn signal(&self, lease: &Lease, signal: Sig) -> bool {
        match self {
            Self::Channel(write) => write.signal(signal).await.is_ok(),
            Self::Group(group) => lease.run_aside(&format!("kill -s {} -- -{group}", signal.name())).await,
            Self::Sudo(sudo) => sudo.0.signal(lease, &sudo.1, signal).await,
        }
    }

    /// Ends what is there for good: nobody looks at it any more. A host that stands still for a while is told again, but
    /// sudo: a password that it does not take is not tried twice.
    pub async fn end(&self, lease: &Lease) {
        let tries = if matches!(self, Self::Sudo(_)) { 1 } else { LAST_TRIES };
        for _ in 0..tries {
            if self.signal(lease, Sig::Kill).await || lease.transport().closed().is_some() {
                return;
            }
        }
    }
}

/// A stop under way: the signals that are due, and the one that is being sent.
#[derive(Default)]
pub struct Stopping {
    ladder: Ladder,
    sending: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Stopping {
    /// Begins to stop, or goes on faster if it has begun.
    pub fn begin(&mut self, stop: &Stop) {
        self.ladder.begin(stop);
    }

    /// Whether a signal is on its way: it must not meet another command than its own.
    pub fn sending(&self) -> bool {
        self.sending.is_some()
    }

    /// Lets the signal that is being sent arrive, and sends no more.
    pub async fn finish(self) {
        if let Some(sending) = self.sending {
            sending.await;
        }
    }

    /// Waits for the next signal to be due and sent; for ever when there is none. Cancel safe: a signal that is being
    /// sent is gone on with.
    pub async fn step(&mut self, reach: &Reach, lease: &Arc<Lease>) {
        if self.sending.is_none() {
            let signal = self.ladder.step().await;
            let (reach, lease) = (reach.clone(), lease.clone());
            self.sending = Some(Box::pin(async move {
                let _ = reach.signal(&lease, signal).await;
            }));
        }
        if let Some(sending) = &mut self.sending {
            sending.await;
        }
        self.sending = None;
    }
}

/// Looks for the line in which a command tells its process group: a mark, a blank, a number. Start-up files may print
/// before it, what looks like one as well.
#[derive(Debug)]
pub struct Group {
    mark: Option<Finder>,
    /// What came behind the mark.
    line: Vec<u8>,
    /// Bytes looked through.
    seen: usize,
}

/// Digits a process number may have.
const MAX_PID: usize = 10;
/// A host that has printed so much does not tell, and no longer has anything held back that may begin a mark.
const TELLS: usize = 64 * 1024;

impl Group {
    /// Told with this mark.
    pub fn new(mark: &Mark) -> Self {
        Self { mark: Some(Finder::of([&mark.printed()[..], b" "].concat())), line: Vec::new(), seen: 0 }
    }

    /// Takes output; returns what of it is not the line, before and behind it, and the number when that is settled.
    pub fn take(&mut self, bytes: Vec<u8>) -> (Vec<u8>, Option<Told>) {
        self.seen += bytes.len();
        let mut output = Vec::new();
        match &mut self.mark {
            Some(mark) => match mark.push(bytes) {
                Found::Output(bytes) if self.seen < TELLS => return (bytes, None),
                Found::Output(bytes) => return ([bytes, mark.rest()].concat(), Some(Told::default())),
                Found::Mark { before, after } => {
                    (output, self.line, self.mark) = (before, after, None);
                }
            },
            None => self.line.extend(bytes),
        }
        let end = self.line.iter().position(|byte| *byte == b'\n');
        if end.is_none() && self.line.len() <= MAX_PID {
            return (output, None);
        }
        let number = end.and_then(|end| std::str::from_utf8(&self.line[..end]).ok()?.parse().ok());
        let told = Told { group: number.filter(|group| *group > 1), before: output.len() };
        output.extend_from_slice(&self.line[end.map_or(0, |end| end + 1)..]);
        (output, Some(told))
    }

    /// What is held when the output ends before the line does.
    pub fn rest(&mut self) -> Vec<u8> {
        self.mark.as_mut().map(Finder::rest).unwrap_or_default()
    }
}

/// What was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Told {
    /// The process group; nothing when the host did not tell, or told nonsense.
    pub group: Option<u32>,
    /// How many bytes of the output stood before the line.
    pub before: usize,
}

/// How long a command has to go after each signal. The last ones are for a host that took none of those before: it was
/// too busy, or had not said yet which process to signal.
const PATIENCE: [(Signal, Duration); 5] = [
    (Signal::Int, Duration::from_millis(1500)),
    (Signal::Term, Duration::from_millis(1500)),
    (Signal::Kill, Duration::from_millis(1000)),
    (Signal::Kill, Duration::from_secs(4)),
    (Signal::Kill, Duration::from_secs(12)),
];

/// The same for a command whose client is gone: it ends within a second.
const HURRY: [(Signal, Duration); 5] = [
    (Signal::Term, Duration::from_millis(300)),
    (Signal::Kill, Duration::from_millis(500)),
    (Signal::Kill, Duration::from_secs(2)),
    (Signal::Kill, Duration::from_secs(5)),
    (Signal::Kill, Duration::from_secs(12)),
];

/// The longest a stop takes before it is told that nobody knows.
pub const LONGEST: Duration = Duration::from_millis(4500);

/// The signals still to be sent, and when.
#[derive(Debug, Default)]
struct Ladder {
    steps: VecDeque<(Signal, Duration)>,
    next: Option<Instant>,
}

impl Ladder {
    /// Begins anew.
    fn begin(&mut self, stop: &Stop) {
        self.steps = match stop {
            Stop::Patiently => PATIENCE.into(),
            Stop::Now => HURRY.into(),
            Stop::With(signal) => PATIENCE.into_iter().filter(|(s, _)| s == signal).collect(),
        };
        self.next = Some(Instant::now());
    }

    /// Waits for the next step and returns its signal; waits for ever when there is none.
    async fn step(&mut self) -> Sig {
        loop {
            match self.next {
                None => std::future::pending::<()>().await,
                Some(at) => tokio::time::sleep_until(at).await,
            }
            self.next = None;
            if let Some((signal, patience)) = self.steps.pop_front() {
                self.next = Some(Instant::now() + patience);
                return match signal {
                    Signal::Int => Sig::Int,
                    Signal::Term => Sig::Term,
                    Signal::Kill => Sig::Kill,
                };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_heard_no_signal_is_killed_again() {
        for stop in [Stop::Now, Stop::Patiently] {
            let mut ladder = Ladder::default();
            ladder.begin(&stop);
            let kills = ladder.steps.iter().filter(|(signal, _)| *signal == Signal::Kill);
            assert!(kills.count() >= 3, "{stop:?}");
        }
    }

    fn cut(output: &[u8], at: usize, mark: &Mark) -> (Vec<u8>, Option<Option<u32>>) {
        let (mut group, mut out, mut told) = (Group::new(mark), Vec::new(), None);
        for piece in [&output[..at], &output[at..]] {
            if told.is_some() {
                out.extend_from_slice(piece);
                continue;
            }
            let (bytes, now) = group.take(piece.to_vec());
            out.extend(bytes);
            told = now.map(|now| now.group);
        }
        (out, told)
    }

    #[test]
    fn the_number_is_read_however_the_output_is_cut_and_whatever_start_up_files_print() {
        let mark = Mark::random().unwrap();
        let output = [b"1\n4321\nwelcome", &mark.printed()[..], b" 1234\nout\n"].concat();
        for at in 0..output.len() {
            let expected = (b"1\n4321\nwelcomeout\n".to_vec(), Some(Some(1234)));
            assert_eq!(cut(&output, at, &mark), expected, "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_number_names_no_group() {
        let mark = Mark::random().unwrap();
        for line in ["hello\n", "-5\n", "1\n", "0\n", "99999999999\n", "123456789012345"] {
            let (_, told) = cut(&[&mark.printed()[..], b" ", line.as_bytes()].concat(), 3, &mark);
            assert_eq!(told, Some(None), "{line:?}");
        }
    }

    #[test]
    fn a_host_that_tells_nothing_has_nothing_held_back_for_long() {
        let mark = Mark::random().unwrap();
        let mut output = vec![b' '; TELLS];
        output.push(mark.printed()[0]);
        assert_eq!(cut(&output, 5, &mark), (output, Some(None)));
    }
}
