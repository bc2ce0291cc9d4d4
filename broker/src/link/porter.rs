//! The porter: a child process, made before the broker locks itself in, that does the two things it then cannot do
//! itself: connect to the helper's broker socket, and start a helper.
//!
//! It takes orders of one byte and knows one socket, so a broker that was taken over gets nothing from it but what it
//! may have anyway. It ends with the broker.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use sallyport_protocol::{ErrorCode, Failure};
use serde::{Deserialize, Serialize};
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Mutex;

use super::{Broker, Place, Side, start};

/// The hidden command that is the porter.
pub const COMMAND: &str = "porter";
/// Connect.
const CONNECT: u8 = b'c';
/// Start a helper.
const START: u8 = b's';
/// The longest answer, in bytes.
const LONGEST: usize = 32 * 1024;

/// The broker's side.
#[derive(Debug)]
pub struct Porter {
    socket: Mutex<UnixStream>,
}

#[derive(Serialize, Deserialize)]
enum Answer {
    /// The connection, as a descriptor beside this message; or a helper was started.
    Done,
    /// Connecting failed with this errno.
    Unreachable(i32),
    /// No helper could be started: message and hint.
    NotStarted(String, String),
}

impl Porter {
    /// Starts a porter for the broker socket of the place the environment names.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn start() -> std::io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        Command::new("/proc/self/exe")
            .arg0("sallyport")
            .arg(COMMAND)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .current_dir("/")
            .spawn()?;
        let ours = StdStream::from(ours);
        ours.set_nonblocking(true)?;
        Ok(Self { socket: Mutex::new(UnixStream::from_std(ours)?) })
    }

    /// Connects to the broker socket.
    ///
    /// # Errors
    /// As connect(2) does.
    pub async fn connect(&self) -> std::io::Result<UnixStream> {
        match self.ask(CONNECT).await? {
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
        let broken = |error: std::io::Error| {
            super::unavailable(format!("the porter is gone: {error}"), "start this server again")
        };
        match self.ask(START).await.map_err(broken)? {
            (Answer::NotStarted(message, hint), _) => Err(super::unavailable(message, hint)),
            _ => Ok(()),
        }
    }

    async fn ask(&self, order: u8) -> std::io::Result<(Answer, Option<OwnedFd>)> {
        // One order at a time: answers carry no number.
        let socket = self.socket.lock().await;
        socket.async_io(Interest::WRITABLE, || send_order(&*socket, order)).await?;
        socket.async_io(Interest::READABLE, || receive(&*socket)).await
    }
}

fn send_order(socket: &impl AsFd, order: u8) -> std::io::Result<usize> {
    Ok(rustix::net::send(socket, &[order], SendFlags::NOSIGNAL)?)
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
pub async fn serve(place: Place) -> Result<(), Failure> {
    let stdin = std::io::stdin();
    let broken = |error: &dyn std::fmt::Display| {
        Failure::new(
            ErrorCode::InternalError,
            format!("the porter has no broker: {error}"),
            "it is started by `sallyport serve`",
        )
    };
    loop {
        let mut order = [0];
        match rustix::net::recv(&stdin, &mut order, RecvFlags::empty()) {
            // However the broker ended, there is nothing left to do and nobody to tell.
            Ok((0, _)) | Err(Errno::CONNRESET) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(broken(&error)),
        }
        let (answer, descriptor) = match order[0] {
            CONNECT => match StdStream::connect(place.socket(Broker::SOCKET)) {
                Ok(stream) => (Answer::Done, Some(OwnedFd::from(stream))),
                Err(error) => (Answer::Unreachable(error.raw_os_error().unwrap_or(0)), None),
            },
            START if place.autostart => match start::start(&place).await {
                Ok(()) => (Answer::Done, None),
                Err(failure) => {
                    (Answer::NotStarted(failure.message.into_string(), failure.hint.into_string()), None)
                }
            },
            _ => (Answer::NotStarted("helpers are not started here".into(), String::new()), None),
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
