//! Stopping a remote process group: INT, TERM and KILL in turn (RFC 4254, 6.9),
//! until the command is seen to be gone.

use std::collections::VecDeque;
use std::time::Duration;

use russh::Sig;
use sallyport_protocol::request::Signal;
use tokio::time::Instant;

use super::job::Stop;

/// How long a command has to go after each signal.
const PATIENCE: [(Signal, Duration); 3] = [
    (Signal::Int, Duration::from_millis(1500)),
    (Signal::Term, Duration::from_millis(1500)),
    (Signal::Kill, Duration::from_millis(1000)),
];

/// The longest a stop takes before it is told that nobody knows.
pub const LONGEST: Duration = Duration::from_millis(4500);

/// The signals still to be sent, and when.
#[derive(Debug, Default)]
pub struct Ladder {
    steps: VecDeque<(Signal, Duration)>,
    next: Option<Instant>,
}

impl Ladder {
    /// Begins to stop, or goes on faster if it has begun.
    pub fn begin(&mut self, stop: &Stop) {
        self.steps = match stop.signal {
            None => PATIENCE.into(),
            Some(signal) => PATIENCE.into_iter().filter(|(s, _)| *s == signal).collect(),
        };
        self.next = Some(Instant::now());
    }

    /// Waits for the next step and returns its signal; waits for ever when there is none.
    pub async fn step(&mut self) -> Sig {
        loop {
            match self.next {
                None => std::future::pending::<()>().await,
                Some(at) => tokio::time::sleep_until(at).await,
            }
            self.next = None;
            if let Some((signal, patience)) = self.steps.pop_front() {
                self.next = Some(Instant::now() + patience);
                return match signal {
                    Signal::Int => Sig::INT,
                    Signal::Term => Sig::TERM,
                    Signal::Kill => Sig::KILL,
                };
            }
        }
    }
}
