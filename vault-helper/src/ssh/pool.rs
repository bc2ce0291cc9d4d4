//! Transports that are shared: one login serves many channels.
//!
//! sshd allows ten sessions a connection by default (sshd_config(5), MaxSessions).
//! A transport that is full, or whose server says that it is, is joined by another
//! one, up to a bound; callers beyond it wait a while for a channel to become free.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sallyport_protocol::{ErrorCode, Failure};
use tokio::sync::Notify;

use super::channel::{Channel, ChannelError};
use super::connect;
use super::course::Course;
use super::process::Shared;
use super::rotation;
use super::transport::{CHANNELS, Lease, Transport};
use super::trust::Endpoint;
use crate::guard::target::Target;
use crate::helper::Helper;

/// A server that has not opened a channel by then will not.
const OPENING: Duration = Duration::from_secs(20);
/// Transports for one principal, account and host: room for every session one may have, where the server allows as
/// many channels as sshd does by default.
const TRANSPORTS: usize = 64;
/// How long a caller waits for a channel where all of them are in use.
const FULL: Duration = Duration::from_secs(30);
/// Logins under way at once: sshd drops beyond its MaxStartups (10:30:100 by default).
const LOGINS: usize = 4;
/// Transports that may turn out to be dead when a channel is wanted of them, before the host is given up.
const DEATHS: u32 = 3;
/// A transport without channels is closed after this time.
const IDLE: Duration = Duration::from_secs(300);

/// What a transport is for. A channel that is not read stops its transport, so a tunnel whose end stands still
/// must not share one with commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Traffic {
    /// Commands, sessions and files.
    Commands,
    /// Forwards.
    Tunnels,
}

/// What shares transports: nothing of one principal is ever used for another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PoolKey {
    principal: String,
    user: String,
    host: String,
    port: u16,
    jump: Option<String>,
    traffic: Traffic,
}

/// The transports of one key.
#[derive(Default)]
struct Lane {
    state: Mutex<LaneState>,
    changed: Arc<Notify>,
    /// The process that speaks to the host for all of them.
    carriers: Shared,
}

#[derive(Default)]
struct LaneState {
    transports: Vec<Arc<Transport>>,
    logins: usize,
    waiting: usize,
    /// Counts failed logins, so that a waiter knows a failure that came after it from an older one.
    failures: u64,
    last_failure: Option<Failure>,
    /// A login waits for a person, for this reason: callers are told instead of waiting along.
    asking: Option<Failure>,
}

impl Course for Lane {
    fn waits(&self, why: Option<Failure>) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).asking = why;
        self.changed.notify_waiters();
    }
}

/// All transports.
#[derive(Default)]
pub struct Pool {
    lanes: Mutex<HashMap<PoolKey, Arc<Lane>>>,
}

impl Pool {
    /// Opens a session channel to a target, logging in when needed.
    ///
    /// # Errors
    /// When no login succeeds, or the host opens no session channel at all.
    pub async fn session(
        &self,
        helper: &Arc<Helper>,
        principal: &str,
        target: &Target,
    ) -> Result<(Channel, Lease), Failure> {
        let mut died = 0;
        loop {
            let lease = self.lease(helper, principal, target).await?;
            let opening = lease.transport().open_session();
            let Ok(opened) = tokio::time::timeout(OPENING, opening).await else {
                return Err(Failure::new(
                    ErrorCode::SshConnectionFailed,
                    format!("{} let us log in and opens no session", target.endpoint()),
                    "the server may be overloaded, or is not what it seems; look at it by other means",
                ));
            };
            match opened {
                Ok(channel) => return Ok((channel, lease)),
                Err(ChannelError::Refused(reason)) => {
                    // The server allows fewer sessions than we thought; the others are in use.
                    if lease.transport().shrink() == 0 {
                        return Err(Failure::new(
                            ErrorCode::SshConnectionFailed,
                            format!("{} opens no session: {reason}", target.endpoint()),
                            "the account may be limited to forwarding or SFTP; see MaxSessions and ForceCommand in its sshd_config",
                        ));
                    }
                }
                // A transport that had died unnoticed; one that dies after every login is another matter.
                Err(_) if lease.transport().closed().is_some() && died < DEATHS => died += 1,
                Err(error) => {
                    return Err(Failure::new(
                        ErrorCode::SshConnectionFailed,
                        format!("{} opened no session: {error}", target.endpoint()),
                        "try again",
                    ));
                }
            }
        }
    }

    /// A place on a transport to a target, logging in when needed.
    ///
    /// # Errors
    /// When no login succeeds.
    pub async fn lease(
        &self,
        helper: &Arc<Helper>,
        principal: &str,
        target: &Target,
    ) -> Result<Lease, Failure> {
        self.lease_for(helper, principal, target, Traffic::Commands).await
    }

    /// A place on a transport that carries only this kind of traffic.
    ///
    /// # Errors
    /// When no login succeeds.
    pub async fn lease_for(
        &self,
        helper: &Arc<Helper>,
        principal: &str,
        target: &Target,
        traffic: Traffic,
    ) -> Result<Lease, Failure> {
        let key = PoolKey {
            principal: principal.to_owned(),
            user: target.user.clone(),
            host: target.endpoint().host().to_owned(),
            port: target.endpoint().port(),
            jump: target.host.jump.clone(),
            traffic,
        };
        let lane = self.lanes.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default().clone();
        lane.lease(helper, principal, target, traffic).await
    }

    /// Closes transports that have been idle, and forgets dead ones.
    pub fn sweep(&self, idle: Duration) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes.retain(|_, lane| {
            let mut state = lane.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.transports.retain(|transport| transport.closed().is_none() && transport.idle() < idle);
            !state.transports.is_empty() || state.logins > 0 || state.waiting > 0
        });
    }

    /// Closes transports that have been idle for the usual time.
    pub fn sweep_idle(&self) {
        self.sweep(IDLE);
    }

    /// The transports of a principal: `(user@host, transport)`.
    pub fn list(&self, principal: &str) -> Vec<(String, Arc<Transport>)> {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let of_principal = lanes.iter().filter(|(key, _)| key.principal == principal);
        let transports = of_principal.flat_map(|(key, lane)| {
            let state = lane.state.lock().unwrap_or_else(PoisonError::into_inner);
            let label = format!("{}@{}", key.user, Endpoint::new(&key.host, key.port));
            state.transports.iter().map(|t| (label.clone(), t.clone())).collect::<Vec<_>>()
        });
        transports.filter(|(_, transport)| transport.closed().is_none()).collect()
    }

    /// How many transports are open.
    pub fn count(&self) -> usize {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        lanes
            .values()
            .map(|lane| lane.state.lock().unwrap_or_else(PoisonError::into_inner).transports.len())
            .sum()
    }

    /// Takes every transport out.
    pub fn take_all(&self) -> Vec<Arc<Transport>> {
        self.take(|_| true)
    }

    /// Closes the transports to a host, and with them those that go through it: sessions on them end.
    pub fn close_host(&self, endpoint: &Endpoint) {
        let of_host = |key: &PoolKey| key.host == endpoint.host() && key.port == endpoint.port();
        self.take(of_host).iter().for_each(|transport| transport.disconnect());
    }

    fn take(&self, of: impl Fn(&PoolKey) -> bool) -> Vec<Arc<Transport>> {
        let lanes: Vec<Arc<Lane>> = {
            let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
            lanes.extract_if(|key, _| of(key)).map(|(_, lane)| lane).collect()
        };
        let transports = |lane: &Arc<Lane>| {
            std::mem::take(&mut lane.state.lock().unwrap_or_else(PoisonError::into_inner).transports)
        };
        lanes.iter().flat_map(transports).collect()
    }
}

/// One waiter, counted as long as it waits.
struct Waiting<'a>(&'a Lane);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).waiting -= 1;
    }
}

impl Lane {
    async fn lease(
        self: &Arc<Self>,
        helper: &Arc<Helper>,
        principal: &str,
        target: &Target,
        traffic: Traffic,
    ) -> Result<Lease, Failure> {
        let mut waiting = None;
        let mut failures_seen = None;
        let mut waited = false;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            {
                let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.transports.retain(|transport| transport.closed().is_none());
                if let Some(lease) = state.transports.iter().find_map(|t| t.lease(&self.changed)) {
                    drop(state);
                    drop(waiting);
                    return Ok(lease);
                }
                let seen = *failures_seen.get_or_insert(state.failures);
                // Beside transports that work, a channel of theirs may come free; not for ever, and not while the vault
                // is locked, which is said at once.
                let locked =
                    state.last_failure.as_ref().is_some_and(|why| why.code == ErrorCode::VaultLocked);
                let hopeless = state.transports.is_empty() || waited || locked;
                if state.failures > seen && hopeless && state.logins == 0 {
                    let failure = state.last_failure.clone();
                    drop(state);
                    drop(waiting);
                    return Err(failure.unwrap_or_else(no_login));
                }
                if let Some(failure) = state.asking.clone() {
                    drop(state);
                    drop(waiting);
                    return Err(failure);
                }
                if waiting.is_none() {
                    state.waiting += 1;
                    waiting = Some(Waiting(self));
                }
                let enough = state.logins * CHANNELS >= state.waiting;
                let room = state.logins < LOGINS && state.transports.len() + state.logins < TRANSPORTS;
                // A login that just failed beside working transports is not tried again at once.
                let sensible = state.transports.is_empty() || state.failures == seen;
                if !enough && room && sensible {
                    state.logins += 1;
                    let (helper, principal, target) = (helper.clone(), principal.to_owned(), target.clone());
                    tokio::spawn(self.clone().log_in(helper, principal, target, traffic));
                }
            }
            // A login that is under way has its own end; commands come and go; sessions may hold all channels for good.
            waited |= tokio::time::timeout(FULL, changed).await.is_err();
            let full = {
                let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
                state.logins == 0 && state.transports.len() >= TRANSPORTS
            };
            if waited && full {
                return Err(no_channel(target));
            }
        }
    }

    /// One login, independent of the call that wanted it: others may use it.
    async fn log_in(
        self: Arc<Self>,
        helper: Arc<Helper>,
        principal: String,
        target: Target,
        traffic: Traffic,
    ) {
        let result =
            through_jumps(&helper, &principal, &target, self.as_ref(), traffic, &self.carriers).await;
        {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.logins -= 1;
            match result {
                Ok(transport) => {
                    let transport = Arc::new(transport);
                    let (weak, endpoint) = (Arc::downgrade(&transport), target.endpoint());
                    tokio::spawn(rotation::follow(helper, weak, endpoint, target.accepts_new_keys()));
                    state.transports.push(transport);
                }
                Err(failure) => {
                    state.failures += 1;
                    state.last_failure = Some(failure);
                }
            }
        }
        self.changed.notify_waiters();
    }
}

/// Logs in to a target, by way of its jump host when it has one. Boxed, because a jump host is leased
/// the same way and may have a jump host itself.
pub fn through_jumps<'a>(
    helper: &'a Arc<Helper>,
    principal: &'a str,
    target: &'a Target,
    course: &'a dyn Course,
    traffic: Traffic,
    carriers: &'a Shared,
) -> Pin<Box<dyn Future<Output = Result<Transport, Failure>> + Send + 'a>> {
    Box::pin(async move {
        let through = match &target.host.jump {
            None => None,
            Some(jump) => {
                let target = crate::guard::target::jump(helper, jump)?;
                Some(helper.pool.lease_for(helper, principal, &target, traffic).await?)
            }
        };
        connect::open(helper, target, through, course, carriers).await
    })
}

fn no_channel(target: &Target) -> Failure {
    Failure::new(
        ErrorCode::QuotaExceeded,
        format!("all channels of {TRANSPORTS} connections to {} are in use", target.endpoint()),
        "close sessions that are not needed (ssh_list_active shows them), or wait until commands have ended",
    )
}

fn no_login() -> Failure {
    Failure::new(ErrorCode::SshConnectionFailed, "the login failed", "try again")
}
