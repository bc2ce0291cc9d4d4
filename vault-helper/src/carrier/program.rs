//! The process itself: what it takes from itself, and the connections it is handed.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::process::ExitCode;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recvmsg, send};
use sallyport_sandbox::files::Files;
use sallyport_sandbox::{SandboxError, attributes, calls, files};
use tokio::io::Interest;
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use super::connection;
use super::stream::QuickStream;

/// A server is reached over TCP.
pub const BY_TCP: u8 = b't';
/// A server is reached over a Unix socket, at whose other end the helper carries bytes to and from a jump host.
pub const BY_HELPER: u8 = b'u';

/// Is a carrier: takes connections on standard input until the helper is gone and the last of them has ended. Says first
/// how many of its steps of hardening succeeded, as one byte.
pub fn run() -> ExitCode {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    // Nobody reads what is said here: the helper sees that the process is gone.
    match runtime.block_on(take_connections()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// How many steps there are: `process`, `files` and `calls`, as the helper's own.
pub const STEPS: u8 = 3;

/// Takes everything from this process that it has no use for, step by step until one fails.
fn harden() -> u8 {
    let steps: [fn() -> Result<(), SandboxError>; STEPS as usize] = [
        || attributes::close().and_then(|()| attributes::end_with_parent()),
        || files::restrict(&Files::default()),
        calls::keep_those_of_a_carrier,
    ];
    // Where any amount may be locked, as the helper's; passwords pass through here.
    let _ = attributes::lock_memory();
    steps.iter().take_while(|step| step().is_ok()).count() as u8
}

async fn take_connections() -> io::Result<()> {
    let control = stream(io::stdin().as_fd().try_clone_to_owned()?)?;
    // After the runtime has what it needs, and before a server's first byte.
    let level = harden();
    send(&control, &[level], SendFlags::NOSIGNAL)?;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            handed = control.async_io(Interest::READABLE, || receive(&control)) => match handed? {
                Some((BY_TCP, [orders, reports, server])) => {
                    let (orders, reports) = pipes(orders, reports)?;
                    connections.spawn(connection::serve(orders, reports, QuickStream::new(tcp(server)?)));
                }
                Some((BY_HELPER, [orders, reports, server])) => {
                    let (orders, reports) = pipes(orders, reports)?;
                    connections.spawn(connection::serve(orders, reports, stream(server)?));
                }
                _ => break,
            },
            Some(_) = connections.join_next() => {}
        }
    }
    while connections.join_next().await.is_some() {}
    Ok(())
}

fn stream(descriptor: OwnedFd) -> io::Result<UnixStream> {
    let stream = StdUnixStream::from(descriptor);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}

fn tcp(descriptor: OwnedFd) -> io::Result<TcpStream> {
    let stream = std::net::TcpStream::from(descriptor);
    stream.set_nonblocking(true)?;
    TcpStream::from_std(stream)
}

/// The helper has seen to it that they are pipes and do not block.
fn pipes(orders: OwnedFd, reports: OwnedFd) -> io::Result<(Receiver, Sender)> {
    Ok((Receiver::from_owned_fd_unchecked(orders)?, Sender::from_owned_fd_unchecked(reports)?))
}

/// The next connection: how the server is reached, the pipe of orders, the pipe for reports, the socket to the server.
/// Nothing when the helper is gone.
fn receive(socket: &impl AsFd) -> io::Result<Option<(u8, [OwnedFd; 3])>> {
    let mut kind = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    let got = recvmsg(socket, &mut [io::IoSliceMut::new(&mut kind)], &mut control, flags)?;
    let mut passed = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let descriptors: Vec<OwnedFd> = passed.next().into_iter().flatten().collect();
    Ok(descriptors.try_into().ok().filter(|_| got.bytes == 1).map(|three| (kind[0], three)))
}
