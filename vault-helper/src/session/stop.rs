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
use super::sudo::Elevation;
use super::sudo::stop::Supervisor;
use crate::ssh::channel::{Sig, WriteHalf};
use crate::ssh::transport::Lease;

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
    /// Sends a signal. One that does not arrive is followed by the next one, and the end of the ladder says so.
    pub async fn signal(&self, lease: &Lease, signal: Sig) {
        match self {
            Self::Channel(write) => drop(write.signal(signal).await),
            Self::Group(group) => lease.run_aside(&format!("kill -s {} -- -{group}", signal.name())).await,
            Self::Sudo(sudo) => sudo.0.signal(lease, &sudo.1, signal).await,
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

    /// Waits for the next signal to be due and sent; for ever when there is none. Cancel safe: a signal that is being
    /// sent is gone on with.
    pub async fn step(&mut self, reach: &Reach, lease: &Arc<Lease>) {
        if self.sending.is_none() {
            let signal = self.ladder.step().await;
            let (reach, lease) = (reach.clone(), lease.clone());
            self.sending = Some(Box::pin(async move { reach.signal(&lease, signal).await }));
        }
        if let Some(sending) = &mut self.sending {
            sending.await;
        }
        self.sending = None;
    }
}

/// A process number from the first line of output.
#[derive(Debug, Default)]
pub struct FirstLine {
    line: Vec<u8>,
}

/// Digits a process number may have.
const MAX_PID: usize = 10;

impl FirstLine {
    /// Takes output until the line is whole: then the number, and the output after it. A first line that is no
    /// number is output like any other.
    pub fn take(&mut self, bytes: &[u8]) -> Option<(Option<u32>, Vec<u8>)> {
        self.line.extend_from_slice(bytes);
        let end = self.line.iter().position(|byte| *byte == b'\n');
        if end.is_none() && self.line.len() <= MAX_PID {
            return None;
        }
        let number = end
            .and_then(|end| std::str::from_utf8(&self.line[..end]).ok()?.parse().ok())
            .filter(|pid| *pid > 1);
        let rest = match (number, end) {
            (Some(_), Some(end)) => self.line.split_off(end + 1),
            _ => std::mem::take(&mut self.line),
        };
        Some((number, rest))
    }

    /// What was taken when the output ends before the line does.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.line)
    }
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

    #[test]
    fn the_number_is_read_however_the_line_is_cut() {
        let mut first = FirstLine::default();
        assert_eq!(first.take(b"12"), None);
        assert_eq!(first.take(b"34\nout"), Some((Some(1234), b"out".to_vec())));
    }

    #[test]
    fn a_first_line_that_is_no_number_is_output() {
        for line in ["hello\n", "-5\n", "1\n", "0\n", "99999999999\n", "123456789012345"] {
            assert_eq!(
                FirstLine::default().take(line.as_bytes()),
                Some((None, line.as_bytes().to_vec())),
                "{line:?}"
            );
        }
    }
}
