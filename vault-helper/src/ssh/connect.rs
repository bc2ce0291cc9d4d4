//! Opening a transport: resolve, connect, exchange keys, check the host key, log in.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::client;
use russh::keys::{Algorithm, HashAlg, PublicKey};
use russh::{Preferred, cipher};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::watch;

use super::auth;
use super::client::{Client, ClientError, KeyCheck, Scanner};
use super::course::{Asker, Course, Milestone, Unfollowed};
use super::incoming::Incoming;
use super::keeper::Keeper;
use super::socket::QuickStream;
use super::transport::{Lease, Transport};
use super::trust::Endpoint;
use crate::guard::target::Target;
use crate::helper::Helper;
use crate::hostkeys::KnownHosts;

/// The time for everything up to the finished login.
const LOGIN_TIME: Duration = Duration::from_secs(30);
/// Unanswered questions for a sign of life after which the transport counts as dead: with the usual 20 seconds between
/// them that is noticed within 80 s.
const KEEPALIVE_MAX: usize = 3;
/// Bytes of one channel that may be under way; also what a flood can make us hold.
const WINDOW: u32 = 2 * 1024 * 1024;
/// Pauses in milliseconds before another attempt where a server hangs up without a word: sshd does that to some connections as soon
/// as ten logins are under way, and to all at a hundred (sshd_config(5), MaxStartups).
const HUNG_UP: [u64; 5] = [100, 200, 400, 800, 1600];
/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// Messages of one channel that wait to be read.
const CHANNEL_BUFFER: usize = 32;

/// AES-GCM first: both sides nearly always have the instructions for it. ChaCha20 last: see [`super::client`].
const CIPHERS: &[cipher::Name] = &[
    cipher::AES_128_GCM,
    cipher::AES_256_GCM,
    cipher::AES_256_CTR,
    cipher::AES_192_CTR,
    cipher::AES_128_CTR,
    cipher::CHACHA20_POLY1305,
];

/// Opens a transport to a target and logs in. `through` is a lease on the jump
/// host's transport, held as long as the new one lives.
///
/// # Errors
/// Every way a login can fail, as the public codes tell them.
pub async fn open(
    helper: &Arc<Helper>,
    target: &Target,
    through: Option<Lease>,
    course: &dyn Course,
) -> Result<Transport, Failure> {
    let asker =
        Asker { helper, alias: &target.alias, user: &target.user, course, waiting: AtomicBool::new(false) };
    let login = async {
        let endpoint = target.endpoint();
        // Decryption runs beside the key exchange; what it yields is offered only after the key was accepted.
        let keeper = Keeper::start(helper, target)?;
        let (connected, _) = tokio::join!(
            exchange(helper, &endpoint, target.accepts_new_keys(), through.as_ref(), course),
            keeper.offers(0)
        );
        let Exchanged { mut handle, check, closed, announced, incoming } = connected?;
        let host_key = check.lock().unwrap_or_else(PoisonError::into_inner).key.clone();
        let fingerprint =
            host_key.map(|key| key.fingerprint(HashAlg::Sha256).to_string()).unwrap_or_default();
        course.reached(Milestone::Key, format!("its key is known: {fingerprint}"));
        auth::log_in(&mut handle, &keeper, &target.user, &endpoint.to_string(), &asker).await?;
        course.reached(Milestone::Login, format!("logged in as {}", target.user));
        let watches = Watches { closed, announced };
        Ok(Transport::new(
            handle,
            watches,
            incoming,
            helper.redactor.clone(),
            target,
            keeper.enrollments().await,
            fingerprint,
            through,
        ))
    };
    in_time(login, &asker.waiting)
        .await
        .unwrap_or_else(|| Err(unreachable_host(&target.endpoint(), "no login within 30 seconds")))
}

/// Runs a login for [`LOGIN_TIME`], the time a person is asked not counted; `None` when it took longer.
async fn in_time<T>(login: impl Future<Output = T>, waiting: &AtomicBool) -> Option<T> {
    const TICK: Duration = Duration::from_millis(500);
    tokio::pin!(login);
    let mut left = LOGIN_TIME;
    while !left.is_zero() {
        tokio::select! {
            result = &mut login => return Some(result),
            () = tokio::time::sleep(TICK) => {
                if !waiting.load(Ordering::Relaxed) {
                    left = left.saturating_sub(TICK);
                }
            }
        }
    }
    None
}

/// What a transport says of itself as it goes.
pub struct Watches {
    /// Why it is gone.
    pub closed: watch::Receiver<Option<String>>,
    /// The host keys its server says it has.
    pub announced: watch::Receiver<Vec<PublicKey>>,
}

/// A connection whose keys are exchanged and whose host key is accepted.
struct Exchanged {
    handle: client::Handle<Client>,
    check: Arc<Mutex<KeyCheck>>,
    closed: watch::Receiver<Option<String>>,
    announced: watch::Receiver<Vec<PublicKey>>,
    incoming: Arc<Incoming>,
}

/// Why an attempt to connect failed.
enum Broken {
    /// The server hung up before it said anything.
    HungUp(Failure),
    /// Anything else.
    Failed(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Connects and exchanges keys; tries again where the server hangs up at once.
async fn exchange(
    helper: &Arc<Helper>,
    endpoint: &Endpoint,
    accept_new: bool,
    through: Option<&Lease>,
    course: &dyn Course,
) -> Result<Exchanged, Failure> {
    for pause in HUNG_UP {
        match attempt(helper, endpoint, accept_new, through, course).await {
            Err(Broken::HungUp(_)) => {}
            Err(Broken::Failed(failure)) => return Err(failure),
            Ok(exchanged) => return Ok(exchanged),
        }
        // Those who were refused together do not come back together.
        let part = getrandom::u32().map_or(1.0, |random| 0.5 + f64::from(random) / f64::from(u32::MAX));
        tokio::time::sleep(Duration::from_millis(pause).mul_f64(part)).await;
    }
    attempt(helper, endpoint, accept_new, through, course).await.map_err(|broken| match broken {
        Broken::HungUp(failure) | Broken::Failed(failure) => failure,
    })
}

async fn attempt(
    helper: &Arc<Helper>,
    endpoint: &Endpoint,
    accept_new: bool,
    through: Option<&Lease>,
    course: &dyn Course,
) -> Result<Exchanged, Broken> {
    let found = Arc::new(Mutex::new(KeyCheck::default()));
    let (closed, watch_closed) = watch::channel(None);
    let (announced, watch_announced) = watch::channel(Vec::new());
    let incoming = Arc::<Incoming>::default();
    let client = Client {
        endpoint: endpoint.clone(),
        accept_new,
        helper: helper.clone(),
        found: found.clone(),
        closed,
        announced,
        incoming: incoming.clone(),
    };
    let known = helper.trust.known()?;
    let config = client::Config {
        window_size: WINDOW,
        channel_buffer_size: CHANNEL_BUFFER,
        keepalive_interval: Some(helper.settings.keepalive_s).filter(|s| *s > 0).map(Duration::from_secs),
        keepalive_max: KEEPALIVE_MAX,
        preferred: preferred(&known, endpoint),
        ..client::Config::default()
    };
    let connected = dial(config, endpoint, through, client, course).await?;
    match connected {
        Ok(handle) => {
            let (closed, announced) = (watch_closed, watch_announced);
            Ok(Exchanged { handle, check: found, closed, announced, incoming })
        }
        Err(ClientError(error)) => {
            let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
            let hung_up = match &error {
                russh::Error::Disconnect => true,
                russh::Error::IO(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
                _ => false,
            };
            let failure = || unreachable_host(endpoint, &error.to_string());
            Err(match (found.refused.take(), &found.key) {
                (Some(refused), _) => Broken::Failed(refused),
                (None, None) if hung_up => Broken::HungUp(failure()),
                (None, _) => Broken::Failed(failure()),
            })
        }
    }
}

/// What we would rather speak: AES-GCM, and a host key algorithm that is known for this host, so that a
/// host with several keys shows one that can be checked.
fn preferred(known: &KnownHosts, endpoint: &Endpoint) -> Preferred {
    let algorithms = known.known_algorithms(endpoint.host(), endpoint.port());
    let rank = |algorithm: &Algorithm| !algorithms.iter().any(|known| same_key_type(known, algorithm));
    let mut key = Preferred::DEFAULT.key.into_owned();
    key.sort_by_key(rank);
    let certificates =
        if known.has_authority(endpoint.host(), endpoint.port()) { key.clone() } else { Vec::new() };
    Preferred {
        cipher: Cow::Borrowed(CIPHERS),
        key: key.into(),
        host_key_certificates: certificates.into(),
        ..Preferred::DEFAULT
    }
}

/// RSA keys are one type under several signature algorithms.
fn same_key_type(a: &Algorithm, b: &Algorithm) -> bool {
    matches!((a, b), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })) || a == b
}

/// Connects, directly or through a jump host, and exchanges keys.
async fn dial<H: client::Handler + Send + 'static>(
    config: client::Config,
    endpoint: &Endpoint,
    through: Option<&Lease>,
    handler: H,
    course: &dyn Course,
) -> Result<Result<client::Handle<H>, H::Error>, Failure> {
    let config = Arc::new(config);
    match through {
        None => {
            let unreachable = |error: std::io::Error| unreachable_host(endpoint, &error.to_string());
            let found = lookup_host((endpoint.host(), endpoint.port())).await.map_err(unreachable)?;
            let found: Vec<SocketAddr> = found.take(ADDRESSES).collect();
            let shown: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
            course.reached(Milestone::Resolve, resolved(endpoint.host(), &shown));
            let stream = TcpStream::connect(found.as_slice()).await.map_err(unreachable)?;
            course.reached(Milestone::Connect, format!("port {} answers", endpoint.port()));
            // Without it Nagle's algorithm costs some 40 ms a command; a refusal costs just that.
            let _ = stream.set_nodelay(true);
            Ok(client::connect_stream(config, QuickStream::new(stream), handler).await)
        }
        Some(jump) => {
            course.reached(Milestone::Resolve, format!("the jump host resolves {}", endpoint.host()));
            let (host, port) = (endpoint.host(), endpoint.port());
            let channel = jump.open_tcpip(host, port).await.map_err(|error| {
                Failure::new(
                    ErrorCode::SshConnectionFailed,
                    format!("the jump host cannot reach {host}:{port}: {error}"),
                    "check the name, the port and whether the jump host's sshd allows TCP forwarding",
                )
            })?;
            course.reached(Milestone::Connect, format!("port {} answers the jump host", endpoint.port()));
            Ok(client::connect_stream(config, channel.into_stream(), handler).await)
        }
    }
}

/// Connects far enough to see the host's key, and leaves without a login.
///
/// # Errors
/// When the host cannot be reached or does not speak SSH.
pub async fn scan(endpoint: &Endpoint, through: Option<&Lease>) -> Result<PublicKey, Failure> {
    let found = Arc::new(Mutex::new(KeyCheck::default()));
    let look = dial(client::Config::default(), endpoint, through, Scanner(found.clone()), &Unfollowed);
    let connected = tokio::time::timeout(LOGIN_TIME, look)
        .await
        .unwrap_or_else(|_| Err(unreachable_host(endpoint, "no key within 30 seconds")))?;
    let key = found.lock().unwrap_or_else(PoisonError::into_inner).key.take();
    match (key, connected) {
        (Some(key), _) => Ok(key),
        (None, Err(error)) => Err(unreachable_host(endpoint, &error.to_string())),
        (None, Ok(_)) => Err(unreachable_host(endpoint, "it showed no key")),
    }
}

fn unreachable_host(endpoint: &Endpoint, why: &str) -> Failure {
    Failure::new(
        ErrorCode::SshConnectionFailed,
        format!("cannot connect to {endpoint}: {why}"),
        "check the host's name, its port and the network between; `sallyport host test ALIAS` walks the steps",
    )
}

/// What a name stands for; an address for itself.
fn resolved(host: &str, addresses: &[String]) -> String {
    match addresses {
        [only] if only == host => format!("{host} is an address"),
        several => format!("{host} is {}", several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[test]
    fn as_it_comes_a_dead_peer_is_noticed_within_ninety_seconds() {
        // The question that is not answered any more when the last one counts ends it.
        assert!(Settings::default().keepalive_s * (KEEPALIVE_MAX as u64 + 1) <= 90);
    }
}
