//! A logged-in connection, and the places for channels on it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use russh::keys::PublicKey;
use sallyport_policy::LoginShell;
use tokio::sync::{Notify, mpsc, watch};

use super::channel::{Channel, ChannelError};
use super::link::Link;
use crate::carrier::language::{Destination, Order};
use crate::guard::target::Target;
use crate::redact::{CleanText, Enrollment, Redactor};
use crate::session::sudo::tool::Tool;

/// Channels a transport carries unless its server says fewer: one less than sshd's default, so that a command
/// can always be stopped from a channel of its own.
pub const CHANNELS: usize = 9;

/// An authenticated connection.
pub struct Transport {
    link: Link,
    redactor: Redactor,
    root: bool,
    login_shell: LoginShell,
    /// What gives a command other rights there, once it was found.
    pub sudo: std::sync::OnceLock<Tool>,
    /// Set once sudo there was seen to run on a terminal only (`requiretty`).
    pub wants_terminal: std::sync::OnceLock<()>,
    /// Set once the account's login shell was seen to be one that sessions run in.
    pub own_shell: Arc<std::sync::OnceLock<()>>,
    /// Set once the host has run no command of our own beside SFTP.
    pub mute: std::sync::OnceLock<()>,
    /// Set once the host's tools could not list a tree as SFTP does.
    pub toolless: std::sync::OnceLock<()>,
    /// Whoever signals a command: [`CHANNELS`] leaves one channel for that.
    signalling: tokio::sync::Mutex<()>,
    /// Keeps the login's secrets masked while this host could echo them.
    _enrolled: Vec<Enrollment>,
    /// The jump host's transport, kept open.
    _through: Option<Lease>,
    /// `SHA256:...` of the accepted host key.
    pub fingerprint: String,
    /// When the login was done.
    pub since: Instant,
    capacity: AtomicUsize,
    channels: AtomicUsize,
    idle_since: Mutex<Instant>,
}

impl Transport {
    /// A transport that has just logged in.
    #[allow(clippy::too_many_arguments, reason = "one caller, which has just gathered them")]
    pub fn new(
        link: Link,
        redactor: Redactor,
        target: &Target,
        enrolled: Vec<Enrollment>,
        fingerprint: String,
        through: Option<Lease>,
    ) -> Self {
        Self {
            link,
            redactor,
            root: target.user == "root",
            login_shell: target.host.login_shell,
            sudo: std::sync::OnceLock::new(),
            wants_terminal: std::sync::OnceLock::new(),
            own_shell: Arc::default(),
            mute: std::sync::OnceLock::new(),
            toolless: std::sync::OnceLock::new(),
            signalling: tokio::sync::Mutex::default(),
            _enrolled: enrolled,
            _through: through,
            fingerprint,
            since: Instant::now(),
            capacity: AtomicUsize::new(CHANNELS),
            channels: AtomicUsize::new(0),
            idle_since: Mutex::new(Instant::now()),
        }
    }

    /// Why the transport is gone, when it is.
    pub fn closed(&self) -> Option<String> {
        self.link.closed()
    }

    /// Waits until the transport is gone.
    pub async fn lost(&self) {
        self.link.lost().await;
    }

    /// Asks the host to listen on a port of its loopback (RFC 4254, 7.1); connections there come as channels.
    ///
    /// # Errors
    /// When the host refuses, or somebody listens there over this transport already.
    pub async fn listen(&self, port: u16) -> Result<mpsc::Receiver<Channel>, ChannelError> {
        let taken = || ChannelError::Failed("it listens there for another forward".into());
        let channels = self.link.incoming().expect(port).ok_or_else(taken)?;
        if let Err(error) = self.link.done(|ask| Order::Listen { ask, port, begin: true }).await {
            self.link.incoming().forget(port);
            return Err(error);
        }
        Ok(channels)
    }

    /// Asks the host to stop listening there; a host that is gone has.
    pub async fn stop_listening(&self, port: u16) {
        self.link.incoming().forget(port);
        let stop = self.link.done(|ask| Order::Listen { ask, port, begin: false });
        let _ = tokio::time::timeout(Duration::from_secs(1), stop).await;
    }

    /// Channels open now.
    pub fn channels(&self) -> usize {
        self.channels.load(Ordering::Relaxed)
    }

    /// How long it has had no channel; zero while it has one.
    pub fn idle(&self) -> Duration {
        match self.channels() {
            0 => self.idle_since.lock().unwrap_or_else(PoisonError::into_inner).elapsed(),
            _ => Duration::ZERO,
        }
    }

    /// The host keys the server says it has.
    pub(super) fn announced(&self) -> watch::Receiver<Vec<PublicKey>> {
        self.link.announced()
    }

    /// Has the server prove that it holds host keys.
    pub(super) async fn prove(&self, keys: &[PublicKey]) -> Result<(), ChannelError> {
        let keys = keys.iter().filter_map(|key| key.to_bytes().ok()).collect();
        self.link.done(|ask| Order::ProveHostKeys { ask, keys }).await
    }

    /// Opens a channel that no lease counts: for a transport that is in no pool.
    ///
    /// # Errors
    /// The host's.
    pub async fn open_session(&self) -> Result<Channel, ChannelError> {
        self.link.channel(Destination::Session).await
    }

    /// A place for a channel, if there is one; `freed` is told when it is given back.
    pub(super) fn lease(self: &Arc<Self>, freed: &Arc<Notify>) -> Option<Lease> {
        let capacity = self.capacity.load(Ordering::Relaxed);
        let take = |channels| (channels < capacity).then_some(channels + 1);
        self.channels.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(Lease { transport: self.clone(), freed: freed.clone() })
    }

    /// The server refused the channel for a place that was leased: there is room for the others alone. How many they are.
    /// From now on one of them stays free for signals, as of ten.
    pub(super) fn shrink(&self) -> usize {
        let others = self.channels().saturating_sub(1);
        self.capacity.fetch_min(others.saturating_sub(1).max(1), Ordering::Relaxed);
        others
    }

    /// Says goodbye: what runs on it ends.
    pub fn disconnect(&self) {
        self.link.end("the connection was closed");
    }
}

/// A place for one channel on a transport; given back when dropped.
pub struct Lease {
    transport: Arc<Transport>,
    /// Told when the place is free again.
    freed: Arc<Notify>,
}

impl Lease {
    /// The transport.
    pub fn transport(&self) -> &Transport {
        &self.transport
    }

    /// A turn at the one channel that is left for signals. Of many commands stopped at once each would find it taken, and
    /// its signal would be lost.
    pub async fn signalling(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.transport.signalling.lock().await
    }

    /// The redactor, for what the host says.
    pub fn redactor(&self) -> &Redactor {
        &self.transport.redactor
    }

    /// Redacts a text that came from the host, or quotes it.
    pub fn redact(&self, text: &str) -> CleanText {
        self.transport.redactor.text(text)
    }

    /// What is told about a command whose transport went away under it.
    pub fn lost_text(&self, why: &str) -> CleanText {
        self.redact(&self.transport.closed().unwrap_or_else(|| why.to_owned()))
    }

    /// Whether the account is root: sshd does not signal its processes for us.
    pub fn is_root(&self) -> bool {
        self.transport.root
    }

    /// What the account's login shell is said to be.
    pub fn login_shell(&self) -> LoginShell {
        self.transport.login_shell
    }

    /// Opens a TCP channel to somewhere the host can reach.
    ///
    /// # Errors
    /// When the host refuses.
    pub async fn open_tcpip(&self, host: &str, port: u16) -> Result<Channel, ChannelError> {
        self.transport.link.channel(Destination::Tcp { host: host.to_owned(), port }).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.transport.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.transport.channels.fetch_sub(1, Ordering::Relaxed);
        self.freed.notify_waiters();
    }
}
