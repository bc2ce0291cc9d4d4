//! Connecting to one of the helper's sockets, and the frozen handshake.

use std::io::ErrorKind;
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Uid;
use sallyport_protocol::Failure;
use sallyport_protocol::frame::{self, Deframer};
use sallyport_protocol::handshake::{Hello, Reply, Role, Welcome};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use super::{Place, Side, start, unavailable};

/// A helper that has not greeted by then is stuck.
const GREETING: Duration = Duration::from_secs(10);

/// A greeted connection.
#[derive(Debug)]
pub struct Dialled {
    /// The socket.
    pub stream: UnixStream,
    /// Bytes that arrived behind the greeting.
    pub deframer: Deframer,
    /// What the helper said of itself.
    pub welcome: Welcome,
}

/// Why there is no greeted connection.
struct Missed {
    failure: Failure,
    /// What kept us from it.
    why: Why,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Nobody listens there.
    Nobody,
    /// The connection broke before a greeting: so it is with a helper that is
    /// just ending.
    Broken,
    /// Somebody is there who will not have us, or whom we will not have.
    Refused,
}

/// Connects to the helper of `place`, starting one when none lives there and
/// that is allowed.
///
/// # Errors
/// `helper_unavailable`, saying what is missing.
pub async fn dial<S: Side>(place: &Place) -> Result<Dialled, Failure> {
    let first = match attempt::<S>(place).await {
        Ok(dialled) => return Ok(dialled),
        Err(missed) => missed,
    };
    if first.why == Why::Refused || !place.autostart {
        return Err(first.failure);
    }
    let started = match &place.porter {
        Some(porter) => porter.start_helper().await,
        None => start::start(place).await,
    };
    // Somebody else may have started one in the meantime: what counts is
    // whether one answers now.
    match (attempt::<S>(place).await, started) {
        (Ok(dialled), _) => Ok(dialled),
        (Err(Missed { why: Why::Nobody, .. }), Err(failure)) => Err(failure),
        (Err(second), _) => Err(second.failure),
    }
}

async fn attempt<S: Side>(place: &Place) -> Result<Dialled, Missed> {
    let stream = connect::<S>(place).await.map_err(|error| Missed {
        failure: unreachable::<S>(place, &error),
        why: if is_absent(&error) { Why::Nobody } else { Why::Refused },
    })?;
    match tokio::time::timeout(GREETING, greet::<S>(stream, place)).await {
        Ok(greeted) => greeted,
        Err(_) => Err(refused(unavailable(
            "the vault helper accepted the connection but does not answer",
            "look at its log, or stop it; the next call starts a new one",
        ))),
    }
}

fn refused(failure: Failure) -> Missed {
    Missed { failure, why: Why::Refused }
}

async fn connect<S: Side>(place: &Place) -> std::io::Result<UnixStream> {
    match &place.porter {
        // The porter knows one socket.
        Some(porter) if S::ROLE == Role::Broker => porter.connect().await,
        _ => UnixStream::connect(place.socket(S::SOCKET)).await,
    }
}

/// Nobody listens there, as opposed to somebody who will not have us.
fn is_absent(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused)
}

fn unreachable<S: Side>(place: &Place, error: &std::io::Error) -> Failure {
    let socket = place.socket(S::SOCKET);
    let socket = socket.display();
    if is_absent(error) {
        return unavailable(
            format!("no vault helper listens on {socket}"),
            "start sallyport-vault-helper, or unset SALLYPORT_NO_AUTOSTART so that it is started when needed",
        );
    }
    unavailable(format!("{socket} cannot be used: {error}"), "check who owns the socket and its directory")
}

async fn greet<S: Side>(mut stream: UnixStream, place: &Place) -> Result<Dialled, Missed> {
    let broken = |error: std::io::Error| Missed {
        failure: unavailable(format!("the vault helper broke off the greeting: {error}"), "look at its log"),
        why: Why::Broken,
    };
    let peer = getsockopt(&stream, sockopt::PeerCredentials).map_err(|errno| broken(errno.into()))?;
    place.trust.check(Uid::from_raw(peer.uid())).map_err(refused)?;

    let garbled = || {
        refused(unavailable(
            "what listens on the helper's socket does not speak its protocol",
            "install both programs from one release and stop the old helper",
        ))
    };
    let hello = frame::encode(&Hello::new(S::ROLE)).map_err(|_| garbled())?;
    stream.write_all(&hello).await.map_err(broken)?;
    let mut deframer = Deframer::new();
    let reply: Reply = loop {
        if let Some(body) = deframer.next_body().map_err(|_| garbled())? {
            break frame::decode(body).map_err(|_| garbled())?;
        }
        match stream.read_buf(deframer.room()).await.map_err(broken)? {
            0 => {
                let failure = unavailable(
                    "the vault helper closed the connection without a greeting",
                    "its log says why; a uid it does not know is one reason",
                );
                return Err(Missed { failure, why: Why::Broken });
            }
            count => deframer.filled(count),
        }
    };
    match reply {
        Reply::Welcome(welcome) => Ok(Dialled { stream, deframer, welcome }),
        Reply::Refused(refusal) => Err(refused(unavailable(
            format!("the vault helper refused the connection: {}", refusal.sentence),
            "install both programs from one release and stop the old helper",
        ))),
    }
}
