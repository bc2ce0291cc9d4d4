//! Connecting to one of the helper's sockets, and the frozen handshake.

use std::io::ErrorKind;
use std::time::Duration;

use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Uid;
use sallyport_protocol::Failure;
use sallyport_protocol::frame::{self, Deframer};
use sallyport_protocol::handshake::{Hello, Reply, Welcome};
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

/// Connects to the helper of `place`, starting one when none listens and that
/// is allowed.
///
/// # Errors
/// `helper_unavailable`, saying what is missing.
pub async fn dial<S: Side>(place: &Place) -> Result<Dialled, Failure> {
    let stream = match connect::<S>(place).await {
        Ok(stream) => stream,
        Err(error) if is_absent(&error) && place.autostart => {
            let started = start::start(place).await;
            // Somebody else may have started one in the meantime: what counts is
            // whether one listens now.
            match (connect::<S>(place).await, started) {
                (Ok(stream), _) => stream,
                (Err(_), Err(failure)) => return Err(failure),
                (Err(error), Ok(())) => return Err(unreachable::<S>(place, &error)),
            }
        }
        Err(error) => return Err(unreachable::<S>(place, &error)),
    };
    match tokio::time::timeout(GREETING, greet::<S>(stream, place)).await {
        Ok(greeted) => greeted,
        Err(_) => Err(unavailable(
            "the vault helper accepted the connection but does not answer",
            "look at its log, or stop it; the next call starts a new one",
        )),
    }
}

async fn connect<S: Side>(place: &Place) -> std::io::Result<UnixStream> {
    UnixStream::connect(place.socket(S::SOCKET)).await
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

async fn greet<S: Side>(mut stream: UnixStream, place: &Place) -> Result<Dialled, Failure> {
    let broken = |error: std::io::Error| {
        unavailable(format!("the vault helper broke off the greeting: {error}"), "look at its log")
    };
    let peer = getsockopt(&stream, sockopt::PeerCredentials).map_err(|errno| broken(errno.into()))?;
    place.trust.check(Uid::from_raw(peer.uid()))?;

    let garbled = || {
        unavailable(
            "what listens on the helper's socket does not speak its protocol",
            "install both programs from one release and stop the old helper",
        )
    };
    let hello = frame::encode(&Hello::new(S::ROLE)).map_err(|_| garbled())?;
    stream.write_all(&hello).await.map_err(broken)?;
    let mut deframer = Deframer::new();
    let mut buffer = [0; 4096];
    let reply: Reply = loop {
        if let Some(body) = deframer.next_body().map_err(|_| garbled())? {
            break frame::decode(body).map_err(|_| garbled())?;
        }
        match stream.read(&mut buffer).await.map_err(broken)? {
            0 => {
                return Err(unavailable(
                    "the vault helper closed the connection without a greeting",
                    "its log says why; a uid it does not know is one reason",
                ));
            }
            n => deframer.push(&buffer[..n]),
        }
    };
    match reply {
        Reply::Welcome(welcome) => Ok(Dialled { stream, deframer, welcome }),
        Reply::Refused(refused) => Err(unavailable(
            format!("the vault helper refused the connection: {}", refused.sentence),
            "install both programs from one release and stop the old helper",
        )),
    }
}
