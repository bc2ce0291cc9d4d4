//! The porter: a child process, made before the broker locks itself in, that does the three things it then cannot do
//! itself: connect to the helper's broker socket, start a helper, and make a Unix socket for a forward to listen on.
//!
//! It knows one socket to connect to, and makes new ones only where the broker may make files, so a broker that was taken
//! over gets nothing from it but what it may have anyway. It ends with the broker, and removes the sockets it made.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::{UnixListener as StdListener, UnixStream as StdStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use sallyport_protocol::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;

use super::{Broker, Place, Side, start};
use crate::forward::Doorsteps;

/// The hidden command that is the porter.
pub const COMMAND: &str = "porter";
/// Connect.
const CONNECT: u8 = b'c';
/// Start a helper.
const START: u8 = b's';
/// Make a Unix socket at the path that follows, and listen there.
const LISTEN: u8 = b'l';
/// The longest order or answer, in bytes.
const LONGEST: usize = 32 * 1024;

/// The broker's side.
#[derive(Debug)]
pub struct Porter {
    socket: Arc<Mutex<UnixStream>>,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    /// The connection, as a descriptor beside this message; or a helper was started.
    Done,
    /// Connecting failed with this errno.
    Unreachable(i32),
    /// It could not be done.
    Refused(Failure),
}

impl Porter {
    /// Starts a porter for the broker socket of the place the environment names, and for Unix sockets below `roots`.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn start(roots: &[PathBuf]) -> std::io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Command::new("/proc/self/exe")
            .arg0("sallyport")
            .arg(COMMAND)
            .args(roots)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .current_dir("/")
            .spawn()?;
        let ours = StdStream::from(ours);
        ours.set_nonblocking(true)?;
        Ok(Self { socket: Arc::new(Mutex::new(UnixStream::from_std(ours)?)) })
    }

    /// Connects to the broker socket.
    ///
    /// # Errors
    /// As connect(2) does.
    pub async fn connect(&self) -> std::io::Result<UnixStream> {
        match self.ask(&[CONNECT]).await? {
            (Answer::Done, Some(descriptor)) => {
                let stream = StdStream::from(descriptor);
                stream.set_nonblocking(true)?;
                UnixStream::from_std(stream)
            }
            (Answer::Unreachable(errno), _) => Err(std::io::Error::from_raw_os_error(errno)),
            _ => Err(std::io::Error::other("the porter makes no sense")),
        }
    }

    /// Starts a helper.
    ///
    /// # Errors
    /// As [`start::start`] does.
    pub async fn start_helper(&self) -> Result<(), Failure> {
        match self.ask(&[START]).await.map_err(gone)? {
            (Answer::Refused(failure), _) => Err(failure),
            _ => Ok(()),
        }
    }

    /// Makes a Unix socket at a local path and listens there.
    ///
    /// # Errors
    /// As [`Doorsteps::listen`] does.
    pub async fn listen(&self, path: &str) -> Result<UnixListener, Failure> {
        match self.ask(&[&[LISTEN], path.as_bytes()].concat()).await.map_err(gone)? {
            (Answer::Refused(failure), _) => Err(failure),
            (Answer::Done, Some(descriptor)) => {
                let listener = StdListener::from(descriptor);
                listener.set_nonblocking(true).map_err(gone)?;
                UnixListener::from_std(listener).map_err(gone)
            }
            _ => Err(gone(std::io::Error::other("it makes no sense"))),
        }
    }

    async fn ask(&self, order: &[u8]) -> std::io::Result<(Answer, Option<OwnedFd>)> {
        let (socket, order) = (self.socket.clone(), order.to_vec());
        // One order at a time, and each to its answer, though nobody may wait for that any more (a call was cancelled):
        // answers carry no number, and the next order would get it.
        let exchange = tokio::spawn(async move {
            let socket = socket.lock_owned().await;
            socket.async_io(Interest::WRITABLE, || send_order(&*socket, &order)).await?;
            socket.async_io(Interest::READABLE, || receive(&*socket)).await
        });
        exchange.await.map_err(std::io::Error::other)?
    }
}

fn gone(error: std::io::Error) -> Failure {
    super::unavailable(format!("the porter is gone: {error}"), "start this server again")
}

fn send_order(socket: &impl AsFd, order: &[u8]) -> std::io::Result<usize> {
    Ok(rustix::net::send(socket, order, SendFlags::NOSIGNAL)?)
}

fn receive(socket: &impl AsFd) -> std::io::Result<(Answer, Option<OwnedFd>)> {
    let mut bytes = vec![0; LONGEST];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let mut passed = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            passed = descriptors.into_iter().next();
        }
    }
    let answer =
        serde_json::from_slice(&bytes[..got.bytes]).map_err(|_| std::io::ErrorKind::UnexpectedEof)?;
    Ok((answer, passed))
}

/// Is the porter: takes orders on standard input until the broker is gone.
///
/// # Errors
/// When the socket fails.
pub async fn serve(place: Place, roots: Vec<PathBuf>) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    let broken = |error: &dyn std::fmt::Display| {
        Failure::new(
            ErrorCode::InternalError,
            format!("the porter has no broker: {error}"),
            "it is started by `sallyport serve`",
        )
    };
    let mut doorsteps = Doorsteps::below(roots);
    let mut order = vec![0; LONGEST];
    loop {
        let length = match rustix::net::recv(&stdin, &mut order[..], RecvFlags::empty()) {
            // However the broker ended, there is nothing left to do and nobody to tell.
            Ok((0, _)) | Err(Errno::CONNRESET) => return Ok(()),
            Ok((length, _)) => length,
            Err(error) => return Err(broken(&error)),
        };
        let (answer, descriptor) = match carry_out(&place, &mut doorsteps, &order[..length]).await {
            Ok(descriptor) => (Answer::Done, descriptor),
            Err(answer) => (answer, None),
        };
        let bytes = serde_json::to_vec(&answer).map_err(|error| broken(&error))?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let passed = descriptor.as_ref().map(AsFd::as_fd);
        if let Some(passed) = &passed {
            control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(passed)));
        }
        match sendmsg(&stdin, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL) {
            Ok(_) => {}
            Err(Errno::PIPE | Errno::CONNRESET) => return Ok(()),
            Err(error) => return Err(broken(&error)),
        }
    }
}

/// Does what one order says; a descriptor goes with the answer.
async fn carry_out(
    place: &Place,
    doorsteps: &mut Doorsteps,
    order: &[u8],
) -> Result<Option<OwnedFd>, Answer> {
    match order {
        [CONNECT] => match StdStream::connect(place.socket(Broker::SOCKET)) {
            Ok(stream) => Ok(Some(stream.into())),
            Err(error) => Err(Answer::Unreachable(error.raw_os_error().unwrap_or(0))),
        },
        [START] if place.autostart => start::start(place).await.map(|()| None).map_err(Answer::Refused),
        [LISTEN, path @ ..] => {
            let path = String::from_utf8_lossy(path);
            doorsteps.listen(&path).map(Some).map_err(Answer::Refused)
        }
        _ => Err(Answer::Refused(super::unavailable("helpers are not started here", ""))),
    }
}
