//! A connection that is made when it is first needed, and again after it broke.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sallyport_protocol::Failure;
use sallyport_protocol::envelope::{Caller, OpId};
use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use super::dial::dial;
use super::driver::{Command, drive};
use super::{Operation, Place, Porter, Side};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The way to the helper for one role. Clones share the connection.
#[derive(Debug)]
pub struct Link<S: Side> {
    shared: Arc<Shared<S>>,
}

impl<S: Side> Clone for Link<S> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

#[derive(Debug)]
struct Shared<S: Side> {
    place: Place,
    caller: Caller,
    next: AtomicU64,
    state: Mutex<State<S>>,
}

#[derive(Debug)]
struct State<S: Side> {
    commands: Option<mpsc::UnboundedSender<Command<S>>>,
    /// After a failed attempt: when the next may be made, how long the pause
    /// after that one is, and what to tell callers in between.
    pause: Option<(Instant, Duration, Failure)>,
}

impl<S: Side> Link<S> {
    /// A link that has not connected yet.
    pub fn new(place: Place, caller: Caller) -> Self {
        let state = Mutex::new(State { commands: None, pause: None });
        Self { shared: Arc::new(Shared { place, caller, next: AtomicU64::new(1), state }) }
    }

    /// Who does for this process what it cannot do itself, where there is one.
    pub fn porter(&self) -> Option<&Porter> {
        self.shared.place.porter.as_deref()
    }

    /// Connects now, so that the first operation does not wait for it.
    ///
    /// # Errors
    /// `helper_unavailable`; later operations try again.
    pub async fn warm(&self) -> Result<(), Failure> {
        self.connected(&mut *self.shared.state.lock().await).await.map(|_| ())
    }

    /// Begins an operation.
    ///
    /// # Errors
    /// `helper_unavailable` when no helper can be reached. After a failed
    /// attempt further ones wait with growing pauses (0.1 s to 5 s); calls in
    /// between get the last attempt's failure at once.
    pub async fn start(&self, request: S::Request) -> Result<Operation<S>, Failure> {
        let mut state = self.shared.state.lock().await;
        let commands = self.connected(&mut state).await?;
        // Under the lock, so that ids go out in the order they are given.
        let op = OpId(self.shared.next.fetch_add(1, Ordering::Relaxed));
        let (sender, arrivals) = mpsc::unbounded_channel();
        let start = Command::Start { op, caller: self.shared.caller.clone(), request, arrivals: sender };
        // When the connection has just broken the operation learns it from its
        // arrivals, whose sender is dropped with the command.
        let _ = commands.send(start);
        Ok(Operation::new(op, arrivals, commands))
    }

    async fn connected(&self, state: &mut State<S>) -> Result<mpsc::UnboundedSender<Command<S>>, Failure> {
        if let Some(commands) = &state.commands
            && !commands.is_closed()
        {
            return Ok(commands.clone());
        }
        let pause = match &state.pause {
            Some((until, _, failure)) if Instant::now() < *until => return Err(failure.clone()),
            Some((_, pause, _)) => (*pause * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        match dial::<S>(&self.shared.place).await {
            Ok(dialled) => {
                let (commands, receiver) = mpsc::unbounded_channel();
                tracing::debug!(build = %dialled.welcome.build, "connected to the vault helper");
                tokio::spawn(drive(dialled, receiver));
                *state = State { commands: Some(commands.clone()), pause: None };
                Ok(commands)
            }
            Err(failure) => {
                *state =
                    State { commands: None, pause: Some((Instant::now() + pause, pause, failure.clone())) };
                Err(failure)
            }
        }
    }
}
