//! Opening a transport: resolve, connect, exchange keys, check the host key, log in.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::{Algorithm, HashAlg, PublicKey};
use sallyport_protocol::{ErrorCode, Failure};
use tokio::net::{TcpStream, lookup_host};

use super::auth;
use super::course::{Asker, Course, Milestone, Unfollowed};
use super::judge::{Judge, KeyCheck};
use super::keeper::Keeper;
use super::link::Link;
use super::login::Login;
use super::process::{Server, Shared};
use super::relay;
use super::transport::{Lease, Transport};
use super::trust::Endpoint;
use crate::carrier::language::{Fault, Order};
use crate::guard::target::Target;
use crate::helper::Helper;
use crate::hostkeys::KnownHosts;

/// The time for everything up to the finished login.
const LOGIN_TIME: Duration = Duration::from_secs(30);
/// Pauses in milliseconds before another attempt where a server hangs up without a word: sshd does that to some connections as soon
/// as ten logins are under way, and to all at a hundred (sshd_config(5), MaxStartups).
const HUNG_UP: [u64; 5] = [100, 200, 400, 800, 1600];
/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
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
    carriers: &Shared,
) -> Result<Transport, Failure> {
    let asker =
        Asker { helper, alias: &target.alias, user: &target.user, course, waiting: AtomicBool::new(false) };
    let login = async {
        let endpoint = target.endpoint();
        // Decryption runs beside the key exchange; what it yields is offered only after the key was accepted.
        let keeper = Keeper::start(helper, target)?;
        let way = Way { endpoint: &endpoint, through: through.as_ref(), course, carriers };
        let exchanging = exchange(helper, &way, target.accepts_new_keys());
        let (connected, _) = tokio::join!(exchanging, keeper.offers(0));
        let (mut login, host_key) = connected?;
        let fingerprint =
            host_key.map(|key| key.fingerprint(HashAlg::Sha256).to_string()).unwrap_or_default();
        course.reached(Milestone::Key, format!("its key is known: {fingerprint}"));
        auth::log_in(&mut login, &keeper, &target.user, &endpoint.to_string(), &asker).await?;
        course.reached(Milestone::Login, format!("logged in as {}", target.user));
        Ok(Transport::new(
            login.done(),
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

/// How a host is reached.
struct Way<'a> {
    endpoint: &'a Endpoint,
    through: Option<&'a Lease>,
    course: &'a dyn Course,
    carriers: &'a Shared,
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

/// Connects and exchanges keys; tries again where the server hangs up at once. The key the host showed comes along.
async fn exchange(
    helper: &Arc<Helper>,
    way: &Way<'_>,
    accept_new: bool,
) -> Result<(Login, Option<PublicKey>), Failure> {
    for pause in HUNG_UP {
        match attempt(helper, way, accept_new).await {
            Err(Broken::HungUp(_)) => {}
            Err(Broken::Failed(failure)) => return Err(failure),
            Ok(exchanged) => return Ok(exchanged),
        }
        // Those who were refused together do not come back together.
        let part = getrandom::u32().map_or(1.0, |random| 0.5 + f64::from(random) / f64::from(u32::MAX));
        tokio::time::sleep(Duration::from_millis(pause).mul_f64(part)).await;
    }
    attempt(helper, way, accept_new).await.map_err(|broken| match broken {
        Broken::HungUp(failure) | Broken::Failed(failure) => failure,
    })
}

async fn attempt(
    helper: &Arc<Helper>,
    way: &Way<'_>,
    accept_new: bool,
) -> Result<(Login, Option<PublicKey>), Broken> {
    let endpoint = way.endpoint;
    let found = Arc::new(Mutex::new(KeyCheck::default()));
    let expected = Some((helper.clone(), endpoint.clone(), accept_new));
    let known = helper.trust.known()?;
    let order = Order::Exchange {
        algorithms: preferred(&known, endpoint),
        certificates: known.has_authority(endpoint.host(), endpoint.port()),
        keepalive_s: helper.settings.keepalive_s,
    };
    let mut login = dial(helper, way, Judge { expected, found: found.clone() }).await?;
    let exchanged = login.exchange(order).await;
    let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
    let Err(fault) = exchanged else { return Ok((login, found.key.take())) };
    Err(match (found.refused.take(), &found.key, fault) {
        (Some(refused), ..) => Broken::Failed(refused),
        (None, _, Fault::CanBeCut) => Broken::Failed(can_be_cut(endpoint)),
        (None, None, Fault::HungUp(why)) => Broken::HungUp(unreachable_host(endpoint, &why)),
        (None, _, Fault::HungUp(why) | Fault::Other(why)) => Broken::Failed(unreachable_host(endpoint, &why)),
    })
}

fn can_be_cut(endpoint: &Endpoint) -> Failure {
    Failure::new(
        ErrorCode::SshConnectionFailed,
        format!(
            "{endpoint} offers ChaCha20 alone and no strict key exchange: messages could be cut off (CVE-2023-48795)"
        ),
        "update the host's SSH server (OpenSSH 9.6), or have it offer AES-GCM (`Ciphers` of its sshd_config)",
    )
}

/// Host key algorithms, those first of which a key is known for this host: one with several keys is to show one that can
/// be checked.
fn preferred(known: &KnownHosts, endpoint: &Endpoint) -> Vec<String> {
    let algorithms = known.known_algorithms(endpoint.host(), endpoint.port());
    let known = |algorithm: &&Algorithm| algorithms.iter().any(|known| same_key_type(known, algorithm));
    let all = russh::Preferred::DEFAULT.key;
    all.iter().filter(known).map(|algorithm| algorithm.as_str().to_owned()).collect()
}

/// RSA keys are one type under several signature algorithms.
fn same_key_type(a: &Algorithm, b: &Algorithm) -> bool {
    matches!((a, b), (Algorithm::Rsa { .. }, Algorithm::Rsa { .. })) || a == b
}

/// Connects, directly or through a jump host, while a process is found that speaks to the host, and hands it over.
async fn dial(helper: &Helper, way: &Way<'_>, judge: Judge) -> Result<Login, Failure> {
    let (server, carrier) = tokio::join!(reach(way), way.carriers.get(helper.settings.min_hardening));
    Ok(Login::new(Link::open(carrier?, server?, judge).await?))
}

async fn reach(way: &Way<'_>) -> Result<Server, Failure> {
    let Way { endpoint, through, course, .. } = way;
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
            Ok(Server::Tcp(stream))
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
            let carried =
                relay::begin(channel).map_err(|error| unreachable_host(endpoint, &error.to_string()))?;
            Ok(Server::Carried(carried))
        }
    }
}

/// Connects far enough to see the host's key, and leaves without a login.
///
/// # Errors
/// When the host cannot be reached or does not speak SSH.
pub async fn scan(
    helper: &Helper,
    endpoint: &Endpoint,
    through: Option<&Lease>,
) -> Result<PublicKey, Failure> {
    let found = Arc::new(Mutex::new(KeyCheck::default()));
    let way = Way { endpoint, through, course: &Unfollowed, carriers: &Shared::default() };
    let look = async {
        // Nothing is expected of the key, so nothing follows it.
        let mut login = dial(helper, &way, Judge { expected: None, found: found.clone() }).await?;
        let order = Order::Exchange { algorithms: Vec::new(), certificates: false, keepalive_s: 0 };
        Ok(login.exchange(order).await)
    };
    let exchanged = tokio::time::timeout(LOGIN_TIME, look)
        .await
        .unwrap_or_else(|_| Err(unreachable_host(endpoint, "no key within 30 seconds")))?;
    let key = found.lock().unwrap_or_else(PoisonError::into_inner).key.take();
    match (key, exchanged) {
        (Some(key), _) => Ok(key),
        (None, Err(Fault::HungUp(why) | Fault::Other(why))) => Err(unreachable_host(endpoint, &why)),
        (None, Err(Fault::CanBeCut) | Ok(())) => Err(unreachable_host(endpoint, "it showed no key")),
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
    use crate::carrier::KEEPALIVE_MAX;
    use crate::config::Settings;

    #[test]
    fn as_it_comes_a_dead_peer_is_noticed_within_ninety_seconds() {
        // The question that is not answered any more when the last one counts ends it.
        assert!(Settings::default().keepalive_s * (KEEPALIVE_MAX as u64 + 1) <= 90);
    }
}
