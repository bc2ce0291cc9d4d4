//! The threads that gpg's blocking calls run on, so that they never hold up an async one.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::VaultError;

/// gpg-agent serves one decryption after the other; a second thread hides the start of the gpg process.
const THREADS: usize = 2;
/// How long a request may take, its turn included: nobody is asked in it, so whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(40);
/// Requests that may wait. One more is refused.
const QUEUE: usize = 64;

type Job = Box<dyn FnOnce() + Send>;

/// A fixed set of threads with a bounded queue. Dropping it lets the threads end after their current job.
pub(super) struct Pool {
    queue: SyncSender<Job>,
}

impl Pool {
    /// Starts the threads.
    pub(super) fn start() -> Result<Self, VaultError> {
        let (queue, jobs) = sync_channel::<Job>(QUEUE);
        let jobs = Arc::new(Mutex::new(jobs));
        for number in 0..THREADS {
            let jobs = Arc::clone(&jobs);
            let started = thread::Builder::new().name(format!("gpg-{number}")).spawn(move || work(&jobs));
            started.map_err(|error| VaultError::Gpg { reason: format!("no thread for it: {error}") })?;
        }
        Ok(Self { queue })
    }

    /// Runs a job on one of the threads. When the caller stops waiting, the job still runs to its end and
    /// its result is dropped (and wiped) there.
    ///
    /// # Errors
    /// The job's; [`VaultError::Busy`]; [`VaultError::Silent`] after [`PATIENCE`].
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (send, receive) = oneshot::channel();
        let job: Job = Box::new(move || drop(send.send(job())));
        self.queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => VaultError::Busy,
            TrySendError::Disconnected(_) => stopped(),
        })?;
        match tokio::time::timeout(PATIENCE, receive).await {
            Ok(done) => done.unwrap_or_else(|_| Err(stopped())),
            Err(_) => Err(VaultError::Silent),
        }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        // A poisoned lock is harmless: nothing but `recv` happens under it.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match next {
            // A panic in a job must not take the thread away from the jobs after it.
            Ok(job) => drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(job))),
            Err(_) => return,
        }
    }
}

fn stopped() -> VaultError {
    VaultError::Gpg { reason: "its thread stopped".into() }
}
