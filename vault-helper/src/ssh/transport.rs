//! A logged-in connection, and the places for channels on it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use russh::client::{Handle, Msg};
use russh::keys::PublicKey;
use russh::{Channel, Disconnect};
use sallyport_policy::LoginShell;
use tokio::sync::{Notify, mpsc, watch};

use super::client::Client;
use super::connect::Watches;
use super::incoming::Incoming;
use crate::guard::target::Target;
use crate::redact::{CleanText, Enrollment, Redactor};
use crate::session::sudo::tool::Tool;

/// Channels a transport carries unless its server says fewer: one less than sshd's default, so that a command
/// can always be stopped from a channel of its own.
pub const CHANNELS: usize = 9;
/// Where a host listens for us: never on its other addresses (unless its sshd says `GatewayPorts yes`).
const LOOPBACK: &str = "localhost";

/// An authenticated connection.
pub struct Transport {
    handle: Handle<Client>,
    closed: watch::Receiver<Option<String>>,
    incoming: Arc<Incoming>,
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
    /// Keeps the login's secrets masked while this host could echo them.
    _enrolled: Vec<Enrollment>,
    /// The jump host's transport, kept open.
    _through: Option<Lease>,
    /// The host keys the server says it has.
    pub(super) announced: watch::Receiver<Vec<PublicKey>>,
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
        handle: Handle<Client>,
        watches: Watches,
        incoming: Arc<Incoming>,
        redactor: Redactor,
        target: &Target,
        enrolled: Vec<Enrollment>,
        fingerprint: String,
        through: Option<Lease>,
    ) -> Self {
        Self {
            handle,
            closed: watches.closed,
            announced: watches.announced,
            incoming,
            redactor,
            root: target.user == "root",
            login_shell: target.host.login_shell,
            sudo: std::sync::OnceLock::new(),
            wants_terminal: std::sync::OnceLock::new(),
            own_shell: Arc::default(),
            mute: std::sync::OnceLock::new(),
            toolless: std::sync::OnceLock::new(),
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
        if self.handle.is_closed() {
            return Some(self.closed.borrow().clone().unwrap_or_else(|| "the connection is closed".into()));
        }
        self.closed.borrow().clone()
    }

    /// Waits until the transport is gone.
    pub async fn lost(&self) {
        let mut closed = self.closed.clone();
        // Without its sender the connection's task is gone, too.
        let _ = closed.wait_for(Option::is_some).await;
    }

    /// Asks the host to listen on a port of its loopback (RFC 4254, 7.1); connections there come as channels.
    ///
    /// # Errors
    /// When the host refuses, or somebody listens there over this transport already.
    pub async fn listen(&self, port: u16) -> Result<mpsc::Receiver<Channel<Msg>>, russh::Error> {
        let port = u32::from(port);
        let channels = self.incoming.expect(port).ok_or(russh::Error::RequestDenied)?;
        if let Err(error) = self.handle.tcpip_forward(LOOPBACK, port).await {
            self.incoming.forget(port);
            return Err(error);
        }
        Ok(channels)
    }

    /// Asks the host to stop listening there; a host that is gone has.
    pub async fn stop_listening(&self, port: u16) {
        self.incoming.forget(port.into());
        let stop = self.handle.cancel_tcpip_forward(LOOPBACK, port.into());
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

    /// Has the server prove that it holds host keys.
    pub(super) async fn prove(&self, keys: Vec<PublicKey>) -> Result<(), russh::Error> {
        self.handle.hostkeys_prove(keys).await
    }

    /// Opens a channel that no lease counts: for a transport that is in no pool.
    ///
    /// # Errors
    /// The host's.
    pub async fn open_session(&self) -> Result<Channel<Msg>, russh::Error> {
        self.handle.channel_open_session().await
    }

    /// A place for a channel, if there is one; `freed` is told when it is given back.
    pub(super) fn lease(self: &Arc<Self>, freed: &Arc<Notify>) -> Option<Lease> {
        let capacity = self.capacity.load(Ordering::Relaxed);
        let take = |channels| (channels < capacity).then_some(channels + 1);
        self.channels.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).ok()?;
        Some(Lease { transport: self.clone(), freed: freed.clone() })
    }

    /// The server refused the channel for a place that was leased: there is room for the others alone. How many they are.
    pub(super) fn shrink(&self) -> usize {
        let others = self.channels().saturating_sub(1);
        self.capacity.fetch_min(others, Ordering::Relaxed);
        others
    }

    /// Says goodbye: what runs on it ends.
    pub(super) async fn disconnect(&self) {
        // One that is gone needs no goodbye.
        let _ = self.handle.disconnect(Disconnect::ByApplication, "closed", "en").await;
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
    pub async fn open_tcpip(&self, host: &str, port: u16) -> Result<Channel<Msg>, russh::Error> {
        self.transport.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0).await
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        *self.transport.idle_since.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        self.transport.channels.fetch_sub(1, Ordering::Relaxed);
        self.freed.notify_waiters();
    }
}
