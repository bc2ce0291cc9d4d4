//! Progress notifications, for callers who gave a token.

use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::{Peer, RequestContext};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// At most one notification in this time.
const PAUSE: Duration = Duration::from_secs(1);
/// Without new output, one in this many pauses: enough to keep a client's
/// patience, which progress renews.
const SILENT: u32 = 5;

/// Tells the client's user that a call goes on.
pub struct Progress {
    to: Option<(Peer<RoleServer>, ProgressToken)>,
    since: Instant,
    ticks: Interval,
    told: u64,
    silent: u32,
}

impl Progress {
    /// Progress of this call; without a token it never says anything.
    pub fn of(context: &RequestContext<RoleServer>) -> Self {
        Self::to(context.meta.get_progress_token().map(|token| (context.peer.clone(), token)))
    }

    fn to(to: Option<(Peer<RoleServer>, ProgressToken)>) -> Self {
        let since = Instant::now();
        let mut ticks = interval_at(since + PAUSE, PAUSE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { to, since, ticks, told: 0, silent: 0 }
    }

    /// Progress that is told to nobody.
    pub fn none() -> Self {
        Self::to(None)
    }

    /// Whether the client gave a token.
    pub fn wanted(&self) -> bool {
        self.to.is_some()
    }

    /// Waits until the next notification may be sent; for ever without a token.
    pub async fn due(&mut self) {
        match self.to {
            Some(_) => {
                self.ticks.tick().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Sends one now and then while nothing is known but that it goes on.
    pub async fn wait(&mut self) {
        self.silent += 1;
        if self.silent >= SILENT {
            self.silent = 0;
            let seconds = self.since.elapsed().as_secs_f64();
            self.say(seconds, format!("waiting for {seconds:.0} s")).await;
        }
    }

    /// Sends one if there is something to say: `bytes` came so far.
    pub async fn tell(&mut self, bytes: u64) {
        self.grown(bytes, &format!("{bytes} bytes of output")).await;
    }

    /// As [`Progress::tell`], of files on their way: `bytes` of `total`, which is 0 while nobody knows.
    pub async fn tell_transfer(&mut self, bytes: u64, total: u64) {
        let of = if total == 0 { String::new() } else { format!(" of {total}") };
        self.grown(bytes, &format!("{bytes}{of} bytes transferred")).await;
    }

    async fn grown(&mut self, bytes: u64, what: &str) {
        self.silent += 1;
        if bytes == self.told && self.silent < SILENT {
            return;
        }
        self.told = bytes;
        self.silent = 0;
        let seconds = self.since.elapsed().as_secs_f64();
        self.say(seconds, format!("running for {seconds:.0} s, {what}")).await;
    }

    async fn say(&self, seconds: f64, message: String) {
        let Some((peer, token)) = &self.to else { return };
        // Time always grows, as MCP asks of progress; output does not.
        let param = ProgressNotificationParam::new(token.clone(), seconds).with_message(message);
        // A client that cannot be told is about to be noticed as gone.
        let _ = peer.notify_progress(param).await;
    }
}
